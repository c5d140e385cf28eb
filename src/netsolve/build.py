"""A fully known network as a torch module."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from netsolve.network import Layer, Network

Shapes = Mapping[str, tuple[int, ...]]


def build(network: Network, shapes: Shapes, *, device: str = "cpu") -> nn.Sequential:
    """The module of a chain: an nn.Sequential whose parts have the layers' names; dots in them become nesting.

    shapes: the shape after each input and layer, without batch; device: "meta" builds without memory for weights.
    """
    model = nn.Sequential()
    with torch.device(device):
        for layer in network.layers:
            _place(model, layer.name.split("."), _module(layer, shapes))
    return model


def _module(layer: Layer, shapes: Shapes) -> nn.Module:
    """One layer as torch has it."""
    arguments: dict[str, Any] = layer.op.torch_arguments(shapes[layer.inputs[0]])
    module = getattr(nn, layer.op.torch_name)(**arguments)
    assert isinstance(module, nn.Module)  # noqa: S101 - the registry holds names of torch's modules only
    return module


def _place(model: nn.Sequential, parts: list[str], module: nn.Module) -> None:
    """Put a module where its name says. Layers of one prefix stand together, or the order would be lost."""
    for part in parts[:-1]:
        last = next(reversed(model._modules), None)  # noqa: SLF001 - nn.Module has no public way to its last child's name
        if last != part:
            model.add_module(part if part not in model._modules else f"{part}_{len(model)}", nn.Sequential())  # noqa: SLF001
        model = model[-1]
    model.add_module(parts[-1], module)


def leaves(model: nn.Sequential) -> Iterator[nn.Module]:
    """The modules of the layers, in their order."""
    for child in model:
        if type(child) is nn.Sequential:
            yield from leaves(child)
        else:
            yield child
