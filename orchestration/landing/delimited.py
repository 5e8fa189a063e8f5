"""Reader of CSV (RFC 4180, header row, UTF-8).

A record whose quotes or field count are wrong costs its first physical line, and reading goes on at
the next one: a stray quote must not swallow the rows behind it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
from pyarrow import csv

from orchestration.landing.content import (
    BLOCK_BYTES,
    MAX_RECORD_BYTES,
    FileRejectedError,
    line_blocks,
)
from orchestration.landing.contract import EntityContract
from orchestration.landing.records import (
    BAD_ENCODING,
    OVERSIZED,
    Batch,
    Fault,
    Reject,
    Shape,
    decode,
    shown,
    text_table,
)

_QUOTED = r'[^"]*(?:""[^"]*)*'
_PLAIN = r'[^",\r\n]*'
_RECORD = re.compile(f'(?:"{_QUOTED}"|{_PLAIN})(?:,(?:"{_QUOTED}"|{_PLAIN}))*')
_FIELD = re.compile(f'(?:^|,)(?:"({_QUOTED})"|({_PLAIN}))')
_MAX_LINES = 1000


class _Lines:
    """The lines at hand and their faults, by index; `first` is the number of the line at index 0.

    Lines are added at the end for a record that goes on, and dropped once they have been read.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._blocks = line_blocks(stream)
        self.first = 1
        self.texts: list[str] = []
        self.faults: dict[int, Fault] = {}

    def extend(self) -> bool:
        """Add the next block; False at the end of the file."""
        block = next(self._blocks, None)
        if block is None:
            return False
        texts, faults = decode(block)
        self.faults.update({len(self.texts) + i: fault for i, fault in faults.items()})
        self.texts += texts
        return True

    def drop(self, count: int) -> None:
        """Forget lines that have been read, from the first on."""
        self.first += count
        self.texts = self.texts[count:]
        self.faults = {i - count: fault for i, fault in self.faults.items() if i >= count}

    def refuse(self, index: int, fault: Fault) -> Reject:
        """Reject the line at an index."""
        return Reject(self.first + index, None, *fault, shown(self.texts[index]))


@dataclass(frozen=True)
class _Header:
    width: int
    kept: dict[str, int]
    """Index in the file of each announced column that it has, by announced name."""


def read_csv(stream: IO[bytes], contract: EntityContract, shape: Shape) -> Iterator[Batch]:
    """Read a CSV file in batches; fills `shape` before the first batch.

    Raises FileRejectedError where the file has no usable header row.
    """
    lines = _Lines(stream)
    names = _read_header(lines)
    header = _Header(len(names), _kept_columns(names, contract, shape))
    lines.drop(1)
    while lines.texts or lines.extend():
        batch, read = _batch(lines, header, contract)
        lines.drop(read)
        yield batch


def _batch(lines: _Lines, header: _Header, contract: EntityContract) -> tuple[Batch, int]:
    """Read every record that begins in the lines at hand; also how many lines that took.

    The last record may take lines of the next block; what is left of that is the next batch.
    """
    plain: list[tuple[int, str]] = []
    quoted: list[tuple[int, str, list[str]]] = []
    rejects: list[Reject] = []
    commas = header.width - 1
    index = 0
    at_hand = len(lines.texts)
    while index < at_hand:
        text = lines.texts[index].removesuffix("\r")
        end = index + 1
        if index in lines.faults:
            rejects.append(lines.refuse(index, lines.faults[index]))
        elif '"' in text or "\r" in text:
            end = _end_of_record(lines, index)
            raw = "\n".join(lines.texts[index:end]).removesuffix("\r")
            fields = _fields(raw)
            fault = _fault(lines, index, end, raw, fields, header.width)
            if fault is not None or fields is None:
                rejects.append(lines.refuse(index, fault or BAD_ENCODING))
                end = index + 1
            else:
                quoted.append((lines.first + index, raw, fields))
        elif text and text.count(",") == commas:
            plain.append((lines.first + index, text))
        elif text:
            rejects.append(lines.refuse(index, _wrong_width(text.count(",") + 1, header.width)))
        index = end
    tables = [_plain_table(plain, header, contract), _quoted_table(quoted, header, contract)]
    return Batch(pa.concat_tables(tables), tuple(rejects)), index


def _end_of_record(lines: _Lines, index: int) -> int:
    """Index behind the last line of a record: where its number of quotes has become even."""
    quotes = lines.texts[index].count('"')
    size = len(lines.texts[index])
    end = index + 1
    while quotes % 2 and size <= MAX_RECORD_BYTES and end - index < _MAX_LINES:
        if end == len(lines.texts) and not lines.extend():
            break
        quotes += lines.texts[end].count('"')
        size += 1 + len(lines.texts[end])
        end += 1
    return end


def _fault(
    lines: _Lines, index: int, end: int, raw: str, fields: list[str] | None, width: int
) -> Fault | None:
    """Why the record in the lines from `index` to `end` can't be read, if so."""
    for i in range(index, end) if lines.faults else ():
        if i in lines.faults:
            return lines.faults[i]
    if len(raw) > MAX_RECORD_BYTES:
        return OVERSIZED
    if raw.count('"') % 2:
        return "broken_quotes", "a quote is opened and not closed"
    if fields is None:
        return "broken_quotes", "a quote or a carriage return stands where RFC 4180 allows none"
    if len(fields) != width:
        return _wrong_width(len(fields), width)
    return None


def _wrong_width(found: int, width: int) -> Fault:
    return "malformed_line", f"{found} fields where the header has {width}"


def _plain_table(
    records: list[tuple[int, str]], header: _Header, contract: EntityContract
) -> pa.Table:
    """Records without quotes: a comma separates, nothing else has a meaning."""
    if not records:
        return _quoted_table([], header, contract)
    numbers, texts = zip(*records, strict=True)
    if not header.kept:
        return text_table(contract, numbers, texts, {})
    names = [str(i) for i in range(header.width)]
    parsed = csv.read_csv(
        pa.BufferReader("\n".join(texts).encode()),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=2 * BLOCK_BYTES, column_names=names
        ),
        parse_options=csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            include_columns=[str(i) for i in header.kept.values()],
        ),
    )
    columns = dict(zip(header.kept, parsed.columns, strict=True))
    return text_table(contract, numbers, texts, columns)


def _quoted_table(
    records: list[tuple[int, str, list[str]]], header: _Header, contract: EntityContract
) -> pa.Table:
    """Records with quotes, whose fields have been taken apart."""
    columns = {name: [fields[i] for _, _, fields in records] for name, i in header.kept.items()}
    numbers, raws = [record[0] for record in records], [record[1] for record in records]
    return text_table(contract, numbers, raws, columns)


def _fields(text: str) -> list[str] | None:
    """Fields of a complete record, or None where its quotes break RFC 4180."""
    if _RECORD.fullmatch(text) is None:
        return None
    return [quoted.replace('""', '"') or plain for quoted, plain in _FIELD.findall(text)]


def _read_header(lines: _Lines) -> list[str]:
    if not lines.extend():
        raise FileRejectedError("the file is empty; a CSV export begins with a header row")
    text = lines.texts[0].removeprefix("\ufeff").removesuffix("\r")
    if 0 in lines.faults:
        raise FileRejectedError("the header row is not UTF-8 text; export the file as UTF-8")
    if "\r" in text:
        raise FileRejectedError("lines end in a bare CR; export the file with LF or CRLF")
    fields = _fields(text)
    if fields is None:
        raise FileRejectedError("the header row has broken quotes; export it as RFC 4180 says")
    return [name.strip() for name in fields]


def _kept_columns(header: list[str], contract: EntityContract, shape: Shape) -> dict[str, int]:
    """Index in the header of each announced column, by announced name."""
    kept: dict[str, int] = {}
    for column in contract.columns:
        at = [i for i, name in enumerate(header) if name in (column.name, column.path)]
        if len(at) > 1:
            raise FileRejectedError(f"column {column.name} stands twice in the header; keep one")
        if at:
            kept[column.name] = at[0]
        elif not column.optional:
            shape.missing.append(column.path)
    shape.unannounced.update(name for i, name in enumerate(header) if i not in set(kept.values()))
    return kept
