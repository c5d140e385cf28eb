"""Linear layers and tables. Source: torch.nn.Linear, Bilinear, Embedding."""

from dataclasses import dataclass
from typing import Annotated, Any

from netsolve.ops.arguments import Asked, Inferred
from netsolve.ops.base import Known, Operator, Rule, Shape, Trace, describe_rank, register
from netsolve.ops.plain import Integer, Real, Switch

LAST_AXIS = "Linear works on the last dimension, and here that is a spatial axis"


@dataclass(frozen=True, kw_only=True)
class Linear(Operator):
    """A linear map of the last dimension."""

    in_features: Annotated[Any, Inferred(dim=-1)] = None
    out_features: Annotated[Any, Asked(least=1)]
    bias: Annotated[bool, Switch()] = True

    channels_first = False
    policies = (LAST_AXIS,)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Replace the last size."""
        if len(x) > 1 and trace.channels_first() and self.in_features is None:
            raise trace.fail(
                LAST_AXIS,
                'put { op = "Flatten" } before it, or write in_features if the last axis is meant',
            )
        self.infer(trace, x)
        return (*x[:-1], trace.argument("out_features"))

    def parameters(self, inputs: Known) -> int:
        """Weights (out_features, in_features) and biases."""
        return int(self.out_features * (inputs[0][-1] + self.bias))


@dataclass(frozen=True, kw_only=True)
class Bilinear(Operator):
    """A bilinear map of the last dimensions of two inputs that are alike otherwise."""

    in1_features: Annotated[Any, Inferred(dim=-1)] = None
    in2_features: Annotated[Any, Inferred(dim=-1, source=1)] = None
    out_features: Annotated[Any, Asked(least=1)]
    bias: Annotated[bool, Switch()] = True

    arity = (2, 2)
    channels_first = False

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Replace the last size; all others agree."""
        left, right = inputs
        text = "Bilinear takes inputs that differ in nothing but the last size"
        if len(left) != len(right):
            raise trace.fail(f"{text}, and gets {describe_rank(left)} beside {describe_rank(right)}")
        kept = [trace.unify(a, b, text) for a, b in zip(left[:-1], right[:-1], strict=True)]
        self.infer(trace, left, right)
        return (*kept, trace.argument("out_features"))

    def parameters(self, inputs: Known) -> int:
        """Weights (out_features, in1_features, in2_features) and biases."""
        return int(self.out_features * (inputs[0][-1] * inputs[1][-1] + self.bias))


@dataclass(frozen=True, kw_only=True)
class Embedding(Operator):
    """A row of a table for each index; the input holds whole numbers."""

    num_embeddings: Annotated[int, Integer(least=1)]
    embedding_dim: Annotated[Any, Asked(least=1)]
    padding_idx: Annotated[int | None, Integer(none=True)] = None
    max_norm: Annotated[float | None, Real(none=True)] = None
    norm_type: Annotated[float, Real()] = 2.0
    scale_grad_by_freq: Annotated[bool, Switch()] = False
    sparse: Annotated[bool, Switch()] = False

    indices = True
    channels_first = False
    rules = (
        Rule(
            "padding_idx is a row of the table",
            lambda num_embeddings, padding_idx: -num_embeddings <= padding_idx < num_embeddings,
            when=lambda record: record.padding_idx is not None,
        ),
    )

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """A row behind each index."""
        for rule in self.rules:
            if rule.when(self):
                trace.require(rule)
        return (*x, trace.argument("embedding_dim"))

    def parameters(self, inputs: Known) -> int:
        """The table (num_embeddings, embedding_dim)."""
        del inputs
        return int(self.num_embeddings * self.embedding_dim)


register(Linear)
register(Bilinear)
register(Embedding)
