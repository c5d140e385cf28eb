"""Layers that keep the shape: activations, dropouts, normalisations, from one table.

Source: the torch.nn page of each.
"""

from dataclasses import dataclass, field, make_dataclass
from math import prod
from typing import Annotated, Any, ClassVar

from netsolve.arith import either
from netsolve.ops.arguments import Argument, Inferred, Sizes
from netsolve.ops.base import Known, Operator, Rule, Shape, Trace, describe_rank, publish, register
from netsolve.ops.plain import Deciding, Integer, Real, Switch, Word
from netsolve.ops.shape import BATCH, dimension


@dataclass(frozen=True, kw_only=True)
class Pointwise(Operator):
    """A layer whose output has the shape of its input."""

    ranks: ClassVar[frozenset[int]] = frozenset()
    policies: ClassVar[tuple[str, ...]] = (BATCH,)

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Check what the layer needs of its input, and keep the shape."""
        if self.ranks and len(x) not in self.ranks:
            expected = " or ".join(_rank(rank) for rank in sorted(self.ranks))
            raise trace.fail(f"{self.torch_name} takes {expected}, and gets {describe_rank(x)}")
        self.infer(trace, x)
        if isinstance(dim := getattr(self, "dim", None), int):
            dimension(trace, dim, len(x), "dim")
        for rule in self.rules:
            if rule.when(self):
                trace.require(rule, **({"in_channels": x[0]} if "in_channels" in rule.formula.operands else {}))
        return x


def _rank(rank: int) -> str:
    axes = rank - 1
    return f"channels and {axes} spatial size{'s' * (axes > 1)}" if axes else "features without spatial axes"


@dataclass(frozen=True, kw_only=True)
class ChannelNorm(Pointwise):
    """Normalisation with a weight and a bias for each channel."""

    affine: Annotated[bool, Switch()] = True

    policies = ("is written, and the input implies it",)

    def parameters(self, inputs: Known) -> int:
        """A weight and a bias a channel."""
        return 2 * inputs[0][0] if self.affine else 0


@dataclass(frozen=True, kw_only=True)
class InstanceNorm(ChannelNorm):
    """Normalisation of each channel over its spatial axes."""

    affine: Annotated[bool, Switch()] = False
    track_running_stats: Annotated[bool, Switch()] = False

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Besides: more than one cell, or there is nothing to normalise."""
        x = super().pose(trace, x)
        if not self.track_running_stats:
            trace.require(SEVERAL[len(x) - 1], **dict(zip("hwd", x[1:], strict=False)))
        return x


_SEVERAL = "more than one cell, since InstanceNorm has nothing to normalise otherwise"
SEVERAL = {
    1: Rule(_SEVERAL, lambda h: h > 1),
    2: Rule(_SEVERAL, lambda h, w: either(h > 1, w > 1)),
    3: Rule(_SEVERAL, lambda h, w, d: either(either(h > 1, w > 1), d > 1)),
}


@dataclass(frozen=True, kw_only=True)
class GroupNorm(ChannelNorm):
    """Normalisation over groups of channels."""

    num_groups: Annotated[int, Deciding(least=1)]
    num_channels: Annotated[Any, Inferred(dim=0)] = None
    eps: Annotated[float | None, Real()] = 1e-5

    cases = frozenset({"num_groups"})
    rules = (
        Rule(
            "the channels are a multiple of num_groups", lambda in_channels, num_groups: in_channels % num_groups == 0
        ),
    )


@dataclass(frozen=True, kw_only=True)
class ShapeNorm(Pointwise):
    """Normalisation over the last dimensions, whose sizes are written in normalized_shape."""

    normalized_shape: Annotated[Any, Sizes(least=1)]
    elementwise_affine: Annotated[bool, Switch()] = True

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """The last sizes are those written."""
        written = self.normalized_shape if isinstance(self.normalized_shape, tuple) else (self.normalized_shape,)
        if len(written) > len(x):
            raise trace.fail(f"normalized_shape has {len(written)} sizes, and the input {len(x)}")
        for entry, size in enumerate(x[len(x) - len(written) :]):
            trace.equal(
                trace.argument("normalized_shape", entry), size, "normalized_shape is the end of the input's shape"
            )
        return x


@dataclass(frozen=True, kw_only=True)
class LayerNorm(ShapeNorm):
    """Normalisation over the last dimensions, with weights and biases."""

    eps: Annotated[float | None, Real()] = 1e-5
    bias: Annotated[bool, Switch()] = True

    def parameters(self, inputs: Known) -> int:
        """A weight, and a bias where there is one, for each cell of normalized_shape."""
        del inputs
        cells = prod(self.normalized_shape) if isinstance(self.normalized_shape, tuple) else self.normalized_shape
        return int(cells * (1 + self.bias)) if self.elementwise_affine else 0


@dataclass(frozen=True, kw_only=True)
class RMSNorm(ShapeNorm):
    """Normalisation by the root mean square over the last dimensions."""

    eps: Annotated[float | None, Real(none=True)] = None

    def parameters(self, inputs: Known) -> int:
        """A weight for each cell of normalized_shape."""
        del inputs
        cells = prod(self.normalized_shape) if isinstance(self.normalized_shape, tuple) else self.normalized_shape
        return int(cells) if self.elementwise_affine else 0


@dataclass(frozen=True, kw_only=True)
class PReLU(Pointwise):
    """ReLU with a learned slope, one or one a channel."""

    num_parameters: Annotated[int, Deciding(least=1)] = 1
    init: Annotated[float | None, Real()] = 0.25

    rules = (
        Rule(
            "num_parameters is the number of channels, or 1",
            lambda in_channels, num_parameters: either(num_parameters == 1, in_channels == num_parameters),
        ),
    )

    def parameters(self, inputs: Known) -> int:
        """The slopes."""
        del inputs
        return self.num_parameters


SWITCH, REAL, MOMENTUM, DIM = Switch(), Real(), Real(none=True), Integer()
REQUIRED = object()
Column = tuple[Argument, Any]

INPLACE: Column = (SWITCH, False)
BATCH_NORM: dict[str, Column] = {
    "num_features": (Inferred(dim=0), None),
    "eps": (Real(low=0), 1e-5),
    "momentum": (MOMENTUM, 0.1),
    "track_running_stats": (SWITCH, True),
}
INSTANCE_NORM: dict[str, Column] = {
    "num_features": (Inferred(dim=0), None),
    "eps": (REAL, 1e-5),
    "momentum": (MOMENTUM, 0.1),
}
DROPOUT: dict[str, Column] = {"p": (Real(low=0, high=1), 0.5), "inplace": INPLACE}
LRN: dict[str, Column] = {
    "size": (Integer(least=1), REQUIRED),
    "alpha": (REAL, 1e-4),
    "beta": (REAL, 0.75),
    "k": (REAL, 1.0),
}

TABLE: tuple[tuple[str, type[Pointwise], set[int], dict[str, Column]], ...] = (
    ("Identity", Pointwise, set(), {}),
    ("ReLU", Pointwise, set(), {"inplace": INPLACE}),
    ("ReLU6", Pointwise, set(), {"inplace": INPLACE}),
    ("LeakyReLU", Pointwise, set(), {"negative_slope": (REAL, 0.01), "inplace": INPLACE}),
    ("PReLU", PReLU, set(), {}),
    ("RReLU", Pointwise, set(), {"lower": (REAL, 1 / 8), "upper": (REAL, 1 / 3), "inplace": INPLACE}),
    ("ELU", Pointwise, set(), {"alpha": (REAL, 1.0), "inplace": INPLACE}),
    ("CELU", Pointwise, set(), {"alpha": (REAL, 1.0), "inplace": INPLACE}),
    ("SELU", Pointwise, set(), {"inplace": INPLACE}),
    ("GELU", Pointwise, set(), {"approximate": (Word(spelt=("none", "tanh")), "none")}),
    ("SiLU", Pointwise, set(), {"inplace": INPLACE}),
    ("Mish", Pointwise, set(), {"inplace": INPLACE}),
    ("Sigmoid", Pointwise, set(), {}),
    ("LogSigmoid", Pointwise, set(), {}),
    ("Hardsigmoid", Pointwise, set(), {"inplace": INPLACE}),
    ("Hardswish", Pointwise, set(), {"inplace": INPLACE}),
    ("Hardtanh", Pointwise, set(), {"min_val": (REAL, -1.0), "max_val": (REAL, 1.0), "inplace": INPLACE}),
    ("Hardshrink", Pointwise, set(), {"lambd": (REAL, 0.5)}),
    ("Softshrink", Pointwise, set(), {"lambd": (Real(low=0), 0.5)}),
    ("Softplus", Pointwise, set(), {"beta": (REAL, 1.0), "threshold": (REAL, 20.0)}),
    ("Softsign", Pointwise, set(), {}),
    ("Tanh", Pointwise, set(), {}),
    ("Tanhshrink", Pointwise, set(), {}),
    ("Threshold", Pointwise, set(), {"threshold": (REAL, REQUIRED), "value": (REAL, REQUIRED), "inplace": INPLACE}),
    ("Softmax", Pointwise, set(), {"dim": (DIM, REQUIRED)}),
    ("Softmin", Pointwise, set(), {"dim": (DIM, REQUIRED)}),
    ("LogSoftmax", Pointwise, set(), {"dim": (DIM, REQUIRED)}),
    ("Softmax2d", Pointwise, {3}, {}),
    ("Dropout", Pointwise, set(), DROPOUT),
    ("Dropout1d", Pointwise, {1, 2}, DROPOUT),
    ("Dropout2d", Pointwise, {2, 3}, DROPOUT),
    ("Dropout3d", Pointwise, {3, 4}, DROPOUT),
    ("AlphaDropout", Pointwise, set(), DROPOUT),
    ("FeatureAlphaDropout", Pointwise, set(), DROPOUT),
    ("BatchNorm1d", ChannelNorm, {1, 2}, BATCH_NORM),
    ("BatchNorm2d", ChannelNorm, {3}, BATCH_NORM),
    ("BatchNorm3d", ChannelNorm, {4}, BATCH_NORM),
    ("SyncBatchNorm", ChannelNorm, {1, 2, 3, 4}, BATCH_NORM),
    ("InstanceNorm1d", InstanceNorm, {2}, INSTANCE_NORM),
    ("InstanceNorm2d", InstanceNorm, {3}, INSTANCE_NORM),
    ("InstanceNorm3d", InstanceNorm, {4}, INSTANCE_NORM),
    ("GroupNorm", GroupNorm, set(), {}),
    ("LayerNorm", LayerNorm, set(), {}),
    ("RMSNorm", RMSNorm, set(), {}),
    ("LocalResponseNorm", Pointwise, {2, 3, 4}, LRN),
    ("CrossMapLRN2d", Pointwise, {3}, LRN),
)
"""Name, base, how many sizes the input has (empty: any number), and arguments with their defaults."""

UNTRACKED = Rule(
    "eps is above 0 without running statistics",
    lambda eps: eps > 0,
    when=lambda record: not record.track_running_stats,
)
RULES: dict[str, tuple[Rule, ...]] = {
    "RReLU": (Rule("lower is at most upper", lambda lower, upper: lower <= upper),),
    "CELU": (Rule("alpha is not 0", lambda alpha: alpha != 0),),
    "Hardtanh": (Rule("min_val is below max_val", lambda min_val, max_val: min_val < max_val),),
    "BatchNorm1d": (UNTRACKED,),
    "BatchNorm2d": (UNTRACKED,),
    "BatchNorm3d": (UNTRACKED,),
    "SyncBatchNorm": (UNTRACKED,),
}


def _declare(name: str, base: type[Pointwise], ranks: set[int], columns: dict[str, Column]) -> None:
    if base.__name__ == name:
        register(base)
        return
    entries = [
        (key, Annotated[Any, kind], field() if default is REQUIRED else field(default=default))
        for key, (kind, default) in columns.items()
    ]
    rules = RULES.get(name, base.rules)
    space = {
        "ranks": frozenset(ranks),
        "rules": rules,
        "torch_name": name,
        "__doc__": base.__doc__,
        "__module__": __name__,
    }
    register(publish(make_dataclass(name, entries, bases=(base,), namespace=space, frozen=True, kw_only=True)))


for _row in TABLE:
    _declare(*_row)
