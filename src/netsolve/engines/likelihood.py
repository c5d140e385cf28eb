"""What values cost under the habits of authors, in nats, whatever fits.

A style and the values of groups explain the values of layers: a layer has its group's value, or departs from it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import exp, log
from typing import Any

from netsolve.deadline import Deadline
from netsolve.engines.prior import Prior, priors_of
from netsolve.habits import MOST_LISTED, STYLES, Choice, Choices, Habits, choices_of, cost
from netsolve.losses import Costs, with_losses
from netsolve.problem import Problem, Variable
from netsolve.windows import Numbers, with_meanings

TIE = 1e-5
LOOK = 4096
"""How many values are gone through between two looks at the time."""

CLOSE = 1e-9


@dataclass
class Likelihood:
    """The costs of values of a problem's question marks.

    problem: with a variable for each strided layer that says whether cells are lost, and one for each padding of a
    window that is to be found that says what it means; losses: what each value of those costs, by style; numbers: what
    the numbers of such windows cost.
    """

    problem: Problem
    choices: Choices
    habits: Habits
    losses: Costs
    numbers: Numbers
    rows: dict[Any, list[float]] = field(default_factory=dict)
    tables: dict[tuple[Prior, int], dict[int, float]] = field(default_factory=dict)
    matrices: dict[Prior, list[tuple[float, dict[int, float]]]] = field(default_factory=dict)

    @cached_property
    def priors(self) -> list[list[Prior]]:
        """For each style the values of each group."""
        rows = [
            priors_of(self.habits, key, self.values(kinds))
            for key, kinds in zip(self.choices.groups, self.kinds, strict=True)
        ]
        return [[row[style] for row in rows] for style in range(len(STYLES))]

    @cached_property
    def kinds(self) -> list[Counter[tuple[int, ...]]]:
        """For each group how many of its layers may have which values."""
        return [Counter([choice.values for choice in members]) for members in self.choices.members]

    @staticmethod
    def values(kinds: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
        """All values that layers may have."""
        first, *others = kinds
        return tuple(sorted({*first, *chain(*others)})) if others else first

    def style(self, index: int) -> float:
        """What a style costs by itself."""
        return cost(self.habits.styles[STYLES[index]])

    def tie(self, choice: Choice, place: int, value: int) -> float:
        """Next to nothing for a layer before the first branch that goes without padding, the more the later it stands.

        Of two such layers that could depart from their group alike it is the earlier one that does. place: which of
        its group's layers it is.
        """
        return TIE * place if choice.key.stem and not value else 0.0

    def row(
        self,
        prior: Prior,
        value: int | None,
        reach: tuple[int, ...],
        *,
        layers: int = 1,
        summed: bool = False,
    ) -> list[float]:
        """What each value of a layer costs, given its group's value.

        Where that is None: with the group's best value for it, or (summed) over all of them, at the layer's share of
        what the group's value costs.
        """
        key = (prior, value, reach, layers, summed)
        if key not in self.rows:
            if value is not None:
                given = self.given(prior, value)
                row = [given[v] for v in reach]
            else:
                departures = self.departures(prior)
                if summed:
                    row = [whole([own + given[v] for own, given in departures]) for v in reach]
                else:
                    row = [min([own / layers + given[v] for own, given in departures]) for v in reach]
            self.rows[key] = row
        return self.rows[key]

    def least(self, prior: Prior, value: int, reach: tuple[int, ...]) -> float:
        """What the likeliest value of a layer costs, given its group's value: the same one, where it may have that."""
        return prior.keeping if value in reach else min(self.row(prior, value, reach))

    def given(self, prior: Prior, value: int) -> dict[int, float]:
        """What each value of a layer costs, given its group's."""
        if (prior, value) not in self.tables:
            self.tables[prior, value] = prior.given(value)
        return self.tables[prior, value]

    def departures(self, prior: Prior) -> list[tuple[float, dict[int, float]]]:
        """For each value of a group what it costs, and what each value of a layer then does."""
        if prior not in self.matrices:
            self.matrices[prior] = [(own, self.given(prior, g)) for g, own in prior.costs.items()]
        return self.matrices[prior]


def whole(costs: Iterable[float]) -> float:
    """The cost of alternatives together."""
    return -total_of(-c for c in costs)


def total_of(powers: Iterable[float]) -> float:
    """The logarithm of a sum, from the logarithms of its terms."""
    found = list(powers)
    most = max(found)
    return most + log(sum(exp(power - most) for power in found))


def flat_costs(problem: Problem, variable: Variable, values: Sequence[int], deadline: Deadline) -> list[float]:
    """What values cost that habits know nothing of: the n-th that is liked costs log n.

    Liked first is what torch has by default, then what is smaller, and of kernels the odd ones. Raises UndecidedError
    past the deadline.
    """
    domain = problem.domains[variable]
    every = list(domain) if domain.count is not None and domain.count <= MOST_LISTED else values
    own = [c for c in problem.costs if {v for v in c.operands if isinstance(v, Variable)} == {variable}]

    def dislike(value: int) -> tuple[int, int, int]:
        given = ((value if isinstance(v, Variable) else v for v in c.operands) for c in own)
        return sum(int(c.formula(*row)) for c, row in zip(own, given, strict=True)), abs(value), value

    disliked: list[tuple[int, int, int]] = []
    for value in every:
        if len(disliked) % LOOK == 0:
            deadline.check()
        disliked.append(dislike(value))
    ranks = {value: rank for rank, (*_, value) in enumerate(sorted(disliked))}
    return [log(1 + ranks[value]) for value in values]


def likelihood_of(problem: Problem, habits: Habits) -> Likelihood:
    """The costs of values of a problem."""
    numbers = Numbers(problem, habits)
    extended, losses = with_losses(problem, habits)
    if numbers.where:
        extended, meanings = with_meanings(extended, habits)
        losses |= meanings
    return Likelihood(extended, choices_of(problem), habits, losses, numbers)
