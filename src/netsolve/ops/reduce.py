"""Operators that take dimensions together. Source: torch.mean, torch.amax."""

from dataclasses import dataclass
from typing import Annotated, Any

from netsolve.ops.base import Operator, Shape, Trace, register
from netsolve.ops.plain import Dims, Switch
from netsolve.ops.shape import BATCH, dimensions


@dataclass(frozen=True, kw_only=True)
class Reduce(Operator):
    """The dimensions `dim` taken together; with keepdim they stay with a size of 1."""

    dim: Annotated[Any, Dims()]
    keepdim: Annotated[bool, Switch()] = False

    policies = (BATCH, "nothing would be left")

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Leave the sizes out, or make them 1."""
        gone = dimensions(trace, self.dim, len(x), "dim")
        if len(gone) == len(x) and not self.keepdim:
            raise trace.fail("nothing would be left besides the batch", "write keepdim = true")
        if self.keepdim:
            return tuple(1 if index in gone else size for index, size in enumerate(x))
        return tuple(size for index, size in enumerate(x) if index not in gone)


@dataclass(frozen=True, kw_only=True)
class Mean(Reduce):
    """The mean over the dimensions `dim`; with keepdim they stay with a size of 1."""

    torch_name = "mean"
    builder = "Mean"


@dataclass(frozen=True, kw_only=True)
class Amax(Reduce):
    """The largest number over the dimensions `dim`; with keepdim they stay with a size of 1."""

    torch_name = "amax"
    builder = "Amax"


register(Mean)
register(Amax)
