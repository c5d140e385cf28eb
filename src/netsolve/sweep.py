"""One network with some of its numbers varied: what is varied, the product of it, and a row for each."""

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from math import prod
from typing import Any

from netsolve.answer import Preference
from netsolve.batch import Limits, perform
from netsolve.domain import Unknown
from netsolve.errors import DocumentError, NetsolveError, UsageError
from netsolve.frozen import Frozen
from netsolve.network import Network
from netsolve.ops.arguments import show
from netsolve.posing import pose
from netsolve.queries import check, solve
from netsolve.words import nearest

NONE = "no values fit together"
MOST_ROWS = 100_000
INLINE = 4
"""So few rows are worked out in this process: starting others would take longer."""

_RANGE = re.compile(r"(-?\d{1,10})\.\.(-?\d{1,10})(?::(\d{1,10}))?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_SHAPE = re.compile(r"\d{1,10}(x\d{1,10})+", re.ASCII)
_ENTRY = re.compile(r"(.+)\[(\d{1,3})\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Vary:
    """A number to be varied: its key, and the values it takes in turn."""

    key: str
    values: tuple[Any, ...]

    @classmethod
    def parse(cls, text: str) -> "Vary":
        """What the command line writes as KEY=VALUES, with VALUES such as 3,5,7 or 64..512:32 or true,false.

        Raises UsageError.
        """
        key, equals, values = (part.strip() for part in text.partition("="))
        if not key or not equals or not values:
            msg = f"{show(text)} is not KEY=VALUES, such as input=64..512:32 or conv2d_1.kernel_size=3,5,7"
            raise UsageError(msg)
        found: list[Any] = []
        for item in values.split(","):
            found += _values(item.strip(), text, MOST_ROWS - len(found))
        return cls(key, tuple(dict.fromkeys(found)))


def _values(item: str, text: str, most: int) -> Iterable[Any]:
    """The values of one item. Raises UsageError."""
    if match := _RANGE.fullmatch(item):
        low, high, step = int(match[1]), int(match[2]), int(match[3] or 1)
        if low > high or step < 1:
            msg = f"the range {item} is empty: it goes from the smaller to the larger number, with a step of at least 1"
            raise UsageError(msg)
        if (high - low) // step >= most:
            msg = f"{show(text)} has more than {MOST_ROWS:,} values"
            raise UsageError(msg)
        return range(low, high + 1, step)
    if _INTEGER.fullmatch(item):
        return [int(item)]
    if _SHAPE.fullmatch(item):
        return [tuple(map(int, item.split("x")))]
    if not item or ".." in item:
        msg = f"{show(item)} in {show(text)} is no value: such as 3,5,7 or 64..512:32 or 224x320"
        raise UsageError(msg)
    return [item == "true" if item in {"true", "false"} else item]


@dataclass(frozen=True)
class Row:
    """What comes of one choice of the varied numbers.

    varied: the choice, by key as it was written; status, count, probability: of the answer; reason: why nothing fits,
    or is not known, or cannot be a network; outputs: the shapes of the network's results; values: of its question
    marks; parameters: learned numbers in all, None where nothing fits.
    """

    varied: Mapping[str, Any]
    status: str
    count: int | None = None
    probability: float | None = None
    reason: str = ""
    outputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None

    def __post_init__(self) -> None:
        """Let nothing change the results."""
        for name in ("varied", "outputs", "values"):
            object.__setattr__(self, name, Frozen(getattr(self, name)))


def choices(network: Network, varies: Iterable[Vary]) -> Iterator[tuple[dict[str, Any], Network]]:
    """Every combination of values, with the network that has them.

    Raises UsageError, before the first, for a key or value that cannot stand there, and for too many rows.
    """
    listed = list(varies)
    if not listed or len({vary.key for vary in listed}) < len(listed):
        msg = "nothing is varied" if not listed else "a key is varied twice: give all its values at once"
        raise UsageError(msg)
    if (rows := prod(len(vary.values) for vary in listed)) > MOST_ROWS:
        msg = f"{rows:,} rows: at most {MOST_ROWS:,}"
        raise UsageError(msg)
    for vary in listed:
        for value in vary.values:
            try:
                changed(network, {vary.key: value})
            except DocumentError as error:
                msg = f"{vary.key} = {_shown(value)}: {error}"
                raise UsageError(msg) from None
    rows_of = product(*(vary.values for vary in listed))
    each = (dict(zip((vary.key for vary in listed), row, strict=True)) for row in rows_of)
    return ((choice, changed(network, choice)) for choice in each)


def changed(network: Network, choice: Mapping[str, Any]) -> Network:
    """The network with other numbers, by key. Raises DocumentError or UsageError."""
    shapes = {name: list(shape) for name, shape in network.inputs.items()}
    values: dict[str, Any] = {}
    for key, value in choice.items():
        entry = _ENTRY.fullmatch(key)
        owner = entry[1] if entry else key
        if owner in shapes:
            _reshape(shapes[owner], key, int(entry[2]) if entry else None, value)
            values[owner] = tuple(shapes[owner])
        else:
            values |= dict.fromkeys(_keys(network, key), value)
    return network.with_values(values)


def _reshape(shape: list[Any], key: str, entry: int | None, value: Any) -> None:
    """Change one size of an input, or all that are spatial. Raises UsageError."""
    spatial = range(1, len(shape)) if len(shape) > 1 else range(1)
    axes = list(spatial) if entry is None else [entry]
    sizes = value if isinstance(value, tuple) else (value,) * len(axes)
    if entry is not None and entry >= len(shape):
        msg = f"{key}: the input has {len(shape)} sizes"
        raise UsageError(msg)
    if len(sizes) != len(axes):
        msg = f"{key} has {len(axes)} sizes to be varied, and {_shown(value)} are {len(sizes)}"
        raise UsageError(msg)
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size


def _keys(network: Network, key: str) -> list[str]:
    """What a key stands for: its argument, those a pattern fits, or where a named unknown stands. Raises UsageError."""
    arguments = {f"{layer.name}.{name}": layer for layer in network.layers for name in layer.op.arguments}
    entry = _ENTRY.fullmatch(key)
    plain, rest = (entry[1], f"[{entry[2]}]") if entry else (key, "")
    if "*" in plain:
        found = [f"{name}{rest}" for name in arguments if fnmatchcase(name, plain)]
    elif plain in arguments:
        found = [key]
    else:
        found = [place for place, name in _named(network) if name == key][:1]
    if not found:
        known = {*arguments, *network.inputs, *(name for _, name in _named(network))}
        near = nearest(key, known)
        remedy = near if near.startswith("did") else "it is LAYER.ARGUMENT, input, or a named unknown"
        msg = f"{show(key)} is nothing that can be varied: {remedy}"
        raise UsageError(msg)
    return found


def _named(network: Network) -> Iterator[tuple[str, str]]:
    """Where named unknowns stand."""
    for name, shape in network.inputs.items():
        for place, size in enumerate(shape):
            if isinstance(size, Unknown) and size.name:
                yield f"{name}[{place}]", size.name
    for layer in network.layers:
        for argument in layer.op.arguments:
            value = getattr(layer.op, argument)
            entries = enumerate(value) if isinstance(value, tuple) else [(None, value)]
            for index, entry in entries:
                if isinstance(entry, Unknown) and entry.name:
                    key = f"{layer.name}.{argument}"
                    yield (key if index is None else f"{key}[{index}]"), entry.name


def questions(network: Network, varies: Iterable[Vary]) -> tuple[str, ...]:
    """The question marks that every row answers, by key. Raises UsageError as `choices` does."""
    _, first = next(choices(network, varies))
    try:
        return tuple(question.key for question in pose(first).questions)
    except NetsolveError:
        return ()


def sweep(
    network: Network,
    varies: Iterable[Vary],
    *,
    executor: Executor | None = None,
    limits: Limits = (None, 60.0, None),
    prefer: Preference = "habits",
) -> Iterator[Row]:
    """A row for each combination of the varied numbers, in their order: the last one changes fastest.

    executor, limits: as for solve_many. Raises UsageError, before the first row, for what cannot be varied like this.
    """
    listed = list(varies)
    pairs = choices(network, listed)
    if executor is None and prod(len(vary.values) for vary in listed) <= INLINE:
        return (_row(pair, limits[1], prefer) for pair in pairs)
    return _ordered(partial(_row, timeout=limits[1], prefer=prefer), pairs, executor, limits)


def _ordered(
    work: "partial[Row]", pairs: Iterator[tuple[dict[str, Any], Network]], executor: Executor | None, limits: Limits
) -> Iterator[Row]:
    """Rows as they are done, put in order."""
    choices_: dict[int, dict[str, Any]] = {}
    early: dict[int, Row] = {}
    turn = 0

    def tasks() -> Iterator[tuple[dict[str, Any], Network]]:
        for index, pair in enumerate(pairs):
            choices_[index] = pair[0]
            yield pair

    for done in perform(work, tasks(), executor, limits):
        choice = choices_.pop(done.index)
        early[done.index] = done.value or Row(choice, "unknown", reason=str(done.error))
        while turn in early:
            yield early.pop(turn)
            turn += 1


def _row(pair: tuple[dict[str, Any], Network], timeout: float | None, prefer: Preference) -> Row:
    """One row."""
    choice, network = pair
    try:
        answer = solve(network, timeout=timeout, prefer=prefer)
    except NetsolveError as error:
        return Row(choice, "error", reason=str(error))
    best = answer.best
    if best is None:
        return Row(choice, answer.status, answer.count, reason=answer.reason or answer.hint or NONE)
    outputs = {name: best.shapes[name] for name in network.results}
    try:
        parameters = check(best.network).parameters
    except NetsolveError:
        parameters = None
    return Row(choice, answer.status, answer.count, best.probability, "", outputs, best.values, parameters)


def _shown(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else show(value)
