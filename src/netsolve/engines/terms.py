"""What formulas of operators are called with to become z3's constraints.

A quotient is a fresh integer between two bounds, since z3 decides that far faster than its own division (which moreover
rounds differently below zero).
"""

from typing import Any

import z3

from netsolve import arith


class Term(arith.Term):
    """An integer or a truth value of z3's, with Python's arithmetic."""

    __hash__ = None  # type: ignore[assignment]  # a term compared is a term, so it cannot be a key
    __slots__ = ("expr", "solver")

    def __init__(self, expr: Any, solver: z3.Solver) -> None:
        """Wrap an expression; quotients add what defines them to the solver."""
        self.expr, self.solver = expr, solver

    def _with(self, expr: Any) -> "Term":
        return Term(expr, self.solver)

    def __bool__(self) -> bool:
        """Refuse: a term has no truth value yet, and asking for one is a fault in a formula."""
        msg = "a term has no truth value"
        raise TypeError(msg)

    def __add__(self, other: Any) -> "Term":
        """Sum."""
        return self._with(self.expr + expression_of(other, self.solver.ctx))

    def __sub__(self, other: Any) -> "Term":
        """Difference."""
        return self._with(self.expr - expression_of(other, self.solver.ctx))

    def __rsub__(self, other: Any) -> "Term":
        """Difference."""
        return self._with(expression_of(other, self.solver.ctx) - self.expr)

    def __mul__(self, other: Any) -> "Term":
        """Product; one side is an integer wherever its values could be enumerated."""
        return self._with(self.expr * expression_of(other, self.solver.ctx))

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Term":
        """Negation."""
        return self._with(-self.expr)

    def __pos__(self) -> "Term":
        """The term itself."""
        return self

    def __floordiv__(self, divisor: int) -> "Term":
        """The quotient rounded down; the divisor is a positive integer."""
        if divisor == 1:
            return self
        quotient = z3.FreshInt("q", self.solver.ctx)
        self.solver.add(divisor * quotient <= self.expr, self.expr < divisor * quotient + divisor)
        return self._with(quotient)

    def __mod__(self, divisor: int) -> "Term":
        """The remainder, from 0; the divisor is a positive integer."""
        return self - divisor * (self // divisor)

    def __lt__(self, other: Any) -> "Term":
        """Less."""
        return self._with(self.expr < expression_of(other, self.solver.ctx))

    def __le__(self, other: Any) -> "Term":
        """At most."""
        return self._with(self.expr <= expression_of(other, self.solver.ctx))

    def __gt__(self, other: Any) -> "Term":
        """Greater."""
        return self._with(self.expr > expression_of(other, self.solver.ctx))

    def __ge__(self, other: Any) -> "Term":
        """At least."""
        return self._with(self.expr >= expression_of(other, self.solver.ctx))

    def __eq__(self, other: object) -> Any:
        """Equal."""
        return self._with(self.expr == expression_of(other, self.solver.ctx))

    def __ne__(self, other: object) -> Any:
        """Different."""
        return self._with(self.expr != expression_of(other, self.solver.ctx))

    def choose(self, yes: Any, no: Any) -> "Term":
        """`yes` where this holds, otherwise `no`."""
        return self._with(z3.If(self.expr, expression_of(yes, self.solver.ctx), expression_of(no, self.solver.ctx)))

    def conjoin(self, other: Any) -> "Term":
        """Both hold."""
        return self._with(z3.And(self.expr, expression_of(other, self.solver.ctx)))

    def negate(self) -> "Term":
        """This does not hold."""
        return self._with(z3.Not(self.expr))


def expression_of(value: Any, context: z3.Context) -> Any:
    """z3's own expression of a term or a Python value."""
    if isinstance(value, Term):
        return value.expr
    return z3.BoolVal(value, context) if isinstance(value, bool) else z3.IntVal(value, context)
