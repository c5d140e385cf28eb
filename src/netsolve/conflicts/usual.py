"""What numbers of layers usually are: few values, with which something that fits is found fast where there is any."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from netsolve.conflicts.choices import options
from netsolve.conflicts.statements import states_size
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

Kind = Callable[[str], bool]
"""Whether an argument may be otherwise than it is written."""

KINDS: tuple[Kind, ...] = (
    lambda argument: argument in {"padding", "output_padding", "stride"},
    lambda argument: argument not in MENUS,
    lambda _: True,
)
"""Which arguments are tried together: what moves sizes, what makes channels, all."""

MANY = 100
"""Of so many values, those that have to do with the numbers in question are tried."""

AROUND, SMALL = 16, 8
"""How far from what is written an input or a stated size is looked for, and up to which number besides."""

NONE = Domain(())


def usual(worlds: Worlds, problem: Problem, key: str, numbers: tuple[int, ...], kind: Kind) -> Problem:
    """A problem with few values for every number of a layer but what stands under `key`.

    numbers: those that do not agree, of which others may follow; kind: which arguments are not as they are written.
    """
    domains = dict(problem.domains)
    for other, variables in worlds.relaxed.variables.items():
        for v in (v for v in variables if v in domains):
            if other in worlds.relaxed.network.inputs or (other == key and states_size(key)):
                menu = near(worlds.relaxed.written[v], AROUND if other == key or kind(other) else 0)
                menu = menu | Domain.of(numbers) if other == key else menu
            elif other == key:
                continue
            else:
                menu = Domain.of(few(worlds, other, v, numbers, kind))
            domains[v] = domains[v] & menu if (domains[v] & menu).ranges else domains[v]
    return replace(problem, domains=domains)


def near(written: Domain, around: int) -> Domain:
    """The numbers around one that is written; what is written otherwise."""
    if written.count != 1 or not around:
        return written
    return Domain.between(1, SMALL) | Domain.between(max(written.low - around, 1), written.low + around)


def few(worlds: Worlds, key: str, v: Variable, numbers: tuple[int, ...], kind: Kind) -> Iterator[int]:
    """What is written for a number, and what else it may be; nothing where all may be tried."""
    relaxed = worlds.relaxed
    argument = key.rpartition(".")[2]
    count, written = relaxed.problem.domains[v].count, relaxed.written[v]
    if states_size(key):
        return
    if kind(argument):
        if argument not in MENUS and count is not None and count <= MANY:
            return
        yield from MENUS.get(argument) or options(worlds, v, numbers)
    yield from written if (written.count or MANY) < MANY else ()
