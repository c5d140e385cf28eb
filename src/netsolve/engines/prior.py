"""What the values of a group of layers cost under a style."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from netsolve.habits import MOST_KEYS, STYLES, Habits, Key, cost

LONGEST = 64
"""How many values a group may have for its costs to be kept for the next network."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """The values of a group under a style.

    weights: the probability of each; costs: the same in nats; likeliest: the value that costs least, the smallest of
    several; step: how much more the second costs, infinite where there is one value only.
    """

    weights: Mapping[int, float]
    costs: Mapping[int, float]
    likeliest: int
    step: float


def prior_of(weights: Mapping[int, float]) -> Prior:
    """What probabilities cost."""
    costs = {value: cost(weight) for value, weight in weights.items()}
    (least, likeliest), *others = sorted((c, value) for value, c in costs.items())
    return Prior(weights, costs, likeliest, others[0][0] - least if others else float("inf"))


def priors_of(habits: Habits, key: Key, values: tuple[int, ...]) -> tuple[Prior, ...]:
    """The values of a group under each style."""
    return _kept(habits, key, values) if len(values) <= LONGEST else _made(habits, key, values)


def _made(habits: Habits, key: Key, values: tuple[int, ...]) -> tuple[Prior, ...]:
    return tuple(prior_of(habits.weights(key, values, style)) for style in STYLES)


_kept = lru_cache(maxsize=MOST_KEYS)(_made)
