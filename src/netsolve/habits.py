"""The habits of authors: how plausible a value is, learned from recorded networks.

A network has a style (it pads, it pads only where sizes stay, or it does not pad) and a value for each group of layers
alike (kind of layer, kernel, stride, dilation, an explicit pad before it, ceil_mode, whether it stands before the first
branch). A layer takes its group's value, or rarely another, which is mostly no padding at all. Besides, where a stride
does not divide what it steps over, a floor loses cells, and authors have habits there too. The tables are data in the
package (`habits.json`), made by `benchmarks/learn.py`.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from itertools import chain
from math import exp, log
from typing import Any, NamedTuple

from netsolve.domain import Unknown
from netsolve.network import Layer, Network
from netsolve.ops.window import same_padding, span
from netsolve.problem import Problem, Variable

STYLES = ("padded", "open", "valid")
"""Networks that pad; that pad, but not where they shrink nor always before their first branch; that do not pad."""

KINDS = (
    ("ConvTranspose", "transposed"),
    ("Conv", "conv"),
    ("LazyConv", "conv"),
    ("MaxPool", "max"),
    ("AvgPool", "avg"),
)
MOST_KEYS = 4096
"""How many windows, formulas and tables of a group are kept for the next network."""

MOST_LISTED = 1000
"""A set of more values than this tells nothing of what its author had in mind."""
FLAT = 1e-3
"""The share of a habit that is spread evenly over all values, since every value has been seen somewhere."""


class Key(NamedTuple):
    """What makes layers alike along an axis; a number that is itself unknown is None."""

    argument: str
    kind: str
    kernel_size: int | None
    stride: int | None
    dilation: int | None
    padded: bool = False
    ceil_mode: bool | None = False
    stem: bool | None = None

    @property
    def known(self) -> bool:
        """Whether the window is known, so that a padding can be told by what it does."""
        return None not in (self.kernel_size, self.stride, self.dilation)

    @property
    def exact(self) -> str:
        """The key of the table of values."""
        return self.words(self.kernel_size, self.stride, self.dilation)

    def words(self, *window: int | str | None) -> str:
        """What is alike, in words."""
        marks = (
            ("after pad", self.padded),
            ("ceil", self.ceil_mode),
            ("ceil?", self.ceil_mode is None),
            ("stem", self.stem),
            ("body", self.stem is False),
        )
        shown = ["?" if part is None else str(part) for part in window]
        return " ".join([self.argument, self.kind, *shown, *(word for word, holds in marks if holds)])

    @property
    def pooled(self) -> "Key":
        """The same wherever it stands."""
        return self._replace(stem=None)

    @property
    def family(self) -> str:
        """The key of the table of what values do, for keys that are rare."""
        if self.kernel_size is None or self.stride is None:
            return self.words("?")
        if self.kernel_size == 1:
            return self.words("one", "step" if self.stride == 1 else "skip")
        parity = "odd" if self.kernel_size % 2 else "even"
        if self.stride == 1:
            return self.words(parity, "step")
        if self.kernel_size == self.stride:
            return self.words(parity, "tile")
        return self.words(parity, "overlap" if self.kernel_size > self.stride else "skip")

    def meanings(self) -> dict[str, int]:
        """What a value can mean for this window, by name."""
        if not self.known:
            return {"none": 0}
        k, s, d = self.kernel_size, self.stride, self.dilation
        assert k is not None  # noqa: S101 - known
        assert s is not None  # noqa: S101 - known
        assert d is not None  # noqa: S101 - known
        if self.argument == "output_padding":
            return {"none": 0, "whole": (k - s) % 2, "most": max(s, d) - 1}
        whole = d * (k - 1)
        cut = max(span(k, d) - s, 0)
        return {
            "none": 0,
            "half": whole // 2,
            "half, up": (whole + 1) // 2,
            "same": int(same_padding(k, s, d)),
            "same, down": cut // 2,
            "full": whole,
        }


class Names(NamedTuple):
    """How the tables call a key.

    meanings: what a value can mean for it; family: the key of the table of these; general: of the table of values,
    wherever it stands; exact: the same where it stands.
    """

    meanings: Mapping[str, int]
    family: str
    general: str
    exact: str


@lru_cache(maxsize=MOST_KEYS)
def names_of(key: Key) -> Names:
    """How the tables call a key."""
    pooled = key.pooled
    return Names(key.meanings(), pooled.family, pooled.exact, key.exact)


@dataclass(frozen=True, eq=False)
class Habits:
    """Learned tables; compared by identity.

    styles: how common each is; losses: how often floors lose cells, by style and family of windows; exact: counts of
    values by style and key; meanings: counts of what values mean, by style and family of keys; numbers: counts of
    numbers of windows by what tells of them (`windows.contexts`); deviation: the probability, below one half, that a
    layer departs from its group; strength: how many observations the meanings are worth against the exact counts;
    trust: how far the losses of many layers count as evidence of their own.
    """

    styles: Mapping[str, float]
    losses: Mapping[str, Mapping[str, Mapping[str, float]]]
    exact: Mapping[str, Mapping[str, Mapping[str, float]]]
    meanings: Mapping[str, Mapping[str, Mapping[str, float]]]
    numbers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    deviation: float = exp(-6)
    strength: float = 1.0
    trust: float = 1.0

    def loss_costs(self, family: str, style: str) -> tuple[float, float]:
        """What it costs that a floor loses no cells, or some, in nats; `family` as `losses.loss_family` names it."""
        row = self.losses.get(style, {}).get(family, {})
        yes, no = row.get("lost", 0.0) + 0.5, row.get("exact", 0.0) + 0.5
        return -self.trust * log(no / (yes + no)), -self.trust * log(yes / (yes + no))

    def weights(self, key: Key, values: Sequence[int], style: str) -> dict[int, float]:
        """The probability of each value of a group under a style; they sum to one."""
        names, family, general, exact = names_of(key)
        counts = dict(self.meanings.get(style, {}).get(family, {}))
        total = sum(counts.values()) + 1.0
        prior = {v: FLAT / len(values) for v in values}
        bare = style == "valid" or (style == "open" and (key.stem or key.stride != 1))
        fallback = "none" if bare else "same"
        counts[fallback] = counts.get(fallback, 0.0) + 0.7
        rest = 0.3 / len(names)
        for name in names:
            counts[name] = counts.get(name, 0.0) + rest
        for name, count in counts.items():
            value = names.get(name)
            if value in prior:
                prior[value] += count / total
        found = self.seen(general, style, prior)
        return found if key.stem is None else self.seen(exact, style, found)

    def seen(self, name: str, style: str, prior: Mapping[int, float]) -> dict[int, float]:
        """The probability of each value by how often it was seen, the more by the prior the less was seen."""
        counts = self.exact.get(style, {}).get(name, {})
        scale = self.strength / sum(prior.values())
        found = {v: scale * p for v, p in prior.items()}
        for value, count in counts.items():
            if int(value) in found:
                found[int(value)] += count
        whole = sum(found.values())
        return {v: w / whole for v, w in found.items()}


@cache
def learned() -> Habits:
    """The habits that come with the package."""
    data = json.loads(resources.files("netsolve").joinpath("habits.json").read_text(encoding="utf-8"))
    return Habits(**{key: value for key, value in data.items() if key not in {"version", "provenance"}})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the habits of a layer depend on around it.

    after_pad: layers that an explicit pad feeds; stem: layers before the first tensor that several layers take, None
    where no tensor is taken twice.
    """

    after_pad: frozenset[str]
    stem: frozenset[str] | None


def surroundings(network: Network) -> Surroundings:
    """What surrounds the layers of a network."""
    pads = frozenset(layer.name for layer in network.layers if "Pad" in layer.op.torch_name)
    after = frozenset(layer.name for layer in network.layers if not pads.isdisjoint(layer.inputs)) if pads else pads
    names = list(network.by_name)
    uses = Counter(chain.from_iterable([layer.inputs for layer in network.layers]))
    branch = next((i for i, name in enumerate(names) if uses[name] > 1), None)
    return Surroundings(after, None if branch is None else frozenset(names[: branch + 1]))


@cache
def kind_of(operator: str) -> str | None:
    """What habits call an operator; None where they know nothing of it."""
    return next((short for name, short in KINDS if operator.startswith(name)), None)


def keys_of(layer: Layer, argument: str, around: Surroundings) -> tuple[Key, ...]:
    """The key of each axis of a layer's padding or output_padding; none where habits know nothing of the layer."""
    op = layer.op
    kind = kind_of(op.torch_name)
    if kind is None or argument not in {"padding", "output_padding"}:
        return ()
    stride = getattr(op, "stride", None)
    kernel_size = getattr(op, "kernel_size", 1)
    numbers = (kernel_size, kernel_size if stride is None else stride, getattr(op, "dilation", 1))
    stem = None if around.stem is None else layer.name in around.stem
    ceil_mode = _flag(getattr(op, "ceil_mode", False))
    return window_keys(Window(argument, kind, numbers, op.axes, layer.name in around.after_pad, ceil_mode, stem))


class Window(NamedTuple):
    """A layer's window: what `Key` says of it, each number for all axes or one by one."""

    argument: str
    kind: str
    numbers: tuple[Any, ...]
    axes: int
    padded: bool
    ceil_mode: bool | None
    stem: bool | None


@lru_cache(maxsize=MOST_KEYS)
def window_keys(window: Window) -> tuple[Key, ...]:
    """The key of each axis of a window."""
    argument, kind, numbers, axes, padded, ceil_mode, stem = window
    alike = not any(isinstance(value, tuple) for value in numbers)
    found = []
    for axis in range(1 if alike else axes):
        kernel_size, stride, dilation = (_entry(value, axis) for value in numbers)
        found.append(Key(argument, kind, kernel_size, stride, dilation, padded, ceil_mode, stem))
    return tuple(found * axes if alike else found)


def _entry(value: Any, axis: int) -> int | None:
    value = value[axis] if isinstance(value, tuple) else value
    if isinstance(value, Unknown) and value.domain is not None and value.domain.count == 1:
        return value.domain.low
    return value if isinstance(value, int) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


class Choice(NamedTuple):
    """A variable to be chosen: the key of its group, and all values it may have by the document."""

    variable: Variable
    key: Key
    values: tuple[int, ...]


@dataclass
class Choices:
    """The question marks of a problem by groups; `flat` has those that habits know nothing of."""

    groups: list[Key] = field(default_factory=list)
    members: list[list[Choice]] = field(default_factory=list)
    flat: dict[Variable, tuple[int, ...]] = field(default_factory=dict)

    @property
    def all(self) -> Iterator[Choice]:
        """Every choice."""
        return (choice for group in self.members for choice in group)


def choices_of(problem: Problem) -> Choices:
    """Sort the question marks of a problem into groups."""
    network = problem.network
    layers = network.by_name
    around = surroundings(network)
    found = Choices()
    members: dict[Key, list[Choice]] = {}
    seen: set[Variable] = set()
    listed: dict[Any, tuple[int, ...]] = {}
    for question in problem.questions:
        name, _, argument = question.key.rpartition(".")
        keys = keys_of(layers[name], argument, around) if name in layers else ()
        for axis, operand in enumerate(question.entries):
            if not isinstance(operand, Variable) or operand in seen:
                continue
            seen.add(operand)
            key = (keys[axis] if question.listed else _shared(keys)) if keys else None
            domain = problem.domains[operand]
            values = listed.get(domain.ranges)
            if values is None:
                few = (domain.count or MOST_LISTED + 1) <= MOST_LISTED
                values = listed[domain.ranges] = tuple(domain) if few else ()
            if key is None or not key.known or not values:
                found.flat[operand] = ()
            else:
                members.setdefault(key, []).append(Choice(operand, key, values))
    found.groups.extend(members)
    found.members.extend(members.values())
    return found


def _shared(keys: tuple[Key, ...]) -> Key:
    """The key of one value for all axes: that of the axis with the largest window."""
    alike = keys[0] is keys[-1]  # then it stands for all axes
    return keys[0] if alike else max(keys, key=lambda key: key.kernel_size or 0)


def cost(weight: float) -> float:
    """A probability in nats."""
    return -log(weight) if weight > 0 else float("inf")
