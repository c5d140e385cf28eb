"""A fully known network as a torch module."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import torch
from torch import nn

from netsolve import modules
from netsolve.graph import Graph
from netsolve.network import Layer, Network
from netsolve.ops import Operator

Shapes = Mapping[str, tuple[int, ...]]


def build(network: Network, shapes: Shapes, *, device: str = "cpu") -> nn.Module:
    """The module of a network: an nn.Sequential for a chain, otherwise a Graph; its parts have the layers' names.

    Dots in names become nesting. shapes: the shape after each input and layer, without batch; device: "meta" builds
    without memory for weights. A Graph takes its inputs in the document's order and returns one output as a tensor,
    several as a dictionary by name. Where torch has an attribute under a layer's name ("half"), the part is "half_".
    """
    with torch.device(device):
        parts = {layer.name: module_of(layer, shapes) for layer in network.layers}
    if network.is_chain and _in_order(list(parts)) and _free(parts):
        return _chain(parts)
    graph = Graph(tuple(network.inputs), network.results)
    for layer in network.layers:
        graph.place(layer.name, parts[layer.name], layer.inputs)
    return graph


def part(model: nn.Module, name: str) -> nn.Module:
    """The module of a layer in what `build` made."""
    return model.part(name) if isinstance(model, Graph) else model.get_submodule(name)


def module_of(layer: Layer, shapes: Shapes) -> nn.Module:
    """One layer as torch has it, on torch's current default device."""
    arguments: dict[str, Any] = layer.op.torch_arguments(tuple(shapes[name] for name in layer.inputs))
    return class_of(layer.op)(**arguments)


def class_of(op: Operator) -> type[nn.Module]:
    """The class of torch.nn, or of netsolve.modules, that an operator is built by."""
    kind = getattr(modules, op.builder) if op.builder else getattr(nn, op.torch_name)
    assert issubclass(kind, nn.Module)  # noqa: S101 - the registry names modules only
    return cast("type[nn.Module]", kind)


def _in_order(names: list[str]) -> bool:
    """Whether nesting keeps the order: the layers of each prefix stand together, and no prefix is itself a layer."""
    closed: set[str] = set(names)
    before: list[str] = []
    for name in names:
        prefixes = [name[:i] for i, letter in enumerate(name) if letter == "."]
        if closed.intersection(prefixes):
            return False
        closed.update(prefix for prefix in before if prefix not in prefixes)
        before = prefixes
    return True


def _free(names: Iterable[str]) -> bool:
    """Whether nn.Sequential has no attribute under any part of these names."""
    return not any(hasattr(nn.Sequential, part) or part == "training" for name in names for part in name.split("."))


def _chain(parts: Mapping[str, nn.Module]) -> nn.Sequential:
    """Nested nn.Sequential modules."""
    model = nn.Sequential()
    for name, module in parts.items():
        *parents, own = name.split(".")
        home = model
        for part in parents:
            if part not in home._modules:  # noqa: SLF001 - add_module is public, asking for a child is not
                home.add_module(part, nn.Sequential())
            home = home.get_submodule(part)  # type: ignore[assignment]  # only Sequentials are put there
        home.add_module(own, module)
    return model
