"""Assignments in the order of their plausibility, lazily and without repeats."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from itertools import count, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from netsolve.deadline import Deadline
from netsolve.engines.elimination import Ranked
from netsolve.engines.ranking import INFINITE, Ranking
from netsolve.engines.search import Explanation
from netsolve.habits import STYLES
from netsolve.problem import Variable

if TYPE_CHECKING:
    from netsolve.engines.plausible import Plausibility

FEW = 500
"""Up to so many assignments, all are listed before the first is given in their order."""

MOST_KEPT = 1_000_000
"""How many rows may be kept of explanations whose turn comes again."""


class Listing:
    """The assignments of a problem in their order."""

    def __init__(self, plausibility: "Plausibility") -> None:
        """Note what says how plausible they are. key: what tells one from another."""
        self.plausibility, self.tables = plausibility, plausibility.tables
        root, breadths = self.tables.relations.root, self.tables.circuit.breadths
        asked = {root(v): v for v in self.tables.problem.asked if breadths[root(v)] > 1}
        self.key: Callable[[Mapping[Variable, int]], Any] = itemgetter(*asked.values()) if asked else lambda _: ()

    def others(self) -> Ranked:
        """All but the first, the most plausible first: cost in nats and values."""
        seen, every = {self.key(self.plausibility.best)}, self.tables.count()
        for total, assignment in self.merged() if every > FEW else self.sorted():
            key = self.key(assignment)
            if key not in seen:
                seen.add(key)
                yield total, assignment
                if len(seen) == every:
                    return

    def sorted(self) -> Ranked:
        """All assignments where there are few: the least plausible of them have too many explanations to search."""
        columns = self.tables.circuit.columns()
        costs = list(map(min, *self.totals(columns)))
        for i in sorted(range(len(costs)), key=costs.__getitem__):
            yield costs[i], self.tables.placed({v: column[i] for v, column in columns.items()})

    def totals(self, columns: Mapping[Variable, list[int]]) -> Iterator[list[float]]:
        """For each style the costs of assignments side by side under its best explanations."""
        plausibility, every = self.plausibility, self.tables.count()
        judged: list[list[tuple[float, ...]]] = []
        for k, members in enumerate(plausibility.choices.members):
            values = [self.column(choice.variable, columns, every) for choice in members]
            judged.append([plausibility.judged(k, row, min) for row in zip(*values, strict=True)])
        for style in range(len(STYLES)):
            total = [plausibility.likelihood.style(style)] * every
            costs = dict(plausibility.rest[style])
            for variable, tied in plausibility.ties.items():
                self.tables.add(costs, variable, tied)
            for variable, row in costs.items():
                places = columns.get(variable) or repeat(0, every)
                total = [t + row[i] for t, i in zip(total, places, strict=True)]
            for told in judged:
                total = [t + found[style] for t, found in zip(total, told, strict=True)]
            yield total

    def column(self, variable: Variable, columns: Mapping[Variable, list[int]], every: int) -> list[int]:
        """The values of a variable in each of several assignments."""
        values = self.tables.values(variable)
        places = columns.get(self.tables.relations.root(variable))
        return values * every if places is None else [values[i] for i in places]

    def merged(self) -> Ranked:
        """The assignments under every explanation in one order; those that several explain come several times.

        Only the explanations that are reached are held: one whose second assignment costs too much is opened for the
        first alone, and again when its turn comes.
        """
        waiting = self.plausibility.search.explanations(Deadline())
        upcoming = next(waiting, None)
        open_: list[tuple[float, int, Any]] = []
        for ticket in count():
            if upcoming is None and not open_:
                return
            if upcoming is not None and (not open_ or upcoming[0].bound <= open_[0][0]):
                explanation, ranking = upcoming
                chosen, regret = ranking.best()
                yield explanation.bound, self.tables.assignment(chosen)
                if regret < INFINITE:
                    kept = ranking if self.tables.rows * len(open_) < MOST_KEPT else None
                    heapq.heappush(open_, (explanation.bound + regret, ticket, (explanation, kept)))
                upcoming = next(waiting, None)
                continue
            total, _, entry = heapq.heappop(open_)
            if isinstance(entry[0], Explanation):
                base = self.plausibility.prior(entry[0])
                stream = iter(entry[1] or Ranking(self.tables.circuit, self.plausibility.costs(entry[0])))
                next(stream)
            else:
                chosen, base, stream = entry
                yield total, self.tables.assignment(chosen)
            if (following := next(stream, None)) is not None:
                heapq.heappush(open_, (base + following[0], ticket, (following[1], base, stream)))
