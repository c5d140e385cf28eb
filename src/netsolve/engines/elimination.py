"""Exact answers by elimination: how many assignments, which values are forced, and all of them in order of a cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netsolve.deadline import Deadline
from netsolve.engines.circuit import Circuit, compile_circuit
from netsolve.engines.relations import Relations, relations_of
from netsolve.problem import Problem, Variable

Ranked = Iterator[tuple[float, dict[Variable, int]]]
"""Assignments with their costs, the cheapest first."""


@dataclass(frozen=True)
class Tables:
    """A problem propagated and compiled: every question is a pass over its rows."""

    problem: Problem
    relations: Relations
    circuit: Circuit

    @property
    def rows(self) -> int:
        """How many rows a pass goes over."""
        return sum(len(bucket.value) for bucket in self.circuit.buckets)

    def values(self, variable: Variable) -> list[int]:
        """What a variable can still be, ascending."""
        return self.relations.values[self.relations.root(variable)]

    def count(self) -> int:
        """How many assignments there are, exactly."""
        return int(self.circuit.total(self.circuit.sums({}, 1, 0), 1))

    def supports(self) -> dict[Variable, list[int]]:
        """The values that each variable has in some assignment."""
        messages = self.circuit.sums({}, 1, 0)
        shares = self.circuit.shares({}, messages, 1, 0)
        found = {
            variable: [self.relations.values[variable][i] for i, share in enumerate(row) if share]
            for variable, row in shares.items()
        }
        return found | {v: found[root] for v, root in self.relations.stands_for.items()}

    def assignment(self, chosen: Mapping[Variable, int]) -> dict[Variable, int]:
        """The values of all variables of the problem from positions among their values."""
        values = {v: found[chosen.get(v, 0)] for v, found in self.relations.values.items()}
        return values | {v: values[root] for v, root in self.relations.stands_for.items()}

    def ranked(self, costs: Mapping[Variable, Sequence[float]]) -> Ranked:
        """All assignments by the sum of costs of their values, lazily.

        costs: for variables that stand for themselves, a cost for each of their values in ascending order.
        """
        for cost, chosen in self.circuit.ranked(costs):
            yield cost, self.assignment(chosen)

    def add(self, costs: dict[Variable, Sequence[float]], variable: Variable, row: Sequence[float]) -> None:
        """Add the costs of a variable's values to those of the variable that stands for it."""
        root = self.relations.root(variable)
        costs[root] = [a + b for a, b in zip(costs[root], row, strict=True)] if root in costs else row


def tables_of(problem: Problem, deadline: Deadline) -> Tables | None:
    """Propagate and compile a problem; None where nothing fits.

    Raises TooLargeError where it has unbounded unknowns or more combinations than tables can hold.
    """
    relations = relations_of(problem, deadline)
    return Tables(problem, relations, compile_circuit(relations)) if relations.feasible else None
