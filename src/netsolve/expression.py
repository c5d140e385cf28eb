"""The constraints of a document: read without Python's own parser, evaluated on integers or solver terms alike.

A constraint is turned into postfix code by two stacks. Neither reading nor evaluating recurses, so no text,
however nested, can exhaust the interpreter; and nothing is ever handed to Python to run.
"""

import keyword
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial, reduce
from itertools import chain, islice
from typing import Any, NamedTuple, NoReturn

from netsolve.arith import absolute, both, either, maximum, minimum, negate

MAX_LENGTH = 1000
MAX_DEPTH = 50
MAX_INTEGER = 2**31 - 1

_QUOTED_LENGTH = 40
_GUESSED_LENGTH, _GUESSED_DIFFERENCE = 80, 3

_NAME = r"[A-Za-z_]\w*"
_PART = rf"[ \t]*(?:\.[ \t]*{_NAME}|\[[ \t]*(?:0|[1-9][0-9]*)[ \t]*\])"
_TOKEN = re.compile(
    rf"(?P<call>(?:min|max|abs)[ \t]*\()|(?P<name>{_NAME}(?:{_PART})*)|(?P<number>[0-9][\w.]*)"
    r"|(?P<sign>//|\*\*|[=!<>:]=|<>|&&|\|\||[^ \t])",
    re.ASCII,
)
_ALLOWED = (
    "allowed are names such as conv2d_1.padding or input[1], integers, + - * // %, comparisons, "
    "and, or, not, min, max, abs and round brackets"
)
_REMEDIES = {
    **dict.fromkeys(("True", "False"), "write 1 for true and 0 for false, as in maxpool2d_1.ceil_mode == 1"),
    **dict.fromkeys("'\"", "strings are not allowed"),
    **dict.fromkeys(("&", "&&"), "write and"),
    **dict.fromkeys(("|", "||"), "write or"),
    "!": "write not",
    "<>": "write !=",
    "=": "to compare, write ==",
    "/": "to divide, write //, which rounds down",
    "[": "an index stands after a name and is an integer such as 0 or 1; negative ones are not allowed",
    ".": "a dot stands between names; a number in a name is an index, as in features[0].padding",
    "(": "only min, max and abs can be called",
    ",": "a comma stands between the arguments of min and max",
    "#": "comments are not allowed",
    "\n": "a constraint is one line",
}


class ExpressionError(ValueError):
    """A constraint that is not in the language: `text` says what is wrong, `column` (from 1) where."""

    def __init__(self, text: str, column: int, expression: str = "") -> None:
        """Keep all three; the expression is shown under the text if it is known."""
        super().__init__(text, column, expression)
        self.text = text
        self.column = column
        self.expression = expression

    def __str__(self) -> str:
        """Give the text and, below it, the part of the expression that the column points at."""
        if not self.expression:
            return self.text
        first = max(0, self.column - 60)
        part = self.expression[first : first + 100]
        shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in part)
        return f"{self.text}\n    {shown.rstrip()}\n    {' ' * (self.column - 1 - first)}^"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name with its attributes and indices: `features[0].padding` has the parts "features", 0, "padding"."""

    parts: tuple[str | int, ...]
    column: int = field(compare=False)

    def __str__(self) -> str:
        """Spell the reference as a constraint writes it."""
        return _spelled(self.parts)


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference means: `owner` is a layer, or an input or named unknown, which have no attribute."""

    owner: str
    attribute: str | None
    index: int | None


@dataclass(frozen=True, slots=True)
class _Apply:
    """A step of postfix code: replace the last `count` values by the function of them."""

    function: Callable[..., Any]
    count: int


_Step = int | Reference | _Apply


@dataclass(frozen=True, slots=True)
class Expression:
    """A constraint that was read.

    references: all distinct ones, in the order of their first appearance; cases: those that a solver must fix to
    an integer before it evaluates, so that it never multiplies two unknowns and never divides by one.
    """

    text: str
    references: tuple[Reference, ...]
    cases: frozenset[Reference]
    _code: tuple[_Step, ...] = field(repr=False, compare=False)

    def evaluate(self, value: Callable[[Reference], Any]) -> Any:
        """Say whether the constraint holds, where `value` gives an integer or a solver's term for a reference.

        `value` is called once for each of `references`. A constraint with a divisor below 1 does not hold, wherever
        in it the division stands.
        """
        return _run(self._code, {reference: value(reference) for reference in self.references})

    def given(self, values: Mapping[str, int]) -> "Expression":
        """The constraint with integers in place of names that stand alone."""
        numbers = {r: values[str(r)] for r in self.references if str(r) in values}
        if not numbers:
            return self
        return Expression(
            self.replaced(values),
            tuple(r for r in self.references if r not in numbers),
            self.cases - numbers.keys(),
            tuple(numbers.get(step, step) if isinstance(step, Reference) else step for step in self._code),
        )

    def replaced(self, values: Mapping[str, int]) -> str:
        """The text with integers in place of names that stand alone."""
        return _TOKEN.sub(lambda at: str(values.get(at[0], at[0])) if at["name"] else at[0], self.text)


def parse(text: str) -> Expression:
    """Read a constraint; raises ExpressionError, and nothing else, for a text that is not one."""
    if len(text) > MAX_LENGTH:
        message = f"a constraint has at most {MAX_LENGTH:,} characters; this one has {len(text):,}"
        raise ExpressionError(message, MAX_LENGTH + 1, text)
    return _Parser(text).parse()


def resolve(
    reference: Reference,
    layers: Collection[str],
    inputs: Collection[str],
    unknowns: Collection[str],
    expression: str = "",
) -> Target:
    """Find what a reference means; the longest layer name wins, and numeric parts of layer names are indices.

    `expression` is the text the reference comes from, for the message of the ExpressionError.
    """
    match reference.parts:
        case (str(name),) if name in unknowns:
            return Target(name, None, None)
        case (str(name), int(index)) if name in inputs:
            return Target(name, None, index)
    names = [".".join(map(str, reference.parts[:size])) for size in range(1, len(reference.parts) + 1)]
    size = next((size for size in range(len(names), 0, -1) if names[size - 1] in layers), 0)
    match reference.parts[size:]:
        case (str(attribute),) if size:
            return Target(names[size - 1], attribute, None)
        case (str(attribute), int(index)) if size:
            return Target(names[size - 1], attribute, index)
    if size:
        layer = _spelled(reference.parts[:size])
        text = f"{reference} is not a number: after the layer {layer} comes one argument, such as {layer}.padding"
        text += f", and at most one index, such as {layer}.out[0]"
    elif names[0] in unknowns:
        text = f"{reference} is not a number: {names[0]} is a named unknown and stands alone"
    elif names[0] in inputs:
        text = f"{reference} is not a number: {names[0]} is an input, behind which stands one index, "
        text += f"such as {names[0]}[0]"
    else:
        text = f"no layer, input or named unknown is called {_owner(reference.parts)}"
        text += _did_you_mean(reference.parts, chain(layers, inputs, unknowns))
    raise ExpressionError(text, reference.column, expression)


def _spelled(parts: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if str(part).isdecimal() else f".{part}" for part in parts).removeprefix(".")


def _owner(parts: Sequence[str | int]) -> str:
    """Spell what is probably meant as the layer: all but the argument and its index."""
    size = len(parts) - isinstance(parts[-1], int)
    return _spelled(parts[: max(1, size - 1)])


def _did_you_mean(parts: Sequence[str | int], names: Iterable[str]) -> str:
    """Name the likeliest of the names; the work is bounded, for there may be 100,000 of them."""
    words = [word for word in (_owner(parts), _spelled(parts)) if len(word) <= _GUESSED_LENGTH]
    spelled = (_spelled(name.split(".")) for name in islice(names, 10_000))
    sizes = {len(word) + more for word in words for more in range(-_GUESSED_DIFFERENCE, _GUESSED_DIFFERENCE + 1)}
    near = list(islice((name for name in spelled if len(name) in sizes), 500))
    close = (get_close_matches(word, near, n=1, cutoff=0.7) for word in words)
    return next((f"; did you mean {found[0]}?" for found in close if found), "")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _QUOTED_LENGTH else text[: _QUOTED_LENGTH - 3] + "...")


def _run(code: Sequence[_Step], values: Mapping[Reference, Any]) -> Any:
    stack: list[Any] = []
    holds: Any = True
    for step in code:
        if not isinstance(step, _Apply):
            stack.append(values[step] if isinstance(step, Reference) else step)
            continue
        operands = stack[-step.count :]
        if step.function in _DIVISIONS:
            holds = both(holds, operands[1] >= 1)
            if holds is False:
                return False
        stack[-step.count :] = [step.function(*operands)]
    return stack[0] if holds is True else both(holds, stack[0])


def _compare(signs: Sequence[Callable[[Any, Any], Any]], *operands: Any) -> Any:
    """Compare all neighbours of a chain."""
    pairs = zip(signs, operands, operands[1:], strict=False)
    return reduce(both, (sign(left, right) for sign, left, right in pairs))


def _same(value: Any) -> Any:
    return value


_BRACKET, _NOT, _COMPARISON, _SIGN = 0, 3, 4, 7
_NESTING = (_BRACKET, _NOT, _SIGN)
_PREFIXES: dict[str, tuple[int, Callable[..., Any]]] = {
    "not": (_NOT, negate),
    "+": (_SIGN, _same),
    "-": (_SIGN, operator.neg),
}
_BINARIES: dict[str, tuple[int, Callable[..., Any]]] = {
    "or": (1, either),
    "and": (2, both),
    "==": (_COMPARISON, operator.eq),
    "!=": (_COMPARISON, operator.ne),
    "<": (_COMPARISON, operator.lt),
    "<=": (_COMPARISON, operator.le),
    ">": (_COMPARISON, operator.gt),
    ">=": (_COMPARISON, operator.ge),
    "+": (5, operator.add),
    "-": (5, operator.sub),
    "*": (6, operator.mul),
    "//": (6, operator.floordiv),
    "%": (6, operator.mod),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": minimum, "max": maximum, "abs": absolute}
_DIVISIONS = (operator.floordiv, operator.mod)
_LOGIC = (both, either, negate)


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


class _Part(NamedTuple):
    """An operand that was read: is it a truth value, where it begins in text and code, what it refers to."""

    truth: bool
    column: int
    begin: int
    references: frozenset[Reference]


@dataclass(slots=True)
class _Pending:
    """An operator or open bracket that waits for its operands to be complete."""

    name: str
    column: int
    level: int
    functions: list[Callable[..., Any]]
    count: int


class _Parser:
    """Reads one text, alternating between an operand and what may follow one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = (_Token(str(at.lastgroup), at[0], at.start() + 1) for at in _TOKEN.finditer(text))
        self.code: list[_Step] = []
        self.parts: list[_Part] = []
        self.pending: list[_Pending] = []
        self.references: dict[Reference, None] = {}
        self.cases: frozenset[Reference] = frozenset()

    def parse(self) -> Expression:
        self._operand()
        while self._operator():
            self._operand()
        (whole,) = self.parts
        if not whole.truth:
            self._refuse("a constraint is a comparison such as a.padding == 1; this is a number", whole.column)
        return Expression(self.text, tuple(self.references), self.cases, tuple(self.code))

    def _operand(self) -> None:
        """Read prefixes and opening brackets, then a number or reference."""
        while (token := self._next()).text in _PREFIXES or token.text == "(" or token.kind == "call":
            if token.text in _PREFIXES:
                level, function = _PREFIXES[token.text]
                self.pending.append(_Pending(token.text, token.column, level, [function], 1))
            else:
                name = token.text.rstrip("( \t")
                functions = [_FUNCTIONS[name]] if name else []
                self.pending.append(_Pending(name, token.column, _BRACKET, functions, 1))
            if sum(each.level in _NESTING for each in self.pending) > MAX_DEPTH:
                self._refuse(f"brackets, signs and not are nested at most {MAX_DEPTH} deep", token.column)
        if token.kind == "number":
            step: _Step = self._integer(token.text, token.column)
            references = frozenset[Reference]()
        else:
            step = self._reference(token)
            references = frozenset([step])
            self.references.setdefault(step)
        self.parts.append(_Part(False, token.column, len(self.code), references))  # noqa: FBT003 - no truth value
        self.code.append(step)

    def _operator(self) -> bool:
        """Read closing brackets, then an operator or comma; false at the end of the text."""
        while (token := self._next()).text == ")":
            self._reduce(_BRACKET + 1)
            self._close(token)
        if token.text in _BINARIES:
            self._binary(token)
            return True
        if token.text and token.text != ",":
            self._unexpected(token)
        self._reduce(_BRACKET + 1)
        if token.text:
            if not self.pending or not self.pending[-1].functions:
                self._unexpected(token)
            self.pending[-1].count += 1
        elif self.pending:
            self._refuse("this round bracket is never closed", self.pending[-1].column)
        return bool(token.text)

    def _binary(self, token: _Token) -> None:
        level, function = _BINARIES[token.text]
        chainable = level == _COMPARISON
        self._reduce(level + chainable)
        if chainable and self.pending and self.pending[-1].level == level:
            self.pending[-1].functions.append(function)
            self.pending[-1].count += 1
        else:
            self.pending.append(_Pending(token.text, token.column, level, [function], 2))

    def _close(self, token: _Token) -> None:
        """Apply what stands before the bracket that this token closes."""
        if not self.pending:
            self._refuse("this round bracket was never opened", token.column)
        pending = self.pending.pop()
        if not pending.functions:
            self.parts[-1] = self.parts[-1]._replace(column=pending.column)
        elif (pending.name == "abs") != (pending.count == 1):
            count = "one number" if pending.name == "abs" else "two or more numbers"
            self._refuse(f"{pending.name} takes {count}", pending.column)
        else:
            self._apply(pending, [_Apply(pending.functions[0], min(pending.count, 2))] * max(pending.count - 1, 1))

    def _reduce(self, level: int) -> None:
        """Apply the operators that bind at least as tightly as the level."""
        while self.pending and self.pending[-1].level >= level:
            pending = self.pending.pop()
            chained = len(pending.functions) > 1
            function = partial(_compare, tuple(pending.functions)) if chained else pending.functions[0]
            self._apply(pending, [_Apply(function, pending.count)])

    def _apply(self, pending: _Pending, steps: Sequence[_Apply]) -> None:
        parts = self.parts[-pending.count :]
        logic = pending.functions[0] in _LOGIC
        for part in parts:
            if part.truth and not logic:
                self._refuse(f"{pending.name} takes numbers; this is a truth value", part.column)
            if logic and not part.truth:
                message = f"{pending.name} takes comparisons such as a.padding == 1; this is a number"
                self._refuse(message, part.column)
        self._find_cases(pending.functions[0], parts)
        self.code.extend(steps)
        column = min(pending.column, parts[0].column)
        references = frozenset[Reference]().union(*(part.references for part in parts))
        truth = logic or pending.level == _COMPARISON
        self.parts[-pending.count :] = [_Part(truth, column, parts[0].begin, references)]

    def _find_cases(self, function: Callable[..., Any], parts: Sequence[_Part]) -> None:
        if function in _DIVISIONS:
            divisor = parts[1]
            if not divisor.references and _run(self.code[divisor.begin :], {}) < 1:
                self._refuse("a divisor must be at least 1", divisor.column)
            self.cases |= divisor.references
        elif function is operator.mul:
            self.cases |= min(parts[1].references, parts[0].references, key=len)

    def _integer(self, text: str, column: int) -> int:
        if not re.fullmatch("0|[1-9][0-9]{,9}", text) or int(text) > MAX_INTEGER:
            self._refuse(f"{_quoted(text)} is not an integer from 0 to {MAX_INTEGER} in plain digits", column)
        return int(text)

    def _reference(self, token: _Token) -> Reference:
        words = re.findall(r"\w+", token.text, re.ASCII)
        if token.kind != "name" or keyword.iskeyword(words[0]):
            self._unexpected(token)
        for word in words:
            if word.startswith("__") and word.endswith("__"):
                self._refuse(f"{_quoted(word)} is not allowed: such names are Python's own", token.column)
        parts = (self._integer(word, token.column) if word.isdecimal() else word for word in words)
        return Reference(tuple(parts), token.column)

    def _next(self) -> _Token:
        """Take the next token; at the end of the text, one without text."""
        return next(self.tokens, _Token("end", "", len(self.text) + 1))

    def _unexpected(self, token: _Token) -> NoReturn:
        if not token.text:
            self._refuse("the constraint ends where a name or integer should follow", token.column)
        remedy = _REMEDIES.get(token.text, _ALLOWED)
        if not token.text.isascii():
            remedy = "names consist of the letters a-z and A-Z, digits and _"
        self._refuse(f"{_quoted(token.text)} cannot stand here: {remedy}", token.column)

    def _refuse(self, text: str, column: int) -> NoReturn:
        raise ExpressionError(text, column, self.text)
