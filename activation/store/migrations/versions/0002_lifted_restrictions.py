"""A restriction of processing can be lifted: one more action of the ledger. Revision 0002."""

import sqlalchemy as sa
from alembic import op

from activation.store.append_only import erasable_statements, trigger_statements
from activation.store.metadata import Instant

revision = "0002"
down_revision = "0007"
branch_labels = None
depends_on = None

ACTION = (
    "action in ('granted', 'confirmed', 'denied', 'withdrawn', 'objected',"
    " 'suppressed', 'restricted', 'lifted', 'erased')"
)
LIFTED = "action <> 'lifted' or (purpose = '*' and channel = '*')"
WILDCARD = "action not in ('granted', 'confirmed') or (purpose <> '*' and channel <> '*')"
COLUMNS = (
    ("event_id", sa.Text(), False),
    ("identifier_type", sa.Text(), False),
    ("identifier", sa.Text(), False),
    ("identifier_nonce", sa.Text(), False),
    ("identifier_commitment", sa.Text(), False),
    ("purpose", sa.Text(), False),
    ("channel", sa.Text(), False),
    ("action", sa.Text(), False),
    ("jurisdiction", sa.Text(), True),
    ("lawful_basis", sa.Text(), True),
    ("notice_version", sa.Text(), True),
    ("source", sa.Text(), False),
    ("evidence", sa.Text(), True),
    ("occurred_at", Instant(), False),
    ("recorded_at", Instant(), False),
    ("expires_at", Instant(), True),
    ("prev_hash", sa.Text(), False),
    ("hash", sa.Text(), False),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _write_the_table_anew()
        return
    op.drop_constraint(op.f("ck_consent_event_action"), "consent_event", type_="check")
    op.create_check_constraint(op.f("ck_consent_event_action"), "consent_event", ACTION)
    op.create_check_constraint(op.f("ck_consent_event_lifted"), "consent_event", LIFTED)


def _write_the_table_anew() -> None:
    # SQLite changes no constraint in place. Index and triggers go with the old table.
    op.create_table(
        "consent_event_0002",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, kind, nullable=optional) for name, kind, optional in COLUMNS),
        sa.CheckConstraint(ACTION, name=op.f("ck_consent_event_action")),
        sa.CheckConstraint(WILDCARD, name=op.f("ck_consent_event_wildcard")),
        sa.CheckConstraint(LIFTED, name=op.f("ck_consent_event_lifted")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_consent_event")),
        sa.UniqueConstraint("event_id", name=op.f("uq_consent_event_event_id")),
    )
    names = ", ".join(("seq", *(name for name, _, _ in COLUMNS)))
    op.execute(
        f"insert into consent_event_0002 ({names}) select {names} from consent_event order by seq"
    )
    op.execute("drop table consent_event")
    op.execute("alter table consent_event_0002 rename to consent_event")
    op.create_index(
        op.f("ix_consent_event_identifier_type_identifier"),
        "consent_event",
        ["identifier_type", "identifier"],
        unique=False,
    )
    columns = {"consent_event": names.split(", ")}
    for statement in (
        *trigger_statements("sqlite", ("consent_event",)),
        *erasable_statements("sqlite", columns),
    ):
        op.execute(statement)
