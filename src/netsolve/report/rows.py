"""A network as rows: one for each input and layer, with what every report shows of it. Plain data, made once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netsolve.domain import Unknown
from netsolve.network import Layer, Network
from netsolve.ops.arguments import Asked, Inferred, show

COLUMNS = {"kernel": "kernel_size", "stride": "stride", "padding": "padding"}
"""Arguments with a column of their own, by the column's title."""

SHOWN = frozenset({"out_channels", "out_features", "out"})
"""Arguments that the shape after the layer tells anyway."""

MARK = "*"
"""Stands behind every value that was found: colour is never the only sign."""

Shape = tuple[int | None, ...]
"""Sizes without batch; None where one is not known."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as text, and whether it was found."""

    text: str = ""
    found: bool = False

    def __str__(self) -> str:
        """The value, marked where it was found."""
        return f"{self.text} {MARK}" if self.found else self.text


EMPTY = Cell()


@dataclass(frozen=True, slots=True)
class Row:
    """One input or layer.

    op: torch's name, empty for an input; feeds: the names of what feeds it, and distances: how many rows above each of
    those stands; cells: kernel, stride and padding; others: further arguments that were found or are still asked for;
    befores: the shapes of its feeds; after: its own, marked where it was found; parameters: None where not known.
    """

    name: str
    op: str
    feeds: tuple[str, ...]
    distances: tuple[int, ...]
    cells: tuple[Cell, ...]
    others: tuple[tuple[str, Cell], ...]
    befores: tuple[Shape, ...]
    after: Shape
    found: bool = False
    parameters: int | None = None

    @property
    def branches(self) -> bool:
        """Whether it is fed by anything but the row above it."""
        return bool(self.feeds) and self.distances != (1,)

    @property
    def likeness(self) -> tuple[Any, ...]:
        """What is equal for layers that differ in nothing but their names."""
        return (self.op, self.distances, self.cells, self.others, self.befores, self.after)


def rows_of(network: Network, shapes: Mapping[str, Shape], found: Mapping[str, Any]) -> tuple[Row, ...]:
    """A row for each input and layer.

    shapes: after each as far as they are known; found: the values that were found, by LAYER.ARGUMENT and `input`.
    """
    rows = [Row(name, "", (), (), (EMPTY,) * 3, (), (), shapes.get(name, ()), name in found) for name in network.inputs]
    places = {row.name: place for place, row in enumerate(rows)}
    for place, layer in enumerate(network.layers, len(rows)):
        befores = tuple(shapes.get(name, ()) for name in layer.inputs)
        row = Row(
            name=layer.name,
            op=layer.op.torch_name,
            feeds=layer.inputs,
            distances=tuple(place - places[name] for name in layer.inputs),
            cells=tuple(cell(layer, argument, found) for argument in COLUMNS.values()),
            others=tuple(others(layer, found)),
            befores=befores,
            after=shapes.get(layer.name, ()),
            parameters=parameters_of(layer, befores),
        )
        places[layer.name] = place
        rows.append(row)
    return tuple(rows)


def cell(layer: Layer, argument: str, found: Mapping[str, Any]) -> Cell:
    """An argument's value; that of the argument it follows where it is not written."""
    value = getattr(layer.op, argument, None)
    if value is None:
        followed = layer.op.follows.get(argument)
        return EMPTY if followed is None else Cell(cell(layer, followed, {}).text)
    return Cell(value_text(value), f"{layer.name}.{argument}" in found)


def others(layer: Layer, found: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    """The arguments without a column that were found, or are asked for and not yet found."""
    for argument, kind in layer.op.arguments.items():
        if argument in COLUMNS.values():
            continue
        if (key := f"{layer.name}.{argument}") in found:
            yield argument, Cell(value_text(found[key]), found=True)
        elif isinstance(kind, Asked) and not isinstance(kind, Inferred) and asks(value := getattr(layer.op, argument)):
            yield argument, Cell(value_text(value))


def settings(layer: Layer) -> Iterator[tuple[str, str]]:
    """The whole numbers written for a layer besides those of columns and shape, where they are not the default."""
    for argument, kind in layer.op.arguments.items():
        value = getattr(layer.op, argument)
        default = layer.op.__dataclass_fields__[argument].default
        if (
            isinstance(kind, Asked)
            and not isinstance(kind, Inferred)
            and argument not in COLUMNS.values()
            and argument not in SHOWN
            and value is not None
            and value != default
        ):
            yield argument, value_text(value)


def asks(value: Any) -> bool:
    """Whether a value, or an entry of it, is still a question mark."""
    return any(isinstance(entry, Unknown) for entry in (value if isinstance(value, tuple) else (value,)))


def parameters_of(layer: Layer, befores: tuple[Shape, ...]) -> int | None:
    """How many learned numbers a layer has; None while that is not known."""
    values = (getattr(layer.op, name) for name in layer.op.arguments)
    known = tuple(tuple(size for size in shape if size is not None) for shape in befores)
    if any(map(asks, values)) or known != befores or not all(known):
        return None
    return layer.op.parameters(known)


def value_text(value: Any) -> str:
    """A value; a list with the sizes side by side."""
    if isinstance(value, tuple):
        return ", ".join(map(value_text, value))
    return show(value) if isinstance(value, bool) else str(value)


def size_text(shape: Shape) -> str:
    """A shape: 512 x 6 x 6."""
    return " x ".join("?" if size is None else str(size) for size in shape)


def before_text(row: Row) -> str:
    """The shape of what feeds a row; of several, one where they are equal, and what cat adds up as a sum."""
    shapes = row.befores if row.op == "cat" else tuple(dict.fromkeys(row.befores))
    if len(shapes) < 2:  # noqa: PLR2004 - all are one
        return size_text(shapes[0]) if shapes else ""
    if len({shape[1:] for shape in shapes}) == 1 and all(shapes):
        channels = "+".join(size_text(shape[:1]) for shape in shapes)
        return " x ".join(filter(None, (channels, size_text(shapes[0][1:]))))
    return ", ".join(map(size_text, shapes))
