"""Layers that stretch, shrink or cut. Source: torch.nn.Upsample, UpsamplingNearest2d, PixelShuffle and kin."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from netsolve.ops.arguments import Asked, Default, Sizes
from netsolve.ops.base import (
    NOT_EMPTY,
    Code,
    Formula,
    Known,
    Law,
    Operator,
    Rule,
    Shape,
    Size,
    Spatial,
    Trace,
    describe_rank,
    register,
)
from netsolve.ops.plain import Deciding, Reals, Switch, Word
from netsolve.ops.window import scaled

SCALED = Formula(scaled)
MOST = 2**16
"""The largest scale_factor: far above what anyone means, and far below what overflows."""
NOTHING = "a scale_factor of 0 leaves nothing"
CENTER_CROP = '''def center_crop(x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """The middle of each spatial axis."""
    for axis, size in enumerate(sizes, 2):
        x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
    return x'''
INSIDE = Rule("the crop is no larger than the input", lambda n, size: size <= n)


@dataclass(frozen=True, kw_only=True)
class Resize(Operator):
    """A layer that changes the size of each axis to `size`, by `scale_factor`, or to that of its second input."""

    size: Annotated[Any, Sizes(least=1, none=True)] = None
    scale_factor: Annotated[Any, Reals(none=True, low=0, high=MOST)] = None

    arity = (1, 2)
    ranks: ClassVar[frozenset[int]] = frozenset({2, 3, 4})
    cases = frozenset({"n"})
    policies = (NOTHING, "out of range: it is between")
    channels_first = True
    laws = (
        Law(
            "size",
            lambda size: size,
            when=lambda record: record.scale_factor is None,
            note="where it is written, or like names a layer that has it",
        ),
        Law("floor(n * scale_factor)", SCALED.function),
    )

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Take each axis' size from where it is said."""
        x = inputs[0]
        ranked(self, trace, self.ranks, x)
        if self.scale_factor == 0:
            raise trace.fail(NOTHING)
        sources = [*inputs[1:], *(v for v in (self.size, self.scale_factor) if v is not None)]
        if len(sources) != 1:
            raise trace.fail(f"{self.torch_name} needs one of size, scale_factor and like", "such as scale_factor = 2")
        fitting(trace, "size", self.size, x)
        fitting(trace, "scale_factor", self.scale_factor, x)
        if self.scale_factor is None:
            return (x[0], *target(trace, *inputs))
        return (x[0], *(self.scaled(trace, axis, n) for axis, n in enumerate(x[1:])))

    def scaled(self, trace: Trace, axis: int, n: Size) -> Size:
        """One axis' size by its scale."""
        out = trace.apply(SCALED, n=n, scale_factor=trace.argument("scale_factor", axis))
        trace.require(NOT_EMPTY, out=out)
        return out


def ranked(operator: Operator, trace: Trace, ranks: frozenset[int], x: Shape) -> None:
    """Fail unless the input has one of these numbers of sizes."""
    if len(x) not in ranks:
        axes = " or ".join(str(rank - 1) for rank in sorted(ranks))
        sizes = "spatial size" if axes == "1" else "spatial sizes"
        raise trace.fail(f"{operator.torch_name} takes channels and {axes} {sizes}, and gets {describe_rank(x)}")


def fitting(trace: Trace, name: str, value: Any, x: Shape) -> None:
    """Fail unless a list has one entry for each spatial axis."""
    if isinstance(value, tuple) and len(value) != len(x) - 1:
        raise trace.fail(f"{name} has {len(value)} entries, and the input {len(x) - 1} spatial axes")


def target(trace: Trace, x: Shape, like: Shape | None = None) -> Shape:
    """The spatial sizes of a second input, or those of the argument `size`."""
    if like is None:
        return tuple(trace.argument("size", axis) for axis in range(len(x) - 1))
    if len(like) != len(x):
        raise trace.fail(f"like names a layer of another kind: {describe_rank(like)} beside {describe_rank(x)}")
    return like[1:]


@dataclass(frozen=True, kw_only=True)
class Upsample(Resize):
    """Interpolation to `size`, by `scale_factor` (in torch's double arithmetic), or to the size of another layer."""

    mode: Annotated[str, Word(spelt=("nearest", "linear", "bilinear", "bicubic", "trilinear", "nearest-exact"))] = (
        "nearest"
    )
    align_corners: Annotated[bool | None, Switch(none=True)] = None
    recompute_scale_factor: Annotated[bool | None, Switch(none=True)] = None

    builder = "Upsample"
    modes: ClassVar[dict[str, int]] = {"linear": 2, "bilinear": 3, "bicubic": 3, "trilinear": 4}

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Besides: the mode suits the number of axes."""
        rank = self.modes.get(self.mode)
        if rank is not None:
            ranked(self, trace, frozenset({rank}), inputs[0])
        elif self.align_corners is not None:
            raise trace.fail(f'align_corners has no meaning with mode "{self.mode}"', "leave it out")
        if self.recompute_scale_factor and self.scale_factor is None:
            raise trace.fail("recompute_scale_factor has no meaning without scale_factor", "leave it out")
        return super().pose(trace, *inputs)

    def torch_class(self, count: int) -> str:
        """Torch has only a function that takes another tensor's size."""
        return self.torch_name if count == 1 else ""

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """The function where a second input gives the size."""
        if module:
            return super().source(module, feeds, inputs, code)
        given = [f"{key}={code(key)}" for key in self.code_arguments(inputs)]
        return f"functional.interpolate({', '.join([feeds[0], f'size={feeds[1]}.shape[2:]', *given])})"


@dataclass(frozen=True, kw_only=True)
class UpsamplingNearest2d(Resize):
    """Interpolation to the nearest cell over two axes, to `size` or by `scale_factor`."""

    arity = (1, 1)
    ranks = frozenset({3})


@dataclass(frozen=True, kw_only=True)
class UpsamplingBilinear2d(UpsamplingNearest2d):
    """Bilinear interpolation over two axes with aligned corners, to `size` or by `scale_factor`."""


@dataclass(frozen=True, kw_only=True)
class CenterCrop(Operator):
    """The middle of each axis, `size` cells of it or as many as the second input has. No class of torch.nn."""

    size: Annotated[Any, Sizes(least=1, none=True)] = None

    arity = (1, 2)
    builder = "CenterCrop"
    helper = CENTER_CROP
    channels_first = True
    ranks: ClassVar[frozenset[int]] = frozenset({2, 3, 4})
    rules = (INSIDE,)

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """The sizes are given, and none is larger than the input's."""
        x = inputs[0]
        ranked(self, trace, self.ranks, x)
        if (self.size is None) == (len(inputs) == 1):
            raise trace.fail("CenterCrop needs either size or like", "such as size = 64")
        fitting(trace, "size", self.size, x)
        sizes = target(trace, *inputs)
        for n, size in zip(x[1:], sizes, strict=True):
            trace.require(INSIDE, n=n, size=size)
        return (x[0], *sizes)

    def torch_class(self, count: int) -> str:
        """None."""
        del count
        return ""

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """A call of the function that stands above the classes."""
        del module
        whole = isinstance(self.size, tuple) or self.size is None
        sizes = code("size") if whole else f"({', '.join([code('size')] * (len(inputs[0]) - 1))},)"
        sizes = sizes.replace(",)", ")") if len(inputs[0]) > 2 else sizes  # noqa: PLR2004 - one spatial axis
        return f"center_crop({feeds[0]}, {f'{feeds[1]}.shape[2:]' if len(feeds) > 1 else sizes})"


@dataclass(frozen=True, kw_only=True)
class PixelShuffle(Spatial):
    """Channels moved into space: each axis times upscale_factor, channels divided by its square."""

    upscale_factor: Annotated[int, Deciding(least=1)]

    axes = 2
    cases = frozenset({"upscale_factor"})
    laws = (Law("n * upscale_factor", lambda n, upscale_factor: n * upscale_factor),)
    rules = (
        Rule(
            "the channels are a multiple of the square of upscale_factor",
            lambda in_channels, upscale_factor: in_channels % (upscale_factor * upscale_factor) == 0,
        ),
    )
    fewer: ClassVar[Formula] = Formula(
        lambda in_channels, upscale_factor: in_channels // (upscale_factor * upscale_factor)
    )

    def channels(self, trace: Trace, in_channels: Size) -> Size:
        """A square's share of them."""
        return trace.apply(self.fewer, in_channels=in_channels)


@dataclass(frozen=True, kw_only=True)
class PixelUnshuffle(Spatial):
    """Space moved into channels: each axis divided by downscale_factor, channels times its square."""

    downscale_factor: Annotated[int, Deciding(least=1)]

    axes = 2
    cases = frozenset({"downscale_factor"})
    laws = (Law("n / downscale_factor", lambda n, downscale_factor: n // downscale_factor),)
    rules = (Rule("sizes are multiples of downscale_factor", lambda n, downscale_factor: n % downscale_factor == 0),)
    more: ClassVar[Formula] = Formula(
        lambda in_channels, downscale_factor: in_channels * (downscale_factor * downscale_factor)
    )

    def channels(self, trace: Trace, in_channels: Size) -> Size:
        """As many times as cells go into one."""
        return trace.apply(self.more, in_channels=in_channels)


@dataclass(frozen=True, kw_only=True)
class ChannelShuffle(Operator):
    """Channels interleaved between groups; the shape stays."""

    groups: Annotated[Any, Asked(least=1, default=Default(1, lambda in_channels: in_channels, "channels"))]

    cases = frozenset({"groups"})
    channels_first = True
    ranks: ClassVar[frozenset[int]] = frozenset({2, 3, 4})
    rules = (Rule("the channels are a multiple of groups", lambda in_channels, groups: in_channels % groups == 0),)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Keep the shape."""
        ranked(self, trace, self.ranks, x)
        trace.require(self.rules[0], in_channels=x[0])
        return x


for _operator in (
    Upsample,
    UpsamplingNearest2d,
    UpsamplingBilinear2d,
    CenterCrop,
    PixelShuffle,
    PixelUnshuffle,
    ChannelShuffle,
):
    register(_operator)
