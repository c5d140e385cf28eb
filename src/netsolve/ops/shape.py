"""Operators that rearrange a tensor.

Source: torch.nn.Flatten, Unflatten, GLU; torch.reshape, narrow, permute, transpose, squeeze, unsqueeze.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from netsolve.arith import both, where
from netsolve.ops.arguments import Asked, Sizes
from netsolve.ops.base import Code, Formula, Known, Operator, Rule, Shape, Size, Trace, register, spread
from netsolve.ops.plain import Deciding, Dims, Integer

BATCH = "is the batch, which is never touched"


def dimension(trace: Trace, dim: int, rank: int, name: str) -> int:
    """A dimension of torch's, where 0 is the batch, as an index into a shape without batch."""
    if not -rank - 1 <= dim <= rank:
        raise trace.fail(f"{name} = {dim} is no dimension of a tensor with {rank + 1}, the batch included")
    index = dim + rank if dim < 0 else dim - 1
    if index < 0:
        raise trace.fail(f"{name} = {dim} {BATCH}", f"the first dimension after it is {name} = 1")
    return index


def dimensions(trace: Trace, dims: int | tuple[int, ...], rank: int, name: str) -> tuple[int, ...]:
    """Dimensions of torch's as indices into a shape without batch, none twice."""
    found = tuple(dimension(trace, dim, rank, name) for dim in (dims if isinstance(dims, tuple) else (dims,)))
    if len(set(found)) < len(found):
        raise trace.fail(f"{name} names a dimension twice")
    return found


@dataclass(frozen=True, kw_only=True)
class Flatten(Operator):
    """The dimensions from start_dim to end_dim as one: their product."""

    start_dim: Annotated[int, Integer()] = 1
    end_dim: Annotated[int, Integer()] = -1

    channels_first = False
    policies = (BATCH,)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Multiply the sizes in between."""
        start = dimension(trace, self.start_dim, len(x), "start_dim")
        end = dimension(trace, self.end_dim, len(x), "end_dim")
        if start > end:
            raise trace.fail(f"start_dim = {self.start_dim} lies behind end_dim = {self.end_dim}")
        return (*x[:start], trace.product(x[start : end + 1]), *x[end + 1 :])


@dataclass(frozen=True, kw_only=True)
class Reshaped(Operator):
    """A layer that gives numbers another shape."""

    channels_first = False
    cases = frozenset({"known"})
    terms = frozenset({"total", "known"})
    whole: ClassVar[Rule] = Rule("-1 stands for a whole number", lambda total, known: total % known == 0)
    equal: ClassVar[Rule] = Rule(
        "the new sizes multiply to as many numbers as there are", lambda total, known: total == known
    )
    rules = (whole, equal)
    rest: ClassVar[Formula] = Formula(lambda total, known: total // known, falls=["known"])

    def reshaped(self, trace: Trace, name: str, old: Shape) -> Shape:
        """The sizes that an argument gives, with what is left in place of -1."""
        written = getattr(self, name)
        count = len(written) if isinstance(written, tuple) else 1
        sizes = [trace.argument(name, entry) for entry in range(count)]
        total = trace.product(old)
        known = tuple(size for size in sizes if not _is_rest(size))
        product = known[0] if len(known) == 1 else trace.product(known) if known else 1
        if len(known) == len(sizes):
            trace.require(self.equal, total=total, known=product)
            return tuple(sizes)
        trace.require(self.whole, total=total, known=product)
        left = trace.apply(self.rest, total=total, known=product)
        return tuple(left if _is_rest(size) else size for size in sizes)


def _is_rest(size: Size) -> bool:
    return isinstance(size, int) and size == -1


@dataclass(frozen=True, kw_only=True)
class Unflatten(Reshaped):
    """One dimension as several; one of them may be -1."""

    dim: Annotated[int, Integer()]
    unflattened_size: Annotated[Any, Sizes(least=1, rest=True)]

    policies = (BATCH,)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Split the size of the dimension."""
        if not isinstance(self.unflattened_size, tuple):
            raise trace.fail("unflattened_size is a list of sizes", "such as [64, 7, 7]")
        at = dimension(trace, self.dim, len(x), "dim")
        return (*x[:at], *self.reshaped(trace, "unflattened_size", x[at : at + 1]), *x[at + 1 :])


@dataclass(frozen=True, kw_only=True)
class Reshape(Reshaped):
    """The same numbers in another shape, without batch; one size may be -1."""

    torch_name = "reshape"
    builder = "Reshape"

    shape: Annotated[Any, Sizes(least=1, rest=True)]

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """The batch stays as it is."""
        del module, inputs
        return f"{feeds[0]}.reshape({feeds[0]}.shape[0], {spread(code('shape'))})"

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """The sizes as they are given."""
        return self.reshaped(trace, "shape", x)


@dataclass(frozen=True, kw_only=True)
class Narrow(Operator):
    """`length` numbers along one dimension, from `start` on (from the end where it is negative)."""

    torch_name = "narrow"
    builder = "Narrow"
    policies = (BATCH,)

    dim: Annotated[int, Integer()]
    start: Annotated[int, Deciding()]
    length: Annotated[Any, Asked(least=1)]

    rules = (
        Rule(
            "start and length lie inside the dimension",
            lambda n, start, length: both(
                where(start >= 0, start, n + start) >= 0, where(start >= 0, start, n + start) + length <= n
            ),
        ),
    )

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Replace the size of the dimension."""
        at = dimension(trace, self.dim, len(x), "dim")
        trace.require(self.rules[0], n=x[at])
        return (*x[:at], trace.argument("length"), *x[at + 1 :])


@dataclass(frozen=True, kw_only=True)
class Permute(Operator):
    """The dimensions in another order; the batch, 0, stays first and may be left out."""

    torch_name = "permute"
    builder = "Permute"
    channels_first = False
    policies = (BATCH,)

    dims: Annotated[Any, Dims()]

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """The batch comes first, also where it is left out."""
        del module
        whole = isinstance(self.dims, tuple) and len(self.dims) == len(inputs[0]) + 1
        return f"{feeds[0]}.permute({'' if whole else '0, '}{spread(code('dims'))})"

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Pick the sizes in their new order."""
        dims = self.dims if isinstance(self.dims, tuple) else (self.dims,)
        if len(dims) == len(x) + 1 and dims[0] in {0, -len(dims)}:
            dims = dims[1:]
        order = dimensions(trace, dims, len(x), "dims")
        if len(order) != len(x):
            raise trace.fail(f"dims has {len(dims)} entries, and the tensor {len(x)} dimensions besides the batch")
        return tuple(x[index] for index in order)


@dataclass(frozen=True, kw_only=True)
class Transpose(Operator):
    """Two dimensions exchanged."""

    torch_name = "transpose"
    builder = "Transpose"
    channels_first = False
    policies = (BATCH,)

    dim0: Annotated[int, Integer()]
    dim1: Annotated[int, Integer()]

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Exchange the two sizes."""
        first = dimension(trace, self.dim0, len(x), "dim0")
        second = dimension(trace, self.dim1, len(x), "dim1")
        sizes = list(x)
        sizes[first], sizes[second] = sizes[second], sizes[first]
        return tuple(sizes)


@dataclass(frozen=True, kw_only=True)
class Squeeze(Operator):
    """A dimension of size 1 removed."""

    torch_name = "squeeze"
    builder = "Squeeze"

    dim: Annotated[int, Integer()]

    policies = (BATCH, "nothing would be left")
    rules = (
        Rule(
            "squeeze removes a size of 1, and only that (torch would keep another as it is)",
            lambda n: n == 1,
            policy=True,
        ),
    )

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Leave the size out."""
        at = dimension(trace, self.dim, len(x), "dim")
        if len(x) == 1:
            raise trace.fail("nothing would be left besides the batch")
        trace.require(self.rules[0], n=x[at])
        return (*x[:at], *x[at + 1 :])


@dataclass(frozen=True, kw_only=True)
class Unsqueeze(Operator):
    """A dimension of size 1 put in."""

    torch_name = "unsqueeze"
    builder = "Unsqueeze"
    policies = (BATCH,)

    dim: Annotated[int, Integer()]

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Put a 1 where `dim` will be."""
        at = dimension(trace, self.dim, len(x) + 1, "dim")
        return (*x[:at], 1, *x[at:])


@dataclass(frozen=True, kw_only=True)
class GLU(Operator):
    """The first half of a dimension, gated by the second."""

    dim: Annotated[int, Integer()] = -1

    policies = (BATCH,)
    rules = (Rule("the size is even", lambda n: n % 2 == 0),)
    half: ClassVar[Formula] = Formula(lambda n: n // 2)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Halve the size of the dimension."""
        at = dimension(trace, self.dim, len(x), "dim")
        trace.require(self.rules[0], n=x[at])
        return (*x[:at], trace.apply(self.half, n=x[at]), *x[at + 1 :])


for _operator in (Flatten, Unflatten, Reshape, Narrow, Permute, Transpose, Squeeze, Unsqueeze, GLU):
    register(_operator)
