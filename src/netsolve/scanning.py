"""The structure of a TOML text, read before and beside the parser.

The scanner reads tokens with one regular expression and keeps an explicit stack, so it is linear
in the text, never recurses and never raises. On text that is not TOML it finds what it can: the
parser reports the syntax error.
"""

import re

GIVE_UP_DEPTH = 1000

# An alternative that has begun always matches all it has read, with or without its closing quote,
# and quantifiers are possessive: no text is read twice, however hostile.
TOKEN = re.compile(
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


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if code is None:
        return _ESCAPED.get(match[3], match[3])
    return chr(min(int(code, 16), 0x10FFFF))


def unquote(token: str) -> str:
    """What a quoted key says."""
    body = token[1:-1] if len(token) > 1 and token[-1] == token[0] else token[1:]
    return _ESCAPE.sub(_unescape, body) if token[0] == '"' else body


class Scanner:
    """Follows the structure of a document; subclasses say what to do with it.

    stack: the brackets that are open, and opened: the line of each.
    """

    def __init__(self) -> None:
        """At the first line."""
        self.line = 1
        self.stop = False
        self.stack: list[str] = []
        self.opened: list[int] = []
        self.in_value = False
        self.header = 0
        self.parts: list[str] = []
        self.dots = 0

    def scan(self, text: str) -> None:
        """Go through a text once."""
        for match in TOKEN.finditer(text):
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
            self.parts.append(unquote(token))
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
            self.opened.pop()
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
        self.on_reset()
        self.stack.clear()
        self.opened.clear()

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
        self.stack.append(mark)
        self.opened.append(self.line)
        self.on_open(mark)
        self.stop = self.stop or len(self.stack) >= GIVE_UP_DEPTH
        self.in_value = mark == "["
        self._begin_key()

    # What a subclass may want to know.
    def on_key_part(self) -> None:
        """A part of a key has been read."""

    def on_key(self, parts: list[str]) -> None:
        """A value follows for a key."""

    def on_header(self, parts: list[str], *, array: bool) -> None:
        """A table begins, or one of an array of tables."""

    def on_scalar(self, token: str, *, bare: bool) -> None:
        """A value that is no array and no table."""

    def on_open(self, mark: str) -> None:
        """A bracket is opened, and stands on the stack."""

    def on_close(self) -> None:
        """The last bracket is closed, and off the stack."""

    def on_mismatch(self, mark: str) -> None:
        """A closing bracket that is not that of the last one."""

    def on_broken_table(self) -> None:
        """A line ends inside an inline table."""

    def on_reset(self) -> None:
        """What is open is given up; it still stands on the stack."""
