"""One number mistaken in several layers: changed in all that are alike, or that one place of a document stands for."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from netsolve.conflicts.choices import Choice, choices_of
from netsolve.conflicts.likely import Likelihood
from netsolve.conflicts.worlds import Worlds

ARGUMENTS = ("padding", "output_padding", "stride", "kernel_size")
"""What authors forget, or get wrong, in every layer of a kind."""

TOGETHER = 2.0
"""What it costs, in nats, that it is several layers."""

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
            world = {v: number for each in together for v, number in each.world.items()}
            if worlds.first_broken(world) is None:
                yield likelihood.alone(choice) + TOGETHER, together
                break


def groups(worlds: Worlds, likelihood: Likelihood, keys: Collection[str]) -> list[tuple[str, ...]]:
    """The keys of layers that have the same number for the same reason, several each."""
    found: dict[Any, list[str]] = {}
    for layer in worlds.relaxed.network.layers:
        for argument in ARGUMENTS:
            key = f"{layer.name}.{argument}"
            if key in keys and all(isinstance(worlds.base[v], int) for v in worlds.relaxed.variables[key]):
                own = likelihood.own(layer, argument)
                found.setdefault((likelihood.kind(layer, argument), own), []).append(key)
                if layer.path:
                    found.setdefault((layer.at(argument), own), []).append(key)
    return [*dict.fromkeys(tuple(group) for group in found.values() if len(group) > 1)]
