"""Padding that differs on the two sides, where no symmetric one gives the size: torch's "same", TensorFlow's SAME."""

from collections.abc import Iterator
from dataclasses import dataclass

from netsolve.answer import Solution
from netsolve.conflicts.choices import Choice
from netsolve.conflicts.worlds import Worlds
from netsolve.hints import Hint
from netsolve.network import Layer
from netsolve.ops.conv import Conv, entry_of, tensorflow_sides
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


def uneven_note(solution: Solution) -> Hint | None:
    """Where a padding that was found gives the size of TensorFlow's SAME, and SAME pads one cell more at the end.

    The features are then shifted against those of a network whose weights come from there. The first such layer stands
    for all of them.
    """
    found: list[tuple[Layer, list[int]]] = []
    for layer in solution.network.layers:
        op = layer.op
        asked = f"{layer.name}.padding" in solution.values
        if not asked or not isinstance(op, Conv) or not isinstance(op.padding, int | tuple):
            continue
        before, after = solution.shapes[layer.inputs[0]][1:], solution.shapes[layer.name][1:]
        rows = [
            [entry_of(value, axis) for value in (op.kernel_size, op.stride, op.dilation)] for axis in range(op.axes)
        ]
        same = all(-(-n // row[1]) == out and row[1] > 1 for n, out, row in zip(before, after, rows, strict=True))
        sides = [tensorflow_sides(n, *row) for n, row in zip(before, rows, strict=True)]
        if same and any(left != right for left, right in sides):
            amounts = [number for pair in reversed(sides) for number in pair]
            found.append((layer, amounts))
    if not found:
        return None
    layer, amounts = found[0]
    others = f" (and {len(found) - 1} more layers likewise)" if len(found) > 1 else ""
    text = (
        f"TensorFlow's SAME pads {layer.name} by {amounts}{others}, which gives the same size with the features "
        f'shifted: padding = "SAME", or ZeroPad{layer.op.axes}d before padding = 0'
    )
    return Hint(layer.name, text)


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
