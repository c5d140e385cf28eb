"""Calls where tensors meet: sums, products, cat, stack."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from netsolve.importers.extent import RefusedError, Size, known
from netsolve.importers.handling import handles, not_batch, operator
from netsolve.importers.tensors import Traced, is_traced, tensors_in

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer


def join(tracer: "Tracer", name: str, left: Any, right: Any) -> Any:
    """Two tensors, or a tensor and a number or constant."""
    tensors = [value for value in (left, right) if is_traced([value])]
    if len(tensors) == 2:  # noqa: PLR2004 - both
        a, b = (tensor.sizes for tensor in tensors)
        if len(a) == len(b) and name != "mul" and _stretches(a, b):
            return tracer.add(operator(tracer, name, broadcast=True), *tensors)
        return tracer.add(operator(tracer, name), *tensors)
    other = right if is_traced([left]) else left
    if isinstance(other, Tensor):
        _fits(tensors[0], other)
    return tensors[0]


def _stretches(left: Iterable[Size], right: Iterable[Size]) -> bool:
    """Whether a size of 1 meets one that is not."""
    pairs = [(known(a), known(b)) for a, b in zip(left, right, strict=True)]
    return any((a == 1) != (b == 1) for a, b in pairs if a != b)


def _fits(x: Traced, constant: Tensor) -> None:
    """Raise RefusedError unless a constant of the module stretches to the tensor's shape and no further."""
    sizes = [known(size) for size in x.sizes]
    shape = list(constant.shape)[-len(sizes) :] if len(constant.shape) <= len(sizes) else list(constant.shape)[1:]
    leading = constant.shape[0] if len(constant.shape) == len(sizes) + 1 else 1
    for have, size in zip(reversed(shape), reversed(sizes), strict=False):
        if have not in (1, size) or leading != 1 or len(shape) > len(sizes):
            msg = f"a constant of shape {tuple(constant.shape)} meets a tensor of {_shape(x)}"
            remedy = "while a size is unknown it cannot be held against a constant" if None in sizes else ""
            raise RefusedError(msg, remedy or "give the constant the shape of the tensor, or sizes of 1")


def _shape(x: Traced) -> str:
    return " x ".join("?" if known(size) is None else str(known(size)) for size in x.sizes)


@handles("add", "iadd", "radd", "sub", "isub", "rsub", "subtract", "lerp", "addcmul")
def _added(tracer: "Tracer", input: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
    if tensors_in([args]):
        return NotImplemented
    del kwargs
    return join(tracer, "add", input, other)


@handles("mul", "imul", "rmul", "multiply", "div", "truediv", "itruediv", "rtruediv", "divide", "floordiv")
def _multiplied(tracer: "Tracer", input: Any, other: Any, **kwargs: Any) -> Any:
    del kwargs
    return join(tracer, "mul", input, other)


@handles(
    *("maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge", "fmod", "remainder", "pow", "atan2", "logical_and"),
    *("logical_or", "and", "or"),
)
def _larger(tracer: "Tracer", input: Any, other: Any, **kwargs: Any) -> Any:
    del kwargs
    return join(tracer, "maximum", input, other)


@handles("cat", "concat", "concatenate", "hstack")
def _catted(tracer: "Tracer", tensors: Any, dim: int = 0, **kwargs: Any) -> Any:
    del kwargs
    tensors = list(tensors) if isinstance(tensors, list | tuple) else [None]
    if not is_traced(tensors):
        raise RefusedError("cat joins a constant to a tensor", "state that part as opaque")
    if dim in {0, -len(tensors[0].sizes) - 1}:
        raise RefusedError(f"cat joins samples: dim = {dim} is the batch", "torch.cat(..., dim=1) joins channels")
    return tensors[0] if len(tensors) == 1 else tracer.add(operator(tracer, "cat", dim=dim), *tensors)


@handles("stack")
def _stacked(tracer: "Tracer", tensors: Any, dim: int = 0) -> Any:
    not_batch(len(tensors[0].sizes) + 2, dim)
    apart = [tracer.add(operator(tracer, "unsqueeze", dim=dim), tensor) for tensor in tensors]
    return tracer.add(operator(tracer, "cat", dim=dim), *apart)
