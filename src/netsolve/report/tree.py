"""Rows as a tree of blocks and repetitions, and runs that are alike folded into one line."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from netsolve.report.rows import Row

DEEPEST = 16
LONGEST_RUN = 12
"""How many parts that follow one another may repeat as one."""
WORTHWHILE = 3
"""Lines that folding has to save."""

_DOT = re.compile(r"\.(?!\d+(?:\.|$))")  # the number of a repetition stays with the name before it


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that share a part of their names. name: in full; title: the last part of it."""

    name: str
    title: str
    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """What is left out: `times` repetitions of the `period` parts above, from one part's title to another's."""

    times: int
    period: int
    first: str
    last: str


Part = Row | Block | Alike


def path_of(name: str) -> tuple[str, ...]:
    """The parts of a name: block by block, then the layer."""
    return tuple(_DOT.split(name, maxsplit=DEEPEST))


def title_of(part: Part) -> str:
    """What a part is called inside its block."""
    if isinstance(part, Alike):
        return part.first
    return part.title if isinstance(part, Block) else path_of(part.name)[-1]


def tree_of(rows: Sequence[Row], depth: int = 0) -> tuple[Part, ...]:
    """Rows grouped by the blocks in their names; rows keep their order."""
    parts: list[Part] = []

    def block_of(row: Row) -> tuple[str, ...] | None:
        path = path_of(row.name)
        return path[: depth + 1] if len(path) > depth + 1 else None

    for path, found in groupby(rows, key=block_of):
        if path is None:
            parts += found
        else:
            parts.append(Block(".".join(path), path[-1], tree_of(tuple(found), depth + 1)))
    return tuple(parts)


def line_count(parts: Iterable[Part]) -> int:
    """How many lines a tree takes."""
    return sum(1 + (line_count(part.parts) if isinstance(part, Block) else 0) for part in parts)


def folded(parts: Sequence[Part]) -> tuple[Part, ...]:
    """A tree in which parts that repeat what stands above them are counted instead of shown."""
    return _folded(parts, {})


def _folded(parts: Sequence[Part], numbers: dict[object, int]) -> tuple[Part, ...]:
    kinds = [_kind(part, numbers) for part in parts]
    lines = [line_count((part,)) for part in parts]
    shown: list[Part] = []
    start = 0
    while start < len(parts):
        period, times = _run(kinds, start)
        end = start + period * times
        if sum(lines[start + period : end]) - 1 < WORTHWHILE:
            period, times, end = 1, 1, start + 1
        shown += [_inside(part, numbers) for part in parts[start : start + period]]
        if times > 1:
            shown.append(Alike(times - 1, period, title_of(parts[start + period]), title_of(parts[end - 1])))
        start = end
    return tuple(shown)


def _inside(part: Part, numbers: dict[object, int]) -> Part:
    return Block(part.name, part.title, _folded(part.parts, numbers)) if isinstance(part, Block) else part


def _kind(part: Part, numbers: dict[object, int]) -> int:
    """A number that is equal for parts that differ in nothing but their names."""
    key: object = part
    if isinstance(part, Block):
        key = tuple(_kind(inner, numbers) for inner in part.parts)
    elif isinstance(part, Row):
        key = part.likeness
    return numbers.setdefault((type(part), key), len(numbers))


def _run(kinds: Sequence[int], start: int) -> tuple[int, int]:
    """The shortest period that covers most from `start` on, and how often it stands there."""
    best = (1, 1)
    for period in range(1, min(LONGEST_RUN, (len(kinds) - start) // 2) + 1):
        end = start + period
        while end < len(kinds) and kinds[end] == kinds[end - period]:
            end += 1
        times = (end - start) // period
        if times > 1 and period * times > best[0] * best[1]:
            best = (period, times)
    return best
