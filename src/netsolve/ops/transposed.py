"""Transposed convolutions. Source: torch.nn.ConvTranspose1d, ConvTranspose2d, ConvTranspose3d."""

from dataclasses import dataclass
from math import prod
from typing import Annotated, Any

from netsolve.arith import absolute, maximum
from netsolve.ops.arguments import Asked, Default, Inferred, Window
from netsolve.ops.base import Known, Law, Rule, Size, Spatial, Trace, register_each
from netsolve.ops.conv import GROUPED, Groups, off_same
from netsolve.ops.plain import Switch, Word
from netsolve.ops.window import CONV_PADDING, Dilation, Kernel, Stride, span


def unslide(n: Any, kernel_size: Any, stride: Any, padding: Any, output_padding: Any, dilation: Any) -> Any:
    """The size whose convolution has n places, the larger ones by output_padding."""
    return (n - 1) * stride - 2 * padding + span(kernel_size, dilation) + output_padding


def off_multiple(output_padding: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """How far the size is from n times the stride exactly, where output_padding can help."""
    return absolute(output_padding - maximum(2 * padding + stride - span(kernel_size, dilation), 0))


OutputPadding = Annotated[
    Any,
    Window(
        default=Default(0, lambda stride, dilation: maximum(stride, dilation) - 1, "max(stride, dilation) - 1"),
        prefer=off_multiple,
    ),
]


@dataclass(frozen=True, kw_only=True)
class ConvTranspose(Spatial):
    """A transposed convolution: the size that a convolution with these arguments takes to n."""

    in_channels: Annotated[Any, Inferred(dim=0)] = None
    out_channels: Annotated[Any, Asked(least=1)]
    kernel_size: Kernel
    stride: Stride = 1
    padding: Annotated[Any, Window(default=CONV_PADDING, prefer=off_same)] = 0
    output_padding: OutputPadding = 0
    groups: Groups = 1
    bias: Annotated[bool, Switch()] = True
    dilation: Dilation = 1
    padding_mode: Annotated[str, Word(spelt=("zeros",))] = "zeros"

    cases = frozenset({"stride", "dilation", "groups"})
    policies = ("is too small",)
    laws = (Law("(n - 1)*stride - 2*padding + dilation*(kernel_size - 1) + output_padding + 1", unslide),)
    rules = (
        *GROUPED,
        Rule(
            "output_padding is smaller than stride or dilation",
            lambda output_padding, stride, dilation: output_padding < maximum(stride, dilation),
        ),
    )

    def channels(self, trace: Trace, in_channels: Size) -> Size:
        """The channels of the output."""
        del in_channels
        return trace.argument("out_channels")

    def parameters(self, inputs: Known) -> int:
        """Weights (in_channels, out_channels / groups, *kernel_size) and biases."""
        kernel = self.kernel_size if isinstance(self.kernel_size, tuple) else (self.kernel_size,) * self.axes
        weights = inputs[0][0] * (self.out_channels // self.groups) * prod(kernel)
        return int(weights + (self.out_channels if self.bias else 0))


register_each(ConvTranspose, "ConvTranspose{}d")
