"""Random SELECT statements over the suite's tables: joins, groups, windows, subqueries, set
operations and WITH queries in any combination, each of which binds."""

from random import Random

TABLES = {
    "customers": {"id": "n", "email": "t", "phone": "t", "name": "t", "country": "t"},
    "events": {"id": "n", "cid": "n", "kind": "t", "amount": "n"},
    "consent": {"cid": "n", "purpose": "t", "channel": "t", "status": "t"},
}
JOINS = ["join", "left join", "right join", "full join", "semi join", "anti join"]
#: Columns in scope: (expression, "n" for numbers or "t" for text).
Scope = list[tuple[str, str]]


class Generator:
    """Writes one query after another from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.names = 0

    def query(self, depth: int = 2) -> str:
        """A SELECT with the output columns o0 (number), o1 (text) and o2 (number)."""
        kind = self.random.random()
        if depth > 0 and kind < 0.15:
            first, second = self.query(depth - 1), self.query(depth - 1)
            set_of = self._pick(SETS)
            return f"select * from (select * from ({first}) {set_of} select * from ({second}))"
        if depth > 0 and kind < 0.25:
            name = self._name()
            body = self._select(depth, extra=(name, {"o0": "n", "o1": "t", "o2": "n"}))
            return f"with {name} as ({self.query(depth - 1)}) {body}"
        return self._select(depth)

    def _select(self, depth: int, extra: tuple[str, dict[str, str]] | None = None) -> str:
        scope, source = self._from(depth, extra)
        where = f" where {self._condition(scope, depth)}" if self._chance(0.6) else ""
        kind = self.random.random()
        if kind < 0.3:
            key = self._text(scope, 0)
            having = f" having {self._aggregate(scope)} > 2" if self._chance(0.3) else ""
            return (
                f"select {self._aggregate(scope)} as o0, {key} as o1, {self._aggregate(scope)} "
                f"as o2 from {source}{where} group by {key}{having}"
            )
        if kind < 0.4:
            return (
                f"select {self._aggregate(scope)} as o0, max({self._text(scope, 1)}) as o1, "
                f"{self._aggregate(scope)} as o2 from {source}{where}"
            )
        tail = ""
        if self._chance(0.15):
            tail = f" qualify {self._window(scope)} < 3"
        elif self._chance(0.15):
            tail = f" order by {self._text(scope, 1)}, 1, 2, 3 limit {self.random.randrange(1, 9)}"
        distinct = self._pick(["", "", "", "distinct "])
        third = self._window(scope) if self._chance(0.35) else self._number(scope, depth)
        return (
            f"select {distinct}{self._number(scope, depth)} as o0, {self._text(scope, 2)} as o1, "
            f"{third} as o2 from {source}{where}{tail}"
        )

    def _from(self, depth: int, extra: tuple[str, dict[str, str]] | None) -> tuple[Scope, str]:
        scope, source = self._item(depth, extra)
        for _ in range(self._pick([0, 1, 1, 2])):
            other, text = self._item(depth, None)
            join = self._pick(JOINS)
            both = scope + other
            on = self._join_condition(scope, other)
            if self._chance(0.3):
                on += f" and {self._simple(both)}"
            source = f"{source} {join} {text} on {on}"
            scope = scope if join in ("semi join", "anti join") else both
        return scope, source

    def _item(self, depth: int, extra: tuple[str, dict[str, str]] | None) -> tuple[Scope, str]:
        alias = self._name()
        if extra is not None:
            name, columns = extra
        elif depth > 0 and self._chance(0.25):
            name, columns = f"({self.query(depth - 1)})", {"o0": "n", "o1": "t", "o2": "n"}
        else:
            name = self._pick(list(TABLES))
            columns = TABLES[name]
        return [(f"{alias}.{one}", kind) for one, kind in columns.items()], f"{name} {alias}"

    def _join_condition(self, left: Scope, right: Scope) -> str:
        kind = self._pick(["n", "n", "t"])
        return f"{self._of(left, kind)} = {self._of(right, kind)}"

    def _condition(self, scope: Scope, depth: int) -> str:
        kind = self.random.random()
        if depth > 0 and kind < 0.2:
            return f"{self._of(scope, 'n')} {self._pick(['in', 'not in'])} " + self._column_of(
                depth
            )
        if depth > 0 and kind < 0.4:
            inner, source = self._item(0, None)
            related = f"{self._of(inner, 'n')} = {self._of(scope, 'n')}"
            return (
                f"{self._pick(['exists', 'not exists'])} (select 1 from {source} where {related} "
                f"and {self._simple(inner)})"
            )
        if kind < 0.6:
            return f"({self._simple(scope)} {self._pick(['and', 'or'])} {self._simple(scope)})"
        return self._simple(scope)

    def _column_of(self, depth: int) -> str:
        return f"(select o0 from ({self.query(depth - 1)}) where o0 is not null)"

    def _simple(self, scope: Scope) -> str:
        return self._pick(
            [
                f"{self._of(scope, 'n')} > {self.random.randrange(6)}",
                f"{self._of(scope, 't')} like '%{self._pick('adeugy')}%'",
                f"{self._of(scope, 'n')} is not null",
                f"{self._of(scope, 'n')} <> {self._of(scope, 'n')}",
                f"{self._of(scope, 't')} is distinct from {self._of(scope, 't')}",
            ]
        )

    def _number(self, scope: Scope, depth: int) -> str:
        kind = self.random.random()
        if depth > 0 and kind < 0.12:
            inner, source = self._item(0, None)
            related = f"{self._of(inner, 'n')} = {self._of(scope, 'n')}"
            return f"(select {self._aggregate(inner)} from {source} where {related})"
        if kind < 0.3:
            return f"({self._of(scope, 'n')} + {self._of(scope, 'n')})"
        if kind < 0.4:
            return f"len({self._of(scope, 't')})"
        return self._of(scope, "n")

    def _text(self, scope: Scope, depth: int) -> str:
        kind = self.random.random()
        if depth > 0 and kind < 0.15:
            return (
                f"case when {self._simple(scope)} then {self._of(scope, 't')} "
                f"else {self._of(scope, 't')} end"
            )
        if depth > 0 and kind < 0.3:
            return f"coalesce({self._of(scope, 't')}, {self._of(scope, 't')})"
        if depth > 0 and kind < 0.4:
            return f"upper({self._of(scope, 't')})"
        return self._of(scope, "t")

    def _aggregate(self, scope: Scope) -> str:
        of = self._of(scope, "n")
        kept = f" filter (where {self._simple(scope)})" if self._chance(0.2) else ""
        return self._pick(
            [
                f"count(*){kept}",
                f"sum({of}){kept}",
                f"max({of}){kept}",
                f"count(distinct {self._of(scope, 't')}){kept}",
                f"len(string_agg({self._of(scope, 't')}, ',' order by {of}))",
            ]
        )

    def _window(self, scope: Scope) -> str:
        over = (
            f"over (partition by {self._of(scope, 't')} order by {self._of(scope, 'n')}, "
            f"{self._of(scope, 't')})"
        )
        of = self._of(scope, "n")
        return self._pick(
            [f"row_number() {over}", f"rank() {over}", f"sum({of}) {over}", f"lag({of}) {over}"]
        )

    def _of(self, scope: Scope, kind: str) -> str:
        return self._pick([one for one, held in scope if held == kind])

    def _name(self) -> str:
        self.names += 1
        return f"t{self.names}"

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _pick(self, choices: "list[str] | str | list[int]") -> "str":
        return choices[self.random.randrange(len(choices))]  # type: ignore[return-value]


SETS = ["union all", "union", "except", "intersect", "union all by name"]
