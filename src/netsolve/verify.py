"""A network run in torch, every layer's shape compared with the predicted one."""

import math
import os
from typing import Any

import torch

from netsolve.build import Shapes, build, leaves
from netsolve.network import Network
from netsolve.verification import LayerRun, Verification

BATCH = 2
"""Two samples: some layers of torch accept one sample and refuse several, or the other way round."""


def verify(network: Network, shapes: Shapes) -> Verification:
    """Build a fully known network, run it on the CPU, and compare shapes layer by layer.

    shapes: the shape predicted after each input and layer, without batch. Where the run would take more memory than the
    machine has, it runs on torch's meta device instead and says so.
    """
    needed, available = memory_needed(network, shapes), memory_available()
    device, reason = "cpu", ""
    if needed > available:
        device, reason = "meta", f"the run would take {_gibibytes(needed)} of memory, and {_gibibytes(available)} are free"
    runs: list[LayerRun] = []
    parameters = 0
    try:
        model = build(network, shapes, device=device).eval()
        parameters = sum(p.numel() for p in model.parameters())
        with torch.inference_mode(), torch.device(device):
            x: Any = torch.zeros(BATCH, *shapes[network.layers[0].inputs[0]]) if network.layers else None
            for layer, module in zip(network.layers, leaves(model), strict=True):
                x = module(x)
                runs.append(LayerRun(layer.name, tuple(shapes[layer.name]), tuple(x.shape[1:])))
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError, NotImplementedError) as error:
        failed = network.layers[len(runs)].name
        runs.append(LayerRun(failed, tuple(shapes[failed]), None, str(error).strip().splitlines()[0]))
    return Verification(tuple(runs), parameters, device, reason)


def memory_needed(network: Network, shapes: Shapes) -> int:
    """Bytes for all weights, and for the two largest tensors in a row with the copy a convolution makes."""
    cells = [BATCH * math.prod(shapes[name]) for name in (*network.inputs, *(layer.name for layer in network.layers))]
    weights = sum(layer.op.parameters(tuple(shapes[layer.inputs[0]])) for layer in network.layers)
    return 4 * (weights + 4 * max(cells, default=0))


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


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
