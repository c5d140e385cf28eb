"""Which values a formula can take, found by computing it for all values of its operands while they are few."""

from itertools import product as combinations
from itertools import repeat
from math import prod
from operator import itemgetter
from typing import Any

from netsolve.domain import Domain
from netsolve.ops.base import Formula
from netsolve.problem import ANYTHING, HUGE

BUDGET = 200_000
"""How many values of formulas one problem may cost; past it a size is unbounded."""

MOST = 4096
"""How many values one formula may cost."""

Place = int | tuple[int]
"""Where an operand's values stand among domains; or its one value, in a tuple."""


class Images:
    """The images of formulas that were asked for, each computed once; no more of them than the budget allows."""

    def __init__(self) -> None:
        """None so far."""
        self._found: dict[Any, Domain] = {}
        self._budget = BUDGET

    def image(self, formula: Formula, places: tuple[Place, ...], domains: tuple[Domain, ...]) -> Domain:
        """The values of a formula; any number where they are too many to compute."""
        key = (formula, places, domains)
        if key not in self._found:
            counts = [domain.count for domain in domains]
            if None in counts or (work := prod(c for c in counts if c is not None)) > min(MOST, self._budget):
                return ANYTHING
            self._budget -= work
            self._found[key] = _image(formula, places, domains)
        return self._found[key]


def _image(formula: Formula, places: tuple[Place, ...], domains: tuple[Domain, ...]) -> Domain:
    rows = list(combinations(*domains))
    columns = [map(itemgetter(i), rows) if isinstance(i, int) else repeat(i[0], len(rows)) for i in places]
    return Domain.of(size for size in set(map(formula.function, *columns)) if abs(size) <= HUGE)
