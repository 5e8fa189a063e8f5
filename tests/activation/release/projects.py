"""Small projects to build releases from: one journey node, its policies, consent, some SQL."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from activation.log import SigningKey
from activation.release import Bundle, read_bundle, record, sign
from activation.store import transaction

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
KEY = SigningKey("assent.example/releases", bytes(range(32)))

NODE = """\
id: reminder
journey: renewal
owner: lifecycle
description: Reminds a policyholder of the renewal.
risk_tier: {tier}
purpose: renewal
context: ctx_policy
subject: policy_number
fields: {{policy_number: text, days_to_renewal: integer}}
when: days_to_renewal <= {days}
minimum_assurance: B
context_max_age_hours: 168
action:
  name: remind
  channels: [email]
  template: reminder
  destination: outbox
priority: 40
explain: Your policy {{policy_number}} renews.
examples:
  - name: ten days ahead
    given: {{days_to_renewal: 10}}
    state: {{approved: true}}
    expect: {{reason: selected, channel: email}}
"""
POLICIES = 'quiet_hours: {start: "21:00", end: "08:00", channels: [sms]}\n'
REGIMES = "adult_age: 18\n"


def write_project(
    root: Path,
    *,
    days: int = 30,
    tier: str = "low",
    regimes: str = REGIMES,
    sql: str | None = "select 1",
) -> Path:
    """Write the project; `days` is what its rule turns on. Without `sql` it has no dbt project."""
    for path, content in {
        "activation/journeys/reminder.yml": NODE.format(days=days, tier=tier),
        "activation/journeys/policies.yml": POLICIES,
        "activation/consent/regimes.yml": regimes,
        "dbt_project/models/contexts/ctx_policy.sql": sql,
    }.items():
        if content is None:
            continue
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    return root


def build(engine: Engine, root: Path, actor: str = "ana", key: SigningKey = KEY) -> Bundle:
    """Build, sign and store the release of the project."""
    bundle = read_bundle(root)
    with transaction(engine) as connection:
        record(connection, bundle, note=sign(bundle.release, key), actor=actor, at=AT)
    return bundle


def no_objection(_root: Path) -> list[str]:
    """A policy checker that passes everything."""
    return []
