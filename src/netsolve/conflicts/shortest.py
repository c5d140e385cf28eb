"""The shortest way in which what contradicts itself follows from what is stated.

A size follows from those that its layer takes, or is one that it has to agree with: what a network states along one way
through it is enough for a contradiction, and is what a person would check.
"""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from netsolve.conflicts.worlds import Worlds
from netsolve.problem import EQUAL, Variable

STEP = 1e-3
"""What a factor costs beside the statements that it rests on: of ways alike the one with fewer layers is taken."""


@dataclass(slots=True)
class _Edge:
    """That a variable follows from others by the factor at `index`. missing: how many of them are not reached."""

    variable: Variable
    sources: tuple[Variable, ...]
    index: int
    missing: int


def shortest(worlds: Worlds, places: Sequence[int]) -> set[int]:
    """The factors, by index, by which the rules at `places` are contradicted from the fewest statements; they are some.

    That is Knuth's generalization of Dijkstra's algorithm: a variable costs what those cost that it follows from.
    The rules about the variables on the way are taken too. Of what is shared the cost is counted each time, so there
    may be fewer still; and where sizes are not known, these factors need not contradict each other.
    """
    rules = [index for index in places if worlds.factors[index].output is None]
    before = set[int]().union(*map(worlds.ancestors, rules))
    edges = list(_edges(worlds, before, rules))
    leading: dict[Variable, list[_Edge]] = {}
    for edge in edges:
        for v in edge.sources:
            leading.setdefault(v, []).append(edge)
    stated = {v for key in worlds.relaxed.statements for v in worlds.relaxed.variables.get(key, ())}
    ticket = count()
    starts = {v for index in before for v in worlds.factors[index].variables if v not in worlds.definer}
    heap: list[tuple[float, int, Variable, _Edge | None]] = [
        (float(v in stated), next(ticket), v, None) for v in sorted(starts, key=lambda v: v.index)
    ]
    heap += [(STEP, next(ticket), edge.variable, edge) for edge in edges if not edge.sources]
    heapq.heapify(heap)
    costs: dict[Variable, float] = {}
    reached: dict[Variable, _Edge | None] = {}
    while heap:
        cost, _, variable, by = heapq.heappop(heap)
        if variable in costs:
            continue
        costs[variable], reached[variable] = cost, by
        for edge in leading.get(variable, ()):
            edge.missing -= 1
            if not edge.missing and edge.variable not in costs:
                found = sum(costs[v] for v in edge.sources) + STEP
                heapq.heappush(heap, (found, next(ticket), edge.variable, edge))
    way, variables = set(rules), set[Variable]()
    waiting = [v for index in rules for v in worlds.factors[index].variables]
    while waiting:
        variable = waiting.pop()
        if variable not in variables:
            variables.add(variable)
            if (by := reached.get(variable)) is not None:
                way.add(by.index)
                waiting += by.sources
    others = (i for i in before if worlds.factors[i].output is None)
    return way | {i for i in others if variables.issuperset(worlds.factors[i].variables)}


def _edges(worlds: Worlds, indices: Collection[int], without: Collection[int]) -> Iterator[_Edge]:
    """What follows from what: by definitions, and by sizes that have to agree and do."""
    failing = {*worlds.broken, *without}
    for index in sorted(indices):
        factor = worlds.factors[index]
        if factor.output is not None:
            sources = tuple(dict.fromkeys(v for v in factor.operands if isinstance(v, Variable)))
            yield _Edge(factor.output, sources, index, len(sources))
        elif factor.formula is EQUAL and index not in failing:
            left, right = factor.operands
            for one, other in ((left, right), (right, left)):
                if isinstance(one, Variable):
                    sources = (other,) if isinstance(other, Variable) else ()
                    yield _Edge(one, sources, index, len(sources))
