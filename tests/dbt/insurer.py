"""A small insurer for tests of profiles, contexts and outbound: one call a record.

    insurer = Insurer(warehouse)
    insurer.customer("1001", email="ada@example.com")
    insurer.policy("POL-1", "1001", product_line="motor")
    insurer.build("+per_contact_points")
    insurer.person("1001")  # the person_id that identity gave to the customer

Regimes and countries are the project's own data files. Instants are UTC.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from activation.consent.countries import load_countries
from activation.consent.regimes import flatten, flatten_purposes, load_regimes
from tests.dbt.builder import AS_OF, Warehouse

TODAY = AS_OF.date()


def before(**duration: float) -> datetime:
    """The instant so long before the run."""
    return AS_OF - timedelta(**duration)


def after(**duration: float) -> datetime:
    """The instant so long after the run."""
    return AS_OF + timedelta(**duration)


@dataclass
class Insurer:
    """Writes the source tables of one warehouse."""

    warehouse: Warehouse

    def __post_init__(self) -> None:
        regimes = load_regimes()
        self.warehouse.insert("country", load_countries())
        self.warehouse.insert("regime", flatten(regimes))
        self.warehouse.insert("purpose", flatten_purposes(regimes))
        self.warehouse.insert("consent_watermark", [{"seq": 0, "recorded_at": AS_OF}])

    def contact(self, contact_id: str, **row: Any) -> None:
        """A CRM contact."""
        row = {"country": "GB", "created_at": before(days=900), **row}
        self.warehouse.insert("crm_contacts", [{"contact_id": contact_id, **row}])

    def customer(self, number: str, **row: Any) -> None:
        """A policyholder; without names and dates nothing but the given identifiers links it."""
        self.warehouse.insert(
            "policy_policyholders", [{"customer_number": number, "country": "GB", **row}]
        )

    def policy(self, policy_number: str, customer_number: str, **row: Any) -> None:
        """A policy, active motor cover unless said otherwise."""
        row = {
            "product_line": "motor",
            "status": "active",
            "started_on": date(2024, 1, 1),
            "renews_on": date(2027, 6, 1),
            "auto_renew": False,
            **row,
        }
        self.warehouse.insert(
            "policy_policies",
            [{"policy_number": policy_number, "customer_number": customer_number, **row}],
        )

    def claim(self, claim_number: str, policy_number: str, **row: Any) -> None:
        """A claim, open unless said otherwise."""
        row = {"status": "open", "amount": 100, **row}
        self.warehouse.insert(
            "policy_claims", [{"claim_number": claim_number, "policy_number": policy_number, **row}]
        )

    def invoice(self, invoice_number: str, policy_number: str, billing_email: str) -> None:
        """An invoice of last month."""
        row = {"billing_email": billing_email, "issued_on": TODAY - timedelta(days=30)}
        self.warehouse.insert(
            "billing_invoices",
            [{"invoice_number": invoice_number, "policy_number": policy_number, **row}],
        )

    def account(self, account_id: str, **row: Any) -> None:
        """A product account, of the customer whose number is given."""
        row = {"country": "GB", "created_at": before(days=20), **row}
        self.warehouse.insert("product_accounts", [{"account_id": account_id, **row}])

    def milestone(self, account_id: str, milestone: str, reached_at: datetime) -> None:
        """A step of the onboarding."""
        self.warehouse.insert(
            "product_milestones",
            [{"account_id": account_id, "milestone": milestone, "reached_at": reached_at}],
        )

    def ticket(self, ticket_id: str, **row: Any) -> None:
        """A service ticket."""
        row = {"country": "GB", "topic": "claim", "severity": "normal", **row}
        row.setdefault("opened_at", before(days=10))
        self.warehouse.insert("service_tickets", [{"ticket_id": ticket_id, **row}])

    def answer(self, ticket_id: str, score: int, responded_at: datetime) -> None:
        """The satisfaction score of a ticket."""
        self.warehouse.insert(
            "service_satisfaction",
            [{"ticket_id": ticket_id, "score": score, "responded_at": responded_at}],
        )

    def consent(self, event_id: str, action: str, **row: Any) -> None:
        """An event of the ledger as the store publishes it, recorded when it happened."""
        row = {
            "seq": len(self.warehouse.rows("select 1 from store.consent_event")) + 1,
            "occurred_at": before(days=1),
            "notice_version": "2026-03",
            "source": "preference_centre",
            "jurisdiction": "GB",
            **row,
        }
        row.setdefault("recorded_at", row["occurred_at"])
        self.warehouse.insert("consent_event", [{"event_id": event_id, "action": action, **row}])
        self.warehouse.run_sql("update store.consent_watermark set seq = seq + 1")

    def build(self, *select: str, as_of: datetime = AS_OF) -> None:
        """Build models and their data tests; exposures, which dbt only counts, are left out."""
        arguments = ("--exclude", "resource_type:exposure")
        self.warehouse.build(*select, as_of=as_of, arguments=arguments)

    def person(self, record_id: str) -> str:
        """The person_id of the one record with this id in its system."""
        found = self.warehouse.rows(
            f"select distinct person_id from identity.id_records where record_id = '{record_id}'"
        )
        assert len(found) == 1, f"record {record_id} names {len(found)} persons"
        return str(found[0][0])


def at(day: date, hour: int = 12) -> datetime:
    """An instant (UTC) of a day."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
