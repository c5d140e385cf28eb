"""Layers over sequences (L, features), the batch first. Source: torch.nn.LSTM, GRU, RNN, MultiheadAttention and kin."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from netsolve.ops.arguments import Asked, Inferred
from netsolve.ops.base import Code, Formula, Known, Operator, Rule, Shape, Trace, describe_rank, register
from netsolve.ops.plain import Always, Deciding, Integer, Real, Switch, Word

BATCH_FIRST = Always()
MOST_LAYERS = 128
"""How many layers a recurrent network may have: torch makes each by itself, and takes seconds for more."""
WIDTH = Formula(lambda width, ways: width * ways)


def sequence(operator: Operator, trace: Trace, x: Shape) -> None:
    """Fail unless a shape is a sequence of features."""
    if len(x) != 2:  # noqa: PLR2004 - length and features
        raise trace.fail(
            f"{operator.torch_name} takes a sequence of features, [L, features], and gets {describe_rank(x)}"
        )


@dataclass(frozen=True, kw_only=True)
class BatchFirst(Operator):
    """A layer over sequences; the output is the sequence of its last layer's states."""

    batch_first: Annotated[bool, BATCH_FIRST] = True

    channels_first = False
    policies: ClassVar[tuple[str, ...]] = ("it is always true here",)

    def torch_arguments(self, inputs: Known) -> dict[str, Any]:
        """Besides: batch_first, which torch has off."""
        return super().torch_arguments(inputs) | {"batch_first": True}

    def targets(self, name: str) -> str:
        """Torch gives a second result: the last state, or the attention's weights."""
        return f"{name}, _"


@dataclass(frozen=True, kw_only=True)
class Recurrent(BatchFirst):
    """A recurrent network over a sequence; the output has hidden_size features, twice as many in both directions."""

    input_size: Annotated[Any, Inferred(dim=-1)] = None
    hidden_size: Annotated[Any, Asked(least=1)]
    num_layers: Annotated[int, Integer(least=1, most=MOST_LAYERS)] = 1
    bias: Annotated[bool, Switch()] = True
    dropout: Annotated[float, Real(low=0, high=1)] = 0.0
    bidirectional: Annotated[bool, Switch()] = False

    policies = (*BatchFirst.policies, f"too large: at most {MOST_LAYERS}")
    gates: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Name the class that returns the sequence alone."""
        object.__setattr__(self, "builder", self.torch_name)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Replace the features."""
        sequence(self, trace, x)
        self.infer(trace, x)
        for rule in self.rules:
            if rule.when(self):
                trace.require(rule)
        return (x[0], trace.apply(WIDTH, width=trace.argument(self.width), ways=1 + self.bidirectional))

    @property
    def width(self) -> str:
        """The argument that says how many features a direction has."""
        return "hidden_size"

    def parameters(self, inputs: Known) -> int:
        """Weights from the input and from the state, two biases, for each gate, layer and direction."""
        out, ways = getattr(self, self.width), 1 + self.bidirectional
        features = inputs[0][-1] + (self.num_layers - 1) * out * ways
        total = self.gates * self.hidden_size * (features + self.num_layers * (out + 2 * self.bias))
        total += self.num_layers * out * self.hidden_size if self.width != "hidden_size" else 0
        return int(total * ways)


@dataclass(frozen=True, kw_only=True)
class RNN(Recurrent):
    """Plain recurrence over a sequence; the output has hidden_size features, twice as many in both directions."""

    nonlinearity: Annotated[str, Word(spelt=("tanh", "relu"))] = "tanh"


@dataclass(frozen=True, kw_only=True)
class GRU(Recurrent):
    """Gated recurrent units over a sequence; the output has hidden_size features, twice as many in both directions."""

    gates = 3


@dataclass(frozen=True, kw_only=True)
class LSTM(Recurrent):
    """Long short-term memory over a sequence; the output has hidden_size or proj_size features a direction."""

    proj_size: Annotated[int, Integer(least=0)] = 0

    gates = 4
    rules = (
        Rule(
            "proj_size is smaller than hidden_size",
            lambda hidden_size, proj_size: proj_size < hidden_size,
            when=lambda record: record.proj_size > 0,
        ),
    )

    @property
    def width(self) -> str:
        """The argument that says how many features a direction has."""
        return "proj_size" if self.proj_size else "hidden_size"


@dataclass(frozen=True, kw_only=True)
class MultiheadAttention(BatchFirst):
    """Attention of a sequence to itself, or of a query to a key and a value (by default the key); the query's shape."""

    embed_dim: Annotated[Any, Inferred(dim=-1)] = None
    num_heads: Annotated[int, Deciding(least=1)]
    dropout: Annotated[float, Real()] = 0.0
    bias: Annotated[bool, Switch()] = True
    add_bias_kv: Annotated[bool, Switch()] = False
    add_zero_attn: Annotated[bool, Switch()] = False
    kdim: Annotated[int | None, Deciding(least=1, none=True)] = None
    vdim: Annotated[int | None, Deciding(least=1, none=True)] = None

    arity = (1, 3)
    cases = frozenset({"num_heads"})
    kept: ClassVar[dict[str, str]] = {"bias": "in_proj_bias", "add_bias_kv": "bias_k"}
    builder = "MultiheadAttention"
    terms = frozenset({"features"})
    rules = (Rule("embed_dim is a multiple of num_heads", lambda features, num_heads: features % num_heads == 0),)

    def pose(self, trace: Trace, *inputs: Shape) -> Shape:
        """Key and value are equally long; features are as wide as the layer says."""
        for x in inputs:
            sequence(self, trace, x)
        query, key, value = inputs + (inputs[-1],) * (3 - len(inputs))
        self.infer(trace, query)
        trace.require(self.rules[0], features=query[-1])
        for name, x in (("kdim", key), ("vdim", value)):
            width = query[-1] if getattr(self, name) is None else trace.argument(name)
            trace.equal(x[-1], width, f"the features are {name}, or embed_dim where that is not written")
        trace.equal(key[0], value[0], "key and value are equally long")
        return query

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """The call with all three inputs, and without weights."""
        del inputs, code
        query, key, value = feeds + (feeds[-1],) * (3 - len(feeds))
        return f"{module}({query}, {key}, {value}, need_weights=False)"

    def parameters(self, inputs: Known) -> int:
        """Projections in and out, biases, and with add_bias_kv a vector each for key and value."""
        e = inputs[0][-1]
        weights = e * (e + (self.kdim or e) + (self.vdim or e)) + e * e
        return weights + (4 * e if self.bias else 0) + (2 * e if self.add_bias_kv else 0)


@dataclass(frozen=True, kw_only=True)
class TransformerEncoderLayer(BatchFirst):
    """Self-attention and a feed-forward network, each with a norm; the shape stays."""

    d_model: Annotated[Any, Inferred(dim=-1)] = None
    nhead: Annotated[int, Deciding(least=1)]
    dim_feedforward: Annotated[Any, Asked(least=1)] = 2048
    dropout: Annotated[float, Real(low=0, high=1)] = 0.1
    activation: Annotated[str, Word(spelt=("relu", "gelu"))] = "relu"
    layer_norm_eps: Annotated[float, Real()] = 1e-5
    norm_first: Annotated[bool, Switch()] = False
    bias: Annotated[bool, Switch()] = True

    cases = frozenset({"nhead"})
    kept: ClassVar[dict[str, str]] = {
        "batch_first": "self_attn.batch_first",
        "d_model": "self_attn.embed_dim",
        "nhead": "self_attn.num_heads",
        "dim_feedforward": "linear1.out_features",
        "dropout": "dropout.p",
        "layer_norm_eps": "norm1.eps",
        "bias": "linear1.bias",
    }
    terms = frozenset({"features"})
    rules = (Rule("d_model is a multiple of nhead", lambda features, nhead: features % nhead == 0),)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Keep the shape."""
        sequence(self, trace, x)
        self.infer(trace, x)
        trace.require(self.rules[0], features=x[-1])
        return x

    def targets(self, name: str) -> str:
        """The output alone."""
        return name

    def parameters(self, inputs: Known) -> int:
        """Attention, two linear layers, two norms."""
        e, wide = inputs[0][-1], self.dim_feedforward
        weights = 4 * e * e + 2 * e * wide + 2 * e
        return int(weights + (7 * e + wide if self.bias else 0))


for _operator in (RNN, GRU, LSTM, MultiheadAttention, TransformerEncoderLayer):
    register(_operator)
