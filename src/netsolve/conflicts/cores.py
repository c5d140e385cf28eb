"""The smallest set of what is stated that cannot be true together."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, permutations
from time import process_time

from netsolve.conflicts.axes import distinct
from netsolve.conflicts.choices import choices_of
from netsolve.conflicts.decisions import Free, cause, contradicting, fits, left_of
from netsolve.conflicts.usual import usual
from netsolve.conflicts.worlds import Value, Worlds
from netsolve.deadline import Deadline
from netsolve.engines.base import Contradiction, Times
from netsolve.errors import UndecidedError
from netsolve.problem import Problem, Variable

SINGLES = 0.7
"""Seconds for what alone would help; what is not looked at by then is shown to be needed in another way."""

STATED = 2.5
"""Seconds after which a conflict that is known from what is nearest is given without asking about the rest."""

PROOF = 1.2
"""Seconds after which a conflict is given without a proof that all of it is needed."""

WINDOWS, LARGEST_WINDOW = 0.3, 64
"""Seconds for kernels beyond those that are tried otherwise, and up to which one."""

MANY = 100
"""Of more factors, some of the last are asked first: it takes long to state all of them."""

NEAR = (12, 50, 200)
"""How many of the last."""

QUICK = 0.3
"""Seconds for these."""

WITNESSED = 0.5
"""Seconds for finding that each statement is needed by trying other numbers, one or two at a time."""

PAIRED = 8
"""How many values of a number are tried with those of others."""

WITNESS = 0.25
"""Seconds for usual values with which something fits."""


@dataclass(frozen=True)
class Core:
    """Statements, by key in the document's order, that contradict each other; minimal: each was shown to be needed.

    That holds as long as numbers that are not among them stay within what a question mark may be; beyond: the kernels
    of which a far larger one would fit by itself.
    """

    keys: tuple[str, ...]
    minimal: bool
    beyond: tuple[str, ...] = ()


def core_of(worlds: Worlds, broken: int, deadline: Deadline) -> Core:
    """What contradicts each other in the part of the network that the layer of the factor `broken` depends on.

    In a large network what is nearest to the layer is asked first, and is the answer where each statement of it is soon
    seen to be needed. Otherwise a statement without which the rest would fit is in every such set. With these held,
    each statement of what contradicts itself is left out in turn, the first in the document first, and stays out where
    what is left still cannot be: so each that is kept is known to be needed, unless that was not decided in time.
    """
    places = beside(worlds, broken)
    indices = cause(worlds, places)
    keys, apart = involved(worlds, indices), distinct(worlds, indices)
    near = nearest(worlds, apart, keys)
    if near is not None and witnessed(worlds, places, near.labels, keys):
        return Core(tuple(key for key in keys if key in near.labels), minimal=True)
    start, needed = process_time(), list[str]()
    for key in reversed(keys):
        if process_time() - start < SINGLES and helps(worlds, key, places, indices, deadline):
            needed.append(key)
    rest, numbers = [key for key in keys if key not in set(needed)], numbers_at(worlds, broken)

    def witness(key: str, kept: Sequence[str], proof: Deadline) -> bool:
        if proof.passed:
            return False
        left = left_of(worlds, apart, [other for other in rest if other not in kept])
        time = Deadline(min(proof.remaining, WITNESS))
        return left is not None and satisfiable(usual(worlds, left, key, numbers), time)

    more = near
    labels = rest if near is None else [key for key in near.labels if key in rest]
    free = Free(labels, [key for key in rest if key not in labels])
    with suppress(UndecidedError):
        whole = Deadline(min(deadline.remaining, STATED)) if near else deadline
        more = contradicting(worlds, apart, free, Times(whole, PROOF), witness) or near
    if more is None:
        return Core(tuple(keys), minimal=False)
    found = tuple(key for key in keys if key in {*needed, *more.labels})
    large = tuple(large_windows(worlds, [key for key in keys if key not in found], places[-1]))
    return Core(found, more.minimal or witnessed(worlds, places, found, keys), large)


def nearest(worlds: Worlds, indices: Sequence[int], keys: Sequence[str]) -> Contradiction | None:
    """What contradicts itself in the last of many factors, with nothing known of the others; None where nothing."""
    for most in NEAR if len(indices) > MANY else ():
        last = indices[-most:]
        free = Free([key for key in involved(worlds, set(last)) if key in keys])
        with suppress(UndecidedError):
            found = contradicting(worlds, last, free, Times(Deadline(QUICK), QUICK), lambda *_: False)
            if found is not None:
                return Contradiction(found.labels, minimal=False)
    return None


def witnessed(worlds: Worlds, places: range, labels: Sequence[str], keys: Sequence[str]) -> bool:
    """Whether it is soon found for each label that without it everything up to `places` fits.

    One number that no label states may be otherwise for that.
    """
    time, numbers = Deadline(WITNESSED), numbers_at(worlds, places[0])
    others = [key for key in reversed(keys) if key not in labels]
    return worlds.known and all(
        any(reaches(worlds, world, places[-1]) for world in without(worlds, label, others, numbers, time))
        for label in labels
    )


def without(
    worlds: Worlds, label: str, others: Sequence[str], numbers: tuple[int, ...], time: Deadline
) -> Iterator[Mapping[Variable, Value]]:
    """Worlds in which a label is not stated: by itself; with one number for another everywhere; with another once."""
    variables = worlds.relaxed.variables.get(label, ())
    if label == "output" or label.endswith(".out"):
        mine: list[Mapping[Variable, Value]] = [dict.fromkeys(variables)]
    else:
        mine = [choice.world for choice in choices_of(worlds, label, numbers)] if variables else []
    yield from mine
    free = [v for other in others for v in worlds.relaxed.variables.get(other, ())]
    for was, now in permutations(numbers, 2):
        renamed = {v: now for v in free if worlds.base[v] == was}
        yield from ({**renamed, **world} for world in mine[:PAIRED])
    for other in others:
        for choice in islice(choices_of(worlds, other, numbers), PAIRED):
            if time.passed:
                return
            yield from ({**world, **choice.world} for world in mine[:PAIRED])


def satisfiable(problem: Problem, deadline: Deadline) -> bool:
    """Whether z3 finds values for a problem in the time."""
    from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

    with suppress(UndecidedError):
        return Z3Engine().feasible(problem, deadline)
    return False


def beside(worlds: Worlds, broken: int) -> range:
    """The factors from `broken` to the last of its layer: a statement with several entries speaks of all of them."""
    last, layer = broken, worlds.factors[broken].label.layer
    while layer and last + 1 < len(worlds.factors) and worlds.factors[last + 1].label.layer == layer:
        last += 1
    return range(broken, last + 1)


def involved(worlds: Worlds, indices: set[int]) -> list[str]:
    """The statements that factors speak of, in the document's order."""
    variables = {v for index in indices for v in worlds.factors[index].variables}
    paths = {worlds.factors[index].label.path for index in indices}
    relaxed = worlds.relaxed
    return [
        key
        for key in relaxed.statements
        if any(v in variables for v in relaxed.variables.get(key, ()))
        or (key.startswith("constraints[") and ("constraints", int(key[12:-1])) in paths)
    ]


def helps(worlds: Worlds, key: str, places: range, indices: set[int], deadline: Deadline) -> bool:
    """Whether everything up to the factors at `places` would fit if one statement were not made."""
    if key in worlds.relaxed.variables:
        numbers = numbers_at(worlds, places[0])
        found = any(reaches(worlds, choice.world, places[-1]) for choice in choices_of(worlds, key, numbers))
        if worlds.known and (found or ended(worlds, key)):
            return found
    try:
        return fits(worlds, indices, [key], deadline)
    except UndecidedError:
        return False


def large_windows(worlds: Worlds, keys: Sequence[str], last: int) -> Iterator[str]:
    """The kernels that alone would let everything up to a factor fit if they were far larger than they are."""
    start = process_time()
    for key in reversed(keys) if worlds.known else ():
        if not key.endswith(".kernel_size") or process_time() - start > WINDOWS:
            continue
        variables = worlds.relaxed.variables[key]
        high = max(worlds.relaxed.problem.domains[v].high or 0 for v in variables)
        if any(reaches(worlds, dict.fromkeys(variables, k), last) for k in range(high + 1, LARGEST_WINDOW + 1)):
            yield key


def ended(worlds: Worlds, key: str) -> bool:
    """Whether the choices of a statement are all that there are."""
    return len(worlds.relaxed.variables[key]) == 1 and (
        worlds.relaxed.problem.domains[worlds.relaxed.variables[key][0]].count is not None
    )


def reaches(worlds: Worlds, change: Mapping[Variable, Value], broken: int) -> bool:
    """Whether the first factor that does not hold in a world comes after `broken`."""
    first = worlds.first_broken(change)
    return first is None or first > broken


def numbers_at(worlds: Worlds, broken: int) -> tuple[int, ...]:
    """The known numbers that a factor is about."""
    operands = worlds.factors[broken].operands
    values = (worlds.base[v] if isinstance(v, Variable) else v for v in operands)
    return tuple(dict.fromkeys(v for v in values if isinstance(v, int)))
