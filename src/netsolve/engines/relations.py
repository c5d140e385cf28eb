"""A problem as finite relations: sizes that are equal made one, every variable's reachable values, and rows of values.

A network's sizes are few: from a known input a layer can only end at a handful. Going through the layers forwards and
backwards leaves, for every factor, the short list of value combinations that can still be part of a solution.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import isqrt
from typing import Any

from netsolve.deadline import Deadline
from netsolve.domain import LARGEST, Domain
from netsolve.errors import UndecidedError
from netsolve.problem import EQUAL, Factor, Operand, Problem, Variable, product_of

MOST_WORK = 3_000_000
"""How many combinations may be looked at before the problem is left to z3."""

MOST_VALUES = 100_000
"""How many values a variable may have before the problem is left to z3."""

OVERTIME = "the time limit is reached"

Row = tuple[int, ...]


class TooLargeError(UndecidedError):
    """The problem has unbounded unknowns or too many combinations for tables."""


@dataclass(slots=True)
class Relation:
    """Values that go together: one row for each combination of the variables in `scope`."""

    scope: tuple[Variable, ...]
    rows: list[Row]

    def project(self, position: int) -> set[int]:
        """The values of one variable."""
        return {row[position] for row in self.rows}


@dataclass
class Relations:
    """A problem after propagation.

    values: for each variable that stands for itself, what it can still be, ascending; stands_for: what each merged
    variable became; relations: what ties variables that have several values. `feasible` is false where some variable
    has no value left.
    """

    values: dict[Variable, list[int]]
    stands_for: dict[Variable, Variable]
    relations: list[Relation]
    feasible: bool = True

    def root(self, variable: Variable) -> Variable:
        """The variable that stands for a variable."""
        return self.stands_for.get(variable, variable)


def relations_of(problem: Problem, deadline: Deadline) -> Relations:
    """Propagate a problem into relations. Raises TooLargeError where tables are not the way to decide it."""
    return _Propagation(problem, deadline).run()


@dataclass
class _Propagation:
    problem: Problem
    deadline: Deadline
    roots: dict[Variable, Variable] = field(default_factory=dict)
    domains: dict[Variable, Domain] = field(default_factory=dict)
    values: dict[Variable, set[int]] = field(default_factory=dict)
    work: int = MOST_WORK

    def run(self) -> Relations:
        """Merge, bound, enumerate forwards, and prune until nothing changes."""
        self.merge()
        if any(not domain.ranges for domain in self.domains.values()) or self.problem.violations:
            return self.infeasible()
        factors = self.distinct()
        self.bound(factors)
        relations: list[Relation] = []
        for definitions, rules in self.bundles(factors):
            relation = self.enumerate(definitions, rules)
            if not relation.rows:
                return self.infeasible()
            self.shrink(relation)
            relations.append(relation)
        asked = {self.root(v) for v in self.problem.asked}
        for variable in self.domains:
            if self.root(variable) is variable:
                if variable not in self.values and variable not in asked:
                    self.values[variable] = {self.domains[variable].low}
                self.finite(variable)
        return self.prune(relations)

    def distinct(self) -> list[Factor]:
        """The factors, but for equalities, which are met by now, and rules that say again what another says."""
        found: dict[Any, Factor] = {}
        for factor in self.problem.factors:
            if factor.formula is EQUAL:
                continue
            operands = tuple(self.root(v) if isinstance(v, Variable) else v for v in factor.operands)
            found.setdefault((factor.formula, operands, factor.output), factor)
        return list(found.values())

    def infeasible(self) -> Relations:
        """Nothing fits."""
        return Relations({}, {}, [], feasible=False)

    def root(self, variable: Variable) -> Variable:
        """The variable that stands for a class of equal ones."""
        while variable in self.roots:
            variable = self.roots[variable]
        return variable

    def merge(self) -> None:
        """Make equal variables one, with the values that all of them may have."""
        self.domains = dict(self.problem.domains)
        for factor in self.problem.factors:
            if factor.formula is not EQUAL:
                continue
            left, right = (self.root(v) if isinstance(v, Variable) else v for v in factor.operands)
            if isinstance(left, Variable) and isinstance(right, Variable):
                if left is not right:
                    left, right = sorted((left, right), key=lambda v: v.index)
                    self.roots[right] = left
                    self.domains[left] = self.domains[left] & self.domains[right]
            elif isinstance(left, Variable) or isinstance(right, Variable):
                variable, value = (left, right) if isinstance(left, Variable) else (right, left)
                assert isinstance(variable, Variable)  # noqa: S101 - one of the two is
                assert isinstance(value, int)  # noqa: S101 - and the other is not
                self.domains[variable] = self.domains[variable] & Domain.between(value, value)

    def operand(self, operand: Operand | None) -> Operand | None:
        """An operand with its class's variable, or the only value that is left."""
        if not isinstance(operand, Variable):
            return operand
        root = self.root(operand)
        domain = self.domains[root]
        return domain.low if domain.count == 1 else root

    def bound(self, factors: Sequence[Factor]) -> None:
        """Find upper bounds for variables without one, from the last layer back to the first."""
        for factor in reversed(factors):
            if factor.output is None:
                continue
            output = self.domains[self.root(factor.output)]
            operands = [self.operand(v) for v in factor.operands]
            open_ = [v for v in operands if isinstance(v, Variable) and self.domains[v].high is None]
            if output.high is None or not open_:
                continue
            if factor.formula is product_of(len(operands)):
                if output.count == 1:
                    divisors = Domain.of(_divisors(output.low))
                    for variable in open_:
                        self.domains[variable] = self.domains[variable] & divisors
                else:
                    for variable in open_:
                        self.domains[variable] = self.domains[variable] & Domain.between(1, output.high)
            elif len(set(open_)) == 1:
                self.bound_operand(factor, operands, open_[0], output.high)

    def ends(self, operand: Operand | None) -> list[Any]:
        """The least and the greatest value of an operand, without listing what lies between."""
        if isinstance(operand, Variable):
            domain = self.domains[operand]
            return sorted({domain.low, domain.low if domain.high is None else domain.high})
        return [operand if isinstance(operand, int | float) else 0]

    def bound_operand(self, factor: Factor, operands: Sequence[Operand | None], variable: Variable, high: int) -> None:
        """Sizes grow with the sizes they come from: search for the last input size that can end below `high`."""
        corners = [None if v is variable else self.ends(v) for v in operands]

        def least(size: int) -> int:
            return min(int(factor.formula(*row)) for row in product(*([size] if c is None else c for c in corners)))

        low, top = self.domains[variable].low, max(self.domains[variable].low, 1)
        while top < LARGEST and least(top) <= high:
            top *= 2
        while low + 1 < top:
            middle = (low + top) // 2
            low, top = (middle, top) if least(middle) <= high else (low, middle)
        self.domains[variable] = self.domains[variable] & Domain.between(-LARGEST, top)

    def bundles(self, factors: Sequence[Factor]) -> Iterable[tuple[list[Factor], list[Factor]]]:
        """Definitions from the same variables with the rules that speak of no others, then the rules that are left."""
        rules: dict[Variable, list[Factor]] = {}
        together: dict[frozenset[Variable], list[Factor]] = {}
        for factor in factors:
            if factor.output is None:
                last = max((self.root(v) for v in factor.variables), key=lambda v: v.index)
                rules.setdefault(last, []).append(factor)
            else:
                together.setdefault(self.inputs(factor), []).append(factor)
        taken: set[int] = set()
        for factor in factors:
            if factor.output is None or id(factor) in taken:
                continue
            definitions = [f for f in together[self.inputs(factor)] if id(f) not in taken]
            taken.update(map(id, definitions))
            scope = {self.root(v) for f in definitions for v in f.variables}
            mine = [r for v in scope for r in rules.get(v, ()) if all(self.root(w) in scope for w in r.variables)]
            taken.update(map(id, mine))
            yield definitions, mine
        for factor in factors:
            if id(factor) not in taken:
                yield [], [factor]

    def inputs(self, factor: Factor) -> frozenset[Variable]:
        """The variables that a formula is called with."""
        return frozenset(self.root(v) for v in factor.operands if isinstance(v, Variable))

    def finite(self, variable: Variable) -> list[int]:
        """The values of a variable, ascending. Raises TooLargeError where they have no end or are too many."""
        if variable not in self.values:
            count = self.domains[variable].count
            if count is None or count > MOST_VALUES:
                endless = count is None or (self.domains[variable].high or 0) >= LARGEST
                msg = f"{variable.name} has {'no upper bound' if endless else f'{count:,} values: too many to try'}"
                raise TooLargeError(msg)
            self.spend(count)
            self.values[variable] = set(self.domains[variable])
        return sorted(self.values[variable])

    def enumerate(self, definitions: list[Factor], rules: list[Factor]) -> Relation:
        """The combinations that definitions and rules allow."""
        calls = [_Call(rule, [self.operand(v) for v in rule.operands]) for rule in rules]
        mains = [_Call(factor, [self.operand(v) for v in factor.operands]) for factor in definitions]
        outputs = [self.root(f.output) for f in definitions if f.output is not None]
        used = dict.fromkeys(v for call in mains for v in call.operands if isinstance(v, Variable))
        if not mains:
            used = dict.fromkeys(v for call in calls for v in call.operands if isinstance(v, Variable))
        free = sorted(used, key=lambda v: len(self.finite(v)))
        rows: list[Row] = [()]
        position: dict[Variable, int] = {}
        for variable in free:
            values = self.finite(variable)
            self.spend(len(rows) * (len(values) + len(calls)))
            rows = [(*row, value) for row in rows for value in values]
            position[variable] = len(position)
            rows, calls = self.tested(rows, calls, position)
        for main, output in zip(mains, outputs, strict=True):
            function = main.compiled(position)
            if output in position:
                place = position[output]
                rows = [row for row in rows if function(row) == row[place]]
            else:
                allowed = self.known(output)
                rows = [(*row, value) for row in rows if (value := function(row)) in allowed]
                position[output] = len(position)
        rows, _ = self.tested(rows, calls, position)
        return Relation(tuple(position), rows)

    def tested(
        self, rows: list[Row], calls: "list[_Call]", position: Mapping[Variable, int]
    ) -> "tuple[list[Row], list[_Call]]":
        """The rows that meet every rule whose variables are there, and the rules that are left."""
        for call in [call for call in calls if call.ready(position)]:
            test = call.compiled(position)
            rows = [row for row in rows if test(row)]
        return rows, [call for call in calls if not call.ready(position)]

    def known(self, variable: Variable) -> "set[int] | Domain":
        """What a variable may be, where that is known before its definition is looked at."""
        return self.values.get(variable, self.domains[variable])

    def spend(self, amount: int) -> None:
        """Keep account of the work."""
        self.work -= amount
        if self.work < 0:
            msg = "more combinations than tables can hold"
            raise TooLargeError(msg)
        if self.deadline.passed:
            raise UndecidedError(OVERTIME)

    def shrink(self, relation: Relation) -> list[Variable]:
        """Keep only the values that occur in a relation; the variables that lost some."""
        shrunk = []
        for position, variable in enumerate(relation.scope):
            found = relation.project(position)
            before = self.values.get(variable)
            if before is None or len(found) < len(before):
                self.values[variable] = found
                self.domains[variable] = Domain.of(found) if len(found) == 1 else self.domains[variable]
                shrunk.append(variable)
        return shrunk

    def prune(self, relations: list[Relation]) -> Relations:
        """Drop rows whose values are gone elsewhere, backwards and forwards, until nothing changes."""
        touching: dict[Variable, list[int]] = {}
        for index, relation in enumerate(relations):
            for variable in relation.scope:
                touching.setdefault(variable, []).append(index)
        waiting = set(range(len(relations)))
        order: Iterable[int] = range(len(relations) - 1, -1, -1)
        while waiting:
            for index in order:
                if index not in waiting:
                    continue
                waiting.discard(index)
                relation = relations[index]
                rows = self.filtered(relation)
                if not rows:
                    return self.infeasible()
                if len(rows) < len(relation.rows):
                    relation.rows = rows
                for variable in self.shrink(relation):
                    waiting.update(i for i in touching[variable] if i != index)
            order = list(order)[::-1]
        values = {v: sorted(found) for v, found in self.values.items()}
        roots = {v: self.root(v) for v in self.roots}
        return Relations(values, roots, [r for r in map(self.open_part, relations) if r is not None])

    def filtered(self, relation: Relation) -> list[Row]:
        """The rows whose values are all still there."""
        rows = relation.rows
        for position, variable in enumerate(relation.scope):
            allowed = self.values[variable]
            self.spend(len(rows) // 8)
            rows = [row for row in rows if row[position] in allowed]
        return rows

    def open_part(self, relation: Relation) -> Relation | None:
        """A relation without the variables that have one value; None where fewer than one is left."""
        keep = [i for i, v in enumerate(relation.scope) if len(self.values[v]) > 1]
        if not keep:
            return None
        if len(keep) == len(relation.scope):
            return relation
        rows = list(dict.fromkeys(tuple(row[i] for i in keep) for row in relation.rows))
        return Relation(tuple(relation.scope[i] for i in keep), rows)


class _Call:
    """A formula with its operands, compiled against the positions of variables in a row."""

    def __init__(self, factor: Factor, operands: list[Operand | None]) -> None:
        self.formula = factor.formula
        self.operands = operands

    def ready(self, position: Mapping[Variable, int]) -> bool:
        """Whether a row has every variable that is needed."""
        return all(v in position for v in self.operands if isinstance(v, Variable))

    def compiled(self, position: Mapping[Variable, int]) -> Callable[[Row], Any]:
        """The formula as a function of a row."""
        function = self.formula.function
        places = [position[v] if isinstance(v, Variable) else None for v in self.operands]
        fixed = list(self.operands)
        moving = [(where, place) for where, place in enumerate(places) if place is not None]
        if len(moving) == 1:
            where, index = moving[0]
            before, after = fixed[:where], fixed[where + 1 :]
            return lambda row: function(*before, row[index], *after)

        def call(row: Row) -> Any:
            return function(*(fixed[i] if place is None else row[place] for i, place in enumerate(places)))

        return call


def _divisors(number: int) -> list[int]:
    small = [d for d in range(1, isqrt(min(number, 2**40)) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})
