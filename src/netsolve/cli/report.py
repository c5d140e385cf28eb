"""report: an answer as a page, a drawing, or text for other programs that draw."""

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsolve.cli.base import File, NoProof, NoRun, Timeout, judged, read, run
from netsolve.cli.explain import explained
from netsolve.cli.solve import CODES, prove

if TYPE_CHECKING:
    from netsolve.answer import Answer, Solution
    from netsolve.conflicts.base import Conflict


class Format(StrEnum):
    """What is written."""

    html = "html"
    svg = "svg"
    mermaid = "mermaid"
    dot = "dot"


ENDINGS = {
    "svg": Format.svg,
    "mmd": Format.mermaid,
    "mermaid": Format.mermaid,
    "dot": Format.dot,
    "gv": Format.dot,
}


OTHERS = frozenset({"pdf", "png", "jpg", "jpeg", "gif", "json", "md", "txt", "toml", "tex"})
"""Endings of files that are something else."""


def report(  # noqa: PLR0913, PLR0917 - an argument is an option
    file: File,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Where it is written; - for standard output.", metavar="OUT")
    ] = "-",
    format: Annotated[
        Format | None, typer.Option(help="What is written (default: what the ending of OUT says, html without one).")
    ] = None,
    top: Annotated[int, typer.Option(help="How many answers the page can show.", min=1, max=100, metavar="N")] = 5,
    no_proof: NoProof = False,
    no_run: NoRun = False,
    timeout: Timeout = 60.0,
) -> None:
    """Draw the network with its answer: a page that needs nothing else, or SVG, Mermaid or DOT."""
    from netsolve.queries import solve as ask
    from netsolve.report.progress import progress

    ending = Path(output).suffix.lower().removeprefix(".")
    chosen = format or ENDINGS.get(ending, Format.html)
    if format is None and ending in OTHERS:
        msg = f"a .{ending} is not among what can be written: name it .html, .svg, .mmd or .dot, or give --format"
        raise typer.BadParameter(msg)
    network = read(file)
    with progress("looking for values that fit"):
        answer = ask(network, timeout=timeout)
        solutions = tuple(answer.solutions(top if chosen is Format.html else 1))
    code, verdicts = CODES[answer.status], list[str]()
    if answer.best is not None and chosen is Format.html:
        code, verdicts = _judge(answer.best, timeout, no_proof=no_proof, no_run=no_run)
    sys.set_int_max_str_digits(0)
    unsolvable = answer.status == "unsolvable"
    conflict = explained(network, timeout, quiet=True, run=not no_run) if unsolvable else None
    _put(_written(answer, solutions, verdicts, conflict, chosen), output)
    raise typer.Exit(code)


def _judge(best: "Solution", timeout: float, *, no_proof: bool, no_run: bool) -> tuple[int, list[str]]:
    """What z3 and torch say of the best solution, and the exit code that follows."""
    from netsolve.report.progress import progress
    from netsolve.report.text import proof_line, run_line

    verdicts, lines = list[bool | None](), list[str]()
    with progress("proving"):
        if not no_proof:
            verdicts, reason = prove((best,), timeout)
            lines.append(proof_line(verdicts, reason))
    verdict = None if no_run else run(partial(best.verify, seconds=timeout), quiet=True)
    if verdict is not None:
        lines.append(run_line(verdict))
    code = 1 if verdict is None and not no_run else 0
    return judged(code, proved=False not in verdicts, verdict=verdict), lines


def _written(
    answer: "Answer",
    solutions: "tuple[Solution, ...]",
    verdicts: list[str],
    conflict: "Conflict | None",
    format: Format,
) -> str:
    """The text of a report."""
    from netsolve.report.conflict import reasons_at
    from netsolve.report.diagram import dot, mermaid
    from netsolve.report.page import WORKS, answer_rows, page, picture_file
    from netsolve.report.text import title_of

    if format is Format.html:
        return page(answer, solutions, verdicts, conflict or WORKS)
    if format is Format.svg:
        if found := picture_file(answer, conflict or WORKS):
            return found
        msg = "the network has too many layers to draw (--format html has them as a table)"
        raise typer.BadParameter(msg)
    reasons = reasons_at(conflict or WORKS, answer.network)
    draw = mermaid if format is Format.mermaid else dot
    return draw(answer_rows(answer), title_of(answer.network), reasons)


def _put(text: str, output: str) -> None:
    """Write a report."""
    if output == "-":
        typer.echo(text, nl=False)
        return
    Path(output).write_text(text, encoding="utf-8")
    typer.echo(f"written {output}", err=True)
