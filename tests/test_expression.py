"""Constraints mean what Python would mean by them, and no text does anything but be one or be refused."""

import ast
import inspect
import keyword
import pickle
import re
import sys
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from netsolve import arith, parser
from netsolve.expression import Expression, ExpressionError, Reference, Target, resolve
from netsolve.parser import parse

ALLOWED = (
    "allowed are names such as conv2d_1.padding or input[1], integers, + - * // %, comparisons, "
    "and, or, not, min, max, abs and round brackets"
)
NAMES = ("k", "a.padding", "a.out[1]", "features[0].padding", "stage[0][1].out[2]", "input[1]")
TOKENS = """0 1 7 + - * // % ( ) , == != < <= > >= and or not min( max( abs( . [ ] ** / = if else in is lambda :"""
FRAGMENTS = (*NAMES, *TOKENS.split(), "\n")


def value_of(numbers: dict[str, Any]) -> Callable[[Reference], Any]:
    """Look references up by their spelling."""
    return lambda reference: numbers[str(reference)]


def refusal(text: str) -> ExpressionError:
    """Parse what must be refused."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    return caught.value


# Trees are built as Python's own, printed by Python with the fewest brackets, and judged by Python.


def _name(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _call(name: str) -> Callable[[list[ast.expr]], ast.expr]:
    return lambda arguments: ast.Call(ast.Name(name), arguments, [])


def _compare(first: ast.expr, rest: list[tuple[ast.cmpop, ast.expr]]) -> ast.expr:
    return ast.Compare(first, [sign for sign, _ in rest], [right for _, right in rest])


def _arithmetic(below: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.expr]:
    signs = st.sampled_from([ast.Add(), ast.Sub(), ast.Mult(), ast.FloorDiv(), ast.Mod()])
    return st.one_of(
        st.builds(ast.BinOp, below, signs, below),
        st.builds(ast.UnaryOp, st.sampled_from([ast.USub(), ast.UAdd()]), below),
        st.builds(_call("min"), st.lists(below, min_size=2, max_size=4)),
        st.builds(_call("max"), st.lists(below, min_size=2, max_size=4)),
        st.builds(_call("abs"), st.lists(below, min_size=1, max_size=1)),
    )


def _logic(below: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.expr]:
    return st.one_of(
        st.builds(ast.BoolOp, st.sampled_from([ast.And(), ast.Or()]), st.lists(below, min_size=2, max_size=3)),
        st.builds(ast.UnaryOp, st.just(ast.Not()), below),
    )


def _texts() -> st.SearchStrategy[str]:
    leaves = st.one_of(st.builds(ast.Constant, st.integers(0, 9)), st.sampled_from(NAMES).map(_name))
    numbers = st.recursive(leaves, _arithmetic, max_leaves=6)
    signs = st.sampled_from([ast.Eq(), ast.NotEq(), ast.Lt(), ast.LtE(), ast.Gt(), ast.GtE()])
    comparisons = st.builds(_compare, numbers, st.lists(st.tuples(signs, numbers), min_size=1, max_size=3))
    return st.recursive(comparisons, _logic, max_leaves=4).map(ast.unparse)


def _namespace(numbers: dict[str, int]) -> dict[str, Any]:
    layer = SimpleNamespace(padding=numbers["a.padding"], out=[None, numbers["a.out[1]"]])
    block = SimpleNamespace(out=[None, None, numbers["stage[0][1].out[2]"]])
    return {
        "k": numbers["k"],
        "a": layer,
        "features": [SimpleNamespace(padding=numbers["features[0].padding"])],
        "stage": [[None, block]],
        "input": [None, numbers["input[1]"]],
    }


def _divisors(text: str) -> list[ast.expr]:
    nodes = ast.walk(ast.parse(text, mode="eval"))
    return [node.right for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Mod)]


def _python(text: str, numbers: dict[str, int]) -> Any:
    return eval(text, _namespace(numbers))  # noqa: S307 - the judge, on texts that this file made


def _expected(text: str, numbers: dict[str, int]) -> bool:
    """Judge by Python; a divisor below 1 anywhere means no."""
    try:
        if any(_python(ast.unparse(divisor), numbers) < 1 for divisor in _divisors(text)):
            return False
    except ZeroDivisionError:
        return False
    return bool(_python(text, numbers))


def _parsed(text: str) -> Expression:
    """Parse what Python printed; it is refused where, and only where, a divisor without names is below 1."""
    named = [{node.id for node in ast.walk(divisor) if isinstance(node, ast.Name)} for divisor in _divisors(text)]
    constants = [
        divisor for divisor, names in zip(_divisors(text), named, strict=True) if names <= {"min", "max", "abs"}
    ]
    if any(not _expected(f"1 // ({ast.unparse(constant)}) < 2", dict.fromkeys(NAMES, 0)) for constant in constants):
        assert refusal(text).text == "a divisor must be at least 1"
        reject()
    return parse(text)


NUMBERS = st.fixed_dictionaries({name: st.integers(-3, 9) for name in NAMES})


@settings(max_examples=400, deadline=None)
@given(_texts(), NUMBERS)
def test_integers_as_in_python(text: str, numbers: dict[str, int]) -> None:
    """What Python says of a constraint's text is what evaluation says."""
    assume(len(text) <= parser.MAX_LENGTH)
    assert _parsed(text).evaluate(value_of(numbers)) is _expected(text, numbers)


class FakeTerm(arith.Term):
    """A number or truth value in several worlds at once; refuses all that a linear solver cannot do."""

    def __init__(self, *worlds: Any) -> None:
        """Keep what the term is in each world."""
        self.worlds = worlds

    def __bool__(self) -> bool:
        """Refuse: a solver's term is neither true nor false."""
        raise AssertionError

    __hash__ = None  # type: ignore[assignment]  # terms are compared, never kept in sets

    def _with(self, other: Any, function: Callable[[Any, Any], Any]) -> "FakeTerm":
        others = other.worlds if isinstance(other, FakeTerm) else (other,) * len(self.worlds)
        return FakeTerm(*(function(mine, yours) for mine, yours in zip(self.worlds, others, strict=True)))

    def _with_integer(self, other: Any, function: Callable[[Any, Any], Any]) -> "FakeTerm":
        assert type(other) is int, "not linear"
        return self._with(other, function)

    def __add__(self, other: Any) -> "FakeTerm":
        return self._with(other, lambda x, y: x + y)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "FakeTerm":
        return self._with(other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> "FakeTerm":
        return self._with(other, lambda x, y: y - x)

    def __mul__(self, other: Any) -> "FakeTerm":
        return self._with_integer(other, lambda x, y: x * y)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> "FakeTerm":
        return self._with_integer(other, lambda x, y: x // y)

    def __mod__(self, other: Any) -> "FakeTerm":
        return self._with_integer(other, lambda x, y: x % y)

    def __neg__(self) -> "FakeTerm":
        return self._with(0, lambda x, _: -x)

    def __eq__(self, other: object) -> "FakeTerm":  # type: ignore[override]  # a comparison of terms is a term
        return self._with(other, lambda x, y: x == y)

    def __ne__(self, other: object) -> "FakeTerm":  # type: ignore[override]  # a comparison of terms is a term
        return self._with(other, lambda x, y: x != y)

    def __lt__(self, other: Any) -> "FakeTerm":
        return self._with(other, lambda x, y: x < y)

    def __le__(self, other: Any) -> "FakeTerm":
        return self._with(other, lambda x, y: x <= y)

    def __gt__(self, other: Any) -> "FakeTerm":
        return self._with(other, lambda x, y: x > y)

    def __ge__(self, other: Any) -> "FakeTerm":
        return self._with(other, lambda x, y: x >= y)

    def choose(self, yes: Any, no: Any) -> "FakeTerm":
        """Choose in each world."""
        chosen = self._with(yes, lambda mine, value: (mine, value))
        return chosen._with(no, lambda pair, value: pair[1] if pair[0] else value)  # noqa: SLF001 - terms of this file

    def conjoin(self, other: Any) -> "FakeTerm":
        """Hold where both do."""
        return self._with(other, lambda x, y: x and y)

    def negate(self) -> "FakeTerm":
        """Hold where this does not."""
        return self._with(0, lambda x, _: not x)


@settings(max_examples=400, deadline=None)
@given(_texts(), NUMBERS, NUMBERS)
def test_terms_as_integers(text: str, first: dict[str, int], second: dict[str, int]) -> None:
    """With its cases fixed, a constraint on terms is linear, takes no truth value, and says what integers say."""
    assume(len(text) <= parser.MAX_LENGTH)
    constraint = _parsed(text)
    fixed = {str(reference) for reference in constraint.cases}
    second |= {name: first[name] for name in fixed}
    terms = {name: first[name] if name in fixed else FakeTerm(first[name], second[name]) for name in NAMES}
    held = constraint.evaluate(value_of(terms))
    worlds = held.worlds if isinstance(held, FakeTerm) else (held, held)
    assert worlds == (_expected(text, first), _expected(text, second))


def test_terms_are_not_decided() -> None:
    """A truth value comes back as a term, and each distinct reference is asked for once."""
    asked: list[str] = []

    def value(reference: Reference) -> FakeTerm:
        asked.append(str(reference))
        return FakeTerm(*range(6))

    constraint = parse("0 <= k < 3 and not (k == 2 or min(k, a.stride) == abs(k - 1))")
    assert constraint.evaluate(value).worlds == (True, True, False, False, False, False)
    assert asked == ["k", "a.stride"]


def test_a_divisor_that_is_a_term_must_be_positive() -> None:
    """Even a solver that fixes nothing gets the condition on divisors."""

    class Divisible(FakeTerm):
        def __rmod__(self, other: int) -> FakeTerm:
            return self._with(other, lambda x, y: 99 if x == 0 else y % x)

    held = parse("7 % k != 1").evaluate(lambda _: Divisible(-4, 0, 1, 2, 4))
    assert held.worlds == (False, False, True, False, True)


@pytest.mark.parametrize(
    ("text", "numbers", "holds"),
    [
        ("a.stride // k == 3", {"a.stride": 7, "k": 2}, True),
        ("-a.stride // k == -4", {"a.stride": 7, "k": 2}, True),
        ("k == k or 1 % k == 0", {"k": 0}, False),
        ("not 1 // k == 5", {"k": 0}, False),
        ("not 1 // k == 5", {"k": -1}, False),
        ("not 1 // k == 5", {"k": 1}, True),
        ("1 // (1 // k) == 1", {"k": 2}, False),
        ("- - k == + k", {"k": 2}, True),
        ("2 * k // 4 == 3", {"k": 7}, True),
        ("2 * k % 4 == 2", {"k": 7}, True),
        ("k == 1 or k == 1 and k == 2", {"k": 1}, True),
        ("0 <= k < 3", {"k": 3}, False),
        ("0 <= k != 3 > k", {"k": 2}, True),
        ("features [ 0 ] . padding\t<= 2", {"features[0].padding": 2}, True),
        ("2 - 1 - 1 == 0 and 7 // 2 * 2 == 6 and 2147483647 > 0", {}, True),
        ("min.padding == in_.lambda.x", {"min.padding": 1, "in_.lambda.x": 1}, True),
    ],
)
def test_evaluate(text: str, numbers: dict[str, int], holds: bool) -> None:
    """Single cases, with the answers written by hand."""
    assert parse(text).evaluate(value_of(numbers)) is holds


def test_references() -> None:
    """References are distinct, in order, and know their parts and column."""
    constraint = parse("stage1[0].conv2d_1.out[1] == k + input[1] * 2 - k")
    assert [reference.parts for reference in constraint.references] == [
        ("stage1", 0, "conv2d_1", "out", 1),
        ("k",),
        ("input", 1),
    ]
    assert [reference.column for reference in constraint.references] == [1, 30, 34]
    assert [str(reference) for reference in constraint.references] == ["stage1[0].conv2d_1.out[1]", "k", "input[1]"]
    assert constraint.references[1] == Reference(("k",), 99)
    assert constraint.text == "stage1[0].conv2d_1.out[1] == k + input[1] * 2 - k"


@pytest.mark.parametrize(
    ("text", "cases"),
    [
        ("a.x + b.x == 2 * c.x", ""),
        ("a.x * 2 == 3 * (b.x + 1)", ""),
        ("a.x * b.x == 1", "b.x"),
        ("a.x * a.x == 1", "a.x"),
        ("a.x * (b.x + c.x) == 1", "a.x"),
        ("(a.x + b.x) * c.x == 1", "c.x"),
        ("(a.x + a.x) * (b.x + c.x) == 1", "a.x"),
        ("(a.x + b.x) * (c.x + d.x) == 1", "c.x d.x"),
        ("a.x * b.x * c.x == 1", "b.x c.x"),
        ("a.x // 2 + b.x % 3 == 1", ""),
        ("a.x // (b.x + min(c.x, 2)) == 1", "b.x c.x"),
        ("1 % k == 0 or 2 * a.x == k", "k"),
        ("-a.x * abs(b.x) == 1", "b.x"),
    ],
)
def test_cases(text: str, cases: str) -> None:
    """Divisors, and the smaller side of a product."""
    assert sorted(map(str, parse(text).cases)) == cases.split()


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a.padding", 1, "a constraint is a comparison such as a.padding == 1; this is a number"),
        ("(a.padding + 1)", 1, "a constraint is a comparison such as a.padding == 1; this is a number"),
        ("", 1, "the constraint ends where a name or integer should follow"),
        ("a.x ==  ", 9, "the constraint ends where a name or integer should follow"),
        ("1 + (k == 1) == 2", 5, "+ takes numbers; this is a truth value"),
        ("k == (k == 1)", 6, "== takes numbers; this is a truth value"),
        ("k == not k == 1", 6, "== takes numbers; this is a truth value"),
        ("min(k, k == 1) == 2", 8, "min takes numbers; this is a truth value"),
        ("-(k == 1) == 2", 2, "- takes numbers; this is a truth value"),
        ("k == 1 and k", 12, "and takes comparisons such as a.padding == 1; this is a number"),
        ("not k", 5, "not takes comparisons such as a.padding == 1; this is a number"),
        ("__import__('os')", 1, "'__import__' is not allowed: such names are Python's own"),
        ("a.__class__ == 1", 1, "'__class__' is not allowed: such names are Python's own"),
        ("open('x') == 1", 5, "'(' cannot stand here: only min, max and abs can be called"),
        ("a.min(1) == 1", 6, "'(' cannot stand here: only min, max and abs can be called"),
        ("lambda: 1", 1, f"'lambda' cannot stand here: {ALLOWED}"),
        ("k if k == 1 else 2", 3, f"'if' cannot stand here: {ALLOWED}"),
        ("k in k", 3, f"'in' cannot stand here: {ALLOWED}"),
        ("k k", 3, f"'k' cannot stand here: {ALLOWED}"),
        ("[k for k in input] == 1", 1, f"'[' cannot stand here: {parser._REMEDIES['[']}"),  # noqa: SLF001 - the texts stand once
        ("f'{k}' == 1", 2, '"\'" cannot stand here: strings are not allowed'),
        ('k == "1"', 6, "'\"' cannot stand here: strings are not allowed"),
        ("(k := 1) == 1", 4, f"':=' cannot stand here: {ALLOWED}"),
        ("k = 1", 3, "'=' cannot stand here: to compare, write =="),
        ("k / 2 == 1", 3, "'/' cannot stand here: to divide, write //, which rounds down"),
        ("k == 10**12", 8, f"'**' cannot stand here: {ALLOWED}"),
        ("k == 1 & k == 2", 8, "'&' cannot stand here: write and"),
        ("k == 1 || k == 2", 8, "'||' cannot stand here: write or"),
        ("!k == 1", 1, "'!' cannot stand here: write not"),
        (
            "k == True",
            6,
            "'True' cannot stand here: write 1 for true and 0 for false, as in maxpool2d_1.ceil_mode == 1",
        ),
        ("k == None", 6, f"'None' cannot stand here: {ALLOWED}"),
        ("k == 1.5", 6, "'1.5' is not an integer from 0 to 2147483647 in plain digits"),
        ("k == 2j", 6, "'2j' is not an integer from 0 to 2147483647 in plain digits"),
        ("k == 1e5", 6, "'1e5' is not an integer from 0 to 2147483647 in plain digits"),
        ("k == 0x10", 6, "'0x10' is not an integer from 0 to 2147483647 in plain digits"),
        ("k == 1_0", 6, "'1_0' is not an integer from 0 to 2147483647 in plain digits"),
        ("k == 007", 6, "'007' is not an integer from 0 to 2147483647 in plain digits"),
        ("k == 2147483648", 6, "'2147483648' is not an integer from 0 to 2147483647 in plain digits"),
        ("a.x[2147483648] == 1", 1, "'2147483648' is not an integer from 0 to 2147483647 in plain digits"),
        ("k == " + "9" * 900, 6, f"'{'9' * 37}...' is not an integer from 0 to 2147483647 in plain digits"),
        ("a.x[-1] == 1", 4, f"'[' cannot stand here: {parser._REMEDIES['[']}"),  # noqa: SLF001 - the texts stand once
        ("features.0.padding == 1", 9, f"'.' cannot stand here: {parser._REMEDIES['.']}"),  # noqa: SLF001 - the texts stand once
        ("k // 0 == 1", 6, "a divisor must be at least 1"),
        ("k % -1 == 1", 5, "a divisor must be at least 1"),
        ("k % (2 - 2 * 1) == 1", 5, "a divisor must be at least 1"),
        ("min(k) == 1", 1, "min takes two or more numbers"),
        ("abs(k, 2) == 1", 1, "abs takes one number"),
        ("max() == 1", 5, f"')' cannot stand here: {ALLOWED}"),
        ("min(k, 1,) == 1", 10, f"')' cannot stand here: {ALLOWED}"),
        ("(k, 1) == 1", 3, "',' cannot stand here: a comma stands between the arguments of min and max"),
        ("k == 1, k == 2", 7, "',' cannot stand here: a comma stands between the arguments of min and max"),
        ("2 * (k == 1", 5, "this round bracket is never closed"),
        ("k == 1)", 7, "this round bracket was never opened"),
        ("k == 1 # no", 8, "'#' cannot stand here: comments are not allowed"),
        ("k == 1\n", 7, "'\\n' cannot stand here: a constraint is one line"),
        ("k == 1\0", 7, f"'\\x00' cannot stand here: {ALLOWED}"),
        ("k == 1\x0c", 7, f"'\\x0c' cannot stand here: {ALLOWED}"),
        ("k == ２", 6, "'２' cannot stand here: names consist of the letters a-z and A-Z, digits and _"),  # noqa: RUF001 - the letter is what is tested
        ("café == 1", 4, "'é' cannot stand here: names consist of the letters a-z and A-Z, digits and _"),
        ("k\u00a0== 1", 2, "'\\xa0' cannot stand here: names consist of the letters a-z and A-Z, digits and _"),
        ("k == 1\ud800", 7, "'\\ud800' cannot stand here: names consist of the letters a-z and A-Z, digits and _"),
        ("-" * 100_000, 1001, "a constraint has at most 1,000 characters; this one has 100,000"),
        ("-" * 1_000, 51, "brackets, signs and not are nested at most 50 deep"),
        ("(" * 1_000, 51, "brackets, signs and not are nested at most 50 deep"),
        ("not " * 250, 201, "brackets, signs and not are nested at most 50 deep"),
        ("abs(" * 250, 201, "brackets, signs and not are nested at most 50 deep"),
    ],
)
def test_refused(text: str, column: int, message: str) -> None:
    """Everything else is refused, with what is wrong and where."""
    error = refusal(text)
    assert (error.text, error.column) == (message, column)


def test_negative_indices_are_named() -> None:
    """The message of a bad index says that negative ones are refused; that of a dotted number shows the index."""
    assert refusal("a.x[-1] == 1").text == (
        "'[' cannot stand here: an index stands after a name and is an integer such as 0 or 1; "
        "negative ones are not allowed"
    )
    assert refusal("features.0.padding == 1").text == (
        "'.' cannot stand here: a dot stands between names; a number in a name is an index, as in features[0].padding"
    )


def test_the_error_shows_the_place() -> None:
    """Below the text stands the expression, with a caret under the column."""
    assert str(refusal("k = 1")) == "'=' cannot stand here: to compare, write ==\n    k = 1\n      ^"
    shown = "\N{REPLACEMENT CHARACTER}k\N{REPLACEMENT CHARACTER}== 1"
    assert str(refusal("\tk\n== 1")).splitlines()[1:] == [f"    {shown}", "      ^"]
    assert str(refusal("k == ")) == "the constraint ends where a name or integer should follow\n    k ==\n         ^"


def test_the_error_shows_a_part_of_a_long_text() -> None:
    """A caret never points past the part that is shown."""
    _, shown, caret = str(refusal("k + " * 200 + "k = 1")).splitlines()
    assert len(shown) <= 104
    assert shown[caret.index("^")] == "="


def test_errors_and_constraints_survive_pickling() -> None:
    """Both travel between processes."""
    error = refusal("k = 1")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in the same line
    assert (again.text, again.column, str(again)) == (error.text, error.column, str(error))
    constraint = pickle.loads(pickle.dumps(parse("0 <= k < 3 and min(k, 1, 2) == 1 // k")))  # noqa: S301 - made in the same line
    assert [constraint.evaluate(lambda _, k=k: k) for k in range(4)] == [False, True, False, False]


def test_the_limits_themselves_are_allowed() -> None:
    """1,000 characters and 50 levels pass, one more does not; what is closed does not count."""
    longest = "k" + "+k" * 496 + "==497".rjust(7)
    assert parse(longest).evaluate(lambda _: 1) is True
    assert refusal(longest + " ").text.startswith("a constraint has at most 1,000 characters")
    for opening, closing in [("(", ")"), ("abs(", ")"), ("-", "")]:
        deep = opening * 50 + "k" + closing * 50
        assert parse(deep + " == 1").evaluate(lambda _: 1) is True
        assert refusal(opening + deep + closing + " == 1").text.endswith("at most 50 deep")
    assert parse("not " * 50 + "k == 1").evaluate(lambda _: 1) is True
    assert parse("(a.x == 1) and " * 60 + "(a.x == 1)").evaluate(lambda _: 1) is True


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("-(" * 25 + "k" + ")" * 25 + "+k-k" * 200 + " == -1", True),
        ("(k + k * " * 50 + "k" + ")" * 50 + " == 51", True),
        ("not (" * 25 + "k == 1" + ")" * 25, False),
        ("(k == 1 or " * 50 + "k == 2" + ")" * 50, True),
    ],
)
def test_no_recursion(text: str, holds: bool) -> None:
    """Neither depth nor length uses Python's stack: twenty frames are enough."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 20)
    try:
        held = parse(text).evaluate(lambda _: 1)
    finally:
        sys.setrecursionlimit(before)
    assert held is holds


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_constraint_or_refused(text: str) -> None:
    """Nothing but an ExpressionError is ever raised, nor a warning given, and its message can be printed."""
    _only_refused(text)


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14), st.sampled_from(["", " "]))
def test_any_tokens_are_a_constraint_or_refused(fragments: list[str], space: str) -> None:
    """What is accepted is Python too, and means the same."""
    text = space.join(fragments)
    constraint = _only_refused(text)
    if constraint:
        numbers = dict.fromkeys(NAMES, 2)
        asked = {str(reference) for reference in constraint.references}
        if asked <= set(NAMES):
            assert constraint.evaluate(value_of(numbers)) is _expected(text, numbers)
        elif not any(map(keyword.iskeyword, re.findall(r"\w+", " ".join(asked)))):
            ast.parse(text, mode="eval")  # a layer may be called `in`, which Python takes for a word of its own


def _only_refused(text: str) -> Expression | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return parse(text)
        except ExpressionError as error:
            refused = error
    str(refused).encode()
    assert 1 <= refused.column <= len(text) + 1
    return None


LAYERS = {"stem", "conv2d_1", "features.0", "features", "features.0.padding", "stage1.0.conv2d_1", "a.b"}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("conv2d_1.padding", Target("conv2d_1", "padding", None)),
        ("stem.out[1]", Target("stem", "out", 1)),
        ("features[0].stride", Target("features.0", "stride", None)),
        ("features[0].padding[1]", None),
        ("features[0].padding.padding[1]", Target("features.0.padding", "padding", 1)),
        ("features.out[1]", Target("features", "out", 1)),
        ("stage1[0].conv2d_1.out[1]", Target("stage1.0.conv2d_1", "out", 1)),
        ("a.b.c", Target("a.b", "c", None)),
        ("input[1]", Target("input", None, 1)),
        ("k", Target("k", None, None)),
    ],
)
def test_resolve(text: str, target: Target | None) -> None:
    """The longest layer name wins, also where a shorter one would do."""
    (reference,) = parse(f"{text} == 1").references
    if target:
        assert resolve(reference, LAYERS, {"input"}, {"k"}) == target
    else:
        with pytest.raises(ExpressionError):
            resolve(reference, LAYERS, {"input"}, {"k"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv2d1.padding", "no layer, input or named unknown is called conv2d1; did you mean conv2d_1?"),
        ("feature[0].padding", "no layer, input or named unknown is called feature[0]; did you mean features[0]?"),
        ("features0.out[1]", "no layer, input or named unknown is called features0; did you mean features?"),
        ("inptu[1]", "no layer, input or named unknown is called inptu; did you mean input?"),
        ("width2", "no layer, input or named unknown is called width2; did you mean width?"),
        ("zzz.padding", "no layer, input or named unknown is called zzz"),
        ("stem", None),
        ("stem[1]", None),
        ("stem.out[1][2]", None),
        ("stem.out.x", None),
        ("width[0]", "width[0] is not a number: width is a named unknown and stands alone"),
        ("width.x", "width.x is not a number: width is a named unknown and stands alone"),
        ("input", "input is not a number: input is an input, behind which stands one index, such as input[0]"),
        (
            "input[0][1]",
            "input[0][1] is not a number: input is an input, behind which stands one index, such as input[0]",
        ),
    ],
)
def test_resolve_refuses(text: str, message: str | None) -> None:
    """A reference to nothing, or to something that is not a number, says what would be right."""
    layer = (
        f"{text} is not a number: after the layer stem comes one argument, such as stem.padding, "
        "and at most one index, such as stem.out[0]"
    )
    (reference,) = parse(f"1 == {text}").references
    with pytest.raises(ExpressionError) as caught:
        resolve(reference, LAYERS, ["input"], ("width",), f"1 == {text}")
    assert str(caught.value) == f"{message or layer}\n    1 == {text}\n         ^"


def test_did_you_mean_is_quick() -> None:
    """A hundred thousand layers, all alike, do not make a mistake expensive."""
    layers = {f"block.{number}.conv2d_{number}": None for number in range(100_000)}
    (reference,) = parse("block[77].conv2d_7x.padding == 1").references
    started = time.perf_counter()
    with pytest.raises(ExpressionError, match="did you mean"):
        resolve(reference, layers, (), ())
    assert time.perf_counter() - started < 1
