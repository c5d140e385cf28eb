"""Modules in a row as Python source: calls, their sizes as comments, and loops where they repeat."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netsolve.layout import WIDTH, lines
from netsolve.ops import Operator
from netsolve.ops.plain import Switch
from netsolve.templates import by_place

LONGEST_PERIOD = 6
FEWEST = 3


@dataclass(frozen=True)
class Call:
    """A call: what is called, and its arguments with their names, empty for those given by place.

    own: whether it is one of the classes that the source defines.
    """

    name: str
    arguments: tuple[tuple[str, str], ...] = ()
    own: bool = False

    def __str__(self) -> str:
        """The source; a loop is called "*" and written with a star."""
        if self.name == "*":
            return f"*{self.arguments[0][1]}"
        return f"{self.name}({', '.join(f'{key}={text}' if key else text for key, text in self.arguments)})"


@dataclass(frozen=True)
class Entry:
    """A module in a row, with the shapes before and after it.

    quiet: whether it needs no comment of its own.
    """

    item: "Call | Row"
    before: tuple[int, ...]
    after: tuple[int, ...]
    label: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Row:
    """An nn.Sequential."""

    entries: tuple[Entry, ...]


def sizes_text(label: str, before: tuple[int, ...], after: tuple[int, ...]) -> str:
    """What a comment says of some layers."""
    first, last = (" x ".join(map(str, shape)) for shape in (before, after))
    sizes = first if before == after else f"{first} -> {last}"
    return f"{label}: {sizes}" if label else sizes


def literal(value: Any) -> str:
    """A checked value as Python source."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    msg = f"{type(value).__name__} is no value of an argument"
    raise TypeError(msg)


def module_call(op: Operator, given: Mapping[str, str]) -> Call:
    """The call of torch's class with arguments as expressions, in the order in which they are declared."""
    names = [name for name in op.arguments if name in given]
    alone = len(names) == 1 and names[0] == next(iter(op.arguments)) and not isinstance(op.arguments[names[0]], Switch)
    if alone and names != ["dim"]:
        return Call(f"nn.{op.torch_name}", (("", given[names[0]]),))
    plain = [name for name in names if by_place(op, name)]
    rest = [name for name in names if name not in plain]
    arguments = [("", given[name]) for name in plain] + [(name, given[name]) for name in rest]
    return Call(f"nn.{op.torch_name}", tuple(arguments))


def folded(entries: tuple[Entry, ...]) -> "Call | Row":
    """Modules in a row; one alone, or a single loop, as a call."""
    if len(entries) == 1:
        return entries[0].item
    pieces = list(_pieces(entries, sizes=False))
    return Call("*", (("", pieces[0][1:]),)) if len(pieces) == 1 and isinstance(pieces[0], str) else Row(entries)


def row_lines(item: "Call | Row", indent: int, head: str, *, sizes: bool, comma: str = "") -> list[str]:
    """The lines of a module behind what it is assigned to, or called for."""
    if isinstance(item, Call):
        text = f"nn.Sequential({item})" if item.name == "*" and not comma else str(item)
        return lines(f"{head}{text}", indent, comma)
    opening = head if head.endswith("__init__") else f"{head}nn.Sequential"
    pad = " " * indent
    inner = [line for text in _pieces(item.entries, sizes=sizes) for line in _piece(text, indent + 4, sizes=sizes)]
    return [f"{pad}{opening}(", *inner, f"{pad}){comma}"]


def _piece(piece: "str | Call | Row", indent: int, *, sizes: bool) -> list[str]:
    """The lines of a comment, a module, or a loop."""
    if isinstance(piece, Row):
        return row_lines(piece, indent, "", sizes=sizes, comma=",")
    text = str(piece)
    return comment(text, indent) if text.startswith("#") else lines(text, indent, ",")


def comment(text: str, indent: int) -> list[str]:
    """The line of a comment, without the name in it where it is too long; none where it is too long nevertheless."""
    if indent + len(text) > WIDTH and ": " in text:
        text = "# " + text.partition(": ")[2]
    return [f"{' ' * indent}{text}"] if indent + len(text) <= WIDTH else []


def _pieces(entries: tuple[Entry, ...], *, sizes: bool) -> "Iterator[str | Call | Row]":
    """Comments and modules; those that repeat as loops."""
    texts = [str(entry.item) if isinstance(entry.item, Call) and not entry.label else "" for entry in entries]
    index = 0
    while index < len(entries):
        entry = entries[index]
        loop, count = _repeated(entries, texts, index)
        if not loop:
            loop, count = _series(entries, texts, index)
        if sizes and (loop or not entry.quiet or index == 0):
            yield f"# {sizes_text(entry.label, entry.before, entries[index + count - 1].after)}"
        yield loop or entry.item
        index += count


def _repeated(entries: tuple[Entry, ...], texts: list[str], index: int) -> tuple[str, int]:
    """Modules from an entry on that come again and again, as a loop, and how many there are; "" and 1 for none."""
    best, found = 1, 1
    for period in range(1, min(LONGEST_PERIOD, (len(entries) - index) // 2) + 1):
        end = index + period
        while end < len(entries) and texts[end] and texts[end] == texts[end - period]:
            end += 1
        times = (end - index) // period
        item = entries[index].item
        fewest = 2 if period == 1 and isinstance(item, Call) and item.own else FEWEST
        if times >= fewest and period * times > best:
            best, found = period * times, period
    if best == 1 or not all(texts[index : index + found]):
        return "", 1
    modules = ", ".join(texts[index : index + found])
    times = best // found
    if found == 1:
        return f"*[{modules} for _ in range({times})]", best
    return f"*[module for _ in range({times}) for module in ({modules})]", best


def _series(entries: tuple[Entry, ...], texts: list[str], index: int) -> tuple[str, int]:
    """Modules from an entry on that differ in one number, as a loop, and how many there are; "" and 1 for none."""
    first = entries[index].item
    if not isinstance(first, Call) or not first.own or not texts[index]:
        return "", 1
    numbers, place = [""], -1
    for entry, text in zip(entries[index + 1 :], texts[index + 1 :], strict=True):
        call = entry.item
        if not text or not isinstance(call, Call) or call.name != first.name:
            break
        pairs = enumerate(zip(first.arguments, call.arguments, strict=True))
        places = [i for i, (a, b) in pairs if a != b]
        if len(places) != 1 or place not in {-1, places[0]}:
            break
        place = places[0]
        numbers.append(call.arguments[place][1])
    numbers[0] = first.arguments[place][1] if place >= 0 else ""
    if len(numbers) < FEWEST or not all(number.isdigit() for number in numbers):
        return "", 1
    step = int(numbers[1]) - int(numbers[0])
    arguments = [(key, "n" if i == place else text) for i, (key, text) in enumerate(first.arguments)]
    even = step > 0 and [int(n) for n in numbers] == [int(numbers[0]) + step * i for i in range(len(numbers))]
    among = f"range({numbers[0]}, {int(numbers[-1]) + 1}, {step})" if even else f"({', '.join(numbers)})"
    return f"*[{Call(first.name, tuple(arguments))} for n in {among}]", len(numbers)
