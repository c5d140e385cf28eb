"""The kinds of argument a layer can have: what may be written there, and what a question mark stands for."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from netsolve.domain import LARGEST, POSITIVE, Domain, Unknown

Number = int | Unknown
Numbers = Number | tuple[Number, ...]
Entries = Literal["one", "axes", "sides"]

ASKABLE = (
    "padding, kernel_size, stride, dilation, output_padding, output_size, groups, ceil_mode, "
    "channels, features and sizes"
)


@dataclass(frozen=True, slots=True)
class Default:
    """The default values of a question mark: from `low` to `high`, which may depend on other arguments."""

    low: int
    high: Callable[..., Any]


@dataclass(frozen=True)
class Argument:
    """One argument of an operator. entries: how many numbers a list of it holds."""

    entries: Entries = "one"

    def read(self, value: Any, axes: int) -> Any:
        """The value as a record keeps it. Raises ValueError, with a text for the user, where it is not one."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Have pydantic read the argument, with the operator's number of axes as its context."""
        del source, handler
        from pydantic_core import core_schema  # noqa: PLC0415 - only reading documents needs pydantic

        return core_schema.with_info_plain_validator_function(lambda value, info: self.read(value, info.context))


@dataclass(frozen=True)
class Plain(Argument):
    """An argument that is passed on to torch and may not be unknown."""

    def read(self, value: Any, axes: int) -> Any:
        """Refuse a question mark, then read."""
        if isinstance(value, Unknown) or (isinstance(value, str) and value.strip().startswith("?")):
            msg = f"a question mark cannot stand here; it may stand on {ASKABLE}"
            raise ValueError(msg)
        return self.plain(value, axes)

    def plain(self, value: Any, axes: int) -> Any:
        """The value as a record keeps it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Real(Plain):
    """A floating-point number; with `none`, also None, written "none"."""

    none: bool = False

    def plain(self, value: Any, axes: int) -> float | None:
        """Take integers and floats, and refuse booleans."""
        del axes
        if self.none and (value is None or value == "none"):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            msg = f'a number{" or " + chr(34) + "none" + chr(34) if self.none else ""} is expected, not {show(value)}'
            raise ValueError(msg)
        return float(value)


@dataclass(frozen=True)
class Word(Plain):
    """One of a few words."""

    words: tuple[str, ...] = ()

    def plain(self, value: Any, axes: int) -> str:
        """Take a word that torch knows."""
        del axes
        if not isinstance(value, str) or value not in self.words:
            msg = f"one of {', '.join(map(repr, self.words))} is expected, not {show(value)}"
            raise ValueError(msg)
        return value


@dataclass(frozen=True)
class Switch(Plain):
    """True or false."""

    def plain(self, value: Any, axes: int) -> bool:
        """Take a boolean."""
        del axes
        if not isinstance(value, bool):
            msg = f"true or false is expected, not {show(value)}"
            raise ValueError(msg)
        return value


@dataclass(frozen=True)
class Integer(Plain):
    """An integer that may not be unknown, such as a dimension; with `none`, also None, written "none"."""

    least: int | None = None
    none: bool = False

    def plain(self, value: Any, axes: int) -> int | None:
        """Take an integer."""
        del axes
        if self.none and (value is None or value == "none"):
            return None
        return integer(value, self.least)


@dataclass(frozen=True)
class Asked(Argument):
    """An argument that may be a question mark.

    least: torch's own lower bound; default: the values of a question mark without a set; prefer: how little a value
    is liked, as a non-negative integer of the arguments it names (0: as one would write it).
    """

    least: int = 0
    default: Domain | Default = POSITIVE
    prefer: Callable[..., Any] | None = None
    entries: Entries = "one"

    def read(self, value: Any, axes: int) -> Any:
        """Take an integer, a question mark, or a list of them with one entry an axis or side."""
        if isinstance(value, list | tuple) and self.entries != "one":
            expected = axes if self.entries == "axes" else 2 * axes
            if len(value) != expected:
                unit = "axis" if self.entries == "axes" else "side"
                msg = f"{expected} {'entry' if expected == 1 else 'entries'} expected, one for each {unit}, not {len(value)}"
                raise ValueError(msg)
            return tuple(self.number(entry) for entry in value)
        return self.number(value)

    def number(self, value: Any) -> Any:
        """Take an integer or a question mark."""
        if isinstance(value, str):
            value = Unknown.parse(value)
        if not isinstance(value, Unknown):
            return integer(value, self.least)
        if value.domain is not None and value.domain.low < self.least:
            msg = f"{value.domain.low} is too small: at least {self.least}"
            raise ValueError(msg)
        return value


@dataclass(frozen=True)
class Inferred(Asked):
    """A number that the input implies: its size along `dim`. Where it is written it is a constraint."""

    dim: int = 0
    least: int = 1


@dataclass(frozen=True)
class AskedSwitch(Asked):
    """True or false, or a question mark: 1 or 0 in constraints."""

    default: Domain | Default = Domain.between(0, 1)

    def number(self, value: Any) -> Any:
        """Take a boolean or a question mark."""
        if isinstance(value, bool):
            return value
        if not isinstance(value, str | Unknown):
            msg = f'true, false or "?" is expected, not {show(value)}'
            raise ValueError(msg)
        unknown = super().number(value)
        if unknown.domain is not None and unknown.domain.high not in {0, 1}:
            msg = "true or false: a set may hold 0 and 1 only"
            raise ValueError(msg)
        return unknown


@dataclass(frozen=True)
class Window(Asked):
    """A number an axis: kernel_size, stride, dilation; with `words`, also one of these; with `none`, also None."""

    entries: Entries = "axes"
    words: tuple[str, ...] = ()
    none: bool = False

    def read(self, value: Any, axes: int) -> Any:
        """Take a word of torch's, or numbers."""
        if self.none and value is None:
            return None
        if isinstance(value, str) and value in self.words:
            return value
        if self.words and isinstance(value, str) and not value.strip().startswith("?"):
            msg = f"an integer, a question mark or one of {', '.join(map(repr, self.words))} is expected, not {show(value)}"
            raise ValueError(msg)
        return super().read(value, axes)

    def number(self, value: Any) -> Any:
        """Take an integer, a question mark, or "none" where torch takes None."""
        if self.none and (value is None or value == "none"):
            return None
        return super().number(value)


def integer(value: Any, least: int | None) -> int:
    """An integer within bounds. Raises ValueError, with a text for the user, where it is not one."""
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"an integer is expected, not {show(value)}"
        raise ValueError(msg)
    if abs(value) > LARGEST:
        msg = f"{value} is out of range: at most {LARGEST}"
        raise ValueError(msg)
    if least is not None and value < least:
        msg = f"{value} is too small: at least {least}"
        raise ValueError(msg)
    return value


def show(value: Any) -> str:
    """A value of a document as its author wrote it, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
