"""What the values of a group of layers cost under a style."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from netsolve.habits import MOST_KEYS, STYLES, Habits, Key, cost

LONGEST = 64
"""How many values a group may have for its costs to be kept for the next network."""

DEPARTS_BARE = 0.9
"""Of the layers that depart from a group that pads, the share that has no padding at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """The values of a group under a style.

    weights: the probability of each; costs: the same in nats; deviation: the probability that a layer departs from its
    group; likeliest: the value that costs least, the smallest of several; step: how much more the second costs,
    infinite where there is one value only.
    """

    weights: Mapping[int, float]
    costs: Mapping[int, float]
    deviation: float
    likeliest: int
    step: float

    @property
    def keeping(self) -> float:
        """What it costs a layer to have its group's value."""
        return cost(1 - self.deviation) if len(self.weights) > 1 else 0.0

    def given(self, value: int) -> dict[int, float]:
        """What each value of a layer costs, given its group's: the same, mostly none, else by the group's own habit."""
        if len(self.weights) == 1:
            return {value: 0.0}
        bare = DEPARTS_BARE if value != 0 and 0 in self.weights else 0.0
        share = self.deviation * (1 - bare) / (1 - self.weights[value])
        extra = cost(share)
        found = {other: own + extra for other, own in self.costs.items()}
        if bare:
            found[0] = cost(share * self.weights[0] + self.deviation * bare)
        found[value] = self.keeping
        return found


def prior_of(weights: Mapping[int, float], deviation: float) -> Prior:
    """What probabilities cost."""
    costs = {value: cost(weight) for value, weight in weights.items()}
    (least, likeliest), *others = sorted((c, value) for value, c in costs.items())
    return Prior(weights, costs, deviation, likeliest, others[0][0] - least if others else float("inf"))


def priors_of(habits: Habits, key: Key, values: tuple[int, ...]) -> tuple[Prior, ...]:
    """The values of a group under each style."""
    return _kept(habits, key, values) if len(values) <= LONGEST else _made(habits, key, values)


def _made(habits: Habits, key: Key, values: tuple[int, ...]) -> tuple[Prior, ...]:
    return tuple(prior_of(habits.weights(key, values, style), habits.deviation) for style in STYLES)


_kept = lru_cache(maxsize=MOST_KEYS)(_made)
