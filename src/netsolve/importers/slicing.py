"""Indices of a tensor as the layers they mean: `x[:, :, 1:]`, `x[..., ::2]`, `x[:, 0]`, `x[:, None]`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netsolve.importers.extent import Extent, RefusedError, known

if TYPE_CHECKING:
    from netsolve.importers.tensors import Traced
    from netsolve.importers.tracing import Tracer

Make = Callable[..., Any]


def sliced(tracer: "Tracer", operator: Make, x: "Traced", index: Any) -> Any:
    """A part of a tensor. Raises RefusedError for samples of the batch, and for indices that are tensors."""
    entries = list(index) if isinstance(index, tuple) else [index]
    if any(not isinstance(e, int | slice | Extent | type(None) | type(...)) for e in entries):
        raise RefusedError("the code picks numbers by an index that is a tensor or list", "state that part as opaque")
    named = sum(entry is not None and entry is not ... for entry in entries)
    if ... in entries:
        at = entries.index(...)
        entries[at : at + 1] = [slice(None)] * (x.dim() - named)
    if entries[0] is None or entries[0] != slice(None):
        raise RefusedError("the code picks samples of the batch", "leave the first index as :")
    dim = 1
    for entry in entries[1:]:
        if entry is None:
            x = tracer.add(operator(tracer, "unsqueeze", dim=dim), x)
        elif isinstance(entry, slice):
            x = _ranged(tracer, operator, x, dim, entry)
        else:
            x = tracer.add(operator(tracer, "narrow", dim=dim, start=entry, length=1), x)
            x = tracer.add(operator(tracer, "squeeze", dim=dim), x)
            continue
        dim += 1
    return x


def _ranged(tracer: "Tracer", operator: Make, x: "Traced", dim: int, part: slice) -> Any:
    """A range of one dimension."""
    size, axes = x.shape[dim], len(x.sizes) - 1
    start, stop, step = part.start or 0, part.stop, part.step or 1
    relative = isinstance(start, int) and start >= 0 and (stop is None or (isinstance(stop, int) and stop < 0))
    if isinstance(stop, Extent) and stop.terms == size.terms:
        relative, stop = isinstance(start, int) and start >= 0, None
    if not (start == 0 and stop is None):
        if relative and dim > 1 and 1 <= axes <= 3:  # noqa: PLR2004 - torch's pad classes
            sides = [0] * (2 * axes)
            at = 2 * (axes - (dim - 1))
            sides[at : at + 2] = [-start, stop or 0]
            x = tracer.add(operator(tracer, f"ZeroPad{axes}d", padding=sides), x)
        else:
            first, last, _ = slice(_number(start), _number(stop)).indices(size.number())
            x = tracer.add(operator(tracer, "narrow", dim=dim, start=first, length=max(last - first, 0)), x)
    return x if step == 1 else _stepped(tracer, operator, x, dim, step)


def _stepped(tracer: "Tracer", operator: Make, x: "Traced", dim: int, step: Any) -> Any:
    """Every step-th cell: what a pool of kernel 1 gives."""
    axes = len(x.sizes) - 1
    if dim == 1 or not 1 <= axes <= 3:  # noqa: PLR2004 - torch's pools
        raise RefusedError(f"the code takes every {step}th of the channels", "state that part as opaque")
    stride = [1] * axes
    stride[dim - 2] = int(step)
    return tracer.add(operator(tracer, f"MaxPool{axes}d", kernel_size=1, stride=stride), x)


def _number(value: Any) -> int | None:
    return (
        known(value) if isinstance(value, Extent) and value.value is not None else None if value is None else int(value)
    )
