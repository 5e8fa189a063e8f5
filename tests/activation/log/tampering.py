"""Ways to falsify a decision log, each a function of its home and a random source.

Those named insider_* hold the signing key, so nothing but the copies elsewhere gives them away.
"""

import base64
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from activation.log import BatchHeader, DecisionLog, Inputs, SigningKey
from activation.log.layout import Layout
from activation.log.notes import split
from activation.log.rows import REFERENCES, to_text
from activation.log.sealing import Run, Writer
from tests.activation.log.worlds import (
    AS_OF,
    KEY,
    ORIGIN,
    RELEASE,
    SEALED_AT,
    decisions,
    entropy,
    hour,
    make_log,
)

BATCHES = (5, 8, 3, 9)
RETIRED_AFTER = 2
NEXT_KEY = SigningKey(ORIGIN, b"\x03" * 32)
Tampering = Callable[[Path, Random], None]


def make_genuine(home: Path, batches: int = len(BATCHES), *, copies: bool = False) -> DecisionLog:
    """The log that is falsified: recorded inputs in batch 2, another key from batch 3 on."""
    log = make_log(home, BATCHES[:1] if batches else (), copies=copies)
    facts = pa.table({"value": [0.5, 1.5], "person_id": ["p_1", "p_2"]})
    for number, count in list(enumerate(BATCHES, start=1))[1:batches]:
        recorded = Inputs({"rule": "a"}, {"facts": facts}) if number == 2 else None
        log.append(
            decisions(count, number),
            as_of=hour(number),
            release=RELEASE,
            sealed_at=SEALED_AT,
            inputs=recorded,
        )
        if number == RETIRED_AFTER:
            log.rotate_key(NEXT_KEY)
    return log


def _log(home: Path) -> Path:
    return home / "decision_log"


def _path(home: Path, kind: str, number: int) -> Path:
    suffix = "" if kind == "checkpoints" else ".parquet"
    return _log(home) / kind / f"{number:06d}{suffix}"


def _overwrite(path: Path, table: pa.Table) -> None:
    path.unlink()
    pq.write_table(table, path)


def _rows(home: Path, random: Random, kind: str = "segments") -> tuple[Path, pa.Table]:
    path = _path(home, kind, random.randint(1, len(BATCHES)))
    return path, pq.read_table(path, partitioning=None)


def _set(table: pa.Table, name: str, row: int, value: object) -> pa.Table:
    values = table[name].to_pylist()
    values[row] = value
    index = table.column_names.index(name)
    return table.set_column(index, table.schema.field(name), pa.array(values, table[name].type))


def change_field(home: Path, random: Random) -> None:
    path, table = _rows(home, random)
    row, name = random.randrange(len(table)), random.choice(table.column_names)
    old = table[name][row].as_py()
    new = random.choice([None, "", "0", "1", f"{old}x", (old or "")[:-1], "withhold", "act"])
    _overwrite(path, _set(table, name, row, new if new != old else "other"))


def change_time(home: Path, random: Random) -> None:
    path, table = _rows(home, random)
    later = f"2026-11-{random.randint(21, 28)}T06:00:00.000000Z"
    _overwrite(path, _set(table, "as_of", random.randrange(len(table)), later))


def change_sealing_time(home: Path, random: Random) -> None:
    path = _path(home, "checkpoints", random.randint(1, len(BATCHES)))
    note = path.read_text()
    path.unlink()
    path.write_text(note.replace("sealed-at 2026", f"sealed-at 20{random.randint(27, 99)}"))


def swap_rows(home: Path, random: Random) -> None:
    path, table = _rows(home, random)
    first, second = random.sample(range(len(table)), 2)
    order = list(range(len(table)))
    order[first], order[second] = second, first
    _overwrite(path, table.take(order))


def swap_rows_and_renumber(home: Path, random: Random) -> None:
    path, table = _rows(home, random)
    first, second = random.sample(range(len(table)), 2)
    order = list(range(len(table)))
    order[first], order[second] = second, first
    seqs = table["seq"]
    _overwrite(path, table.take(order).set_column(1, table.schema.field("seq"), seqs))


def insert_row(home: Path, random: Random) -> None:
    path, table = _rows(home, random)
    at = random.randint(0, len(table))
    guest = _set(table.slice(random.randrange(len(table)), 1), "commitment", 0, "ab" * 32)
    _overwrite(path, pa.concat_tables([table.slice(0, at), guest, table.slice(at)]))


def drop_row(home: Path, random: Random) -> None:
    path, table = _rows(home, random)
    at = random.randrange(len(table))
    _overwrite(path, pa.concat_tables([table.slice(0, at), table.slice(at + 1)]))


def truncate_segment(home: Path, random: Random) -> None:
    path, table = _rows(home, random)
    _overwrite(path, table.slice(0, random.randrange(len(table))))


def cut_segment_bytes(home: Path, random: Random) -> None:
    path, _ = _rows(home, random)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: random.randrange(len(data))])


def remove_segment(home: Path, random: Random) -> None:
    _path(home, "segments", random.randint(1, len(BATCHES))).unlink()


def swap_segments(home: Path, random: Random) -> None:
    first, second = random.sample(range(1, len(BATCHES) + 1), 2)
    a, b = _path(home, "segments", first), _path(home, "segments", second)
    spare = a.with_suffix(".spare")
    a.rename(spare)
    b.rename(a)
    spare.rename(b)


def swap_checkpoints(home: Path, random: Random) -> None:
    first, second = random.sample(range(1, len(BATCHES) + 1), 2)
    a, b = _path(home, "checkpoints", first), _path(home, "checkpoints", second)
    spare = home / "spare"
    a.rename(spare)
    b.rename(a)
    spare.rename(b)


def drop_tail(home: Path, random: Random) -> None:
    for number in range(random.randint(1, len(BATCHES)), len(BATCHES) + 1):
        for kind in ("segments", "checkpoints", "openings"):
            _path(home, kind, number).unlink()


def remove_checkpoint(home: Path, random: Random) -> None:
    _path(home, "checkpoints", random.randint(1, len(BATCHES))).unlink()


def forge_root(home: Path, random: Random) -> None:
    path = _path(home, "checkpoints", random.randint(1, len(BATCHES)))
    note = path.read_text()
    header = BatchHeader.parse(split(note)[0])
    path.unlink()
    forged = replace(header, root=random.randbytes(32)).text()
    path.write_text(note.replace(header.text(), forged))


def forge_signature(home: Path, random: Random) -> None:
    path = _path(home, "checkpoints", random.randint(1, len(BATCHES)))
    text, _ = split(path.read_text())
    path.unlink()
    signature = base64.b64encode(KEY.public.key_id + random.randbytes(64)).decode()
    path.write_text(f"{text}\n\N{EM DASH} {ORIGIN} {signature}\n")


def flip_checkpoint_byte(home: Path, random: Random) -> None:
    path = _path(home, "checkpoints", random.randint(1, len(BATCHES)))
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(7)
    path.unlink()
    path.write_bytes(data)


def rekey(home: Path, random: Random) -> None:
    """Seal another history under a key of one's own, and leave that key beside the log."""
    shutil.rmtree(_log(home))
    other = home / "other"
    _history(other, SigningKey(ORIGIN, random.randbytes(32)), random)
    (other / "decision_log").rename(_log(home))


def replay_batch(home: Path, random: Random) -> None:
    """Present an old batch once more as the newest."""
    number, last = random.randint(1, len(BATCHES)), len(BATCHES) + 1
    for kind in ("segments", "checkpoints", "openings"):
        shutil.copy(_path(home, kind, number), _path(home, kind, last))


def add_segment_far_ahead(home: Path, random: Random) -> None:
    path, _ = _rows(home, random)
    shutil.copy(path, _path(home, "segments", len(BATCHES) + random.randint(2, 9)))


def leave_a_strange_file(home: Path, random: Random) -> None:
    name = random.choice(["000001.parquet.bak", "0000001.parquet", "extra", "000000.parquet"])
    (_log(home) / "segments" / name).write_text("x")


def change_opening(home: Path, random: Random) -> None:
    path, table = _rows(home, random, "openings")
    row = random.randrange(len(table))
    _overwrite(path, _set(table, "context", row, '{"days_to_renewal":"12"}'))


def change_opening_key(home: Path, random: Random) -> None:
    path, table = _rows(home, random, "openings")
    _overwrite(path, _set(table, "key", random.randrange(len(table)), random.randbytes(16)))


def swap_openings(home: Path, random: Random) -> None:
    path, table = _rows(home, random, "openings")
    first, second = random.sample(range(len(table)), 2)
    seqs = table["seq"].to_pylist()
    seqs[first], seqs[second] = seqs[second], seqs[first]
    _overwrite(path, table.set_column(1, table.schema.field("seq"), pa.array(seqs)))


def swap_opening_files(home: Path, random: Random) -> None:
    first, second = random.sample(range(1, len(BATCHES) + 1), 2)
    a, b = _path(home, "openings", first), _path(home, "openings", second)
    spare = home / "spare"
    a.rename(spare)
    b.rename(a)
    spare.rename(b)


def hide_opening_from_erasure(home: Path, random: Random) -> None:
    path, table = _rows(home, random, "openings")
    _overwrite(path, _set(table, "person_id", random.randrange(len(table)), "p_nobody"))


def repeat_opening(home: Path, random: Random) -> None:
    path, table = _rows(home, random, "openings")
    _overwrite(path, pa.concat_tables([table, table.slice(random.randrange(len(table)), 1)]))


def break_opening_file(home: Path, random: Random) -> None:
    path, _ = _rows(home, random, "openings")
    path.write_bytes(random.randbytes(40))


def change_reference(home: Path, random: Random) -> None:
    """Say that a row is about somebody or something else."""
    path, table = _rows(home, random, "openings")
    name = random.choice(REFERENCES)
    _overwrite(path, _set(table, name, random.randrange(len(table)), f"x{random.random()}"))


def keep_another_digest(home: Path, random: Random) -> None:
    """Pass a context off as erased, with a digest of another one."""
    path, table = _rows(home, random, "openings")
    row = random.randrange(len(table))
    table = _set(_set(table, "key", row, None), "context", row, None)
    _overwrite(path, _set(table, "digest", row, random.randbytes(32)))


def change_input(home: Path, random: Random) -> None:
    path = _log(home) / "inputs" / "000002" / "facts.parquet"
    table = pq.read_table(path)
    _overwrite(path, _set(table, "value", random.randrange(len(table)), random.random()))


def change_input_manifest(home: Path, random: Random) -> None:
    path = _log(home) / "inputs" / "000002" / "manifest.json"
    text = path.read_text()
    path.unlink()
    path.write_text(text.replace('"rule": "a"', f'"rule": "{random.random()}"'))


def remove_transition(home: Path, random: Random) -> None:
    (_log(home) / "transitions" / "000001").unlink()


def forge_transition(home: Path, random: Random) -> None:
    """Let a key of one's own take over, without the signature of the key before it."""
    path = _log(home) / "transitions" / "000001"
    mine = SigningKey(ORIGIN, random.randbytes(32))
    note = path.read_text()
    path.unlink()
    text = split(note)[0].replace(NEXT_KEY.public.text(), mine.public.text())
    path.write_text(mine.sign(text))


def retired_key_signs_on(home: Path, random: Random) -> None:
    """Whoever got hold of the old key signs a batch that came after its retirement."""
    path = _path(home, "checkpoints", random.randint(RETIRED_AFTER + 1, len(BATCHES)))
    text = split(path.read_text())[0]
    path.unlink()
    path.write_text(KEY.sign(text))


def stolen_old_key_rewrites_the_rotation(home: Path, random: Random) -> None:
    """The old key, stolen, hands over to the thief's key instead: only the copies tell."""
    number = random.randint(1, RETIRED_AFTER)
    for later in range(number + 1, len(BATCHES) + 1):
        for kind in ("segments", "checkpoints", "openings"):
            _path(home, kind, later).unlink()
    shutil.rmtree(_log(home) / "transitions")
    shutil.rmtree(_log(home) / "tree")
    writer = Writer(Layout(_log(home)), KEY, entropy)
    writer.rotate(SigningKey(ORIGIN, random.randbytes(32)), SEALED_AT)
    run = Run(AS_OF + timedelta(days=4), RELEASE, SEALED_AT)
    writer.seal(to_text(decisions(3, 50)), run)


def rollback_to_an_older_state(home: Path, random: Random) -> None:
    """Put back the whole log as it was after an earlier batch, with nothing wrong in itself."""
    number = random.randint(RETIRED_AFTER + 1, len(BATCHES) - 1)
    for later in range(number + 1, len(BATCHES) + 1):
        for kind in ("segments", "checkpoints", "openings"):
            _path(home, kind, later).unlink()


def _history(home: Path, key: SigningKey, random: Random) -> None:
    """A log of its own, whose batches differ from the genuine ones from some batch on."""
    forged_from = random.randint(1, len(BATCHES))
    log = DecisionLog(home / "decision_log", signing_key=key, entropy=entropy)
    for number, count in enumerate(BATCHES, start=1):
        rows = decisions(count, number)
        if number >= forged_from:
            rows = _set(rows, "outcome", 0, "defer")
        as_of = AS_OF + timedelta(hours=number)
        log.append(rows, as_of=as_of, release=RELEASE, sealed_at=SEALED_AT)


def insider_fork(home: Path, random: Random) -> None:
    shutil.rmtree(_log(home))
    other = home / "other"
    _history(other, KEY, random)
    (other / "decision_log").rename(_log(home))


def insider_truncation(home: Path, random: Random) -> None:
    shutil.rmtree(_log(home))
    other = home / "other"
    make_genuine(other, random.randint(0, len(BATCHES) - 1))
    (other / "decision_log").rename(_log(home))


def insider_backdating(home: Path, random: Random) -> None:
    number = random.randint(1, len(BATCHES))
    path = _path(home, "checkpoints", number)
    header = BatchHeader.parse(split(path.read_text())[0])
    earlier = header.sealed_at - timedelta(days=random.randint(1, 30))
    path.unlink()
    key = KEY if number <= RETIRED_AFTER else NEXT_KEY
    path.write_text(key.sign(replace(header, sealed_at=earlier).text()))


def insider_repeat(home: Path, random: Random) -> None:
    """Seal decisions that stand in the log already, past the check that refuses it."""
    number = random.randint(1, len(BATCHES))
    shutil.rmtree(_log(home))
    make_genuine(home)
    rows = to_text(decisions(BATCHES[number - 1], number))
    run = Run(AS_OF + timedelta(days=3), RELEASE, SEALED_AT)
    Writer(Layout(_log(home)), NEXT_KEY, entropy).seal(rows, run)


CLASSES: tuple[Tampering, ...] = (
    change_reference,
    keep_another_digest,
    change_input,
    change_input_manifest,
    remove_transition,
    forge_transition,
    retired_key_signs_on,
    stolen_old_key_rewrites_the_rotation,
    rollback_to_an_older_state,
    change_field,
    change_time,
    change_sealing_time,
    swap_rows,
    swap_rows_and_renumber,
    insert_row,
    drop_row,
    truncate_segment,
    cut_segment_bytes,
    remove_segment,
    swap_segments,
    swap_checkpoints,
    drop_tail,
    remove_checkpoint,
    forge_root,
    forge_signature,
    flip_checkpoint_byte,
    rekey,
    replay_batch,
    add_segment_far_ahead,
    leave_a_strange_file,
    change_opening,
    change_opening_key,
    swap_openings,
    swap_opening_files,
    hide_opening_from_erasure,
    repeat_opening,
    break_opening_file,
    insider_fork,
    insider_truncation,
    insider_backdating,
    insider_repeat,
)
