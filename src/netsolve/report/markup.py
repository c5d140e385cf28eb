"""Marked-up text that cannot be broken out of: every string is escaped unless it was made here."""

from collections.abc import Iterable
from html import escape

from netsolve.errors import printable

EMPTY_TAGS = frozenset({"meta", "br", "path", "polygon", "rect"})


class Markup(str):
    """Text that is marked up already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A value as text in a page; nothing in it is obeyed."""
    return value if isinstance(value, Markup) else Markup(escape(printable(str(value), keep="\n")))


def joined(parts: Iterable[object]) -> Markup:
    """Parts one after the other."""
    return Markup("".join(map(text, parts)))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element; `class_` is class, and _ in the name of an attribute is -. Attributes that are None are left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in EMPTY_TAGS and not children:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{joined(children)}</{name}>")
