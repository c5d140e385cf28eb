"""The fewest of some labelled relations that contradict all the others, found by z3."""

from collections.abc import Mapping, Sequence

from netsolve.deadline import Deadline
from netsolve.engines.base import Contradiction, Times, Witness
from netsolve.engines.z3 import Session, decided
from netsolve.errors import UndecidedError
from netsolve.problem import Problem

SOON, PATIENCE = 0.05, 0.3
"""Seconds for one label at first, and for those that stay open when they are asked again, each beside a witness; at the
end they have all the time that is left."""


def contradiction(
    problem: Problem, labels: Mapping[int, str], order: Sequence[str], times: Times, witness: Witness
) -> Contradiction | None:
    """What contradicts itself in a problem; None where nothing does.

    labels: of factors, by index; order: all labels, as they are tried; witness: asked where z3 takes long.
    Raises UndecidedError where z3 does not say that anything contradicts itself, or needs more memory than it may have.
    """
    of_factors = {id(problem.factors[i]): labels[i] for i in labels}

    def least(session: Session) -> Contradiction | None:
        return _least(session, order, Deadline(min(times.proof, times.whole.remaining)), witness)

    return decided(least, problem, times.whole, labels=of_factors)


def _least(session: Session, order: Sequence[str], proof: Deadline, witness: Witness) -> Contradiction | None:
    """Each label is left out in turn, and stays out where the others still contradict each other."""
    kept = session.contradicting(order)
    if kept is None:
        return None
    waiting = list(order)
    for seconds in (SOON, PATIENCE, proof.remaining):
        doubtful: list[str] = []
        for label in waiting:
            if label not in kept:
                continue
            if proof.passed:
                doubtful.append(label)
                continue
            others = tuple(other for other in kept if other != label)
            session.deadline = Deadline(min(seconds, proof.remaining))
            try:
                fewer = session.contradicting(others)
            except UndecidedError:
                if not (seconds == PATIENCE and witness(label, others, proof)):
                    doubtful.append(label)
                continue
            kept = kept if fewer is None else fewer
        waiting = doubtful
    return Contradiction(kept, minimal=not set(waiting) & set(kept))
