"""Unknowns whose values tables cannot list, mostly for want of an upper bound: with one value each, the rest can be."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from netsolve.domain import Domain
from netsolve.problem import Factor, Problem, Variable


def pinned(problem: Problem, values: Mapping[Variable, int]) -> Problem:
    """The problem with one value for each of some variables."""
    single = {variable: Domain.between(value, value) for variable, value in values.items()}
    return replace(problem, domains={**problem.domains, **single})


def apart(problem: Problem, variables: Collection[Variable]) -> bool:
    """Whether nothing that these variables are tied to, however far, is liked more or less.

    So it is with channels that no size depends on: the smallest of them cost no likely padding.
    """
    ties: dict[Variable, list[Factor]] = {}
    for factor in needed(problem):
        for variable in factor.variables:
            if problem.domains[variable].count != 1:
                ties.setdefault(variable, []).append(factor)
    reached, waiting = set(variables), list(variables)
    while waiting:
        for factor in ties.pop(waiting.pop(), ()):
            others = {v for v in factor.variables if v in ties} - reached
            reached |= others
            waiting += others
    return not any(v in reached for cost in problem.costs for v in cost.operands)


def needed(problem: Problem) -> list[Factor]:
    """The factors without the definitions that nothing else uses: those always have a value."""
    used: set[Variable] = set()
    found = []
    for factor in reversed(problem.factors):
        if factor.output is None or factor.output in used:
            used.update(factor.variables)
            found.append(factor)
    return found[::-1]
