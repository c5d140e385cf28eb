"""Values with which all that is kept fits without one statement: that it is needed is seen from these."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, permutations

from netsolve.conflicts.choices import choices_of
from netsolve.conflicts.decisions import left_of
from netsolve.conflicts.statements import states_size
from netsolve.conflicts.usual import KINDS, MENUS, usual
from netsolve.conflicts.worlds import Value, Worlds
from netsolve.deadline import Deadline
from netsolve.domain import Domain
from netsolve.engines.elimination import tables_of
from netsolve.errors import UndecidedError
from netsolve.problem import Problem, Variable

WITNESS = 0.25
"""Seconds for one statement."""

FEW_CHOICES = 8
"""How many values of a statement are tried where others have one number for another."""


@dataclass(frozen=True)
class Part:
    """The part of a network up to the layer that breaks, at the factor `broken`; `last` is the last of that layer.

    indices: the factors up to it, those that say the same along several axes once; keys: the statements that
    they speak of; way: those of them that are on the shortest way to a contradiction along all axes.
    """

    worlds: Worlds
    broken: int
    last: int
    indices: Sequence[int]
    keys: Sequence[str]
    way: set[int]


def witnessed(part: Part, key: str, kept: Collection[str], time: Deadline) -> bool:
    """Whether usual values are found with which, without one statement, the others that are kept fit.

    They are looked for along the shortest way first, as near to what is written as can be, and then for all the rest.
    """
    worlds, numbers, last = part.worlds, part.worlds.numbers_at(part.broken), part.last
    others = [other for other in part.keys if other == key or other not in kept]
    soon = Deadline(min(time.remaining, WITNESS))
    if any(worlds.reaches(world, last) for world in renumbered(worlds, key, others, numbers, soon)):
        return True
    way, left = left_of(worlds, part.way, others), left_of(worlds, part.indices, others)
    if way is None or left is None:
        return False
    for kind in KINDS:
        with suppress(UndecidedError):
            soon = Deadline(min(time.remaining, WITNESS))
            world = least_changed(worlds, usual(worlds, way, key, numbers, kind), soon)
            if world is None:
                continue
            if worlds.known and worlds.reaches(world, last):
                return True
            for rest in KINDS:
                wide = usual(worlds, left, key, numbers, rest)
                fixed = {v: Domain.between(n, n) for v, n in world.items() if v in wide.domains}
                if tables_of(replace(wide, domains={**wide.domains, **fixed}), soon) is not None:
                    return True
    return False


def superfluous(part: Part, key: str, kept: Collection[str], time: Deadline) -> bool:
    """Whether tables soon show that, along the shortest way, what is kept contradicts itself without one statement."""
    left = left_of(part.worlds, part.way, [other for other in part.keys if other == key or other not in kept])
    with suppress(UndecidedError):
        return left is None or tables_of(left, Deadline(min(time.remaining, WITNESS))) is None
    return False


def least_changed(worlds: Worlds, problem: Problem, deadline: Deadline) -> dict[Variable, int] | None:
    """The values of what is free in a problem with which most of it is as it is written; None where nothing fits.

    Raises UndecidedError where tables do not decide it in time.
    """
    tables = tables_of(problem, deadline)
    if tables is None:
        return None
    free = [v for v in problem.domains if v in worlds.relaxed.written]
    costs: dict[Variable, Sequence[float]] = {}
    for v in free:
        tables.add(costs, v, [float(n not in worlds.relaxed.written[v]) for n in tables.values(v)])
    found = next(tables.ranked(costs))[1]
    return {v: found[v] for v in free}


def renumbered(
    worlds: Worlds, key: str, others: Sequence[str], numbers: tuple[int, ...], time: Deadline
) -> Iterator[Mapping[Variable, Value]]:
    """Worlds in which a statement and other numbers, of which sizes are not made, are otherwise.

    Wherever one of the numbers in question stands, another does; or one of the others is changed, the last first.
    """
    variables = worlds.relaxed.variables.get(key, ())
    if not worlds.known or not variables:
        return
    choices = choices_of(worlds, key, numbers)
    mine = [dict.fromkeys(variables)] if states_size(key) else [choice.world for choice in islice(choices, FEW_CHOICES)]
    free = [v for other in others for v in worlds.relaxed.variables.get(other, ())]
    domains = worlds.relaxed.problem.domains
    for was, now in permutations(numbers, 2):
        everywhere: Mapping[Variable, Value] = {v: now for v in free if worlds.base[v] == was and now in domains[v]}
        yield from ({**everywhere, **world} for world in mine)
    for other in reversed(others) if counts(key) else ():
        for choice in islice(choices_of(worlds, other, numbers), FEW_CHOICES) if other != key and counts(other) else ():
            if time.passed:
                return
            yield from ({**world, **choice.world} for world in mine)


def counts(key: str) -> bool:
    """Whether a statement may be about channels or features, or is a stated size."""
    return "." in key and key.rpartition(".")[2] not in MENUS
