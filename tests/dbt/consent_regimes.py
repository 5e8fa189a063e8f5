"""The regimes of the consent worlds."""

from activation.consent.regimes import Regimes

# Every kind of rule once, so that each row of the precedence table can be reached.
TEST_REGIMES = Regimes.model_validate(
    {
        "adult_age": 18,
        "channels": ["email", "sms", "push", "phone", "post"],
        "purposes": {
            "claims_service": {
                "description": "contract",
                "regimes": [{"countries": "elsewhere", "basis": "contract"}],
            },
            "legal_notice": {
                "description": "legal obligation",
                "regimes": [{"countries": "elsewhere", "basis": "legal_obligation"}],
            },
            "renewal": {
                "description": "interests or consent",
                "regimes": [
                    {
                        "countries": ["GB"],
                        "basis": "legitimate_interests",
                        "channels": {"phone": {"basis": "none"}},
                    },
                    {"countries": "elsewhere", "basis": "consent"},
                ],
            },
            "marketing": {
                "description": "opt-ins of each kind",
                "minimum_notice": "2025-11",
                "regimes": [
                    {
                        "countries": ["GB"],
                        "basis": "consent",
                        "channels": {"email": {"basis": "consent", "soft_opt_in": True}},
                    },
                    {"countries": ["DE"], "basis": "consent", "double_opt_in": True},
                    {"countries": "elsewhere", "basis": "consent"},
                ],
            },
            "advertising": {
                "description": "bound to an opt-out signal, but for elsewhere",
                "regimes": [
                    {
                        "countries": ["GB"],
                        "basis": "legitimate_interests",
                        "opt_out_signal": True,
                        "channels": {"sms": {"basis": "consent"}},
                    },
                    {"countries": ["DE"], "basis": "consent", "opt_out_signal": True},
                    {"countries": "elsewhere", "basis": "legitimate_interests"},
                ],
            },
            "health_advice": {
                "description": "special category",
                "special_category": True,
                "regimes": [
                    {"countries": ["GB"], "basis": "legitimate_interests"},
                    {"countries": "elsewhere", "basis": "consent"},
                ],
            },
        },
    }
)
