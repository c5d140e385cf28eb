"""Exact elimination, compiled: joins are made once, then any semiring runs over their rows.

Variables are eliminated one by one. Eliminating a variable joins the tables that mention it and leaves a message over
their other variables. Which rows meet does not depend on weights, so the joins are kept as columns of indices; best,
count, sums and shares are then plain loops over these columns.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netsolve.problem import Variable

Weights = Mapping[Variable, Sequence[Any]]
"""For some variables, a weight for each of their values in ascending order."""


@dataclass(slots=True)
class Bucket:
    """The elimination of one variable.

    count: how many values the variable has; value: for each row the position of the variable's value; context: for each
    row the index into the message that is left; members: the buckets whose messages are joined, with a column of
    indices into each; size: the length of the message. Rows are sorted by context, and `starts` has the first row of
    each.
    """

    variable: Variable
    count: int
    value: list[int]
    context: list[int]
    members: list[tuple[int, list[int]]]
    size: int
    starts: list[int]

    @property
    def single(self) -> bool:
        """Whether there is one row for each entry of the message: the variable follows from the others."""
        return len(self.value) == self.size


@dataclass
class Circuit:
    """The eliminations in their order; a message goes to one later bucket, or, having no variables, to the result.

    roots: the buckets whose messages are the result.
    """

    buckets: list[Bucket] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)

    def sums(self, weights: Weights, one: Any, zero: Any) -> list[list[Any]]:
        """The messages under (+, *): for each bucket the sum over its rows of the products of their weights."""
        messages: list[list[Any]] = []
        for bucket in self.buckets:
            rows = self.products(bucket, weights, messages, one)
            if bucket.single:
                messages.append(rows)
                continue
            out = [zero] * bucket.size
            for index, weight in zip(bucket.context, rows, strict=True):
                out[index] += weight
            messages.append(out)
        return messages

    def products(self, bucket: Bucket, weights: Weights, messages: Sequence[Sequence[Any]], one: Any) -> list[Any]:
        """The product of weights for each row of a bucket."""
        rows = None
        own = weights.get(bucket.variable)
        if own is not None:
            rows = [own[i] for i in bucket.value]
        for member, column in bucket.members:
            message = messages[member]
            if rows is None:
                rows = [message[i] for i in column]
            else:
                rows = [weight * message[i] for weight, i in zip(rows, column, strict=True)]
        return [one] * len(bucket.value) if rows is None else rows

    def total(self, messages: Sequence[Sequence[Any]], one: Any) -> Any:
        """The sum over all assignments."""
        result = one
        for root in self.roots:
            result = result * messages[root][0]
        return result

    def shares(
        self, weights: Weights, messages: Sequence[Sequence[Any]], one: Any, zero: Any
    ) -> dict[Variable, list[Any]]:
        """For each variable and each of its values, the sum over the assignments with that value."""
        outside: list[list[Any]] = [[zero] * bucket.size for bucket in self.buckets]
        for root in self.roots:
            others = one
            for other in self.roots:
                if other != root:
                    others = others * messages[other][0]
            outside[root][0] = others
        found: dict[Variable, list[Any]] = {}
        for index in range(len(self.buckets) - 1, -1, -1):
            bucket = self.buckets[index]
            around = [outside[index][c] for c in bucket.context]
            rows = self.products(bucket, weights, messages, one)
            share = [zero] * bucket.count
            for value, weight, out in zip(bucket.value, rows, around, strict=True):
                share[value] += weight * out
            found[bucket.variable] = share
            self.spread(bucket, weights, messages, outside, around)
        return found

    def spread(
        self,
        bucket: Bucket,
        weights: Weights,
        messages: Sequence[Sequence[Any]],
        outside: list[list[Any]],
        around: list[Any],
    ) -> None:
        """Hand to each joined message the weight of what surrounds it."""
        own = weights.get(bucket.variable)
        base = around if own is None else [a * own[i] for a, i in zip(around, bucket.value, strict=True)]
        for k, (member, column) in enumerate(bucket.members):
            rest = base
            for j, (other, other_column) in enumerate(bucket.members):
                if j != k:
                    message = messages[other]
                    rest = [a * message[i] for a, i in zip(rest, other_column, strict=True)]
            target = outside[member]
            for i, weight in zip(column, rest, strict=True):
                target[i] += weight

    def least(self, costs: Weights) -> tuple[list[list[Any]], list[list[Any]]]:
        """The messages under (min, +), and for each bucket the cost of each row."""
        messages: list[list[Any]] = []
        rows: list[list[Any]] = []
        for bucket in self.buckets:
            found = self.totals(bucket, costs, messages)
            rows.append(found)
            if bucket.single:
                messages.append(found)
                continue
            ends = [*bucket.starts[1:], len(found)]
            messages.append([min(found[a:b]) for a, b in zip(bucket.starts, ends, strict=True)])
        return messages, rows

    def totals(self, bucket: Bucket, costs: Weights, messages: Sequence[Sequence[Any]]) -> list[Any]:
        """The sum of costs for each row of a bucket."""
        own = costs.get(bucket.variable)
        rows = [0.0] * len(bucket.value) if own is None else [own[i] for i in bucket.value]
        for member, column in bucket.members:
            message = messages[member]
            rows = [cost + message[i] for cost, i in zip(rows, column, strict=True)]
        return rows

    def cheapest(self, costs: Weights) -> float:
        """The least sum of costs."""
        messages, _ = self.least(costs)
        return float(sum(messages[root][0] for root in self.roots))

    def best_of(self, costs: Weights) -> tuple[float, dict[Variable, int], float]:
        """The least sum of costs, the positions of the values it belongs to, and how much more the second costs."""
        messages, rows = self.least(costs)
        chosen, siblings = _Options(self, messages, rows).follow(None)
        regret = min((extra for extra, _, _ in siblings), default=float("inf"))
        return float(sum(messages[root][0] for root in self.roots)), chosen, regret

    def ranked(self, costs: Weights) -> "Iterator[tuple[float, dict[Variable, int]]]":
        """All assignments, cheapest first, lazily: cost, and the position of each variable's value.

        Rows are chosen from the last bucket back to the first. Each costs so much more than the best one in its place,
        and an assignment's cost is the least cost plus the sum of these regrets.
        """
        messages, rows = self.least(costs)
        best = sum(messages[root][0] for root in self.roots)
        if best == float("inf"):
            return
        options = _Options(self, messages, rows)
        heap: list[tuple[float, int, int, tuple[Any, ...] | None]] = [(0.0, 0, len(self.buckets), None)]
        count = 0
        while heap:
            regret, _, _, choice = heapq.heappop(heap)
            chosen, siblings = options.follow(choice)
            yield best + regret, chosen
            for extra, bucket, linked in siblings:
                count += 1
                heapq.heappush(heap, (regret + extra, count, bucket, linked))


class _Options:
    """The choices of rows, sorted by regret, as they are asked for."""

    def __init__(self, circuit: Circuit, messages: list[list[Any]], rows: list[list[Any]]) -> None:
        self.circuit, self.messages, self.rows = circuit, messages, rows
        self.sorted: dict[tuple[int, int], list[tuple[float, int]]] = {}

    def of(self, bucket: int, context: int) -> list[tuple[float, int]]:
        """The rows of one context by their regrets."""
        key = (bucket, context)
        if key not in self.sorted:
            part = self.circuit.buckets[bucket]
            start = part.starts[context]
            end = part.starts[context + 1] if context + 1 < part.size else len(part.value)
            best, costs = self.messages[bucket][context], self.rows[bucket]
            self.sorted[key] = sorted((costs[i] - best, i) for i in range(start, end) if costs[i] != float("inf"))
        return self.sorted[key]

    def follow(self, choice: "tuple[Any, ...] | None") -> tuple[dict[Variable, int], list[tuple[float, int, Any]]]:
        """Complete a choice by the best rows; the assignment, and the choices that differ from it first at one place.

        A choice is a linked list of (earlier choice, bucket, rank): at that bucket the row of that rank is taken,
        before it (in the order of choosing) what the earlier choice says, after it the best.
        """
        forced: dict[int, int] = {}
        node = choice
        while node is not None:
            forced.setdefault(node[1], node[2])
            node = node[0]
        last = choice[1] if choice is not None else len(self.circuit.buckets)
        contexts = dict.fromkeys(self.circuit.roots, 0)
        chosen: dict[Variable, int] = {}
        siblings: list[tuple[float, int, Any]] = []
        for index in range(len(self.circuit.buckets) - 1, -1, -1):
            bucket = self.circuit.buckets[index]
            context = contexts[index]
            start = bucket.starts[context]
            end = bucket.starts[context + 1] if context + 1 < bucket.size else len(bucket.value)
            if index > last or end - start == 1:
                rank = forced.get(index, 0)
                row = start if end - start == 1 else self.of(index, context)[rank][1]
            else:
                options = self.of(index, context)
                rank = forced.get(index, 0)
                regret, row = options[rank]
                if rank + 1 < len(options):
                    earlier = choice[0] if choice is not None and index == last else choice
                    siblings.append((options[rank + 1][0] - regret, index, (earlier, index, rank + 1)))
            chosen[bucket.variable] = bucket.value[row]
            for member, column in bucket.members:
                contexts[member] = column[row]
        return chosen, siblings
