"""What the privacy commands show, refuse, and never print, over a home that the path ran in."""

import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from orchestration import environment
from orchestration.cli import main
from orchestration.privacy.access import NOT_THEIRS, assemble
from tests.orchestration.conftest import Finished
from tests.orchestration.places import AS_OF, Place


@pytest.fixture(scope="module")
def place(first: Finished, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A copy of the finished place: a first look makes the home's erasure key."""
    return first.place.copy_to(tmp_path_factory.mktemp("commands") / "place")


def assent(place: Place, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--home", str(place.home)])


def test_a_record_that_is_only_probably_theirs_is_counted_and_not_shown(place: Place) -> None:
    person, record = place.rows(
        "select person_id, any_value(record_id) from identity.id_records "
        "where assurance = 'C' group by 1 order by 1 limit 1"
    )[0]
    package = assemble(environment.home(place.home), person, AS_OF)
    assert package.withheld_records >= 1
    assert record not in json.dumps(package.document["systems"])
    assert record not in json.dumps(package.document["known_as"])


def test_whoever_pays_their_invoice_is_masked_in_an_access(place: Place) -> None:
    person, invoice = place.rows(
        "select records.person_id, min(invoices.invoice_number) "
        "from landing.billing_invoices as invoices "
        "inner join landing.policy_policies as policies using (policy_number) "
        "inner join identity.id_records as records "
        "on records.system = 'policy' and records.record_id = policies.customer_number "
        "where invoices.billing_email is not null group by 1 order by 1 limit 1"
    )[0]
    with duckdb.connect(place.home / "warehouse.duckdb") as connection:
        connection.execute(
            "update landing.billing_invoices set billing_email = 'payer@elsewhere.example' "
            "where invoice_number = ?",
            [invoice],
        )
    document = assemble(environment.home(place.home), person, AS_OF).document
    rows = document["systems"]["billing"]["billing_invoices"]["rows"]
    assert NOT_THEIRS in [row["billing_email"] for row in rows if row["invoice_number"] == invoice]
    assert "payer@elsewhere" not in json.dumps(document)


@pytest.mark.parametrize("command", ["erase", "access"])
def test_an_address_that_nobody_has_is_refused_and_not_repeated(
    place: Place, command: str, tmp_path: Path
) -> None:
    more = ["--out", str(tmp_path)] if command == "access" else ["--dry-run"]
    refused = assent(place, command, "--subject", "nobody.at.all@x.example", *more)
    assert refused.exit_code == 1
    assert "nobody is known by that" in refused.output
    assert "nobody.at.all" not in refused.output


def test_what_several_persons_share_names_no_person_but_by_id(place: Place) -> None:
    shared = place.value(
        "select identifier from identity.id_person_identifiers where identifier_type = 'phone' "
        "group by all having count(distinct person_id) > 1 order by 1 limit 1"
    )
    refused = assent(place, "erase", "--dry-run", "--subject", shared)
    assert refused.exit_code == 1
    assert "persons are known by that" in refused.output
    assert shared not in refused.output
    assert "@" not in refused.output


def test_retention_refuses_a_time_without_offset_and_only_looks_in_a_dry_run(
    place: Place,
) -> None:
    refused = assent(place, "retention", "run", "--as-of", "2027-11-21T06:00:00")
    assert refused.exit_code == 2
    assert "--as-of" in refused.output
    fingerprint = place.tables()
    done = assent(place, "retention", "run", "--dry-run", "--as-of", "2027-11-21T06:00:00+00:00")
    assert done.exit_code == 0, done.output
    assert "landing.events_login: rows older than 730 days" in done.output
    assert "would go" in done.output
    assert place.tables() == fingerprint
