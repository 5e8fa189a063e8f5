"""Reader of Parquet. Values become text, so that one set of rules judges every format."""

from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.landing.content import MAX_CONTENT_BYTES, FileRejectedError
from orchestration.landing.contract import ColumnContract, EntityContract
from orchestration.landing.records import LINE, RAW, Batch, Shape

_BATCH_ROWS = 50_000
_UTC = pa.timestamp("us", "UTC")


def read_parquet(stream: IO[bytes], contract: EntityContract, shape: Shape) -> Iterator[Batch]:
    """Read a Parquet file in batches; fills `shape` before the first batch.

    Raises FileRejectedError where the file is damaged, or a column can't hold what was announced:
    an integer column can't hold a customer number, since its leading zeros are gone.
    """
    try:
        # Parquet is read from its end, which a decompressing stream can't do.
        source = stream if stream.seekable() else pa.BufferReader(stream.read(MAX_CONTENT_BYTES))
        yield from _read(source, contract, shape)
    except (pa.ArrowException, OSError) as error:
        raise FileRejectedError("damaged or not Parquet; export and copy the file again") from error


def _read(
    source: IO[bytes] | pa.BufferReader, contract: EntityContract, shape: Shape
) -> Iterator[Batch]:
    file = pq.ParquetFile(source)
    empty = _flat(file.schema_arrow.empty_table())
    kept = _kept_columns(empty.schema, contract, shape)
    line = 1
    expanded = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        expanded += batch.nbytes
        if expanded > MAX_CONTENT_BYTES:
            raise FileRejectedError(f"holds more than {MAX_CONTENT_BYTES} bytes; split the export")
        table = _flat(pa.Table.from_batches([batch]))
        rows = table.num_rows
        arrays = [pa.array(range(line, line + rows), pa.int64()), pa.nulls(rows, pa.string())]
        arrays += [_as_text(table.column(path)) for path in kept.values()]
        line += rows
        yield Batch(pa.Table.from_arrays(arrays, names=[LINE, RAW, *kept]), ())


def _flat(table: pa.Table) -> pa.Table:
    """Lift the fields of struct columns to the top, named `<column>.<field>`."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _kept_columns(schema: pa.Schema, contract: EntityContract, shape: Shape) -> dict[str, str]:
    """Name in the file of each announced column, by announced name."""
    kept: dict[str, str] = {}
    for column in contract.columns:
        at = [name for name in schema.names if name in (column.name, column.path)]
        if len(at) > 1:
            raise FileRejectedError(f"column {column.name} stands twice in the schema; keep one")
        if at:
            _check_type(schema.field(at[0]).type, column)
            kept[column.name] = at[0]
        elif not column.optional:
            shape.missing.append(column.path)
    shape.unannounced.update(set(schema.names) - set(kept.values()))
    return kept


def _check_type(found: pa.DataType, column: ColumnContract) -> None:
    value = found.value_type if pa.types.is_dictionary(found) else found
    if pa.types.is_nested(value):
        raise FileRejectedError(f"column {column.name} holds lists or maps; export plain values")
    is_text = pa.types.is_null(value) or any(
        judge(value)
        for judge in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )
    if column.data_type == "varchar" and not is_text:
        raise FileRejectedError(
            f"column {column.name} is {value} where text is announced; leading zeros would be "
            "lost, so export it as a string column"
        )


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        return pc.cast(column.cast(_UTC, safe=False), pa.string())
    return pc.cast(column, pa.string())
