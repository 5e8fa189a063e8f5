"""The comparison as one HTML page: no script, nothing loaded, readable by a screen reader."""

from collections.abc import Iterable, Sequence
from html import escape

from activation.decisions.gates import Outcome
from activation.decisions.reasons import SENTENCES
from activation.release.decision_diff import Group, Side
from activation.release.diff_report import ReleaseDiff

# Contrast of every pair is above 7:1 in both schemes; a change is said in words, never by colour.
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #767e87;
  --soft: #f0f2f4; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f2f4; --paper: #14171a; --line: #8b949e;
  --soft: #22272c; } }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .25rem; }
h3 { margin: 1.25rem 0 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; margin: .5rem 0; }
dt { font-weight: 600; } dd { margin: 0; }
aside { border-left: 4px solid var(--line); padding: .1rem 1rem; margin: 1rem 0; }
.table { overflow-x: auto; } .table:focus-visible { outline: 3px solid var(--ink); }
table { border-collapse: collapse; width: 100%; margin: 0 0 1rem; }
caption { text-align: left; padding: .25rem 0 .5rem; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .6rem; text-align: left;
  vertical-align: top; }
thead th { background: var(--soft); } .number { text-align: right; white-space: nowrap; }
code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere;
  white-space: pre-wrap; }
small { display: block; }
@media print { body { max-width: none; padding: 0; } tr { break-inside: avoid; } }
.lead { font-size: 1.15rem; }
"""

_MEANINGS = {
    "Gained": "done under the new release, not under the old one",
    "Lost": "done under the old release, no longer under the new one",
    "Changed": "done under both or under neither, but by another channel or for another reason",
}

_OUTCOMES = {
    Outcome.ACT: "Done",
    Outcome.DEFER: "Put off",
    Outcome.HOLD: "Held for a colleague",
    Outcome.WITHHOLD: "Withheld",
}


def render_page(diff: ReleaseDiff) -> str:
    """The whole page, in UTF-8. Persons appear as pseudonyms alone."""
    before, after = escape(diff.before), escape(diff.after)
    parts = [
        f"<h1>From release {before} to {after}</h1>",
        f'<p class="lead">{escape(diff.sentence())}.</p>',
        "<dl>" + "".join(f"<dt>{a}</dt><dd>{b}</dd>" for a, b in _MEANINGS.items()) + "</dl>",
        f"<p>Both decided about the same inputs: {escape(diff.inputs)}, as of "
        f'<time datetime="{diff.as_of.isoformat()}">{diff.as_of:%Y-%m-%d %H:%M} UTC</time>. '
        "Nothing was logged and nothing was sent.</p>",
        _notes(diff),
        '<h2 id="rules">What was changed</h2>',
        _rules(diff),
        '<h2 id="nodes">What it comes to, by journey node</h2>',
        _nodes(diff),
        '<h2 id="who">Who gains, loses or is treated otherwise, by reason</h2>',
        _groups(diff),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Releases {before} and {after}: what changes</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _notes(diff: ReleaseDiff) -> str:
    if not diff.notes:
        return ""
    said = "".join(f"<p>{escape(note)}</p>" for note in diff.notes)
    return f'<aside aria-label="Read with this in mind">{said}</aside>'


def _rules(diff: ReleaseDiff) -> str:
    if not diff.rules:
        return "<p>Nothing: both hold the same files.</p>"
    rows = [
        [_code(one.place), _code(one.field), _value(one.before), _value(one.after)]
        for one in diff.rules
    ]
    return _table(
        "Each field that differs. A dash stands where a side has none.",
        ["Node or file", "Field", "Before", "After"],
        rows,
    )


def _nodes(diff: ReleaseDiff) -> str:
    rows = [
        [
            _code(one.node),
            *(
                f"{count:,}"
                for count in (
                    one.acts_before, one.acts_after, one.gained, one.lost, one.changed, one.same,
                )
            ),
        ]
        for one in diff.decisions.nodes
    ]  # fmt: skip
    headings = ["Node", "Acts before", "Acts after", "Gained", "Lost", "Changed", "Same"]
    return _table("Decisions, counted.", headings, rows, numbers=6)


def _groups(diff: ReleaseDiff) -> str:
    if not diff.decisions.groups:
        return "<p>Nobody: every decision is the same.</p>"
    parts = []
    for node in dict.fromkeys(group.node for group in diff.decisions.groups):
        parts.append(f"<h3>{escape(node)}</h3>")
        rows = [_group(one) for one in diff.decisions.groups if one.node == node]
        headings = ["Change", "Before", "After", "Some of them", "Decisions", "Persons"]
        caption = f"What becomes of {node}'s candidates. Persons are pseudonyms."
        parts.append(_table(caption, headings, rows, numbers=2))
    return "\n".join(parts)


def _group(group: Group) -> list[str]:
    return [
        group.change.capitalize(),
        _side(group.before),
        _side(group.after),
        ", ".join(_code(one) for one in group.sample),
        f"{group.decisions:,}",
        f"{group.persons:,}",
    ]


def _side(side: Side | None) -> str:
    """What is decided, in words first; the reason's code is for whoever looks it up."""
    if side is None:
        return "Not a candidate<small>The node does not select this person.</small>"
    outcome = _OUTCOMES[Outcome(side.outcome)]
    if side.outcome == Outcome.ACT:
        return escape(f"{outcome}, by {side.channel}" if side.channel else outcome)
    said = SENTENCES.get(side.reason, "")
    return f"{outcome}<small>{escape(said)} {_code(side.reason)}</small>"


def _table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0
) -> str:
    """A table in which the last `numbers` columns are figures; cells are HTML."""
    first = len(headings) - numbers
    head = "".join(
        f'<th scope="col"{_class(position >= first)}>{escape(heading)}</th>'
        for position, heading in enumerate(headings)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{cell}</th>'
            if position == 0
            else f"<td{_class(position >= first)}>{cell}</td>"
            for position, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in rows
    )
    label = escape(caption, quote=True)
    return (
        f'<div class="table" role="region" tabindex="0" aria-label="{label}">\n'
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}</tbody>\n</table>\n</div>"
    )


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _value(text: str | None) -> str:
    return "<span>-</span>" if text is None else _code(text)
