"""Experiment buckets: a person's fixed place from 0 to 9999 under a salt.

The first 15 hex digits of sha256(salt || ':' || person_id), modulo 10000: the same number in every
engine and release, which DuckDB's hash() does not promise.
"""

from decimal import Decimal
from hashlib import sha256

from activation.decisions.literals import text

BUCKETS = 10_000


def bucket(salt: str, person_id: str) -> int:
    """The person's bucket under the salt."""
    return int(sha256(f"{salt}:{person_id}".encode()).hexdigest()[:15], 16) % BUCKETS


def bucket_sql(salt: str, person_id: str) -> str:
    """SQL of the same; `person_id` is the SQL of the column."""
    digest = f"sha256({text(salt + ':')} || {person_id})"
    return f"cast(cast('0x' || substr({digest}, 1, 15) as bigint) % {BUCKETS} as integer)"


def threshold(percent: Decimal) -> int:
    """Number of buckets that a share in percent takes: those below it are held out."""
    return int(percent * BUCKETS / 100)
