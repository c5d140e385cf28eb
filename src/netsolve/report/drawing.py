"""A network drawn: every layer as wide as its sizes, narrowing and widening from the top to the bottom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt

from netsolve.report.markup import Markup, joined, tag
from netsolve.report.rows import Row, Shape, size_text
from netsolve.report.stations import Station, TooWideError, keeps, stations_of
from netsolve.report.tree import path_of

PITCH, HEIGHT = 50, 34
WIDTHS = (300, 200, 130)
"""How wide the largest shape is drawn where there are one, two or more lanes."""
THINNEST = 10
LETTER = 7.5
"""The mean width of a letter in a label, with some room to spare."""
STRIP = 20
"""Room for the names of blocks, which stand upright at their right edges."""
SAID = 400
"""Room beside the drawing for what does not fit."""
MARGIN, TRACK, RADIUS = 26, 11, 7
MOST_ROWS, MOST_EDGES, MOST_TRACKS = 10_000, 1_500, 500
"""Layers, edges, and edges that go around others, of what is drawn at all."""
LONGEST = 27
"""Signs of a label; the rest is in the layer's title."""
ABBREVIATED = {"BatchNorm": "BN", "InstanceNorm": "IN", "LayerNorm": "LN", "GroupNorm": "GN"}


@dataclass(frozen=True)
class Frame:
    """What a drawing is measured by.

    left: where the first lane begins; widest: how wide the largest shape is; largest: its mean size; label: the room
    for the longest label; gutter: the room for tracks left of each further lane; tracks: of edges that go around.
    """

    stations: tuple[Station, ...]
    left: float
    widest: float
    largest: float
    label: float
    gutter: float
    tracks: Mapping[tuple[int, int], int]

    @property
    def lane(self) -> float:
        """The width of a lane: shapes, and the labels beside them."""
        return self.widest + self.label + STRIP + self.gutter

    def middle(self, station: Station) -> float:
        """The middle of the shapes in a station's lane."""
        return self.left + station.lane * self.lane + self.widest / 2

    def top(self, station: Station) -> float:
        """The upper edge of a station."""
        return MARGIN + station.level * PITCH

    def breadth(self, shape: Shape) -> float:
        """How wide a shape is drawn: by the root of its mean size."""
        return THINNEST + (self.widest - THINNEST) * sqrt(extent(shape) / self.largest)


def extent(shape: Shape) -> float:
    """The mean size of a shape's spatial axes; 1 where it has none or where they are not known."""
    sizes = shape[1:]
    known = [size for size in sizes if size is not None]
    return float(prod(known)) ** (1 / len(known)) if known and len(known) == len(sizes) else 1.0


def drawing(rows: Sequence[Row], reasons: Mapping[str, str], title: str) -> Markup | None:
    """A network as SVG; None where it has too many layers to draw. reasons: what does not fit, by layer."""
    frame = framed(rows, frozenset(reasons))
    if frame is None:
        return None
    lanes = 1 + max(station.lane for station in frame.stations)
    levels = 1 + max(station.level for station in frame.stations)
    width, height = frame.left + lanes * frame.lane + SAID * bool(reasons), 2 * MARGIN + levels * PITCH
    return tag(
        "svg",
        tag("title", f"{title}: {len(rows)} inputs and layers from the top to the bottom, as wide as their sizes"),
        *_blocks(frame),
        *_edges(frame),
        *(_station(frame, place, reasons) for place in range(len(frame.stations))),
        xmlns="http://www.w3.org/2000/svg",
        class_="net",
        role="img",
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
    )


def framed(rows: Sequence[Row], apart: frozenset[str] = frozenset()) -> Frame | None:
    """Everything in its place; None where that is too much to draw."""
    edges = sum(len(row.feeds) for row in rows if row.branches or not keeps(row))
    if len(rows) > MOST_ROWS or edges > MOST_EDGES:
        return None
    try:
        stations = stations_of(rows, apart)
    except TooWideError:
        return None
    tracks = _tracks(stations)
    if tracks is None:
        return None
    beside = [0, 0]
    for (_, place), track in tracks.items():
        further = stations[place].lane > 0
        beside[further] = max(beside[further], TRACK * (track + 1) + MARGIN)
    left, gutter = MARGIN + beside[0], beside[1]
    widest = WIDTHS[min(max(station.lane for station in stations), len(WIDTHS) - 1)]
    label = LETTER * max(map(_length, stations)) + 14
    return Frame(stations, left, widest, max(extent(row.after) for row in rows), label, gutter, tracks)


def _length(station: Station) -> int:
    """How many letters the longer line of a label has."""
    said = sum(1 + len(words) for words, _ in arguments(station.head))
    return max(len(_name(station.head)) + said, len(size_text(station.head.after)) + len(_followers(station)) + 2)


def _name(row: Row) -> str:
    """A layer's name within its outermost block, its beginning left out where it is long."""
    name = ".".join(path_of(row.name)[1:]) or row.name
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"


def _followers(station: Station) -> str:
    """The layers that keep the shape, in few signs."""
    return cut(", ".join(short(row.op) for row in station.rows[1:]), LONGEST)


def anchors(frame: Frame) -> dict[str, str]:
    """The id of the station that each layer is drawn in."""
    return {row.name: f"s{place}" for place, station in enumerate(frame.stations) for row in station.rows}


def slots(frame: Frame) -> dict[str, str]:
    """What changes with the values: the text of each slot of a drawing, by its id."""
    found: dict[str, str] = {}
    for place, station in enumerate(frame.stations):
        found[f"z{place}"] = size_text(station.head.after)
        found[f"t{place}"] = outline(frame, station)
        found |= {f"a{place}-{i}": words for i, (words, _) in enumerate(arguments(station.head))}
    return found


def arguments(row: Row) -> list[tuple[str, bool]]:
    """The arguments of a layer in few signs, and which of them were found."""
    words = [
        (f"{letter}{cell.text.replace(', ', 'x')}{'*' * cell.found}", cell.found)
        for letter, cell in zip("ksp", row.cells, strict=True)
        if cell.text
    ]
    return words + [(f"{argument} {cell}", cell.found) for argument, cell in row.others]


def outline(frame: Frame, station: Station) -> str:
    """The corners of a station: as wide at its top as what it takes, at its bottom as what it gives."""
    row, middle, top = station.head, frame.middle(station), frame.top(station)
    after = frame.breadth(row.after) / 2
    before = max(map(frame.breadth, row.befores)) / 2 if row.befores else after
    corners = [(-before, 0), (before, 0), (after, HEIGHT), (-after, HEIGHT)]
    return " ".join(f"{middle + x:.1f},{top + y:g}" for x, y in corners)


def _station(frame: Frame, place: int, reasons: Mapping[str, str]) -> Markup:
    station = frame.stations[place]
    row, x, y = station.head, frame.middle(station) + frame.widest / 2 + 12, frame.top(station)
    reason = "; ".join(reasons[each.name] for each in station.rows if each.name in reasons)
    followers = _followers(station)
    said = cut(reason, 3 * LONGEST) if reason else f" · {followers}" if followers else ""
    words: list[object] = [tag("tspan", _name(row), class_="name")]
    for index, (argument, found) in enumerate(arguments(row)):
        words += [" ", tag("tspan", argument, id_=f"a{place}-{index}", class_="found" if found else None)]
    size = tag(
        "tspan", size_text(row.after) or "size not known", id_=f"z{place}", class_="found" if row.found else None
    )
    below = [tag("tspan", "⚠ ", said, class_="reason")] if reason else [size, said]
    return tag(
        "g",
        tag("title", *map(_full, station.rows), reason),
        tag("polygon", id_=f"t{place}", points=outline(frame, station)),
        tag("text", *words, x=f"{x:g}", y=f"{y + 14:g}"),
        tag("text", *below, x=f"{x:g}", y=f"{y + 29:g}", class_="size"),
        id_=f"s{place}",
        class_=f"station {station.kind}{' bad' if reason else ''}",
    )


def _full(row: Row) -> str:
    return f"{row.name} ({row.op or 'input'}): {size_text(row.after) or '?'}\n"


def short(op: str) -> str:
    """The name of an operator in few signs."""
    return next((brief for long, brief in ABBREVIATED.items() if op.startswith(long)), op)


def cut(text: str, longest: int) -> str:
    """A text of at most so many signs."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _blocks(frame: Frame) -> Iterator[Markup]:
    """A rectangle behind each outermost block, with its name."""
    boxes: dict[str, list[Station]] = {}
    for station in frame.stations:
        path = path_of(station.head.name)
        if len(path) > 1:
            boxes.setdefault(path[0], []).append(station)
    for name, inside in boxes.items():
        lanes = [station.lane for station in inside]
        levels = [station.level for station in inside]
        x, y = frame.left + min(lanes) * frame.lane - 8, MARGIN + min(levels) * PITCH - 7
        width = (max(lanes) - min(lanes) + 1) * frame.lane - 6 - frame.gutter
        height = (max(levels) - min(levels)) * PITCH + HEIGHT + 14
        yield tag("rect", class_="block", x=f"{x:g}", y=f"{y:g}", width=f"{width:g}", height=f"{height:g}", rx=8)
        place = f"translate({x + width - 14:g} {y + 7:g}) rotate(90)"
        yield tag("text", cut(name, int((height - 12) / LETTER)), tag("title", name), class_="block", transform=place)


def _tracks(stations: Sequence[Station]) -> dict[tuple[int, int], int] | None:
    """The edges that others stand in the way of, each with a track left of its end's lane; None of too many."""
    standing = {(station.lane, station.level) for station in stations}
    blocked = []
    for place, station in enumerate(stations):
        for feed in station.feeds:
            start = stations[feed]
            between = range(start.level + 1, station.level)
            if any((start.lane, level) in standing for level in between):
                blocked.append((station.level - start.level, start.level, station.level, station.lane, feed, place))
    if len(blocked) > MOST_TRACKS:
        return None
    tracks: dict[int, list[list[tuple[int, int]]]] = {}
    found = {}
    for _, first, last, lane, feed, place in sorted(blocked):
        beside = tracks.setdefault(lane, [])
        free = (i for i, spans in enumerate(beside) if all(b <= first or last <= a for a, b in spans))
        track = next(free, len(beside))
        if track == len(beside):
            beside.append([])
        beside[track].append((first, last))
        found[feed, place] = track
    return found


def _edges(frame: Frame) -> Iterator[Markup]:
    """A line from each station to those it feeds."""
    for place, station in enumerate(frame.stations):
        for feed in station.feeds:
            track = frame.tracks.get((feed, place))
            start = frame.stations[feed]
            route = _direct(frame, start, station) if track is None else _around(frame, start, station, track)
            yield tag("path", d=route, class_="edge" if track is None else "edge skip")


def _direct(frame: Frame, start: Station, end: Station) -> str:
    """Down the lane, and across just above the end."""
    x, y = frame.middle(start), frame.top(start) + HEIGHT
    to, down = frame.middle(end), frame.top(end)
    if x == to:
        return f"M{x:g} {y:g}V{down:g}"
    turn, bend = down - (PITCH - HEIGHT) / 2, RADIUS if to > x else -RADIUS
    return (
        f"M{x:g} {y:g}V{turn - RADIUS:g}Q{x:g} {turn:g} {x + bend:g} {turn:g}"
        f"H{to - bend:g}Q{to:g} {turn:g} {to:g} {turn + RADIUS:g}V{down:g}"
    )


def _around(frame: Frame, start: Station, end: Station, track: int) -> str:
    """Out to a track left of the end's lane, down, and in from the left; from another lane below the start's label."""
    y, down = frame.top(start) + HEIGHT - 6, frame.top(end) + 6
    to = frame.middle(end) - max(map(frame.breadth, end.head.befores)) / 2
    side = frame.left + end.lane * frame.lane - MARGIN - TRACK * track
    if start.lane == end.lane:
        begin = f"M{frame.middle(start) - frame.breadth(start.head.after) / 2:g} {y:g}"
        bend = RADIUS
    else:
        y = frame.top(start) + (HEIGHT + PITCH) / 2
        begin = f"M{frame.middle(start):g} {frame.top(start) + HEIGHT:g}V{y:g}"
        bend = -RADIUS if side > frame.middle(start) else RADIUS
    return (
        f"{begin}H{side + bend:g}Q{side:g} {y:g} {side:g} {y + RADIUS:g}"
        f"V{down - RADIUS:g}Q{side:g} {down:g} {side + RADIUS:g} {down:g}H{to:g}"
    )


def standalone(picture: Markup, style: str) -> str:
    """A drawing as a file of its own."""
    head, _, rest = picture.partition(">")
    return joined([Markup(head + ">"), tag("style", Markup(style)), Markup(rest)]) + "\n"
