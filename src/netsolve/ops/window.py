"""What convolutions and pools share: a window that slides along each axis."""

import math
from fractions import Fraction
from typing import Annotated, Any

from netsolve.arith import Term, maximum
from netsolve.domain import Domain
from netsolve.errors import UndecidedError
from netsolve.ops.arguments import Default, Window


def span(kernel_size: Any, dilation: Any) -> Any:
    """How many cells the dilated kernel covers."""
    return dilation * (kernel_size - 1) + 1


def same_padding(kernel_size: Any, stride: Any, dilation: Any) -> Any:
    """The least padding on each side for which a size n becomes at least ceil(n / stride): "same" as papers mean it."""
    return (maximum(span(kernel_size, dilation) - stride, 0) + 1) // 2


def slide(n: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """How many places the window has: torch's convolutions, and pools that round down."""
    return (n + 2 * padding - span(kernel_size, dilation)) // stride + 1


def tabulated(n: Any) -> float:
    """A size as a float, for a formula in double arithmetic. Raises UndecidedError for a solver's term."""
    if isinstance(n, Term):
        msg = "a size that a scale multiplies has too many values to try in turn; give it a set"
        raise UndecidedError(msg)
    return float(n)


def scaled(n: Any, scale_factor: float) -> int:
    """A size times a scale, rounded down in torch's double arithmetic; exactly where no double is as large.

    A scale that is no finite number gives 0, which no size is. Raises UndecidedError for a solver's term.
    """
    if not math.isfinite(scale_factor):
        return 0
    try:
        return int(tabulated(n) * scale_factor)
    except OverflowError:
        return int(n * Fraction(scale_factor))


def prefer_kernel(kernel_size: Any) -> Any:
    """Small kernels are liked, odd ones more."""
    return kernel_size + 10 * (1 - kernel_size % 2)


Kernel = Annotated[Any, Window(least=1, default=Domain.between(1, 11), prefer=prefer_kernel)]
Stride = Annotated[Any, Window(least=1, default=Domain.between(1, 4), prefer=lambda stride: stride - 1)]
PoolStride = Annotated[Any, Window(least=1, default=Domain.between(1, 4), none=True, prefer=lambda stride: stride - 1)]
Dilation = Annotated[Any, Window(least=1, default=Domain.between(1, 4), prefer=lambda dilation: dilation - 1)]


def full_padding(kernel_size: Any, dilation: Any) -> Any:
    """The largest padding whose outermost window still touches the input."""
    return dilation * (kernel_size - 1)


def half_padding(kernel_size: Any) -> Any:
    """The largest padding that torch's pools accept."""
    return kernel_size // 2


CONV_PADDING = Default(0, full_padding, "dilation*(kernel_size - 1)")
POOL_PADDING = Default(0, half_padding, "kernel_size//2")
