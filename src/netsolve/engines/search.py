"""The best explanations first: groups are given values one after the other, each step judged by an elimination.

While a group has no value, each of its layers may have the one that suits it, at its share of what the group's value
costs: so a step never costs more than what it leads to, and the search takes the cheapest step first.
"""

import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING

from netsolve.deadline import Deadline
from netsolve.engines.relations import OVERTIME
from netsolve.errors import UndecidedError
from netsolve.habits import cost

if TYPE_CHECKING:
    from netsolve.engines.plausible import Explanation, Plausibility

Values = tuple[int | None, ...]


class Search:
    """Explanations by the cost of the best assignment under each."""

    def __init__(self, plausibility: "Plausibility") -> None:
        """Take the groups with most layers first: their values decide most. Groups of one layer decide nothing."""
        self.plausibility = plausibility
        members = plausibility.choices.members
        several = [k for k in range(len(members)) if len(members[k]) > 1]
        self.order = sorted(several, key=lambda k: (-len(members[k]), k))

    def explanations(self, deadline: Deadline) -> Iterator[tuple[float, "Explanation"]]:
        """All explanations under which something fits, the cheapest first, each with its least cost.

        Raises UndecidedError past the deadline.
        """
        heap: list[tuple[float, int, bool, int, Values]] = []
        for style, start in enumerate(self.plausibility.style_costs):
            heapq.heappush(heap, (start + self.rest(style, ()), 0, False, style, ()))
        count = 0
        while heap:
            bound, _, judged, style, values = heapq.heappop(heap)
            if deadline.passed:
                raise UndecidedError(OVERTIME)
            if not judged:
                bound = max(bound, self.least(style, values))
                if bound < float("inf"):
                    count += 1
                    heapq.heappush(heap, (bound, -len(values), True, style, values))
            elif len(values) == len(self.order):
                yield bound, self.explanation(bound, style, values)
            else:
                for value in self.plausibility.groups[style][self.order[len(values)]].best:
                    longer = (*values, value)
                    alone = self.plausibility.style_costs[style] + self.rest(style, longer)
                    heapq.heappush(heap, (max(bound, alone), -len(longer), False, style, longer))

    def explanation(self, bound: float, style: int, values: Values) -> "Explanation":
        """The groups' values in the order of the groups."""
        from netsolve.engines.plausible import Explanation  # noqa: PLC0415 - the two need each other

        return Explanation(bound, style, self.placed(values))

    def placed(self, values: Values) -> Values:
        """The values of the first groups in the order of the groups, with None for all others."""
        found = dict(zip(self.order, values, strict=False))
        return tuple(map(found.get, range(len(self.plausibility.choices.members))))

    def rest(self, style: int, values: Values) -> float:
        """What the groups cost at least, whatever fits."""
        found = zip(self.plausibility.groups[style], self.placed(values), strict=True)
        return sum(group.bound[group.best[0] if value is None else value] for group, value in found)

    def least(self, style: int, values: Values) -> float:
        """The least cost of an assignment where the first groups have these values."""
        placed = self.placed(values)
        groups = zip(self.plausibility.groups[style], placed, strict=True)
        own = self.plausibility.prior_of_style(style) + sum(cost(g.prior[v]) for g, v in groups if v is not None)
        return own + self.plausibility.tables.circuit.cheapest(self.plausibility.costs_of(style, placed))
