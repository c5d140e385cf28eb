"""The kinds of argument a layer can have: what may be written there, and what a question mark stands for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from netsolve.domain import LARGEST, POSITIVE, Domain, Unknown
from netsolve.errors import printable

Number = int | Unknown
Numbers = Number | tuple[Number, ...]
Entries = Literal["one", "axes", "sides"]

ASKABLE = (
    "padding, kernel_size, stride, dilation, output_padding, output_size, groups, ceil_mode, "
    "channels, features and sizes"
)


SHOWN = 40
"""How many signs of a value a message repeats."""

QUESTION = {"$ref": "#/$defs/question"}
NONE = {"const": "none"}

Schema = dict[str, Any]
"""A JSON Schema of draft 2020-12."""


def either_of(*schemas: Schema) -> Schema:
    """The schema of what one of several describes."""
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


@dataclass(frozen=True, slots=True)
class Default:
    """The default values of a question mark: from `low` to `high`, which may depend on other arguments.

    text: `high` as a reader writes it.
    """

    low: int
    high: Callable[..., Any]
    text: str

    def __str__(self) -> str:
        """The values as a reader writes them."""
        return f"{self.low}..{self.text}"


@dataclass(frozen=True)
class Argument:
    """One argument of an operator. entries: how many numbers a list of it holds."""

    entries: Entries = "one"

    def read(self, value: Any, axes: int) -> Any:
        """The value as a record keeps it. Raises ValueError, with a text for the user, where it is not one."""
        raise NotImplementedError

    def schema(self, axes: int) -> Schema:
        """What may be written, for editors. axes: how many the operator has."""
        raise NotImplementedError

    def words(self, axes: int) -> str:
        """What may be written, for readers. axes: how many the operator has."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Have pydantic read the argument, with the operator's number of axes as its context."""
        del source, handler
        from pydantic_core import core_schema  # noqa: PLC0415 - only reading documents needs pydantic

        return core_schema.with_info_plain_validator_function(lambda value, info: self.read(value, info.context))


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
                noun = "entry" if expected == 1 else "entries"
                msg = f"{expected} {noun} expected, one for each {unit}, not {len(value)}"
                raise ValueError(msg)
            return tuple(self.number(entry) for entry in value)
        return self.number(value)

    def schema(self, axes: int) -> Schema:
        """An integer, a question mark, or a list of them."""
        single = self.single()
        if self.entries == "one":
            return single
        count = axes if self.entries == "axes" else 2 * axes
        return either_of(single, {"type": "array", "items": self.entry(), "minItems": count, "maxItems": count})

    def entry(self) -> Schema:
        """One entry of a list."""
        return self.single()

    def single(self) -> Schema:
        """One integer or question mark."""
        return either_of({"type": "integer", "minimum": self.least, "maximum": LARGEST}, QUESTION)

    def words(self, axes: int) -> str:
        """An integer and its bound, and what a list has entries for."""
        bound = "" if self.least <= -LARGEST else f" from {self.least}"
        each = {"one": "", "axes": " (or one an axis)" if axes > 1 else "", "sides": " (or one a side)"}
        return f"integer{bound}{each[self.entries]}"

    def asked(self) -> str:
        """What a question mark stands for."""
        return str(self.default)

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
    """A number that input `source` implies: its size along `dim`. Where it is written it is a constraint."""

    dim: int = 0
    source: int = 0
    least: int = 1


BOTH = Domain.between(0, 1)


@dataclass(frozen=True)
class AskedSwitch(Asked):
    """True or false, or a question mark: 1 or 0 in constraints."""

    default: Domain | Default = BOTH

    def single(self) -> Schema:
        """A boolean or a question mark."""
        return either_of({"type": "boolean"}, QUESTION)

    def words(self, axes: int) -> str:
        """A boolean."""
        del axes
        return "true or false"

    def asked(self) -> str:
        """What a question mark stands for."""
        return self.words(0)

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
    """A number an axis: kernel_size, stride, dilation.

    spelt: words that may stand instead of numbers; none: the whole may be None; keep: an entry of a list may be None.
    None is written "none".
    """

    entries: Entries = "axes"
    spelt: tuple[str, ...] = ()
    none: bool = False
    keep: bool = False

    def schema(self, axes: int) -> Schema:
        """Besides: words, and None."""
        spelt = [{"enum": list(self.spelt)}] if self.spelt else []
        return either_of(super().schema(axes), *spelt, *([NONE] if self.none else []))

    def entry(self) -> Schema:
        """Besides: None where it keeps a size."""
        return either_of(self.single(), *([NONE] if self.keep else []))

    def words(self, axes: int) -> str:
        """Besides: words, and None."""
        spelt = [f'"{word}"' for word in (*self.spelt, *(["none"] if self.none else []))]
        kept = ['in a list "none"'] if self.keep else []
        return ", ".join([super().words(axes), *spelt, *kept])

    def read(self, value: Any, axes: int) -> Any:
        """Take a word of torch's, or numbers."""
        if value is None or value == "none":
            return self.nothing(axes)
        if isinstance(value, str) and value in self.spelt:
            return value
        if self.spelt and isinstance(value, str) and not value.strip().startswith("?"):
            words = ", ".join(map(repr, self.spelt))
            msg = f"an integer, a question mark or one of {words} is expected, not {show(value)}"
            raise ValueError(msg)
        return super().read(value, axes)

    def number(self, value: Any) -> Any:
        """Take an integer, a question mark, or "none" where torch takes None."""
        if self.keep and (value is None or value == "none"):
            return None
        return super().number(value)

    def nothing(self, axes: int) -> None:
        """Take None for the whole where torch does."""
        if not self.none:
            remedy = f': write ["none"{", ..." * (axes > 1)}]' if self.keep else ""
            msg = f'"none" cannot stand here{remedy}'
            raise ValueError(msg)


@dataclass(frozen=True)
class Sizes(Asked):
    """A size or a list of sizes of any length.

    rest: one of them may be -1, which is what is left; none: also None, written "none".
    """

    rest: bool = False
    none: bool = False

    def schema(self, axes: int) -> Schema:
        """A size, or a list of any length."""
        del axes
        single = either_of(self.single(), *([{"const": -1}] if self.rest else []))
        listed: Schema = {"type": "array", "items": single, "minItems": 1}
        return either_of(single, listed, *([NONE] if self.none else []))

    def words(self, axes: int) -> str:
        """A size or a list, and what else may stand."""
        del axes
        return f"size, or a list of sizes{', one of them -1' if self.rest else ''}"

    def read(self, value: Any, axes: int) -> Any:
        """Take a number or a list of numbers."""
        del axes
        if self.none and (value is None or value == "none"):
            return None
        if not isinstance(value, list | tuple):
            return self.number(value)
        sizes = tuple(self.number(entry) for entry in value)
        if not sizes or sizes.count(-1) > 1:
            msg = "only one size may be -1" if sizes else "a list of at least one size is expected"
            raise ValueError(msg)
        return sizes

    def number(self, value: Any) -> Any:
        """Take an integer, a question mark, or -1 for what is left."""
        if self.rest and value == -1 and not isinstance(value, bool):
            return -1
        return super().number(value)


def integer(value: Any, least: int | None, most: int = LARGEST) -> int:
    """An integer within bounds. Raises ValueError, with a text for the user, where it is not one."""
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"an integer is expected, not {show(value)}"
        raise ValueError(msg)
    if value > most:
        msg = f"{value} is too large: at most {most}"
        raise ValueError(msg)
    if value < (least := -LARGEST if least is None else least):
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
    text = f'"{printable(value)}"' if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
