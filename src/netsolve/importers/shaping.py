"""Calls that give another shape: views, slices, parts, means."""

from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netsolve.importers.extent import RefusedError, known
from netsolve.importers.handling import ALONE, BATCH_TOUCHED, handles, not_batch, operator, same
from netsolve.importers.joining import join
from netsolve.importers.reshaping import reshaped
from netsolve.importers.resizing import resized
from netsolve.importers.slicing import sliced
from netsolve.importers.tensors import Traced, is_traced

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer


@handles("view", "reshape")
def _viewed(tracer: "Tracer", x: Traced, *shape: Any, **kwargs: Any) -> Any:
    shape = shape or tuple(kwargs.get("shape", ()))
    if len(shape) == 1 and isinstance(shape[0], list | tuple):
        shape = tuple(shape[0])
    if shape and isinstance(shape[0], torch.dtype):
        return x
    return reshaped(tracer, operator, x, shape)


@handles("view_as", "reshape_as")
def _viewed_as(tracer: "Tracer", x: Traced, other: Traced) -> Any:
    return reshaped(tracer, operator, x, other.shape)


@handles("flatten")
def _flat(tracer: "Tracer", x: Traced, start_dim: int = 0, end_dim: int = -1) -> Any:
    if len(x.sizes) == 1 and start_dim in {1, -1}:
        return x
    not_batch(x.dim(), start_dim)
    return tracer.add(operator(tracer, "Flatten", start_dim=start_dim, end_dim=end_dim), x)


@handles("unflatten")
def _unflat(tracer: "Tracer", x: Traced, dim: int, sizes: Any) -> Any:
    not_batch(x.dim(), dim)
    return tracer.add(operator(tracer, "Unflatten", dim=dim, unflattened_size=[*sizes, 1][:-1]), x)


@handles("permute")
def _permuted(tracer: "Tracer", x: Traced, *dims: Any, **kwargs: Any) -> Any:
    dims = kwargs.get("dims", dims)
    order = [d % x.dim() for d in (dims[0] if len(dims) == 1 and isinstance(dims[0], list | tuple) else dims)]
    if order[:1] != [0]:
        raise RefusedError(BATCH_TOUCHED, ALONE)
    return x if order == list(range(x.dim())) else tracer.add(operator(tracer, "permute", dims=order[1:]), x)


@handles("transpose", "swapaxes", "swapdims")
def _transposed(tracer: "Tracer", x: Traced, dim0: int, dim1: int) -> Any:
    not_batch(x.dim(), dim0, dim1)
    return tracer.add(operator(tracer, "transpose", dim0=dim0, dim1=dim1), x)


@handles("squeeze")
def _squeezed(tracer: "Tracer", x: Traced, dim: Any = None) -> Any:
    every = range(1, x.dim()) if dim is None else dim if isinstance(dim, list | tuple) else (dim,)
    for at in sorted((d % x.dim() for d in every), reverse=True):
        size = known(x.sizes[at - 1]) if at else None
        if at and (size == 1 or (size is None and dim is not None)) and len(x.sizes) > 1:
            x = tracer.add(operator(tracer, "squeeze", dim=at), x)
        elif at and size is None:
            raise RefusedError("squeeze() drops sizes of 1, and here a size is not known", "name the dimension")
    return x


@handles("unsqueeze")
def _unsqueezed(tracer: "Tracer", x: Traced, dim: int) -> Any:
    not_batch(x.dim() + 1, dim)
    return tracer.add(operator(tracer, "unsqueeze", dim=dim), x)


@handles("narrow")
def _narrowed(tracer: "Tracer", x: Traced, dim: int, start: int, length: Any) -> Any:
    not_batch(x.dim(), dim)
    return tracer.add(operator(tracer, "narrow", dim=dim, start=start, length=length), x)


@handles("getitem")
def _item(tracer: "Tracer", x: Any, index: Any) -> Any:
    return sliced(tracer, operator, x, index) if is_traced([x]) else x[index]


@handles("chunk")
def _chunks(tracer: "Tracer", x: Traced, chunks: int, dim: int = 0) -> Any:
    not_batch(x.dim(), dim)
    n = x.shape[dim].number()
    return _cut(tracer, x, dim, _steps(n, ceil(n / chunks)))


@handles("split", "tensor_split")
def _splits(tracer: "Tracer", tensor: Traced, sizes: Any = None, dim: int = 0, **kwargs: Any) -> Any:
    x, sizes = tensor, next(iter(kwargs.values()), sizes)
    not_batch(x.dim(), dim)
    lengths = sizes if isinstance(sizes, list | tuple) else _steps(x.shape[dim].number(), int(sizes))
    return _cut(tracer, x, dim, lengths)


def _steps(n: int, step: int) -> list[int]:
    """The lengths of the parts of n, all of one length but the last."""
    return [min(step, n - start) for start in range(0, n, max(step, 1))]


def _cut(tracer: "Tracer", x: Traced, dim: int, lengths: Iterable[Any]) -> tuple[Any, ...]:
    """Parts of a tensor side by side."""
    found, start = [], 0
    for length in lengths:
        found.append(tracer.add(operator(tracer, "narrow", dim=dim, start=start, length=length), x))
        start += int(length)
    return tuple(found)


@handles("unbind")
def _unbound(tracer: "Tracer", x: Traced, dim: int = 0) -> Any:
    not_batch(x.dim(), dim)
    parts = _cut(tracer, x, dim, [1] * x.shape[dim].number())
    return tuple(tracer.add(operator(tracer, "squeeze", dim=dim), part) for part in parts)


@handles(
    "mean", "sum", "std", "var", "nanmean", "nansum", "logsumexp", "norm", "prod", "argmax", "argmin", "all", "any"
)
def _meant(tracer: "Tracer", input: Traced, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - as torch declares it
    del kwargs
    return _reduced(tracer, "mean", input, dim, keepdim=keepdim)


@handles("amax", "amin", "max", "min")
def _extreme(tracer: "Tracer", input: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - as torch declares it
    if is_traced([dim]) or isinstance(dim, Tensor) or "other" in kwargs:
        return join(tracer, "maximum", input, kwargs.get("other", dim))
    found = _reduced(tracer, "amax", input, dim, keepdim=keepdim)
    return found if tracer.called_name.startswith("a") else (found, found)


def _reduced(tracer: "Tracer", name: str, x: Traced, dim: Any, *, keepdim: bool) -> Any:
    """Some dimensions taken together."""
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        raise RefusedError(f"{tracer.called_name}() without dim takes a whole batch together", "name the dimensions")
    dims = dim if isinstance(dim, list | tuple) else [dim]
    not_batch(x.dim(), *dims)
    return tracer.add(operator(tracer, name, dim=list(dims), keepdim=keepdim), x)


@handles("expand", "expand_as")
def _expanded(tracer: "Tracer", x: Traced, *shape: Any, **kwargs: Any) -> Any:
    del kwargs
    if is_traced(shape) and len(shape[0].sizes) == len(x.sizes):
        return tracer.add(operator(tracer, "mul"), x, shape[0])
    if is_traced(shape):
        sizes: Any = shape[0].shape
    else:
        sizes = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], list | tuple) else shape
    own = x.shape
    if len(sizes) != len(own):
        return NotImplemented
    pairs = list(zip(own[1:], sizes[1:], strict=True))
    changed = [i for i, (a, b) in enumerate(pairs) if known(b) != -1 and not same(a, b)]
    if not changed:
        return x
    if 0 in changed or len(own) not in {3, 4, 5}:
        return NotImplemented
    whole = [a if known(b) == -1 else b for a, b in pairs[1:]]
    return resized(tracer, x, whole, "nearest")
