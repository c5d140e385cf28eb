"""Whether some of what is stated can be true together: decided exactly, by tables or by z3."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache

from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.domain import Domain
from netsolve.engines.base import Contradiction, Times, Witness
from netsolve.engines.elimination import tables_of
from netsolve.engines.relations import TooLargeError
from netsolve.errors import UndecidedError
from netsolve.locate import Path
from netsolve.ops.base import Formula
from netsolve.posing.stated import lies_in
from netsolve.problem import Factor, Label, Operand, Problem, Variable


def fits(worlds: Worlds, indices: Iterable[int], dropped: Collection[str], deadline: Deadline) -> bool:
    """Whether the factors at `indices` can hold when the statements under the keys `dropped` are not made.

    Raises UndecidedError past the deadline.
    """
    problem = left_of(worlds, indices, dropped)
    if problem is None or not problem.factors:
        return problem is not None
    return feasible(problem, deadline)


def cause(worlds: Worlds, places: range) -> set[int]:
    """The factors that cannot all hold: what those at `places` depend on.

    Or all before them, where what only an exact engine sees lies in what else hangs on the same question marks.
    """
    if places not in worlds.causes:
        found = set[int]().union(*map(worlds.ancestors, places))
        with suppress(UndecidedError):
            if not worlds.broken and fits(worlds, found, (), worlds.deadline):
                found = set(range(places[-1] + 1))
        worlds.causes[places] = found
    return worlds.causes[places]


def feasible(problem: Problem, deadline: Deadline) -> bool:
    """Whether anything fits. Raises UndecidedError where that stays open."""
    try:
        return tables_of(problem, deadline) is not None
    except TooLargeError:
        from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

        return Z3Engine().feasible(problem, deadline)


def left_of(worlds: Worlds, indices: Iterable[int], dropped: Collection[str]) -> Problem | None:
    """What is left to decide when some statements are not made; None where known numbers contradict each other."""
    left = _Left(worlds, {v for key in dropped for v in worlds.relaxed.variables.get(key, ())})
    paths = constraint_paths(dropped)
    for index in sorted(indices):
        factor = worlds.factors[index]
        if factor.label.path not in paths and not left.beyond(index) and not left.take(factor):
            return None
    return left.problem()


@dataclass(frozen=True)
class Free:
    """Statements that need not be made, by key: those to ask for, in the order to try them, and those dropped."""

    asked: Sequence[str]
    dropped: Sequence[str] = ()


def contradicting(
    worlds: Worlds, indices: Iterable[int], free: Free, times: Times, witness: Witness
) -> Contradiction | None:
    """The fewest of the statements to ask for that contradict those that are made.

    None where nothing is contradicted. Raises UndecidedError where that stays open.
    """
    from netsolve.engines.contradiction import contradiction  # noqa: PLC0415 - z3 takes a third of a second to import

    keys = free.asked
    left = _Left(worlds, {v for key in (*keys, *free.dropped) for v in worlds.relaxed.variables.get(key, ())})
    without = constraint_paths(free.dropped)
    dropped = {v for key in free.dropped for v in worlds.relaxed.variables.get(key, ())}
    asked = {v: key for key in keys for v in worlds.relaxed.variables.get(key, ())}
    paths: dict[Path, str] = {("constraints", int(k[12:-1])): k for k in keys if k.startswith("constraints[")}
    for index in sorted(indices):
        factor, place = worlds.factors[index], len(left.factors)
        bound = worlds.relaxed.bounds.get(index)
        if factor.label.path in without or (bound is not None and bound in dropped):
            continue
        label = paths.get(factor.label.path) if bound is None else asked.get(bound)
        if not left.take(factor):
            return Contradiction((label,) if label else (), minimal=True)
        if label and len(left.factors) > place:
            left.labels[place] = label
    for key in keys:
        left.pin(key)
    stated = set(left.labels.values())
    return contradiction(left.problem(), left.labels, [key for key in keys if key in stated], times, witness)


def constraint_paths(keys: Iterable[str]) -> set[Path]:
    """Where constraints stand."""
    return {("constraints", int(key[12:-1])) for key in keys if key.startswith("constraints[")}


FRACTION = 16
"""Scales that are so many parts of one are exact in double arithmetic for every size that occurs."""


@dataclass
class _Left:
    """What is not yet known.

    free: the variables of which nothing is stated any more; labels: of factors, by index, that hold only where some
    statement is kept.
    """

    worlds: Worlds
    free: set[Variable]
    labels: dict[int, str] = field(default_factory=dict)
    known: dict[Variable, int] = field(default_factory=dict)
    factors: list[Factor] = field(default_factory=list)
    domains: dict[Variable, Domain] = field(default_factory=dict)

    def beyond(self, index: int) -> bool:
        """Whether a factor bounds the default values of a question mark of which nothing is stated any more."""
        return self.worlds.relaxed.bounds.get(index) in self.free

    def operand(self, v: Operand) -> Operand:
        """An operand, or its only value."""
        if not isinstance(v, Variable):
            return v
        if v not in self.known:
            domain = self.domain(v)
            if domain.count != 1:
                self.domains.setdefault(v, domain)
                return v
            self.known[v] = domain.low
        return self.known[v]

    def domain(self, v: Variable) -> Domain:
        """What a variable may be."""
        relaxed = self.worlds.relaxed
        kept = v in relaxed.written and v not in self.free
        return relaxed.written[v] if kept else relaxed.problem.domains[v]

    def problem(self) -> Problem:
        """What is left as a problem."""
        return Problem(self.worlds.relaxed.network, self.domains, tuple(self.factors), (), {}, (), {})

    def pin(self, key: str) -> None:
        """Add what is written under a key, labelled with it."""
        for v in self.worlds.relaxed.variables.get(key, ()):
            if v in self.domains:
                domain = self.worlds.relaxed.written[v]
                self.labels[len(self.factors)] = key
                self.factors.append(Factor(Label("", key), member(domain), (v,)))

    def take(self, factor: Factor) -> bool:
        """Add a factor, or what follows from it; false where known numbers break it."""
        factor = whole(factor)
        operands = tuple(map(self.operand, factor.operands))
        if any(isinstance(v, Variable) for v in operands):
            if factor.output is not None:
                self.domains.setdefault(factor.output, self.worlds.relaxed.problem.domains[factor.output])
            self.factors.append(Factor(factor.label, factor.formula, operands, factor.output, factor.cases))
            return True
        if factor.output is None:
            return bool(factor.formula(*operands))
        self.known[factor.output] = int(factor.formula(*operands))
        return True


def whole(factor: Factor) -> Factor:
    """A scale that is a fraction with a small power of two below as integers, which have no bound to be known."""
    if factor.formula.operands != ("n", "scale_factor"):
        return factor
    n, scale = factor.operands
    if not isinstance(scale, int | float) or scale * FRACTION != int(scale * FRACTION):
        return factor
    return replace(factor, formula=scaling(int(scale * FRACTION)), operands=(n,), cases=frozenset())


@cache
def scaling(parts: int) -> Formula:
    """So many parts of a size, rounded down."""
    return Formula(lambda n: (n * parts) // FRACTION)


def member(domain: Domain) -> Formula:
    """Whether a number lies in a domain."""
    return Formula(lambda value: lies_in(value, domain))
