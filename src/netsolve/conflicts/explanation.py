"""Why nothing fits, and what would: asked as one question."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

from netsolve.conflicts.base import Conflict, Reason, Statement
from netsolve.conflicts.broken import beyond_defaults, first_broken
from netsolve.conflicts.changes import chosen, likely_changes
from netsolve.conflicts.cores import Core, core_of
from netsolve.conflicts.places import breaking, elsewhere, kinds
from netsolve.conflicts.repairs import combined
from netsolve.conflicts.statements import relaxed
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.errors import UndecidedError
from netsolve.garbage import unswept
from netsolve.network import Network

MOST_BEYOND = 2
"""How many layers are named of which a far larger kernel would fit, and how many at which it breaks too."""

COMBINED = 1.5
"""Seconds for changes of several numbers, where no single one helps."""


@unswept()
def explain(network: Network, *, timeout: float | None = 20.0, run: bool = True) -> Conflict:
    """Why a network cannot work, and the smallest changes that would make it work.

    timeout: seconds for the search; run: whether torch runs each change before it is given. A network that works gives
    an empty conflict. Raises DocumentError for what cannot be a network at all, UndecidedError where it is not known
    whether anything fits.
    """
    deadline = Deadline(timeout)
    worlds = Worlds(relaxed(network, deadline), deadline)
    broken = first_broken(worlds, deadline)
    if broken is None:
        return Conflict(tuple(beyond_defaults(network, deadline)))
    return conflict_at(worlds, broken, deadline, run=run)


def conflict_at(worlds: Worlds, broken: int, deadline: Deadline, *, run: bool) -> Conflict:
    """The conflict whose last factor is `broken`."""
    network = worlds.relaxed.network
    places: list[Reason] = []
    core = Core((), minimal=False)
    with suppress(UndecidedError):
        for reason in breaking(worlds, broken):  # the first takes no search: it is there when the time is over
            places.append(reason)  # noqa: PERF402 - the later ones may raise
        core = core_of(worlds, broken, Deadline(deadline.remaining / 2))
    try:
        changes = chosen(network, likely_changes(worlds, broken), deadline, run=run)
        changes = changes or tuple(combined(worlds, Deadline(min(deadline.remaining, COMBINED)), most=3, run=run))
    except UndecidedError:
        changes = ()
    statements = tuple(worlds.relaxed.statements[key] for key in core.keys)
    lines = stated(worlds, statements)
    places += [Reason(*limit(worlds, key)) for key in core.beyond[:MOST_BEYOND]]
    if changes and all(len(change.set) > 1 for change in changes):
        places += islice(elsewhere(worlds, broken), MOST_BEYOND)
    return Conflict((*places, *lines), statements, changes, core.minimal, len(lines))


def limit(worlds: Worlds, key: str) -> tuple[str, str, int | None]:
    """That what contradicts each other does so with kernels as they usually are: the layer, a sentence, the line."""
    statement = worlds.relaxed.statements[key]
    highest = max(worlds.relaxed.problem.domains[v].high or 0 for v in worlds.relaxed.variables[key])
    return statement.layer, f"below, kernels go up to {highest}: a larger one here would fit", statement.line


def stated(worlds: Worlds, statements: Sequence[Statement]) -> list[Reason]:
    """Statements as sentences, those of a layer on one line together."""
    found: dict[tuple[str, int | None], list[str]] = {}
    for statement in statements:
        found.setdefault((statement.layer, statement.line), []).append(kinds(worlds, statement.key))
    return [Reason(layer, ", ".join(texts), line) for (layer, line), texts in found.items()]
