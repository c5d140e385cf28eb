"""Pools by powers, by fractions, and unpooling. Source: torch.nn.LPPool1d, FractionalMaxPool2d, MaxUnpool1d and kin."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from netsolve.arith import both
from netsolve.domain import POSITIVE
from netsolve.ops.arguments import Window
from netsolve.ops.base import Code, Formula, Known, Law, Rule, Shape, Size, Spatial, Trace, register_each, wrong_rank
from netsolve.ops.plain import Real, Reals
from netsolve.ops.pool import LAW, WITHIN, CeilMode, Indexed, Padding, pool
from netsolve.ops.window import Kernel, PoolStride, scaled


def unpadded_pool(n: Any, kernel_size: Any, stride: Any, ceil_mode: Any) -> Any:
    """How many places the window of a pool without padding has."""
    return pool(n, kernel_size, stride, 0, ceil_mode)


def given_size(output_size: Any) -> Any:
    """The size that is written."""
    return output_size


def has_size(record: Any) -> bool:
    """Whether the size is written."""
    return record.output_size is not None


@dataclass(frozen=True, kw_only=True)
class LPPool(Spatial):
    """Pooling by the norm_type-th root of the sum of powers; stride is kernel_size unless written."""

    norm_type: Annotated[float, Real()]
    kernel_size: Kernel
    stride: PoolStride = None
    ceil_mode: CeilMode = False

    cases = frozenset({"kernel_size", "stride", "ceil_mode"})
    follows: ClassVar[dict[str, str]] = {"stride": "kernel_size"}
    laws = (Law(LAW.replace(" + 2*padding - dilation*(kernel_size - 1) - 1", " - kernel_size"), unpadded_pool),)
    rules = (
        Rule("norm_type is not 0", lambda norm_type: norm_type != 0),
        Rule(
            "the input is at least as large as the kernel",
            lambda n, kernel_size, stride, ceil_mode: unpadded_pool(n, kernel_size, stride, ceil_mode) >= 1,
        ),
    )

    def torch_arguments(self, inputs: Known) -> dict[str, Any]:
        """Numbers where there is one axis, since torch takes no list there."""
        given = super().torch_arguments(inputs)
        return {key: value[0] if isinstance(value, tuple) and self.axes == 1 else value for key, value in given.items()}


@dataclass(frozen=True, kw_only=True)
class DeepLPPool(LPPool):
    """Pooling over three axes by the norm_type-th root of the sum of powers; stride is kernel_size unless written."""

    rules = (LPPool.rules[0], WITHIN)


POOLLESS = "the second input is not a max pool with return_indices = true"


def unpooled(n: Any, kernel_size: Any, stride: Any, padding: Any) -> Any:
    """The size that a pool with these arguments takes to n, without what its floor lost."""
    return (n - 1) * stride - 2 * padding + kernel_size


PLACES = "every place that the pool keeps lies within the output"

HOLDS = (
    Rule(PLACES, lambda reach, out: reach <= out),
    Rule(PLACES, lambda reach, reach_1, n_1, out, out_1: (reach - 1) * n_1 + reach_1 <= out * out_1),
    Rule(
        PLACES,
        lambda reach, reach_1, reach_2, n_1, n_2, out, out_1, out_2: (
            ((reach - 1) * n_1 + reach_1 - 1) * n_2 + reach_2 <= out * out_1 * out_2
        ),
    ),
)
"""By the number of axes: torch counts the cells of the pool's input row by row, and looks for them in the output."""


@dataclass(frozen=True, kw_only=True)
class MaxUnpool(Spatial):
    """The maxima of a pool back in their places: its inputs are a tensor and the MaxPool layer, with return_indices."""

    kernel_size: Kernel
    stride: PoolStride = None
    padding: Padding = 0
    output_size: Annotated[Any, Window(least=1, default=POSITIVE, none=True)] = None

    arity = (2, 2)
    policies = ("is too small",)
    cases = frozenset({"kernel_size", "stride"})
    follows: ClassVar[dict[str, str]] = {"stride": "kernel_size"}
    laws = (
        Law("output_size", given_size, when=has_size, note="where it is written"),
        Law("(n - 1)*stride - 2*padding + kernel_size", unpooled),
    )
    rules = (
        Rule(
            "output_size is less than stride away from (n - 1)*stride - 2*padding + kernel_size",
            lambda n, kernel_size, stride, padding, output_size: both(
                output_size < unpooled(n, kernel_size, stride, padding) + stride,
                output_size > unpooled(n, kernel_size, stride, padding) - stride,
            ),
            when=lambda record: record.output_size is not None,
        ),
    )

    def __post_init__(self) -> None:
        """Name the class that takes the pool's indices."""
        object.__setattr__(self, "builder", self.torch_name)

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Besides: the second input is a pool that keeps its places, and has the tensor's shape."""
        x, pooled = inputs
        if len(x) != self.axes + 1:
            raise wrong_rank(self, trace, x)
        pool = trace.producer(1)
        if not isinstance(pool, Indexed) or not pool.return_indices:
            raise trace.fail(POOLLESS, 'name one as the second: from = ["relu_1", "maxpool2d_1"]')
        if len(pooled) != len(x):
            raise trace.fail(f"{self.torch_name} takes a tensor and a pool's output of the same shape")
        for own, other in zip(x, pooled, strict=True):
            trace.equal(own, other, f"{self.torch_name} takes a tensor and a pool's output of the same shape")
        shape = super().pose(trace, x)
        self.hold(trace, pool.reach, pooled, shape)
        return shape

    def hold(self, trace: Trace, reach: Formula, pooled: Shape, shape: Shape) -> None:
        """State that the output has every cell of the pool's input that may be a maximum."""
        before = trace.before(1)
        if before is None or (sizes := before.inputs[0])[1:] == shape[1:]:
            return
        given: dict[str, Size] = {}
        for axis, (n, out, own) in enumerate(zip(sizes[1:], pooled[1:], shape[1:], strict=True)):
            known = {"n": n, "out": out}
            known |= {name: before.argument(name, axis) for name in reach.operands if name not in known}
            mark = f"_{axis}" if axis else ""
            given |= {f"n{mark}": n, f"out{mark}": own, f"reach{mark}": trace.apply(reach, entry=axis, **known)}
        rule = HOLDS[self.axes - 1]
        trace.require(rule, **{name: given[name] for name in rule.formula.operands})

    def code_arguments(self, inputs: Known) -> dict[str, Any]:
        """Without output_size, which torch takes in the call."""
        return {key: value for key, value in self.torch_arguments(inputs).items() if key != "output_size"}

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """The call with the places that the pool keeps."""
        del inputs, code
        given = [feeds[0], f"{feeds[1]}_indices"]
        if self.output_size is not None:
            sizes = self.output_size if isinstance(self.output_size, tuple) else (self.output_size,) * self.axes
            given.append(f"output_size={sizes}")
        return f"{module}({', '.join(given)})"


def shrunk(n: Any, output_ratio: Any) -> Any:
    """A part of the size, in torch's double arithmetic."""
    return scaled(n, output_ratio)


@dataclass(frozen=True, kw_only=True)
class FractionalMaxPool(Indexed):
    """Max pooling over regions whose places are random; either output_size or output_ratio is written."""

    kernel_size: Kernel
    output_size: Annotated[Any, Window(least=1, default=POSITIVE, none=True)] = None
    output_ratio: Annotated[Any, Reals(entries="axes", none=True, low=0, high=1)] = None

    cases = frozenset({"n"})
    policies = ("is too small",)
    laws = (
        Law("output_size", given_size, when=has_size, note="where it is written"),
        Law("floor(n * output_ratio)", shrunk),
    )
    rules = (
        Rule(
            "output_ratio lies between 0 and 1",
            lambda output_ratio: 0 < output_ratio < 1,
            when=lambda record: record.output_ratio is not None,
        ),
        Rule(
            "kernel_size + output size - 1 is at most the size", lambda n, kernel_size, out: kernel_size + out - 1 <= n
        ),
    )

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Either the size or the ratio."""
        if (self.output_size is None) == (self.output_ratio is None):
            raise trace.fail(f"{self.torch_name} needs either output_size or output_ratio")
        return super().pose(trace, *inputs)


@dataclass(frozen=True, kw_only=True)
class DeepFractionalMaxPool(FractionalMaxPool):
    """Max pooling over random regions along three axes; either output_size or output_ratio is written."""

    rules = (
        FractionalMaxPool.rules[0],
        Rule(
            "kernel_size + output size - 1 is less than the size", lambda n, kernel_size, out: kernel_size + out - 1 < n
        ),
    )


register_each(LPPool, "LPPool{}d", (1, 2))
register_each(DeepLPPool, "LPPool{}d", (3,))
register_each(MaxUnpool, "MaxUnpool{}d")
register_each(FractionalMaxPool, "FractionalMaxPool{}d", (2,))
register_each(DeepFractionalMaxPool, "FractionalMaxPool{}d", (3,))
