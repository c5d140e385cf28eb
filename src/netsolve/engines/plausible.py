"""Assignments by plausibility: the best explanation first, exactly.

An explanation is a style and a value for every group of layers. Given one, layers are independent but for the sizes
that must fit, so an elimination finds the best assignment, all of them in order, or their total weight. Explanations
come best first by what they could give at most; the search stops when no explanation left can matter.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, log
from typing import Any

from netsolve.deadline import Deadline
from netsolve.engines.elimination import Ranked, Tables, tables_of
from netsolve.engines.explored import Explored
from netsolve.engines.search import Search
from netsolve.habits import MOST_LISTED, STYLES, Choices, Habits, choices_of, cost, with_losses
from netsolve.problem import Problem, Variable

MASS_LEFT = 0.01
"""The share of probability that may stay unexplored for probabilities to be given."""

MOST_PASSES = 3_000_000
"""How many rows sums over explanations may go over."""

NEARLY_ALL = 0.999
"""The part of the explored probability that shares are worked out from."""

TIE = 1e-5

FEW = 1000
"""Up to so many assignments, all are listed before the first is given in their order."""

CLOSE = 1e-9
LARGEST_POWER = 700.0
"""Of e, that a float still holds."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A style and a value for each group; bound: no assignment explained so costs less.

    A group of one layer has None: the layer's values then cost what the group's best value for them does.
    """

    bound: float
    style: int
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of layers under a style.

    prior: the probability of each value; layers: how many it has; values: what explanations give it, the least bound
    first; best: those of them that can be the best explanation; bound: the least cost of each with its layers; mass:
    the logarithm of the weight of each with its layers, whatever fits.
    """

    prior: Mapping[int, float]
    layers: int
    values: tuple[int | None, ...]
    best: tuple[int | None, ...]
    bound: Mapping[int | None, float]
    mass: Mapping[int | None, float]


@dataclass
class Plausibility:
    """The assignments of a problem under the habits of authors."""

    tables: Tables
    choices: Choices
    habits: Habits
    losses: Mapping[Variable, tuple[tuple[float, ...], ...]]
    deadline: Deadline
    groups: list[list[Group]] = field(default_factory=list)
    style_costs: list[float] = field(default_factory=list)
    flat: dict[Variable, list[float]] = field(default_factory=dict)
    kept: dict[Any, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Work out what each group's values cost under each style."""
        for variable in self.choices.flat:
            self.flat[variable] = flat_costs(self.tables.problem, variable, self.tables.values(variable))
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
        prior = self.habits.weights(self.choices.groups[index], values, style)
        kinds = Counter(tuple(self.tables.values(choice.variable)) for choice in members)
        open_ = values if len(members) > 1 else [None]
        bound: dict[int | None, float] = {}
        mass: dict[int | None, float] = {}
        for value in open_:
            own = 0.0 if value is None else cost(prior[value])
            bound[value] = own + sum(n * min(self.row(prior, value, reach)) for reach, n in kinds.items())
            rows = [(self.row(prior, value, reach, summed=True), n) for reach, n in kinds.items()]
            mass[value] = sum(n * log(sum(exp(-c) for c in row)) for row, n in rows) - own
        ordered = tuple(sorted(open_, key=bound.__getitem__))
        best: list[int | None] = []
        for value in ordered:
            if not any(self.dominates(prior, other, value, kinds) for other in best):
                best.append(value)
        return Group(prior, len(members), ordered, tuple(best), bound, mass)

    def dominates(
        self, prior: Mapping[int, float], one: int | None, other: int | None, kinds: Mapping[tuple[int, ...], int]
    ) -> bool:
        """Whether one value of a group explains whatever its layers do at least as well as another does."""
        if one is None or other is None:
            return False
        gain = cost(prior[other]) - cost(prior[one])
        for reach, count in kinds.items():
            rows = zip(self.row(prior, other, reach), self.row(prior, one, reach), strict=True)
            gain += count * min(a - b for a, b in rows)
        return gain >= 0

    def row(
        self,
        prior: Mapping[int, float],
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
        key = (id(prior), value, reach, layers, summed)
        if key not in self.kept:
            if value is not None:
                row = [cost(self.chance(v, value, prior)) for v in reach]
            elif summed:
                row = [cost(sum(p * self.chance(v, g, prior) for g, p in prior.items())) for v in reach]
            else:
                shares = [(g, cost(p) / layers) for g, p in prior.items()]
                row = [min(share + cost(self.chance(v, g, prior)) for g, share in shares) for v in reach]
            self.kept[key] = row
        return self.kept[key]

    def chance(self, value: int, of_group: int, weights: Mapping[int, float]) -> float:
        """How probable a layer's value is, given its group's: the same, or another."""
        if len(weights) == 1:
            return 1.0
        if value == of_group:
            return 1 - self.habits.deviation
        return self.habits.deviation * self.habits.departing(value, of_group, weights)

    def costs(self, explanation: Explanation, *, summed: bool = False) -> dict[Variable, Sequence[float]]:
        """What each value of each variable costs under an explanation, by the variables that stand for themselves."""
        return self.costs_of(explanation.style, explanation.values, summed=summed)

    def costs_of(
        self, style: int, values: Sequence[int | None], *, summed: bool = False
    ) -> dict[Variable, Sequence[float]]:
        """The same; a group without a value has its layers pay their share of the best one for each."""
        found: dict[Variable, Sequence[float]] = {}
        for group, value, members in zip(self.groups[style], values, self.choices.members, strict=True):
            rows: dict[tuple[int, ...], list[float]] = {}
            for choice in members:
                reach = self.reach[choice.variable]
                if reach not in rows:
                    rows[reach] = self.row(group.prior, value, reach, layers=group.layers, summed=summed)
                self.tables.add(found, choice.variable, rows[reach])
        self.add_rest(found, style)
        return found

    @cached_property
    def reach(self) -> dict[Variable, tuple[int, ...]]:
        """What each chosen variable can still be."""
        return {choice.variable: tuple(self.tables.values(choice.variable)) for choice in self.choices.all}

    def add_rest(self, costs: dict[Variable, Sequence[float]], style: int) -> None:
        """Add what values cost that no group explains."""
        for variable, row in (*self.flat.items(), *self.ties.items()):
            self.tables.add(costs, variable, row)
        for variable in self.losses:
            self.tables.add(costs, variable, self.loss_row(variable, style))

    def prior_of_style(self, style: int) -> float:
        """The cost of a style by itself."""
        return cost(self.habits.styles[STYLES[style]])

    def prior(self, explanation: Explanation) -> float:
        """The cost of an explanation by itself."""
        groups = zip(self.groups[explanation.style], explanation.values, strict=True)
        return self.prior_of_style(explanation.style) + sum(cost(g.prior[v]) for g, v in groups if v is not None)

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
            prior, value = self.groups[explanation.style][index].prior, explanation.values[index]
            for choice in members:
                reach = self.reach[choice.variable]
                row = self.row(prior, value, reach)
                values[choice.variable] = reach[row.index(min(row))]
        full = self.tables.problem.complete(values)
        if self.tables.problem.broken(full) is not None:
            return None
        rows = [(costs[explanation.style], full[variable]) for variable, costs in self.losses.items()]
        possible = [min(self.loss_row(variable, explanation.style)) for variable in self.losses]
        lost = sum(row[v] for row, v in rows) - sum(possible)
        return explanation.bound + lost + self.tied(full), full

    @cached_property
    def ties(self) -> dict[Variable, list[float]]:
        """Next to nothing for a layer before the first branch that goes without padding, the more the later it stands.

        Of two such layers that could depart from their group alike it is the earlier one that does.
        """
        return {
            choice.variable: [0.0 if v else TIE * place for v in self.reach[choice.variable]]
            for members in self.choices.members
            for place, choice in enumerate(members)
            if place and choice.key.stem
        }

    def tied(self, assignment: Mapping[Variable, int]) -> float:
        """What the ties add to an assignment's cost."""
        return sum(row[self.reach[v].index(assignment[v])] for v, row in self.ties.items())

    @cached_property
    def free(self) -> list[Variable]:
        """The variables that no formula defines."""
        defined = {factor.output for factor in self.tables.problem.factors}
        return [v for v in self.tables.problem.domains if v not in defined]

    @cached_property
    def first(self) -> tuple[float, dict[Variable, int]]:
        """The most plausible assignment and its cost. Raises UndecidedError where the time is over before that."""
        likeliest = next(self.explanations())
        fitting = self.cheapest(likeliest)
        if fitting is not None and fitting[0] <= likeliest.bound + CLOSE:
            return fitting
        _, explanation = next(self.search.explanations(self.deadline))
        least, assignment = next(self.tables.ranked(self.costs(explanation)))
        return self.prior(explanation) + least, assignment

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
        yield self.first
        seen = {self.key(self.first[1])}
        count = self.tables.count()
        for total, assignment in self.merged() if count > FEW else self.sorted():
            key = self.key(assignment)
            if key not in seen:
                seen.add(key)
                yield total, assignment
                if len(seen) == count:
                    return

    def sorted(self) -> Ranked:
        """All assignments where there are few: the least plausible of them have too many explanations to search."""
        found = [assignment for _, assignment in self.tables.ranked({})]
        yield from sorted(((self.least_cost(row), row) for row in found), key=lambda pair: pair[0])

    def merged(self) -> Ranked:
        """The assignments under every explanation in one order; those that several explain come several times.

        Only the explanations that are reached are held: one whose second assignment costs too much is opened for the
        first alone, and again when its turn comes.
        """
        waiting = self.search.explanations(Deadline())
        upcoming = next(waiting, None)
        open_: list[tuple[float, int, Any]] = []
        for count in itertools.count():
            if upcoming is None and not open_:
                return
            if upcoming is not None and (not open_ or upcoming[0] <= open_[0][0]):
                explanation = upcoming[1]
                least, chosen, regret = self.tables.circuit.best_of(self.costs(explanation))
                total = self.prior(explanation) + least
                yield total, self.tables.assignment(chosen)
                if regret < float("inf"):
                    heapq.heappush(open_, (total + regret, count, explanation))
                upcoming = next(waiting, None)
                continue
            total, _, entry = heapq.heappop(open_)
            if isinstance(entry, Explanation):
                base, stream = self.prior(entry), self.tables.ranked(self.costs(entry))
                next(stream)
            else:
                assignment, base, stream = entry
                yield total, assignment
            if (following := next(stream, None)) is not None:
                heapq.heappush(open_, (base + following[0], count, (following[1], base, stream)))

    def key(self, assignment: Mapping[Variable, int]) -> tuple[int, ...]:
        """The values of the question marks."""
        return tuple(assignment[v] for v in self.asked)

    @cached_property
    def asked(self) -> tuple[Variable, ...]:
        """The variables of the question marks."""
        return self.tables.problem.asked

    def weight(self, assignment: Mapping[Variable, int]) -> float:
        """The sum over all explanations of the weight of an assignment; the best explanation of all weighs one."""
        return sum(self.weight_under(style, assignment) for style in range(len(STYLES)))

    def weight_under(self, style: int, assignment: Mapping[Variable, int]) -> float:
        """The same for one style."""
        sums = (-total_of(-c for c in costs) for costs in self.evidence(style, assignment))
        return exp(self.first[0] - self.alone(style, assignment) - sum(sums))

    def least_cost(self, assignment: Mapping[Variable, int]) -> float:
        """The cost of an assignment under its best explanation."""
        return min(
            self.alone(style, assignment) + sum(min(costs) for costs in self.evidence(style, assignment))
            for style in range(len(STYLES))
        )

    def alone(self, style: int, assignment: Mapping[Variable, int]) -> float:
        """What a style and the values that no group explains cost."""
        losses = sum(costs[style][assignment[v]] for v, costs in self.losses.items())
        flat = sum(row[self.tables.values(v).index(assignment[v])] for v, row in self.flat.items())
        return self.prior_of_style(style) + losses + flat

    def evidence(self, style: int, assignment: Mapping[Variable, int]) -> Iterator[list[float]]:
        """For each group what its layers' values cost under each value of the group."""
        for group, members in zip(self.groups[style], self.choices.members, strict=True):
            found = Counter(assignment[choice.variable] for choice in members)
            values = tuple(found)
            rows = ((p, self.row(group.prior, g, values)) for g, p in group.prior.items())
            yield [cost(p) + sum(n * c for n, c in zip(found.values(), row, strict=True)) for p, row in rows]

    @cached_property
    def explored(self) -> Explored:
        """The explanations that carry the probability, as far as the work limit goes."""
        left = sum(
            exp(min(self.first[0] - start + sum(total_of(group.mass.values()) for group in groups), LARGEST_POWER))
            for start, groups in zip(self.style_costs, self.groups, strict=True)
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
            mass = prior * circuit.total(circuit.sums(weights, 1.0, 0.0), 1.0)
            found.append((mass, prior, weights))
            total += mass
            groups = zip(self.groups[explanation.style], explanation.values, strict=True)
            power = self.first[0] - self.style_costs[explanation.style] + sum(group.mass[v] for group, v in groups)
            left -= exp(min(power, LARGEST_POWER))
        found.sort(key=lambda row: -row[0])
        kept, reached = [], 0.0
        for mass, prior, weights in found:
            if reached < NEARLY_ALL * total:
                kept.append((prior, weights))
            reached += mass
        return Explored(self.tables, kept, total, complete=left <= MASS_LEFT * total)


def total_of(powers: Iterable[float]) -> float:
    """The logarithm of a sum, from the logarithms of its terms."""
    found = list(powers)
    most = max(found)
    return most + log(sum(exp(power - most) for power in found))


def flat_costs(problem: Problem, variable: Variable, values: Sequence[int]) -> list[float]:
    """What values cost that habits know nothing of: the n-th that is liked costs log n.

    Liked first is what torch has by default, then what is smaller, and of kernels the odd ones.
    """
    domain = problem.domains[variable]
    every = list(domain) if domain.count is not None and domain.count <= MOST_LISTED else values
    own = [c for c in problem.costs if {v for v in c.operands if isinstance(v, Variable)} == {variable}]

    def dislike(value: int) -> tuple[int, int, int]:
        given = ((value if isinstance(v, Variable) else v for v in c.operands) for c in own)
        return sum(int(c.formula(*row)) for c, row in zip(own, given, strict=True)), abs(value), value

    ranks = {value: rank for rank, value in enumerate(sorted(every, key=dislike))}
    return [log(1 + ranks[value]) for value in values]


def plausibility_of(problem: Problem, habits: Habits, deadline: Deadline) -> Plausibility | None:
    """A problem made ready for questions of plausibility; None where nothing fits.

    Raises TooLargeError where it has unbounded unknowns or more combinations than tables can hold.
    """
    choices = choices_of(problem)
    extended, losses = with_losses(problem, habits)
    tables = tables_of(extended, deadline)
    if tables is None:
        return None
    told = {v: rows for v, rows in losses.items() if tables.relations.root(v) not in tables.hidden}
    return Plausibility(tables, choices, habits, told, deadline)
