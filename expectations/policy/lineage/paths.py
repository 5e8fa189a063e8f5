"""One way a row can come into a query's result, and what is certain about every row that does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

#: A value of a row. What two columns hold is the same value once they were compared as equal.
Token = int

_NUMBERS = count()


def fresh() -> Token:
    return next(_NUMBERS)


@dataclass(frozen=True)
class Witness:
    """A row of a permitted relation that every row of the path stands beside: all its values, those
    of the key columns, and those that must be compared with a constant (`owed`)."""

    keys: Mapping[str, Token]
    owed: Mapping[Token, str]
    row: frozenset[Token]


@dataclass(frozen=True)
class Supplement:
    """What becomes certain under a condition."""

    equal: tuple[tuple[Token, Token], ...]
    constants: Mapping[Token, str]
    witnesses: tuple[Witness, ...]
    pending: "tuple[Pending, ...]" = ()


@dataclass(frozen=True)
class Pending:
    """Supplements (one for each way) that hold once one of the values is known not to be null: the
    side of an outer join that matched, or the mark of IN and EXISTS that is true."""

    guards: frozenset[Token]
    ways: tuple[Supplement, ...]
    is_mark: bool = False


@dataclass(frozen=True)
class Path:
    """`columns` are the values of an operator's columns in order. `scans` are the relations whose
    rows stand in a row, with the values that each brought in; `links` the pairs of values that an
    equality put side by side, also where an outer join may have found none."""

    words: tuple[str, ...]
    columns: tuple[Token, ...]
    witnesses: tuple[Witness, ...] = ()
    pending: tuple[Pending, ...] = ()
    same: Mapping[Token, Token] = field(default_factory=dict)
    constants: Mapping[Token, str] = field(default_factory=dict)
    scans: tuple[tuple[str, frozenset[Token]], ...] = ()
    links: tuple[tuple[Token, Token], ...] = ()

    def root(self, token: Token) -> Token:
        """The value that stands for all that are equal to it."""
        while token in self.same:
            token = self.same[token]
        return token

    def equate(self, one: Token, other: Token) -> "Path":
        first, second = self.root(one), self.root(other)
        if first == second:
            return self
        return replace(self, same={**self.same, first: second}, links=(*self.links, (one, other)))

    def is_constant(self, token: Token, value: str) -> bool:
        return any(
            held == value and self.root(known) == self.root(token)
            for known, held in self.constants.items()
        )

    def with_columns(self, columns: tuple[Token, ...]) -> "Path":
        return replace(self, columns=columns)

    def supplement(self) -> Supplement:
        """What is certain on this path, for another path that takes it over."""
        return Supplement(tuple(self.same.items()), self.constants, self.witnesses, self.pending)

    def supplemented(self, by: Supplement) -> "Path":
        path = replace(
            self,
            witnesses=self.witnesses
            + tuple(one for one in by.witnesses if one not in self.witnesses),
            constants={**self.constants, **by.constants},
            pending=self.pending + tuple(one for one in by.pending if one not in self.pending),
        )
        for one, other in by.equal:
            path = path.equate(one, other)
        return path

    def known(self, token: Token, *, mark: bool = False) -> "Iterator[Path]":
        """The ways this path can go on once the value is known not to be null (`mark`: is true)."""
        for at, pending in enumerate(self.pending):
            if pending.is_mark == mark and any(
                self.root(guard) == self.root(token) for guard in pending.guards
            ):
                rest = replace(self, pending=self.pending[:at] + self.pending[at + 1 :])
                for way in pending.ways:
                    yield from rest.supplemented(way).known(token, mark=mark)
                return
        yield self

    def renamed(self) -> "Path":
        """The same path for another row: a WITH query that is referred to twice."""
        names: dict[Token, Token] = {}

        def name(token: Token) -> Token:
            return names.setdefault(token, fresh())

        def witness(one: Witness) -> Witness:
            return Witness(
                {key: name(token) for key, token in one.keys.items()},
                {name(token): value for token, value in one.owed.items()},
                frozenset(map(name, one.row)),
            )

        def supplement(one: Supplement) -> Supplement:
            return Supplement(
                tuple((name(a), name(b)) for a, b in one.equal),
                {name(token): value for token, value in one.constants.items()},
                tuple(map(witness, one.witnesses)),
                tuple(map(pending, one.pending)),
            )

        def pending(one: Pending) -> Pending:
            return Pending(
                frozenset(map(name, one.guards)), tuple(map(supplement, one.ways)), one.is_mark
            )

        return Path(
            self.words,
            tuple(map(name, self.columns)),
            tuple(map(witness, self.witnesses)),
            tuple(map(pending, self.pending)),
            {name(a): name(b) for a, b in self.same.items()},
            {name(token): value for token, value in self.constants.items()},
            tuple((words, frozenset(map(name, tokens))) for words, tokens in self.scans),
            tuple((name(a), name(b)) for a, b in self.links),
        )
