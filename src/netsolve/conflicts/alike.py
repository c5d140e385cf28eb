"""One number mistaken in several layers: changed in all that are alike, or that one place of a document stands for."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from netsolve.conflicts.choices import Choice, choices_of
from netsolve.conflicts.likely import Likelihood
from netsolve.conflicts.worlds import Value, Worlds
from netsolve.network import Layer
from netsolve.problem import Variable

ARGUMENTS = ("padding", "output_padding", "stride", "kernel_size", "ceil_mode")
"""What authors forget, or get wrong, in every layer of a kind."""

WINDOW = ("padding", "stride", "kernel_size", "dilation")
"""What says how a window moves."""

TOGETHER, EVERYWHERE = 2.0, 0.5
"""What it costs, in nats, that it is several layers; and for a mode, which a framework has everywhere."""

NEAREST = 6
"""How many values are tried."""

MOST_STEPS = 50_000
"""How many layers' relations may be gone through."""


def alike(
    worlds: Worlds, likelihood: Likelihood, numbers: tuple[int, ...], keys: Collection[str]
) -> Iterator[tuple[float, tuple[Choice, ...]]]:
    """The nearest value of a number of several layers with which everything may fit: its cost, a choice for each.

    numbers: those that do not agree; keys: what may change.
    """
    last = worlds.steps + MOST_STEPS
    for group in groups(worlds, likelihood, keys):
        first, *others = [
            {choice.value: choice for choice in islice(choices_of(worlds, key, numbers), NEAREST)} for key in group
        ]
        for value, choice in first.items():
            if worlds.steps > last:
                return
            if not all(value in other for other in others):
                continue
            together = (choice, *(other[value] for other in others))
            if worlds.first_broken(together_world(together)) is None:
                more = EVERYWHERE if isinstance(value, bool) else TOGETHER
                yield likelihood.alone(choice) + more, together
                break
    halves = tuple(half_paddings(worlds, keys))
    if len({choice.value for choice in halves}) > 1 and worlds.first_broken(together_world(halves)) is None:
        yield likelihood.alone(halves[0]) + TOGETHER, halves


def together_world(choices: tuple[Choice, ...]) -> dict[Variable, Value]:
    """The world of several choices at once."""
    return {v: number for each in choices for v, number in each.world.items()}


def half_paddings(worlds: Worlds, keys: Collection[str]) -> Iterator[Choice]:
    """Half its kernel for each layer that pads nothing and moves by one: what parallel branches forget together."""
    for layer in worlds.relaxed.network.layers:
        key = f"{layer.name}.padding"
        if key not in keys or not all(hasattr(layer.op, argument) for argument in WINDOW):
            continue
        padding, stride, kernel, dilation = (axes_of(layer, argument) for argument in WINDOW)
        if {*padding} != {0} or {*stride} != {1} or not all(isinstance(n, int) for n in (*kernel, *dilation)):
            continue
        halves = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
        listed = isinstance(getattr(layer.op, WINDOW[0]), tuple)
        if any(halves) and all(k % 2 for k in kernel) and (listed or len({*halves}) == 1):
            variables = worlds.relaxed.variables[key]
            yield Choice(key, halves if listed else halves[0], dict(zip(variables, halves, strict=False)), max(halves))


def axes_of(layer: Layer, argument: str) -> tuple[Any, ...]:
    """An argument's value on each axis."""
    value = getattr(layer.op, argument)
    return value if isinstance(value, tuple) else (value,) * layer.op.axes


def groups(worlds: Worlds, likelihood: Likelihood, keys: Collection[str]) -> list[tuple[str, ...]]:
    """The keys of layers that have the same number for the same reason, several each."""
    found: dict[Any, list[str]] = {}
    for layer in worlds.relaxed.network.layers:
        for argument in layer.op.arguments:
            key = f"{layer.name}.{argument}"
            if key in keys and all(isinstance(worlds.base[v], int) for v in worlds.relaxed.variables[key]):
                own = likelihood.own(layer, argument)
                if argument in ARGUMENTS:
                    found.setdefault((likelihood.kind(layer, argument), own), []).append(key)
                if layer.path:
                    found.setdefault((layer.at(argument), own), []).append(key)
    return [*dict.fromkeys(tuple(group) for group in found.values() if len(group) > 1)]
