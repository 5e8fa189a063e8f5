"""Reason codes, each with the sentence that a customer or a colleague reads.

The codes of a refused permit come from the consent table as they are; the others are given here by
the gates. `SELECTED` is the reason of an act.
"""

from types import MappingProxyType

SELECTED = "selected"
NODE_EXPIRED = "node_expired"
NODE_HALTED = "node_halted"
LOW_ASSURANCE = "low_assurance"
RESIDENCY = "residency"
STALE_CONTEXT = "stale_context"
UNREACHABLE = "unreachable"
NO_PERMIT = "no_permit"
QUIET_HOURS = "quiet_hours"
UNIVERSAL_HOLDOUT = "universal_holdout"
HOLDOUT = "holdout"
ALREADY_DONE = "already_done"
COOLDOWN = "cooldown"
CAPPED = "capped"
OUTRANKED = "outranked"
VOLUME_CAP = "volume_cap"
NEEDS_APPROVAL = "needs_approval"
APPROVAL_REFUSED = "approval_refused"

#: Reason code -> one sentence in plain language.
SENTENCES = MappingProxyType(
    {
        SELECTED: "Every check passed, so this was chosen.",
        NODE_EXPIRED: "This kind of message has reached the end date set for it.",
        NODE_HALTED: "This kind of message has been stopped for everyone.",
        LOW_ASSURANCE: "We are not sure enough that these records belong to this person.",
        RESIDENCY: "This person's data may not be processed in the region this would need.",
        STALE_CONTEXT: "What we know is too old to act on.",
        UNREACHABLE: "There is no usable address for any of the channels this may use.",
        NO_PERMIT: "Consent was not evaluated for this purpose and channel, so nothing is sent.",
        QUIET_HOURS: "It is night where this person lives, so this waits for the morning.",
        UNIVERSAL_HOLDOUT: (
            "This person is in the small group that receives none of these messages, "
            "which shows what they achieve."
        ),
        HOLDOUT: (
            "This person is in the small group that does not receive this message, "
            "which shows what it achieves."
        ),
        ALREADY_DONE: "This was already done for the same matter, and is done only once.",
        COOLDOWN: "The same was done a short while ago, so this waits some days.",
        CAPPED: "This person has had as many messages lately as we allow.",
        OUTRANKED: "Something more important goes to this person instead.",
        VOLUME_CAP: "The number of these that may be done in one run is used up.",
        NEEDS_APPROVAL: "A colleague has to approve this first.",
        APPROVAL_REFUSED: "A colleague decided against this.",
        "erased": "This person asked us to erase their data.",
        "restricted": "This person asked us to restrict the use of their data.",
        "suppressed": "This address or person is on the do-not-contact list.",
        "stale_consent": "Our copy of the consent records is too old to rely on.",
        "no_rule": "No rule allows this purpose and channel where this person lives.",
        "no_contract": "This is only allowed for customers, and this person is not one.",
        "withdrawn": "This person withdrew their consent.",
        "objected": "This person objected.",
        "denied": "This person said no.",
        "opted_out": "This person's browser or device signals an opt-out (Global Privacy Control).",
        "minor": "This person is a minor.",
        "special_category": "This would use sensitive data without explicit consent.",
        "no_consent": "This person has not given the consent that this needs.",
        "unconfirmed": "This person's consent has not been confirmed yet.",
        "stale_notice": "Consent was given under an older privacy notice than this needs.",
        "expired": "This person's consent has run out.",
        "contract": "This is part of the contract with this person.",
        "legal_obligation": "The law obliges us to do this.",
        "legitimate_interests": "We have a legitimate interest, and this person did not object.",
        "soft_opt_in": "This person is a customer and did not opt out of offers like this.",
        "consent": "This person gave their consent.",
    }
)

#: Reason code of the consent table -> what would change the verdict; the others are final.
LIFTS = MappingProxyType(
    {
        "restricted": "the person's own newer `lifted`",
        "suppressed": "the person's own newer grant for this purpose and channel",
        "stale_consent": "a run, which copies the ledger anew",
        "no_rule": "a rule for the country in regimes.yml",
        "no_contract": "a policy with us",
        "withdrawn": "the person's own newer grant for this purpose and channel",
        "objected": "the person's own newer grant for this purpose and channel",
        "denied": "the person's own newer grant for this purpose and channel",
        "opted_out": "the person's own newer grant for this purpose and channel",
        "minor": "coming of age",
        "special_category": "explicit consent to this purpose and channel",
        "no_consent": "a grant for this purpose and channel",
        "unconfirmed": "a click on the link of the confirmation message",
        "stale_notice": "a grant under the current notice",
        "expired": "a new grant",
        "contract": "the end of the contract",
        "legitimate_interests": "an objection or withdrawal",
        "soft_opt_in": "an objection or withdrawal",
        "consent": "a withdrawal",
    }
)
