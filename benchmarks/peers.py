"""The same problems given to others: CP-SAT, z3's Optimize, and trying every combination."""

from collections.abc import Mapping, Sequence
from itertools import count as numbers
from itertools import product
from time import process_time
from typing import Any

from ortools.sat.python import cp_model

from netsolve.arith import Term
from netsolve.domain import Domain
from netsolve.problem import Factor, Problem, Variable

Costs = Mapping[Variable, tuple[Sequence[int], Sequence[float]]]
"""For some variables, their values and what each costs."""

SCALE = 1000
LIMIT = 2**31


class Line(Term):
    """A linear expression of CP-SAT's with Python's arithmetic."""

    __hash__ = None  # type: ignore[assignment]  # as a term of z3's

    def __init__(self, expr: Any, model: cp_model.CpModel) -> None:
        """Wrap an expression."""
        self.expr, self.model = expr, model

    def _with(self, expr: Any) -> "Line":
        return Line(expr, self.model)

    def __add__(self, other: Any) -> "Line":
        """Sum."""
        return self._with(self.expr + _plain(other))

    def __sub__(self, other: Any) -> "Line":
        """Difference."""
        return self._with(self.expr - _plain(other))

    def __rsub__(self, other: Any) -> "Line":
        """Difference."""
        return self._with(_plain(other) - self.expr)

    def __mul__(self, other: Any) -> "Line":
        """A multiple."""
        return self._with(self.expr * _plain(other))

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Line":
        """Negation."""
        return self._with(-self.expr)

    def __floordiv__(self, divisor: int) -> "Line":
        """The quotient rounded down."""
        quotient = self.model.new_int_var(-LIMIT, LIMIT, "q")
        self.model.add(divisor * quotient <= self.expr)
        self.model.add(self.expr <= divisor * quotient + divisor - 1)
        return self._with(quotient)

    def __mod__(self, divisor: int) -> "Line":
        """The remainder."""
        return self - divisor * (self // divisor)

    def __le__(self, other: Any) -> "Truth":
        """At most."""
        left, right = self.expr, _plain(other)
        return Truth([left <= right], self.model, [left >= right + 1])

    def __ge__(self, other: Any) -> "Truth":
        """At least."""
        left, right = self.expr, _plain(other)
        return Truth([left >= right], self.model, [left <= right - 1])

    def __lt__(self, other: Any) -> "Truth":
        """Less."""
        return self.__le__(self._with(_plain(other) - 1))

    def __gt__(self, other: Any) -> "Truth":
        """More."""
        return self.__ge__(self._with(_plain(other) + 1))

    def __eq__(self, other: object) -> Any:
        """Equal."""
        return Truth([self.expr == _plain(other)], self.model)


class Truth(Term):
    """Comparisons that hold together, and their opposite where it is one comparison."""

    def __init__(self, parts: list[Any], model: cp_model.CpModel, opposite: list[Any] | None = None) -> None:
        """Wrap comparisons."""
        self.parts, self.model, self.opposite = parts, model, opposite

    def choose(self, yes: Any, no: Any) -> Line:
        """`yes` where this holds, otherwise `no`."""
        if self.opposite is None:
            msg = "no opposite of this is written here"
            raise NotImplementedError(msg)
        flag, result = self.model.new_bool_var("b"), self.model.new_int_var(-LIMIT, LIMIT, "c")
        for part in self.parts:
            self.model.add(part).only_enforce_if(flag)
        for part in self.opposite:
            self.model.add(part).only_enforce_if(flag.negated())
        self.model.add(result == _plain(yes)).only_enforce_if(flag)
        self.model.add(result == _plain(no)).only_enforce_if(flag.negated())
        return Line(result, self.model)

    def conjoin(self, other: Any) -> "Truth":
        """Both hold."""
        return Truth([*self.parts, *other.parts], self.model)

    def negate(self) -> "Truth":
        """This does not hold."""
        if self.opposite is None:
            msg = "no opposite of this is written here"
            raise NotImplementedError(msg)
        return Truth(self.opposite, self.model, self.parts)


def _plain(value: Any) -> Any:
    return value.expr if isinstance(value, Line) else int(value)


class CpSat:
    """A problem as a CP-SAT model, one worker. Raises NotImplementedError where a relation is not linear."""

    def __init__(self, problem: Problem) -> None:
        """State every relation; the time counts, as netsolve's tables do."""
        self.start = process_time()
        self.model = cp_model.CpModel()
        self.terms: dict[Variable, Any] = {}
        names = numbers()
        for variable, domain in problem.domains.items():
            self.terms[variable] = self.model.new_int_var_from_domain(_domain(domain), f"v{next(names)}")
        for factor in problem.factors:
            self.relate(factor)

    def relate(self, factor: Factor) -> None:
        """State one relation."""
        operands = [Line(self.terms[v], self.model) if isinstance(v, Variable) else int(v) for v in factor.operands]
        if any(isinstance(factor.operands[i], Variable) for i in factor.cases):
            msg = f"{factor.label.text}: not linear"
            raise NotImplementedError(msg)
        found = factor.formula(*operands)
        if factor.output is not None:
            self.model.add(self.terms[factor.output] == _plain(found))
        elif isinstance(found, Truth):
            for part in found.parts:
                self.model.add(part)
        elif not found:
            self.model.add_bool_or([])

    def best(self, costs: Costs, seconds: float) -> tuple[float, bool]:
        """How long the cheapest assignment takes, and whether it was proved to be the cheapest in the time."""
        parts = []
        for variable, (values, row) in costs.items():
            part = self.model.new_int_var(0, LIMIT, "cost")
            table = [(value, round(SCALE * cost)) for value, cost in zip(values, row, strict=True)]
            self.model.add_allowed_assignments([self.terms[variable], part], table)
            parts.append(part)
        self.model.minimize(sum(parts))
        solver = solver_of(seconds)
        status = solver.solve(self.model)
        return process_time() - self.start, status == cp_model.OPTIMAL

    def count(self, seconds: float, most: int) -> tuple[float, int, bool]:
        """How long listing takes, how many were listed, and whether that was all; it stops after `most`."""
        solver = solver_of(seconds)
        solver.parameters.enumerate_all_solutions = True
        counter = Counter(most)
        status = solver.solve(self.model, counter)
        return process_time() - self.start, counter.found, status in {cp_model.OPTIMAL, cp_model.INFEASIBLE}


class Counter(cp_model.CpSolverSolutionCallback):
    """Counts solutions up to a number."""

    def __init__(self, most: int) -> None:
        """Start at none."""
        super().__init__()
        self.found, self.most = 0, most

    def on_solution_callback(self) -> None:
        """One more."""
        self.found += 1
        if self.found >= self.most:
            self.stop_search()


def solver_of(seconds: float) -> cp_model.CpSolver:
    """A solver with one worker and a time limit."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    return solver


def _domain(domain: Domain) -> cp_model.Domain:
    return cp_model.Domain.from_intervals(
        [[max(low, -LIMIT), LIMIT if high is None else high] for low, high in domain.ranges]
    )


def optimized(problem: Problem, costs: Costs, seconds: float) -> tuple[float, bool]:
    """How long z3's Optimize takes for the cheapest assignment, and whether it finished."""
    import z3  # noqa: PLC0415 - a peer here

    from netsolve.deadline import Deadline  # noqa: PLC0415 - only z3's part needs it
    from netsolve.engines.interrupts import Interrupts  # noqa: PLC0415 - likewise
    from netsolve.engines.z3 import Session  # noqa: PLC0415 - likewise

    start = process_time()
    with Interrupts() as interrupts:
        session = Session(problem, Deadline(seconds), interrupts)
    optimizer = z3.Optimize(ctx=session.context)
    optimizer.set("timeout", int(1000 * seconds))
    optimizer.add(session.solver.assertions())
    for variable, (values, row) in costs.items():
        for value, cost in zip(values, row, strict=True):
            if cost > min(row):
                optimizer.add_soft(session.terms[variable].expr != value, round(SCALE * (cost - min(row))), "cost")
    verdict = optimizer.check()
    return process_time() - start, verdict == z3.sat


def tried(problem: Problem, most: int) -> tuple[float, int] | None:
    """How long trying every combination takes, and how many fit; None where there are more than `most`."""
    asked = problem.asked
    defined = {factor.output for factor in problem.factors}
    if any(v not in asked and v not in defined for v in problem.domains):
        return None
    total = 1
    for variable in asked:
        total *= problem.domains[variable].count or most + 1
    if total > most:
        return None
    start = process_time()
    rows = product(*(problem.domains[v] for v in asked))
    found = sum(problem.broken(problem.complete(dict(zip(asked, row, strict=True)))) is None for row in rows)
    return process_time() - start, found
