"""How likely an author mistook a number: what kind of number it is, and whether it is out of line with layers alike."""

from collections import Counter
from math import log
from typing import Any

from netsolve.conflicts.choices import Choice
from netsolve.conflicts.worlds import Worlds
from netsolve.domain import Unknown
from netsolve.network import Layer
from netsolve.problem import Variable

PRIORS = {
    "out": 0.0,
    "output": 0.0,
    "padding": 1.0,
    "stride": 1.5,
    "kernel_size": 2.5,
    "ceil_mode": 1.0,
    "output_padding": 1.5,
    "input": 3.0,
    "order": 0.5,  # of the input's numbers
    "in_features": 0.5,
    "num_features": 0.5,
    "normalized_shape": 0.5,
    "in_channels": 0.5,
    "out_channels": 3.0,
    "num_groups": 2.5,
    "num_heads": 2.5,
    "nhead": 2.5,
    "upscale_factor": 2.5,
    "downscale_factor": 2.5,
    "size": 2.0,
    "output_size": 3.0,
}
"""In nats, a smaller one first; other arguments come last."""

RARE = 5.0
FAR = 0.25
"""What each step away from what is written costs, up to five."""

IMPLIED = frozenset({"in_features", "num_features", "normalized_shape", "in_channels"})
"""Arguments that follow from what stands before them: a wrong one is as likely to be far off."""

DEPTHWISE = 1.0
"""What it is worth that a convolution has a group for each channel."""

SHAPING = ("kernel_size", "stride", "padding", "dilation", "output_padding", "ceil_mode")
"""Arguments by which layers are alike."""

HOPS = 4
"""How many layers behind a stride more channels are looked for."""

BEYOND = 2.0
"""What a padding costs that no window needs."""


class Likelihood:
    """The habits of one network: what layers alike have in common."""

    def __init__(self, worlds: Worlds) -> None:
        """Count what stands in layers alike."""
        self.worlds = worlds
        self.counts: Counter[tuple[Any, ...]] = Counter()
        self.feeds: dict[str, str] = {}
        for layer in worlds.relaxed.network.layers:
            self.feeds.setdefault(layer.inputs[0], layer.name)
        for layer in worlds.relaxed.network.layers:
            for argument in SHAPING:
                if hasattr(layer.op, argument):
                    self.counts[self.kind(layer, argument), self.own(layer, argument)] += 1

    def own(self, layer: Layer, argument: str) -> Any:
        """What a layer has, one number where all axes have the same."""
        return short(getattr(layer.op, argument))

    def kind(self, layer: Layer, argument: str) -> tuple[Any, ...]:
        """What makes a layer like another as far as one argument goes."""
        others = tuple(self.own(layer, a) for a in SHAPING if a != argument and hasattr(layer.op, a))
        return (layer.op.torch_name, argument, others, self.widens(layer) if argument == "stride" else None)

    def widens(self, layer: Layer) -> Any:
        """Whether a layer, or one soon behind it, gives more channels than it takes; strides often go with that."""
        before = self.channels(layer.inputs[0])
        name: str | None = layer.name
        for _ in range(HOPS):
            if name is None:
                return False
            after = self.channels(name)
            if after != before:
                return isinstance(before, int) and isinstance(after, int) and after > before
            name = self.feeds.get(name)
        return False

    def channels(self, name: str) -> Any:
        """The channels after a layer or input."""
        size = self.worlds.relaxed.problem.shapes[name][0]
        return self.worlds.base[size] if isinstance(size, Variable) else int(size)

    def cost(self, choice: Choice) -> float:
        """How unlikely it is that this is what was meant, in nats: small is likely."""
        cost = self.alone(choice)
        layer, _, argument = choice.key.rpartition(".")
        if argument not in SHAPING or layer not in self.worlds.relaxed.network.by_name:
            return cost
        there = self.worlds.relaxed.network.by_name[layer]
        old, new, kind = self.own(there, argument), short(choice.value), self.kind(there, argument)
        if not isinstance(old, Unknown):
            cost -= log((self.counts[kind, new] + 0.5) / (self.counts[kind, old] - 1 + 0.5))
        return cost

    def alone(self, choice: Choice) -> float:
        """The same, whatever layers alike have."""
        layer, _, argument = choice.key.rpartition(".")
        if choice.key in self.worlds.relaxed.network.inputs:
            argument = "input" if choice.distance else "order"
        elif choice.key == "output":
            argument = "output"
        cost = PRIORS.get(argument, RARE) + (0 if argument in IMPLIED else FAR * min(choice.distance, 5))
        if argument == "groups" and choice.value == self.channels(self.worlds.relaxed.network.by_name[layer].inputs[0]):
            cost -= DEPTHWISE
        if argument not in SHAPING:
            return cost
        there = self.worlds.relaxed.network.by_name[layer]
        old, new = self.own(there, argument), short(choice.value)
        if not isinstance(old, Unknown):
            cost += self.oddness(there, argument, new) - self.oddness(there, argument, old)
        if argument == "padding" and isinstance(new, int) and new > self.needed(there):
            cost += BEYOND
        return cost

    def needed(self, layer: Layer) -> int:
        """The largest padding whose window still touches the input."""
        kernel, dilation = (getattr(layer.op, a, 1) for a in ("kernel_size", "dilation"))
        numbers = [v for value in (kernel, dilation) for v in (value if isinstance(value, tuple) else (value,))]
        if not all(isinstance(n, int) for n in numbers):
            return 0
        sizes = kernel if isinstance(kernel, tuple) else (kernel,)
        steps = dilation if isinstance(dilation, tuple) else (dilation,)
        return int(max(steps) * (max(sizes) - 1))

    def oddness(self, layer: Layer, argument: str, value: Any) -> float:
        """How unusual a value is by itself."""
        if not isinstance(value, int):
            return 0.0
        if argument == "padding":
            return 0.0 if 2 * value in {self.needed(layer), self.needed(layer) - 1} else 0.5 if value == 0 else 1.5
        if argument == "kernel_size":
            return 0.0 if value % 2 or value == 2 else 1.0  # noqa: PLR2004 - pools have 2
        return 0.25 * max(value - 2, 0) if argument == "stride" else 0.0


def short(value: Any) -> Any:
    """A list of equal entries as one of them."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
