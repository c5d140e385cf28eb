"""Which sizes a network can reach, and what it makes of inputs of other sizes."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from netsolve.deadline import Deadline
from netsolve.domain import Domain, Unknown
from netsolve.engines.elimination import tables_of
from netsolve.engines.relations import TooLargeError
from netsolve.errors import UndecidedError, UsageError, torch_needed
from netsolve.network import Network
from netsolve.ops.base import NOT_EMPTY
from netsolve.pattern import Pattern, pattern_of
from netsolve.posing import pose, taken
from netsolve.problem import Factor, Problem, Variable
from netsolve.words import nearest

MOST_INPUTS = 100_000
"""How many input sizes are looked at."""

DEFAULT_INPUTS = 1024

AFFORDABLE = 2e9
"""How many multiplications a run on the CPU may take; a larger network is run on torch's meta device."""


@dataclass(frozen=True, slots=True)
class Block:
    """Inputs from `low` to `high`, both included, that give the same output shape."""

    low: int
    high: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Boundary:
    """One input size as predicted, and whether torch agrees (None: not run on the CPU); layer: where it is refused."""

    size: int
    accepted: bool
    agrees: bool | None
    layer: str = ""


@dataclass(frozen=True)
class Inputs:
    """What a network makes of inputs whose spatial sizes are all n, for every n from `low` to `high`.

    accepted: those with which it works; exact: those of them with which no floor loses a cell; blocks: which give which
    output, in order; boundaries: the cases at the edges, run in torch.
    """

    low: int
    high: int
    accepted: Pattern
    exact: Pattern
    blocks: tuple[Block, ...]
    boundaries: tuple[Boundary, ...] = ()

    @property
    def step(self) -> tuple[int, tuple[int, ...]] | None:
        """How many inputs more give how much more of each size, where that is always the same after the first block."""
        full = self.blocks[:-1] if len(self.blocks) > 3 else ()  # noqa: PLR2004 - the last may be cut off
        lengths = {block.high - block.low + 1 for block in full[1:]}
        rises = {tuple(b - a for a, b in zip(one.shape, two.shape, strict=True)) for one, two in pairwise(full)}
        joined = all(one.high + 1 == two.low for one, two in pairwise(full))
        return (lengths.pop(), rises.pop()) if len(lengths) == len(rises) == 1 and joined else None


@dataclass(frozen=True)
class Sizes:
    """The sizes that can be reached after a layer.

    at: the layer; shape: for each entry the values it can have, None where that has no end; exact: whether each of
    these is reached by some values of the question marks; inputs: what other inputs give, where all else is known.
    """

    network: Network = field(repr=False)
    at: str
    shape: tuple[Domain | None, ...]
    exact: bool = True
    inputs: Inputs | None = None


def sizes(
    network: Network,
    *,
    at: str | None = None,
    inputs: tuple[int, int] | None = None,
    run: bool = True,
    timeout: float | None = 60.0,
) -> Sizes:
    """Which sizes can be reached after a layer, and which inputs are accepted and give which output.

    at: the layer, or block for its last one, by default the last; what is stated of sizes there and behind it is left
    out. inputs: the first and the last input size to look at, all spatial axes alike; by default from 1 to 1,024 where
    nothing is unknown. Raises UsageError for a layer that is not there, DocumentError for what cannot be a network at
    all.
    """
    names = [layer.name for layer in taken(network).layers]
    at = at or network.results[-1]
    if not isinstance(at, str):
        msg = f"at is the name of a layer, not {at!r:.40}"
        raise UsageError(msg)
    at = network.blocks.get(at, at)
    if at not in names:
        near = nearest(at, names)
        msg = f"there is no layer {at[:60]}{f'; {near}' if near.startswith(('did', 'there')) else ''}"
        raise UsageError(msg)
    deadline = Deadline(timeout)
    shape, exact = reached(until(network, at), at, deadline)
    known = not pose(unstated(network), deadline=deadline).domains
    if inputs is not None and not known:
        msg = "which inputs are accepted is asked of networks without question marks: solve it first"
        raise UsageError(msg)
    several = len(network.inputs) > 1
    if inputs is not None and several:
        msg = f"which inputs are accepted is asked of networks with one input, and this one has {len(network.inputs)}"
        raise UsageError(msg)
    found = None
    if known and not several:
        given = max(int(size) for shape_ in network.inputs.values() for size in shape_ if isinstance(size, int))
        found = accepted(
            unstated(network), at, inputs or (1, min(max(DEFAULT_INPUTS, given), MOST_INPUTS)), deadline, run=run
        )
    return Sizes(network, at, shape, exact, found)


def until(network: Network, name: str) -> Network:
    """The part of a network that a layer needs, without what is stated of the size after it."""
    wanted = {name}
    for layer in reversed(network.layers):
        if layer.name in wanted:
            wanted.update(layer.inputs)
    layers = tuple(
        replace(layer, out=None) if layer.name == name else layer for layer in network.layers if layer.name in wanted
    )
    whole = len(layers) == len(network.layers)
    return replace(
        network,
        layers=layers,
        inputs={key: shape for key, shape in network.inputs.items() if key in wanted},
        output=None,
        outputs=(),
        constraints=network.constraints if whole else (),
    )


def unstated(network: Network) -> Network:
    """A network without stated sizes, which speak of the input that is written."""
    return replace(network, layers=tuple(replace(layer, out=None) for layer in network.layers), output=None)


def reached(network: Network, name: str, deadline: Deadline) -> tuple[tuple[Domain | None, ...], bool]:
    """The values of each size after a layer, and whether each is reached; empty where nothing fits."""
    problem = pose(network, deadline=deadline)
    shape = problem.shapes[name]
    if problem.violations:
        return tuple(Domain(()) for _ in shape), True
    try:
        tables = tables_of(problem, deadline) if problem.domains else None
        if problem.domains and tables is None:
            return tuple(Domain(()) for _ in shape), True
        values = {} if tables is None else tables.supports()
    except TooLargeError:
        domains = (problem.domains[v] if isinstance(v, Variable) else Domain.between(int(v), int(v)) for v in shape)
        return tuple(domain if domain.count is not None else None for domain in domains), False
    return tuple(
        Domain.of(values[v]) if isinstance(v, Variable) else Domain.between(int(v), int(v)) for v in shape
    ), True


def accepted(network: Network, at: str, span: tuple[int, int], deadline: Deadline, *, run: bool) -> Inputs:
    """Every input size from the first to the last of `span`, by plain integers."""
    if not (isinstance(span, tuple) and [*map(type, span)] == [int, int]):
        msg = f"inputs are a first and a last size, such as (32, 1024), not {span!r:.40}"
        raise UsageError(msg)
    low, high = span
    if not 1 <= low <= high or high - low >= MOST_INPUTS:
        msg = f"inputs are a first and a last size of at least 1, at most {MOST_INPUTS:,} in all, not {low}..{high}"
        raise UsageError(msg)
    moving = _Moving(network, at, deadline)
    works: list[int] = []
    whole: list[int] = []
    blocks: list[Block] = []
    for size in range(low, high + 1):
        if deadline.passed:
            msg = "the time limit is reached"
            raise UndecidedError(msg)
        values, broken = moving.through(size)
        if broken is not None:
            continue
        works.append(size)
        if moving.loses_nothing(values):
            whole.append(size)
        shape = moving.shape(values)
        if blocks and blocks[-1].high == size - 1 and blocks[-1].shape == shape:
            blocks[-1] = replace(blocks[-1], high=size)
        else:
            blocks.append(Block(size, size, shape))
    found = Inputs(low, high, pattern_of(works, low, high), pattern_of(whole, low, high), tuple(blocks))
    return replace(found, boundaries=tuple(filter(None, map(moving.run, edges(found))))) if run else found


def edges(found: Inputs) -> Iterator[int]:
    """The inputs at the edges: of the first two outputs, and the nearest that is refused."""
    cases = [size for block in found.blocks[:2] for size in (block.low, block.high)]
    refused = [size for block in found.blocks for size in (block.low - 1, block.high + 1) if size not in found.accepted]
    cases += [size for size in refused if found.low <= size <= found.high][:2]
    yield from sorted(set(cases))[:5]


class _Moving:
    """A known network whose input has spatial sizes that are all one number."""

    def __init__(self, network: Network, at: str, deadline: Deadline) -> None:
        self.network, self.at = network, at
        self.name, shape = next(iter(network.inputs.items()))
        unknown = Unknown(None, " n")
        self.entries = tuple(size if i == 0 and len(shape) > 1 else unknown for i, size in enumerate(shape))
        self.problem: Problem = pose(replace(network, inputs={self.name: self.entries}), deadline=deadline)
        self.variable = self.problem.unknowns[" n"]
        self.windows = [factor for factor in self.problem.factors if _floors(factor, network)]

    def through(self, size: int) -> tuple[dict[Variable, int], Factor | None]:
        """The values of all variables for one input size, and the first factor that does not hold."""
        values, broken = {self.variable: size}, None
        for factor in self.problem.factors:
            if factor.output is not None:
                values[factor.output] = int(factor.value(values))
            elif broken is None and not factor.holds(values):
                broken = factor
        return values, broken

    def loses_nothing(self, values: dict[Variable, int]) -> bool:
        """Whether every window reaches the last cell: with one cell less the size after it would be smaller."""
        return all(self.shorter(factor, values) < values[factor.output] for factor in self.windows if factor.output)

    def shorter(self, factor: Factor, values: dict[Variable, int]) -> int:
        """The size after a layer if its input had one cell less."""
        names = factor.formula.operands
        operands = [values[v] if isinstance(v, Variable) else v for v in factor.operands]
        return int(factor.formula(*(v - (name == "n") for name, v in zip(names, operands, strict=True))))

    def shape(self, values: dict[Variable, int]) -> tuple[int, ...]:
        """The shape at the end."""
        return tuple(values[v] if isinstance(v, Variable) else int(v) for v in self.problem.shapes[self.at])

    def run(self, size: int) -> Boundary | None:
        """What torch makes of one input size; None where it need not agree."""
        with torch_needed():
            from netsolve.verify import verify  # noqa: PLC0415 - torch takes seconds to import

        values, broken = self.through(size)
        if broken is not None and _policy(broken, self.network):
            return None
        entries = tuple(size if isinstance(entry, Unknown) else entry for entry in self.entries)
        shapes = {
            name: tuple(values[v] if isinstance(v, Variable) else int(v) for v in shape)
            for name, shape in self.problem.shapes.items()
        }
        found = verify(replace(self.network, inputs={self.name: entries}), shapes, most_work=AFFORDABLE)
        if broken is None:
            return Boundary(size, accepted=True, agrees=found.verified)
        stopped = found.mismatch is not None and found.mismatch.layer in {"", broken.label.layer}
        return Boundary(size, accepted=False, agrees=stopped, layer=broken.label.layer)


def _policy(factor: Factor, network: Network) -> bool:
    """Whether a rule is netsolve's own, where torch may go on."""
    layer = network.by_name.get(factor.label.layer)
    own = () if layer is None else (rule for rule in layer.op.rules if rule.policy)
    return factor.label.text in {NOT_EMPTY.text, *(rule.text for rule in own)}


def _floors(factor: Factor, network: Network) -> bool:
    """Whether a factor is the size after a window that a floor may keep from the last cells."""
    names: tuple[Any, ...] = factor.formula.operands
    if factor.output is None or not {"n", "kernel_size", "stride"} <= set(names) or "output_padding" in names:
        return False
    op = network.by_name[factor.label.layer].op
    return not getattr(op, "ceil_mode", False) and "Unpool" not in op.torch_name
