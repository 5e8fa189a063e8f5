"""Column lineage and labels as static pages: one per relation, one index, no script.

A page draws the values' ways as a picture and says the same in a table, which also has what
selected them. Every column is an anchor, so `contexts.ctx_policy.html#renews_on` can be linked.
"""

import html
from collections.abc import Iterable, Iterator, Mapping

from activation.evidence.document import Table, html_table, page, slug
from activation.evidence.inputs import EvidenceInputs, TableText
from activation.evidence.lineage_drawing import drawing
from expectations.policy.chips import chips
from expectations.policy.dependencies import Edge, readers
from expectations.policy.graph import Field, Relation
from expectations.policy.lineage.edges import Column, OutputColumn
from expectations.policy.special import special_in

INDEX = "index.html"
#: The data's path; any other schema follows after it.
_PATH = (
    *("landing", "staging", "identity", "consent", "profiles", "contexts"),
    *("activation", "outbound", "measurement"),
)


def pages(inputs: EvidenceInputs) -> Iterator[tuple[str, str]]:
    """(file name, page) for the index and each relation, in the order of the data's path."""
    yield INDEX, _index(inputs)
    read_by = readers(inputs.graph)
    for relation in inputs.graph.relations.values():
        yield page_name(relation.name), _relation(relation, inputs.text(relation.name), read_by)


def page_name(relation: str) -> str:
    """The file name of the page of a relation (schema.table)."""
    return f"{relation}.html"


def _index(inputs: EvidenceInputs) -> str:
    by_schema: dict[str, list[Relation]] = {}
    for relation in inputs.graph.relations.values():
        by_schema.setdefault(relation.schema, []).append(relation)
    parts = [
        "<h1>Column lineage and policy labels</h1>",
        "<p>Where each column's value comes from, what selected it, where it goes, and what its "
        "label allows. Labels are declared on landing columns and inferred for all others.</p>",
    ]
    for schema in sorted(by_schema, key=_place):
        relations = by_schema[schema]
        parts.append(f'<h2 id="{slug(schema)}">{html.escape(schema)}</h2>')
        items = "".join(
            f'<li><a href="{page_name(one.name)}">{html.escape(one.table)}</a> '
            f'<span class="soft">{len(one.fields)} columns</span></li>'
            for one in relations
        )
        parts.append(f"<ul>{items}</ul>")
    parts.append(f"<footer><p>Revision <code>{inputs.revision}</code>.</p></footer>")
    return page("Column lineage", "\n".join(parts))


def _place(schema: str) -> tuple[int, str]:
    return (_PATH.index(schema) if schema in _PATH else len(_PATH), schema)


def _relation(
    relation: Relation, text: TableText, read_by: Mapping[Column, tuple[Edge, ...]]
) -> str:
    lineage = {} if relation.lineage is None else {o.name: o for o in relation.lineage.columns}
    parts = [
        f'<nav aria-label="Pages"><a href="{INDEX}">All relations</a></nav>',
        f"<h1>{html.escape(relation.name)}</h1>",
        f"<p>{html.escape(' '.join(text.description.split()))}</p>" if text.description else "",
        html_table(_facts(relation, text)),
        drawing(relation, read_by, _address),
        _rows(relation),
    ]
    parts += [
        _column(
            field,
            text.columns.get(field.column.name, ""),
            lineage.get(field.column.name),
            read_by.get(field.column, ()),
        )
        for field in relation.fields
    ]
    return page(f"{relation.name}: column lineage", "\n".join(filter(None, parts)))


def _facts(relation: Relation, text: TableText) -> Table:
    return Table(
        f"About {relation.name}",
        ("what", "answer"),
        (
            ("kind", relation.kind),
            ("declared in", relation.path),
            ("owner", text.owner or "none"),
            ("a row is about", relation.subject or "not stated"),
            ("identified by", ", ".join(relation.subject_key) or "not stated"),
            ("retention counts from", relation.event_time or "not stated"),
        ),
    )


def _rows(relation: Relation) -> str:
    if relation.lineage is None or not relation.lineage.rows:
        return ""
    items = "".join(f"<li>{_link(one)}</li>" for one in sorted(relation.lineage.rows))
    return (
        '<h2 id="rows">What decides which rows it has</h2>\n'
        f"<details><summary>Columns in filters, joins and groups: {len(relation.lineage.rows)}"
        f"</summary><ul>{items}</ul></details>"
    )


def _column(
    field: Field, description: str, output: OutputColumn | None, read_by: tuple[Edge, ...]
) -> str:
    name = field.column.name
    value = sorted(output.value) if output else []
    selection = sorted(output.selection) if output else []
    targets = sorted({edge.target for edge in read_by if edge.how == "value"})
    chosen = sorted({edge.target for edge in read_by if edge.how == "selection"} - set(targets))
    origin = "nothing: a constant or a count" if output else "its system of record"
    rows = (
        ("its value comes from", _links(value, origin)),
        ("its value was selected by", _links(selection, "nothing")),
        (
            "functions on the way",
            html.escape(", ".join(sorted(output.functions))) if output else "",
        ),
        ("its value goes to", _links(targets, "nothing")),
        ("it selects values of", _links(chosen, "nothing")),
        ("chosen by categories", _chips(sorted(field.selection))),
    )
    body = "\n".join(
        f'<tr><th scope="row">{what}</th><td>{answer or "none"}</td></tr>' for what, answer in rows
    )
    label = "declared label" if field.declared else "inferred label"
    return (
        f'<section aria-labelledby="{slug(name)}">\n'
        f'<h2 id="{slug(name)}">{html.escape(name)} <code>{html.escape(field.type)}</code></h2>\n'
        + (f"<p>{html.escape(' '.join(description.split()))}</p>\n" if description else "")
        + f"<p>{label}: {_chips(chips(field.label))}</p>\n"
        f"<table><caption>Lineage of {html.escape(name)}</caption><tbody>\n{body}\n"
        "</tbody></table>\n</section>"
    )


def _chips(shown: Iterable[str]) -> str:
    return " ".join(map(_chip, shown)) or '<span class="chip">no restriction</span>'


def _chip(chip: str) -> str:
    category = chip.removeprefix("category/")
    is_special = bool(special_in(frozenset({category})))
    mark = ' <span class="special">special category</span>' if is_special else ""
    return f'<span class="chip">{html.escape(chip)}{mark}</span>'


def _links(columns: Iterable[Column], otherwise: str) -> str:
    return "<br>".join(map(_link, columns)) or html.escape(otherwise)


def _link(column: Column) -> str:
    return f'<a href="{html.escape(_address(column))}">{html.escape(str(column))}</a>'


def _address(column: Column) -> str:
    return f"{page_name(f'{column.schema}.{column.table}')}#{slug(column.name)}"
