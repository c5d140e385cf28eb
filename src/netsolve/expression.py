"""The constraints of a document: evaluated on integers or solver terms alike, and what their names mean.

They are postfix code, which `parser` makes of a text without Python's own. Neither reading nor evaluating recurses, so
no text, however nested, can exhaust the interpreter; and nothing is ever handed to Python to run.
"""

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain, islice
from typing import Any

from netsolve.arith import both

_QUOTED_LENGTH = 40
_GUESSED_LENGTH, _GUESSED_DIFFERENCE = 80, 3

_NAME = r"[A-Za-z_]\w*"
_PART = rf"[ \t]*(?:\.[ \t]*{_NAME}|\[[ \t]*(?:0|[1-9][0-9]*)[ \t]*\])"
TOKEN = re.compile(
    rf"(?P<call>(?:min|max|abs)[ \t]*\()|(?P<name>{_NAME}(?:{_PART})*)|(?P<number>[0-9][\w.]*)"
    r"|(?P<sign>//|\*\*|[=!<>:]=|<>|&&|\|\||[^ \t])",
    re.ASCII,
)
"""The words of a constraint."""

DIVISIONS = (operator.floordiv, operator.mod)


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
class Apply:
    """A step of postfix code: replace the last `count` values by the function of them."""

    function: Callable[..., Any]
    count: int


Step = int | Reference | Apply


@dataclass(frozen=True, slots=True)
class Expression:
    """A constraint that was read.

    references: all distinct ones, in the order of their first appearance; cases: those that a solver must fix to
    an integer before it evaluates, so that it never multiplies two unknowns and never divides by one.
    """

    text: str
    references: tuple[Reference, ...]
    cases: frozenset[Reference]
    _code: tuple[Step, ...] = field(repr=False, compare=False)

    def evaluate(self, value: Callable[[Reference], Any]) -> Any:
        """Say whether the constraint holds, where `value` gives an integer or a solver's term for a reference.

        `value` is called once for each of `references`. A constraint with a divisor below 1 does not hold, wherever
        in it the division stands.
        """
        return run(self._code, {reference: value(reference) for reference in self.references})

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
        return TOKEN.sub(lambda at: str(values.get(at[0], at[0])) if at["name"] else at[0], self.text)


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


def quoted(text: str) -> str:
    """A part of a constraint as a message shows it."""
    return repr(text if len(text) <= _QUOTED_LENGTH else text[: _QUOTED_LENGTH - 3] + "...")


def run(code: Sequence[Step], values: Mapping[Reference, Any]) -> Any:
    """What postfix code gives; not true where a divisor in it is below 1."""
    stack: list[Any] = []
    holds: Any = True
    for step in code:
        if not isinstance(step, Apply):
            stack.append(values[step] if isinstance(step, Reference) else step)
            continue
        operands = stack[-step.count :]
        if step.function in DIVISIONS:
            holds = both(holds, operands[1] >= 1)
            if holds is False:
                return False
        stack[-step.count :] = [step.function(*operands)]
    return stack[0] if holds is True else both(holds, stack[0])
