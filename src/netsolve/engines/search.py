"""The best explanations first: groups are given values one after the other, each step judged by an elimination.

While a group has no value, each of its layers may have the one that suits it, at its share of what the group's value
costs: so a step never costs more than what it leads to, and the search takes the cheapest step first.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netsolve.deadline import Deadline
from netsolve.engines.likelihood import CLOSE
from netsolve.engines.ranking import INFINITE, Ranking

if TYPE_CHECKING:
    from netsolve.engines.plausible import Plausibility

Values = tuple[int | None, ...]

MOST_WAITING = 1_000_000
"""How many rows may be kept of explanations that wait for their turn; past it they are worked out again."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A style and a value for each group; bound: no assignment explained so costs less.

    A group of one layer has None: the layer's values then cost what the group's best value for them does.
    """

    bound: float
    style: int
    values: Values


class Search:
    """Explanations by the cost of the best assignment under each."""

    def __init__(self, plausibility: "Plausibility") -> None:
        """Take the groups with most layers first: their values decide most. Groups of one layer decide nothing."""
        self.plausibility = plausibility
        members = plausibility.choices.members
        several = [k for k in range(len(members)) if len(members[k]) > 1]
        self.order = sorted(several, key=lambda k: (-len(members[k]), k))
        self.last: dict[int, Ranking] = {}

    def explanations(self, deadline: Deadline) -> Iterator[tuple[Explanation, Ranking]]:
        """All explanations under which something fits, the cheapest first, each bound by what it costs at least.

        With each comes the ranking of its assignments. A step that gives a group the value that the best assignment
        before it has in all its layers costs no more than that: it needs no elimination. Raises UndecidedError past
        the deadline.
        """
        heap: list[tuple[float, int, bool, int, Values, Any]] = []
        for style, start in enumerate(self.plausibility.style_costs):
            heapq.heappush(heap, (start + self.rest(style, ()), 0, False, style, (), None))
        while heap:
            bound, _, judged, style, values, known = heapq.heappop(heap)
            complete = len(values) == len(self.order)
            deadline.check()
            if not judged:
                ranking = self.ranking(style, values)
                bound = max(bound, self.prior(style, values) + ranking.least)
                if bound < INFINITE:
                    keep = self.plausibility.tables.rows * len(heap) < MOST_WAITING
                    known = (ranking if keep else None) if complete else self.agreed(style, values, ranking)
                    heapq.heappush(heap, (bound, -len(values), True, style, values, known))
            elif complete:
                found = known if isinstance(known, Ranking) else self.ranking(style, values)
                yield Explanation(self.prior(style, values) + found.least, style, self.placed(values)), found
            else:
                index = self.order[len(values)]
                for value in self.plausibility.groups[style][index].best:
                    longer = (*values, value)
                    if known.get(index) == value:
                        heapq.heappush(heap, (bound, -len(longer), True, style, longer, known))
                    else:
                        alone = self.plausibility.style_costs[style] + self.rest(style, longer)
                        heapq.heappush(heap, (max(bound, alone), -len(longer), False, style, longer, None))

    def agreed(self, style: int, values: Values, ranking: Ranking) -> dict[int, int]:
        """The value that all layers of a group have in the best assignment, where it costs no more as the group's."""
        plausibility, row = self.plausibility, self.plausibility.likelihood.row
        assignment = plausibility.tables.assignment(ranking.best()[0])
        found = {}
        for index in self.order[len(values) :]:
            group, members = plausibility.groups[style][index], plausibility.choices.members[index]
            every = {assignment[choice.variable] for choice in members}
            if len(every) == 1:
                (value,) = every
                alone = group.prior.costs[value] + group.layers * row(group.prior, value, (value,))[0]
                shared = row(group.prior, None, (value,), layers=group.layers)[0]
                if alone <= group.layers * shared + CLOSE:
                    found[index] = value
        return found

    def placed(self, values: Values) -> Values:
        """The values of the first groups in the order of the groups, with None for all others."""
        found = dict(zip(self.order, values, strict=False))
        return tuple(map(found.get, range(len(self.plausibility.choices.members))))

    def rest(self, style: int, values: Values) -> float:
        """What the groups cost at least, whatever fits."""
        found = zip(self.plausibility.groups[style], self.placed(values), strict=True)
        return sum(group.bound[group.best[0] if value is None else value] for group, value in found)

    def prior(self, style: int, values: Values) -> float:
        """What a style and the values of the first groups cost by themselves."""
        groups = zip(self.plausibility.groups[style], self.placed(values), strict=True)
        return self.plausibility.likelihood.style(style) + sum(g.prior.costs[v] for g, v in groups if v is not None)

    def ranking(self, style: int, values: Values) -> Ranking:
        """The assignments where the first groups have these values."""
        costs = self.plausibility.costs_of(style, self.placed(values))
        self.last[style] = Ranking(self.plausibility.tables.circuit, costs, self.last.get(style))
        return self.last[style]
