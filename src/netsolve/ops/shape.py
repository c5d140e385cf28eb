"""Operators that rearrange a tensor. Source: torch.nn.Flatten."""

from dataclasses import dataclass
from typing import Annotated

from netsolve.ops.arguments import Integer
from netsolve.ops.base import Operator, Shape, Trace, register


def dimension(trace: Trace, dim: int, rank: int, name: str) -> int:
    """A dimension of torch's, where 0 is the batch, as an index into a shape without batch."""
    if not -rank - 1 <= dim <= rank:
        raise trace.fail(f"{name} = {dim} is no dimension of a tensor with {rank + 1}, the batch included")
    index = dim + rank if dim < 0 else dim - 1
    if index < 0:
        raise trace.fail(f"{name} = {dim} is the batch, which is never touched", f"the first dimension after it is {name} = 1")
    return index


@dataclass(frozen=True, kw_only=True)
class Flatten(Operator):
    """The dimensions from start_dim to end_dim as one: their product."""

    start_dim: Annotated[int, Integer()] = 1
    end_dim: Annotated[int, Integer()] = -1

    channels_first = False

    def shape(self, trace: Trace, x: Shape) -> Shape:
        """Multiply the sizes in between."""
        start = dimension(trace, self.start_dim, len(x), "start_dim")
        end = dimension(trace, self.end_dim, len(x), "end_dim")
        if start > end:
            raise trace.fail(f"start_dim = {self.start_dim} lies behind end_dim = {self.end_dim}")
        return (*x[:start], trace.product(x[start : end + 1]), *x[end + 1 :])


register(Flatten)
