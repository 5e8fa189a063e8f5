"""A person's records and what joins them, as a drawing for reports and for Dagster.

One circle a record, in the order of their keys around a ring, its assurance written in it; one line
a pair of records, with the rules that join them. Weak evidence is dotted, a score dashed, so that
nothing is told by colour alone.
"""

import math
from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby

from orchestration.identity_account import Account, Link

_RADIUS, _LEAST_RING, _PER_RECORD = 18, 130, 26
_MARGIN_X, _MARGIN_Y = 220, 70
_FILL = {"A": "#0b5d3b", "B": "#1f4e8c", "C": "#8a4b00", "D": "#6b2d73"}
_DASHES = {"C": "2 5", "D": "9 6"}
_LEGEND = (
    ("A", "reference between systems"),
    ("B", "verified contact"),
    ("C", "weaker evidence (dotted)"),
    ("D", "probability (dashed)"),
)

Named = Callable[[str], str]


def draw(account: Account, named: Named = str) -> str:
    """SVG of one person; `named` says how a record is called in it.

    Raises ValueError for a person without records.
    """
    if not account.records:
        raise ValueError("a person without records can't be drawn")
    keys = sorted(record.record_key for record in account.records)
    ring = max(_LEAST_RING, len(keys) * _PER_RECORD // 2)
    places = {key: _place(i, len(keys), ring) for i, key in enumerate(keys)}
    width, height = 2 * (ring + _MARGIN_X), 2 * (ring + _MARGIN_Y) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f"<title>Person {escape(account.person_id)}: {len(keys)} records</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<g transform="translate({width // 2} {ring + _MARGIN_Y})">',
        *_links(account, places, named),
        *_records(account, places, named),
        "</g>",
        *_legend(height - 14),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def numbered(account: Account) -> Named:
    """Names without a person's number in them: the system and a count, such as `crm 2`."""
    keys = sorted(record.record_key for record in account.records)
    names: dict[str, str] = {}
    for system, group in groupby(keys, key=_system):
        names |= {key: f"{system} {number}" for number, key in enumerate(group, start=1)}
    return names.__getitem__


def _system(key: str) -> str:
    return key.partition(".")[0]


def _place(position: int, count: int, ring: int) -> tuple[float, float]:
    if count == 1:
        return 0.0, 0.0
    angle = 2 * math.pi * position / count - math.pi / 2
    return round(ring * math.cos(angle), 1), round(ring * math.sin(angle), 1)


def _links(account: Account, places: dict[str, tuple[float, float]], named: Named) -> Iterator[str]:
    def pair(link: Link) -> tuple[str, str]:
        low, high = sorted((link.record_key, link.other_record_key))
        return low, high

    within = [one for one in account.links if set(pair(one)) <= places.keys()]
    for (one, other), group in groupby(sorted(within, key=pair), key=pair):
        links = sorted(group, key=lambda link: (link.assurance, link.rule))
        (x1, y1), (x2, y2), strongest = places[one], places[other], links[0].assurance
        dashes = f' stroke-dasharray="{_DASHES[strongest]}"' if strongest in _DASHES else ""
        rules = ", ".join(link.rule for link in links)
        yield (
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_FILL[strongest]}" '
            f'stroke-width="2"{dashes}><title>{escape(f"{named(one)} = {named(other)}: {rules}")}'
            "</title></line>"
        )
        more = f" +{len(links) - 1}" if len(links) > 1 else ""
        yield _text((x1 + x2) / 2, (y1 + y2) / 2 - 4, links[0].rule + more, halo=True)


def _records(
    account: Account, places: dict[str, tuple[float, float]], named: Named
) -> Iterator[str]:
    for record in sorted(account.records, key=lambda one: one.record_key):
        x, y = places[record.record_key]
        fill = _FILL[record.assurance]
        yield f'<circle cx="{x}" cy="{y}" r="{_RADIUS}" fill="{fill}"/>'
        yield _text(x, y + 5, record.assurance, fill="#ffffff", weight="bold")
        below = _RADIUS + 14 if y >= 0 else -_RADIUS - 6
        yield _text(x, y + below, named(record.record_key), halo=True)


def _legend(y: int) -> Iterator[str]:
    x = 14
    for level, words in _LEGEND:
        yield f'<circle cx="{x}" cy="{y - 4}" r="6" fill="{_FILL[level]}"/>'
        yield f'<text x="{x + 10}" y="{y}" fill="#1a1a1a">{level} {words}</text>'
        x += 30 + 7 * len(words)


def _text(
    x: float, y: float, words: str, *, fill: str = "#1a1a1a", weight: str = "", halo: bool = False
) -> str:
    more = f' font-weight="{weight}"' if weight else ""
    more += ' stroke="#ffffff" stroke-width="3" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="{fill}"{more}>'
        f"{escape(words)}</text>"
    )
