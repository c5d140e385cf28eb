"""Explicit padding; negative values crop. Source: torch.nn.ZeroPad2d and its kin."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from netsolve.arith import absolute, both, minimum
from netsolve.domain import LARGEST, Domain
from netsolve.ops.arguments import Asked
from netsolve.ops.base import NOT_EMPTY, Law, Rule, Shape, Spatial, Trace, register_each, wrong_rank
from netsolve.ops.plain import Real


def off_zero(padding: Any) -> Any:
    """How much is padded or cropped."""
    return absolute(padding)


Sides = Annotated[Any, Asked(least=-LARGEST, default=Domain.between(0, 10), entries="sides", prefer=off_zero)]

CROPS = Rule(
    "what is cropped lies inside the input", lambda n, left, right: n + minimum(left, 0) + minimum(right, 0) >= 0
)
REFLECTS = Rule("reflection padding is below the size on each side", lambda n, left, right: both(left < n, right < n))
WRAPS = Rule(
    "circular padding is no larger than the size on each side", lambda n, left, right: both(left <= n, right <= n)
)


@dataclass(frozen=True, kw_only=True)
class Pad(Spatial):
    """Padding by zeros; sides in torch's order, the last axis first: (left, right, top, bottom)."""

    padding: Sides

    laws = (Law("n + left + right", lambda n, left, right: n + left + right),)
    rules: ClassVar[tuple[Rule, ...]] = (CROPS,)
    terms = frozenset({"left", "right"})

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Add what each axis gets on its two sides."""
        if len(x) != self.axes + 1:
            raise wrong_rank(self, trace, x)
        sizes = []
        for axis, n in enumerate(x[1:]):
            first = 2 * (self.axes - 1 - axis)
            sides = {"n": n, "left": trace.argument("padding", first), "right": trace.argument("padding", first + 1)}
            out = trace.apply(self.laws[0].formula, **sides)
            for rule in self.rules:
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

    rules = (REFLECTS,)


@dataclass(frozen=True, kw_only=True)
class ReplicationPad(Pad):
    """Padding by the outermost cells; sides in torch's order, the last axis first: (left, right, top, bottom)."""

    rules = ()


@dataclass(frozen=True, kw_only=True)
class CircularPad(Pad):
    """Padding by the opposite side; sides in torch's order, the last axis first: (left, right, top, bottom)."""

    rules = (WRAPS,)


register_each(Pad, "ZeroPad{}d")
register_each(ConstantPad, "ConstantPad{}d")
register_each(ReflectionPad, "ReflectionPad{}d")
register_each(ReplicationPad, "ReplicationPad{}d")
register_each(CircularPad, "CircularPad{}d")
