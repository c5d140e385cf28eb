"""The mistakes and warnings of a document while it is read, and what several parts of it are read by."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from netsolve.coded import SIZE, Stated
from netsolve.domain import LARGEST, Domain, Unknown
from netsolve.errors import Mistake
from netsolve.locate import Path, Source
from netsolve.ops.arguments import show
from netsolve.words import MOST_COMPARED, nearest

MOST_GUESSES = 200


@dataclass
class Mistakes:
    """What is wrong with a document (`found`) and what is odd in it (`warnings`); what is right goes on."""

    source: Source
    found: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)
    told: set[tuple[Path, str]] = field(default_factory=set)

    def __len__(self) -> int:
        """How many mistakes there are."""
        return len(self.found)

    def add(self, path: Path, where: str, text: str, remedy: str = "") -> None:
        """Note a mistake with its line, once where a repetition meets it again."""
        if (path, text) not in self.told:
            self.told.add((path, text))
            self.found.append(Mistake(where, text, remedy, self.source.line(path)))

    def warn(self, path: Path, where: str, text: str, remedy: str = "") -> None:
        """Note what is allowed, and probably not meant; once where a repetition meets it again."""
        if (path, text) not in self.told:
            self.told.add((path, text))
            self.warnings.append(Mistake(where, text, remedy, self.source.line(path)))

    def near(self, word: str, known: Iterable[str]) -> str:
        """A remedy for a misspelt word; a document with very many mistakes gets no more of them."""
        return nearest(word, known) if len(self.found) < MOST_GUESSES else ""

    def shape(self, value: Any, path: Path, where: str) -> Stated | None:
        """A shape: sizes or question marks."""
        if value is None:
            return None
        if not isinstance(value, list):
            self.add(path, where, f"a list of sizes is expected, not {show(value)}", "such as [3, 96, 96]")
            return None
        if not 1 <= len(value) <= 8:  # noqa: PLR2004 - more axes than any layer of torch takes
            self.add(path, where, f"{len(value)} sizes: a shape has 1 to 8", "such as [3, 96, 96]")
            return None
        sizes = [self.size(entry, (*path, index), f"{where}[{index}]") for index, entry in enumerate(value)]
        return tuple(size for size in sizes if size is not None) if None not in sizes else None

    def size(self, value: Any, path: Path, where: str) -> int | Unknown | None:
        """One size."""
        try:
            return SIZE.number(value)  # type: ignore[no-any-return]  # a size is read as an integer or a question mark
        except ValueError as error:
            self.add(path, where, str(error), meant(value))
            return None


def closest(words: Iterable[str]) -> list[str]:
    """As many names as a misspelt one is compared with, in order; none that stands in for a mistaken one."""
    return sorted(word for word in words if "[" not in word)[:MOST_COMPARED]


def meant(value: Any) -> str:
    """What was probably meant by a number in quotes, a set without its question mark, or 3.0; empty where unclear."""
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return f"write {value:.0f}"
    if not isinstance(value, str) or value.strip().startswith("?"):
        return ""
    try:
        values = Domain.parse(value)
    except ValueError:
        return ""
    return f"write {values.low}, without quotes" if values.count == 1 else f'write "?{value.strip()}"'
