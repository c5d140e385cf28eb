"""The network as one joint set of integer constraints, decided by z3.

Formulas of operators are called with terms. No two unknowns are ever multiplied or divided: what multiplies or divides
is taken by cases.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product as combinations
from math import prod
from operator import itemgetter
from typing import Any, TypeVar

import z3

from netsolve.deadline import OVERTIME, Deadline
from netsolve.domain import LARGEST, Domain
from netsolve.engines.base import Assignment
from netsolve.engines.calls import divisors
from netsolve.engines.endless import needed
from netsolve.engines.interrupts import Interrupts
from netsolve.engines.relations import MOST_VALUES
from netsolve.engines.terms import Term, expression_of
from netsolve.errors import UndecidedError
from netsolve.problem import EQUAL, Cost, Factor, Operand, Problem, Variable, product_of

LATE = 10
"""Milliseconds by which z3's own clock runs longer: what is canceled before the deadline was canceled by Ctrl-C."""

OVERFULL = "max. memory exceeded"
"""z3's own words for that."""

MOST_CASES = 20_000
"""How many cases one relation may split into before it is refused."""

MOST_MEMORY = 640
"""MiB that z3 may hold in this process. Python and the network come on top: all together stay below 1 GiB."""

LOOK = 0.05
"""Seconds between two looks at how much that is."""

T = TypeVar("T")


class Z3Engine:
    """One plain solver a question, with a bound on the cost that tightens.

    Each question has a context of its own, so threads may ask at the same time; what z3 held is freed with the answer.
    All questions raise UndecidedError where z3 does not say in the time or needs more than MOST_MEMORY.
    """

    name = "z3"

    def best(self, problem: Problem, deadline: Deadline, improving: Deadline | None = None) -> Assignment | None:
        """The best assignment found in the time; nothing better exists where the time was enough.

        improving: when to stop looking for a better one where there is one; by default the deadline.
        """
        return decided(lambda session: session.best(improving or deadline), problem, deadline)

    def feasible(self, problem: Problem, deadline: Deadline) -> bool:
        """Whether there is any assignment."""
        return decided(lambda session: session.verdict(), problem, deadline)

    def holds(self, problem: Problem, assignment: Assignment, deadline: Deadline) -> bool:
        """Whether the joint constraints hold for these values."""
        return decided(lambda session: session.agrees(), problem, deadline, told=assignment)


def decided(
    question: Callable[["Session"], T],
    problem: Problem,
    deadline: Deadline,
    *,
    told: Assignment | None = None,
    labels: Mapping[int, str] | None = None,
) -> T:
    """What a session answers. Errors are raised anew: a traceback would keep the session, and z3's memory with it."""
    try:
        with Interrupts() as interrupts:
            return watched(question, Session(problem, deadline, interrupts, told, labels))
    except z3.Z3Exception as error:
        ended: BaseException = UndecidedError(why(str(error)))
    except (UndecidedError, KeyboardInterrupt) as error:
        ended = type(error)(*error.args)
    raise ended


def watched(question: Callable[["Session"], T], session: "Session") -> T:
    """What a session answers while a thread looks after z3's memory, which z3 itself does too seldom."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(LOOK):
            if z3.Z3_get_estimated_alloc_size() > MOST_MEMORY * 2**20:
                session.full = True
                session.context.interrupt()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        return question(session)
    finally:
        done.set()
        thread.join()


def why(reason: str) -> str:
    """What z3 says where it gives up, in netsolve's words."""
    if OVERFULL in reason:
        return f"z3 needs more than {MOST_MEMORY} MiB"
    return OVERTIME if reason in {"timeout", "canceled"} else f"z3 gives up: {reason}"


class Session:
    """A problem inside one solver.

    told: values that are about to be asserted, so that no others need cases; labels: of factors, by id, that hold only
    as far as a check assumes their label.
    """

    def __init__(
        self,
        problem: Problem,
        deadline: Deadline,
        interrupts: Interrupts,
        told: Assignment | None = None,
        labels: Mapping[int, str] | None = None,
    ) -> None:
        """State every factor."""
        self.problem, self.deadline, self.interrupts, self.told = problem, deadline, interrupts, told or {}
        self.full = False
        self.found: Assignment | None = None
        self.context = z3.Context()
        self.solver = z3.SimpleSolver(ctx=self.context)
        self.solver.set("max_memory", MOST_MEMORY)
        self.solver.set("ctrl_c", interrupts.main)
        self.terms: dict[Variable, Term] = {}
        self.assumptions: dict[str, Any] = {}
        self.pinned = _pinned(problem)
        for variable, domain in problem.domains.items():
            self.look_up()
            self.terms[variable] = Term(z3.Int(f"{variable.name}#{len(self.terms)}", self.context), self.solver)
            self.solver.add(self.inside(variable, domain))
        for variable in problem.asked:
            if problem.domains[variable].high is None:
                self.solver.add(self.terms[variable].expr <= LARGEST)
        for factor in needed(problem):
            self.look_up()
            label = (labels or {}).get(id(factor))
            relation = self.relation(factor)
            self.solver.add(relation if label is None else z3.Implies(self.assumption(label), relation))

    def look_up(self) -> None:
        """Stop where that was asked for, where the time is over, or where z3 holds too much."""
        self.interrupts.stop()
        self.deadline.check()
        if z3.Z3_get_estimated_alloc_size() > MOST_MEMORY * 2**20:
            raise UndecidedError(why(OVERFULL))

    def agrees(self) -> bool:
        """Whether the values that were told fit."""
        for variable, value in self.told.items():
            self.solver.add(self.terms[variable].expr == value)
        return self.verdict()

    def assumption(self, label: str) -> Any:
        """What stands for a label; making it again for every check would take longer than most checks."""
        if label not in self.assumptions:
            self.assumptions[label] = z3.Bool(label, self.context)
        return self.assumptions[label]

    def contradicting(self, labels: Sequence[str]) -> tuple[str, ...] | None:
        """Some of these labels that contradict what holds anyway; None where all of them go together."""
        if self.verdict(*map(self.assumption, labels)):
            return None
        found = {str(label) for label in self.solver.unsat_core()}
        return tuple(label for label in labels if label in found)

    def inside(self, variable: Variable, domain: Domain) -> Any:
        """A variable lies in a domain."""
        term = self.terms[variable].expr
        ranges = [
            term == low if low == high else z3.And(term >= low, *(() if high is None else (term <= high,)))
            for low, high in domain.ranges
        ]
        return z3.Or(ranges, self.context) if len(ranges) != 1 else ranges[0]

    def truth(self, value: Any) -> Any:
        """A truth value for the solver."""
        return value.expr if isinstance(value, Term) else z3.BoolVal(bool(value), self.context)

    def relation(self, factor: Factor) -> Any:
        """A factor as a constraint."""

        def holds(*operands: Any) -> Any:
            found = factor.formula(*operands)
            return found if factor.output is None else self.terms[factor.output] == found

        is_product = factor.formula is product_of(len(factor.operands))
        known = self.pinned.get(factor.output) if is_product else None
        cases = self.enumerable(factor, known) if is_product else factor.cases
        return z3.And(
            [
                z3.Implies(condition, self.truth(holds(*operands)))
                for condition, operands in self.split(factor.operands, cases, known)
            ],
            self.context,
        )

    def enumerable(self, factor: Factor, known: int | None) -> frozenset[int]:
        """The operands of a product whose values can be tried in turn; the others stay terms."""
        return frozenset(i for i in factor.cases if self.values(factor.operands[i], known) is not None)

    def split(
        self, operands: tuple[Operand, ...], cases: frozenset[int], product: int | None = None
    ) -> Iterator[tuple[Any, list[Any]]]:
        """Operands as terms, with those in `cases` as integers, under the condition that they have these values."""
        variables = dict.fromkeys(v for i in sorted(cases) if isinstance(v := operands[i], Variable))
        chosen = {v: found for v in variables if (found := self.values(v, product)) is not None}
        if len(chosen) < len(variables) or prod(len(found) for found in chosen.values()) > MOST_CASES:
            names = ", ".join(variable.name for variable in variables)
            msg = f"{names}: too many values to try in turn; give a smaller set"
            raise UndecidedError(msg)
        for row in combinations(*chosen.values()):
            self.look_up()
            case = dict(zip(chosen, row, strict=True))
            condition = z3.And([self.terms[variable].expr == value for variable, value in case.items()], self.context)
            yield condition, [case.get(v, self.terms[v]) if isinstance(v, Variable) else v for v in operands]
        for variable, found in chosen.items():
            self.solver.add(z3.Or([self.terms[variable].expr == value for value in found], self.context))

    def values(self, operand: Operand, product: int | None) -> list[int] | None:
        """What an operand may be, in turn: a divisor where a product is known; None where that has no end."""
        if not isinstance(operand, Variable):
            return None
        if operand in self.told:
            return [self.told[operand]]
        domain = self.problem.domains[operand]
        if product is not None:
            return [value for value in divisors(product) if value in domain]
        count = domain.count
        return None if count is None or count > MOST_CASES else list(domain)

    def verdict(self, *assumptions: Any) -> bool:
        """Whether there is an assignment. Raises UndecidedError where z3 does not say."""
        self.interrupts.stop()
        self.deadline.check()
        left = min(self.deadline.remaining, 1e6)
        self.solver.set("timeout", int(left * 1000) + LATE)
        try:
            verdict = self.solver.check(*assumptions)
        except z3.Z3Exception as error:
            raise UndecidedError(why(OVERFULL if self.full else str(error))) from None
        if verdict == z3.unknown:
            reason = OVERFULL if self.full else self.solver.reason_unknown()
            if self.interrupts.main and reason.startswith(("cancel", "interrupt")) and not self.deadline.passed:
                raise KeyboardInterrupt
            raise UndecidedError(why(reason))
        return bool(verdict == z3.sat)

    def check(self, *assumptions: Any) -> Assignment | None:
        """An assignment; None where there is none. Raises UndecidedError where z3 does not say."""
        if not self.verdict(*assumptions):
            return None
        found = self.solver.model()
        defined = {factor.output for factor in self.problem.factors}
        values = {
            variable: found.eval(term.expr, model_completion=True).as_long()
            for variable, term in self.terms.items()
            if variable not in defined
        }
        return self.problem.complete(values)

    def best(self, improving: Deadline) -> Assignment | None:
        """The assignment with the least cost, then with the least of every unknown that has too many values to list.

        What was found stays where time or memory is not enough for a better one.
        """
        self.found = self.check()
        if self.found is not None:
            self.deadline = improving
            with suppress(UndecidedError, z3.Z3Exception):
                self.improve()
        return self.found

    def improve(self) -> None:
        """Look for the least cost, then for the least of every unknown that has too many values to list."""
        costs = [(cost, self.total(cost)) for cost in self.problem.costs]
        if costs:
            self.tighten(lambda values: sum(_cost(cost, values) for cost, _ in costs), [total for _, total in costs])
        defined = {factor.output for factor in self.problem.factors}
        for variable, domain in self.problem.domains.items():
            if variable not in defined and (domain.count is None or domain.count > MOST_VALUES):
                self.tighten(itemgetter(variable), [self.terms[variable].expr])

    def tighten(self, measure: Callable[[Assignment], int], parts: list[Any]) -> None:
        """Make the sum of the parts as small as time allows, by halving the room below the best that is known."""
        assert self.found is not None  # noqa: S101 - there is a first one
        total = z3.FreshInt("total", self.context)
        self.solver.add(total == z3.Sum(parts), total >= 0)
        low, high = 0, measure(self.found)
        while low < high:
            bound = low if low == 0 else (low + high) // 2
            guard = z3.FreshBool("bound", self.context)
            self.solver.add(z3.Implies(guard, total <= bound))
            try:
                better = self.check(guard)
            except UndecidedError:
                break
            if better is None:
                low = bound + 1
            else:
                self.found, high = better, measure(better)
        self.solver.add(total <= high)

    def total(self, cost: Cost) -> Any:
        """A cost as a term."""
        value = z3.FreshInt("cost", self.context)
        for condition, operands in self.split(cost.operands, cost.cases):
            self.solver.add(z3.Implies(condition, value == expression_of(cost.formula(*operands), self.context)))
        return value


def _cost(cost: Cost, values: Assignment) -> int:
    return int(cost.formula(*(values[v] if isinstance(v, Variable) else v for v in cost.operands)))


def _pinned(problem: Problem) -> Mapping[Variable | None, int]:
    """The variables that the document gives a value."""
    return {
        variable: value
        for factor in problem.factors
        if factor.formula is EQUAL
        for variable, value in (factor.operands, factor.operands[::-1])
        if isinstance(variable, Variable) and isinstance(value, int)
    }
