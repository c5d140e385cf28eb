"""The most plausible assignment without a search: every layer at its likeliest value, where that fits.

Nothing can be more plausible than the likeliest explanation with the likeliest value of every layer. Where these values
fit, and what they lose to floors costs less than any other explanation or any departure would, they are the best there
is, and no elimination is needed to know it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from netsolve.engines.likelihood import CLOSE, Likelihood
from netsolve.engines.ranking import INFINITE
from netsolve.habits import STYLES
from netsolve.problem import Variable


@dataclass(frozen=True, slots=True)
class Ideal:
    """The likeliest explanation under a style. least: its cost; step: how much more the second costs at least."""

    least: float
    step: float
    values: tuple[int, ...]


def likeliest(likelihood: Likelihood) -> tuple[float, dict[Variable, int]] | None:
    """The most plausible assignment and its cost; None where it takes a search to find it."""
    choices, problem = likelihood.choices, likelihood.problem
    settled = {factor.output for factor in problem.factors} | {choice.variable for choice in choices.all}
    if choices.flat or not problem.domains.keys() <= settled:
        return None
    ideals = [ideal(likelihood, style) for style in range(len(STYLES))]
    style = min(range(len(STYLES)), key=lambda index: ideals[index].least)
    best = ideals[style]
    others = min((each.least for each in ideals if each is not best), default=INFINITE)
    values, departure = cheapest(likelihood, style, best.values)
    full = problem.fitting(values)
    if full is None:
        return None
    total = best.least + beyond(likelihood, style, full)
    return (total, full) if total <= min(others, best.least + best.step, best.least + departure) + CLOSE else None


def ideal(likelihood: Likelihood, style: int) -> Ideal:
    """The likeliest values of all groups under a style, whatever fits."""
    least, step = likelihood.style(style) + sum(min(rows[style]) for rows in likelihood.losses.values()), INFINITE
    values = []
    for prior, kinds in zip(likelihood.priors[style], likelihood.kinds, strict=True):
        if len(kinds) == 1:  # then a layer that keeps to its group costs the same whatever the group's value
            (count,) = kinds.values()
            value, second = prior.likeliest, prior.step
            least += prior.costs[value] + count * prior.keeping
        else:
            (bound, value), *others = sorted(
                (own + sum(n * likelihood.least(prior, value, reach) for reach, n in kinds.items()), value)
                for value, own in prior.costs.items()
            )
            second = others[0][0] - bound if others else INFINITE
            least += bound
        values.append(value)
        step = min(step, second)
    return Ideal(least, step, tuple(values))


def cheapest(likelihood: Likelihood, style: int, values: tuple[int, ...]) -> tuple[dict[Variable, int], float]:
    """The likeliest value of every layer, given those of the groups, and what the least departure from them adds."""
    found: dict[Variable, int] = {}
    departure = INFINITE
    for index, (prior, value) in enumerate(zip(likelihood.priors[style], values, strict=True)):
        likely: dict[tuple[int, ...], int] = {}
        for reach in likelihood.kinds[index]:
            first, *others = sorted(zip(likelihood.row(prior, value, reach), reach, strict=True))
            likely[reach] = first[1]
            departure = min(departure, others[0][0] - first[0] if others else INFINITE)
        for choice in likelihood.choices.members[index]:
            found[choice.variable] = likely[choice.values]
    return found, departure


def beyond(likelihood: Likelihood, style: int, assignment: Mapping[Variable, int]) -> float:
    """What lost cells and ties add to the least cost."""
    lost = sum(rows[style][assignment[v]] - min(rows[style]) for v, rows in likelihood.losses.items())
    stems = (members for members in likelihood.choices.members if members[0].key.stem)
    placed = ((choice, place) for members in stems for place, choice in enumerate(members))
    return lost + sum(likelihood.tie(choice, place, assignment[choice.variable]) for choice, place in placed)
