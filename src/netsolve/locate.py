"""Where the key paths of a TOML document stand, and what in a document would hurt the parser.

The scanner reads tokens with one regular expression and keeps an explicit stack, so it is linear
in the text, never recurses and never raises. On text that is not TOML it finds what it can: the
parser reports the syntax error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

MAX_DEPTH = 64
MAX_KEY_PARTS = 16
MAX_DIGITS = 18
MAX_HAZARDS = 20
_GIVE_UP_DEPTH = 1000

# An alternative that has begun always matches all it has read, with or without its closing quote,
# and quantifiers are possessive: no text is read twice, however hostile.
_TOKEN = re.compile(
    r"""
      (?P<newline> \n )
    | (?P<mark>    [\[\]{},=] )
    | (?P<bare>    (?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ ](?=[0-9]{2}:))? [^\s"'\#\[\]{},=]++ )
    | (?P<multi>   \"{3} (?: [^"\\]++ | \\[\s\S]? | "{1,2}+(?!") )*+ "{0,5}
                 | '{3}  (?: [^']++ | '{1,2}+(?!') )*+ '{0,5} )
    | (?P<string>  " (?: [^"\\\n]++ | \\[^\n]? )*+ "?
                 | ' [^'\n]*+ '? )
    | (?P<comment> \#[^\n]*+ )
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_NUMBER = re.compile(r"[+-]?(?:0x([0-9A-Fa-f_]++)|0[ob]([0-7_]++)|([0-9_]++(?:\.[0-9_]++)?(?:[eE][+-]?[0-9_]++)?))")


class _Table(dict[str, "_Entry"]):
    """A table: its keys, and the line where it begins."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class _Array(list["_Entry"]):
    """An array: its elements, and the line where it begins."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


_Entry: TypeAlias = int | _Table | _Array


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if code is None:
        return _ESCAPED.get(match[3], match[3])
    return chr(min(int(code, 16), 0x10FFFF))


def _unquote(token: str) -> str:
    body = token[1:-1] if len(token) > 1 and token[-1] == token[0] else token[1:]
    return _ESCAPE.sub(_unescape, body) if token[0] == '"' else body


class _Scanner:
    """Follows the structure of a document; subclasses say what to do with it."""

    def __init__(self) -> None:
        self.line = 1
        self.stop = False
        self.stack: list[str] = []
        self.in_value = False
        self.header = 0
        self.parts: list[str] = []
        self.dots = 0

    def scan(self, text: str) -> None:
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup
            if kind == "newline":
                self._newline()
            elif kind == "mark":
                self._mark(match[0])
            elif kind == "comment":
                continue
            elif self.in_value:
                self.on_scalar(match[0], bare=kind == "bare")
            else:
                self._key_part(match[0], bare=kind == "bare")
            if kind == "multi":
                self.line += match[0].count("\n")
            if self.stop:
                return

    def _newline(self) -> None:
        if not self.stack:
            self.in_value = False
            self._begin_key()
        elif self.stack[-1] == "{":
            self.on_broken_table()
        self.line += 1

    def _begin_key(self) -> None:
        self.header = 0
        self.parts = []
        self.dots = 0

    def _key_part(self, token: str, *, bare: bool) -> None:
        if bare:
            self.dots += token.count(".")
            self.parts += filter(None, token.split("."))
        else:
            self.parts.append(_unquote(token))
        self.on_key_part()

    def _mark(self, mark: str) -> None:
        if mark == ",":
            self._comma()
        elif mark == "=":
            self._equals()
        elif not self.in_value and not self.stack:
            self._header(mark)
        elif mark in "[{":
            self._open(mark)
        elif self.stack and self.stack[-1] == ("[" if mark == "]" else "{"):
            self.stack.pop()
            self.in_value = True
            self.on_close()
        elif self.stack:
            self.on_mismatch(mark)

    def _comma(self) -> None:
        if self.stack and self.stack[-1] == "{":
            self.in_value = False
            self._begin_key()

    def _equals(self) -> None:
        if self.in_value:
            self._reset()
            return
        if self.parts:
            self.on_key(self.parts)
        self.in_value = True
        self._begin_key()

    def _reset(self) -> None:
        # A second "=", or a bracket for a key, is a syntax error, most often after a bracket left open: begin anew.
        self.stack.clear()
        self.on_reset()

    def _header(self, mark: str) -> None:
        if mark == "[" and not self.parts:
            self.header += 1
        elif mark == "]" and self.header and self.parts:
            self.on_header(self.parts, array=self.header > 1)
            self._begin_key()

    def _open(self, mark: str) -> None:
        if not self.in_value:
            self._reset()
            self._header(mark)
            return
        self.on_open(mark)
        self.stack.append(mark)
        self.stop = self.stop or len(self.stack) >= _GIVE_UP_DEPTH
        self.in_value = mark == "["
        self._begin_key()

    # What a subclass may want to know.
    def on_key_part(self) -> None: ...
    def on_key(self, parts: list[str]) -> None: ...
    def on_header(self, parts: list[str], *, array: bool) -> None: ...
    def on_scalar(self, token: str, *, bare: bool) -> None: ...
    def on_open(self, mark: str) -> None: ...
    def on_close(self) -> None: ...
    def on_mismatch(self, mark: str) -> None: ...
    def on_broken_table(self) -> None: ...
    def on_reset(self) -> None: ...


class _Locator(_Scanner):
    """Builds the tree of lines."""

    def __init__(self) -> None:
        super().__init__()
        self.root = _Table(0)
        self.open: list[_Table | _Array] = [self.root]
        self.slot = (_Table(0), "")

    def _descend(self, table: _Table, parts: list[str]) -> _Table:
        for part in parts:
            child = table.get(part)
            if isinstance(child, _Array) and child:
                child = child[-1]
            if not isinstance(child, _Table):
                child = table[part] = _Table(self.line)
            table = child
        return table

    def on_key(self, parts: list[str]) -> None:
        top = self.open[-1]
        if isinstance(top, _Table):
            *parents, last = parts[:_GIVE_UP_DEPTH]
            table = self._descend(top, parents)
            table[last] = self.line
            self.slot = (table, last)

    def on_header(self, parts: list[str], *, array: bool) -> None:
        *parents, last = parts[:_GIVE_UP_DEPTH]
        table = self._descend(self.root, parents)
        if array:
            tables = table.get(last)
            if not isinstance(tables, _Array):
                tables = table[last] = _Array(self.line)
            section = _Table(self.line)
            tables.append(section)
        else:
            section = self._descend(table, [last])
            section.line = self.line
        self.open = [section]

    def on_scalar(self, token: str, *, bare: bool) -> None:  # noqa: ARG002 - one kind of listener needs it
        top = self.open[-1]
        if isinstance(top, _Array):
            top.append(self.line)

    def on_open(self, mark: str) -> None:
        node = _Array(self.line) if mark == "[" else _Table(self.line)
        top = self.open[-1]
        if isinstance(top, _Array):
            top.append(node)
        else:
            table, key = self.slot
            table[key] = node
        self.open.append(node)

    def on_close(self) -> None:
        self.open.pop()

    def on_reset(self) -> None:
        del self.open[1:]


class Source:
    """The text of a document and where each key path stands in it."""

    def __init__(self, text: str, file: str = "") -> None:
        """Keep the text and the name of its file; nothing is read before the first `line`."""
        self.text = text
        self.file = file
        self._root: _Table | None = None

    def line(self, path: Path) -> int | None:
        """Return the 1-based line where the path, or else its nearest ancestor, begins; None when neither is there."""
        lines = self._lines(path)
        return lines[-1] if lines else None

    def has(self, path: Path) -> bool:
        """Whether the document has something at this path."""
        return len(self._lines(path)) == len(path)

    def _lines(self, path: Path) -> list[int]:
        """The lines where each part of a path begins, as far as it is there."""
        if self._root is None:
            locator = _Locator()
            locator.scan(self.text)
            self._root = locator.root
        entry: _Entry | None = self._root
        found: list[int] = []
        for part in path:
            entry = _child(entry, part)
            if entry is None:
                break
            found.append(entry if isinstance(entry, int) else entry.line)
        return found


def _child(entry: _Entry | None, part: str | int) -> _Entry | None:
    if isinstance(entry, _Table) and isinstance(part, str):
        return entry.get(part)
    if isinstance(entry, _Array) and isinstance(part, int) and 0 <= part < len(entry):
        return entry[part]
    return None


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something in a document that is refused before it reaches the parser."""

    line: int
    text: str
    remedy: str


class _Inspector(_Scanner):
    """Collects hazards."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Hazard] = []
        self.lines: list[int] = []
        self.long_key: list[str] | None = None

    def _report(self, line: int, text: str, remedy: str) -> None:
        self.found.append(Hazard(line, text, remedy))
        self.stop = self.stop or len(self.found) >= MAX_HAZARDS

    def on_key_part(self) -> None:
        if len(self.parts) > MAX_KEY_PARTS and self.dots >= MAX_KEY_PARTS and self.parts is not self.long_key:
            self.long_key = self.parts
            self._report(self.line, f"a dotted key of more than {MAX_KEY_PARTS} parts", "nest the tables less deeply")

    def on_scalar(self, token: str, *, bare: bool) -> None:
        if bare and len(token) > MAX_DIGITS and _digits(token) > MAX_DIGITS:
            self._report(self.line, f"a number of more than {MAX_DIGITS} digits", f"write at most {MAX_DIGITS} digits")

    def on_open(self, mark: str) -> None:  # noqa: ARG002 - one kind of listener needs it
        self.lines.append(self.line)
        if len(self.lines) == MAX_DEPTH + 1:
            self._report(
                self.line, f"brackets nested deeper than {MAX_DEPTH}", "nest arrays and inline tables less deeply"
            )

    def on_close(self) -> None:
        self.lines.pop()

    def on_mismatch(self, mark: str) -> None:
        opened, closing = ("[", "]") if mark == "}" else ("{", "}")
        text = f"a {mark} where the {opened} of line {self.lines[-1] or self.line} is still open"
        self._report(self.line, text, f"close it with {closing} first")
        self.stop = True

    def on_broken_table(self) -> None:
        if self.lines[-1]:
            self._report(
                self.lines[-1],
                "an inline table broken over lines",
                "write the layer as a [[layers]] table, or keep the braces on one line",
            )
            self.lines[-1] = 0

    def on_reset(self) -> None:
        self.lines.clear()


class _Opened(_Scanner):
    """Finds a bracket that is never closed: where the next key begins inside it, or the document ends."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []
        self.found: int | None = None

    def on_open(self, mark: str) -> None:  # noqa: ARG002 - one kind of listener needs it
        self.lines.append(self.line)

    def on_close(self) -> None:
        self.lines.pop()

    def on_reset(self) -> None:
        if self.found is None and self.lines:
            self.found = self.lines[-1]
        self.lines.clear()


def unclosed(text: str) -> int | None:
    """The line of the first bracket that is never closed; None where there is none."""
    opened = _Opened()
    opened.scan(text)
    opened.on_reset()
    return opened.found


def _digits(token: str) -> int:
    number = _NUMBER.match(token)
    if number is None:
        return 0
    if number[1]:
        return len(number[1].replace("_", ""))
    return sum(map(str.isdigit, number[2] or number[3]))


def hazards(text: str) -> tuple[Hazard, ...]:
    """Return what in the text would hurt the parser, in the order found, at most 20; meant to run before the parser."""
    inspector = _Inspector()
    inspector.scan(text)
    return tuple(inspector.found)
