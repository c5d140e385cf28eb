"""Layers that a network lacks, where no number is what is wrong: each as the document would have it.

A layer is told only if nothing new breaks where it is put in, and what it is put in for no longer does.
"""

from dataclasses import dataclass, replace
from itertools import product
from math import prod

from netsolve.conflicts.statements import IN_CODE, relaxed
from netsolve.conflicts.worlds import Worlds
from netsolve.errors import DocumentError
from netsolve.network import Layer
from netsolve.ops import OPERATORS
from netsolve.ops.join import Cat, Equal

MOST_SHAPES = 10_000
"""How many shapes that an input may have are multiplied."""

MOST_AXES, MOST_STRIDE = 3, 8
"""What a convolution of a shortcut has at most."""

ENDS = frozenset({"in_features", "start_dim"})
"""Arguments of layers behind which features are no longer those of the tensor before them."""

BRANCHES, LEAST = 2, 2
"""How many tensors meet at a shortcut, and how many sizes each has at least: channels, and along one axis."""

CROPPED = 2
"""How many cells more one branch has at least where it is told to be cropped: one less is a rounding."""


@dataclass(frozen=True)
class Lack:
    """A layer that is missing: a sentence, the layer, and the one that it is put before, in place of what it reads."""

    text: str
    layer: Layer
    reader: str


def lacking(worlds: Worlds, layer: Layer) -> str:
    """The layer that is missing before one at which a network breaks; empty where none is known to help."""
    if isinstance(layer.op, Equal):
        lacks = [projection(worlds, layer)]
    elif isinstance(layer.op, Cat):
        lacks = [crop(worlds, layer)]
    else:
        lacks = [flatten(worlds, layer), pooling(worlds, layer)]
    return next((lack.text for lack in lacks if lack is not None and mends(worlds, lack, layer)), "")


def mends(worlds: Worlds, lack: Lack, layer: Layer) -> bool:
    """Whether a layer no longer breaks with what it lacks, and nothing breaks that did not before."""
    network = worlds.relaxed.network
    layers: list[Layer] = []
    for each in network.layers:
        if each.name == lack.reader:
            feeds = tuple(lack.layer.name if feed == lack.layer.inputs[0] else feed for feed in each.inputs)
            layers += [lack.layer, replace(each, inputs=feeds)]
        else:
            layers.append(each)
    try:
        after = Worlds(relaxed(replace(network, layers=tuple(layers)), worlds.deadline), worlds.deadline)
    except DocumentError:
        return False
    return breaks(after) <= breaks(worlds) - {layer.name}


def breaks(worlds: Worlds) -> set[str]:
    """The layers at which a network breaks."""
    return {worlds.factors[index].label.layer for index in worlds.broken}


def put(title: str, inputs: tuple[str, ...], **arguments: int) -> Layer:
    """A layer that is put in."""
    return Layer(" missing", OPERATORS[title](**arguments), inputs, path=IN_CODE)


def known_shape(worlds: Worlds, name: str) -> tuple[int, ...]:
    """The shape after a layer or input where it is known; empty where it is not."""
    shape = [worlds.now(v) for v in worlds.relaxed.problem.shapes[name]]
    known = tuple(n for n in shape if isinstance(n, int))
    return known if len(known) == len(shape) else ()


def flatten(worlds: Worlds, layer: Layer) -> Lack | None:
    """The Flatten where a linear layer has the features of all sizes of its input, and takes the last one alone."""
    features = getattr(layer.op, "in_features", None)
    if not isinstance(features, int):
        return None
    shape = worlds.relaxed.problem.shapes[layer.inputs[0]]
    values = [worlds.now(v) for v in shape]
    columns = [(n,) if isinstance(n, int) else n or () for n in values]
    if len(shape) == 1 or values[-1] == features or prod(len(column) for column in columns) > MOST_SHAPES:
        return None
    found = next((row for row in product(*columns) if prod(row) == features), None)
    if found is None:
        return None
    sizes = " x ".join(map(str, found))
    text = f'it takes the last size alone, and {sizes} flattened is {features}: put {{ op = "Flatten" }} before it'
    return Lack(text, put("Flatten", layer.inputs), layer.name)


def pooling(worlds: Worlds, layer: Layer) -> Lack | None:
    """The global pooling where a linear layer has the features of the channels alone, as behind a global pooling."""
    features, layers = getattr(layer.op, "in_features", None), worlds.relaxed.network.by_name
    before = layers.get(layer.inputs[0])
    while before is not None and len(before.inputs) == 1 and before.op.arguments.keys().isdisjoint(ENDS):
        before = layers.get(before.inputs[0])
    whole = before is not None and (getattr(before.op, "start_dim", 0), getattr(before.op, "end_dim", 0)) == (1, -1)
    if before is None or not whole or len(shape := known_shape(worlds, before.inputs[0])) < LEAST:
        return None
    axes = len(shape) - 1
    if shape[0] != features or prod(shape[1:]) == 1 or axes > MOST_AXES:
        return None
    sizes = " x ".join(map(str, shape))
    pool = f'{{ op = "AdaptiveAvgPool{axes}d", output_size = 1 }}'
    text = f"{before.name} gets {sizes}: a global pooling before it leaves {features}, its channels: {pool}"
    return Lack(text, put(f"AdaptiveAvgPool{axes}d", before.inputs, output_size=1), before.name)


def projection(worlds: Worlds, layer: Layer) -> Lack | None:
    """The convolution that a shortcut lacks, where one gives it the shape of the other branch.

    With kernel 1 and no padding, n cells become (n - 1) // stride + 1 (https://arxiv.org/abs/1512.03385, section 3.3).
    """
    known = [known_shape(worlds, name) for name in layer.inputs]
    axes = len(known[0]) - 1
    alike = len(known) == BRANCHES and len(known[1]) == axes + 1
    if not alike or known[0] == known[1] or not 1 <= axes <= MOST_AXES:
        return None
    for source, other, given, wanted in zip(layer.inputs, layer.inputs[::-1], known, known[::-1], strict=True):
        strides = range(1, MOST_STRIDE + 1) if source in behind(worlds, other) else ()
        pairs = [*zip(given[1:], wanted[1:], strict=True)]
        if (stride := next((s for s in strides if all((n - 1) // s + 1 == m for n, m in pairs)), 0)) > 0:
            numbers = {"out_channels": wanted[0], "kernel_size": 1, "stride": stride}
            shown = ", ".join(f"{key} = {value}" for key, value in numbers.items())
            conv = f'{{ op = "Conv{axes}d", from = "{source}", {shown} }}'
            text = f"a shortcut from {source} has the shape of {other} behind {conv}"
            return Lack(text, put(f"Conv{axes}d", (source,), **numbers), layer.name)
    return None


def crop(worlds: Worlds, layer: Layer) -> Lack | None:
    """The crop that a skip connection lacks, where one branch is larger on every axis by more than a rounding.

    As in https://arxiv.org/abs/1505.04597, section 2.
    """
    shapes = [known_shape(worlds, name) for name in layer.inputs]
    if len(shapes) != BRANCHES or len({len(shape) for shape in shapes}) > 1 or len(shapes[0]) < LEAST:
        return None
    place = max((0, 1), key=lambda i: shapes[i][1:])
    large, small = layer.inputs[place], layer.inputs[1 - place]
    more = [n - m for n, m in zip(shapes[place][1:], shapes[1 - place][1:], strict=True)]
    if getattr(layer.op, "dim", 1) != 1 or min(more) < CROPPED:
        return None
    text = f'cropped, {large} has the size of {small}: {{ op = "CenterCrop", from = "{large}", like = "{small}" }}'
    return Lack(text, put("CenterCrop", (large, small)), layer.name)


def behind(worlds: Worlds, name: str) -> set[str]:
    """What a tensor is made from: layers and inputs."""
    found, waiting = set[str](), [name]
    while waiting:
        layer = worlds.relaxed.network.by_name.get(waiting.pop())
        feeds = () if layer is None else layer.inputs
        waiting += [feed for feed in feeds if feed not in found]
        found.update(feeds)
    return found
