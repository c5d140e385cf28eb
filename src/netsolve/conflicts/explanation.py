"""Why nothing fits, and what would: asked as one question."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from netsolve.conflicts.base import Conflict, Reason, Statement
from netsolve.conflicts.changes import chosen, likely_changes
from netsolve.conflicts.cores import Core, core_of
from netsolve.conflicts.decisions import fits
from netsolve.conflicts.places import breaking, kinds
from netsolve.conflicts.repairs import combined
from netsolve.conflicts.statements import relaxed
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.domain import LARGEST
from netsolve.engines.elimination import tables_of
from netsolve.engines.relations import TooLargeError
from netsolve.errors import UndecidedError
from netsolve.network import Network
from netsolve.posing import pose
from netsolve.posing.layer import DEFAULTS
from netsolve.problem import Problem


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


def beyond_defaults(network: Network, deadline: Deadline) -> list[Reason]:
    """Where nothing fits although no number is wrong: the question marks whose values end too soon.

    How far default values go may hang on another question mark (a padding's on its kernel), which no statement says;
    and no question mark goes further than a document may.
    """
    problem = pose(network, deadline=deadline)
    if not problem.asked or feasible(problem, deadline):
        return []
    bounds = {factor: factor.label for factor in problem.factors if factor.label.text.startswith(DEFAULTS)}
    rest = replace(problem, factors=tuple(factor for factor in problem.factors if factor not in bounds))
    if not bounds or not feasible(rest, deadline):
        return [Reason("", f"numbers of a document go up to {LARGEST}, and none up to there fits")]
    text = "{} go no further, and none of them fits"
    labels = dict.fromkeys(bounds.values())
    return [Reason(label.layer, text.format(label.text), network.line(label.path)) for label in labels]


def feasible(problem: Problem, deadline: Deadline) -> bool:
    """Whether anything fits. Raises UndecidedError where that stays open."""
    try:
        return tables_of(problem, deadline) is not None
    except TooLargeError:
        from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

        return Z3Engine().feasible(problem, deadline)


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
        changes = changes or tuple(combined(worlds, deadline, most=3, run=run))
    except UndecidedError:
        changes = ()
    statements = tuple(worlds.relaxed.statements[key] for key in core.keys)
    lines = stated(worlds, statements)
    return Conflict((*places, *lines), statements, changes, core.minimal, len(lines))


def stated(worlds: Worlds, statements: Sequence[Statement]) -> list[Reason]:
    """Statements as sentences, those of a layer on one line together."""
    found: dict[tuple[str, int | None], list[str]] = {}
    for statement in statements:
        found.setdefault((statement.layer, statement.line), []).append(kinds(worlds, statement.key))
    return [Reason(layer, ", ".join(texts), line) for (layer, line), texts in found.items()]


def first_broken(worlds: Worlds, deadline: Deadline) -> int | None:
    """The factor with which nothing fits any more; None where something fits."""
    every = len(worlds.factors)
    if worlds.broken:
        return worlds.broken[0]
    if worlds.known or fits(worlds, range(every), (), deadline):
        return None
    low, high = 0, every - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fits(worlds, range(middle + 1), (), deadline) else (low, middle)
    return low
