"""Assignments by plausibility: the best explanation first, exactly.

An explanation is a style and a value for every group of layers. Given one, layers are independent but for the sizes
that must fit, so an elimination finds the best assignment, all of them in order, or their total weight. Explanations
come best first by what they could give at most; the search stops when no explanation left can matter.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, log
from typing import Any

from netsolve.deadline import Deadline
from netsolve.engines.elimination import Ranked, Tables, tables_of
from netsolve.engines.explored import Explored
from netsolve.engines.likeliest import likeliest
from netsolve.engines.likelihood import Likelihood, flat_costs, likelihood_of, total_of, whole
from netsolve.engines.listing import Listing
from netsolve.engines.prior import Prior
from netsolve.engines.search import Explanation, Search
from netsolve.habits import STYLES, Choices, Habits
from netsolve.problem import Problem, Variable

MASS_LEFT = 0.01
"""The share of probability that may stay unexplored for probabilities to be given."""

MOST_PASSES = 3_000_000
"""How many rows sums over explanations may go over."""

NEARLY_ALL = 0.999
"""The part of the explored probability that shares are worked out from."""

LARGEST_POWER = 700.0
"""Of e, that a float still holds."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of layers under a style.

    prior: what each value costs; layers: how many it has; kinds: how many of them have which values left;
    values: what explanations give it, the least bound first; best: those of them that can be the best explanation;
    bound: the least cost of each with its layers.
    """

    prior: Prior
    layers: int
    kinds: Mapping[tuple[int, ...], int]
    values: tuple[int | None, ...]
    best: tuple[int | None, ...]
    bound: Mapping[int | None, float]


@dataclass
class Plausibility:
    """The assignments of a problem under the habits of authors."""

    likelihood: Likelihood
    deadline: Deadline
    seen: dict[Any, tuple[float, ...]] = field(default_factory=dict)
    parts: dict[Any, dict[Variable, Sequence[float]]] = field(default_factory=dict)

    @cached_property
    def compiled(self) -> Tables | None:
        """The problem's tables; None where nothing fits. Raises TooLargeError where tables are not the way."""
        return tables_of(self.likelihood.problem, self.deadline)

    @property
    def tables(self) -> Tables:
        """The problem's tables. Raises TooLargeError where tables are not the way to decide it."""
        assert self.compiled is not None  # noqa: S101 - there is a plausibility of what fits
        return self.compiled

    @property
    def choices(self) -> Choices:
        """The question marks by groups."""
        return self.likelihood.choices

    @cached_property
    def losses(self) -> dict[Variable, tuple[tuple[float, ...], ...]]:
        """What lost cells cost, where they follow from the question marks."""
        root, hidden = self.tables.relations.root, self.tables.hidden
        return {v: rows for v, rows in self.likelihood.losses.items() if root(v) not in hidden}

    @cached_property
    def flat(self) -> dict[Variable, Sequence[float]]:
        """What values cost that habits know nothing of."""
        problem = self.likelihood.problem
        numbers, found = self.likelihood.numbers, {}
        for variable in self.choices.flat:
            values = self.tables.values(variable)
            found[variable] = numbers.costs(variable, values, flat_costs(problem, variable, values, self.deadline))
        return found

    @cached_property
    def style_costs(self) -> list[float]:
        """What each style costs, with the cells that are lost at least."""
        least = [sum(min(self.loss_row(v, style)) for v in self.losses) for style in range(len(STYLES))]
        return [self.likelihood.style(style) + lost for style, lost in enumerate(least)]

    @cached_property
    def groups(self) -> list[list[Group]]:
        """The groups under each style."""
        indices = range(len(self.choices.groups))
        return [[self.group(k, style) for k in indices] for style in range(len(STYLES))]

    def loss_row(self, variable: Variable, style: int) -> list[float]:
        """What each value of a variable that tells of lost cells costs under a style."""
        return [self.losses[variable][style][v] for v in self.tables.values(variable)]

    def group(self, index: int, style: int) -> Group:
        """One group under a style."""
        members = self.choices.members[index]
        prior = self.likelihood.priors[style][index]
        kinds = Counter(tuple(self.tables.values(choice.variable)) for choice in members)
        open_: list[int | None] = [*prior.costs] if len(members) > 1 else [None]
        bound: dict[int | None, float] = {}
        for value in open_:
            own = 0.0 if value is None else prior.costs[value]
            bound[value] = own + sum(n * min(self.likelihood.row(prior, value, reach)) for reach, n in kinds.items())
        ordered = tuple(sorted(open_, key=bound.__getitem__))
        best: list[int | None] = []
        for value in ordered:
            if not any(self.dominates(prior, other, value, kinds) for other in best):
                best.append(value)
        return Group(prior, len(members), kinds, ordered, tuple(best), bound)

    def mass(self, group: Group, value: int | None) -> float:
        """The logarithm of the weight of a value of a group with its layers, whatever fits."""
        rows = [(self.likelihood.row(group.prior, value, reach, summed=True), n) for reach, n in group.kinds.items()]
        own = 0.0 if value is None else group.prior.costs[value]
        return sum(n * log(sum(exp(-c) for c in row)) for row, n in rows) - own

    def dominates(self, prior: Prior, one: int | None, other: int | None, kinds: Mapping[tuple[int, ...], int]) -> bool:
        """Whether one value of a group explains whatever its layers do at least as well as another does."""
        if one is None or other is None:
            return False
        gain = prior.costs[other] - prior.costs[one]
        for reach, count in kinds.items():
            rows = zip(self.likelihood.row(prior, other, reach), self.likelihood.row(prior, one, reach), strict=True)
            gain += count * min(a - b for a, b in rows)
        return gain >= 0

    def costs(self, explanation: Explanation, *, summed: bool = False) -> dict[Variable, Sequence[float]]:
        """What each value of each variable costs under an explanation, by the variables that stand for themselves."""
        return self.costs_of(explanation.style, explanation.values, summed=summed)

    def costs_of(
        self, style: int, values: Sequence[int | None], *, summed: bool = False
    ) -> dict[Variable, Sequence[float]]:
        """The same; a group without a value has its layers pay their share of the best one for each."""
        found = dict(self.rest[style])
        for index, value in enumerate(values):
            part = self.part(style, index, value, summed=summed)
            if found.keys().isdisjoint(part):
                found.update(part)
            else:
                for variable, row in part.items():
                    self.tables.add(found, variable, row)
        return found

    def part(self, style: int, index: int, value: int | None, *, summed: bool) -> dict[Variable, Sequence[float]]:
        """What each value of the layers of a group costs, given the group's."""
        key = (style, index, value, summed)
        if key not in self.parts:
            group = self.groups[style][index]
            found: dict[Variable, Sequence[float]] = {}
            for choice in self.choices.members[index]:
                reach = self.reach[choice.variable]
                row = self.likelihood.row(group.prior, value, reach, layers=group.layers, summed=summed)
                self.tables.add(found, choice.variable, row)
                if choice.variable in self.ties:
                    self.tables.add(found, choice.variable, self.ties[choice.variable])
            self.parts[key] = found
        return self.parts[key]

    @cached_property
    def reach(self) -> dict[Variable, tuple[int, ...]]:
        """What each chosen variable can still be."""
        return {choice.variable: tuple(self.tables.values(choice.variable)) for choice in self.choices.all}

    @cached_property
    def rest(self) -> list[dict[Variable, Sequence[float]]]:
        """What values cost that no group explains, by style."""
        found: list[dict[Variable, Sequence[float]]] = []
        for style in range(len(STYLES)):
            costs: dict[Variable, Sequence[float]] = {}
            for variable, row in self.flat.items():
                self.tables.add(costs, variable, row)
            for variable in self.losses:
                self.tables.add(costs, variable, self.loss_row(variable, style))
            found.append(costs)
        return found

    def prior(self, explanation: Explanation) -> float:
        """The cost of an explanation by itself."""
        groups = zip(self.groups[explanation.style], explanation.values, strict=True)
        return self.likelihood.style(explanation.style) + sum(g.prior.costs[v] for g, v in groups if v is not None)

    def explanations(self) -> Iterator[Explanation]:
        """All explanations by their bounds, least first."""
        heap = [
            (start + sum(group.bound[group.values[0]] for group in groups), style, (0,) * len(groups), 0)
            for style, (start, groups) in enumerate(zip(self.style_costs, self.groups, strict=True))
        ]
        heapq.heapify(heap)
        while heap:
            bound, style, ranks, first = heapq.heappop(heap)
            groups = self.groups[style]
            yield Explanation(bound, style, tuple(g.values[r] for g, r in zip(groups, ranks, strict=True)))
            for index in range(first, len(ranks)):
                group, rank = groups[index], ranks[index]
                if rank + 1 < len(group.values):
                    step = group.bound[group.values[rank + 1]] - group.bound[group.values[rank]]
                    heapq.heappush(heap, (bound + step, style, (*ranks[:index], rank + 1, *ranks[index + 1 :]), index))

    @cached_property
    def ties(self) -> dict[Variable, list[float]]:
        """What ties add to the costs of values."""
        return {
            choice.variable: [self.likelihood.tie(choice, place, v) for v in self.reach[choice.variable]]
            for members in self.choices.members
            for place, choice in enumerate(members)
            if place and choice.key.stem
        }

    @cached_property
    def likeliest(self) -> tuple[float, dict[Variable, int]] | None:
        """The same where no search is needed to find it."""
        return likeliest(self.likelihood)

    @cached_property
    def first(self) -> tuple[float, dict[Variable, int]]:
        """The most plausible assignment and its cost. Raises UndecidedError where the time is over before that."""
        if self.likeliest is not None:
            return self.likeliest
        explanation, ranking = next(self.search.explanations(self.deadline))
        return explanation.bound, self.tables.assignment(ranking.best()[0])

    @cached_property
    def best(self) -> dict[Variable, int]:
        """The most plausible assignment. Raises UndecidedError where the time is over before it is known."""
        return self.first[1]

    @cached_property
    def search(self) -> Search:
        """The explanations by the best assignment under each."""
        return Search(self)

    def ranked(self) -> Ranked:
        """All assignments, the most plausible first, without repeats: cost in nats and values."""
        yield self.first  # before there are tables
        yield from Listing(self).others()

    def weight(self, assignment: Mapping[Variable, int]) -> float:
        """The sum over all explanations of the weight of an assignment; the best explanation of all weighs one."""
        members = enumerate(self.choices.members)
        rows = [(k, tuple([assignment[choice.variable] for choice in group])) for k, group in members]
        judged = [self.judged(k, row, whole) for k, row in rows]
        return sum(
            exp(self.first[0] - self.alone(style, assignment) - sum(found[style] for found in judged))
            for style in range(len(STYLES))
        )

    def alone(self, style: int, assignment: Mapping[Variable, int]) -> float:
        """What a style and the values that no group explains cost."""
        losses = sum(costs[style][assignment[v]] for v, costs in self.losses.items())
        flat = sum(row[self.tables.values(v).index(assignment[v])] for v, row in self.flat.items())
        return self.likelihood.style(style) + losses + flat

    def judged(
        self, index: int, values: tuple[int, ...], over: Callable[[Iterable[float]], float]
    ) -> tuple[float, ...]:
        """What values of a group's layers cost, by style; the same ones recur from assignment to assignment.

        over: what becomes of their costs under each value of the group: the least, or the cost of all together.
        """
        key = (index, values, over)
        if key not in self.seen:
            found = Counter(values).items()
            styles = [self.likelihood.departures(priors[index]) for priors in self.likelihood.priors]
            self.seen[key] = tuple(
                over(own + sum([n * row[v] for v, n in found]) for own, row in departures) for departures in styles
            )
        return self.seen[key]

    @cached_property
    def explored(self) -> Explored:
        """The explanations that carry the probability, as far as the work limit goes."""
        masses = [[{v: self.mass(group, v) for v in group.values} for group in groups] for groups in self.groups]
        flat = -sum(whole(row) for row in self.flat.values())
        left = sum(
            exp(min(self.first[0] - start + flat + sum(total_of(mass.values()) for mass in row), LARGEST_POWER))
            for start, row in zip(self.style_costs, masses, strict=True)
        )
        found: list[tuple[float, float, dict[Variable, list[float]]]] = []
        total = 0.0
        for count, explanation in enumerate(self.explanations()):
            if left <= MASS_LEFT * total or count * self.tables.rows > MOST_PASSES or self.deadline.passed:
                break
            costs = self.costs(explanation, summed=True)
            least = {v: min(row) for v, row in costs.items()}
            weights = {v: [exp(least[v] - c) for c in row] for v, row in costs.items()}
            prior = exp(self.first[0] - self.prior(explanation) - sum(least.values()))
            circuit = self.tables.circuit
            mass = prior * circuit.total(weights, circuit.sums(weights))
            found.append((mass, prior, weights))
            total += mass
            given = zip(masses[explanation.style], explanation.values, strict=True)
            power = self.first[0] - self.style_costs[explanation.style] + flat + sum(mass[v] for mass, v in given)
            left -= exp(min(power, LARGEST_POWER))
        found.sort(key=lambda row: -row[0])
        kept, reached = [], 0.0
        for mass, prior, weights in found:
            if reached < NEARLY_ALL * total:
                kept.append((prior, weights))
            reached += mass
        return Explored(self.tables, kept, total, complete=left <= MASS_LEFT * total)


def plausibility_of(problem: Problem, habits: Habits, deadline: Deadline) -> Plausibility | None:
    """A problem made ready for questions of plausibility; None where nothing fits.

    Tables are made when they are first needed: here only where the best assignment takes a search. Raises TooLargeError
    where that meets unbounded unknowns or more combinations than tables can hold.
    """
    found = Plausibility(likelihood_of(problem, habits), deadline)
    return found if found.likeliest is not None or found.compiled is not None else None
