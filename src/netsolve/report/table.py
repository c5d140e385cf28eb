"""The table of a network as lines of text: a tree of blocks, columns that line up, and a width that is kept."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from netsolve.report.rows import COLUMNS, Cell, Row, before_text, size_text
from netsolve.report.tree import Alike, Block, Part, folded, line_count, path_of, title_of, tree_of

GAP = 2
LEAST_TITLE = 10
"""Names of layers are not cut shorter than this."""
TALL = 60
"""Tables of more lines are folded where that is allowed."""

Span = tuple[str, str]
"""Text and its style: "head", "rule", "guide", "block", "found", "note" or none."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What lines are drawn with."""

    rule: str = "─"
    arrow: str = "→"
    tee: str = "├ "
    corner: str = "└ "
    bar: str = "│ "
    more: str = "┆ "
    dots: str = "…"


UNICODE = Signs()
PLAIN = Signs("-", "->", "|-", "`-", "| ", ": ", "..")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: guides of the tree, a title, cells, and notes; `below` are the guides of what continues it."""

    guide: str
    title: str
    cells: tuple[Cell, ...] = ()
    notes: tuple[Cell, ...] = ()
    below: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns there are.

    marked: those with found values; titles, widths: of each; name: the width of names; wrapped: whether notes stand on
    lines of their own.
    """

    columns: tuple[int, ...]
    marked: frozenset[int]
    titles: tuple[str, ...]
    widths: tuple[int, ...]
    name: int
    wrapped: bool = False


TITLES = (*COLUMNS, "in", "", "out", "parameters")
SHORT = ("k", "s", "p", "in", "", "out", "parameters")
NUMBERS, IN, ARROW, OUT, PARAMETERS = (0, 1, 2), 3, 4, 5, 6


def table(
    rows: Sequence[Row], width: int | None = None, signs: Signs = UNICODE, *, fold: bool = False
) -> tuple[list[list[Span]], bool]:
    """The lines of a table, and whether any are folded.

    width: signs in a line; None for as many as are needed: names are then whole, and each line stands for itself.
    """
    parts: tuple[Part, ...] = tuple(rows) if width is None else tree_of(rows)
    short = fold and line_count(parts) > TALL
    if short:
        before, parts = line_count(parts), folded(parts)
        short = line_count(parts) < before
    lines = list(_lines(parts, signs, whole=width is None))
    plan = _plan(lines, width)
    rule = (signs.rule * min(_width(plan, lines), width or _width(plan, lines)), "rule")
    shown = [_head(plan), [rule], *(spans for line in lines for spans in _spans(line, plan, width, signs))]
    return shown, short


def _lines(parts: Sequence[Part], signs: Signs, guide: str = "", *, whole: bool, top: bool = True) -> Iterator[Line]:
    """The lines of a tree, in order."""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        here = "" if top else guide + (signs.corner if last else signs.tee)
        below = "" if top else guide + ("  " if last else signs.bar)
        if isinstance(part, Block):
            yield Line(here, part.title)
            yield from _lines(part.parts, signs, below, whole=whole, top=False)
        elif isinstance(part, Alike):
            yield Line(guide + signs.more, _alike(part, signs))
        else:
            yield _row(part, here, below, signs, whole=whole)


def _alike(part: Alike, signs: Signs) -> str:
    what = "like it" if part.period == 1 else f"like these {part.period}"
    return f"{part.times} more {what}: {part.first}" + (f" {signs.dots} {part.last}" if part.last != part.first else "")


def _row(row: Row, guide: str, below: str, signs: Signs, *, whole: bool) -> Line:
    notes = [Cell(f"{argument} = {value.text}", value.found) for argument, value in row.others]
    if row.branches:
        notes.append(Cell(f"from {', '.join(row.feeds if whole else near(row))}"))
    parameters = Cell(f"{row.parameters:,}" if row.parameters else "")
    arrow = Cell(signs.arrow if row.op else "")
    cells = (*row.cells, Cell(before_text(row)), arrow, Cell(size_text(row.after), row.found), parameters)
    return Line(guide, row.name if whole else title_of(row), cells, tuple(notes), below)


def near(row: Row) -> tuple[str, ...]:
    """The names of what feeds a row; without its own block's name where they stand in it."""
    path = path_of(row.name)
    block = row.name[: -len(path[-1])]
    return tuple(name.removeprefix(block) if block else name for name in row.feeds)


def _plan(lines: Sequence[Line], width: int | None) -> Plan:
    """The first of ever narrower plans that keeps the width; names are cut where none does."""
    rows = [line for line in lines if line.cells]
    name = max(len("layer"), *(len(line.guide) + len(line.title) for line in rows))
    columns = tuple(c for c in range(len(TITLES)) if any(line.cells[c].text for line in rows))
    plans = [
        _measured(rows, kept, titles, name, wrapped=wrapped)
        for kept, titles, wrapped in (
            (columns, TITLES, False),
            (columns, TITLES, True),
            (_without(columns, {PARAMETERS}), TITLES, True),
            (_without(columns, {PARAMETERS, IN, ARROW}), TITLES, True),
            (_without(columns, {PARAMETERS, IN, ARROW}), SHORT, True),
        )
    ]
    if width is None:
        return plans[0]
    fitting = (plan for plan in plans if _width(plan, () if plan.wrapped else rows) <= width)
    narrow = plans[-1]
    over = _width(narrow, ()) - width
    return next(fitting, replace(narrow, name=max(LEAST_TITLE, narrow.name - over)))


def _without(columns: tuple[int, ...], left_out: set[int]) -> tuple[int, ...]:
    return tuple(column for column in columns if column not in left_out)


def _measured(
    rows: Sequence[Line], columns: tuple[int, ...], titles: tuple[str, ...], name: int, *, wrapped: bool
) -> Plan:
    """A plan with the width that each column needs; marks stand in a place of their own."""
    marked = frozenset(column for column in columns if any(row.cells[column].found for row in rows))
    widths = tuple(
        max(len(titles[column]), *(len(row.cells[column].text) + 2 * (column in marked) for row in rows))
        for column in columns
    )
    return Plan(columns, marked, tuple(titles[c] for c in columns), widths, name, wrapped)


def _width(plan: Plan, lines: Iterable[Line]) -> int:
    """The width of a table: names, columns, and the notes where they stand behind."""
    notes = max((len(_noted(line.notes)) for line in lines if line.notes and not plan.wrapped), default=0)
    columns = sum(_gap(plan, column) + width for column, width in zip(plan.columns, plan.widths, strict=True))
    return plan.name + columns + (notes + GAP if notes else 0)


def _gap(plan: Plan, column: int) -> int:
    """The space before a column: the arrow and what it points at stand close."""
    return 1 if column in {ARROW, OUT} and ARROW in plan.columns else GAP


def _noted(notes: Sequence[Cell]) -> str:
    return "; ".join(map(str, notes))


def _head(plan: Plan) -> list[Span]:
    text = "layer".ljust(plan.name)
    for column, title, width in zip(plan.columns, plan.titles, plan.widths, strict=True):
        text += " " * _gap(plan, column) + _placed(title, column, width)
    return [(text.rstrip(), "head")]


def _placed(text: str, column: int, width: int) -> str:
    return text.ljust(width) if column == OUT else text.rjust(width)


def _spans(line: Line, plan: Plan, width: int | None, signs: Signs) -> Iterator[list[Span]]:
    """A line as it is shown, and the lines that continue it."""
    if not line.cells:
        room = (width or len(line.guide + line.title)) - len(line.guide)
        yield [(line.guide, "guide"), (_cut(line.title, room, signs), "block")]
        return
    title = _cut(line.title, plan.name - len(line.guide), signs)
    spans = [(line.guide, "guide"), (title.ljust(plan.name - len(line.guide)), "")]
    for column, room in zip(plan.columns, plan.widths, strict=True):
        cell = line.cells[column]
        pad = "  " if column in plan.marked and not cell.found else ""
        spans += [
            (" " * _gap(plan, column), ""),
            (_placed(f"{cell}{pad}", column, room), "found" if cell.found else ""),
        ]
    inline = [] if plan.wrapped else list(_note_spans(line.notes))
    yield _stripped([*spans, (" " * GAP, ""), *inline])
    if plan.wrapped and line.notes:
        room = max((width or 0) - len(line.below) - GAP, LEAST_TITLE)
        for text in textwrap.wrap(_noted(line.notes), room, subsequent_indent="  "):
            yield [(line.below, "guide"), (" " * GAP, ""), (text, "note")]


def _note_spans(notes: Sequence[Cell]) -> Iterator[Span]:
    for index, note in enumerate(notes):
        yield ("; " if index else "", "note")
        yield (str(note), "found" if note.found else "note")


def _cut(text: str, room: int, signs: Signs) -> str:
    """A text that is no longer than there is room, its middle left out."""
    if len(text) <= room:
        return text
    left = max(room - len(signs.dots), 2)
    return text[: (left + 1) // 2] + signs.dots + text[len(text) - left // 2 :]


def _stripped(spans: list[Span]) -> list[Span]:
    """Spans without space at the end of the line."""
    kept = list(spans)
    while kept and not kept[-1][0].strip():
        kept.pop()
    return [*kept[:-1], (kept[-1][0].rstrip(), kept[-1][1])] if kept else []
