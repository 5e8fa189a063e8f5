"""The whole path to all three kinds of destination, with real servers at their ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from orchestration.clock import parse_time
from orchestration.demo import write_world
from tests.activation.conftest import postgresql_server_url, postgresql_url
from tests.activation.connectors.receiver import SECRET, Receiver

__all__ = ["postgresql_server_url", "postgresql_url"]

AS_OF = "2026-11-20T09:00:00+00:00"
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
    tmp_path: Path, postgresql_url: str
) -> None:
    home = tmp_path / "var"
    write_world(home / "landing", people=120, seed=5, as_of=parse_time(AS_OF))
    (home / "destinations.yml").write_text(DESTINATIONS)
    with Receiver() as receiver:
        secrets = {
            "ASSENT_STORE_URL": postgresql_url,
            "CRM_WEBHOOK_URL": receiver.url,
            "CRM_WEBHOOK_SECRET": SECRET,
            "CRM_DATABASE_URL": postgresql_url.replace("postgresql+psycopg://", "postgresql://"),
        }
        first = run(home, secrets)
        again = run(home, secrets)
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
    assert no_secret_was_written(home, secrets)


def run(home: Path, secrets: dict[str, str]) -> dict:  # type: ignore[type-arg]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "orchestration.cli", "run", "--json"),
            *("--home", str(home), "--as-of", AS_OF),
        ],
        env=os.environ | secrets,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert all(secret not in done.stdout + done.stderr for secret in secrets.values())
    return json.loads(done.stdout)


def no_secret_was_written(home: Path, secrets: dict[str, str]) -> bool:
    """No URL with a token and no key stands in a file of the home or in Dagster's records."""
    tokens = [secrets["CRM_WEBHOOK_SECRET"].encode(), b"token-in-the-path"]
    return not any(
        token in path.read_bytes() for path in home.rglob("*") if path.is_file() for token in tokens
    )
