"""Relations compiled into a circuit: variables eliminated one by one, the one with the smallest message first."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import fsum, log
from operator import itemgetter

from netsolve.deadline import Deadline
from netsolve.engines.calls import Row
from netsolve.engines.circuit import Branch, Circuit
from netsolve.engines.relations import Relation, Relations, TooLargeError
from netsolve.problem import Variable

MOST_ROWS = 2_000_000
"""How many rows all joins together may have before the problem is left to z3."""

MOST_TOLD, FEW_TOLD = 4, 256
"""A bucket without a choice becomes part of the rows that lead to it where those are at most so many times its own, or
so few."""


@dataclass(slots=True)
class _Bucket:
    """The elimination of one variable.

    value: for each row the position of the variable's value; members: the buckets whose messages are joined, with a
    column of indices into each. Rows are sorted by what is left; starts has the first row of each entry of the message,
    and last the number of rows.
    """

    variable: Variable
    value: list[int]
    members: list[tuple[int, list[int]]]
    starts: list[int]

    @property
    def single(self) -> bool:
        """Whether there is one row for each entry of the message: the variable follows from the others."""
        return len(self.value) == len(self.starts) - 1


@dataclass(slots=True)
class _Table:
    """A relation or a message while joins are made: rows of value positions over a scope."""

    scope: tuple[Variable, ...]
    rows: list[Row]
    bucket: int | None = None


def compile_circuit(
    relations: Relations, deadline: Deadline, hidden: frozenset[Variable] = frozenset()
) -> Circuit | None:
    """Eliminate all variables of relations; None where nothing fits.

    hidden: variables that belong to no assignment: one value of theirs for each assignment is enough, and they have
    no weights. Raises TooLargeError past the limit of rows, UndecidedError past the deadline.
    """
    open_ = {v: found for v, found in relations.values.items() if len(found) > 1}
    positions = {v: {value: i for i, value in enumerate(found)} for v, found in open_.items()}
    tables = []
    for relation in relations.relations:
        deadline.check()
        tables.append(_table(relation, positions))
    elimination = _Elimination(positions, tables, deadline, hidden)
    elimination.run()
    if not all(bucket.value for bucket in elimination.buckets):
        return None
    branches = _branches(elimination.buckets, elimination.roots)
    return Circuit(branches, {v: len(found) for v, found in relations.values.items()})


def _branches(buckets: list[_Bucket], roots: list[int]) -> list[Branch]:
    """What leaves a choice, with what follows from each row of it; last, as one row, what all assignments share."""
    start = Branch([0, 1])
    part = _follow(buckets, start, [(root, [0]) for root in roots])
    made: dict[int, Branch] = {}
    for index in range(len(buckets) - 1, -1, -1):
        bucket = buckets[index]
        if index not in part:
            made[index] = Branch(bucket.starts, [(bucket.variable, bucket.value)])
            part |= _follow(buckets, made[index], bucket.members)
    places = {index: place for place, index in enumerate(reversed(made))}
    branches = [*reversed(made.values()), start]
    for branch in branches:
        branch.onward = [(places[index], contexts) for index, contexts in branch.onward]
    return branches


def _follow(buckets: list[_Bucket], branch: Branch, members: Iterable[tuple[int, list[int]]]) -> set[int]:
    """Note what rows of a branch say of buckets: values that follow, else contexts; those that became part of it."""
    part: set[int] = set()
    waiting = list(members)
    while waiting:
        index, contexts = waiting.pop()
        bucket = buckets[index]
        if bucket.single and len(contexts) <= max(FEW_TOLD, MOST_TOLD * len(bucket.value)):
            part.add(index)
            branch.settled.append((bucket.variable, [bucket.value[i] for i in contexts]))
            waiting += [(member, [column[i] for i in contexts]) for member, column in bucket.members]
        else:
            branch.onward.append((index, contexts))
    return part


def _table(relation: Relation, positions: Mapping[Variable, Mapping[int, int]]) -> _Table:
    columns = [positions[v] for v in relation.scope]
    return _Table(relation.scope, [tuple(c[x] for c, x in zip(columns, row, strict=True)) for row in relation.rows])


class _Elimination:
    """The state while variables are eliminated."""

    def __init__(
        self,
        positions: Mapping[Variable, Mapping[int, int]],
        tables: list[_Table],
        deadline: Deadline,
        hidden: frozenset[Variable],
    ) -> None:
        self.positions, self.deadline, self.hidden = positions, deadline, hidden
        self.tables = dict(enumerate(tables))
        self.touching: dict[Variable, set[int]] = {v: set() for v in positions}
        self.next = len(tables)
        for index, table in self.tables.items():
            for variable in table.scope:
                self.touching[variable].add(index)
        self.buckets: list[_Bucket] = []
        self.roots: list[int] = []
        self.rows = 0

    def weight(self, variable: Variable) -> float:
        """How large the message of a variable can become, as a logarithm."""
        around = {v for index in self.touching[variable] for v in self.tables[index].scope} - {variable}
        return fsum(log(len(self.positions[v])) for v in around)  # the same in whatever order

    def run(self) -> None:
        """Eliminate the hidden variables, then the others, each time the one with the smallest message."""
        heap = [(v not in self.hidden, self.weight(v), v.index, v) for v in self.positions]
        heapq.heapify(heap)
        done: set[Variable] = set()
        while heap:
            late, weight, _, variable = heapq.heappop(heap)
            if variable in done:
                continue
            now = self.weight(variable)
            if now > weight + 1e-9:
                heapq.heappush(heap, (late, now, variable.index, variable))
                continue
            done.add(variable)
            for neighbour in self.eliminate(variable):
                heapq.heappush(heap, (neighbour not in self.hidden, self.weight(neighbour), neighbour.index, neighbour))

    def eliminate(self, variable: Variable) -> tuple[Variable, ...]:
        """Join what mentions a variable, and leave a message over the rest; the variables of that message."""
        mine = sorted(self.touching[variable], key=lambda i: len(self.tables[i].rows))
        tables = [self.tables.pop(i) for i in mine]
        for index, table in zip(mine, tables, strict=True):
            for other in table.scope:
                self.touching[other].discard(index)
        if not tables:
            tables = [_Table((variable,), [(i,) for i in range(len(self.positions[variable]))])]
        scope, rows, members = self.join(tables)
        left = tuple(v for v in scope if v is not variable)
        message = self.close(variable, scope, rows, members)
        if left:
            table = _Table(left, message, len(self.buckets) - 1)
            self.tables[self.next] = table
            for other in left:
                self.touching[other].add(self.next)
            self.next += 1
        else:
            self.roots.append(len(self.buckets) - 1)
        return left

    def join(self, tables: list[_Table]) -> tuple[tuple[Variable, ...], list[Row], list[tuple[int, list[int]]]]:
        """The rows of all tables that agree, and for each message among them which of its rows each comes from."""
        scope, rows = tables[0].scope, tables[0].rows
        members: list[tuple[int, list[int]]] = []
        if tables[0].bucket is not None:
            members.append((tables[0].bucket, list(range(len(rows)))))
        rest = tables[1:]
        while rest:
            rest.sort(key=lambda t: (-len(set(t.scope) & set(scope)), len(t.rows)))
            table = rest.pop(0)
            scope, rows, picks, sources = self.joined(scope, rows, table)
            members = [(bucket, [column[i] for i in picks]) for bucket, column in members]
            if table.bucket is not None:
                members.append((table.bucket, sources))
        return scope, rows, members

    def joined(
        self, scope: tuple[Variable, ...], rows: list[Row], table: _Table
    ) -> tuple[tuple[Variable, ...], list[Row], list[int], list[int]]:
        """The natural join of rows with a table: scope, rows, and which row of either side each comes from."""
        shared = [v for v in table.scope if v in scope]
        ours, theirs = _picker([scope.index(v) for v in shared]), _picker([table.scope.index(v) for v in shared])
        extra = [i for i, v in enumerate(table.scope) if v not in scope]
        more = _picker(extra)
        found: dict[Row, list[tuple[int, Row]]] = {}
        for i, row in enumerate(table.rows):
            found.setdefault(theirs(row), []).append((i, more(row)))
        matches = [found.get(ours(row), ()) for row in rows]
        self.spend(sum(map(len, matches)))
        picks = [place for place, match in enumerate(matches) for _ in match]
        sources = [i for match in matches for i, _ in match]
        if extra:
            rows = [row + rest for row, match in zip(rows, matches, strict=True) for _, rest in match]
        else:
            rows = [rows[place] for place in picks]
        return (*scope, *(table.scope[i] for i in extra)), rows, picks, sources

    def spend(self, rows: int) -> None:
        """Keep account of the rows before they are made."""
        self.rows += rows
        if self.rows > MOST_ROWS:
            msg = "more combinations than tables can hold"
            raise TooLargeError(msg)
        self.deadline.check()

    def close(
        self,
        variable: Variable,
        scope: tuple[Variable, ...],
        rows: list[Row],
        members: list[tuple[int, list[int]]],
    ) -> list[Row]:
        """Sort the rows by what is left, and keep them as columns; the rows of the message."""
        self.deadline.check()
        own = scope.index(variable)
        keyed = sorted([(row[:own] + row[own + 1 :], row[own], i) for i, row in enumerate(rows)])
        if variable in self.hidden:
            keyed = [next(same) for _, same in groupby(keyed, key=itemgetter(0))]
        message: list[Row] = []
        starts: list[int] = []
        before = None
        for place, (key, _, _) in enumerate(keyed):
            if key != before:
                message.append(key)
                starts.append(place)
                before = key
        starts.append(len(keyed))
        columns = [(bucket, [column[i] for *_, i in keyed]) for bucket, column in members]
        self.buckets.append(_Bucket(variable, [value for _, value, _ in keyed], columns, starts))
        return message


def _picker(positions: list[int]) -> Callable[[Row], Row]:
    """What takes these positions of a row."""
    if not positions:
        return lambda _: ()
    if len(positions) == 1:
        only = positions[0]
        return lambda row: (row[only],)
    return itemgetter(*positions)
