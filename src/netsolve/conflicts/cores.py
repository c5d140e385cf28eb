"""The smallest set of what is stated that cannot be true together."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import process_time

from netsolve.conflicts.axes import distinct
from netsolve.conflicts.choices import choices_of
from netsolve.conflicts.decisions import Free, contradicting, fits
from netsolve.conflicts.shortest import shortest
from netsolve.conflicts.witnesses import Part, superfluous, witnessed
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.engines.base import Contradiction, Times
from netsolve.errors import UndecidedError

SINGLES = 0.7
"""Seconds for what alone would help; what is not looked at by then is shown to be needed in another way."""

WAY = 0.8
"""Seconds for what of the shortest way to a contradiction is needed along that way."""

AXES = 0.5
"""Seconds for what of that is needed along all axes."""

PROOF = 1.2
"""Seconds after which a conflict is given without a proof that all of it is needed."""

WINDOWS, LARGEST_WINDOW = 0.3, 64
"""Seconds for kernels beyond those that are tried otherwise, and up to which one."""

WITNESSED = 1.0
"""Seconds for finding that statements are needed by usual values of others with which all the rest fits."""

MANY = 200
"""With more factors, it would take long to ask about all of them."""


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

    What is stated along the shortest way to the contradiction is enough, where these factors alone contradict each
    other: it is made as small as that way allows, with all axes beside the one that breaks where there are such. A
    statement without which the rest would fit is in every such set, and so is held; of the others each is left out in
    turn, the first in the document first, and stays out where what is left still cannot be. So each that is kept is
    known to be needed, unless that was not decided in time.
    """
    places = beside(worlds, broken)
    every = range(places[-1] + 1)
    part = Part(worlds, broken, places[-1], distinct(worlds, every), involved(worlds, every), shortest(worlds, places))
    found = along(part, deadline) or throughout(part, deadline)
    if found is None:
        return Core(tuple(part.keys), minimal=False)
    keys = tuple(key for key in part.keys if key in found.labels)
    large = tuple(large_windows(worlds, [key for key in part.keys if key not in keys], part.last))
    return Core(keys, found.minimal, large)


def along(part: Part, deadline: Deadline) -> Contradiction | None:
    """What contradicts itself along the shortest way; None where there is no such contradiction, or not soon."""
    worlds, start = part.worlds, process_time()
    way = shortest(worlds, [part.broken])
    keys = [key for key in involved(worlds, way) if key in part.keys]
    needed = {key for key in reversed(keys) if process_time() - start < SINGLES and otherwise(part, key)}
    found = contradicted(part, way, [key for key in keys if key not in needed], needed, min(WAY, deadline.remaining))
    if found is None:
        return None
    kept: Sequence[str] = found.labels
    if kept:
        axes = contradicted(part, part.way, kept, needed, min(AXES, deadline.remaining))
        kept = kept if axes is None else axes.labels
    time, rest = Deadline(min(WITNESSED, deadline.remaining)), list(kept)
    for key in kept:
        if not time.passed and witnessed(part, key, {*needed, *rest}, time):
            needed.add(key)
        if key in needed or (not time.passed and superfluous(part, key, {*needed, *rest}, time)):
            rest.remove(key)
    minimal = False
    if rest and len(part.indices) <= MANY:
        whole = contradicted(part, part.indices, rest, needed, min(PROOF, deadline.remaining))
        rest, minimal = (rest, False) if whole is None else (list(whole.labels), whole.minimal)
    return Contradiction((*needed, *rest), minimal or not rest)


def throughout(part: Part, deadline: Deadline) -> Contradiction | None:
    """What of all statements contradicts each other; None where that stays open."""
    start, needed = process_time(), set[str]()
    for key in reversed(part.keys):
        if process_time() - start < SINGLES and helps(part, key, deadline):
            needed.add(key)
    rest = [key for key in part.keys if key not in needed]

    def witness(key: str, kept: Sequence[str], time: Deadline) -> bool:
        return witnessed(part, key, {*needed, *kept}, time)

    with suppress(UndecidedError):
        found = contradicting(part.worlds, part.indices, Free(rest), Times(deadline, PROOF), witness)
        return None if found is None else Contradiction((*needed, *found.labels), found.minimal)
    return None


def contradicted(
    part: Part, indices: Iterable[int], asked: Sequence[str], held: Collection[str], seconds: float
) -> Contradiction | None:
    """The fewest statements with which some factors contradict each other; None where they do not, or not soon."""
    once = distinct(part.worlds, indices)
    free = Free(asked, [key for key in part.keys if key not in held and key not in asked])
    with suppress(UndecidedError):
        return contradicting(part.worlds, once, free, Times(Deadline(seconds), seconds), lambda *_: False)
    return None


def beside(worlds: Worlds, broken: int) -> range:
    """The factors of the layer of `broken`, from the first to the last: a statement may speak of several of them."""
    first = last = broken
    factors, layer = worlds.factors, worlds.factors[broken].label.layer
    while layer and last + 1 < len(factors) and factors[last + 1].label.layer == layer:
        last += 1
    while layer and first > 0 and factors[first - 1].label.layer == layer:
        first -= 1
    return range(first, last + 1)


def involved(worlds: Worlds, indices: Collection[int]) -> list[str]:
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


def otherwise(part: Part, key: str) -> bool | None:
    """Whether everything up to where it breaks fits with another value of a statement; None if that stays open."""
    worlds = part.worlds
    if not worlds.known or key not in worlds.relaxed.variables:
        return None
    choices = choices_of(worlds, key, worlds.numbers_at(part.broken))
    if any(worlds.reaches(choice.world, part.last) for choice in choices):
        return True
    return False if ended(worlds, key) else None


def helps(part: Part, key: str, deadline: Deadline) -> bool:
    """Whether everything up to where it breaks would fit if one statement were not made."""
    found = otherwise(part, key)
    if found is not None:
        return found
    try:
        return fits(part.worlds, part.indices, [key], deadline)
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
        if any(worlds.reaches(dict.fromkeys(variables, k), last) for k in range(high + 1, LARGEST_WINDOW + 1)):
            yield key


def ended(worlds: Worlds, key: str) -> bool:
    """Whether the choices of a statement are all that there are."""
    return len(worlds.relaxed.variables[key]) == 1 and (
        worlds.relaxed.problem.domains[worlds.relaxed.variables[key][0]].count is not None
    )
