"""What in a TOML text would hurt the parser, and what it leaves open."""

import re
from dataclasses import dataclass

from netsolve.scanning import Scanner

MAX_DEPTH = 64
MAX_KEY_PARTS = 16
MAX_DIGITS = 18
MAX_HAZARDS = 20

_NUMBER = re.compile(r"[+-]?(?:0x([0-9A-Fa-f_]++)|0[ob]([0-7_]++)|([0-9_]++(?:\.[0-9_]++)?(?:[eE][+-]?[0-9_]++)?))")


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something in a document that is refused before it reaches the parser."""

    line: int
    text: str
    remedy: str


class _Inspector(Scanner):
    """Collects hazards."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Hazard] = []
        self.told: set[int] = set()
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
        if len(self.opened) == MAX_DEPTH + 1:
            self._report(
                self.line, f"brackets nested deeper than {MAX_DEPTH}", "nest arrays and inline tables less deeply"
            )

    def on_mismatch(self, mark: str) -> None:
        opened, closing = ("[", "]") if mark == "}" else ("{", "}")
        text = f"a {mark} where the {opened} of line {self.opened[-1]} is still open"
        self._report(self.line, text, f"close it with {closing} first")
        self.stop = True

    def on_broken_table(self) -> None:
        if len(self.opened) not in self.told:
            self.told.add(len(self.opened))
            self._report(
                self.opened[-1],
                "an inline table broken over lines",
                "write the layer as a [[layers]] table, or keep the braces on one line",
            )

    def on_close(self) -> None:
        self.told.discard(len(self.opened) + 1)

    def on_reset(self) -> None:
        self.told.clear()


class _Unclosed(Scanner):
    """Finds a bracket that is never closed: where the next key begins inside it, or the document ends."""

    found: int | None = None

    def on_reset(self) -> None:
        if self.found is None and self.opened:
            self.found = self.opened[-1]


def unclosed(text: str) -> int | None:
    """The line of the first bracket that is never closed; None where there is none."""
    scanner = _Unclosed()
    scanner.scan(text)
    scanner.on_reset()
    return scanner.found


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
