"""What calls in the code of forward stand for: functions of torch, methods of tensors, operators of Python.

A function that is named like an operator (`max_pool2d`, `leaky_relu`) needs no entry: it is found by its name, and its
arguments are the operator's. Functions that only change numbers leave no layer. Everything else is asked of torch's
meta device and stands as an opaque layer of the shape that it gives.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netsolve.importers import joining, resizing, shaping, windows
from netsolve.importers.extent import Extent, RefusedError, known
from netsolve.importers.handling import ALONE, BATCH_TOUCHED, HANDLERS, named, operator
from netsolve.importers.tensors import is_traced, tensors_in
from netsolve.ops import OPERATORS

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer

KINDS = (windows, joining, shaping, resizing)
"""The modules whose functions are entered as handlers when they are imported."""

BY_NAME = {name.lower(): name for name in OPERATORS if name[0].isupper()}
"""Operators by their names in lower case, as functions are named without underscores."""

SAME_SHAPE = frozenset(
    re.findall(
        r"\w+",
        """
        abs acos alpha_dropout asin atan bernoulli bfloat16 bitwise_not bool ceil clamp clamp_max clamp_min clip
        clone contiguous copy cos cpu cuda cumprod cumsum detach digamma double dropout dropout1d dropout2d
        dropout3d erf exp expm1 feature_alpha_dropout fill flip float float_power floor frac half hardtanh int
        invert isnan log log10 log1p log2 logical_not logit long masked_fill nan_to_num neg negative normalize
        ones_like positive rand_like randn_like reciprocal relu requires_grad roll round rsqrt sign sin sinh
        softplus sqrt square tan threshold to trunc type type_as zero zeros_like
        """,
    )
)
"""Functions whose result has the shape of the first tensor, whatever their other arguments (which are no tensors)."""

NUMPY = {"axis": "dim", "keepdims": "keepdim"}
"""NumPy's names, which torch takes as well."""

FIRST = ("input", "tensor", "tensors", "x", "self")
"""How torch calls the first argument of its functions."""


def call(tracer: "Tracer", name: str, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What a call gives. target: the function; True for a method of args[0]."""
    short = name.strip("_")
    kwargs = {NUMPY.get(key, key): value for key, value in kwargs.items()}
    if not args and (first := next((key for key in FIRST if key in kwargs), "")):
        args, kwargs = (kwargs[first],), {key: value for key, value in kwargs.items() if key != first}
    handler, tracer.called_name = HANDLERS.get(short), short
    if handler is not None:
        found = handler(tracer, *args, **kwargs)
        if found is not NotImplemented:
            return found
    elif (operator := BY_NAME.get(short.replace("_", ""))) and is_traced(args[:1]):
        return named(tracer, operator, target, args, kwargs)
    if short in SAME_SHAPE and len(tensors_in([args, kwargs])) == 1 and is_traced(args[:1]):
        return args[0]
    return asked_of_torch(tracer, short, target, args, kwargs)


def asked_of_torch(tracer: "Tracer", name: str, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function that no operator stands for: an opaque layer of the shape that torch gives on its meta device."""
    tensors = list({tensor.layer: tensor for tensor in tensors_in([args, kwargs])}.values())
    if not tensors:
        raise RefusedError(f"{name} gets no tensor that could be followed", "state that part as opaque")
    if any(known(size) is None for tensor in tensors for size in tensor.sizes):
        msg = f"no operator stands for {name}, and its input has a size that is not known while arguments are"
        raise RefusedError(msg, "state that part as opaque, or leave only arguments behind it unknown")
    results = _results(name, target, args, kwargs, 2)
    few, more = ([tuple(each.shape) for each in found] for found in (results, _results(name, target, args, kwargs, 3)))
    if not few or [s[1:] for s in few] != [s[1:] for s in more] or any(len(s) < 2 for s in few):  # noqa: PLR2004 - a batch and something besides
        raise RefusedError(f"{name}: {BATCH_TOUCHED}", ALONE)
    if [s[0] for s in few] != [2] * len(few) or [s[0] for s in more] != [3] * len(more):
        raise RefusedError(f"{name}: {BATCH_TOUCHED}", ALONE)
    tracer.note(f"{name} stands as opaque, with the shape that torch gives it for these sizes")
    found = tuple(
        tracer.add(operator(tracer, "opaque", out=list(shape[1:]) if len(shape) > 2 else shape[1]), *tensors)  # noqa: PLR2004 - a batch and one size is a number
        for shape in few
    )
    for tensor, result in zip(found, results, strict=True):
        tensor.dtype = result.dtype
    return found if len(found) > 1 else found[0]


def _results(name: str, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], batch: int) -> list[Tensor]:
    """What torch's meta device gives for so many samples; nothing where that is something else than tensors."""

    def real(value: Any) -> Any:
        if is_traced([value]):
            return torch.empty(batch, *map(int, value.sizes), device="meta", dtype=value.dtype)
        if isinstance(value, Tensor):
            return value.to("meta")
        if isinstance(value, Extent):
            return batch if value.is_batch else value.number()
        if isinstance(value, list | tuple):
            return [real(entry) for entry in value] if isinstance(value, list) else tuple(map(real, value))
        return value

    given, more = real(args), {key: real(value) for key, value in kwargs.items()}
    try:
        found = getattr(given[0], name)(*given[1:], **more) if target is True else target(*given, **more)
    except Exception as error:  # noqa: BLE001 - whatever torch says of the call
        text = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RefusedError(f"torch refuses {name}: {text}", "") from None
    results = [found] if isinstance(found, Tensor) else found
    if not isinstance(results, list | tuple) or not all(isinstance(each, Tensor) for each in results):
        return []
    return list(results)
