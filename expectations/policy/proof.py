"""Whether the SQL of a model does to a column what its declassify says.

Each expression that defines the column must be, at its root, the declared operation:
`sha256(key || x)` proves a hash, `sha256(key || x) || x` proves nothing.
"""

from sqlglot import exp

from expectations.policy.declared import Declassify
from expectations.policy.definitions import Definition, Unproven, definitions
from expectations.policy.lineage.edges import Column
from expectations.policy.vocabulary import Vocabulary

_SAFE_AGGREGATES = (exp.Count, exp.Sum, exp.Avg, exp.Stddev, exp.StddevPop, exp.Variance)


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
    aggregates = list(expression.find_all(exp.AggFunc))
    if expression.find(exp.Window) or not aggregates:
        raise Unproven(f"the plan shows {_said(expression)}, and no aggregate")
    for column in expression.find_all(exp.Column, exp.PositionalColumn):
        if not isinstance(column.find_ancestor(exp.AggFunc), _SAFE_AGGREGATES):
            raise Unproven(f"{column.sql()} stands outside count, sum and avg")
    for aggregate in aggregates:
        _is_over_everybody(aggregate, definition)
    having = definition.select.args.get("having")
    terms = having.this.flatten() if having and isinstance(having.this, exp.And) else []
    if having and not isinstance(having.this, exp.And):
        terms = [having.this]
    people = vocabulary.person_keys
    if not any(_counts_at_least(term, k, people, definition) for term in terms):
        raise Unproven(
            f"no `having count(distinct {people[0]}) >= {k}` stands directly above the aggregate"
        )


def _is_over_everybody(aggregate: exp.Expr, definition: Definition) -> None:
    """Raise Unproven where people may be left out by what is aggregated:
    `sum(case when email = '...' then amount end)` is one person's amount, whatever the group."""
    taken = aggregate.this
    for one in taken.expressions if isinstance(taken, exp.Distinct) else [taken]:
        if not isinstance(one, exp.Star) and not _is_linear(one):
            raise Unproven(f"{_said(aggregate)} aggregates more than a column as it is")
        for column in one.find_all(exp.Column):
            if not all(_is_linear(made.expression) for made in definition.of(column)):
                raise Unproven(f"{column.sql()} is not a column as it is in the query below")


def _is_linear(expression: exp.Expr) -> bool:
    """Whether it is a column, converted, scaled or with a default: it gives everybody's value."""
    match expression:
        case exp.Paren() | exp.Cast() | exp.Neg():
            return _is_linear(expression.this)
        case exp.Coalesce():
            return _is_linear(expression.this) and all(map(_is_number, expression.expressions))
        case exp.Add() | exp.Sub():
            return all(_is_number(one) or _is_linear(one) for one in _sides(expression))
        case exp.Mul() | exp.Div():
            left, right = _sides(expression)
            return _is_linear(left) and _is_number(right)
    return isinstance(expression, exp.Column)


def _sides(expression: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    return expression.this, expression.expression


def _is_number(expression: exp.Expr) -> bool:
    return isinstance(expression, exp.Literal) and not expression.is_string


def _counts_at_least(
    term: exp.Expr, k: int, people: tuple[str, ...], definition: Definition
) -> bool:
    """Whether a term of HAVING keeps only groups of at least k people; one may have many rows."""
    if not isinstance(term, exp.GTE | exp.GT) or not isinstance(term.left, exp.Count):
        return False
    counted = term.left.this
    if not isinstance(counted, exp.Distinct) or len(counted.expressions) != 1:
        return False
    person = counted.expressions[0]
    if not isinstance(person, exp.Column) or person.name.lower() not in people:
        return False
    for made in definition.of(person):
        if (
            not isinstance(made.expression, exp.Column)
            or made.expression.name.lower() not in people
        ):
            raise Unproven(f"{person.sql()} is {_said(made.expression)} in the query below")
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
        _is_as_it_came(expression.args["ifs"][0].args["true"], definition)
        return
    listed_function = vocabulary.generalising_functions.get(_name(expression))
    if listed_function is None:
        raise Unproven(f"the plan shows {_said(expression)}, and no listed function")
    unit = expression.args.get("unit")
    if listed_function.units and (unit is None or unit.name.lower() not in listed_function.units):
        raise Unproven(f"{_name(expression)} may keep only {', '.join(listed_function.units)}")
    whole = expression.expressions[0] if isinstance(expression, exp.Anonymous) else expression.this
    _is_as_it_came(whole, definition)


def _is_as_it_came(whole: exp.Expr, definition: Definition) -> None:
    """Raise Unproven unless what is generalised is a column that the model reads:
    `year(make_date(income, 1, 1))` is the income, and a kept value may stand for another one."""
    while isinstance(whole, exp.Paren | exp.Cast):
        whole = whole.this
    if not isinstance(whole, exp.Column) or not all(
        isinstance(made.expression, exp.Column) for made in definition.of(whole)
    ):
        raise Unproven(f"{_said(whole)} is not a column that the model reads")


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
