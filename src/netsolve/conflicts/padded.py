"""Padding that differs on the two sides, where no symmetric one gives the size: torch's "same", TensorFlow's SAME."""

from collections.abc import Iterator
from dataclasses import dataclass

from netsolve.conflicts.choices import Choice
from netsolve.conflicts.worlds import Worlds
from netsolve.network import Layer
from netsolve.ops.conv import Conv, tensorflow_sides
from netsolve.problem import Variable

COST = 4.0
"""In nats, beside those of other changes."""


@dataclass(frozen=True)
class Padded(Choice):
    """A word for padding, and the pad layer that it amounts to."""

    note: str = ""


def padded(worlds: Worlds, broken: int) -> Iterator[tuple[float, Padded]]:
    """For each convolution that the factor `broken` depends on: what an uneven padding would give, where that fits."""
    layers = {worlds.factors[index].label.layer for index in worlds.ancestors(broken)}
    for layer in worlds.relaxed.network.layers:
        if layer.name in layers and isinstance(layer.op, Conv):
            choice = uneven(worlds, layer)
            if choice is not None and worlds.first_broken(choice.world) is None:
                yield COST, choice


def uneven(worlds: Worlds, layer: Layer) -> Padded | None:
    """The uneven padding of a convolution that gives ceil(n / stride), where an even one does not give the same."""
    shapes = worlds.relaxed.problem.shapes
    before = [worlds.base[v] if isinstance(v, Variable) else int(v) for v in shapes[layer.inputs[0]][1:]]
    after = shapes[layer.name][1:]
    axes = range(layer.op.axes)
    kernel, stride, dilation = (
        [value[i] if isinstance(value, tuple) else value for i in axes]
        for value in (getattr(layer.op, name) for name in ("kernel_size", "stride", "dilation"))
    )
    if not all(isinstance(v, int) for v in (*before, *kernel, *stride, *dilation)):
        return None
    if getattr(layer.op, "padding_mode", "zeros") != "zeros":
        return None
    sides = [tensorflow_sides(n, k, s, d) for n, k, s, d in zip(before, kernel, stride, dilation, strict=True)]  # type: ignore[arg-type]  # all are integers by now
    if all(left == right for left, right in sides):
        return None
    sizes = [-(-n // s) for n, s in zip(before, stride, strict=True)]  # type: ignore[operator]  # likewise
    world = {v: size for v, size in zip(after, sizes, strict=True) if isinstance(v, Variable)}
    amounts = [number for pair in reversed(sides) for number in pair]
    word = "same" if set(stride) == {1} else "SAME"
    note = f": ZeroPad{layer.op.axes}d with padding = {amounts} before it and padding = 0, one cell more at the end"
    return Padded(f"{layer.name}.padding", word, world, 1.0, note)
