"""What calls in the code of forward stand for: functions of torch, methods of tensors, operators of Python.

A function that is named like an operator (`max_pool2d`, `leaky_relu`) needs no entry: it is found by its name, and its
arguments are the operator's. Functions that only change numbers leave no layer. Everything else is asked of torch's
meta device and stands as an opaque layer of the shape that it gives.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING
from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netsolve.blank import Blank
from netsolve.importers.extent import Extent, RefusedError, Size, known, terms_of
from netsolve.importers.reshaping import reshaped
from netsolve.importers.slicing import sliced
from netsolve.importers.tensors import Traced, is_traced, tensors_in
from netsolve.ops import OPERATORS
from netsolve.parts import written

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer

Handler = Callable[..., Any]

HANDLERS: dict[str, Handler] = {}
"""What the calls of a name stand for, by name without a trailing or leading underscore."""

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

AREA = {"area": "nearest"}
NUMPY = {"axis": "dim", "keepdims": "keepdim"}
"""NumPy's names, which torch takes as well."""

FIRST = ("input", "tensor", "tensors", "x", "self")
"""How torch calls the first argument of its functions."""

BATCH_TOUCHED = "the code takes the samples of a batch apart, or mixes them with another dimension"
ALONE = "let dimension 0 stay the batch"


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Enter a function for the calls of these names."""

    def enter(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return enter


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


def operator(tracer: "Tracer", name: str, **arguments: Any) -> Any:
    """An operator's record with arguments as torch has them. Raises RefusedError for what it cannot have."""
    kind, found = OPERATORS[name], {}
    for key, value in arguments.items():
        field = kind.__dataclass_fields__[key]
        try:
            record = kind.arguments[key].read(
                written(plain(tracer, value, f"{key} of {name}"), kind.arguments[key]), kind.axes
            )
        except ValueError as error:
            msg = f"{name}: {key}: {error}"
            raise RefusedError(msg, "state that part as opaque") from None
        if field.default is MISSING or record != field.default:
            found[key] = record
    return kind(**found)


def plain(tracer: "Tracer", value: Any, what: str) -> Any:
    """A value with numbers in place of sizes."""
    if isinstance(value, list | tuple):
        return [plain(tracer, entry, what) for entry in value]
    if isinstance(value, Blank):
        return value
    return tracer.number(value, what)


def named(tracer: "Tracer", name: str, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function that is called like an operator: its arguments by the operator's names."""
    kind = OPERATORS[name]
    given = dict(zip(parameters(target, kind), args[1:], strict=False)) | dict(kwargs)
    return tracer.add(operator(tracer, name, **{k: v for k, v in given.items() if k in kind.arguments}), args[0])


def parameters(target: Any, kind: Any) -> list[str]:
    """The names of a function's parameters behind the tensor; of those in C, the operator's in their order."""
    try:
        return list(inspect.signature(target).parameters)[1:]
    except (TypeError, ValueError):
        late = [key for key in ("return_indices",) if key in kind.arguments]
        return [key for key in kind.arguments if key not in late] + late


def spatial(x: Traced) -> int:
    """How many spatial axes a tensor has."""
    return len(x.sizes) - 1


# Windows and weights.


@handles(
    *("max_pool1d", "max_pool2d", "max_pool3d", "max_pool1d_with_indices", "max_pool2d_with_indices"),
    *("max_pool3d_with_indices", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
)
def _pooled(tracer: "Tracer", input: Traced, kernel_size: Any, *args: Any, **kwargs: Any) -> Any:
    kind = (
        "Max" if "dilation" in kwargs or "return_indices" in kwargs or tracer.called_name.startswith("max") else "Avg"
    )
    name = f"{kind}Pool{tracer.called_name.split('pool')[1][0]}d"
    order = [key for key in OPERATORS[name].arguments if key != "return_indices"][1:]
    given = dict(zip(order, args, strict=False)) | kwargs
    window = kernel_size if isinstance(kernel_size, list | tuple) else [kernel_size] * spatial(input)
    own = input.shape[2:]
    whole = len(window) == len(own) and all(isinstance(k, Extent) for k in window)
    if whole and all(terms_of(k) == terms_of(n) for k, n in zip(window, own, strict=True)):
        return tracer.add(operator(tracer, f"Adaptive{kind}Pool{spatial(input)}d", output_size=1), input)
    wanted = bool(given.pop("return_indices", False)) or tracer.called_name.endswith("indices")
    given = {k: v for k, v in given.items() if k in order and not (k == "stride" and v in (None, []))}
    more = {"return_indices": True} if wanted else {}
    found = tracer.add(operator(tracer, name, kernel_size=kernel_size, **given, **more), input)
    return (found, found) if wanted else found


@handles("conv1d", "conv2d", "conv3d")
def _convolved(  # noqa: PLR0913, PLR0917 - torch's own parameters
    tracer: "Tracer", input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: Any = 1,
) -> Any:  # fmt: skip
    del bias
    if not is_traced([input]) or not isinstance(weight, Tensor) or is_traced([weight]):
        return NotImplemented
    return tracer.add(
        operator(
            tracer, f"Conv{weight.dim() - 2}d", in_channels=weight.shape[1] * int(groups), out_channels=weight.shape[0],
            kernel_size=tuple(weight.shape[2:]), stride=stride, padding=padding, dilation=dilation, groups=groups,
        ),
        input,
    )  # fmt: skip


@handles("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _unconvolved(  # noqa: PLR0913, PLR0917 - torch's own parameters
    tracer: "Tracer", input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: Any = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    del bias
    if not is_traced([input]) or not isinstance(weight, Tensor) or is_traced([weight]):
        return NotImplemented
    return tracer.add(
        operator(
            tracer, f"ConvTranspose{weight.dim() - 2}d", in_channels=weight.shape[0],
            out_channels=weight.shape[1] * int(groups), kernel_size=tuple(weight.shape[2:]), stride=stride,
            padding=padding, output_padding=output_padding, dilation=dilation, groups=groups,
        ),
        input,
    )  # fmt: skip


@handles("linear")
def _linear(tracer: "Tracer", input: Any, weight: Any, bias: Any = None) -> Any:
    if not is_traced([input]) or is_traced([weight]):
        return NotImplemented
    out, features = weight.shape
    return tracer.add(operator(tracer, "Linear", in_features=features, out_features=out, bias=bias is not None), input)


@handles("embedding")
def _embedded(tracer: "Tracer", input: Any, weight: Any, *args: Any, **kwargs: Any) -> Any:
    del args, kwargs
    rows, width = weight.shape
    return tracer.add(operator(tracer, "Embedding", num_embeddings=rows, embedding_dim=width), input)


@handles("batch_norm", "instance_norm")
def _normed(tracer: "Tracer", input: Traced, running_mean: Any = None, *args: Any, **kwargs: Any) -> Any:
    del args, kwargs
    if running_mean is None or not 0 <= spatial(input) <= 3:  # noqa: PLR2004 - torch's classes end there
        return input
    name = f"BatchNorm{max(spatial(input), 1)}d"
    return tracer.add(operator(tracer, name, num_features=running_mean.shape[0]), input)


@handles("layer_norm", "rms_norm")
def _shape_normed(tracer: "Tracer", input: Traced, normalized_shape: Any, *args: Any, **kwargs: Any) -> Any:
    del args, kwargs
    return tracer.add(operator(tracer, "LayerNorm", normalized_shape=list(normalized_shape)), input)


# Where tensors meet.


def _join(tracer: "Tracer", name: str, left: Any, right: Any) -> Any:
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
    return _join(tracer, "add", input, other)


@handles("mul", "imul", "rmul", "multiply", "div", "truediv", "itruediv", "rtruediv", "divide", "floordiv")
def _multiplied(tracer: "Tracer", input: Any, other: Any, **kwargs: Any) -> Any:
    del kwargs
    return _join(tracer, "mul", input, other)


@handles(
    *("maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge", "fmod", "remainder", "pow", "atan2", "logical_and"),
    *("logical_or", "and", "or"),
)
def _larger(tracer: "Tracer", input: Any, other: Any, **kwargs: Any) -> Any:
    del kwargs
    return _join(tracer, "maximum", input, other)


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
    _not_batch(len(tensors[0].sizes) + 2, dim)
    apart = [tracer.add(operator(tracer, "unsqueeze", dim=dim), tensor) for tensor in tensors]
    return tracer.add(operator(tracer, "cat", dim=dim), *apart)


# Another shape.


def _not_batch(dims: int, *named: int) -> None:
    """Raise RefusedError where one of these dimensions is the batch. dims: how many there are."""
    for dim in named:
        if dim in {0, -dims}:
            raise RefusedError(BATCH_TOUCHED, ALONE)


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
    _not_batch(x.dim(), start_dim)
    return tracer.add(operator(tracer, "Flatten", start_dim=start_dim, end_dim=end_dim), x)


@handles("unflatten")
def _unflat(tracer: "Tracer", x: Traced, dim: int, sizes: Any) -> Any:
    _not_batch(x.dim(), dim)
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
    _not_batch(x.dim(), dim0, dim1)
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
    _not_batch(x.dim() + 1, dim)
    return tracer.add(operator(tracer, "unsqueeze", dim=dim), x)


@handles("narrow")
def _narrowed(tracer: "Tracer", x: Traced, dim: int, start: int, length: Any) -> Any:
    _not_batch(x.dim(), dim)
    return tracer.add(operator(tracer, "narrow", dim=dim, start=start, length=length), x)


@handles("getitem")
def _item(tracer: "Tracer", x: Any, index: Any) -> Any:
    return sliced(tracer, operator, x, index) if is_traced([x]) else x[index]


@handles("chunk")
def _chunks(tracer: "Tracer", x: Traced, chunks: int, dim: int = 0) -> Any:
    _not_batch(x.dim(), dim)
    n = x.shape[dim].number()
    return _cut(tracer, x, dim, _steps(n, ceil(n / chunks)))


@handles("split", "tensor_split")
def _splits(tracer: "Tracer", tensor: Traced, sizes: Any = None, dim: int = 0, **kwargs: Any) -> Any:
    x, sizes = tensor, next(iter(kwargs.values()), sizes)
    _not_batch(x.dim(), dim)
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
    _not_batch(x.dim(), dim)
    parts = _cut(tracer, x, dim, [1] * x.shape[dim].number())
    return tuple(tracer.add(operator(tracer, "squeeze", dim=dim), part) for part in parts)


@handles(
    "mean", "sum", "std", "var", "nanmean", "nansum", "logsumexp", "norm", "prod", "argmax", "argmin", "all", "any"
)
def _meant(tracer: "Tracer", input: Traced, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
    del kwargs
    return _reduced(tracer, "mean", input, dim, keepdim=keepdim)


@handles("amax", "amin", "max", "min")
def _extreme(tracer: "Tracer", input: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
    if is_traced([dim]) or isinstance(dim, Tensor) or "other" in kwargs:
        return _join(tracer, "maximum", input, kwargs.get("other", dim))
    found = _reduced(tracer, "amax", input, dim, keepdim=keepdim)
    return found if tracer.called_name.startswith("a") else (found, found)


def _reduced(tracer: "Tracer", name: str, x: Traced, dim: Any, *, keepdim: bool) -> Any:
    """Some dimensions taken together."""
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        raise RefusedError(f"{tracer.called_name}() without dim takes a whole batch together", "name the dimensions")
    dims = dim if isinstance(dim, list | tuple) else [dim]
    _not_batch(x.dim(), *dims)
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
    return _resized(tracer, x, whole, "nearest")


def same(a: Size, b: Size) -> bool:
    """Whether two sizes are known to be one."""
    if isinstance(a, Extent) and isinstance(b, Extent) and a.terms == b.terms:
        return True
    return known(a) is not None and known(a) == known(b)


@handles("interpolate", "upsample", "upsample_nearest", "upsample_bilinear")
def _interpolated(  # noqa: PLR0913, PLR0917 - torch's own parameters
    tracer: "Tracer", input: Traced, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: Any = None, recompute_scale_factor: Any = None, antialias: bool = False,  # noqa: FBT001, FBT002
) -> Any:  # fmt: skip
    del antialias
    mode = AREA.get(mode, mode)
    if tracer.called_name == "upsample_bilinear":
        mode, align_corners = "bilinear", True
    more = {} if align_corners is None else {"align_corners": align_corners}
    if size is not None:
        sizes = list(size) if isinstance(size, list | tuple) else [size] * spatial(input)
        return _resized(tracer, input, sizes, mode, **more)
    if recompute_scale_factor:
        more["recompute_scale_factor"] = True
    scale = [float(s) for s in scale_factor] if isinstance(scale_factor, list | tuple) else float(scale_factor)
    return tracer.add(operator(tracer, "Upsample", scale_factor=scale, mode=mode, **more), input)


def _resized(tracer: "Tracer", x: Traced, sizes: list[Any], mode: str, **more: Any) -> Any:
    """A tensor stretched to sizes, or to those of another."""
    like = tracer.like(x, sizes)
    if like is not None:
        return tracer.add(operator(tracer, "Upsample", mode=mode, **more), x, like)
    if (scale := _scale(x, sizes)) is not None:
        return tracer.add(operator(tracer, "Upsample", scale_factor=scale, mode=mode, **more), x)
    return tracer.add(operator(tracer, "Upsample", size=sizes, mode=mode, **more), x)


def _scale(x: Traced, sizes: list[Any]) -> float | None:
    """By which number code multiplied the sizes of a tensor, or by which power of 2 it divided them."""
    own = x.shape[2:]
    for factor in range(2, 65):
        if all(terms_of(size) == terms_of(factor * n) for size, n in zip(sizes, own, strict=True)):
            return float(factor)
        if factor & (factor - 1) == 0 and all(
            terms_of(size) == terms_of(n // factor) for size, n in zip(sizes, own, strict=True)
        ):
            return 1 / factor
    return None


@handles("index_select")
def _picked(tracer: "Tracer", input: Traced, dim: int, index: Any) -> Any:
    _not_batch(input.dim(), dim)
    if not isinstance(index, Tensor) or known(input.shape[dim]) != len(index):
        return NotImplemented
    return input


@handles("pad")
def _padded(tracer: "Tracer", input: Traced, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    axes, sides = spatial(input), list(pad)
    while len(sides) > 2 * max(axes, 1) and same(sides[-1], 0):
        sides.pop()
    sides += [0] * (2 * axes - len(sides))
    if len(sides) == 2 * axes + 2 and 1 <= axes <= 3 and mode == "constant":  # noqa: PLR2004 - with the channels
        input = _more_channels(tracer, input, sides[-2:])  # noqa: A001 - torch's own parameter
        del sides[-2:]
    if not 1 <= axes <= 3 or len(sides) != 2 * axes:  # noqa: PLR2004 - torch's classes end there
        return NotImplemented
    if all(same(side, 0) for side in sides):
        return input
    if any(isinstance(side, Extent) for side in sides):
        ends = [input.shape[2 + i] + sides[2 * (axes - 1 - i)] + sides[2 * (axes - 1 - i) + 1] for i in range(axes)]
        if (like := tracer.like(input, ends)) is not None:
            return tracer.add(operator(tracer, "Upsample"), input, like)
    kinds = {
        "constant": "ZeroPad",
        "reflect": "ReflectionPad",
        "replicate": "ReplicationPad",
        "circular": "CircularPad",
    }
    if mode == "constant" and value:
        return tracer.add(operator(tracer, f"ConstantPad{axes}d", padding=sides, value=float(value)), input)
    return tracer.add(operator(tracer, f"{kinds[mode]}{axes}d", padding=sides), input)


def _more_channels(tracer: "Tracer", x: Traced, sides: list[Any]) -> Traced:
    """Channels of zeros beside those of a tensor: as many of its own stand for them."""
    more, own = sum(int(side) for side in sides), x.shape[1].number()
    if any(int(side) < 0 for side in sides):
        raise RefusedError("pad crops channels", "take them by x[:, a:b]")
    tracer.note("channels that pad adds stand as copies of others")
    whole = [x] * (more // own)
    rest = [tracer.add(operator(tracer, "narrow", dim=1, start=0, length=more % own), x)] if more % own else []
    return tracer.add(operator(tracer, "cat"), x, *whole, *rest) if more else x


# Everything else.


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
    if not few or [s[1:] for s in few] != [s[1:] for s in more] or any(len(s) < 2 for s in few):  # noqa: PLR2004
        raise RefusedError(f"{name}: {BATCH_TOUCHED}", ALONE)
    if [s[0] for s in few] != [2] * len(few) or [s[0] for s in more] != [3] * len(more):
        raise RefusedError(f"{name}: {BATCH_TOUCHED}", ALONE)
    tracer.note(f"{name} stands as opaque, with the shape that torch gives it for these sizes")
    found = tuple(
        tracer.add(operator(tracer, "opaque", out=list(shape[1:]) if len(shape) > 2 else shape[1]), *tensors)  # noqa: PLR2004
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
