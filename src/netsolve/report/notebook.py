"""The table of a network in HTML, as notebooks show it and pages contain it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netsolve.report.assets import asset
from netsolve.report.markup import Markup, joined, tag
from netsolve.report.rows import COLUMNS, Cell, Row, before_text, rows_of, size_text
from netsolve.report.text import answer_lines

if TYPE_CHECKING:
    from netsolve.answer import Answer, Solution

MOST_ROWS = 5_000
TITLES = ("layer", *COLUMNS, "others", "in", "out", "parameters", "from")
LEFT = frozenset({0, 8})
"""Columns of names, which begin at their left edges."""


def answer_html(answer: "Answer") -> str:
    """An answer as a notebook shows it: the table of the best solution, and what is known about all."""
    lines = joined(tag("div", line) for line in answer_lines(answer))
    if answer.best is None:
        return framed(lines)
    return framed(joined([best_table(answer.best), lines]))


def solution_html(solution: "Solution") -> str:
    """A solution as a notebook shows it."""
    return framed(best_table(solution))


def framed(content: Markup) -> Markup:
    """Content with the style it needs."""
    return tag("div", tag("style", Markup(asset("table.css"))), content, class_="netsolve")


def best_table(solution: "Solution") -> Markup:
    """The table of a solution."""
    return html_table(rows_of(solution.network, solution.shapes, solution.values))


def html_table(rows: Sequence[Row]) -> Markup:
    """A row for each layer, found values marked; of more rows than a page can hold the first."""
    lines = [_cells(row) for row in rows[:MOST_ROWS]]
    columns = [i for i in range(len(TITLES)) if any(line[i] for line in lines)]
    head = tag("tr", *(tag("th", TITLES[i], scope="col", class_="left" if i in LEFT else None) for i in columns))
    body = joined(_line(place, line, columns) for place, line in enumerate(lines))
    more = len(rows) - len(lines)
    note = tag("p", f"{more:,} more rows are left out; the command line prints all.") if more else ""
    return joined([tag("table", tag("thead", head), tag("tbody", body)), note])


def table_slots(rows: Sequence[Row]) -> dict[str, str]:
    """What changes with the values: the text of each cell, by its id."""
    return {
        f"c{place}-{i}": _text(cell)
        for place, row in enumerate(rows[:MOST_ROWS])
        for i, cell in enumerate(_cells(row))
        if i and cell
    }


def _cells(row: Row) -> list[list[Cell]]:
    """What stands in each column: any number of values."""
    others = [Cell(f"{argument} = {cell.text}", cell.found) for argument, cell in row.others]
    feeds = Cell(", ".join(row.feeds) if row.branches else "")
    parameters = Cell(f"{row.parameters:,}" if row.parameters else "")
    single = (Cell(before_text(row)), Cell(size_text(row.after), row.found), parameters, feeds)
    columns = [[Cell(row.name)], *([cell] for cell in row.cells), others, *([cell] for cell in single)]
    return [[cell for cell in cells if cell.text] for cells in columns]


def _line(place: int, line: Sequence[Sequence[Cell]], columns: Sequence[int]) -> Markup:
    cells = []
    for i in columns:
        if i == 0:
            cells.append(tag("th", _text(line[i]), scope="row", class_="left"))
        else:
            found = "found" if any(cell.found for cell in line[i]) else "notes" if i in LEFT else None
            cells.append(tag("td", _text(line[i]), class_=found, id_=f"c{place}-{i}" if line[i] else None))
    return tag("tr", *cells)


def _text(cells: Sequence[Cell]) -> str:
    return ", ".join(map(str, cells))
