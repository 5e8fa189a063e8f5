"""A document that people and their tools read: once as data, then as Markdown or as HTML.

HTML is static: no script, nothing fetched, headings in order, a caption and scoped headers on each
table, a link past the navigation (WCAG 2.2 AA). Text is escaped here and nowhere else.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

CSS = """
:root { color-scheme: light; --ink: #1b1f24; --soft: #4a5568; --line: #8a94a3; --chip: #e6edf7;
  --warn: #7a1f1f; --link: #0b4f9e; }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: #fff; margin: 0 auto;
  padding: 1rem 1.5rem 4rem; max-width: 72rem; }
a { color: var(--link); }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; background: #fff; padding: .5rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { border: 1px solid var(--line); padding: .35rem .5rem; text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
thead th { background: #f1f4f8; }
tbody th { width: 11rem; }
.chip { display: inline-block; background: var(--chip); border: 1px solid var(--line);
  border-radius: .3rem; padding: 0 .4rem; margin: .1rem .2rem .1rem 0; font-size: .875rem; }
.special { color: var(--warn); font-weight: 600; }
code { font-size: .925em; }
footer, .soft { color: var(--soft); }
@media (max-width: 40rem) {
  th, td { overflow-wrap: anywhere; }
  tbody th { width: 7rem; }
}
figure { margin: 1rem 0; overflow-x: auto; }
svg { max-width: 100%; min-width: 44rem; height: auto; }
svg a:hover rect { stroke: var(--link); stroke-width: 2; }
svg a:hover text { text-decoration: underline; }
"""


@dataclass(frozen=True)
class Table:
    """Cells are plain text; a line break in a cell stays one."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs and tables below it. `level` 2 stands below the title."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    level: int = 2

    @property
    def anchor(self) -> str:
        return slug(self.heading)


@dataclass(frozen=True)
class Document:
    """A document with its sections. `revision` says what it was made from."""

    title: str
    introduction: tuple[str, ...]
    sections: tuple[Section, ...]
    revision: str


def cell(lines: Iterable[str]) -> str:
    """The text of a table's cell: one line each, and `none` where there is nothing."""
    return "\n".join(lines) or "none"


def slug(text: str) -> str:
    """A text as an anchor: lower case, everything but letters, digits, dot and _ as a hyphen."""
    return re.sub(r"[^\w.]+", "-", text.lower()).strip("-")


def to_markdown(document: Document) -> str:
    """The document as CommonMark with pipe tables."""
    parts = [f"# {_inline(document.title)}", *map(_inline, document.introduction)]
    for section in document.sections:
        parts.append(f"{'#' * section.level} {_inline(section.heading)}")
        parts += map(_inline, section.paragraphs)
        parts += map(_markdown_table, section.tables)
    parts.append(f"Revision `{document.revision}`.")
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table) -> str:
    lines = [
        _markdown_row(table.columns),
        _markdown_row(tuple("---" for _ in table.columns), escape=False),
        *map(_markdown_row, table.rows),
    ]
    return f"**{_inline(table.caption)}**\n\n" + "\n".join(lines)


def _markdown_row(cells: Iterable[str], escape: bool = True) -> str:
    shown = [_inline(cell).replace("\n", "<br>") if escape else cell for cell in cells]
    return f"| {' | '.join(shown)} |"


def _inline(text: str) -> str:
    # what a renderer would take for markup; dots, hyphens and brackets stay readable
    return re.sub(r"([\\`*_<|#])", r"\\\1", text)


def to_html(document: Document) -> str:
    """The document as one HTML page."""
    contents = "".join(
        f'<li><a href="#{section.anchor}">{html.escape(section.heading)}</a></li>'
        for section in document.sections
        if section.level == 2
    )
    body = [
        f"<h1>{html.escape(document.title)}</h1>",
        *(f"<p>{html.escape(text)}</p>" for text in document.introduction),
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>',
        *map(_html_section, document.sections),
        f"<footer><p>Revision <code>{html.escape(document.revision)}</code>.</p></footer>",
    ]
    return page(document.title, "\n".join(body))


def page(title: str, body: str) -> str:
    """A whole HTML page around `body`, which is markup already."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the content</a>\n'
        f'<main id="main">\n{body}\n</main>\n</body>\n</html>\n'
    )


def _html_section(section: Section) -> str:
    level = section.level
    parts = [f'<h{level} id="{section.anchor}">{html.escape(section.heading)}</h{level}>']
    parts += [f"<p>{html.escape(text)}</p>" for text in section.paragraphs]
    parts += [html_table(one) for one in section.tables]
    return "\n".join(parts)


def html_table(table: Table) -> str:
    """A table with its caption; the first cell of a row is the row's header."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.columns)
    rows = "\n".join(
        "<tr>"
        + f'<th scope="row">{_cell(row[0])}</th>'
        + "".join(f"<td>{_cell(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return (
        f"<table>\n<caption>{html.escape(table.caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _cell(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")
