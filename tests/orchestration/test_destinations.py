"""The whole path to all three kinds of destination, with real servers at their ends."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.clock import parse_time
from orchestration.demo import write_world
from tests.activation.conftest import postgresql_server_url, postgresql_url
from tests.activation.connectors.receiver import SECRET, Receiver
from tests.orchestration.path import Runner

__all__ = ["postgresql_server_url", "postgresql_url"]

AS_OF = parse_time("2026-11-20T09:00:00+00:00")
DESTINATIONS = """
destinations:
  outbox: {connector: files}
  webhook:
    connector: webhook
    url_env: CRM_WEBHOOK_URL
    secret_env: CRM_WEBHOOK_SECRET
    allow_private_hosts: [127.0.0.1]
  postgres: {connector: postgres, url_env: CRM_DATABASE_URL, schema: crm, create_tables: true}
"""


@pytest.mark.timeout(600)
def test_three_destinations_receive_each_action_once_with_the_store_on_postgresql(
    runner: Runner, tmp_path: Path, postgresql_url: str
) -> None:
    home = tmp_path / "var"
    write_world(home / "landing", people=120, seed=5, as_of=AS_OF)
    (home / "destinations.yml").write_text(DESTINATIONS)
    with Receiver() as receiver:
        secrets = {
            "ASSENT_STORE_URL": postgresql_url,
            "CRM_WEBHOOK_URL": receiver.url,
            "CRM_WEBHOOK_SECRET": SECRET,
            "CRM_DATABASE_URL": postgresql_url.replace("postgresql+psycopg://", "postgresql://"),
        }
        first = run(runner, home, secrets)
        again = run(runner, home, secrets)
        delivered = [arrival.data["decision_id"] for arrival in receiver.taken()]
    sent = {name: report.get("sent") for name, report in first["syncs"].items()}
    assert sent["outbox_actions"] > 0
    assert sent["webhook_actions"] == sent["postgres_actions"] == sent["outbox_actions"]
    assert sent["postgres_audiences"] == sent["outbox_audiences"] > 0
    assert {report["sent"] for report in again["syncs"].values()} == {0}
    assert receiver.forged == 0
    assert len(delivered) == len(set(delivered)) == sent["webhook_actions"]
    with psycopg.connect(secrets["CRM_DATABASE_URL"]) as connection:
        rows = connection.execute("select decision_id from crm.action").fetchall()
    assert {decision_id for (decision_id,) in rows} == set(delivered)
    assert not (home / "assent.sqlite").exists()
    assert no_secret_was_written(home, secrets)


def run(runner: Runner, home: Path, secrets: dict[str, str]) -> dict[str, Any]:
    """`assent run --json` with the secrets in its environment; the summary that it prints."""
    options = ("run", "--json", "--as-of", AS_OF.isoformat())
    ended = runner.assent(home, AS_OF, *options, environment=secrets)
    assert ended.succeeded, ended.problems
    assert all(secret not in "\n".join(ended.problems) for secret in secrets.values())
    summary: dict[str, Any] = json.loads(ended.problems[0])
    return summary


def no_secret_was_written(home: Path, secrets: dict[str, str]) -> bool:
    """No URL with a token and no key stands in a file of the home or in Dagster's records."""
    tokens = [secrets["CRM_WEBHOOK_SECRET"].encode(), b"token-in-the-path"]
    return not any(
        token in path.read_bytes() for path in home.rglob("*") if path.is_file() for token in tokens
    )
