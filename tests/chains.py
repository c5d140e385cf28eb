"""Small random chains, and which values fit them: worked out from torch's documented formulas, not from netsolve."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import ceil, floor, prod
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from support import document, table, value

MOST_ROWS = 1500


@dataclass(frozen=True)
class Mark:
    """A question mark: the name it may have, and the values it may take where a set is given."""

    name: str = ""
    values: tuple[int, ...] = ()

    def __str__(self) -> str:
        """As a document writes it."""
        return "?" + ": ".join(part for part in (self.name, "|".join(map(str, self.values))) if part)


@dataclass(frozen=True)
class Constraint:
    """A constraint as a document writes it, and as a function of all values and shapes."""

    text: str
    holds: Callable[[Mapping[str, Any], Mapping[str, tuple[int, ...]]], bool]


Slot = tuple[str, int | None]
"""Where a question mark stands: LAYER.ARGUMENT, and the entry where there is a list."""


@dataclass(frozen=True)
class Chain:
    """Layers as (operator, arguments); what is stated of the output; constraints."""

    size: tuple[int, int]
    layers: tuple[tuple[str, Mapping[str, Any]], ...]
    output: tuple[Any, ...] | None = None
    features: int | None = None
    constraints: tuple[Constraint, ...] = field(default=())

    @property
    def text(self) -> str:
        """The document."""
        written = [
            table(op=op, name=f"l{i}", **{key: _toml(given) for key, given in arguments.items()})
            for i, (op, arguments) in enumerate(self.layers)
        ]
        if self.output is not None:
            written[-1] = written[-1].removesuffix(" }") + f", out = {value(_toml(list(self.output)))} }}"
        if self.features is not None:
            written += [table(op="Flatten"), table(op="Linear", in_features=self.features, out_features=2)]
        top = {"constraints": [c.text for c in self.constraints]} if self.constraints else {}
        return document(*written, input=[2, *self.size], **top)

    @property
    def slots(self) -> dict[Slot, Mark]:
        """Every question mark."""
        found: dict[Slot, Mark] = {}
        for i, (_, arguments) in enumerate(self.layers):
            for key, given in arguments.items():
                entries = enumerate(given) if isinstance(given, list) else [(None, given)]
                found.update({(f"l{i}.{key}", entry): mark for entry, mark in entries if isinstance(mark, Mark)})
        return found

    def rows(self) -> Iterator[dict[Slot, int]]:
        """Every value of every question mark; those that share a name are equal, and nothing else is asked of them."""
        slots = self.slots
        choices: dict[Slot | str, set[int]] = {}
        for slot, mark in slots.items():
            possible = set(mark.values or self.possible(slot))
            own = mark.name or slot
            choices[own] = choices.get(own, possible) & possible
        assume(prod(map(len, choices.values())) <= MOST_ROWS)
        for row in product(*(sorted(values) for values in choices.values())):
            case = dict(zip(choices, row, strict=True))
            yield {slot: case[mark.name or slot] for slot, mark in slots.items()}

    def possible(self, slot: Slot) -> range:
        """The default values of an argument, or more where they depend on other question marks."""
        key = slot[0].split(".")[1]
        op, arguments = self.layers[int(slot[0].split(".")[0][1:])]
        if key == "padding" and op == "ZeroPad2d":
            return range(11)
        if key == "padding":
            return range(max(_largest(arguments["kernel_size"]) * _largest(arguments.get("dilation", 1)), 1))
        return {"kernel_size": range(1, 12), "stride": range(1, 5), "dilation": range(1, 5), "ceil_mode": range(2)}[key]

    def filled(self, row: Mapping[Slot, int]) -> dict[str, Any]:
        """The values by LAYER.ARGUMENT, as an answer has them."""
        found: dict[str, Any] = {}
        for key in dict.fromkeys(key for key, _ in row):
            given = self.given(key)
            if isinstance(given, list):
                found[key] = tuple(row.get((key, i), entry) for i, entry in enumerate(given))
            else:
                found[key] = bool(row[key, None]) if key.endswith("ceil_mode") else row[key, None]
        return found

    def given(self, key: str) -> Any:
        """What the document has for an argument."""
        layer, argument = key.split(".")
        return self.layers[int(layer[1:])][1][argument]

    def shapes(self, row: Mapping[Slot, int]) -> dict[str, tuple[int, ...]] | None:
        """The shapes after the layers; None where torch refuses, or a value is no default value."""
        values = self.filled(row)
        shape: tuple[int, ...] = (2, *self.size)
        shapes = {"input": shape}
        for i, (op, arguments) in enumerate(self.layers):
            full = {key: values.get(f"l{i}.{key}", given) for key, given in arguments.items()}
            plain = {entry for (key, entry), mark in self.slots.items() if key == f"l{i}.padding" and not mark.values}
            sizes = sizes_after(op, full, shape[1:], plain)
            if sizes is None:
                return None
            shape = shapes[f"l{i}"] = (full.get("out_channels", shape[0]), *sizes)
        return shapes

    def fits(self, row: Mapping[Slot, int]) -> bool:
        """Whether these values are an answer."""
        shapes = self.shapes(row)
        if shapes is None:
            return False
        last = shapes[f"l{len(self.layers) - 1}"]
        stated = self.output or ()
        agreed = all(_agrees(s, n) for s, n in zip(stated, last[len(last) - len(stated) :], strict=True))
        wide = self.features in {None, prod(last)}
        return agreed and wide and all(c.holds(self.arguments(row), shapes) for c in self.constraints)

    def arguments(self, row: Mapping[Slot, int]) -> dict[str, Any]:
        """All arguments by LAYER.ARGUMENT."""
        every = {
            f"l{i}.{key}": given for i, (_, arguments) in enumerate(self.layers) for key, given in arguments.items()
        }
        return every | self.filled(row)


def _toml(given: Any) -> Any:
    if isinstance(given, list):
        return [_toml(entry) for entry in given]
    return str(given) if isinstance(given, Mark) else given


def _largest(given: Any) -> int:
    if isinstance(given, list):
        return max(map(_largest, given))
    if isinstance(given, Mark):
        return max(given.values) if given.values else 11
    return int(given)


def _agrees(stated: Any, size: int) -> bool:
    if isinstance(stated, Mark):
        return not stated.values or size in stated.values
    return bool(stated == size)


def _each(given: Any, axes: int) -> tuple[int, ...]:
    return tuple(given) if isinstance(given, list | tuple) else (given,) * axes


def sizes_after(
    op: str, full: Mapping[str, Any], sizes: tuple[int, ...], plain: set[int | None]
) -> tuple[int, ...] | None:
    """The spatial sizes after a layer, by torch's pages; `plain`: the entries of the padding that its default binds."""
    axes = len(sizes)
    if op.startswith("ZeroPad"):
        sides = _each(full["padding"], 2 * axes)
        pairs = [sides[2 * i : 2 * i + 2] for i in reversed(range(axes))]
        if any(n + sum(side for side in pair if side < 0) < 0 for n, pair in zip(sizes, pairs, strict=True)):
            return None
        grown = tuple(n + sum(pair) for n, pair in zip(sizes, pairs, strict=True))
        return grown if min(grown) >= 1 else None
    kernels, paddings = _each(full["kernel_size"], axes), _each(full.get("padding", 0), axes)
    strides, dilations = _each(full.get("stride", 1), axes), _each(full.get("dilation", 1), axes)
    conv = op.startswith("Conv")
    found = []
    for axis, (n, k, p, s, d) in enumerate(zip(sizes, kernels, paddings, strides, dilations, strict=True)):
        limit = d * (k - 1) if conv else k // 2
        if p > limit and (plain & {None, axis} or not conv):
            return None
        exact = (n + 2 * p - d * (k - 1) - 1) / s + 1
        if conv:
            if n + 2 * p < d * (k - 1) + 1:
                return None
            found.append(floor(exact))
            continue
        out = ceil(exact) if full.get("ceil_mode", False) else floor(exact)
        if full.get("ceil_mode", False) and (out - 1) * s >= n + p:
            out -= 1
        if out < 1:
            return None
        found.append(out)
    return tuple(found)


def marks(*values: int, plain: bool = False) -> st.SearchStrategy[Mark]:
    """Question marks with sets of these values, perhaps with a name, perhaps without a set."""
    sets = st.sets(st.sampled_from(values), min_size=1, max_size=3).map(sorted).map(tuple)
    own = st.builds(Mark, st.just(""), sets)
    named = st.builds(Mark, st.sampled_from(["p", "q"]), sets)
    return st.one_of(own, named, st.just(Mark()), st.just(Mark("p"))) if plain else st.one_of(own, named)


PADDING = st.one_of(marks(0, 1, 2, plain=True), st.integers(0, 2))


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A convolution."""
    kernel = draw(st.one_of(st.integers(1, 3), marks(1, 2, 3), st.tuples(st.integers(1, 3), marks(1, 3)).map(list)))
    padding = draw(st.one_of(PADDING, st.lists(PADDING, min_size=2, max_size=2)))
    stride = draw(st.one_of(st.just(1), st.integers(1, 3), marks(1, 2, 3, plain=True)))
    dilation = draw(st.one_of(st.just(1), st.just(2), marks(1, 2)))
    arguments = {"kernel_size": kernel, "padding": padding, "stride": stride, "dilation": dilation}
    return "Conv2d", {"out_channels": draw(st.integers(1, 3)), **arguments}


@st.composite
def pools(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A pool."""
    kernel = draw(st.one_of(st.integers(1, 4), marks(2, 3)))
    padding = draw(st.one_of(st.integers(0, 1), marks(0, 1, plain=True)))
    stride = draw(st.one_of(st.integers(1, 3), marks(1, 2, 3)))
    mode = draw(st.one_of(st.booleans(), st.just(Mark())))
    dilation = draw(st.sampled_from([1, 1, 2]))
    return "MaxPool2d", {
        "kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": mode
    }  # fmt: skip


@st.composite
def pads(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Explicit padding, which may crop."""
    side = st.one_of(st.integers(-2, 2), marks(-1, 0, 1, 2))
    return "ZeroPad2d", {"padding": draw(st.one_of(side, st.lists(side, min_size=4, max_size=4)))}


CONSTRAINTS = (
    Constraint("l0.out[1] % 2 == 0", lambda _, shapes: shapes["l0"][1] % 2 == 0),
    Constraint("l0.out[1] <= l0.out[2] + 1", lambda _, shapes: shapes["l0"][1] <= shapes["l0"][2] + 1),
    Constraint("l0.out[1] // 2 * 2 < input[2]", lambda _, shapes: shapes["l0"][1] // 2 * 2 < shapes["input"][2]),
    Constraint(
        "not (abs(l0.out[1] - 5) == 1 or max(l0.out[2], 3) == 4)",
        lambda _, shapes: not (abs(shapes["l0"][1] - 5) == 1 or max(shapes["l0"][2], 3) == 4),
    ),
)


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """A chain; most have an answer, since what is stated is taken from one of their assignments."""
    size = draw(st.tuples(st.integers(3, 9), st.integers(3, 9)))
    kinds = st.one_of(convolutions(), convolutions(), pools(), pads())
    layers = tuple(draw(st.lists(kinds, min_size=1, max_size=3)))
    constraints = tuple(draw(st.lists(st.sampled_from(CONSTRAINTS), max_size=1)))
    bare = Chain(size, layers, constraints=constraints)
    rows = list(bare.rows())
    assume(rows)
    shapes = [bare.shapes(row) for row in rows]
    known = [found[f"l{len(layers) - 1}"] for found in shapes if found is not None]
    if not known:
        return bare
    target = draw(st.sampled_from(known))
    if draw(st.booleans()):
        return Chain(size, layers, None, prod(target), constraints)
    height = draw(st.sampled_from([target[1], target[1], Mark(), Mark("", (target[1], target[1] + 1)), target[1] + 1]))
    stated = draw(st.sampled_from([(target[0], height, target[2]), (height, target[2]), (height, Mark())]))
    return Chain(size, layers, stated, None, constraints)
