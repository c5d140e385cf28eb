"""Where nothing fits any more, and what ends too soon where no number is wrong."""

from dataclasses import replace

from netsolve.conflicts.base import Reason
from netsolve.conflicts.decisions import feasible, fits
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.domain import LARGEST
from netsolve.network import Network
from netsolve.posing import pose
from netsolve.posing.layer import DEFAULTS


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
