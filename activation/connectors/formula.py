"""Keep spreadsheet programs from running a cell of an exported CSV file as a formula.

A cell is guarded with a leading apostrophe if, after blanks and invisible marks, it starts with a
character that a spreadsheet takes for the start of a formula (OWASP, "CSV Injection"; ASVS 1.2.10),
in its full-width form too. A plain signed number such as a telephone number in E.164 is left as it
is: it can call nothing, and receivers of telephone numbers need it unchanged.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_BLANKS = r"[\s\x{00A0}\x{1680}\x{2000}-\x{200F}\x{2028}-\x{202F}\x{205F}-\x{2064}\x{3000}\x{FEFF}]"
_DANGEROUS = (
    rf"^(?:{_BLANKS}*[=+\-@|%\x{{FF1D}}\x{{FF0B}}\x{{FF0D}}\x{{FF20}}\x{{2212}}]"
    rf"|{_BLANKS}*\x00|[\t\r\n])"
)
_PLAIN_NUMBER = r"^[+\-][0-9]+(?:\.[0-9]+)?$"


def guard(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The text column with an apostrophe before each cell that could be taken for a formula."""
    dangerous: Any = pc.and_not(
        pc.match_substring_regex(column, _DANGEROUS),
        pc.match_substring_regex(column, _PLAIN_NUMBER),
    )
    return pc.if_else(dangerous, pc.binary_join_element_wise("'", column, ""), column)
