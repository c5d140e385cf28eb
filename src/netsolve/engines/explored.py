"""The explanations that carry the probability, and what they say of single values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log

from netsolve.engines.elimination import Tables
from netsolve.problem import Variable


@dataclass
class Explored:
    """The explanations that carry the probability: the weight of each, and of values under it.

    total: their weight over all assignments that fit; complete: whether at most a hundredth is missing.
    """

    tables: Tables
    explanations: list[tuple[float, dict[Variable, list[float]]]]
    total: float
    complete: bool

    def probability(self, weight: float) -> float | None:
        """The probability of an assignment of this weight; None where too much is unexplored."""
        return min(1.0, weight / self.total) if self.complete and self.total > 0 else None

    def shares(self, told: Mapping[Variable, int]) -> dict[Variable, dict[int, float]]:
        """The probability of each value of each variable, given the values of some."""
        sums: dict[Variable, list[float]] = {}
        for prior, weights in self.explanations:
            given = dict(weights)
            for variable, value in told.items():
                root = self.tables.relations.root(variable)
                hit = [float(v == value) for v in self.tables.values(root)]
                given[root] = [a * b for a, b in zip(given[root], hit, strict=True)] if root in given else hit
            circuit = self.tables.circuit
            for variable, row in circuit.shares(given, circuit.sums(given)).items():
                kept = sums.setdefault(variable, [0.0] * len(row))
                sums[variable] = [a + prior * b for a, b in zip(kept, row, strict=True)]
        found = {}
        for variable, row in sums.items():
            whole = sum(row)
            values = self.tables.relations.values[variable]
            found[variable] = {v: share / whole for v, share in zip(values, row, strict=True)} if whole > 0 else {}
        return found | {v: found.get(root, {}) for v, root in self.tables.relations.stands_for.items()}


def entropy(shares: Iterable[float]) -> float:
    """The expected information of a value in nats."""
    return -sum(p * log(p) for p in shares if p > 0)
