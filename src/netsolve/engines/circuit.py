"""Exact elimination, compiled: joins are made once, then any semiring runs over their rows.

Variables are eliminated one by one. Eliminating a variable joins the tables that mention it and leaves a message over
their other variables. Which rows meet does not depend on weights, so the joins are kept as columns of indices; best,
count, sums and shares are then plain loops over these columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise, repeat
from operator import mul
from typing import Any

from netsolve.problem import Variable

Weights = Mapping[Variable, Sequence[Any]]
"""For some variables, a weight for each of their values in ascending order."""

Message = list[Any]
"""What the rows of a branch come to together, for each of its contexts."""


@dataclass(slots=True)
class Branch:
    """A place where assignments part: one row is chosen among those of its context, and more follows from it.

    starts: rows are sorted by context; the first row of each, and last the number of rows; settled: variables with the
    position of their value by row; onward: the branches whose contexts follow, with the context by row.
    """

    starts: list[int]
    settled: list[tuple[Variable, list[int]]] = field(default_factory=list)
    onward: list[tuple[int, list[int]]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.starts[-1]

    @property
    def single(self) -> bool:
        """Whether no context leaves a choice."""
        return self.starts[-1] == len(self.starts) - 1


@dataclass
class Circuit:
    """Branches, each before the only one that leads to it; the last has one row, where every assignment begins.

    breadths: how many values each variable has; those of one value stand in no branch.
    """

    branches: list[Branch]
    breadths: Mapping[Variable, int]

    @cached_property
    def fixed(self) -> list[Variable]:
        """The variables of one value."""
        return [variable for variable, breadth in self.breadths.items() if breadth == 1]

    @cached_property
    def hosts(self) -> list[tuple[int, list[int]]]:
        """For each branch but the last the one that leads to it, with the context by row of that."""
        found: dict[int, tuple[int, list[int]]] = {}
        for index, branch in enumerate(self.branches):
            found.update({member: (index, contexts) for member, contexts in branch.onward})
        return [found[index] for index in range(len(self.branches) - 1)]

    def sums(self, weights: Weights) -> list[Message]:
        """The messages under (+, *): for each branch the sums over its rows of the products of their weights."""
        messages: list[Message] = []
        for branch in self.branches:
            rows = [1] * branch.rows
            for column in self.factors(branch, weights, messages):
                rows = list(map(mul, rows, column))
            messages.append(rows if branch.single else [sum(rows[a:b]) for a, b in pairwise(branch.starts)])
        return messages

    def factors(self, branch: Branch, weights: Weights, messages: Sequence[Message]) -> list[list[Any]]:
        """What is multiplied for each row: the weights of the values that it settles, and what it leads to."""
        own = [[weights[v][i] for i in positions] for v, positions in branch.settled if v in weights]
        return own + self.received(branch, messages)

    @staticmethod
    def received(branch: Branch, messages: Sequence[Message]) -> list[list[Any]]:
        """The messages of the branches that a branch leads to, by row."""
        found = []
        for member, contexts in branch.onward:
            message = messages[member]
            found.append([message[i] for i in contexts])
        return found

    def total(self, weights: Weights, messages: Sequence[Message]) -> Any:
        """The sum over all assignments."""
        return self.alone(weights) * messages[-1][0]

    def alone(self, weights: Weights) -> Any:
        """The weight of the values that all assignments have."""
        result: Any = 1
        for variable in self.fixed:
            if variable in weights:
                result *= weights[variable][0]
        return result

    def shares(self, weights: Weights, messages: Sequence[Message]) -> dict[Variable, list[Any]]:
        """For each variable and each of its values, the sum over the assignments with that value."""
        outside: list[Message] = [[0] * (len(branch.starts) - 1) for branch in self.branches]
        outside[-1] = [self.alone(weights)]
        whole = self.total(weights, messages)
        found: dict[Variable, list[Any]] = {variable: [whole] for variable in self.fixed}
        for index in range(len(self.branches) - 1, -1, -1):
            branch = self.branches[index]
            spans = zip(outside[index], pairwise(branch.starts), strict=True)
            rows = list(chain.from_iterable(repeat(weight, end - start) for weight, (start, end) in spans))
            for variable, positions in branch.settled:
                if variable in weights:
                    own = weights[variable]
                    rows = [weight * own[i] for weight, i in zip(rows, positions, strict=True)]
            rows = self.spread(branch, rows, messages, outside)
            for variable, positions in branch.settled:
                found[variable] = share = [0] * self.breadths[variable]
                for position, weight in zip(positions, rows, strict=True):
                    share[position] += weight
        return found

    def spread(self, branch: Branch, rows: list[Any], messages: Sequence[Message], outside: list[Message]) -> list[Any]:
        """Hand to each branch that a branch leads to the weight of what surrounds it; the whole weight of each row."""
        columns = self.received(branch, messages)
        after: list[list[Any] | None] = [None]
        for column in reversed(columns[1:]):
            after.append(column if after[-1] is None else list(map(mul, column, after[-1])))
        for (member, contexts), column, rest in zip(branch.onward, columns, reversed(after), strict=False):
            target = outside[member]
            for i, weight in zip(contexts, rows if rest is None else map(mul, rows, rest), strict=True):
                target[i] += weight
            rows = list(map(mul, rows, column))
        return rows

    def columns(self) -> dict[Variable, list[int]]:
        """All assignments side by side: for each variable of several values the position of its value in each."""
        contexts = {len(self.branches) - 1: [0]}
        found: dict[Variable, list[int]] = {}
        for index in range(len(self.branches) - 1, -1, -1):
            branch = self.branches[index]
            spans = [range(branch.starts[place], branch.starts[place + 1]) for place in contexts.pop(index)]
            origins = [i for i, span in enumerate(spans) for _ in span]
            rows = list(chain.from_iterable(spans))
            contexts = {k: [column[i] for i in origins] for k, column in contexts.items()}
            found = {v: [column[i] for i in origins] for v, column in found.items()}
            found.update({v: [column[row] for row in rows] for v, column in branch.settled})
            contexts.update({member: [column[row] for row in rows] for member, column in branch.onward})
        return found
