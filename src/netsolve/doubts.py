"""What a document may say and its author probably did not mean: warnings."""

from collections.abc import Iterator

from netsolve.domain import Unknown
from netsolve.mistakes import Mistakes
from netsolve.network import Layer, Network
from netsolve.ops.arguments import Asked, Default
from netsolve.ops.base import highest


def doubts(network: Network, mistakes: Mistakes) -> None:
    """Note them all."""
    used = {name for layer in network.layers for name in layer.inputs} | set(network.outputs)
    for name in network.inputs.keys() - used:
        path = (name,) if set(network.inputs) == {"input"} else ("inputs", name)
        mistakes.warn(path, name, "no layer uses this input")
    for layer in network.layers:
        if network.outputs and layer.name not in used:
            text = "nothing uses its output, and it is none of `outputs`"
            mistakes.warn(layer.path, layer.name, text, "add it to `outputs`, or leave it out")
        for key, sets in _uneven(layer, network):
            each = ", ".join(sets)
            listed = ", ".join('"?"' for _ in sets)
            text = f"one question mark is one value for all axes, and by itself each may have others: {each}"
            mistakes.warn(layer.at(key), f"{layer.name}.{key}", text, f"[{listed}] is probably meant")


def _uneven(layer: Layer, network: Network) -> Iterator[tuple[str, list[str]]]:
    """Single question marks whose default values differ between axes, with those of each axis."""
    for key, argument in layer.op.arguments.items():
        value = getattr(layer.op, key)
        if isinstance(value, Unknown) and value.domain is None and key not in network.defaults:
            default = argument.default if isinstance(argument, Asked) and argument.entries == "axes" else None
            if isinstance(default, Default):
                tops = [highest(layer.op, default, axis) for axis in range(layer.op.axes)]
                if None not in tops and len(set(tops)) > 1:
                    yield key, [f"{default.low}..{top}" for top in tops]
