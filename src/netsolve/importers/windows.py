"""Calls of windows and weights: pools, convolutions, linear maps, norms."""

from typing import TYPE_CHECKING, Any

from torch import Tensor

from netsolve.importers.extent import Extent, terms_of
from netsolve.importers.handling import handles, operator, spatial
from netsolve.importers.tensors import Traced, is_traced
from netsolve.ops import OPERATORS

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer


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
