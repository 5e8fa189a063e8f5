"""Which key a blocked or shared value was hashed with. Revision 0010."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identity_override", sa.Column("key_id", sa.Text()))
