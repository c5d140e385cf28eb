"""Sliding blocks as columns, and back. Source: torch.nn.Unfold, torch.nn.Fold."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from netsolve.domain import POSITIVE
from netsolve.ops.arguments import Window
from netsolve.ops.base import Formula, Operator, Rule, Shape, Size, Trace, describe_rank, register, wrong_rank
from netsolve.ops.conv import off_same
from netsolve.ops.window import CONV_PADDING, Dilation, Kernel, Stride, slide

PLACES = Formula(slide)
SOME = Rule("the padded size is at least as large as the dilated kernel", lambda out: out >= 1)


@dataclass(frozen=True, kw_only=True)
class Blocks(Operator):
    """Blocks of two axes that slide as a convolution's window does."""

    kernel_size: Kernel
    dilation: Dilation = 1
    padding: Annotated[Any, Window(default=CONV_PADDING, prefer=off_same)] = 0
    stride: Stride = 1

    axes = 2
    cases = frozenset({"stride", "dilation"})
    channels_first = True

    def places(self, trace: Trace, sizes: Shape) -> Size:
        """How many blocks there are."""
        counts = tuple(trace.apply(PLACES, entry=axis, n=n) for axis, n in enumerate(sizes))
        for count in counts:
            trace.require(SOME, out=count)
        return trace.product(counts)

    def block(self, trace: Trace) -> Size:
        """How many cells a block has in each channel."""
        return trace.product(tuple(trace.argument("kernel_size", axis) for axis in range(self.axes)))


@dataclass(frozen=True, kw_only=True)
class Unfold(Blocks):
    """Each block as a column: (C, H, W) becomes (C * cells of a block, number of blocks)."""

    rules = (SOME,)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Count cells and blocks."""
        if len(x) != self.axes + 1:
            raise wrong_rank(self, trace, x)
        return (trace.product((x[0], self.block(trace))), self.places(trace, x[1:]))


@dataclass(frozen=True, kw_only=True)
class Fold(Blocks):
    """The sum of overlapping blocks, given as columns: (C * cells of a block, number of blocks) becomes (C, H, W)."""

    output_size: Annotated[Any, Window(least=1, default=POSITIVE)]

    cases = frozenset({"stride", "dilation", "block"})
    terms = frozenset({"block", "blocks"})
    whole: ClassVar[Rule] = Rule(
        "the channels are a multiple of a block's cells", lambda in_channels, block: in_channels % block == 0
    )
    filled: ClassVar[Rule] = Rule("the second size is the number of blocks", lambda n, blocks: n == blocks)
    rules = (SOME, whole, filled)
    fewer: ClassVar[Formula] = Formula(lambda in_channels, block: in_channels // block)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Hold the columns against the blocks that output_size has."""
        if len(x) != 2:  # noqa: PLR2004 - channels and blocks
            raise trace.fail(f"Fold takes columns of blocks, and gets {describe_rank(x)}")
        block = self.block(trace)
        trace.require(self.whole, in_channels=x[0], block=block)
        sizes = tuple(trace.argument("output_size", axis) for axis in range(self.axes))
        trace.require(self.filled, n=x[1], blocks=self.places(trace, sizes))
        return (trace.apply(self.fewer, in_channels=x[0], block=block), *sizes)


register(Unfold)
register(Fold)
