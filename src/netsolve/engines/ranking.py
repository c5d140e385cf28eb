"""Exact elimination under (min, +): the assignments of a circuit by a sum of costs, the cheapest first."""

import heapq
from collections.abc import Iterator
from itertools import pairwise
from operator import add

from netsolve.engines.circuit import Branch, Circuit, Weights

INFINITE = float("inf")

Chosen = list[int]
"""An assignment: the row that is taken at each branch of a circuit."""

Sibling = tuple[float, int, int]
"""What else could be taken: how much more it costs than what is taken, a branch, and the rank of its row there."""


class Ranking:
    """The assignments of a circuit by the sum of the costs of their values.

    Rows are chosen from the last branch back to the first. Each costs so much more than the best one in its place, and
    an assignment's cost is the least cost plus the sum of these regrets.
    """

    def __init__(self, circuit: Circuit, costs: Weights, like: "Ranking | None" = None) -> None:
        """Go over the circuit once: what each row and each entry of a message costs at least.

        like: a ranking of the same circuit, of which is taken over what does not change.
        """
        self.circuit, self.costs = circuit, costs
        self.messages: list[list[float]] = []
        self.rows: list[list[float]] = []
        self.sorted: list[dict[int, list[tuple[float, int]]]] = [{} for _ in circuit.branches]
        changed: list[bool] = []
        for index, branch in enumerate(circuit.branches):
            if like is not None and not any(changed[member] for member, _ in branch.onward):
                before = like.costs
                if all(costs.get(variable) == before.get(variable) for variable, _ in branch.settled):
                    self.rows.append(like.rows[index])
                    self.messages.append(like.messages[index])
                    changed.append(False)
                    continue
            found = self.totals(branch)
            self.rows.append(found)
            self.messages.append(found if branch.single else [min(found[a:b]) for a, b in pairwise(branch.starts)])
            changed.append(like is None or self.messages[index] != like.messages[index])
        fixed = sum(costs[variable][0] for variable in circuit.fixed if variable in costs)
        self.least = float(fixed + self.messages[-1][0])

    def totals(self, branch: Branch) -> list[float]:
        """The sum of costs for each row of a branch."""
        rows = [0.0] * branch.rows
        for variable, positions in branch.settled:
            own = self.costs.get(variable)
            if own is not None:
                rows = list(map(add, rows, [own[i] for i in positions]))
        for member, contexts in branch.onward:
            message = self.messages[member]
            rows = list(map(add, rows, [message[i] for i in contexts]))
        return rows

    def best(self) -> tuple[Chosen, float]:
        """The cheapest assignment, and how much more the second costs."""
        chosen = self.start()
        siblings = self.follow(chosen, len(chosen))
        return chosen, min((extra for extra, *_ in siblings), default=INFINITE)

    def __iter__(self) -> Iterator[tuple[float, Chosen]]:
        """All assignments of finite cost, the cheapest first, lazily."""
        if self.least == INFINITE:
            return
        chosen, base, count = self.start(), 0.0, 0
        siblings = sorted(self.follow(chosen, len(chosen)))
        heap: list[tuple[float, int, float, Chosen, list[Sibling], int]] = []
        yield self.least, chosen
        while True:
            if siblings:  # only the cheapest waits: those after it cost no less
                count += 1
                heapq.heappush(heap, (base + siblings[0][0], count, base, chosen, siblings, 0))
            if not heap:
                return
            regret, _, before, parent, others, place = heapq.heappop(heap)
            if place + 1 < len(others):
                count += 1
                heapq.heappush(heap, (before + others[place + 1][0], count, before, parent, others, place + 1))
            chosen, base = parent.copy(), regret
            siblings = sorted(self.take(chosen, *others[place][1:]))
            yield self.least + regret, chosen

    def start(self) -> Chosen:
        """An assignment of which nothing is chosen."""
        return [0] * len(self.circuit.branches)

    def options(self, index: int, context: int) -> list[tuple[float, int]]:
        """The rows of one context of a branch by their regrets."""
        start, end = self.circuit.branches[index].starts[context : context + 2]
        if end == start + 1:
            found = [(0.0, start)]
        else:
            best, costs = self.messages[index][context], self.rows[index]
            found = sorted((costs[i] - best, i) for i in range(start, end) if costs[i] != INFINITE)
        self.sorted[index][context] = found
        return found

    def take(self, chosen: Chosen, index: int, rank: int) -> list[Sibling]:
        """Take another row at a branch, and the best ones at those before it; what else could be taken."""
        host, contexts = self.circuit.hosts[index]
        options = self.sorted[index][contexts[chosen[host]]]
        regret, chosen[index] = options[rank]
        siblings = self.follow(chosen, index)
        if rank + 1 < len(options):
            siblings.append((options[rank + 1][0] - regret, index, rank + 1))
        return siblings

    def follow(self, chosen: Chosen, index: int) -> list[Sibling]:
        """Take the best rows at the branches before one; what else could be taken there."""
        siblings = []
        hosts = self.circuit.hosts
        for place in range(min(index, len(hosts)) - 1, -1, -1):
            host, contexts = hosts[place]
            context = contexts[chosen[host]]
            options = self.sorted[place].get(context) or self.options(place, context)
            chosen[place] = options[0][1]
            if len(options) > 1:
                siblings.append((options[1][0], place, 1))
        return siblings
