"""Where branches meet, and layers known only by their shape. Source: torch.add, torch.mul, torch.maximum, torch.cat."""

from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any

from netsolve.arith import either, maximum
from netsolve.ops.arguments import Sizes
from netsolve.ops.base import (
    Code,
    Formula,
    Known,
    Operator,
    Rule,
    Shape,
    Size,
    Trace,
    describe_rank,
    publish,
    register,
    spread,
)
from netsolve.ops.plain import Integer, Switch
from netsolve.ops.shape import BATCH, dimension

STRETCHES = Rule("sizes that meet are equal, or one of them is 1", lambda a, b: either(a == b, either(a == 1, b == 1)))
UNSTRETCHED = "a size of 1 stretches only with broadcast = true"
LARGER = Formula(maximum)


def ranks_agree(trace: Trace, name: str, shapes: tuple[Shape, ...]) -> None:
    """Fail unless all inputs have equally many sizes."""
    if len({len(shape) for shape in shapes}) > 1:
        raise trace.fail(f"{name} joins inputs of different kinds: {' and '.join(map(describe_rank, shapes))}")


def stretched(trace: Trace, left: Size, right: Size) -> Size:
    """The size that torch's broadcasting gives."""
    if left is right or left == right:
        return left
    if left == 1 or right == 1:
        return right if left == 1 else left
    trace.require(STRETCHES, a=left, b=right)
    return trace.apply(LARGER, left=left, right=right)


@dataclass(frozen=True, kw_only=True)
class Meet(Operator):
    """Inputs combined number by number."""

    arity = (2, None)


@dataclass(frozen=True, kw_only=True)
class Equal(Meet):
    """Inputs of one shape combined number by number; `broadcast` lets a size of 1 stretch, as torch does unasked."""

    broadcast: Annotated[bool, Switch()] = False

    policies = (UNSTRETCHED,)

    def code_arguments(self, inputs: Known) -> dict[str, Any]:
        """None: torch stretches unasked."""
        del inputs
        return {}

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """A sum is written with plus signs; of other functions, each takes two inputs."""
        del module, inputs, code
        if self.torch_name == "add":
            return " + ".join(feeds)
        return reduce(lambda left, right: f"torch.{self.torch_name}({left}, {right})", feeds)

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """All shapes are one."""
        ranks_agree(trace, self.torch_name, inputs)
        result = list(inputs[0])
        for other in inputs[1:]:
            for axis, size in enumerate(other):
                if self.broadcast:
                    result[axis] = stretched(trace, result[axis], size)
                else:
                    what = "channels" if axis == 0 and len(other) > 1 else "sizes"
                    text = f"{self.torch_name} joins equal {what} ({UNSTRETCHED})"
                    result[axis] = trace.unify(result[axis], size, text)
        return tuple(result)


@dataclass(frozen=True, kw_only=True)
class Mul(Meet):
    """Inputs multiplied; a size of 1 stretches to the other's, as gates use it."""

    torch_name = "mul"
    builder = "Mul"

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """A product."""
        del module, inputs, code
        return " * ".join(feeds)

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Stretch sizes of 1."""
        ranks_agree(trace, self.torch_name, inputs)
        result = list(inputs[0])
        for other in inputs[1:]:
            result = [stretched(trace, a, b) for a, b in zip(result, other, strict=True)]
        return tuple(result)


@dataclass(frozen=True, kw_only=True)
class Cat(Operator):
    """Inputs side by side along `dim` (torch's: 1 is the channels); all other sizes are equal."""

    torch_name = "cat"
    builder = "Cat"
    arity = (1, None)
    policies = (BATCH,)

    dim: Annotated[int, Integer()] = 1

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """A call with a list."""
        del module, inputs
        return f"torch.cat([{', '.join(feeds)}], dim={code('dim')})"

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Add the sizes along `dim`."""
        ranks_agree(trace, "cat", inputs)
        along = dimension(trace, self.dim, len(inputs[0]), "dim")
        result = list(inputs[0])
        for other in inputs[1:]:
            for axis, size in enumerate(other):
                if axis != along:
                    result[axis] = trace.unify(result[axis], size, "cat joins inputs that differ in nothing but dim")
        result[along] = trace.total(tuple(shape[along] for shape in inputs))
        return tuple(result)


@dataclass(frozen=True, kw_only=True)
class Opaque(Operator):
    """A layer that netsolve does not know: its output is what `out` says."""

    torch_name = "opaque"
    builder = "Opaque"
    arity = (1, None)

    out: Annotated[Any, Sizes(least=1)]

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """Zeros of the stated shape."""
        del module, inputs
        return f"{feeds[0]}.new_zeros({feeds[0]}.shape[0], {spread(code('out'))})"

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Take the shape as given."""
        del inputs
        entries = len(self.out) if isinstance(self.out, tuple) else 1
        return tuple(trace.argument("out", entry) for entry in range(entries))


def _same(name: str, text: str) -> None:
    """Enter an operator on equal shapes under torch's function name."""
    space = {"torch_name": name, "builder": name.capitalize(), "__doc__": text, "__module__": __name__}
    register(publish(dataclass(frozen=True, kw_only=True)(type(name.capitalize(), (Equal,), space))))


_same("add", "The sum of inputs of one shape.")
_same("maximum", "The larger number at each place of inputs of one shape.")
register(Mul)
register(Cat)
register(Opaque)
