"""Arithmetic that reads the same for integers and for the terms of a solver.

Formulas of operators are written once, on integers. A solver calls them with terms of its own. `+ - * //`
and comparisons are overloaded by the terms; what Python does not let one overload is here.
"""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Term(Protocol):
    """What a solver's term answers to besides `+ - * // %` and comparisons; a truth value is a term too."""

    def choose(self, yes: Any, no: Any) -> Any:
        """`yes` where this truth value holds, otherwise `no`."""
        ...

    def conjoin(self, other: Any) -> Any:
        """Both truth values hold."""
        ...

    def negate(self) -> Any:
        """The truth value does not hold."""
        ...


def is_term(value: Any) -> bool:
    """Whether a value is a solver's term; integers are told by themselves, which is twenty times as fast."""
    return not isinstance(value, int) and isinstance(value, Term)


def where(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` if the condition holds, otherwise `no`."""
    if is_term(condition):
        return condition.choose(yes, no)
    return yes if condition else no


def both(left: Any, right: Any) -> Any:
    """Both truth values hold."""
    if is_term(left):
        return left.conjoin(right)
    if is_term(right):
        return right.conjoin(left)
    return bool(left) and bool(right)


def negate(value: Any) -> Any:
    """The truth value does not hold."""
    return value.negate() if is_term(value) else not value


def either(left: Any, right: Any) -> Any:
    """At least one of the truth values holds."""
    return negate(both(negate(left), negate(right)))


def minimum(left: Any, right: Any) -> Any:
    """The smaller of two numbers."""
    return where(left <= right, left, right)


def maximum(left: Any, right: Any) -> Any:
    """The larger of two numbers."""
    return where(left >= right, left, right)


def absolute(value: Any) -> Any:
    """The distance of a number from zero."""
    return where(value >= 0, value, -value)


def ceil_div(value: Any, divisor: Any) -> Any:
    """The quotient rounded up; the divisor is positive."""
    return -((-value) // divisor)
