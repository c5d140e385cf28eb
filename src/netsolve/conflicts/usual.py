"""What numbers of layers usually are: few values, with which something that fits is found fast where there is any."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from netsolve.conflicts.choices import options
from netsolve.conflicts.worlds import Worlds
from netsolve.domain import Domain
from netsolve.problem import Problem, Variable

MENUS: Mapping[str, tuple[int, ...]] = {
    "kernel_size": (1, 2, 3, 4, 5, 7),
    "stride": (1, 2, 3, 4),
    "padding": (0, 1, 2, 3, 5),
    "dilation": (1,),
    "output_padding": (0, 1),
    "groups": (1,),
}
"""What is tried besides what is written."""

MANY = 100
"""Of so many values, those that have to do with the numbers in question are tried."""

NONE = Domain(())


def usual(worlds: Worlds, problem: Problem, key: str, numbers: tuple[int, ...]) -> Problem:
    """A problem with few values for every number of a layer but what stands under `key`.

    numbers: those that do not agree, of which others may follow.
    """
    domains = dict(problem.domains)
    for other, variables in worlds.relaxed.variables.items():
        for v in variables if other != key else ():
            menu = Domain.of(n for n in few(worlds, other, v, numbers) if n in domains.get(v, NONE))
            if menu.ranges:
                domains[v] = menu
    return replace(problem, domains=domains)


def few(worlds: Worlds, key: str, v: Variable, numbers: tuple[int, ...]) -> Iterator[int]:
    """What is written for a number, and what else it may be; nothing where all may be tried."""
    relaxed = worlds.relaxed
    argument = key.rpartition(".")[2]
    count = relaxed.problem.domains[v].count
    if key in relaxed.network.inputs or argument in {"out", "output"}:
        return
    if argument in MENUS or count is None or count > MANY:
        yield from MENUS.get(argument) or options(worlds, v, numbers)
        written = relaxed.written[v]
        yield from written if (written.count or MANY) < MANY else ()
