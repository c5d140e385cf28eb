"""Exact answers by elimination: how many assignments, which values are forced, and all of them in order of a cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from netsolve.deadline import Deadline
from netsolve.engines.circuit import Circuit
from netsolve.engines.compilation import compile_circuit
from netsolve.engines.ranking import Ranking
from netsolve.engines.relations import Relations, relations_of
from netsolve.garbage import unswept
from netsolve.problem import Problem, Variable

Ranked = Iterator[tuple[float, dict[Variable, int]]]
"""Assignments with their costs, the cheapest first."""


@dataclass(frozen=True)
class Tables:
    """A problem propagated and compiled: every question is a pass over its rows.

    hidden: the variables, by those that stand for them, that do not follow from the question marks (the sizes of an
    opaque layer): the circuit has one value of theirs for each assignment, and costs of theirs mean nothing.
    """

    problem: Problem
    relations: Relations
    circuit: Circuit
    hidden: frozenset[Variable] = frozenset()

    @property
    def rows(self) -> int:
        """How many rows a pass goes over."""
        return sum(len(bucket.value) for bucket in self.circuit.buckets)

    def values(self, variable: Variable) -> list[int]:
        """What a variable can still be, ascending."""
        return self.relations.values[self.relations.root(variable)]

    def count(self) -> int:
        """How many assignments there are, exactly."""
        return int(self.circuit.total({}, self.circuit.sums({}, 1, 0), 1))

    def supports(self) -> dict[Variable, list[int]]:
        """The values that each variable has in some assignment."""
        circuit = compile_circuit(self.relations, Deadline()) if self.hidden else self.circuit
        assert circuit is not None  # noqa: S101 - something fits
        messages = circuit.sums({}, 1, 0)
        shares = circuit.shares({}, messages, 1, 0)
        found = {
            variable: [self.relations.values[variable][i] for i, share in enumerate(row) if share]
            for variable, row in shares.items()
        }
        return found | {v: found[root] for v, root in self.relations.stands_for.items()}

    def assignment(self, chosen: Mapping[Variable, int]) -> dict[Variable, int]:
        """The values of all variables of the problem from positions among their values."""
        values, found = dict(self.fixed), self.relations.values
        values.update({v: found[v][place] for v, place in chosen.items()})
        values.update({v: values[root] for v, root in self.merged})
        return values

    @cached_property
    def fixed(self) -> dict[Variable, int]:
        """The first value of every variable, which is the only one of those that are not chosen."""
        relations = self.relations
        roots = {v: found[0] for v, found in relations.values.items()}
        return roots | {v: roots[root] for v, root in relations.stands_for.items()}

    @cached_property
    def merged(self) -> list[tuple[Variable, Variable]]:
        """The variables for which others of several values stand, with those."""
        relations = self.relations
        return [(v, root) for v, root in relations.stands_for.items() if len(relations.values[root]) > 1]

    def ranked(self, costs: Mapping[Variable, Sequence[float]]) -> Ranked:
        """All assignments by the sum of costs of their values, lazily.

        costs: for variables that stand for themselves, a cost for each of their values in ascending order.
        """
        for cost, chosen in Ranking(self.circuit, costs):
            yield cost, self.assignment(chosen)

    def add(self, costs: dict[Variable, Sequence[float]], variable: Variable, row: Sequence[float]) -> None:
        """Add the costs of a variable's values to those of the variable that stands for it."""
        root = self.relations.root(variable)
        costs[root] = [a + b for a, b in zip(costs[root], row, strict=True)] if root in costs else row


@unswept()
def tables_of(problem: Problem, deadline: Deadline) -> Tables | None:
    """Propagate and compile a problem; None where nothing fits.

    Raises TooLargeError where it has unbounded unknowns or more combinations than tables can hold.
    """
    relations = relations_of(problem, deadline)
    if not relations.feasible:
        return None
    hidden = undecided(problem, relations)
    circuit = compile_circuit(relations, deadline, hidden)
    return None if circuit is None else Tables(problem, relations, circuit, hidden)


def undecided(problem: Problem, relations: Relations) -> frozenset[Variable]:
    """The variables, by those that stand for them, whose values do not follow from those of the question marks."""
    decided = {relations.root(v) for v in problem.asked} | {v for v, row in relations.values.items() if len(row) == 1}
    definitions = [(factor.output, factor.operands) for factor in problem.factors if factor.output is not None]
    before = -1
    while before < len(decided):
        before = len(decided)
        for output, operands in definitions:
            if all(relations.root(v) in decided for v in operands if isinstance(v, Variable)):
                decided.add(relations.root(output))
    return frozenset(v for v in relations.values if v not in decided)
