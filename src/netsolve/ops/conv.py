"""Convolutions. Source: torch.nn.Conv1d, Conv2d, Conv3d."""

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any

from netsolve.arith import absolute, ceil_div
from netsolve.ops.arguments import Asked, Default, Inferred, Window
from netsolve.ops.base import OPERATORS, Known, Law, Operator, Rule, Shape, Size, Spatial, Trace, register_each
from netsolve.ops.plain import Switch, Word
from netsolve.ops.window import CONV_PADDING, Dilation, Kernel, Stride, full_padding, same_padding, slide, span

MODES = ("zeros", "reflect", "replicate", "circular")


def off_same(padding: Any, kernel_size: Any, stride: Any, dilation: Any) -> Any:
    """How far a padding is from "same"."""
    return absolute(padding - same_padding(kernel_size, stride, dilation))


def is_same(record: "Conv") -> bool:
    """Whether torch is to work out the padding."""
    return bool(record.padding == "same")


def is_tensorflow(record: "Conv") -> bool:
    """Whether netsolve is to pad as TensorFlow's SAME does."""
    return bool(record.padding == "SAME")


def is_number(record: "Conv") -> bool:
    """Whether the padding is a number an axis."""
    return not isinstance(record.padding, str)


def mirrors(mode: str, *, same: bool) -> Any:
    """The condition of a rule for one padding_mode, with padding "same" or with a number."""
    chosen = is_same if same else is_number
    return lambda record: record.padding_mode == mode and chosen(record)


def tensorflow_sides(n: int, kernel_size: int, stride: int, dilation: int) -> tuple[int, int]:
    """What TensorFlow's SAME pads before and after an axis of n cells: an odd cell goes to the end."""
    total = max((ceil_div(n, stride) - 1) * stride + span(kernel_size, dilation) - n, 0)
    return total // 2, total - total // 2


def unchanged(n: Any) -> Any:
    """The size itself."""
    return n


def tensorflow_size(n: Any, stride: Any) -> Any:
    """The size after TensorFlow's SAME."""
    return ceil_div(n, stride)


STRIDED = Rule('padding "same" needs stride 1', lambda stride: stride == 1, when=is_same)


def entry_of(value: Any, axis: int) -> Any:
    """The entry of an axis where there is one an axis, otherwise the value."""
    return value[axis] if isinstance(value, tuple) else value


Groups = Annotated[Any, Asked(least=1, default=Default(1, lambda in_channels: in_channels, "in_channels"))]
GROUPED = (
    Rule("in_channels is a multiple of groups", lambda in_channels, groups: in_channels % groups == 0),
    Rule("out_channels is a multiple of groups", lambda out_channels, groups: out_channels % groups == 0),
)


@dataclass(frozen=True, kw_only=True)
class Conv(Spatial):
    """A convolution: n becomes floor((n + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1."""

    in_channels: Annotated[Any, Inferred(dim=0)] = None
    out_channels: Annotated[Any, Asked(least=1)]
    kernel_size: Kernel
    stride: Stride = 1
    padding: Annotated[Any, Window(default=CONV_PADDING, prefer=off_same, spelt=("same", "valid", "SAME"))] = 0
    dilation: Dilation = 1
    groups: Groups = 1
    bias: Annotated[bool, Switch()] = True
    padding_mode: Annotated[str, Word(spelt=MODES)] = "zeros"

    cases = frozenset({"stride", "dilation", "groups"})
    policies = ("is too small: at least 0",)
    laws = (
        Law("n", unchanged, when=is_same, note='with padding "same"'),
        Law("ceil(n / stride)", tensorflow_size, when=is_tensorflow, note='with padding "SAME"'),
        Law("floor((n + 2*padding - dilation*(kernel_size - 1) - 1) / stride) + 1", slide),
    )
    rules = (
        *GROUPED,
        STRIDED,
        Rule(
            'padding "SAME" pads with zeros',
            lambda padding_mode: padding_mode == "zeros",
            policy=True,
            when=is_tensorflow,
        ),
        Rule(
            "the padded input is at least as large as the dilated kernel",
            lambda n, kernel_size, padding, dilation: n + 2 * padding >= dilation * (kernel_size - 1) + 1,
            when=is_number,
        ),
        Rule(
            'padding_mode "reflect" needs padding below the size',
            lambda n, padding: padding < n,
            when=mirrors("reflect", same=False),
        ),
        Rule(
            'padding_mode "circular" needs padding no larger than the size',
            lambda n, padding: padding <= n,
            when=mirrors("circular", same=False),
        ),
        Rule(
            'padding_mode "reflect" needs padding below the size',
            lambda n, kernel_size, dilation: ceil_div(full_padding(kernel_size, dilation), 2) < n,
            when=mirrors("reflect", same=True),
        ),
        Rule(
            'padding_mode "circular" needs padding no larger than the size',
            lambda n, kernel_size, dilation: ceil_div(full_padding(kernel_size, dilation), 2) <= n,
            when=mirrors("circular", same=True),
        ),
    )

    def __post_init__(self) -> None:
        """Take "valid" for what it says, no padding, and name the class that pads as TensorFlow does."""
        if self.padding == "valid":
            object.__setattr__(self, "padding", 0)
        if is_tensorflow(self):
            object.__setattr__(self, "builder", f"SamePadded{self.torch_name}")

    def sentence(self, rule: Rule, x: Shape) -> str:
        """Besides, where torch refuses "same": the explicit padding that TensorFlow's SAME amounts to."""
        if rule is not STRIDED:
            return rule.text
        sides: list[int] = []
        for axis, n in enumerate(x[1:]):
            numbers = [n, *(entry_of(value, axis) for value in (self.kernel_size, self.stride, self.dilation))]
            if not all(isinstance(number, int) for number in numbers):
                return f'{rule.text}; padding = "SAME" is TensorFlow\'s'
            sides = [*tensorflow_sides(*numbers), *sides]
        return (
            f"{rule.text}; TensorFlow's SAME is ZeroPad{self.axes}d with padding = {sides} and then padding = 0, "
            'or padding = "SAME"'
        )

    def channels(self, trace: Trace, in_channels: Size) -> Size:
        """The channels of the output."""
        del in_channels
        return trace.argument("out_channels")

    def torch_arguments(self, inputs: Known) -> dict[str, Any]:
        """Without a padding that the module works out itself."""
        given = super().torch_arguments(inputs)
        return {key: value for key, value in given.items() if key != "padding" or not is_tensorflow(self)}

    def plain(self, inputs: Known) -> tuple[Operator, ...]:
        """Where it pads as TensorFlow does: an explicit pad layer, if its sides differ, and a convolution."""
        if not is_tensorflow(self):
            return (self,)
        numbers = [
            (entry_of(self.kernel_size, axis), entry_of(self.stride, axis), entry_of(self.dilation, axis))
            for axis in range(self.axes)
        ]
        sides = [tensorflow_sides(n, *each) for n, each in zip(inputs[0][1:], numbers, strict=True)]
        if all(first == last for first, last in sides):
            return (replace(self, padding=tuple(first for first, _ in sides)),)
        padding = tuple(side for pair in reversed(sides) for side in pair)
        return (OPERATORS[f"ZeroPad{self.axes}d"](padding=padding), replace(self, padding=0))  # type: ignore[call-arg]  # a registered class, which mypy sees as its base

    def parameters(self, inputs: Known) -> int:
        """Weights (out_channels, in_channels / groups, *kernel_size) and biases."""
        kernel = self.kernel_size if isinstance(self.kernel_size, tuple) else (self.kernel_size,) * self.axes
        return int(self.out_channels * (inputs[0][0] // self.groups * prod(kernel) + self.bias))


register_each(Conv, "Conv{}d")
