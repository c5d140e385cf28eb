"""The most plausible assignment without a search: every layer at its likeliest value, where that fits.

Nothing can be more plausible than the likeliest explanation with the likeliest value of every layer. Where these values
fit, and what they lose to floors costs less than any other explanation or any departure would, they are the best there
is, and no elimination is needed to know it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from netsolve.engines.likelihood import CLOSE, Likelihood
from netsolve.engines.ranking import INFINITE
from netsolve.habits import STYLES, cost
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
    defined = {factor.output for factor in problem.factors}
    chosen = {choice.variable for choice in choices.all}
    if choices.flat or any(v not in defined and v not in chosen for v in problem.domains):
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
    for prior, members in zip(likelihood.priors[style], likelihood.choices.members, strict=True):
        kinds = Counter(choice.values for choice in members).items()
        bounds = sorted(
            (cost(p) + sum(n * likelihood.least(prior, value, reach) for reach, n in kinds), value)
            for value, p in prior.items()
        )
        least += bounds[0][0]
        values.append(bounds[0][1])
        if len(bounds) > 1:
            step = min(step, bounds[1][0] - bounds[0][0])
    return Ideal(least, step, tuple(values))


def cheapest(likelihood: Likelihood, style: int, values: tuple[int, ...]) -> tuple[dict[Variable, int], float]:
    """The likeliest value of every layer, given those of the groups, and what the least departure from them adds."""
    found: dict[Variable, int] = {}
    departure = INFINITE
    for prior, value, members in zip(likelihood.priors[style], values, likelihood.choices.members, strict=True):
        for choice in members:
            first, *others = sorted(zip(likelihood.row(prior, value, choice.values), choice.values, strict=True))
            found[choice.variable] = first[1]
            departure = min(departure, *(c - first[0] for c, _ in others[:1]), INFINITE)
    return found, departure


def beyond(likelihood: Likelihood, style: int, assignment: Mapping[Variable, int]) -> float:
    """What lost cells and ties add to the least cost."""
    lost = sum(rows[style][assignment[v]] - min(rows[style]) for v, rows in likelihood.losses.items())
    places = ((choice, place) for members in likelihood.choices.members for place, choice in enumerate(members))
    return lost + sum(likelihood.tie(choice, place, assignment[choice.variable]) for choice, place in places)
