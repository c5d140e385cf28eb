"""A constraint's text read: two stacks turn it into postfix code."""

import keyword
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, NamedTuple, NoReturn

from netsolve.arith import absolute, both, either, maximum, minimum, negate
from netsolve.expression import DIVISIONS, TOKEN, Apply, Expression, ExpressionError, Reference, Step, quoted, run

MAX_LENGTH = 1000
MAX_DEPTH = 50
MAX_INTEGER = 2**31 - 1

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


def parse(text: str) -> Expression:
    """Read a constraint; raises ExpressionError, and nothing else, for a text that is not one."""
    if len(text) > MAX_LENGTH:
        message = f"a constraint has at most {MAX_LENGTH:,} characters; this one has {len(text):,}"
        raise ExpressionError(message, MAX_LENGTH + 1, text)
    return _Parser(text).parse()


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
        self.tokens = (_Token(str(at.lastgroup), at[0], at.start() + 1) for at in TOKEN.finditer(text))
        self.code: list[Step] = []
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
            step: Step = self._integer(token.text, token.column)
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
            self._apply(pending, [Apply(pending.functions[0], min(pending.count, 2))] * max(pending.count - 1, 1))

    def _reduce(self, level: int) -> None:
        """Apply the operators that bind at least as tightly as the level."""
        while self.pending and self.pending[-1].level >= level:
            pending = self.pending.pop()
            chained = len(pending.functions) > 1
            function = partial(_compare, tuple(pending.functions)) if chained else pending.functions[0]
            self._apply(pending, [Apply(function, pending.count)])

    def _apply(self, pending: _Pending, steps: Sequence[Apply]) -> None:
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
        if function in DIVISIONS:
            divisor = parts[1]
            if not divisor.references and run(self.code[divisor.begin :], {}) < 1:
                self._refuse("a divisor must be at least 1", divisor.column)
            self.cases |= divisor.references
        elif function is operator.mul:
            self.cases |= min(parts[1].references, parts[0].references, key=len)

    def _integer(self, text: str, column: int) -> int:
        if not re.fullmatch("0|[1-9][0-9]{,9}", text) or int(text) > MAX_INTEGER:
            self._refuse(f"{quoted(text)} is not an integer from 0 to {MAX_INTEGER} in plain digits", column)
        return int(text)

    def _reference(self, token: _Token) -> Reference:
        words = re.findall(r"\w+", token.text, re.ASCII)
        if token.kind != "name" or keyword.iskeyword(words[0]):
            self._unexpected(token)
        for word in words:
            if word.startswith("__") and word.endswith("__"):
                self._refuse(f"{quoted(word)} is not allowed: such names are Python's own", token.column)
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
        self._refuse(f"{quoted(token.text)} cannot stand here: {remedy}", token.column)

    def _refuse(self, text: str, column: int) -> NoReturn:
        raise ExpressionError(text, column, self.text)
