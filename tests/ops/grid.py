"""Small cases of every operator, made from its declared arguments, and what netsolve and torch say of each."""

import random
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from functools import cache
from itertools import islice
from math import prod
from typing import Any

import pytest
import torch
from torch import nn

from netsolve import modules
from netsolve.errors import DocumentError
from netsolve.network import Layer, Network
from netsolve.ops import OPERATORS, Operator
from netsolve.ops.arguments import Asked, AskedSwitch, Inferred, Sizes, Window
from netsolve.ops.base import NOT_EMPTY, Rule
from netsolve.ops.plain import Always, Dims, Integer, Real, Reals, Switch, Word
from netsolve.posing import pose
from netsolve.problem import Problem

CASES = 600
NAMES = tuple(name for name, kind in OPERATORS.items() if kind.torch_name == name)
"""Every operator once, without second names."""
TRIES = 12_000
BATCH = 2
REFUSALS = (RuntimeError, ValueError, TypeError, AssertionError, IndexError, NotImplementedError, ZeroDivisionError)

Shapes = tuple[tuple[int, ...], ...]

torch.set_num_threads(1)

QUIET = [
    pytest.mark.filterwarnings(f"ignore:{words}")
    for words in (
        "Initializing zero-element tensors is a no-op",
        "Using padding='same' with even kernel lengths",
        "LSTM with projections is not supported with oneDNN",
        "dropout option adds dropout after all but last recurrent layer",
        "dropout[23]d. Received a",
        "input's size at dim=1 does not match num_features",
    )
]
"""What torch warns of in some of these cases, on purpose."""


@dataclass(frozen=True)
class Case:
    """One layer: an operator's name, the arguments that are written, the shapes of its inputs without batch."""

    name: str
    arguments: tuple[tuple[str, Any], ...]
    shapes: Shapes

    def __str__(self) -> str:
        written = ", ".join(f"{key}={value!r}" for key, value in self.arguments)
        return f"{self.name}({written}) on {' and '.join(map(str, self.shapes))}"

    def operator(self) -> Operator:
        """The record, read as a document would have it. Raises ValueError where an argument is refused."""
        kind = OPERATORS[self.name]
        return kind(**{key: kind.arguments[key].read(value, kind.axes) for key, value in self.arguments})

    def problem(self, op: Operator) -> Problem:
        """A network of this one layer. Raises DocumentError where it cannot be one."""
        return pose(self.network(op))

    def network(self, op: Operator, out: tuple[int, ...] | None = None) -> Network:
        """A network of this one layer, with what is stated of its output; a pool stands before an unpool."""
        names = tuple(f"input{i}" for i in range(len(self.shapes)))
        inputs = dict(zip(names, self.shapes, strict=True))
        axes = len(self.shapes[-1]) - 1
        if not self.name.startswith("MaxUnpool") or not 1 <= axes <= 3:
            return Network(inputs, (Layer("layer", op, names, out),))
        pool = made(f"MaxPool{axes}d", kernel_size=1, return_indices=True)
        return Network(inputs, (Layer("pool", pool, names[1:]), Layer("layer", op, (names[0], "pool"), out)))


@dataclass(frozen=True)
class Outcome:
    """What both say of a case: a shape, or why not. rules: what netsolve finds broken, where it is a rule."""

    case: Case
    netsolve: tuple[int, ...] | None
    reason: str
    rules: frozenset[Rule]
    policy: bool
    torch: tuple[int, ...] | None
    error: str
    parameters: tuple[int, int] | None

    @property
    def disagreement(self) -> str:
        """What does not agree, for a reader; empty where all does."""
        if self.netsolve is not None and self.torch is None:
            return f"{self.case}: netsolve says {self.netsolve}, torch refuses: {self.error}"
        if self.netsolve is not None and self.netsolve != self.torch:
            return f"{self.case}: netsolve says {self.netsolve}, torch {self.torch}"
        if self.netsolve is None and self.torch is not None and 0 not in self.torch and not self.policy:
            return f"{self.case}: netsolve refuses ({self.reason}), torch says {self.torch}"
        if self.parameters is not None and self.parameters[0] != self.parameters[1]:
            return f"{self.case}: netsolve counts {self.parameters[0]} parameters, torch {self.parameters[1]}"
        return ""


def made(name: str, **arguments: Any) -> Any:
    """A record with these arguments, as Python code makes it."""
    return OPERATORS[name](**arguments)


@cache
def outcomes(name: str) -> tuple[Outcome, ...]:
    """What netsolve and torch say of every case of an operator."""
    return tuple(outcome(case) for case in cases(name))


def outcome(case: Case) -> Outcome:
    """What netsolve and torch say of a case."""
    shape, reason, rules, policy, counted = _netsolve(case)
    found, error, numel = _torch(case)
    parameters = None if counted is None or numel is None else (counted, numel)
    return Outcome(case, shape, reason, rules, policy, found, error, parameters)


def _netsolve(case: Case) -> tuple[tuple[int, ...] | None, str, frozenset[Rule], bool, int | None]:
    kind = OPERATORS[case.name]
    try:
        op = case.operator()
        problem = case.problem(op)
    except ValueError as error:
        return None, str(error), frozenset(), by_policy(kind, str(error)), None
    except DocumentError as error:
        text = error.mistakes[0].text
        return None, text, frozenset(), by_policy(kind, text), None
    if problem.violations:
        known = {rule.formula: rule for rule in (*kind.rules, NOT_EMPTY)}
        rules = [known.get(factor.formula) for factor in problem.violations]
        texts = [factor.label.text for factor in problem.violations]
        policy = all(
            (rule is not None and rule.policy) or by_policy(kind, text) for rule, text in zip(rules, texts, strict=True)
        )
        broken = frozenset(rule for rule in rules if rule is not None) if None not in rules else frozenset()
        return None, "; ".join(texts), broken, policy, None
    return tuple(problem.shapes["layer"]), "", frozenset(), False, op.parameters(case.shapes)


def _torch(case: Case) -> tuple[tuple[int, ...] | None, str, int | None]:
    kind = OPERATORS[case.name]
    try:
        with torch.inference_mode():
            module = build(case).eval()
            numel = sum(p.numel() for p in module.parameters())
            found = module(*tensors(kind, case.shapes))
    except REFUSALS as error:
        return None, (str(error) or repr(error)).splitlines()[0], None
    return tuple(found.shape[1:]), "", numel


def build(case: Case) -> nn.Module:
    """torch's module, with inferred arguments as written where they are."""
    kind = OPERATORS[case.name]
    written = {key: tuple(value) if isinstance(value, list) else value for key, value in case.arguments}
    builder = kind.builder or (kind.torch_name if hasattr(modules, kind.torch_name) else "")
    try:
        op = case.operator()
        arguments, builder = op.torch_arguments(case.shapes), op.builder
    except ValueError:
        written = {key: None if value == "none" else value for key, value in written.items()}
        inferred = {k: arg for k, arg in kind.arguments.items() if isinstance(arg, Inferred)}
        arguments = {key: case.shapes[arg.source][arg.dim] for key, arg in inferred.items()} | written
    arguments |= {key: value for key, value in written.items() if isinstance(kind.arguments[key], Inferred)}
    target = getattr(modules, builder) if builder else getattr(nn, kind.torch_name)
    module = target(**arguments)
    assert isinstance(module, nn.Module)
    return module


def tensors(kind: type[Operator], shapes: Shapes) -> Iterator[torch.Tensor]:
    """The inputs, with a batch: zeros, of whole numbers where the operator takes indices."""
    for shape in shapes:
        x = torch.zeros(BATCH, *shape, dtype=torch.int64 if kind.indices else torch.float32)
        cells = torch.arange(prod(shape[1:])).reshape(1, 1, *shape[1:])
        x.taken = cells.expand(BATCH, *shape)  # type: ignore[attr-defined]  # as a max pool of one cell leaves it
        yield x


def by_policy(kind: type[Operator], text: str) -> bool:
    """Whether a refusal is netsolve's own."""
    return any(sentence in text for sentence in kind.policies)


@cache
def cases(name: str) -> tuple[Case, ...]:
    """Distinct cases of an operator, the same ones in every run."""
    return tuple(islice(draws(name), CASES))


def draws(name: str) -> Iterator[Case]:
    """Distinct cases of an operator until there are no new ones."""
    rng = random.Random(name)  # noqa: S311 - no secrets here
    kind = OPERATORS[name]
    seen: set[str] = set()
    for _ in range(TRIES):
        shapes = draw_shapes(kind, rng)
        arguments = {key: value for key in kind.arguments if (value := draw(kind, key, shapes, rng)) is not OMITTED}
        case = Case(name, tuple(arguments.items()), shapes)
        if str(case) not in seen:
            seen.add(str(case))
            yield case


def alone(name: str, rule: Rule) -> list[Outcome]:
    """Outcomes in which this rule is broken and no other (but that sizes are at least 1, which may follow)."""
    found = [outcome for outcome in outcomes(name) if outcome.rules - {NOT_EMPTY} == {rule}]
    for case in islice(draws(name), CASES, None):
        if found:
            break
        if _netsolve(case)[2] - {NOT_EMPTY} == {rule}:
            found.append(outcome(case))
    return found


OMITTED = object()
RARELY = {
    "size": 0.6,
    "scale_factor": 0.4,
    "align_corners": 0.8,
    "recompute_scale_factor": 0.8,
    "output_ratio": 0.5,
    "kdim": 0.6,
    "vdim": 0.6,
    "output_size": 0.5,
}
"""How often an argument that need not be written is left out, where that is not about a third."""


def draw_shapes(kind: type[Operator], rng: random.Random) -> Shapes:
    """Shapes of a kind's inputs: small, of a rank that it takes."""
    low, high = kind.arity
    count = low if high == low else rng.randint(low, min(high or 3, 3))
    sequence = kind.__module__.endswith("sequence")
    ranks = sorted(getattr(kind, "ranks", ())) or ([kind.axes + 1] if kind.axes else [2] if sequence else [1, 2, 3, 4])
    rank = rng.choice(ranks)
    first = draw_shape(rank, rng)
    special = SHAPES.get(kind.torch_name)
    if special is not None:
        return special(rng)
    return tuple(
        tuple(n if rng.random() < 0.85 else rng.randint(1, 3) for n in first) if i else first for i in range(count)
    )


def draw_shape(rank: int, rng: random.Random) -> tuple[int, ...]:
    """A small shape."""
    if rank == 1:
        return (rng.randint(1, 12),)
    largest = {2: 9, 3: 7}.get(rank, 5) if rng.random() < 0.8 else 12
    return (rng.choice([1, 2, 3, 4, 4, 6, 6]), *(rng.randint(1, largest) for _ in range(rank - 1)))


def columns(rng: random.Random) -> Shapes:
    """Columns of blocks, as Fold takes them: often of a size that fits."""
    return ((rng.choice([4, 8, 12, 36, 36, 6]), rng.choice([1, 2, 4, 4, 4, 6, 9, 9, 9, 16])),)


def with_ones(rng: random.Random) -> Shapes:
    """Sizes of which many are 1."""
    return (tuple(rng.choice([1, 1, 1, 2, 3, 4]) for _ in range(rng.randint(1, 5))),)


def stretched(rng: random.Random) -> Shapes:
    """An input, and seldom a second one whose size is taken."""
    rank = rng.choice([2, 3, 3, 3, 4])
    first = draw_shape(rank, rng)
    return (first,) if rng.random() < 0.8 else (first, draw_shape(rng.choice([rank, rank, rank, 2, 3]), rng))


def attended(rng: random.Random) -> Shapes:
    """A query, and perhaps a key and a value."""
    features, length = rng.choice([2, 3, 4, 6, 8]), rng.randint(1, 5)
    query = (rng.randint(1, 5), features)
    kinds = [features, features, features + 1]
    key = (length, rng.choice(kinds))
    value = (length + (rng.random() < 0.1), rng.choice(kinds))
    return rng.choice([(query,), (query, query), (query, key), (query, key, value), (query, key, value)])


SHAPES: dict[str, Callable[[random.Random], Shapes]] = {
    "Fold": columns,
    "MultiheadAttention": attended,
    "squeeze": with_ones,
    "Upsample": stretched,
    "CenterCrop": stretched,
}
"""Inputs of operators that need more than shapes of one rank."""


def draw(kind: type[Operator], name: str, shapes: Shapes, rng: random.Random) -> Any:
    """A value for an argument as a document writes it, or OMITTED."""
    argument = kind.arguments[name]
    required = any(field.name == name and field.default is MISSING for field in fields(kind))
    if not required and rng.random() < RARELY.get(name, 0.7 if isinstance(argument, Inferred) else 0.35):
        return OMITTED
    if isinstance(argument, Asked) and name in WINDOWS and rng.random() < 0.02:
        return argument.least - 1
    single = values(kind, name, shapes, rng)
    if argument.entries == "one" or rng.random() < 0.6:
        return rng.choice(single)
    numbers = [value for value in single if not isinstance(value, str) or value in {"none", "?"}]
    return [rng.choice(numbers) for _ in range(kind.axes * (2 if argument.entries == "sides" else 1))]


WINDOWS: dict[str, list[Any]] = {
    "kernel_size": [1, 2, 2, 3, 3, 4, 5, 7],
    "stride": [1, 1, 2, 2, 3],
    "dilation": [1, 1, 2, 2, 3],
    "padding": [0, 0, 1, 1, 2, 2, 3, 4],
    "output_padding": [0, 0, 1, 1, 2, 3],
    "output_size": [1, 2, 3, 4, 6],
    "groups": [1, 1, 1, 2, 2, 3],
    "out_channels": [1, 2, 3, 4, 6, 6],
}
SIDES = [0, 0, 0, 1, 1, 2, 3, -1, -2, 4]


def values(kind: type[Operator], name: str, shapes: Shapes, rng: random.Random) -> list[Any]:
    """What to try for an argument: both sides of its boundaries."""
    argument = kind.arguments[name]
    if (kind.torch_name, name) in SPECIAL:
        return SPECIAL[kind.torch_name, name](shapes[0])
    if isinstance(argument, Inferred):
        implied = shapes[argument.source][argument.dim]
        return [implied, implied + 1]
    if name == "size":
        return targets(shapes[0], rng)
    for types, trials in TRIALS:
        if isinstance(argument, types):
            return trials(argument, shapes[0], rng)
    if argument.entries == "sides":
        return SIDES
    extra = [*argument.spelt, *(["none"] * argument.keep)] if isinstance(argument, Window) else []
    return WINDOWS.get(name, [1, 2, 3, 4]) + extra


def targets(x: tuple[int, ...], rng: random.Random) -> list[Any]:
    """Sizes to stretch or cut an input to."""
    entries = [rng.randint(1, 8) for _ in x[1:]]
    return [*entries, *x[1:2], entries, [max(1, n // 2) for n in x[1:]], [1, *x[1:]]]


def factors(_: Any, x: tuple[int, ...], rng: random.Random) -> list[Any]:
    """Factors, one or one an axis."""
    single: list[Any] = [0.5, 1.0, 1.5, 2, 2.0, 0.7, 0.3, 3 / 11, 0.1, 0.0]
    return [*single, *(rng.sample(single, len(x) - 1) for _ in range(3)), "none"]


def orders(_: Any, x: tuple[int, ...], rng: random.Random) -> list[Any]:
    """Dimensions: some of them, all of them with the batch, each alone, one twice."""
    rank = len(x) + 1
    some = [rng.sample(range(1, rank), rng.randint(1, len(x))) for _ in range(3)]
    return [*some, [0, *rng.sample(range(1, rank), len(x))], *range(-rank - 1, rank + 1), [1, 1], [-1, rank - 1]]


def parts(argument: Any, x: tuple[int, ...], _: random.Random) -> list[Any]:
    """Shapes: ends of the input's, and with -1 in places."""
    ends = [list(x[i:]) for i in range(len(x))]
    rests = [[-1], [-1, x[-1]], [x[0], -1], [2, -1], [-1, 3], [2, 2, -1], [x[-1], 1]] if argument.rest else []
    return [*ends, *rests, x[-1], [n + 1 for n in x], [1, *x]]


TRIALS: list[tuple[Any, Callable[[Any, tuple[int, ...], random.Random], list[Any]]]] = [
    (Always, lambda *_: [True] * 9 + [False]),
    (Switch | AskedSwitch, lambda *_: [False, True]),
    (Word, lambda argument, *_: list(argument.spelt)),
    (Reals, factors),
    (Real, lambda argument, *_: [0.0, 0.5, 1.0, 1.5, -0.5, *(["none"] * argument.none)]),
    (Dims, orders),
    (
        Integer,
        lambda argument, *_: [
            *range(-5 if argument.least is None else argument.least - 1, 6),
            *(["none"] * argument.none),
        ],
    ),
    (Sizes, parts),
]
"""Values to try by kind of argument; the first kind that fits counts."""

SPECIAL: dict[tuple[str, str], Callable[[tuple[int, ...]], list[Any]]] = {
    ("Fold", "kernel_size"): lambda _: [1, 2, 2, 2, 3],
    ("Fold", "dilation"): lambda _: [1, 1, 2],
    ("Fold", "output_size"): lambda _: [2, 3, 3, 4, 4, 5],
    ("Fold", "stride"): lambda _: [1, 1, 2],
    ("Fold", "padding"): lambda _: [0, 0, 1],
    ("FractionalMaxPool2d", "kernel_size"): lambda _: [1, 2, 2, 3],
    ("FractionalMaxPool3d", "kernel_size"): lambda _: [1, 1, 2, 2, 3],
    ("FractionalMaxPool2d", "output_ratio"): lambda _: [0.7, 0.5, 0.3, 3 / 11, 0.9, 1.0, 0.0],
    ("FractionalMaxPool3d", "output_ratio"): lambda _: [0.7, 0.5, 0.3, 3 / 11, 0.6, 1.0, 0.0],
    ("FractionalMaxPool3d", "output_size"): lambda _: [1, 1, 2, 2, 3],
    ("MultiheadAttention", "kdim"): lambda x: [x[-1], x[-1], x[-1] + 1, "none"],
    ("MultiheadAttention", "vdim"): lambda x: [x[-1], x[-1], x[-1] + 1, "none"],
    ("Upsample", "mode"): lambda x: [
        "nearest",
        "nearest-exact",
        {2: "linear", 4: "trilinear"}.get(len(x), "bilinear"),
        "bicubic",
    ],
}
"""Values for arguments whose boundaries follow from the input."""
