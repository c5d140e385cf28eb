"""What does not ask a traced tensor before it acts, taught to ask while a module is traced."""

import builtins
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from netsolve.importers.extent import Extent
from netsolve.importers.functions import asked_of_torch, call
from netsolve.importers.tensors import Traced, tensors_in

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer

STRICT = (
    *("avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "reshape", "narrow", "split"),
    *("chunk", "unflatten", "tile", "broadcast_to", "roll"),
)
"""Functions in C that look at their integers, which may be sizes of a tensor, first."""

MAKERS = ("zeros", "ones", "empty", "full", "rand", "randn")
"""Functions that make a tensor of a given shape."""

GROWING = ("expand", "expand_as", "repeat")
"""Methods by which code gives each sample of a batch its own copy of a constant."""

Patch = tuple[Any, str, Any]
"""A module or class, the name of what it has, and what stands there while a module is traced."""


@contextmanager
def listening(tracer: "Tracer", module: nn.Module) -> Iterator[None]:
    """Functions of torch, and `isinstance` in the module's own code, as tracing needs them; afterwards as they were."""
    patches = [*_patches(tracer), *_instances(module)]
    before = [(home, name, vars(home).get(name)) for home, name, _ in patches]
    try:
        for home, name, function in patches:
            setattr(home, name, function)
        yield
    finally:
        for home, name, function in before:
            if function is not None:
                setattr(home, name, function)
            elif name in vars(home):  # it is inherited, or built in
                delattr(home, name)


def _patches(tracer: "Tracer") -> Iterator[Patch]:
    """Functions of torch by where they stand."""
    for home in (torch, nn.functional):
        for name in STRICT:
            if name in vars(home):
                yield home, name, _asking(tracer, name, getattr(home, name))
        for name in MAKERS:
            if name in vars(home):
                yield home, name, _making(tracer, getattr(home, name))
    for name in GROWING:
        yield Tensor, name, _growing(tracer, name, getattr(Tensor, name))
    yield torch.autograd.Function, "apply", classmethod(_applied(tracer, vars(torch.autograd.Function)["apply"]))


def _asking(tracer: "Tracer", name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def ask(*args: Any, **kwargs: Any) -> Any:
        if tensors_in([args, kwargs]):
            return call(tracer, name, function, args, kwargs)
        return function(*args, **kwargs)

    return ask


def _making(tracer: "Tracer", function: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any, **kwargs: Any) -> Any:
        shape = args[0] if args and isinstance(args[0], list | tuple) else args
        if not any(isinstance(size, Extent) for size in shape):
            return function(*args, **kwargs)
        return tracer.made(tuple(shape))

    return make


def _growing(tracer: "Tracer", name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def grow(self: Tensor, *sizes: Any, **kwargs: Any) -> Any:
        first = sizes[0] if sizes else ()
        given = first.shape if type(first) is Traced else first if isinstance(first, list | tuple) else sizes
        if not any(isinstance(size, Extent) for size in given):
            return method(self, *sizes, **kwargs)
        own = (*[1] * (len(given) - self.dim()), *self.shape)
        pairs = list(zip(own, given, strict=True))
        if name == "repeat":
            shape = tuple(have * size for have, size in pairs)
        else:
            shape = tuple(size if isinstance(size, Extent) or size != -1 else have for have, size in pairs)
        if isinstance(shape[0], Extent) and shape[0].is_batch:
            return tracer.made(shape)
        return method(self, *(tracer.number(size, f"{name} of a constant") for _, size in pairs))

    return grow


def _applied(tracer: "Tracer", before: Any) -> Callable[..., Any]:
    def apply(kind: type[torch.autograd.Function], *args: Any) -> Any:
        function = before.__get__(None, kind)
        if tensors_in(args):
            return asked_of_torch(tracer, kind.__name__, function, args, {})
        return function(*args)

    return apply


def _instances(module: nn.Module) -> Iterator[Patch]:
    """`isinstance` for the code of a module's parts: a traced tensor is a tensor."""

    def instance(value: Any, kinds: Any) -> bool:
        if type(value) is Traced and not builtins.isinstance(kinds, type | type(int | str)):
            return any(instance(value, kind) for kind in kinds)
        return kinds is Tensor if type(value) is Traced else builtins.isinstance(value, kinds)

    homes = {type(part).__module__ for part in module.modules()}
    for name in sorted(homes):
        home = sys.modules.get(name)
        if home is not None and not f"{name}.".startswith(("torch.", "builtins.")):
            yield home, "isinstance", instance
