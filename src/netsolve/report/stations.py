"""Where the layers of a drawing stand: what keeps a shape is drawn with the layer before it, branches side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from netsolve.ops import OPERATORS
from netsolve.ops.pointwise import Pointwise
from netsolve.report.rows import Row

KINDS = {
    "ConvTranspose": "up", "Upsampl": "up", "PixelShuffle": "up", "MaxUnpool": "up", "Conv": "conv",
    "Pool": "pool", "Pad": "pad", "Crop": "pad", "Linear": "dense",
    "add": "join", "cat": "join", "mul": "join", "maximum": "join",
}  # fmt: skip
"""Kinds of layers that are told apart, by a part of their names; the first that fits."""


MOST_LANES = 60


class TooWideError(Exception):
    """More branches side by side than can be drawn."""


@dataclass(frozen=True, slots=True)
class Station:
    """What is drawn as one: a layer, and those behind it that keep its shape.

    feeds: the places of the stations that feed it; level, lane: where it stands, from the top and from the left.
    """

    rows: tuple[Row, ...]
    feeds: tuple[int, ...]
    level: int
    lane: int

    @property
    def head(self) -> Row:
        """The layer it is named after."""
        return self.rows[0]

    @property
    def kind(self) -> str:
        """What the first of its layers does."""
        op = self.head.op
        return next((kind for part, kind in KINDS.items() if part in op), "other") if op else "input"


@dataclass
class _Lanes:
    """Which levels of which lanes are taken."""

    taken: list[set[int]] = field(default_factory=list)

    def free(self, lane: int, first: int, last: int) -> bool:
        return lane >= len(self.taken) or self.taken[lane].isdisjoint(range(first, last + 1))

    def take(self, lane: int, first: int, last: int) -> None:
        while lane >= len(self.taken):
            self.taken.append(set())
        self.taken[lane].update(range(first, last + 1))


def stations_of(rows: Sequence[Row], apart: frozenset[str] = frozenset()) -> tuple[Station, ...]:
    """The stations of a network, each below what feeds it; layers named in `apart` begin one of their own.

    Raises TooWideError.
    """
    groups, owners = _groups(rows, apart)
    lanes = _Lanes()
    placed: list[Station] = []
    for group in groups:
        feeds = tuple(dict.fromkeys(owners[name] for name in group[0].feeds))
        level = 1 + max((placed[feed].level for feed in feeds), default=-1)
        lane, start = _lane(lanes, [placed[feed] for feed in feeds], level)
        lanes.take(lane, start, level)
        placed.append(Station(tuple(group), feeds, level, lane))
    return tuple(placed)


def _groups(rows: Sequence[Row], apart: frozenset[str]) -> tuple[list[list[Row]], dict[str, int]]:
    """The rows of each station, and the station of each row."""
    fed: dict[str, int] = {}
    for row in rows:
        for name in row.feeds:
            fed[name] = fed.get(name, 0) + 1
    groups: list[list[Row]] = []
    owners: dict[str, int] = {}
    for row in rows:
        above = groups[-1][-1] if groups else None
        joins = above is not None and above.op and row.feeds == (above.name,) and fed[above.name] == 1
        if joins and keeps(row) and row.name not in apart:
            groups[-1].append(row)
        else:
            groups.append([row])
        owners[row.name] = len(groups) - 1
    return groups, owners


def keeps(row: Row) -> bool:
    """Whether a layer keeps the shape of its input, and nothing in it was asked for."""
    return bool(row.op) and issubclass(OPERATORS[row.op], Pointwise) and not row.others


def _lane(lanes: _Lanes, feeds: Sequence[Station], level: int) -> tuple[int, int]:
    """The lane of a new station, and from which level on it takes it: that of what feeds it, or the first free one."""
    for feed in sorted(feeds, key=lambda station: station.lane):
        if lanes.free(feed.lane, feed.level + 1, level):
            return feed.lane, feed.level + 1
    start = 1 + min((feed.level for feed in feeds), default=level - 1)
    free = (lane for lane in range(len(lanes.taken) + 1) if lanes.free(lane, start, level))
    if (lane := next(free)) >= MOST_LANES:
        raise TooWideError
    return lane, start
