"""The kinds of argument that are passed on to torch as they are: no question mark may stand there."""

import math
import sys
from dataclasses import dataclass
from typing import Any

from netsolve.domain import LARGEST, Unknown
from netsolve.ops.arguments import ASKABLE, NONE, Argument, Schema, either_of, integer, show

NOTHING = ', or "none"'


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
    """A floating-point number between two bounds, both included; with `none`, also None, written "none"."""

    none: bool = False
    low: float = -math.inf
    high: float = math.inf

    def schema(self, axes: int) -> Schema:
        """A number between the bounds."""
        del axes
        bounds = {"minimum": self.low, "maximum": self.high}
        number = {"type": "number"} | {key: bound for key, bound in bounds.items() if math.isfinite(bound)}
        return either_of(number, *([NONE] if self.none else []))

    def words(self, axes: int) -> str:
        """A number and its bounds."""
        del axes
        low = f" from {self.low:g}" if math.isfinite(self.low) else ""
        high = f" to {self.high:g}" if math.isfinite(self.high) else ""
        return f"number{low}{high}{NOTHING if self.none else ''}"

    def plain(self, value: Any, axes: int) -> float | None:
        """Take integers and floats, and refuse booleans."""
        del axes
        if self.none and (value is None or value == "none"):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - not a number
            msg = f"a number{' or ' + chr(34) + 'none' + chr(34) if self.none else ''} is expected, not {show(value)}"
            raise ValueError(msg)
        if not self.low <= value <= self.high:
            bounds = f"at least {self.low:g}" if math.isinf(self.high) else f"between {self.low:g} and {self.high:g}"
            msg = f"{show(value) if isinstance(value, int) else f'{value:g}'} is out of range: it is {bounds}"
            raise ValueError(msg)
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            msg = f"{show(value)} is out of range: no floating-point number is as large"
            raise ValueError(msg)
        return float(value)


@dataclass(frozen=True)
class Reals(Real):
    """A floating-point number, or a list with one for each axis."""

    def schema(self, axes: int) -> Schema:
        """A number or a list."""
        lengths = {"minItems": axes, "maxItems": axes} if self.entries == "axes" else {"minItems": 1}
        entry = Real(low=self.low, high=self.high).schema(axes)
        return either_of(super().schema(axes), {"type": "array", "items": entry, **lengths})

    def words(self, axes: int) -> str:
        """A number or a list."""
        return f"{super().words(axes)} (or one an axis)"

    def plain(self, value: Any, axes: int) -> Any:
        """Take a number or a list of numbers."""
        if not isinstance(value, list | tuple):
            return super().plain(value, axes)
        if not value or (self.entries == "axes" and len(value) != axes):
            msg = f"one number for each axis is expected, not {len(value)}"
            raise ValueError(msg)
        single = Real(low=self.low, high=self.high)
        return tuple(single.plain(entry, axes) for entry in value)


@dataclass(frozen=True)
class Word(Plain):
    """One of a few words."""

    spelt: tuple[str, ...] = ()

    def schema(self, axes: int) -> Schema:
        """The words."""
        del axes
        return {"enum": list(self.spelt)}

    def words(self, axes: int) -> str:
        """The words."""
        del axes
        return ", ".join(f'"{word}"' for word in self.spelt)

    def plain(self, value: Any, axes: int) -> str:
        """Take a word that torch knows."""
        del axes
        if not isinstance(value, str) or value not in self.spelt:
            msg = f"one of {', '.join(map(repr, self.spelt))} is expected, not {show(value)}"
            raise ValueError(msg)
        return value


@dataclass(frozen=True)
class Switch(Plain):
    """True or false; with `none`, also None, written "none"."""

    none: bool = False

    def schema(self, axes: int) -> Schema:
        """A boolean."""
        del axes
        return either_of({"type": "boolean"}, *([NONE] if self.none else []))

    def words(self, axes: int) -> str:
        """A boolean."""
        del axes
        return f"true or false{NOTHING if self.none else ''}"

    def plain(self, value: Any, axes: int) -> bool | None:
        """Take a boolean."""
        del axes
        if self.none and (value is None or value == "none"):
            return None
        if not isinstance(value, bool):
            msg = f"true or false is expected, not {show(value)}"
            raise ValueError(msg)
        return value


@dataclass(frozen=True)
class Always(Switch):
    """A switch of torch's that netsolve keeps on."""

    def schema(self, axes: int) -> Schema:
        """True."""
        del axes
        return {"const": True}

    def words(self, axes: int) -> str:
        """True."""
        del axes
        return "true"

    def plain(self, value: Any, axes: int) -> bool:
        """Take true."""
        if super().plain(value, axes) is not True:
            msg = "it is always true here: the batch comes first"
            raise ValueError(msg)
        return True


@dataclass(frozen=True)
class Integer(Plain):
    """An integer that may not be unknown, such as a dimension; with `none`, also None, written "none".

    least: torch's own lower bound; most: netsolve's upper bound, where torch would need for ever.
    """

    least: int | None = None
    none: bool = False
    most: int = LARGEST

    def schema(self, axes: int) -> Schema:
        """An integer from its bound on."""
        del axes
        low = -LARGEST if self.least is None else self.least
        return either_of({"type": "integer", "minimum": low, "maximum": self.most}, *([NONE] if self.none else []))

    def words(self, axes: int) -> str:
        """An integer and its bounds."""
        del axes
        low = "" if self.least is None else f" from {self.least}"
        high = "" if self.most == LARGEST else f" to {self.most}"
        return f"integer{low}{high}{NOTHING if self.none else ''}"

    def plain(self, value: Any, axes: int) -> int | None:
        """Take an integer."""
        del axes
        if self.none and (value is None or value == "none"):
            return None
        return integer(value, self.least, self.most)


@dataclass(frozen=True)
class Deciding(Integer):
    """An integer that may not be unknown, and still decides sizes or which of them fit: it may be what is mistaken."""


@dataclass(frozen=True)
class Dims(Integer):
    """A dimension of torch's, or a list of them; 0 is the batch."""

    def schema(self, axes: int) -> Schema:
        """A dimension or a list."""
        single = super().schema(axes)
        return either_of(single, {"type": "array", "items": single, "minItems": 1})

    def words(self, axes: int) -> str:
        """A dimension or a list."""
        del axes
        return "dimension, or a list of dimensions"

    def plain(self, value: Any, axes: int) -> Any:
        """Take an integer or a list of integers."""
        if not isinstance(value, list | tuple):
            return super().plain(value, axes)
        if not value:
            msg = "at least one dimension is expected"
            raise ValueError(msg)
        return tuple(integer(entry, self.least, self.most) for entry in value)
