"""Explicit padding; negative values crop. Source: torch.nn.ZeroPad2d and its kin."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from netsolve.arith import both, minimum
from netsolve.domain import LARGEST, Domain
from netsolve.ops.arguments import Asked, Real
from netsolve.ops.base import NOT_EMPTY, Formula, Rule, Shape, Spatial, Law, Trace, register_each

Sides = Annotated[Any, Asked(least=-LARGEST, default=Domain.between(0, 10), entries="sides", prefer=lambda padding: padding)]

GROW = Formula(lambda n, left, right: n + left + right)
CROPS = Rule(
    "what is cropped lies inside the input", lambda n, left, right: n + minimum(left, 0) + minimum(right, 0) >= 0
)
REFLECTS = Rule("reflection padding is below the size on each side", lambda n, left, right: both(left < n, right < n))
WRAPS = Rule("circular padding is no larger than the size on each side", lambda n, left, right: both(left <= n, right <= n))


@dataclass(frozen=True, kw_only=True)
class Pad(Spatial):
    """Padding by zeros; sides in torch's order, the last axis first: (left, right, top, bottom)."""

    padding: Sides

    laws = (Law("n + left + right", lambda n: n),)
    limits: ClassVar[tuple[Rule, ...]] = (CROPS,)

    def shape(self, trace: Trace, x: Shape) -> Shape:
        """Add what each axis gets on its two sides."""
        if len(x) != self.axes + 1:
            return super().shape(trace, x)
        sizes = []
        for axis, n in enumerate(x[1:]):
            first = 2 * (self.axes - 1 - axis)
            sides = {"n": n, "left": trace.argument("padding", first), "right": trace.argument("padding", first + 1)}
            out = trace.apply(GROW, **sides)
            for rule in self.limits:
                trace.require(rule, **sides)
            trace.require(NOT_EMPTY, out=out)
            sizes.append(out)
        return (x[0], *sizes)


@dataclass(frozen=True, kw_only=True)
class ConstantPad(Pad):
    """Padding by a value; sides in torch's order, the last axis first: (left, right, top, bottom)."""

    value: Annotated[float, Real()]


@dataclass(frozen=True, kw_only=True)
class ReflectionPad(Pad):
    """Padding by reflection; sides in torch's order, the last axis first: (left, right, top, bottom)."""

    limits = (REFLECTS,)


@dataclass(frozen=True, kw_only=True)
class ReplicationPad(Pad):
    """Padding by the outermost cells; sides in torch's order, the last axis first: (left, right, top, bottom)."""

    limits = ()


@dataclass(frozen=True, kw_only=True)
class CircularPad(Pad):
    """Padding by the opposite side; sides in torch's order, the last axis first: (left, right, top, bottom)."""

    limits = (WRAPS,)


register_each(Pad, "ZeroPad{}d")
register_each(ConstantPad, "ConstantPad{}d")
register_each(ReflectionPad, "ReflectionPad{}d")
register_each(ReplicationPad, "ReplicationPad{}d")
register_each(CircularPad, "CircularPad{}d")
