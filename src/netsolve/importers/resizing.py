"""Calls that resize and pad."""

from typing import TYPE_CHECKING, Any

from torch import Tensor

from netsolve.importers.extent import Extent, RefusedError, known, terms_of
from netsolve.importers.handling import handles, not_batch, operator, same, spatial
from netsolve.importers.tensors import Traced

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer

AREA = {"area": "nearest"}


@handles("interpolate", "upsample", "upsample_nearest", "upsample_bilinear")
def _interpolated(  # noqa: PLR0913, PLR0917 - torch's own parameters
    tracer: "Tracer", input: Traced, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: Any = None, recompute_scale_factor: Any = None, antialias: bool = False,  # noqa: FBT001, FBT002 - as torch declares it
) -> Any:  # fmt: skip
    del antialias
    mode = AREA.get(mode, mode)
    if tracer.called_name == "upsample_bilinear":
        mode, align_corners = "bilinear", True
    more = {} if align_corners is None else {"align_corners": align_corners}
    if size is not None:
        sizes = list(size) if isinstance(size, list | tuple) else [size] * spatial(input)
        return resized(tracer, input, sizes, mode, **more)
    if recompute_scale_factor:
        more["recompute_scale_factor"] = True
    scale = [float(s) for s in scale_factor] if isinstance(scale_factor, list | tuple) else float(scale_factor)
    return tracer.add(operator(tracer, "Upsample", scale_factor=scale, mode=mode, **more), input)


def resized(tracer: "Tracer", x: Traced, sizes: list[Any], mode: str, **more: Any) -> Any:
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
    not_batch(input.dim(), dim)
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
            tracer.note("pad to the size of another tensor stands as Upsample: its sizes are the same, its numbers not")
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
