"""A problem as finite relations: sizes that are equal made one, every variable's reachable values, and rows of values.

A network's sizes are few: from a known input a layer can only end at a handful. Going through the layers forwards and
backwards leaves, for every factor, the short list of value combinations that can still be part of a solution.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

from netsolve.deadline import Deadline
from netsolve.domain import LARGEST, Domain
from netsolve.engines.bounding import bounded
from netsolve.engines.calls import Call, Product, Row, bundles, outcomes
from netsolve.errors import UndecidedError
from netsolve.problem import EQUAL, Operand, Problem, Variable

MOST_WORK = 3_000_000
"""How many combinations may be looked at before the problem is left to z3."""

MOST_VALUES = 100_000
"""How many values a variable may have before the problem is left to z3."""


MOST_UNWATCHED = 50_000
"""How many rows are worked on between two looks at the clock."""


class TooLargeError(UndecidedError):
    """The problem has unbounded unknowns or too many combinations for tables."""


@dataclass(slots=True)
class Relation:
    """Values that go together: one row for each combination of the variables in `scope`.

    breadths: how many values each variable has among the rows.
    """

    scope: tuple[Variable, ...]
    rows: list[Row]
    breadths: list[int] = field(default_factory=list)

    def project(self) -> list[frozenset[int]]:
        """The values of each variable."""
        return [frozenset(column) for column in zip(*self.rows, strict=True)]


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


def unlisted(problem: Problem, deadline: Deadline) -> dict[Variable, int]:
    """The variables whose values tables would have to list and cannot, each with the least value that it might have.

    They stand for themselves, and after propagation have no upper bound or more than MOST_VALUES values.
    """
    return _Propagation(problem, deadline).unlisted()


@dataclass
class _Propagation:
    """The state of propagation.

    roots: the variable that stands for each merged one; values: what variables can still be, as far as that has been
    looked at; only: the variables with one value; rows: the combinations of calls that were worked out before.
    """

    problem: Problem
    deadline: Deadline
    roots: dict[Variable, Variable] = field(default_factory=dict)
    domains: dict[Variable, Domain] = field(default_factory=dict)
    values: dict[Variable, frozenset[int]] = field(default_factory=dict)
    only: dict[Variable, int] = field(default_factory=dict)
    rows: dict[Any, list[Row]] = field(default_factory=dict)
    work: int = MOST_WORK

    def run(self) -> Relations:
        """Merge, bound, enumerate forwards, and prune until nothing changes."""
        self.merge()
        if any(not domain.ranges for domain in self.domains.values()) or self.problem.violations:
            return self.infeasible()
        calls = self.distinct()
        if not self.limited(calls):
            return self.infeasible()
        self.only = {v: domain.low for v, domain in self.domains.items() if domain.low == domain.high}
        relations: list[Relation] = []
        for definitions, rules in bundles(calls):
            relation = self.enumerate(definitions, rules)
            if not relation.rows:
                return self.infeasible()
            self.shrink(relation)
            relations.append(relation)
        asked = {self.root(v) for v in self.problem.asked}
        for variable in self.domains:
            if variable not in self.roots:
                if variable not in self.values and variable not in asked:
                    self.values[variable] = frozenset([self.domains[variable].low])
                self.finite(variable)
        return self.prune(relations)

    def unlisted(self) -> dict[Variable, int]:
        """The variables that `finite` would refuse; none where it is plain that nothing fits."""
        self.merge()
        calls = self.distinct()
        if not all(domain.ranges for domain in self.domains.values()) or not self.limited(calls):
            return {}
        known = {*self.roots, *(call.output for call in calls)}
        rest = {v: domain for v, domain in self.domains.items() if v not in known}
        return {v: domain.low for v, domain in rest.items() if domain.count is None or domain.count > MOST_VALUES}

    def distinct(self) -> list[Call]:
        """The factors, but for equalities, which are met by now, and rules that say again what another says."""
        found: dict[Any, Call] = {}
        roots = self.roots
        for factor in self.problem.factors:
            if factor.formula is EQUAL:
                continue
            operands = tuple([roots.get(v, v) if isinstance(v, Variable) else v for v in factor.operands])
            output = None if factor.output is None else self.root(factor.output)
            key = (factor.formula, operands, output)
            if key not in found:
                found[key] = Call(factor.formula, operands, output)
        return list(found.values())

    def infeasible(self) -> Relations:
        """Nothing fits."""
        return Relations({}, {}, [], feasible=False)

    def root(self, variable: Variable) -> Variable:
        """The variable that stands for a class of equal ones."""
        return self.roots.get(variable, variable)

    def merge(self) -> None:
        """Make equal variables one, with the values that all of them may have."""
        self.domains = dict(self.problem.domains)
        for factor in self.problem.factors:
            if factor.formula is not EQUAL:
                continue
            left, right = (self.ancestor(v) if isinstance(v, Variable) else v for v in factor.operands)
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
        self.roots = {variable: self.ancestor(variable) for variable in self.roots}

    def ancestor(self, variable: Variable) -> Variable:
        """The variable that stands for a class while classes are still merged."""
        while variable in self.roots:
            variable = self.roots[variable]
        return variable

    def limited(self, calls: Sequence[Call]) -> bool:
        """Give variables upper bounds; whether each still has a value that may be."""
        return bounded(self.domains, calls) and self.writable()

    def writable(self) -> bool:
        """Leave question marks the values that a document may say; whether each has some."""
        for root in {self.root(v) for v in self.problem.asked}:
            self.domains[root] = self.domains[root] & Domain.between(-LARGEST, LARGEST)
            if not self.domains[root].ranges:
                return False
        return True

    def finite(self, variable: Variable) -> frozenset[int]:
        """The values of a variable. Raises TooLargeError where they have no end or are too many."""
        if variable not in self.values:
            count = self.domains[variable].count
            if count is None or count > MOST_VALUES:
                endless = count is None or (self.domains[variable].high or 0) >= LARGEST
                msg = f"{variable.name} has {'no upper bound' if endless else f'{count:,} values: too many to try'}"
                raise TooLargeError(msg)
            self.spend(count)
            self.values[variable] = frozenset(self.domains[variable])
        return self.values[variable]

    def enumerate(self, definitions: list[Call], rules: list[Call]) -> Relation:
        """The combinations that definitions and rules allow; those of layers alike are worked out once."""
        calls = [self.narrowed(call) for call in (*definitions, *rules)]
        mains, tests = calls[: len(definitions)], calls[len(definitions) :]
        used = dict.fromkeys(v for call in mains or tests for v in call.operands if isinstance(v, Variable))
        free = sorted(used, key=lambda v: (len(self.finite(v)), v.index))
        outputs = dict.fromkeys(call.output for call in mains if call.output is not None and call.output not in used)
        scope = (*free, *outputs)
        place: dict[Operand | None, tuple[int]] = {v: (i,) for i, v in enumerate(scope)}
        key = (
            tuple([(call.formula, *[place.get(v, v) for v in (*call.operands, call.output)]) for call in calls]),
            tuple([self.values[v] if v in self.values else self.domains[v] for v in scope]),
        )
        if key not in self.rows:
            self.rows[key] = self.combined(free, mains, tests)
        return Relation(scope, self.rows[key])

    def narrowed(self, call: Call) -> Call:
        """A call with the only value in place of each variable that has one."""
        if call.inputs.isdisjoint(self.only):
            return call
        operands = tuple([self.only.get(v, v) if isinstance(v, Variable) else v for v in call.operands])
        return Call(call.formula, operands, call.output)

    def combined(self, free: list[Variable], mains: list[Call], tests: list[Call]) -> list[Row]:
        """The combinations of the values of free variables, with what is defined by them."""
        rows: list[Row] = [()]
        position: dict[Variable, int] = {}
        whole = self.known_product(mains)
        for variable in free:
            values = sorted(self.values[variable])
            follows = whole is not None and variable is free[-1] and whole.powers[variable] == 1
            self.spend(len(rows) * ((1 if follows else len(values)) + len(tests)))
            if whole is not None and follows:
                rows = self.completed(whole, rows, position, frozenset(values))
            else:
                parts = self.parts(rows, len(values))
                rows = [(*row, value) for part in parts for row in part for value in values]
            position[variable] = len(position)
            if whole is not None and not follows:
                rows = [row for part in self.parts(rows) for row in compress(part, whole.left(part, position))]
            rows, tests = self.tested(rows, tests, position)
        for main in mains:
            rows = self.defined(main, rows, position)
        return self.tested(rows, tests, position)[0]

    def known_product(self, mains: list[Call]) -> Product | None:
        """The product that alone defines a relation and whose value is known; None where there is no such."""
        value = self.only.get(mains[0].output) if len(mains) == 1 and mains[0].output is not None else None
        return None if value is None else Product.of(mains[0], value)

    def completed(
        self, whole: Product, rows: list[Row], position: Mapping[Variable, int], values: frozenset[int]
    ) -> list[Row]:
        """The rows with the last factor of a product, where that is one of its values."""
        pairs = (pair for part in self.parts(rows) for pair in zip(part, whole.left(part, position), strict=True))
        return [(*row, last) for row, last in pairs if last in values]

    def defined(self, main: Call, rows: list[Row], position: dict[Variable, int]) -> list[Row]:
        """The rows with what a call defines, or those that agree with it."""
        assert main.output is not None  # noqa: S101 - a definition
        made: list[Row] = []
        place = position.get(main.output)
        for part in self.parts(rows):
            found = outcomes(main, part, position)
            if place is not None:
                made += [row for row, value in zip(part, found, strict=True) if row[place] == value]
            else:
                allowed = self.known(main.output, found)
                made += [(*row, value) for row, value in zip(part, found, strict=True) if value in allowed]
        position.setdefault(main.output, len(position))
        return made

    def tested(
        self, rows: list[Row], tests: list[Call], position: Mapping[Variable, int]
    ) -> tuple[list[Row], list[Call]]:
        """The rows that meet every test whose variables are there, and the tests that are left."""
        left = []
        for test in tests:
            if all(v in position for v in test.inputs):
                rows = [row for part in self.parts(rows) for row in compress(part, outcomes(test, part, position))]
            else:
                left.append(test)
        return rows, left

    def parts(self, rows: list[Row], each: int = 1) -> Iterator[list[Row]]:
        """The rows in parts, with a look at the clock between them. each: how many rows are made of one."""
        some = max(MOST_UNWATCHED // each, 1)
        if len(rows) <= some:
            yield rows
            return
        for start in range(0, len(rows), some):
            self.spend(0)
            yield rows[start : start + some]

    def known(self, variable: Variable, found: list[int]) -> Collection[int]:
        """Which of some values a variable may have."""
        if variable in self.values:
            return self.values[variable]
        domain = self.domains[variable]
        return {value for value in set(found) if value in domain}

    def spend(self, amount: int) -> None:
        """Keep account of the work."""
        self.work -= amount
        if self.work < 0:
            msg = "more combinations than tables can hold"
            raise TooLargeError(msg)
        self.deadline.check()

    def shrink(self, relation: Relation) -> list[Variable]:
        """Keep only the values that occur in a relation; the variables that lost some."""
        self.deadline.check()
        shrunk = []
        columns = relation.project()
        relation.breadths = list(map(len, columns))
        for variable, found in zip(relation.scope, columns, strict=True):
            before = self.values.get(variable)
            if before is None or len(found) < len(before):
                self.values[variable] = found
                if len(found) == 1:
                    (self.only[variable],) = found
                shrunk.append(variable)
        return shrunk

    def prune(self, relations: list[Relation]) -> Relations:
        """Drop rows whose values are gone elsewhere, backwards and forwards, until nothing changes."""
        touching: dict[Variable, list[int]] = {}
        for index, relation in enumerate(relations):
            for variable in relation.scope:
                touching.setdefault(variable, []).append(index)
        waiting = set(range(len(relations)))
        order: Sequence[int] = range(len(relations) - 1, -1, -1)
        while waiting:
            for index in order:
                if index not in waiting:
                    continue
                waiting.discard(index)
                relation = relations[index]
                if not self.filtered(relation):
                    continue
                if not relation.rows:
                    return self.infeasible()
                for variable in self.shrink(relation):
                    waiting.update(i for i in touching[variable] if i != index)
            order = order[::-1]
        values = {v: sorted(found) for v, found in self.values.items()}
        return Relations(values, self.roots, [r for r in map(self.open_part, relations) if r is not None])

    def filtered(self, relation: Relation) -> bool:
        """Drop the rows of which a value is gone; whether there were any."""
        lost = [i for i, v in enumerate(relation.scope) if len(self.values[v]) < relation.breadths[i]]
        rows = relation.rows
        for place in lost:
            allowed = self.values[relation.scope[place]]
            self.spend(len(rows) // 8)
            rows = [row for row in rows if row[place] in allowed]
        relation.rows = rows
        return bool(lost)

    def open_part(self, relation: Relation) -> Relation | None:
        """A relation without the variables that have one value; None where fewer than one is left."""
        self.deadline.check()
        keep = [i for i, v in enumerate(relation.scope) if v not in self.only]
        if not keep:
            return None
        if len(keep) == len(relation.scope):
            return relation
        rows = list(dict.fromkeys([tuple([row[i] for i in keep]) for row in relation.rows]))
        return Relation(tuple(relation.scope[i] for i in keep), rows)
