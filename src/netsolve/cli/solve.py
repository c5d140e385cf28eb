"""solve and count: which values fit, and how many."""

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsolve.cli.base import Blanked, File, Full, NoProof, NoRun, PlainFormat, Timeout, judged, read, run
from netsolve.cli.explain import explained

if TYPE_CHECKING:
    from netsolve.answer import Answer, Solution
    from netsolve.conflicts.base import Conflict
    from netsolve.network import Network
    from netsolve.verification import Verification


class Format(StrEnum):
    """How an answer is written."""

    text = "text"
    json = "json"
    toml = "toml"
    python = "python"


class Prefer(StrEnum):
    """Which answer comes first."""

    habits = "habits"
    small = "small"
    same = "same"


MOST = 10**9
"""How many answers can be asked for: no more fit into the memory of any machine."""

DOCUMENTS = (Format.toml, Format.python)
"""Formats of one answer as a whole."""

CODES = {"solved": 0, "unsolvable": 1, "unknown": 3}


def solve(  # noqa: PLR0913, PLR0917 - an argument is an option
    file: File,
    top: Annotated[
        int | None,
        typer.Option(help="How many answers to give (default 1); each is proved.", min=1, max=MOST, metavar="N"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Give all answers as they are found; none is proved or run.")
    ] = False,
    prefer: Annotated[
        Prefer, typer.Option(help="What comes first: habits of authors, least padding, nearest to same.")
    ] = Prefer.habits,
    format: Annotated[Format, typer.Option(help="How the answer is written.")] = Format.text,
    write: Annotated[bool, typer.Option("--write", help="Write the values into FILE itself.")] = False,
    no_proof: NoProof = False,
    no_run: NoRun = False,
    full: Full = False,
    timeout: Timeout = 60.0,
    summary: Annotated[
        str, typer.Option(help="What torchsummary or torchinfo printed: the sizes after layers.", metavar="FILE")
    ] = "",
    unknown: Blanked = None,
) -> None:
    """Find the values of all question marks that fit together, prove them and run them in torch."""
    from netsolve.conflicts.padded import uneven_note
    from netsolve.queries import solve as ask
    from netsolve.report.progress import progress
    from netsolve.report.text import answer_text, say

    if write and file == "-":
        msg = "--write needs a file, not standard input"
        raise typer.BadParameter(msg)
    if every:
        _only_streamed({"--write": write, "--top": top is not None, f"--format {format}": format in DOCUMENTS})
    network = read(file, unknown)
    if summary:
        network = _printed(network, summary)
    if write and network.source is None:
        msg = "--write needs a TOML document; --format toml prints one"
        raise typer.BadParameter(msg)
    with progress("looking for values that fit"):
        answer = ask(network, timeout=timeout, prefer=prefer.value)
    if every:
        raise typer.Exit(_stream(answer, format))
    solutions = tuple(answer.solutions(top or 1))
    quiet = format is not Format.text
    if not quiet:
        answer_text(answer, solutions, sys.stdout, full=full)
        if answer.best is not None and (note := uneven_note(answer.best)):
            say(f"note    {note.text}", sys.stdout)
    conflict = explained(network, timeout, quiet=quiet, run=not no_run) if answer.status == "unsolvable" else None
    verdicts: list[bool | None] = []
    verdict, code = None, CODES[answer.status]
    if answer.best is not None:
        sys.stdout.flush()
        verdicts = [None] * len(solutions) if no_proof else _prove(solutions, timeout, quiet=quiet)
        verdict = None if no_run else run(partial(answer.best.verify, seconds=timeout), quiet=quiet)
        code = 1 if verdict is None and not no_run else 0
    _emit(answer, solutions, format, verdicts, verdict, conflict)
    code = judged(code, proved=False not in verdicts, verdict=verdict)
    if write and answer.best is not None and code == 0:
        _overwrite(Path(file), network, answer.best)
    raise typer.Exit(code)


def count(
    file: File,
    format: Annotated[PlainFormat, typer.Option(help="How the number is written.")] = PlainFormat.text,
    timeout: Timeout = 60.0,
    unknown: Blanked = None,
) -> None:
    """How many assignments of the question marks fit, exactly."""
    from netsolve.queries import counted
    from netsolve.report.json import count_json
    from netsolve.report.progress import progress

    with progress("counting"):
        found, reason = counted(read(file, unknown), timeout)
    sys.set_int_max_str_digits(0)
    if format is PlainFormat.json:
        typer.echo(count_json(found, reason))
    elif found is None:
        typer.echo(f"not counted: {reason}", err=True)
    else:
        typer.echo(found)
    raise typer.Exit(3 if found is None else 0 if found else 1)


def _printed(network: "Network", file: str) -> "Network":
    """The network with the sizes of a printout."""
    from netsolve.errors import UsageError
    from netsolve.importers.summary import with_summary

    try:
        with Path(file).open(encoding="utf-8", errors="replace") as stream:
            return with_summary(network, stream.read(2**22 + 1), file)
    except UsageError as error:
        msg = f"--summary {file}: {error}"
        raise typer.BadParameter(msg) from None


def _prove(solutions: "tuple[Solution, ...]", timeout: float, *, quiet: bool) -> "list[bool | None]":
    """z3's judgement of each solution, printed unless `quiet`."""
    from netsolve.report.text import proof_line, say

    verdicts, reason = prove(solutions, timeout)
    if not quiet:
        say(proof_line(verdicts, reason), sys.stdout)
        sys.stdout.flush()
    return verdicts


def prove(solutions: "tuple[Solution, ...]", timeout: float) -> "tuple[list[bool | None], str]":
    """z3's judgement of each solution; None where there was no time, and why."""
    from netsolve.errors import UndecidedError

    verdicts: list[bool | None] = []
    reason = ""
    for solution in solutions:
        try:
            verdicts.append(solution.prove(timeout))
        except UndecidedError as error:
            verdicts.append(None)
            reason = str(error)
    return verdicts, reason


def _only_streamed(given: dict[str, bool]) -> None:
    """Refuse the options that --all has no use for."""
    for option, there in given.items():
        if there:
            msg = f"{option} does not go with --all, which lists answers as text or json"
            raise typer.BadParameter(msg)


def _stream(answer: "Answer", format: Format) -> int:
    """Print every solution as it is found; the exit code."""
    from netsolve.report.json import header_json, solution_json
    from netsolve.report.progress import progress
    from netsolve.report.text import header_text, solution_line

    sys.set_int_max_str_digits(0)
    typer.echo(header_json(answer) if format is Format.json else header_text(answer))
    with progress("listing") as show:
        for rank, solution in enumerate(answer.solutions(), 1):
            typer.echo(solution_json(solution) if format is Format.json else solution_line(rank, solution))
            show(f"listed {rank:,}" + ("" if answer.count is None else f" of {answer.count:,}"))
    if answer.status == "solved" and answer.count is None:
        sys.stdout.flush()
        typer.echo(f"only one answer is listed: {'; '.join(hint.text for hint in answer.hints)}", err=True)
        return 3
    return CODES[answer.status]


def _emit(  # noqa: PLR0913, PLR0917 - all that is written goes through here
    answer: "Answer",
    solutions: "tuple[Solution, ...]",
    format: Format,
    verdicts: "list[bool | None]",
    run: "Verification | None",
    conflict: "Conflict | None",
) -> None:
    """Write what is written at the end: JSON, the document with its values, or Python code."""
    from netsolve.composing import compose
    from netsolve.document import write
    from netsolve.report.conflict import conflict_data
    from netsolve.report.json import answer_json
    from netsolve.report.text import answer_text

    if format is Format.json:
        sys.set_int_max_str_digits(0)
        data = None if conflict is None else conflict_data(conflict, answer.reasons)
        typer.echo(answer_json(answer, solutions, verdicts, run, data))
    elif format in DOCUMENTS and answer.best is None:
        answer_text(answer, (), sys.stderr)
    elif format is Format.python and answer.best is not None:
        typer.echo(answer.best.to_python(), nl=False)
    elif format is Format.toml and answer.best is not None:
        best = answer.best
        text = write(answer.network, best.values, best.unknowns) if answer.network.source else compose(best.network)
        typer.echo(text, nl=False)


def _overwrite(path: Path, network: "Network", best: "Solution") -> None:
    """Put the values into the file: whole or not at all."""
    from netsolve.writing import overwrite, write

    overwrite(path, write(network, best.values, best.unknowns))
    typer.echo(f"written {path}", err=True)
