"""Tests of netsolve.arith: integers here, z3's terms by evaluating them at the same integers."""

from collections.abc import Callable
from typing import Any

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from netsolve import arith
from netsolve.engines.terms import Term

NUMBERS = st.integers(-30, 30)
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[[int, int], Any]]] = {
    "minimum": (arith.minimum, min),
    "maximum": (arith.maximum, max),
    "absolute": (lambda a, b: arith.absolute(a) + b, lambda a, b: abs(a) + b),
    "where": (lambda a, b: arith.where(a < b, a - 1, b * 2), lambda a, b: a - 1 if a < b else b * 2),
    "both": (lambda a, b: arith.both(a > 0, b > 0), lambda a, b: a > 0 and b > 0),
    "either": (lambda a, b: arith.either(a > 0, b > 0), lambda a, b: a > 0 or b > 0),
    "negate": (lambda a, b: arith.negate(a == b), lambda a, b: a != b),
    "mixed truth": (lambda a, b: arith.both(True, arith.either(False, a <= b)), lambda a, b: a <= b),
    "reflected": (lambda a, b: 3 - a + 2 * b, lambda a, b: 3 - a + 2 * b),
    "differs": (lambda a, b: a != b, lambda a, b: a != b),
    "signs": (lambda a, b: -a + +b, lambda a, b: b - a),
}


def decided(build: Callable[..., Any], *values: int) -> Any:
    """What z3 says a formula of unknowns is where the unknowns have these values."""
    solver = z3.Solver()
    unknowns = [Term(z3.Int(f"x{i}"), solver) for i in range(len(values))]
    found = build(*unknowns).expr
    solver.add(*(unknown.expr == number for unknown, number in zip(unknowns, values, strict=True)))
    assert solver.check() == z3.sat
    answer = solver.model().eval(found, model_completion=True)
    return answer.as_long() if z3.is_int(answer) else z3.is_true(answer)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(a=NUMBERS, b=NUMBERS)
def test_functions_of_integers(name: str, a: int, b: int) -> None:
    ours, python = FUNCTIONS[name]
    assert ours(a, b) == python(a, b)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(a=NUMBERS, b=NUMBERS)
@settings(max_examples=15, deadline=None)
def test_functions_of_terms(name: str, a: int, b: int) -> None:
    ours, python = FUNCTIONS[name]
    assert decided(ours, a, b) == python(a, b)


@given(NUMBERS, st.integers(1, 9))
def test_ceil_div_rounds_up(value: int, divisor: int) -> None:
    assert (arith.ceil_div(value, divisor) - 1) * divisor < value <= arith.ceil_div(value, divisor) * divisor


@given(NUMBERS, st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_quotients_of_terms_round_down_below_zero_too(value: int, divisor: int) -> None:
    assert decided(lambda a: a // divisor, value) == value // divisor
    assert decided(lambda a: a % divisor, value) == value % divisor
    assert decided(lambda a: arith.ceil_div(a, divisor), value) == -(-value // divisor)


def test_a_term_has_no_truth_value() -> None:
    term = Term(z3.Int("x"), z3.Solver())
    with pytest.raises(TypeError, match=r"^a term has no truth value$"):
        bool(term == 1)
