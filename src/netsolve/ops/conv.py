"""Convolutions. Source: torch.nn.Conv1d, Conv2d, Conv3d."""

from dataclasses import dataclass
from math import prod
from typing import Annotated, Any

from netsolve.arith import absolute, ceil_div
from netsolve.ops.arguments import Asked, Default, Inferred, Switch, Window, Word
from netsolve.ops.base import Law, Rule, Size, Spatial, Trace, register_each
from netsolve.ops.window import CONV_PADDING, Dilation, Kernel, Stride, full_padding, same_padding, slide

MODES = ("zeros", "reflect", "replicate", "circular")


def off_same(padding: Any, kernel_size: Any, stride: Any, dilation: Any) -> Any:
    """How far a padding is from "same"."""
    return absolute(padding - same_padding(kernel_size, stride, dilation))


def is_same(record: "Conv") -> bool:
    """Whether torch is to work out the padding."""
    return bool(record.padding == "same")


def mirrors(mode: str, *, same: bool) -> Any:
    """The condition of a rule for one padding_mode, with padding "same" or with a number."""
    return lambda record: record.padding_mode == mode and is_same(record) == same


@dataclass(frozen=True, kw_only=True)
class Conv(Spatial):
    """A convolution: n becomes floor((n + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1."""

    in_channels: Annotated[Any, Inferred(dim=0)] = None
    out_channels: Annotated[Any, Asked(least=1)]
    kernel_size: Kernel
    stride: Stride = 1
    padding: Annotated[Any, Window(default=CONV_PADDING, prefer=off_same, words=("same", "valid"))] = 0
    dilation: Dilation = 1
    groups: Annotated[Any, Asked(least=1, default=Default(1, lambda in_channels, out_channels: in_channels))] = 1
    bias: Annotated[bool, Switch()] = True
    padding_mode: Annotated[str, Word(words=MODES)] = "zeros"

    cases = frozenset({"stride", "dilation", "groups"})
    laws = (
        Law("n", lambda n: n, when=is_same),
        Law("floor((n + 2*padding - dilation*(kernel_size - 1) - 1) / stride) + 1", slide),
    )
    rules = (
        Rule("in_channels is a multiple of groups", lambda in_channels, groups: in_channels % groups == 0),
        Rule("out_channels is a multiple of groups", lambda out_channels, groups: out_channels % groups == 0),
        Rule('padding "same" needs stride 1', lambda stride: stride == 1, when=is_same),
        Rule(
            "the padded input is at least as large as the dilated kernel",
            lambda n, kernel_size, padding, dilation: n + 2 * padding >= dilation * (kernel_size - 1) + 1,
            when=lambda record: not is_same(record),
        ),
        Rule('padding_mode "reflect" needs padding below the size', lambda n, padding: padding < n,
             when=mirrors("reflect", same=False)),
        Rule('padding_mode "circular" needs padding no larger than the size', lambda n, padding: padding <= n,
             when=mirrors("circular", same=False)),
        Rule('padding_mode "reflect" needs padding below the size',
             lambda n, kernel_size, dilation: ceil_div(full_padding(kernel_size, dilation), 2) < n,
             when=mirrors("reflect", same=True)),
        Rule('padding_mode "circular" needs padding no larger than the size',
             lambda n, kernel_size, dilation: ceil_div(full_padding(kernel_size, dilation), 2) <= n,
             when=mirrors("circular", same=True)),
    )

    def channels(self, trace: Trace, in_channels: Size) -> Size:
        """The channels of the output."""
        del in_channels
        return trace.argument("out_channels")

    def parameters(self, x: tuple[int, ...]) -> int:
        """Weights (out_channels, in_channels / groups, *kernel_size) and biases."""
        kernel = self.kernel_size if isinstance(self.kernel_size, tuple) else (self.kernel_size,) * self.axes
        return int(self.out_channels * (x[0] // self.groups * prod(kernel) + self.bias))


register_each(Conv, "Conv{}d")
