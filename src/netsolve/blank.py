"""A question mark in code: it stands as an argument of an ordinary torch layer until its value is found."""

import sys
from collections.abc import Callable
from typing import Any, Self

from netsolve.domain import Unknown
from netsolve.errors import UsageError

TRUSTED = ("torch.", "netsolve.", "copy", "pickle", "copyreg")
"""Whose code may compute with a place holder: torch's constructors do, to make weights that are replaced later."""


class Blank(int):
    """An unknown where torch wants an integer; torch takes it as a 1.

    unknown: what it stands for. Raises UsageError where a user's code computes or decides something with it, since the
    result would be that of the 1.
    """

    unknown: Unknown

    def __new__(cls, unknown: Unknown) -> Self:
        """A place holder of value 1."""
        blank = super().__new__(cls, 1)
        blank.unknown = unknown
        return blank

    def __reduce__(self) -> Any:
        """Survive copies and trips to other processes."""
        return Blank, (self.unknown,)

    def __deepcopy__(self, memo: Any) -> "Blank":
        """It never changes; the same object on two axes stays the same."""
        return self

    def __repr__(self) -> str:
        """As code writes it."""
        text = str(self.unknown).removeprefix("?")
        return f"netsolve.unknown({repr(text) if text else ''})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """As code writes it."""
        del spec
        return repr(self)

    __hash__ = int.__hash__


def unknown(values: str = "") -> Blank:
    """A question mark for an argument of a torch layer: `nn.Conv2d(3, 64, 3, padding=netsolve.unknown())`.

    values: what a document writes behind its question mark: "0..3" or "1|3|5" (a set), "p" or "p: 0..3" (a name, under
    which it is one value wherever it stands); empty: the default values of the argument. Raises UsageError where it is
    neither.
    """
    if not isinstance(values, str):
        msg = f'unknown takes a text such as "0..3", "1|3|5" or "p", not {values!r:.40}'
        raise UsageError(msg)
    try:
        return Blank(Unknown.parse("?" + values.strip().removeprefix("?")))
    except ValueError as error:
        msg = f"unknown({values[:40]!r}): {error}"
        raise UsageError(msg) from None


def _guarded(name: str) -> Callable[..., Any]:
    """An operation of int that a user's code may not use."""
    plain = getattr(int, name)

    def operation(self: Blank, *others: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - who computes is what matters
        if not f"{caller}.".startswith(TRUSTED):
            msg = (
                f"an unknown has no value yet, so nothing can be computed or decided with it ({name.strip('_')}): "
                "give the result an unknown of its own, and tie the two by a constraint"
            )
            raise UsageError(msg)
        return plain(int(self) if name != "__int__" else self, *others)

    operation.__name__ = name
    return operation


for _name in (
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__floordiv__", "__rfloordiv__"),
    *("__truediv__", "__rtruediv__", "__mod__", "__rmod__", "__divmod__", "__pow__", "__rpow__", "__neg__", "__bool__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__and__", "__or__", "__xor__"),
):
    setattr(Blank, _name, _guarded(_name))
