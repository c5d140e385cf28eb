"""A number that is written once for all axes, where one axis has another."""

from collections.abc import Collection, Iterator

from netsolve.conflicts.choices import Choice, choices_of
from netsolve.conflicts.likely import SHAPING, Likelihood
from netsolve.conflicts.statements import relaxed
from netsolve.conflicts.worlds import Worlds
from netsolve.errors import DocumentError

APART = 1.0
"""What it costs, in nats, that the axes differ."""

NEAR = 16
"""How many values of each number are tried."""

MOST_STEPS = 20_000
"""How many relations of layers may be gone through."""


def one_axis(worlds: Worlds, likelihood: Likelihood, keys: Collection[str]) -> Iterator[tuple[float, tuple[Choice]]]:
    """For each number that stands for all axes, the nearest other on one axis with which everything may fit.

    Each with its cost. keys: what may change.
    """
    network, written = worlds.relaxed.network, {}
    for layer in network.layers:
        for argument in SHAPING if layer.op.axes > 1 else ():
            value = getattr(layer.op, argument, None)
            if f"{layer.name}.{argument}" in keys and isinstance(value, int) and not isinstance(value, bool):
                written[f"{layer.name}.{argument}"] = (value,) * layer.op.axes
    try:
        wide = Worlds(relaxed(network.with_values(written), worlds.deadline), worlds.deadline)
    except DocumentError:
        return
    numbers = wide.numbers_at(wide.broken[0]) if wide.broken else ()
    for key in reversed(written):
        rows = (c for c in choices_of(wide, key, numbers) if isinstance(c.value, tuple) and len({*c.value}) > 1)
        for _, choice in zip(range(NEAR), rows, strict=False):
            if wide.steps > MOST_STEPS:
                return
            if wide.first_broken(choice.world) is None:
                yield likelihood.alone(choice) + APART, (choice,)
                break
