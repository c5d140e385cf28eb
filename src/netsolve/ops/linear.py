"""Linear layers. Source: torch.nn.Linear."""

from dataclasses import dataclass
from typing import Annotated, Any

from netsolve.ops.arguments import Asked, Inferred, Switch
from netsolve.ops.base import Operator, Shape, Trace, register


@dataclass(frozen=True, kw_only=True)
class Linear(Operator):
    """A linear map of the last dimension."""

    in_features: Annotated[Any, Inferred(dim=-1)] = None
    out_features: Annotated[Any, Asked(least=1)]
    bias: Annotated[bool, Switch()] = True

    channels_first = False

    def shape(self, trace: Trace, x: Shape) -> Shape:
        """Replace the last size."""
        if len(x) > 1 and trace.channels_first() and self.in_features is None:
            raise trace.fail(
                "Linear works on the last dimension, and here that is a spatial axis",
                'put { op = "Flatten" } before it, or write in_features if the last axis is meant',
            )
        self.infer(trace, x)
        return (*x[:-1], trace.argument("out_features"))

    def parameters(self, x: tuple[int, ...]) -> int:
        """Weights (out_features, in_features) and biases."""
        return int(self.out_features * (x[-1] + self.bias))


register(Linear)
