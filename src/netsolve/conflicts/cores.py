"""The smallest set of what is stated that cannot be true together."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from time import process_time

from netsolve.conflicts.choices import choices_of
from netsolve.conflicts.decisions import fits, needed_besides
from netsolve.conflicts.ties import Ties
from netsolve.conflicts.witnesses import Witnesses
from netsolve.conflicts.worlds import OVERTIME, Value, Worlds
from netsolve.deadline import Deadline
from netsolve.errors import UndecidedError
from netsolve.problem import Variable

SINGLES = 0.7
"""Seconds for what alone would help; what is not looked at by then is shown to be needed in another way."""

PROOF = 1.0
"""Seconds after which a conflict is given without a proof that all of it is needed."""

QUICK = 0.15
"""Seconds for one way to decide whether a statement is needed, before another one is tried."""


@dataclass(frozen=True)
class Core:
    """Statements, by key in the document's order, that contradict each other; minimal: each was shown to be needed."""

    keys: tuple[str, ...]
    minimal: bool


def core_of(worlds: Worlds, broken: int, deadline: Deadline) -> Core:
    """What contradicts each other in the part of the network that the layer of the factor `broken` depends on.

    A statement without which the rest would fit is in every such set. Those come first; if they do not suffice, others
    are added, the nearest first, until they do. Each of these is then left out in turn, and stays out where the others
    still cannot be: so each that is kept is known to be needed, unless that was not decided in time.
    """
    places = beside(worlds, broken)
    indices = set[int]().union(*map(worlds.ancestors, places))
    keys = involved(worlds, indices)
    start, needed = process_time(), list[str]()
    for key in reversed(keys):
        if process_time() - start < SINGLES and helps(worlds, key, places, indices, deadline):
            needed.append(key)
    rest = [key for key in keys if key not in set(needed)]
    more: tuple[str, ...] | None = None
    with suppress(UndecidedError):
        more = needed_besides(worlds, indices, needed, rest, deadline) if rest else ()
    if more is None:
        return Core(tuple(keys), minimal=False)
    ways = Ways(worlds, Witnesses(worlds, sorted(indices), numbers_at(worlds, broken), Ties()))
    found, minimal = lessened(ways, keys, [*needed, *more], set(needed), Deadline(min(deadline.remaining, PROOF)))
    return Core(tuple(key for key in keys if key in found), minimal)


def beside(worlds: Worlds, broken: int) -> range:
    """The factors from `broken` to the last of its layer: a statement with several entries speaks of all of them."""
    last, layer = broken, worlds.factors[broken].label.layer
    while layer and last + 1 < len(worlds.factors) and worlds.factors[last + 1].label.layer == layer:
        last += 1
    return range(broken, last + 1)


def lessened(
    ways: "Ways", keys: Sequence[str], core: Sequence[str], shown: AbstractSet[str], deadline: Deadline
) -> tuple[set[str], bool]:
    """Leave out what a contradiction does not need: what stays, and whether each of it was shown to be needed.

    keys: all statements, of which those in `core` contradict each other; shown: those known to be needed. It ends with
    the first that is not decided.
    """
    found = set(core)
    for key in core:
        if key in shown:
            continue
        rest = [other for other in keys if other not in found]
        try:
            if not ways.fits(key, rest, deadline):
                found.remove(key)
        except UndecidedError:
            return found, False
    return found, True


@dataclass
class Ways:
    """The ways to decide whether something fits, the one that did last time first.

    Each has a little time in turn, then the rest of it: what a search worked out before its time was over stays known.
    """

    worlds: Worlds
    witnesses: Witnesses

    def __post_init__(self) -> None:
        """The quickest first."""
        self.order = [self.witnesses.nearby, self.witnesses.anywhere, self.exactly]

    def exactly(self, key: str, rest: Sequence[str], deadline: Deadline) -> bool | None:
        """By tables or by z3."""
        with suppress(UndecidedError):
            return fits(self.worlds, self.witnesses.indices, [key, *rest], deadline)
        return None

    def fits(self, key: str, rest: Sequence[str], deadline: Deadline) -> bool:
        """Whether something fits when the statement under a key is not made, nor those under the keys in `rest`.

        Raises UndecidedError past the deadline.
        """
        for seconds in (QUICK, deadline.remaining):
            for way in self.order:
                found = way(key, rest, Deadline(min(deadline.remaining, seconds)))
                if found is not None:
                    self.order = [way, *(other for other in self.order if other != way)]
                    return found
        raise UndecidedError(OVERTIME)


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
