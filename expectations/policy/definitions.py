"""Where a column of a query gets its value: the expressions that define it.

A column is followed from the last select through CTEs and subqueries, to one expression for each
branch of a union. What can't be followed for certain is not proven.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

_Ctes = Mapping[str, tuple[exp.Expr, "_Ctes"]]


class Unproven(ValueError):
    """The SQL does not prove it; the message says what it shows instead."""


@dataclass(frozen=True)
class Definition:
    """Where a column gets its value: the expression, the select that it stands in, and the CTEs
    that may be read there."""

    expression: exp.Expr
    select: exp.Select
    ctes: _Ctes = field(default_factory=dict)

    def of(self, column: exp.Column) -> list["Definition"]:
        """Every expression that defines a column which this one reads."""
        return list(_of_column(column, self.select, self.ctes, frozenset()))


def definitions(sql: str, column: str) -> list[Definition]:
    """Every expression that defines a column of a query. Raises Unproven if one can't be found."""
    try:
        query = sqlglot.parse_one(sql, dialect="duckdb")
    except sqlglot.ParseError:
        raise Unproven("the SQL can't be parsed a second time") from None
    return list(_of_query(query, column.lower(), {}, frozenset()))


def _of_query(
    query: exp.Expr, column: str, ctes: _Ctes, seen: frozenset[int]
) -> Iterator[Definition]:
    if id(query) in seen:
        raise Unproven("the column is defined by a query that reads itself")
    seen |= {id(query)}
    with_ = query.args.get("with_")
    if with_ is not None:
        for cte in with_.expressions:
            _refuse_renaming(cte)
            ctes = {**ctes, cte.alias.lower(): (cte.this, ctes)}
    if isinstance(query, exp.Subquery | exp.Paren):
        yield from _of_query(query.this, column, ctes, seen)
    elif isinstance(query, exp.SetOperation):
        yield from _of_branches(query, column, ctes, seen)
    elif isinstance(query, exp.Select):
        yield from _of_select(query, column, ctes, seen)
    else:
        raise Unproven(f"the column comes from {query.key}, which can't be followed")


def _of_branches(
    query: exp.SetOperation, column: str, ctes: _Ctes, seen: frozenset[int]
) -> Iterator[Definition]:
    left, right = query.left, query.right
    names = [one.alias_or_name.lower() for one in left.selects]
    if query.args.get("by_name") or left.is_star or right.is_star or names.count(column) != 1:
        raise Unproven("the branches of a union can't be matched; list their columns")
    position = names.index(column)
    if len(right.selects) != len(names):
        raise Unproven("the branches of a union have different columns")
    yield from _of_query(left, column, ctes, seen)
    yield from _of_query(right, right.selects[position].alias_or_name.lower(), ctes, seen)


def _of_select(
    select: exp.Select, column: str, ctes: _Ctes, seen: frozenset[int]
) -> Iterator[Definition]:
    named = [one for one in select.selects if one.alias_or_name.lower() == column]
    if len(named) > 1 or (named and any(_may_give(one, column) for one in select.selects)):
        raise Unproven(f"{column} is defined twice, or a star may have a column of that name")
    if named:
        expression = named[0].unalias()
        while isinstance(expression, exp.Paren | exp.Cast) and not isinstance(
            expression, exp.TryCast
        ):
            expression = expression.this
        if not isinstance(expression, exp.Column) or isinstance(expression.this, exp.Star):
            yield Definition(expression, select, ctes)
            return
    else:
        expression = _through_star(select, column)
    yield from _of_column(expression, select, ctes, seen)


def _of_column(
    column: exp.Column, select: exp.Select, ctes: _Ctes, seen: frozenset[int]
) -> Iterator[Definition]:
    source, name = _source(select, column.table.lower()), column.name.lower()
    if not isinstance(source, exp.Table):
        yield from _of_query(source.this, name, ctes, seen)
        return
    inner = None if source.db else ctes.get(source.name.lower())
    if inner is None:
        yield Definition(column, select, ctes)
    else:
        yield from _of_query(inner[0], name, inner[1], seen)


def _through_star(select: exp.Select, column: str) -> exp.Column:
    """The column as the only star that may have it gives it."""
    stars = [one for one in select.selects if _may_give(one, column)]
    if len(stars) != 1 or not stars[0].is_star or _renames(stars[0]):
        raise Unproven(f"{column} is not listed in the select that makes it")
    return exp.column(column, table=getattr(stars[0], "table", "") or None)


def _may_give(expression: exp.Expr, column: str) -> bool:
    """Whether a star or COLUMNS(...) in a select list may have the column of that name."""
    if not expression.is_star:
        select = expression.find_ancestor(exp.Select)
        return any(
            one.find_ancestor(exp.Select) is select and not isinstance(one.parent, exp.Count)
            for one in expression.find_all(exp.Columns, exp.Star)
        )
    excluded = _star(expression).args.get("except_") or ()
    return _renames(expression) or column not in [one.name.lower() for one in excluded]


def _renames(star: exp.Expr) -> bool:
    return any(_star(star).args.get(clause) for clause in ("rename", "replace"))


def _star(expression: exp.Expr) -> exp.Expr:
    """The star of `*` or `t.*`."""
    star: exp.Expr = expression.this if isinstance(expression, exp.Column) else expression
    return star


def _source(select: exp.Select, alias: str) -> exp.Expr:
    """The table or subquery that an alias stands for; the only one, where there is no alias."""
    from_ = select.args.get("from_")
    joins = select.args.get("joins") or []
    sources = [from_.this] if from_ is not None else []
    sources += [join.this for join in joins]
    if alias:
        sources = [one for one in sources if one.alias_or_name.lower() == alias]
    if len(sources) != 1 or not isinstance(sources[0], exp.Table | exp.Subquery):
        raise Unproven("the table that a column comes from is not clear; qualify the column")
    if sources[0].args.get("pivots") or select.args.get("laterals"):
        raise Unproven("a pivot or lateral join stands between the column and its source")
    _refuse_renaming(sources[0])
    return sources[0]


def _refuse_renaming(source: exp.Expr) -> None:
    """`as t(a, b)` gives the columns other names, by their places."""
    alias = source.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.columns:
        raise Unproven(f"{alias.name}(...) renames columns; name them where they are made")
