"""A network run in torch, every layer's shape compared with the predicted one."""

import math
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from netsolve.build import Shapes, build, part
from netsolve.deadline import Deadline
from netsolve.network import Layer, Network
from netsolve.verification import LayerRun, Verification

BATCH = 2
"""Two samples: some layers of torch accept one sample and refuse several, or the other way round."""

FAILURES = (RuntimeError, ValueError, TypeError, AssertionError, IndexError, NotImplementedError, ArithmeticError)
"""What torch raises where it does not accept a layer's arguments or input."""

ADDRESSABLE = 2**63
"""Torch counts bytes below this, on any device; past it, it refuses or miscounts."""

OVERFLOW = re.compile(r"overflow|out of memory|(?:can't|cannot|failed to) allocate|not enough memory", re.IGNORECASE)
"""How torch words that numbers or memory do not suffice, which says nothing about the network."""


RATE = 1e10
"""Multiplications a second that a slow machine can be trusted with."""


def verify(
    network: Network, shapes: Shapes, *, most_work: float = math.inf, seconds: float | None = None
) -> Verification:
    """Build a fully known network, run it on the CPU, and compare shapes layer by layer.

    shapes: the shape predicted after each input and layer, without batch; most_work: how many multiplications the CPU
    may be asked for; seconds: how long the run may take. Where it would take more than that, or more memory than the
    machine has, it runs on torch's meta device instead and says so. What is too large even for that is not run to its
    end, which is no disagreement either.
    """
    limit = Deadline(seconds)
    needed, available = memory_needed(network, shapes), memory_available()
    device, reason = "cpu", ""
    if seconds is not None:
        most_work = min(most_work, RATE * seconds)
    if needed > available:
        device = "meta"
        reason = f"the run would take {_gibibytes(needed)} of memory, and {_gibibytes(available)} are free"
    elif most_work < math.inf and (work := work_needed(network, shapes)) > most_work:
        device, reason = "meta", f"the run would take about {work / 1e6:,.0f} million multiplications"
    found = _ran(network, shapes, device, reason, limit if device == "cpu" else Deadline())
    if found.mismatch is None and len(found.layers) < len(network.layers):
        found = _ran(network, shapes, "meta", f"the run would take more than {seconds:g} s", Deadline())
    failed = found.mismatch
    if failed is None or not (needed >= ADDRESSABLE or OVERFLOW.search(failed.error)):
        return found
    agreeing = tuple(layer for layer in found.layers if layer.agrees)
    where = f"the layer {failed.layer}" if failed.layer in {layer.name for layer in network.layers} else "the network"
    return replace(found, layers=agreeing, device="meta", reason=f"{where} is too large for torch")


def _ran(network: Network, shapes: Shapes, device: str, reason: str, deadline: Deadline) -> Verification:
    """What a device says, as far as the time goes."""
    try:
        model = build(network, shapes, device=device).eval()
        parameters = sum(p.numel() for p in model.parameters() if not isinstance(p, nn.UninitializedParameter))
        return Verification(tuple(_run(network, shapes, model, device, deadline)), parameters, device, reason)
    except FAILURES as error:
        return Verification((LayerRun("", (), None, _first_line(error)),), 0, device, reason)


def _run(network: Network, shapes: Shapes, model: nn.Module, device: str, deadline: Deadline) -> Iterator[LayerRun]:
    """Each layer's shape, until torch refuses one or the time is over."""
    with torch.inference_mode(), torch.device(device), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel", UserWarning)
        values: dict[str, Any] = {}
        for name in network.inputs:
            try:
                values[name] = _example(network, name, shapes[name])
            except FAILURES as error:
                yield LayerRun(name, tuple(shapes[name]), None, _first_line(error))
                return
        last = last_uses(network)
        for layer in network.layers:
            if deadline.passed:
                return
            predicted = tuple(shapes[layer.name])
            try:
                result = part(model, layer.name)(*(values[name] for name in layer.inputs))
            except FAILURES as error:
                yield LayerRun(layer.name, predicted, None, _first_line(error))
                return
            yield LayerRun(layer.name, predicted, tuple(result.shape[1:]))
            values[layer.name] = result
            for name in [name for name in {*layer.inputs, layer.name} if last.get(name) in {None, layer.name}]:
                del values[name]


def _example(network: Network, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """An input: zeros, of the type that the layers it feeds take."""
    indices = any(layer.op.indices and name in layer.inputs for layer in network.layers)
    return torch.zeros(BATCH, *shape, dtype=torch.long if indices else torch.float32)


def last_uses(network: Network) -> dict[str, str]:
    """The last layer that each tensor feeds."""
    return {name: layer.name for layer in network.layers for name in layer.inputs}


def memory_needed(network: Network, shapes: Shapes) -> int:
    """Bytes for all weights, and for the tensors alive at the fullest moment with the copy a convolution may make."""
    alive = fullest = sum(_cells(shapes[name]) for name in network.inputs)
    last = last_uses(network)
    weights = 0
    for layer in network.layers:
        weights += layer.op.parameters(tuple(shapes[name] for name in layer.inputs))
        alive += _cells(shapes[layer.name])
        fullest = max(fullest, alive + _scratch(layer, shapes))
        done = {name for name in (*layer.inputs, layer.name) if last.get(name) in {None, layer.name}}
        alive -= sum(_cells(shapes[name]) for name in done)
    return 4 * (weights + fullest)


def work_needed(network: Network, shapes: Shapes) -> int:
    """About how many multiplications a run takes: each weight once for each place of its layer's output."""
    work = 0
    for layer in network.layers:
        weights = layer.op.parameters(tuple(shapes[name] for name in layer.inputs))
        work += BATCH * weights * math.prod(shapes[layer.name][1:])
    return work


def _scratch(layer: Layer, shapes: Shapes) -> int:
    """Cells of a padded or rearranged copy of what a layer takes and gives."""
    return sum(_cells(shapes[name]) for name in (*layer.inputs, layer.name))


def _cells(shape: tuple[int, ...]) -> int:
    return BATCH * math.prod(shape)


def memory_available() -> int:
    """Bytes that are free on this machine, or a cautious guess where it does not say."""
    try:
        with open("/proc/meminfo") as lines:  # noqa: PTH123 - a pseudo-file
            free = next(line for line in lines if line.startswith("MemAvailable"))
        return int(free.split()[1]) * 1024
    except (OSError, StopIteration, ValueError):
        try:
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        except (AttributeError, ValueError, OSError):
            return 4 * 2**30


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size < ADDRESSABLE else f"over {ADDRESSABLE >> 30} GiB"
