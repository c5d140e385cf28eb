"""The cheapest set of changes to what is written that makes a network work."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, islice

from netsolve.conflicts.base import Change
from netsolve.conflicts.broken import beyond_defaults, first_broken
from netsolve.conflicts.changes import FEW, Choices, confirmed, cost_of, kept, likely_changes, reaching
from netsolve.conflicts.choices import Choice, choices_of
from netsolve.conflicts.likely import Likelihood
from netsolve.conflicts.statements import relaxed
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.errors import DocumentError, UndecidedError, UsageError
from netsolve.garbage import unswept
from netsolve.locate import Path
from netsolve.network import Network

CHANGE = 100.0
"""One change more is worse than any value of one change less."""

MOST_STEPS = 60
"""How many partial repairs are looked at."""

BRANCHES = 8
"""How many changes are followed from each."""


@dataclass(frozen=True)
class Repair:
    """What would have to change.

    network: as it was asked about; changes: sets of changes, the cheapest first, each solved and run; empty where
    nothing has to change (works) or no set was found.
    """

    network: Network = field(repr=False)
    works: bool
    changes: tuple[Change, ...] = ()

    @property
    def best(self) -> Change | None:
        """The cheapest."""
        return self.changes[0] if self.changes else None


@unswept()
def repair(
    network: Network, *, keep: Sequence[str] = (), most: int = 5, timeout: float | None = 30.0, run: bool = True
) -> Repair:
    """The cheapest sets of changes that make a network work: fewest places to edit first, then likeliest.

    keep: what must stay: LAYER.ARGUMENT, LAYER, ARGUMENT, `input` or `output`; most: how many sets to give. Raises
    DocumentError for what cannot be a network at all, UsageError for something to keep that is not there,
    UndecidedError where nothing was found in the time.
    """
    deadline = Deadline(timeout)
    worlds = Worlds(relaxed(network, deadline), deadline)
    for key in keep:
        if not any(kept(known, [key]) for known in (*worlds.relaxed.variables, *worlds.relaxed.network.by_name)):
            msg = f"keep: there is no {key}: write LAYER.ARGUMENT, LAYER, ARGUMENT, input or output"
            raise UsageError(msg)
    broken = first_broken(worlds, deadline)
    if broken is None:
        return Repair(network, works=not beyond_defaults(network, deadline))
    found: list[Change] = []
    ranked = [(edits(network, choices), choices) for choices in likely_changes(worlds, broken, keep)]
    for places, choices in sorted(ranked, key=cost_of):
        if len(found) == most or deadline.passed:
            break
        if len(choices) > 1 and places > 1 and found:  # one number elsewhere is less
            continue
        if change := confirmed(network, choices, deadline, run=run):
            found.append(change)
    if not found:
        found.extend(combined(worlds, deadline, keep=keep, most=most, run=run))
    if not found:
        deadline.check()
    return Repair(network, works=False, changes=tuple(found))


def edits(network: Network, choices: Choices) -> int:
    """How many places would have to be edited; two for one that stands for other layers too, where it may not change.

    A repetition or a block that is used several times has one place for many layers.
    """
    every, places, argument = 0, Counter[Path](), choices[0].key.rpartition(".")[2]
    for choice in choices:
        layer = network.by_name.get(choice.key.rpartition(".")[0])
        if layer is None or not layer.path:
            every += 1
        else:
            places[layer.at(argument)] += 1
    shared = Counter(layer.at(argument) for layer in network.layers) if places else Counter[Path]()
    return every + sum(1 + (found < shared[path]) for path, found in places.items())


def combined(worlds: Worlds, deadline: Deadline, *, keep: Sequence[str] = (), most: int, run: bool) -> Iterator[Change]:
    """Sets of several changes, the cheapest first: each in turn mends the place where the network breaks first."""
    ticket, seen = count(), set[frozenset[str]]()
    network, given = worlds.relaxed.network, 0
    heap: list[tuple[float, int, tuple[Choice, ...], Worlds]] = [(0.0, next(ticket), (), worlds)]
    for _ in range(MOST_STEPS):
        if not heap or deadline.passed or given == most:
            return
        cost, _, choices, here = heappop(heap)
        try:
            if choices:
                here = Worlds(relaxed(network.with_values({c.key: c.value for c in choices}), deadline), deadline)
            change = None if here.broken else confirmed(network, choices, deadline, run=run)
            broken = None if change is not None else first_broken(here, deadline)
        except DocumentError:
            continue
        except UndecidedError:
            return
        if change is not None:
            given += 1
            yield change
            continue
        for more, choice in steps(here, broken, keep) if broken is not None else ():
            keys = frozenset({*(c.key for c in choices), choice.key})
            if len(keys) > len(choices) and keys not in seen:
                seen.add(keys)
                heappush(heap, (cost + CHANGE + more, next(ticket), (*choices, choice), here))


def steps(worlds: Worlds, broken: int, keep: Sequence[str]) -> list[tuple[float, Choice]]:
    """Changes that mend one break, the likeliest first; those that mend everything before the others."""
    likelihood, numbers = Likelihood(worlds), worlds.numbers_at(broken)
    found: list[tuple[float, Choice]] = []
    for key in reaching(worlds, broken):
        if kept(key, keep):
            continue
        mending = (c for c in choices_of(worlds, key, numbers) if worlds.reaches(c.world, broken))
        rows = [(likelihood.cost(c) + 10 * (worlds.first_broken(c.world) is not None), c) for c in islice(mending, FEW)]
        ordered = sorted(rows, key=lambda row: row[0])
        found += ordered[:1] if worlds.broken else ordered  # which of them mends it only an exact engine sees
    return sorted(found, key=lambda row: row[0])[: BRANCHES if worlds.broken else FEW * BRANCHES]
