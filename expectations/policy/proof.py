"""Whether the SQL of a model does to a column what its declassify says.

A column is followed from the model's last select through CTEs and subqueries to the expressions
that define it, one for each branch of a union. Each must be, at its root, the declared operation:
`sha256(key || x)` proves a hash, `sha256(key || x) || x` proves nothing. What can't be followed is
not proven.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from expectations.policy.declared import Declassify
from expectations.policy.lineage.edges import Column
from expectations.policy.vocabulary import Vocabulary

_SAFE_AGGREGATES = (exp.Count, exp.Sum, exp.Avg, exp.Stddev, exp.StddevPop, exp.Variance)
_Ctes = Mapping[str, tuple[exp.Expr, "_Ctes"]]


class Unproven(ValueError):
    """The SQL does not prove it; the message says what it shows instead."""


@dataclass(frozen=True)
class Definition:
    """Where a column gets its value: the expression and the select that it stands in."""

    expression: exp.Expr
    select: exp.Select


def prove(
    sql: str, column: str, value: frozenset[Column], declared: Declassify, vocabulary: Vocabulary
) -> None:
    """Raise Unproven unless every definition of `column` is the declared operation.

    `value` are the columns that lineage says its value comes from.
    """
    for definition in definitions(sql, column):
        match declared.method:
            case "keyed_hash":
                _is_keyed_hash(definition, value, vocabulary)
            case "aggregate":
                _is_aggregate(definition, declared.k or 0, vocabulary)
            case "generalise":
                _is_generalised(definition, declared, vocabulary)
            case _:
                _is_dropped(definition, value)


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
    if len(named) > 1:
        raise Unproven(f"{column} is defined twice")
    if named:
        expression = named[0].unalias()
        while isinstance(expression, exp.Paren | exp.Cast) and not isinstance(
            expression, exp.TryCast
        ):
            expression = expression.this
        if not isinstance(expression, exp.Column) or isinstance(expression.this, exp.Star):
            yield Definition(expression, select)
            return
        source = _source(select, expression.table.lower())
        name = expression.name.lower()
    else:
        if len(select.selects) != 1 or not _is_plain_star(select.selects[0]):
            raise Unproven(f"{column} is not listed in the select that makes it")
        source, name = _source(select, ""), column
        expression = exp.column(name)
    if isinstance(source, exp.Table):
        inner = None if source.db else ctes.get(source.name.lower())
        if inner is None:
            yield Definition(expression, select)
        else:
            yield from _of_query(inner[0], name, inner[1], seen)
    else:
        yield from _of_query(source.this, name, ctes, seen)


def _is_plain_star(expression: exp.Expr) -> bool:
    return isinstance(expression, exp.Star) and not any(expression.args.values())


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


def _is_keyed_hash(
    definition: Definition, value: frozenset[Column], vocabulary: Vocabulary
) -> None:
    hash_ = definition.expression
    key = vocabulary.hash_key
    if not (isinstance(hash_, exp.SHA2) or _name(hash_) == "sha256"):
        raise Unproven(f"the plan shows {_said(hash_)}, and not sha256 of key and value")
    if key not in value or not any(_reads_key(one, key) for one in _operands(hash_)):
        raise Unproven(f"the hash has no key: it must take {key}, as the macro keyed_hash does")


def _operands(hash_: exp.Expr) -> list[exp.Expr]:
    """What a hash is taken of: its argument, and the parts that are put together to it."""
    operands = [hash_.expressions[0] if hash_.expressions else hash_.this]
    for one in operands:
        if isinstance(one, exp.ConcatWs):
            operands += one.expressions[1:]  # a separator is not there where there is one part
        elif isinstance(one, exp.Concat):
            operands += one.expressions
        elif isinstance(one, exp.DPipe | exp.Paren | exp.Cast):
            operands += list(one.iter_expressions())
    return operands


def _reads_key(expression: exp.Expr, key: Column) -> bool:
    """Whether it is `(select key from store.hash_key)`, all of it."""
    if not isinstance(expression, exp.Subquery) or not isinstance(expression.this, exp.Select):
        return False
    # of any other clause (where, offset, a sample) nothing may be left, and a hash of no key
    select = expression.this
    table = select.args["from_"].this if select.args.get("from_") else None
    return (
        [one.sql().lower().strip('"') for one in select.selects] == [key.name]
        and _clauses(select) == {"expressions", "from_"}
        and isinstance(table, exp.Table)
        and (table.db.lower(), table.name.lower()) == (key.schema, key.table)
        and _clauses(table) <= {"this", "db", "catalog", "alias"}
    )


def _clauses(expression: exp.Expr) -> set[str]:
    return {name for name, held in expression.args.items() if held}


def _is_aggregate(definition: Definition, k: int, vocabulary: Vocabulary) -> None:
    if k < vocabulary.minimum_group:
        raise Unproven(f"k is {k}, and the least that counts is {vocabulary.minimum_group}")
    expression = definition.expression
    for column in expression.find_all(exp.Column, exp.PositionalColumn):
        if not isinstance(column.find_ancestor(exp.AggFunc), _SAFE_AGGREGATES):
            raise Unproven(f"{column.sql()} stands outside count, sum and avg")
        # sum(case when email = '...' then amount end) is one person's amount, whatever the group
        inside: exp.Expr = column
        while isinstance(inside.parent, exp.Distinct | exp.Paren | exp.Cast):
            inside = inside.parent
        if not isinstance(inside.parent, exp.AggFunc):
            raise Unproven(f"{_said(expression)} aggregates more than a column as it is")
    if expression.find(exp.Window) or not expression.find(exp.AggFunc):
        raise Unproven(f"the plan shows {_said(expression)}, and no aggregate")
    having = definition.select.args.get("having")
    terms = having.this.flatten() if having and isinstance(having.this, exp.And) else []
    if having and not isinstance(having.this, exp.And):
        terms = [having.this]
    people = vocabulary.person_keys
    if not any(_counts_at_least(term, k, people) for term in terms):
        raise Unproven(
            f"no `having count(distinct {people[0]}) >= {k}` stands directly above the aggregate"
        )


def _counts_at_least(term: exp.Expr, k: int, people: tuple[str, ...]) -> bool:
    """Whether a term of HAVING keeps only groups of at least k people; one may have many rows."""
    if not isinstance(term, exp.GTE | exp.GT) or not isinstance(term.left, exp.Count):
        return False
    counted = term.left.this
    if not isinstance(counted, exp.Distinct) or len(counted.expressions) != 1:
        return False
    if counted.expressions[0].name.lower() not in people:
        return False
    if not isinstance(term.right, exp.Literal) or not term.right.is_int:
        return False
    return int(term.right.name) + isinstance(term, exp.GT) >= k


def _is_generalised(definition: Definition, declared: Declassify, vocabulary: Vocabulary) -> None:
    expression = definition.expression
    if declared.generalisation is not None:
        listed = vocabulary.generalisations.get(declared.generalisation)
        if listed is None:
            raise Unproven(f"generalisation {declared.generalisation} is not in vocabulary.yml")
        if not _keeps_only(expression, listed.keeps):
            raise Unproven(
                f"the plan shows {_said(expression)}, and not "
                f"`case when x in ({', '.join(listed.keeps)}) then x end`"
            )
        return
    listed_function = vocabulary.generalising_functions.get(_name(expression))
    if listed_function is None:
        raise Unproven(f"the plan shows {_said(expression)}, and no listed function")
    unit = expression.args.get("unit")
    if listed_function.units and (unit is None or unit.name.lower() not in listed_function.units):
        raise Unproven(f"{_name(expression)} may keep only {', '.join(listed_function.units)}")


def _keeps_only(expression: exp.Expr, keeps: tuple[str, ...]) -> bool:
    if not isinstance(expression, exp.Case) or len(expression.args["ifs"]) != 1:
        return False
    branch = expression.args["ifs"][0]
    condition, result = branch.this, branch.args["true"]
    return (
        expression.args.get("this") is None
        and expression.args.get("default") is None
        and isinstance(condition, exp.In)
        and isinstance(condition.this, exp.Column)
        and condition.this == result
        and all(isinstance(one, exp.Literal) and one.is_string for one in condition.expressions)
        and {one.name for one in condition.expressions} <= set(keeps)
        and bool(condition.expressions)
    )


def _is_dropped(definition: Definition, value: frozenset[Column]) -> None:
    if value or definition.expression.find(exp.Column, exp.Subquery, exp.Select):
        raise Unproven(f"the plan shows {_said(definition.expression)}, and not a constant")


def _name(expression: exp.Expr) -> str:
    if isinstance(expression, exp.Anonymous):
        return expression.name.lower()
    if isinstance(expression, exp.TimestampTrunc | exp.DateTrunc):
        return "date_trunc"
    return expression.sql_name().lower() if isinstance(expression, exp.Func) else ""


def _said(expression: exp.Expr) -> str:
    text = expression.sql(dialect="duckdb")
    return f"`{text[:60]}{'...' if len(text) > 60 else ''}`"
