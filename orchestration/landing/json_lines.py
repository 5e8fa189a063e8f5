"""Reader of JSON Lines, plain records and CloudEvents.

Python parses each line behind a guard of size and depth, since DuckDB's JSON reader crashes on deep
nesting and takes the first of two equal keys where others take the last.
"""

import json
import re
from collections.abc import Iterator
from typing import IO, Any

from orchestration.landing.content import line_blocks
from orchestration.landing.contract import EntityContract
from orchestration.landing.records import (
    BAD_ENCODING,
    NUL_BYTE,
    Batch,
    Fault,
    Reject,
    Shape,
    decode,
    shown,
    text_table,
)

MAX_DEPTH = 64
_ENVELOPE = frozenset({"specversion", "datacontenttype", "dataschema", "subject"})
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_TEXT_OR_NULL = frozenset({str, type(None)})


class _Number(str):
    """A JSON number as it was written: neither its precision nor its zeros are lost."""

    __slots__ = ()


class _RefusedError(Exception):
    """A line that can't become a record."""

    def __init__(self, fault: Fault, field: str | None = None) -> None:
        super().__init__(fault[0])
        self.fault = fault
        self.field = field


def read_json_lines(stream: IO[bytes], contract: EntityContract, shape: Shape) -> Iterator[Batch]:
    """Read a JSON Lines file in batches; `shape` is complete after the last batch.

    A column counts as missing where it must have a value and no record of the file names it.
    """
    reader = _RecordReader(contract)
    number = 1
    for block in line_blocks(stream):
        texts, faults = decode(block)
        if number == 1:
            texts[0] = texts[0].removeprefix("\ufeff")
        yield reader.batch(number, texts, faults)
        number += len(texts)
    if reader.keys:
        shape.missing.extend(
            column.path
            for column in contract.columns
            if column.required and not reader.keys & {column.path, column.name}
        )
    shape.unannounced.update(reader.unannounced())


class _RecordReader:
    """Turns lines into values in the order of the contract's columns; remembers keys seen."""

    def __init__(self, contract: EntityContract) -> None:
        self._contract = contract
        self._paths = [column.path for column in contract.columns]
        self._parents = sorted({path.split(".")[0] for path in self._paths if "." in path})
        self._is_event = contract.envelope == "cloudevents"
        self._decode = json.JSONDecoder(
            object_pairs_hook=_object,
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_refuse_constant,
        ).decode
        self.keys: set[str] = set()

    def unannounced(self) -> set[str]:
        """Keys seen that the contract does not know."""
        known = {*self._paths, *self._parents, *(_ENVELOPE if self._is_event else ())}
        return self.keys - known

    def batch(self, first: int, texts: list[str], faults: dict[int, Fault]) -> Batch:
        """Read a block of lines that begins at line `first`."""
        lines, raws, rows, rejects = [], [], [], []
        for index, text in enumerate(texts):
            try:
                if index in faults:
                    raise _RefusedError(faults[index])
                if not text or text.isspace():
                    continue
                rows.append(self._values(text))
                lines.append(first + index)
                raws.append(text)
            except _RefusedError as refused:
                rejects.append(Reject(first + index, refused.field, *refused.fault, shown(text)))
        names = [column.name for column in self._contract.columns]
        values = list(zip(*rows, strict=True)) or [()] * len(names)
        columns = dict(zip(names, values, strict=True))
        return Batch(text_table(self._contract, lines, raws, columns), tuple(rejects))

    def _values(self, text: str) -> list[str | None]:
        record = self._flat(self._parse(text))
        self.keys.update(record)
        if self._is_event and record.get("specversion") != "1.0":
            raise _RefusedError(("not_allowed", "is not CloudEvents 1.0"), "specversion")
        values = [record.get(path) for path in self._paths]
        if not _TEXT_OR_NULL.issuperset(map(type, values)):
            values = [self._text(i, value) for i, value in enumerate(values)]
        if "\\u" in text:
            _check_escapes(values)
        return values

    def _parse(self, text: str) -> dict[str, Any]:
        if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
            raise _RefusedError(("too_deep", f"nested deeper than {MAX_DEPTH}"))
        try:
            record = self._decode(text)
        except (ValueError, RecursionError) as error:
            raise _RefusedError(("malformed_json", "not one JSON object")) from error
        if not isinstance(record, dict):
            raise _RefusedError(("malformed_json", "not one JSON object"))
        return record

    def _flat(self, record: dict[str, Any]) -> dict[str, Any]:
        """Lift the fields of `data` (and like parents that the contract names) to the top."""
        for parent in self._parents:
            nested = record.pop(parent, None)
            if isinstance(nested, dict):
                record.update({f"{parent}.{key}": value for key, value in nested.items()})
            elif nested is not None:
                raise _RefusedError(("wrong_type", "is not a JSON object"), parent)
        return record

    def _text(self, index: int, value: Any) -> str | None:
        column = self._contract.columns[index]
        if value is None or type(value) is str:
            return value
        if isinstance(value, dict | list):
            raise _RefusedError(("wrong_type", "holds an object or a list"), column.name)
        if column.data_type == "varchar":
            detail = "is no text; leading zeros would be lost, so export it in quotes"
            raise _RefusedError(("wrong_type", detail), column.name)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RefusedError(("duplicate_key", "names a key twice in one object"))
    return found


def _check_escapes(values: list[str | None]) -> None:
    """Refuse what only an escape can smuggle in: a NUL character, half of a surrogate pair."""
    joined = "".join(value for value in values if value is not None)
    if "\0" in joined:
        raise _RefusedError(NUL_BYTE)
    try:
        joined.encode()
    except UnicodeEncodeError as error:
        raise _RefusedError(BAD_ENCODING) from error


def _refuse_constant(_: str) -> None:
    raise _RefusedError(("not_finite_number", "holds NaN or Infinity, which JSON does not have"))


def _depth(text: str) -> int:
    deepest = depth = 0
    for char in _STRING.sub("", text):
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest
