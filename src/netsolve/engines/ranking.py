"""Exact elimination under (min, +): the assignments of a circuit by a sum of costs, the cheapest first."""

import heapq
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from netsolve.engines.circuit import Bucket, Circuit, Weights
from netsolve.problem import Variable

INFINITE = float("inf")

Chosen = dict[Variable, int]
"""An assignment: the position of the value of each variable that has several."""

Choice = tuple[Any, int, int] | None
"""Which rows are taken: (an earlier choice, a bucket, a rank). At that bucket the row of that rank is taken; before it,
in the order of choosing, what the earlier choice says; after it the best."""


class Ranking:
    """The assignments of a circuit by the sum of the costs of their values.

    Rows are chosen from the last bucket back to the first. Each costs so much more than the best one in its place, and
    an assignment's cost is the least cost plus the sum of these regrets.
    """

    def __init__(self, circuit: Circuit, costs: Weights, like: "Ranking | None" = None) -> None:
        """Go over the circuit once: what each row and each entry of a message costs at least.

        like: a ranking of the same circuit, of which is taken over what does not change.
        """
        self.circuit, self.costs = circuit, costs
        self.messages: list[list[float]] = []
        self.rows: list[list[float]] = []
        self.sorted: dict[tuple[int, int], list[tuple[float, int]]] = {}
        changed: list[bool] = []
        for index, bucket in enumerate(circuit.buckets):
            if like is not None and not any(changed[member] for member, _ in bucket.members):
                before, own = like.costs.get(bucket.variable), costs.get(bucket.variable)
                if own is before or own == before:
                    self.rows.append(like.rows[index])
                    self.messages.append(like.messages[index])
                    changed.append(False)
                    continue
            found = self.totals(bucket, costs)
            self.rows.append(found)
            self.messages.append(found if bucket.single else [min(found[a:b]) for a, b in pairwise(bucket.starts)])
            changed.append(like is None or self.messages[index] != like.messages[index])
        fixed = sum(costs[variable][0] for variable in circuit.fixed if variable in costs)
        self.least = float(fixed + sum(self.messages[root][0] for root in circuit.roots))

    def totals(self, bucket: Bucket, costs: Weights) -> list[float]:
        """The sum of costs for each row of a bucket."""
        own = costs.get(bucket.variable)
        rows = None if own is None else [own[i] for i in bucket.value]
        for member, column in bucket.members:
            message = self.messages[member]
            if rows is None:
                rows = [message[i] for i in column]
            else:
                rows = [cost + message[i] for cost, i in zip(rows, column, strict=True)]
        return [0.0] * len(bucket.value) if rows is None else rows

    def best(self) -> tuple[Chosen, float]:
        """The cheapest assignment, and how much more the second costs."""
        chosen, siblings = self.follow(None)
        return chosen, min((extra for extra, _ in siblings), default=INFINITE)

    def __iter__(self) -> Iterator[tuple[float, Chosen]]:
        """All assignments of finite cost, the cheapest first, lazily."""
        if self.least == INFINITE:
            return
        heap: list[tuple[float, int, Choice]] = [(0.0, 0, None)]
        count = 0
        while heap:
            regret, _, choice = heapq.heappop(heap)
            chosen, siblings = self.follow(choice)
            yield self.least + regret, chosen
            for extra, sibling in siblings:
                count += 1
                heapq.heappush(heap, (regret + extra, count, sibling))

    def options(self, bucket: int, context: int) -> list[tuple[float, int]]:
        """The rows of one context by their regrets."""
        key = (bucket, context)
        if key not in self.sorted:
            start, end = self.circuit.buckets[bucket].starts[context : context + 2]
            best, costs = self.messages[bucket][context], self.rows[bucket]
            self.sorted[key] = sorted((costs[i] - best, i) for i in range(start, end) if costs[i] != INFINITE)
        return self.sorted[key]

    def follow(self, choice: Choice) -> tuple[Chosen, list[tuple[float, Choice]]]:
        """Complete a choice; the assignment, and the choices that first differ from it at one place, with regrets."""
        forced: dict[int, int] = {}
        node = choice
        while node is not None:
            forced.setdefault(node[1], node[2])
            node = node[0]
        last = choice[1] if choice is not None else len(self.circuit.buckets)
        contexts = {len(self.circuit.buckets): 0}
        chosen: Chosen = {}
        siblings: list[tuple[float, Choice]] = []
        for branch in self.circuit.branches:
            index = branch.bucket
            context = contexts[index]
            row = branch.starts[context]
            if branch.starts[context + 1] - row > 1:
                options, rank = self.options(index, context), forced.get(index, 0)
                regret, row = options[rank]
                if index <= last and rank + 1 < len(options):
                    earlier = choice[0] if choice is not None and index == last else choice
                    siblings.append((options[rank + 1][0] - regret, (earlier, index, rank + 1)))
            for variable, positions in branch.settled:
                chosen[variable] = positions[row]
            for member, places in branch.onward:
                contexts[member] = places[row]
        return chosen, siblings
