"""Assignments by a plain cost: least padding, or fewest layers off "same"."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from netsolve.deadline import Deadline
from netsolve.engines.elimination import Ranked, Tables, tables_of
from netsolve.problem import ANYTHING, Factor, Label, Problem, Variable

OFF = 1000.0
"""A layer off "same" costs more than any distance from it."""


@dataclass(frozen=True)
class Ordered:
    """The assignments of a problem by the sum of costs of values."""

    tables: Tables
    costs: dict[Variable, Sequence[float]]

    def ranked(self) -> Ranked:
        """All assignments, the cheapest first."""
        return self.tables.ranked(self.costs)

    @cached_property
    def best(self) -> dict[Variable, int]:
        """The cheapest assignment."""
        return next(self.ranked())[1]


def least_padding(problem: Problem, deadline: Deadline) -> Ordered | None:
    """Order by the sum of all paddings, then of all other values that are asked for; None where nothing fits."""
    tables = tables_of(problem, deadline)
    if tables is None:
        return None
    rows: dict[Variable, Sequence[float]] = {}
    for question in problem.questions:
        scale = 1.0 if question.key.endswith("padding") else 1e-3
        for variable in dict.fromkeys(v for v in question.entries if isinstance(v, Variable)):
            tables.add(rows, variable, [scale * abs(value) for value in tables.values(variable)])
    return Ordered(tables, rows)


def fewest_off_same(problem: Problem, deadline: Deadline) -> Ordered | None:
    """Order by how many values are off what is liked ("same" for paddings), then how far; None where nothing fits."""
    domains, factors = dict(problem.domains), list(problem.factors)
    distances: list[Variable] = []
    for cost in problem.costs:
        variable = Variable("off", len(domains))
        domains[variable] = ANYTHING
        factors.append(
            Factor(Label("", "how far a value is from what is liked"), cost.formula, cost.operands, variable)
        )
        distances.append(variable)
    tables = tables_of(replace(problem, domains=domains, factors=tuple(factors)), deadline)
    if tables is None:
        return None
    rows: dict[Variable, Sequence[float]] = {}
    for variable in distances:
        tables.add(rows, variable, [OFF * (value > 0) + value for value in tables.values(variable)])
    return Ordered(tables, rows)


ORDERS: dict[str, Callable[[Problem, Deadline], Ordered | None]] = {"small": least_padding, "same": fewest_off_same}
