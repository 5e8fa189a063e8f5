"""The decision row: its columns, their types, and the canonical text that identifies it.

Grain: one row per candidate (person, subject, node) and run. Times are UTC.
"""

import pyarrow as pa

#: The columns of a decision, in order. `context` goes to the opening of the log, not to the
#: warehouse's decision_log.
SCHEMA = pa.schema(
    [
        ("decision_id", pa.string()),
        ("person_id", pa.string()),
        ("node", pa.string()),
        ("journey", pa.string()),
        ("subject_id", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("action", pa.string()),
        ("channel", pa.string()),
        ("purpose", pa.string()),
        ("lawful_basis", pa.string()),
        ("evidence", pa.string()),
        ("watermark", pa.int64()),
        ("policies", pa.string()),
        ("once_key", pa.string()),
        ("gate_mask", pa.int32()),
        ("arm", pa.string()),
        ("bucket", pa.int32()),
        ("release", pa.string()),
        ("context", pa.string()),
    ]
)

COLUMNS = tuple(SCHEMA.names)

#: Characters that the canonical form refuses; they become U+FFFD in a context.
REFUSED_CONTROLS = "[\\x00-\\x07\\x0b\\x0e-\\x1f]"
REPLACEMENT = "\ufffd"


class DecisionError(ValueError):
    """The tables that a decision reads are not what the journeys ask for."""
