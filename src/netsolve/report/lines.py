"""Many problems: a line of JSON for each, and the rows of a sweep as a table or as CSV."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from typing import IO, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from netsolve.answer import Preference, Solution
from netsolve.batch import Document, Done
from netsolve.deadline import OVERTIME, Deadline
from netsolve.errors import (
    FAULT,
    DocumentError,
    FaultError,
    NetsolveError,
    OutOfMemoryError,
    OvertimeError,
    TorchError,
    UndecidedError,
    UsageError,
    WorkerError,
    printable,
)
from netsolve.queries import solve
from netsolve.report.json import SCHEMA_VERSION, header, line, solution_data
from netsolve.report.text import console
from netsolve.sweep import Row

Known = tuple[str, str | None]
"""What tells one problem from others: its file, and the digest of its bytes, None where it could not be read."""

KINDS: tuple[tuple[type[NetsolveError], str], ...] = (
    (DocumentError, "document"),
    (OvertimeError, "time"),
    (OutOfMemoryError, "memory"),
    (WorkerError, "worker"),
    (UndecidedError, "undecided"),
    (TorchError, "torch"),
    (FaultError, "fault"),
)
"""What an error is called in a line, the first that fits."""

UNDECIDED = frozenset({"time", "memory", "worker", "undecided"})
MOST_COLUMNS = 8
"""So many question marks have columns of their own in a table; a CSV has all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of each of many problems. timeout: seconds for all of it."""

    timeout: float | None = 60.0
    prefer: Preference = "habits"
    prove: bool = False
    run: bool = False


def answered(document: Document, wanted: Wanted) -> dict[str, Any]:
    """The answer to one document as data for its line; the work of a worker."""
    deadline = Deadline(wanted.timeout)
    answer = solve(document.network(), timeout=wanted.timeout, prefer=wanted.prefer)
    data = header(answer) | {"solutions": [], "error": None}
    if answer.status == "unknown":
        kind = "time" if answer.reason == OVERTIME else "undecided"
        data["error"] = {"kind": kind, "text": answer.reason, "mistakes": []}
    if answer.best is not None:
        proved = _proved(answer.best, deadline) if wanted.prove else None
        verified, error = _run(answer.best, deadline) if wanted.run else (None, None)
        if proved is False or verified is False:
            error = FaultError(f"{'z3' if proved is False else 'torch'} disagrees: {FAULT}")
        data |= {"solutions": [solution_data(answer.best, proved, verified)], "error": error and error_data(error)}
    return data


def left(deadline: Deadline) -> float | None:
    """The seconds that are left; None where there is no limit."""
    return None if deadline.remaining == float("inf") else deadline.remaining


def _proved(solution: Solution, deadline: Deadline) -> bool | None:
    """z3's judgement; None where there is no time for it."""
    try:
        return solution.prove(left(deadline))
    except UndecidedError:
        return None


def _run(solution: Solution, deadline: Deadline) -> tuple[bool | None, NetsolveError | None]:
    """Torch's judgement; None, and why, where torch cannot be imported."""
    try:
        return solution.verify(seconds=left(deadline)).verified, None
    except TorchError as error:
        return None, error


def error_data(error: NetsolveError) -> dict[str, Any]:
    """Why a problem has no answer."""
    kind = next((name for cls, name in KINDS if isinstance(error, cls)), "fault")
    mistakes = error.mistakes if isinstance(error, DocumentError) else ()
    told = [{"layer": m.where or None, "line": m.line, "text": m.text, "remedy": m.remedy or None} for m in mistakes]
    return {"kind": kind, "text": str(error), "mistakes": told}


def line_of(file: str, digest: str | None, done: Done) -> tuple[str, str]:
    """A problem's line, and what it came to: its status, or the kind of its error where that is worse."""
    seconds = None if done.seconds is None else round(done.seconds, 4)
    about = {"schema_version": SCHEMA_VERSION, "file": file, "sha256": digest, "seconds": seconds}
    if done.error is None:
        data = {**about, **done.value, "file": file}
        kind = (done.value["error"] or {}).get("kind")
        return line(data), "fault" if kind == "fault" else str(done.value["status"])
    error = error_data(done.error)
    status = "unknown" if error["kind"] in UNDECIDED else "error"
    return line({**about, "status": status, "error": error}), "fault" if error["kind"] == "fault" else status


def digest_of(document: Document) -> str:
    """What tells a document from one that was changed since."""
    return sha256(document.data).hexdigest()


def done_in(lines: Iterable[bytes]) -> tuple[set[Known], int]:
    """The problems that whole lines tell of, and how many bytes these have: all but a last one that was cut off.

    Raises UsageError for a whole line that tells of no problem.
    """
    found, size = set(), 0
    for number, each in enumerate(lines, 1):
        if not each.endswith(b"\n"):
            break
        try:
            data = json.loads(each)
            found.add((data["file"], data["sha256"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            msg = f"line {number} is none that a batch writes"
            raise UsageError(msg) from None
        size += len(each)
    return found, size


def summary(counted: Mapping[str, int], skipped: int, seconds: float) -> str:
    """What became of all problems, in a line."""
    total = sum(counted.values())
    words = {"solved": "solved", "unsolvable": "unsolvable", "unknown": "not decided", "error": "with mistakes",
             "fault": "faults of netsolve"}  # fmt: skip
    parts = [f"{counted[kind]:,} {word}" for kind, word in words.items() if counted.get(kind)]
    done = f"{total:,} problem{'s' * (total != 1)} in {seconds:.1f} s"
    return ": ".join(filter(None, [done, ", ".join(parts)])) + (f"; {skipped:,} done before" if skipped else "")


def code_of(counted: Counter[str]) -> int:
    """The exit code for all problems: that of the worst."""
    codes = {"fault": 4, "error": 2, "unknown": 3, "unsolvable": 1}
    return next((code for kind, code in codes.items() if counted[kind]), 0)


# Sweeps.


def cell(value: Any) -> str:
    """A value in a table or CSV; sizes are joined by an x, truth values written as in documents."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "x".join(map(cell, value))
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)


def columns_of(row: Row) -> dict[str, Any]:
    """A row by titles, without its question marks."""
    shapes = row.outputs or {}
    outputs = next(iter(shapes.values()), None) if len(shapes) < 2 else ", ".join(map(cell, shapes.values()))  # noqa: PLR2004 - one output stands alone
    return {
        **row.varied,
        "status": row.status,
        "answers": row.count,
        "probability": row.probability,
        "output": outputs,
        "parameters": row.parameters,
    }


def sweep_table(rows: Iterable[Row], stream: IO[str]) -> None:
    """Print the rows as a table: columns of which nothing is known are left out."""
    listed = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row.values))
    shown = names if len(names) <= MOST_COLUMNS else []
    cells = []
    for row in listed:
        values = {name: row.values.get(name) for name in shown}
        known = columns_of(row) | values | {"reason": row.reason.partition("\n")[0]}
        cells.append({title: printable(cell(value)) for title, value in known.items()})
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    titles = [title for title in cells[0] if any(row[title] for row in cells)] if cells else []
    for title in titles:
        words = title in {"status", "reason"}
        table.add_column(title, justify="left" if words else "right", no_wrap=title != "reason")
    for row_ in cells:
        table.add_row(*(row_[title] for title in titles))
    out = console(stream)
    out.print(table)
    if len(names) > MOST_COLUMNS:
        out.print(f"{len(names)} question marks: their values are in --format csv and json")


def sweep_csv(rows: Iterable[Row], names: Iterable[str]) -> Iterator[str]:
    """The rows as CSV, line by line. names: the question marks."""
    titles: list[str] = []
    for row in rows:
        data = columns_of(row) | {"reason": row.reason} | dict(row.values)
        if not titles:
            titles = [*columns_of(row), *names, "reason"]
            yield _csv(titles)
        yield _csv([printable(cell(data.get(title))) for title in titles])


def _csv(cells: list[str]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def row_json(row: Row) -> str:
    """A row as a line of JSON."""
    return line(
        {
            "schema_version": SCHEMA_VERSION,
            "varied": dict(row.varied),
            "status": row.status,
            "count": row.count,
            "probability": row.probability,
            "reason": row.reason or None,
            "outputs": dict(row.outputs),
            "values": dict(row.values),
            "parameters": row.parameters,
        }
    )
