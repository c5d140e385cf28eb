"""Exact answers by elimination: how many assignments, which values are forced, and all of them in order of a cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from netsolve.deadline import Deadline
from netsolve.engines.circuit import Circuit
from netsolve.engines.compilation import compile_circuit
from netsolve.engines.ranking import Chosen, Ranking
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
        return sum(branch.rows for branch in self.circuit.branches)

    def values(self, variable: Variable) -> list[int]:
        """What a variable can still be, ascending."""
        return self.relations.values[self.relations.root(variable)]

    def count(self) -> int:
        """How many assignments there are, exactly."""
        return int(self.circuit.total({}, self.circuit.sums({})))

    def supports(self) -> dict[Variable, list[int]]:
        """The values that each variable has in some assignment."""
        circuit = compile_circuit(self.relations, Deadline()) if self.hidden else self.circuit
        assert circuit is not None  # noqa: S101 - something fits
        shares = circuit.shares({}, circuit.sums({}))
        found = {v: [self.relations.values[v][i] for i, share in enumerate(row) if share] for v, row in shares.items()}
        return found | {v: found[root] for v, root in self.relations.stands_for.items()}

    def assignment(self, chosen: Chosen) -> dict[Variable, int]:
        """The values of all variables of the problem, from the row chosen at each branch."""
        values = dict(self.fixed)
        for index, row in enumerate(chosen):
            told = self.told[index]
            if row not in told:
                told[row] = self.settled(index, row)
            values.update(told[row])
        return values

    @cached_property
    def told(self) -> list[dict[int, dict[Variable, int]]]:
        """What rows of branches settle, as far as it was looked up."""
        return [{} for _ in self.circuit.branches]

    def settled(self, index: int, row: int) -> dict[Variable, int]:
        """The values that follow from a row of a branch."""
        found, places = self.relations.values, self.circuit.branches[index].settled
        return {each: found[v][positions[row]] for v, positions in places for each in (v, *self.merged.get(v, ()))}

    def placed(self, places: Mapping[Variable, int]) -> dict[Variable, int]:
        """The values of all variables of the problem, from positions among the values of those that have several."""
        found = self.relations.values
        return self.fixed | {each: found[v][i] for v, i in places.items() for each in (v, *self.merged.get(v, ()))}

    @cached_property
    def fixed(self) -> dict[Variable, int]:
        """The first value of every variable, which is the only one of those that are not chosen."""
        relations = self.relations
        roots = {v: found[0] for v, found in relations.values.items()}
        return roots | {v: roots[root] for v, root in relations.stands_for.items()}

    @cached_property
    def merged(self) -> dict[Variable, list[Variable]]:
        """The variables for which each variable of several values stands."""
        found: dict[Variable, list[Variable]] = {}
        for variable, root in self.relations.stands_for.items():
            if len(self.relations.values[root]) > 1:
                found.setdefault(root, []).append(variable)
        return found

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
