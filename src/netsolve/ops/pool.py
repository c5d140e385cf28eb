"""Pools. Source: torch.nn.MaxPool1d to AvgPool3d, AdaptiveMaxPool1d to AdaptiveAvgPool3d."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from netsolve.arith import absolute, maximum, minimum, where
from netsolve.domain import POSITIVE
from netsolve.ops.arguments import AskedSwitch, Window
from netsolve.ops.base import Formula, Law, Rule, Shape, Spatial, Trace, register_each, wrong_rank
from netsolve.ops.plain import Integer, Switch
from netsolve.ops.window import POOL_PADDING, Dilation, Kernel, PoolStride, same_padding, span

MOST_WINDOWS = 16
"""How many windows are looked at to learn how far a pool reaches."""


def dilated_pool(n: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any) -> Any:
    """How many places the window has; with ceil_mode a last one that starts inside the input or its left padding."""
    steps = n + 2 * padding - span(kernel_size, dilation)
    if not ceil_mode:
        return steps // stride + 1
    out = (steps + stride - 1) // stride + 1
    return out - where((out - 1) * stride >= n + padding, 1, 0)


def reached(n: Any, out: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """How many cells of the input there are up to the last one that a window looks at.

    Where windows skip cells and end outside the input, one before the last may reach further than the last.
    """
    found: Any = 0
    for index in range(min(dilation, MOST_WINDOWS)):
        start = (out - 1 - index) * stride - padding
        steps = minimum(kernel_size - 1, (n - 1 - start) // dilation)
        found = maximum(found, where(out > index, start + dilation * steps + 1, 0))
    return found


def pool(n: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any) -> Any:
    """The same without dilation."""
    return dilated_pool(n, kernel_size, stride, padding, 1, ceil_mode)


def off_same(padding: Any, kernel_size: Any, stride: Any) -> Any:
    """How far a padding is from "same"."""
    return absolute(padding - same_padding(kernel_size, stride, 1))


Padding = Annotated[Any, Window(default=POOL_PADDING, prefer=off_same)]
CeilMode = Annotated[Any, AskedSwitch(prefer=lambda ceil_mode: ceil_mode)]

HALF = Rule("padding is at most half the kernel_size", lambda kernel_size, padding: padding <= kernel_size // 2)
COVERS = Rule(
    "the padded input is at least as large as the kernel",
    lambda n, kernel_size, stride, padding, ceil_mode: pool(n, kernel_size, stride, padding, ceil_mode) >= 1,
)
WITHIN = Rule("the input is at least as large as the kernel before padding", lambda n, kernel_size: n >= kernel_size)
LAW = (
    "floor((n + 2*padding - dilation*(kernel_size - 1) - 1) / stride) + 1; with ceil_mode rounded up, less a window "
    "that would start in the right padding"
)


@dataclass(frozen=True, kw_only=True)
class Indexed(Spatial):
    """A pool that may keep the places of its maxima, for a MaxUnpool layer."""

    return_indices: Annotated[bool, Switch()] = False

    reach: ClassVar[Formula] = Formula(lambda n: n)
    """How many cells of the input, from the first one on, may hold a maximum."""

    def __post_init__(self) -> None:
        """Name the class that hands the places on."""
        if self.return_indices:
            object.__setattr__(self, "builder", self.torch_name)

    def targets(self, name: str) -> str:
        """Besides: the places, where they are kept."""
        return f"{name}, {name}_indices" if self.return_indices else name


@dataclass(frozen=True, kw_only=True)
class MaxPool(Indexed):
    """Max pooling; stride is kernel_size unless written."""

    kernel_size: Kernel
    stride: PoolStride = None
    padding: Padding = 0
    dilation: Dilation = 1
    ceil_mode: CeilMode = False

    cases = frozenset({"kernel_size", "stride", "dilation", "ceil_mode"})
    follows: ClassVar[dict[str, str]] = {"stride": "kernel_size"}
    reach = Formula(reached)
    laws = (Law(LAW, dilated_pool),)
    rules = (
        HALF,
        Rule(
            "the padded input is at least as large as the dilated kernel",
            lambda n, kernel_size, stride, padding, dilation, ceil_mode: (
                dilated_pool(n, kernel_size, stride, padding, dilation, ceil_mode) >= 1
            ),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class AvgPool(Spatial):
    """Average pooling; stride is kernel_size unless written."""

    kernel_size: Kernel
    stride: PoolStride = None
    padding: Padding = 0
    ceil_mode: CeilMode = False
    count_include_pad: Annotated[bool, Switch()] = True

    cases = frozenset({"kernel_size", "stride", "ceil_mode"})
    follows: ClassVar[dict[str, str]] = {"stride": "kernel_size"}
    laws = (Law(LAW.replace("dilation*(kernel_size - 1) - 1", "kernel_size"), pool),)
    rules: ClassVar[tuple[Rule, ...]] = (HALF, COVERS)


DIVISOR = Rule(
    "divisor_override is not zero",
    lambda divisor_override: divisor_override != 0,
    when=lambda record: record.divisor_override is not None,
)


@dataclass(frozen=True, kw_only=True)
class DividedAvgPool(AvgPool):
    """Average pooling over two axes, which takes a divisor too; stride is kernel_size unless written."""

    divisor_override: Annotated[int | None, Integer(none=True)] = None

    rules = (HALF, COVERS, DIVISOR)


@dataclass(frozen=True, kw_only=True)
class DeepAvgPool(DividedAvgPool):
    """Average pooling over three axes; stride is kernel_size unless written."""

    rules = (HALF, WITHIN, DIVISOR)


def adapted(pool: Spatial, trace: Trace, x: Shape) -> Shape:
    """The shape after an adaptive pool; None keeps the size of an axis."""
    if len(x) != pool.axes + 1:
        raise wrong_rank(pool, trace, x)
    sizes = []
    for axis, n in enumerate(x[1:]):
        given = trace.argument("output_size", axis)
        sizes.append(n if given is None else given)
    return (x[0], *sizes)


OutputSize = Annotated[Any, Window(least=1, default=POSITIVE)]
Kept = Annotated[Any, Window(least=1, default=POSITIVE, keep=True)]
ADAPTED = (Law("output_size", lambda output_size: output_size),)


@dataclass(frozen=True, kw_only=True)
class AdaptiveAvgPool(Spatial):
    """Average pooling to a given size."""

    output_size: OutputSize

    laws = ADAPTED

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Take the sizes as they are given."""
        return adapted(self, trace, x)


@dataclass(frozen=True, kw_only=True)
class KeepingAvgPool(AdaptiveAvgPool):
    """Average pooling to a given size; "none" in a list keeps the size of that axis."""

    output_size: Kept


@dataclass(frozen=True, kw_only=True)
class AdaptiveMaxPool(Indexed):
    """Max pooling to a given size."""

    output_size: OutputSize

    laws = ADAPTED

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Take the sizes as they are given."""
        return adapted(self, trace, x)


@dataclass(frozen=True, kw_only=True)
class KeepingMaxPool(AdaptiveMaxPool):
    """Max pooling to a given size; "none" in a list keeps the size of that axis."""

    output_size: Kept


register_each(MaxPool, "MaxPool{}d")
register_each(AvgPool, "AvgPool{}d", (1,))
register_each(DividedAvgPool, "AvgPool{}d", (2,))
register_each(DeepAvgPool, "AvgPool{}d", (3,))
register_each(AdaptiveAvgPool, "AdaptiveAvgPool{}d", (1,))
register_each(AdaptiveMaxPool, "AdaptiveMaxPool{}d", (1,))
register_each(KeepingAvgPool, "AdaptiveAvgPool{}d", (2, 3))
register_each(KeepingMaxPool, "AdaptiveMaxPool{}d", (2, 3))
