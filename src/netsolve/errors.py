"""The errors a user can meet, and the record of one mistake."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

FAULT = "this is a fault of netsolve itself: please report it with the document and the lines above"


def printable(text: str, keep: str = "") -> str:
    """A text with what a terminal might obey escaped as in Python, but for the signs in `keep`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)


class NetsolveError(Exception):
    """Base class of every error that netsolve raises on purpose."""


class UsageError(NetsolveError):
    """A function was called with something it does not take; the text says what it takes."""


class UnknownKeyError(NetsolveError, KeyError):
    """A question mark is asked for that the network does not have; the text says which is nearest."""

    __str__ = Exception.__str__  # a KeyError shows its text in quotes


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a document or network.

    where: the layer or key, as its author would name it ("conv2d_1.padding"); text: what is wrong; remedy: what
    would be right, empty where nothing better can be said than the text; line: 1-based, None for networks
    that were not read from text.
    """

    where: str
    text: str
    remedy: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """One line: place, text, remedy; nothing in it that a terminal would obey."""
        place = f"{printable(self.where)}: " if self.where else ""
        remedy = f" ({printable(self.remedy)})" if self.remedy else ""
        return f"{place}{printable(self.text, keep=chr(10))}{remedy}"


class DocumentError(NetsolveError):
    """A document or network says something that is not in the language: `mistakes` holds all of it."""

    def __init__(self, mistakes: Iterable[Mistake], file: str = "") -> None:
        """Keep the mistakes, in the order of their lines."""
        self.mistakes = tuple(sorted(mistakes, key=lambda m: m.line or 0))
        self.file = file
        super().__init__(str(self))

    def __reduce__(self) -> tuple[type, tuple[tuple[Mistake, ...], str]]:
        """Survive the trip from a worker process."""
        return type(self), (self.mistakes, self.file)

    def __str__(self) -> str:
        """Every mistake on a line of its own, with file and line number where they are known."""
        return "\n".join(self._line(mistake) for mistake in self.mistakes)

    def _line(self, mistake: Mistake) -> str:
        place = [part for part in (printable(self.file), str(mistake.line or "")) if part]
        return ": ".join([":".join(place), str(mistake)] if place else [str(mistake)])


class UndecidedError(NetsolveError):
    """A question was not decided within the time or work it was given; the text says which."""


class OvertimeError(UndecidedError):
    """One problem of many took longer than it may, and its process was ended."""


class OutOfMemoryError(UndecidedError):
    """One problem of many needed more memory than it may take."""


class WorkerError(UndecidedError):
    """The process that worked on one problem of many died of it; the text says how."""


class TorchError(NetsolveError):
    """Torch cannot be imported, so nothing can be built or run; everything else still works."""


class FaultError(NetsolveError):
    """A fault of netsolve's own: two of its judges (engine, z3, torch) disagree."""


@contextmanager
def torch_needed() -> Iterator[None]:
    """Around an import that needs torch: raises TorchError, with the cause and a remedy, where torch fails.

    torch warns where NumPy is not installed; nothing here needs NumPy.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
            yield
    except Exception as error:
        cause = str(error).strip().partition("\n")[0] or type(error).__name__
        msg = f"torch cannot be imported: {cause} (install it, or leave out what needs it: --no-run)"
        raise TorchError(msg) from error
