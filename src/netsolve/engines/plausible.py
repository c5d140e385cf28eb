"""Assignments by plausibility: the best explanation first, exactly.

An explanation is a style and a value for every group of layers. Given one, layers are independent but for the sizes
that must fit, so an elimination finds the best assignment, all of them in order, or their total weight. Explanations
come best first by what they could give at most; the search stops when no explanation left can matter.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, log, prod
from typing import Any

from netsolve.deadline import Deadline
from netsolve.engines.elimination import Ranked, Tables, tables_of
from netsolve.habits import STYLES, Choices, Habits, choices_of, cost, with_losses
from netsolve.problem import Problem, Variable

MASS_LEFT = 0.01
"""The share of probability that may stay unexplored for probabilities to be given."""

MOST_PASSES = 3_000_000
"""How many rows sums over explanations may go over."""

CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Explanation:
    """A style and a value for each group; bound: no assignment explained so costs less."""

    bound: float
    style: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of layers under a style.

    values: what it may take, the least bound first; prior: the probability of each; bound: the least cost of each with
    its layers; mass: the weight of each with its layers, whatever fits.
    """

    values: tuple[int, ...]
    prior: Mapping[int, float]
    bound: Mapping[int, float]
    mass: Mapping[int, float]


@dataclass
class Plausibility:
    """The assignments of a problem under the habits of authors."""

    tables: Tables
    choices: Choices
    habits: Habits
    losses: Mapping[Variable, tuple[tuple[float, ...], ...]]
    groups: list[list[Group]] = field(default_factory=list)
    style_costs: list[float] = field(default_factory=list)
    flat: dict[Variable, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Work out what each group's values cost under each style."""
        for variable in self.choices.flat:
            ranks = [1 / (1 + rank) for rank in range(len(self.tables.values(variable)))]
            self.flat[variable] = [cost(rank / sum(ranks)) for rank in ranks]
        for index, style in enumerate(STYLES):
            least = sum(min(self.loss_row(variable, index)) for variable in self.losses)
            self.style_costs.append(cost(self.habits.styles[style]) + least)
            self.groups.append([self.group(k, style) for k in range(len(self.choices.groups))])

    def loss_row(self, variable: Variable, style: int) -> list[float]:
        """What each value of a variable that tells of lost cells costs under a style."""
        return [self.losses[variable][style][v] for v in self.tables.values(variable)]

    def group(self, index: int, style: str) -> Group:
        """One group under a style."""
        members = self.choices.members[index]
        values = sorted({v for choice in members for v in choice.values})
        weights = self.habits.weights(self.choices.groups[index], values, style)
        kinds = Counter(tuple(self.tables.values(choice.variable)) for choice in members)
        bound: dict[int, float] = {}
        mass: dict[int, float] = {}
        for value in values:
            chances = [([self.chance(v, value, weights) for v in reach], count) for reach, count in kinds.items()]
            bound[value] = cost(weights[value]) + sum(count * cost(max(row)) for row, count in chances)
            mass[value] = exp(log(weights[value]) + sum(count * log(sum(row)) for row, count in chances))
        return Group(tuple(sorted(values, key=bound.__getitem__)), weights, bound, mass)

    def chance(self, value: int, of_group: int, weights: Mapping[int, float]) -> float:
        """How probable a layer's value is, given its group's: the same, or one of its own habit's others."""
        if value == of_group:
            return 1 - self.habits.deviation
        return self.habits.deviation * weights[value] / (1 - weights[of_group])

    def costs(self, explanation: Explanation) -> dict[Variable, Sequence[float]]:
        """What each value of each variable costs under an explanation, by the variables that stand for themselves."""
        found: dict[Variable, Sequence[float]] = {}
        kept: dict[tuple[int, tuple[int, ...]], list[float]] = {}
        for index, members in enumerate(self.choices.members):
            weights, value = self.groups[explanation.style][index].prior, explanation.values[index]
            for choice in members:
                reach = tuple(self.tables.values(choice.variable))
                if (index, reach) not in kept:
                    kept[index, reach] = [cost(self.chance(v, value, weights)) for v in reach]
                self.tables.add(found, choice.variable, kept[index, reach])
        for variable, row in self.flat.items():
            self.tables.add(found, variable, row)
        for variable in self.losses:
            self.tables.add(found, variable, self.loss_row(variable, explanation.style))
        return found

    def prior(self, explanation: Explanation) -> float:
        """The cost of an explanation by itself."""
        groups = zip(self.groups[explanation.style], explanation.values, strict=True)
        return cost(self.habits.styles[STYLES[explanation.style]]) + sum(cost(g.prior[v]) for g, v in groups)

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

    def cheapest(self, explanation: Explanation) -> tuple[float, dict[Variable, int]] | None:
        """Every choice at its cheapest under an explanation, if that fits, with its cost."""
        if self.choices.flat:
            return None
        values = {v: self.tables.values(v)[0] for v in self.free}
        for index, members in enumerate(self.choices.members):
            weights, value = self.groups[explanation.style][index].prior, explanation.values[index]
            for choice in members:
                reach = self.tables.values(choice.variable)
                best = value if value in reach else max(reach, key=lambda v: self.chance(v, value, weights))
                values[choice.variable] = best
        full = self.tables.problem.complete(values)
        if self.tables.problem.broken(full) is not None:
            return None
        rows = [(costs[explanation.style], full[variable]) for variable, costs in self.losses.items()]
        possible = [min(self.loss_row(variable, explanation.style)) for variable in self.losses]
        return explanation.bound + sum(row[v] for row, v in rows) - sum(possible), full

    @cached_property
    def free(self) -> list[Variable]:
        """The variables that no formula defines."""
        defined = {factor.output for factor in self.tables.problem.factors}
        return [v for v in self.tables.problem.domains if v not in defined]

    def best(self) -> tuple[float, dict[Variable, int]]:
        """The most plausible assignment and its cost in nats."""
        found: tuple[float, dict[Variable, int]] | None = None
        for explanation in self.explanations():
            if found is not None and explanation.bound >= found[0] - CLOSE:
                break
            fitting = self.cheapest(explanation)
            if fitting is None or fitting[0] > explanation.bound + CLOSE:
                least = next(self.tables.ranked(self.costs(explanation)), None)
                fitting = None if least is None else (self.prior(explanation) + least[0], least[1])
            if fitting is not None and (found is None or fitting[0] < found[0]):
                found = fitting
        assert found is not None  # noqa: S101 - there are assignments, and each has an explanation
        return found

    def ranked(self) -> Ranked:
        """All assignments, the most plausible first, without repeats: cost in nats and values."""
        waiting = self.explanations()
        upcoming = next(waiting, None)
        streams: list[tuple[float, int, dict[Variable, int], Ranked, float]] = []
        seen: set[tuple[int, ...]] = set()
        count = 0
        while True:
            while upcoming is not None and (not streams or upcoming.bound <= streams[0][0]):
                count += 1
                _advance(streams, self.tables.ranked(self.costs(upcoming)), self.prior(upcoming), count)
                upcoming = next(waiting, None)
            if not streams:
                return
            total, _, assignment, stream, base = heapq.heappop(streams)
            count += 1
            _advance(streams, stream, base, count)
            key = tuple(assignment[v] for v in self.asked)
            if key not in seen:
                seen.add(key)
                yield total, assignment

    @cached_property
    def asked(self) -> list[Variable]:
        """The variables of the question marks."""
        return [v for q in self.tables.problem.questions for v in q.entries if isinstance(v, Variable)]

    def weight(self, assignment: Mapping[Variable, int]) -> float:
        """The sum over all explanations of the weight of an assignment."""
        return sum(self.weight_under(style, assignment) for style in range(len(STYLES)))

    def weight_under(self, style: int, assignment: Mapping[Variable, int]) -> float:
        """The same for one style."""
        total = cost(self.habits.styles[STYLES[style]])
        total += sum(costs[style][assignment[v]] for v, costs in self.losses.items())
        total += sum(row[self.tables.values(v).index(assignment[v])] for v, row in self.flat.items())
        for group, members in zip(self.groups[style], self.choices.members, strict=True):
            values = Counter(assignment[choice.variable] for choice in members)
            total += cost(
                sum(
                    prior * exp(sum(n * log(self.chance(v, g, group.prior)) for v, n in values.items()))
                    for g, prior in group.prior.items()
                )
            )
        return exp(-total)

    @cached_property
    def explored(self) -> "Explored":
        """The explanations that carry the probability, as far as the work limit goes."""
        left = sum(
            exp(-start) * prod(sum(group.mass.values()) for group in groups)
            for start, groups in zip(self.style_costs, self.groups, strict=True)
        )
        found: list[tuple[float, dict[Variable, list[float]]]] = []
        total = 0.0
        for count, explanation in enumerate(self.explanations()):
            if left <= MASS_LEFT * total or count * self.tables.rows > MOST_PASSES:
                break
            weights = {v: [exp(-c) for c in row] for v, row in self.costs(explanation).items()}
            prior = exp(-self.prior(explanation))
            circuit = self.tables.circuit
            mass = prior * circuit.total(circuit.sums(weights, 1.0, 0.0), 1.0)
            found.append((prior, weights))
            total += mass
            groups = zip(self.groups[explanation.style], explanation.values, strict=True)
            left -= exp(-self.style_costs[explanation.style]) * prod(group.mass[v] for group, v in groups)
        return Explored(self.tables, found, total, complete=left <= MASS_LEFT * total)


@dataclass
class Explored:
    """The explanations that carry the probability: the weight of each, and of values under it.

    total: their weight over all assignments that fit; complete: whether at most a hundredth is missing.
    """

    tables: Tables
    explanations: list[tuple[float, dict[Variable, list[float]]]]
    total: float
    complete: bool

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
            messages = circuit.sums(given, 1.0, 0.0)
            for variable, row in circuit.shares(given, messages, 1.0, 0.0).items():
                kept = sums.setdefault(variable, [0.0] * len(row))
                sums[variable] = [a + prior * b for a, b in zip(kept, row, strict=True)]
        found = {}
        for variable, row in sums.items():
            whole = sum(row)
            values = self.tables.relations.values[variable]
            found[variable] = {v: share / whole for v, share in zip(values, row, strict=False)} if whole > 0 else {}
        return found | {v: found[root] for v, root in self.tables.relations.stands_for.items()}


def _advance(streams: list[Any], stream: Ranked, base: float, count: int) -> None:
    """Put the next assignment of a stream in line."""
    following = next(stream, None)
    if following is not None:
        heapq.heappush(streams, (base + following[0], count, following[1], stream, base))


def entropy(shares: Iterable[float]) -> float:
    """The expected information of a value in nats."""
    return -sum(p * log(p) for p in shares if p > 0)


def plausibility_of(problem: Problem, habits: Habits, deadline: Deadline) -> Plausibility | None:
    """A problem made ready for questions of plausibility; None where nothing fits.

    Raises TooLargeError where it has unbounded unknowns or more combinations than tables can hold.
    """
    choices = choices_of(problem)
    extended, losses = with_losses(problem, habits)
    tables = tables_of(extended, deadline)
    return None if tables is None else Plausibility(tables, choices, habits, losses)
