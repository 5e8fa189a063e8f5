"""The values' ways into and out of one relation, drawn as SVG: columns as boxes, ways as lines.

The picture repeats what the page's tables say, so it carries a title and a description and no text
that is found only there.
"""

import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from expectations.policy.dependencies import Edge
from expectations.policy.graph import Relation
from expectations.policy.lineage.edges import Column

ROW_HEIGHT = 26
BOX_WIDTH = 330
GAP = 150
LETTERS = 44
"""As many of a name's last letters as a box holds."""


@dataclass(frozen=True)
class _Lane:
    """The boxes of one side, from top to bottom, in their own order."""

    x: int
    columns: tuple[Column, ...]

    def y(self, column: Column) -> int:
        return self.columns.index(column) * ROW_HEIGHT + ROW_HEIGHT // 2


def drawing(
    relation: Relation,
    read_by: Mapping[Column, tuple[Edge, ...]],
    address: Callable[[Column], str],
) -> str:
    """The picture as markup; empty where no value comes in or goes out. Each box leads to the
    `address` of its column."""
    own = [field.column for field in relation.fields]
    into = [
        (source, Column(relation.schema, relation.table, output.name))
        for output in (relation.lineage.columns if relation.lineage else ())
        for source in sorted(output.value)
    ]
    out = [
        (column, edge.target)
        for column in own
        for edge in read_by.get(column, ())
        if edge.how == "value"
    ]
    if not into and not out:
        return ""
    left = _Lane(0, tuple(sorted({source for source, _ in into})))
    middle = _Lane(BOX_WIDTH + GAP, tuple(own))
    right = _Lane(2 * (BOX_WIDTH + GAP), tuple(sorted({target for _, target in out})))
    lanes = (left, middle, right)
    height = max(len(lane.columns) for lane in lanes) * ROW_HEIGHT + ROW_HEIGHT
    width = right.x + BOX_WIDTH
    description = (
        f"{len(left.columns)} columns feed the {len(own)} columns of {relation.name}, whose values "
        f"go to {len(right.columns)} columns. The tables below say the same."
    )
    title = f"Value lineage of {relation.name}"
    return (
        f'<figure><svg role="img" aria-labelledby="drawing-title drawing-text" '
        # a line's half stands outside of its box
        f'viewBox="-1 -1 {width + 2} {height + 2}" xmlns="http://www.w3.org/2000/svg">\n'
        f'<title id="drawing-title">{html.escape(title)}</title>\n'
        f'<desc id="drawing-text">{html.escape(description)}</desc>\n'
        + "\n".join((*_ways(into, left, middle), *_ways(out, middle, right)))
        + "\n"
        + "\n".join(box for lane in lanes for box in _boxes(lane, relation, address))
        + f"\n</svg><figcaption>{html.escape(title)}</figcaption></figure>"
    )


def _ways(pairs: Iterable[tuple[Column, Column]], start: _Lane, end: _Lane) -> Iterable[str]:
    for source, target in sorted(set(pairs)):
        if target not in end.columns:
            continue
        x, y = start.x + BOX_WIDTH, start.y(source)
        to_y, middle = end.y(target), start.x + BOX_WIDTH + GAP // 2
        yield (
            f'<path d="M{x} {y} C{middle} {y} {middle} {to_y} {end.x} {to_y}" fill="none" '
            'stroke="#5b6b80" stroke-width="1.2"/>'
        )


def _boxes(lane: _Lane, relation: Relation, address: Callable[[Column], str]) -> Iterable[str]:
    for column in lane.columns:
        is_own = (column.schema, column.table) == (relation.schema, relation.table)
        name = column.name if is_own else f"{column.table}.{column.name}"
        shown = name if len(name) <= LETTERS else f"...{name[-LETTERS:]}"
        y = lane.y(column)
        yield (
            f'<a href="{html.escape(address(column))}">'
            f'<rect x="{lane.x}" y="{y - 11}" width="{BOX_WIDTH}" height="22" rx="3" '
            f'fill="{"#e6edf7" if is_own else "#ffffff"}" stroke="#5b6b80"/>'
            f'<text x="{lane.x + 8}" y="{y + 4}" font-size="13" '
            f'font-family="ui-monospace, monospace" fill="#1b1f24">{html.escape(shown)}</text></a>'
        )
