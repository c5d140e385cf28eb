"""Exact elimination, compiled: joins are made once, then any semiring runs over their rows.

Variables are eliminated one by one. Eliminating a variable joins the tables that mention it and leaves a message over
their other variables. Which rows meet does not depend on weights, so the joins are kept as columns of indices; best,
count, sums and shares are then plain loops over these columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
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
    each, and last the number of rows.
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


@dataclass(slots=True)
class Branch:
    """A bucket that leaves a choice, with what follows from each of its rows.

    starts: as the bucket's; settled: variables with the position of their value by row; onward: the branches it leads
    to, with their contexts by row.
    """

    bucket: int
    starts: list[int]
    settled: list[tuple[Variable, list[int]]] = field(default_factory=list)
    onward: list[tuple[int, list[int]]] = field(default_factory=list)


@dataclass
class Circuit:
    """The eliminations in their order; a message goes to one later bucket, or, having no variables, to the result.

    roots: the buckets whose messages are the result; fixed: the variables that have one value and no bucket.
    """

    buckets: list[Bucket] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    fixed: tuple[Variable, ...] = ()

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

    def total(self, weights: Weights, messages: Sequence[Sequence[Any]], one: Any) -> Any:
        """The sum over all assignments."""
        result = one
        for variable in self.fixed:
            if variable in weights:
                result = result * weights[variable][0]
        for root in self.roots:
            result = result * messages[root][0]
        return result

    def shares(
        self, weights: Weights, messages: Sequence[Sequence[Any]], one: Any, zero: Any
    ) -> dict[Variable, list[Any]]:
        """For each variable and each of its values, the sum over the assignments with that value."""
        outside: list[list[Any]] = [[zero] * bucket.size for bucket in self.buckets]
        alone = self.total(weights, [[one]] * len(self.buckets), one)
        for root in self.roots:
            others = alone
            for other in self.roots:
                if other != root:
                    others = others * messages[other][0]
            outside[root][0] = others
        whole = self.total(weights, messages, one)
        found: dict[Variable, list[Any]] = {variable: [whole] for variable in self.fixed}
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

    @cached_property
    def branches(self) -> tuple["Branch", ...]:
        """Where assignments part, the last bucket first; before them, as one row, what all assignments share."""
        first = Branch(len(self.buckets), [0, 1])
        branches = [first]
        for root in self.roots:
            self.settle(first, root, [0])
        for index in range(len(self.buckets) - 1, -1, -1):
            bucket = self.buckets[index]
            if not bucket.single:
                branch = Branch(index, bucket.starts)
                branch.settled.append((bucket.variable, bucket.value))
                for member, column in bucket.members:
                    self.settle(branch, member, column)
                branches.append(branch)
        return tuple(branches)

    def settle(self, branch: "Branch", index: int, contexts: list[int]) -> None:
        """Note what a row of a branch says of a bucket: its variable's value where that follows, else its context."""
        waiting = [(index, contexts)]
        while waiting:
            index, contexts = waiting.pop()
            bucket = self.buckets[index]
            if bucket.single:
                branch.settled.append((bucket.variable, [bucket.value[i] for i in contexts]))
                waiting += [(member, [column[i] for i in contexts]) for member, column in bucket.members]
            else:
                branch.onward.append((index, contexts))

    def columns(self) -> dict[Variable, list[int]]:
        """All assignments side by side: for each variable of several values the position of its value in each."""
        contexts = {len(self.buckets): [0]}
        found: dict[Variable, list[int]] = {}
        for branch in self.branches:
            spans = [range(branch.starts[place], branch.starts[place + 1]) for place in contexts.pop(branch.bucket)]
            origins = [i for i, span in enumerate(spans) for _ in span]
            rows = list(chain.from_iterable(spans))
            contexts = {k: [column[i] for i in origins] for k, column in contexts.items()}
            found = {v: [column[i] for i in origins] for v, column in found.items()}
            found.update({v: [column[row] for row in rows] for v, column in branch.settled})
            contexts.update({member: [column[row] for row in rows] for member, column in branch.onward})
        return found
