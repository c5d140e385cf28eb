"""The command line. Each command is a few lines; nothing heavy is imported before a command needs it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsolve.answer import Answer, Solution
    from netsolve.network import Network
    from netsolve.queries import Check
    from netsolve.verification import Verification

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


Abort = typer.Abort
UsageError: Any = typer.BadParameter.__mro__[2]
"""What is wrong with the command line: click's exception, or that of the copy of click that newer typers carry."""


class Format(StrEnum):
    """How an answer is written."""

    text = "text"
    json = "json"
    toml = "toml"


class Prefer(StrEnum):
    """Which answer comes first."""

    habits = "habits"
    small = "small"
    same = "same"


CODES = {"solved": 0, "unsolvable": 1, "unknown": 3}


class PlainFormat(StrEnum):
    """How a check is written."""

    text = "text"
    json = "json"


File = Annotated[str, typer.Argument(help="A network as TOML; - for standard input.", metavar="FILE")]
Timeout = Annotated[float, typer.Option(help="Seconds for the search, and again for the proof.", min=0.001, max=1e6)]
NoRun = Annotated[bool, typer.Option("--no-run", help="Do not build and run the network in torch.")]


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        from netsolve import __version__  # noqa: PLC0415

        typer.echo(f"netsolve {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[  # noqa: FBT002
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find the paddings (and kernels, strides, ...) that a network must have used, and prove it in torch.

    Exit codes: 0 yes; 1 no answer, or a mismatch; 2 usage or document; 3 not decided in time; 4 a fault of netsolve;
    130 interrupted.
    """
    del version


@app.command()
def solve(  # noqa: PLR0913, PLR0917 - an argument is an option
    file: File,
    top: Annotated[
        int | None, typer.Option(help="How many answers to give (default 1); each is proved.", min=1, metavar="N")
    ] = None,
    every: Annotated[  # noqa: FBT002
        bool, typer.Option("--all", help="Give all answers as they are found; none is proved or run.")
    ] = False,
    prefer: Annotated[
        Prefer, typer.Option(help="What comes first: habits of authors, least padding, nearest to same.")
    ] = Prefer.habits,
    format: Annotated[Format, typer.Option(help="How the answer is written.")] = Format.text,  # noqa: A002
    write: Annotated[bool, typer.Option("--write", help="Write the values into FILE itself.")] = False,  # noqa: FBT002
    no_proof: Annotated[bool, typer.Option("--no-proof", help="Do not let z3 prove the answer.")] = False,  # noqa: FBT002
    no_run: NoRun = False,  # noqa: FBT002
    timeout: Timeout = 60.0,
) -> None:
    """Find the values of all question marks that fit together, prove them and run them in torch."""
    from netsolve.queries import solve as ask  # noqa: PLC0415
    from netsolve.report.progress import progress  # noqa: PLC0415
    from netsolve.report.text import answer_text  # noqa: PLC0415

    if write and file == "-":
        msg = "--write needs a file, not standard input"
        raise typer.BadParameter(msg)
    if every:
        _only_streamed({"--write": write, "--top": top is not None, "--format toml": format is Format.toml})
    network = _read(file)
    with progress("looking for values that fit"):
        answer = ask(network, timeout=timeout, prefer=prefer.value)
    if every:
        raise typer.Exit(_stream(answer, format))
    solutions = tuple(answer.solutions(top or 1))
    quiet = format is not Format.text
    if not quiet:
        answer_text(answer, solutions, sys.stdout)
    verdicts: list[bool | None] = []
    run, code = None, CODES[answer.status]
    if answer.best is not None:
        sys.stdout.flush()
        verdicts = [None] * len(solutions) if no_proof else _prove(solutions, timeout, quiet=quiet)
        run = None if no_run else _run(answer.best.verify, quiet=quiet)
        code = 1 if run is None and not no_run else 0
    _emit(answer, solutions, format, verdicts, run)
    code = _judged(code, proved=False not in verdicts, run=run)
    if write and answer.best is not None and code == 0:
        _overwrite(Path(file), network, answer.best)
    raise typer.Exit(code)


@app.command()
def count(
    file: File,
    format: Annotated[PlainFormat, typer.Option(help="How the number is written.")] = PlainFormat.text,  # noqa: A002
    timeout: Timeout = 60.0,
) -> None:
    """How many assignments of the question marks fit, exactly."""
    from netsolve.queries import counted  # noqa: PLC0415
    from netsolve.report.json import count_json  # noqa: PLC0415
    from netsolve.report.progress import progress  # noqa: PLC0415

    with progress("counting"):
        found, reason = counted(_read(file), timeout)
    sys.set_int_max_str_digits(0)
    if format is PlainFormat.json:
        typer.echo(count_json(found, reason))
    elif found is None:
        typer.echo(f"not counted: {reason}", err=True)
    else:
        typer.echo(found)
    raise typer.Exit(3 if found is None else 0 if found else 1)


@app.command()
def check(
    file: File,
    format: Annotated[PlainFormat, typer.Option(help="How the result is written.")] = PlainFormat.text,  # noqa: A002
    no_run: NoRun = False,  # noqa: FBT002
) -> None:
    """Sizes and parameters of a fully known network, compared with torch; where it does not fit, which layer, why."""
    from netsolve.queries import check as ask  # noqa: PLC0415
    from netsolve.report.json import check_json  # noqa: PLC0415
    from netsolve.report.text import check_text  # noqa: PLC0415

    network = _read(file)
    result = ask(network)
    if format is PlainFormat.text:
        check_text(network, result, sys.stdout)
        sys.stdout.flush()
    run, code = None, 1 if result.problem else 0
    if result.problem is None and not no_run:
        run = _run(lambda: _verified(network, result), quiet=format is not PlainFormat.text)
        code = 1 if run is None else 0
    if format is PlainFormat.json:
        typer.echo(check_json(result, run))
    raise typer.Exit(_judged(code, proved=True, run=run))


@app.command()
def ops(
    name: Annotated[str, typer.Argument(help="One operator, shown in full.", metavar="[NAME]")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="All in full, as a page of documentation.")] = False,  # noqa: FBT002
) -> None:
    """The operators: their arguments with defaults, the size after them, their rules."""
    from netsolve.ops import OPERATORS  # noqa: PLC0415
    from netsolve.report.ops import op_text, ops_markdown, ops_text  # noqa: PLC0415
    from netsolve.words import nearest  # noqa: PLC0415

    if name and name not in OPERATORS:
        msg = f"there is no operator {name[:60]}; {nearest(name, OPERATORS)}"
        raise typer.BadParameter(msg)
    if markdown:
        typer.echo(ops_markdown(), nl=False)
    elif name:
        op_text(name, sys.stdout)
    else:
        ops_text(sys.stdout)


@app.command()
def schema() -> None:
    """A JSON schema of documents, for editors."""
    import json  # noqa: PLC0415

    from netsolve.schema import document_schema  # noqa: PLC0415

    typer.echo(json.dumps(document_schema(), indent=1))


def _read(file: str) -> "Network":
    """The network of a file or of standard input; its warnings go to stderr."""
    from netsolve.document import load, read  # noqa: PLC0415
    from netsolve.errors import printable  # noqa: PLC0415

    if file == "-" and sys.stdin is None:
        msg = "standard input is closed"
        raise typer.BadParameter(msg)
    network = load(file) if file != "-" else read(sys.stdin.buffer, "<stdin>")
    for warning in network.warnings:
        file_name = network.source.file if network.source else ""
        place = ":".join(part for part in (printable(file_name), str(warning.line or "")) if part)
        typer.echo(f"{place}: warning: {warning}", err=True)
    return network


def _prove(solutions: "tuple[Solution, ...]", timeout: float, *, quiet: bool) -> "list[bool | None]":
    """z3's judgement of each solution; None where there was no time."""
    from netsolve.errors import UndecidedError  # noqa: PLC0415
    from netsolve.report.text import proof_line  # noqa: PLC0415

    verdicts: list[bool | None] = []
    reason = ""
    for solution in solutions:
        try:
            verdicts.append(solution.prove(timeout))
        except UndecidedError as error:
            verdicts.append(None)
            reason = str(error)
    if not quiet:
        typer.echo(proof_line(verdicts, reason))
        sys.stdout.flush()
    return verdicts


def _only_streamed(given: dict[str, bool]) -> None:
    """Refuse the options that --all has no use for."""
    for option, there in given.items():
        if there:
            msg = f"{option} does not go with --all, which lists answers as text or json"
            raise typer.BadParameter(msg)


def _stream(answer: "Answer", format: Format) -> int:  # noqa: A002
    """Print every solution as it is found; the exit code."""
    from netsolve.report.json import header_json, solution_json  # noqa: PLC0415
    from netsolve.report.progress import progress  # noqa: PLC0415
    from netsolve.report.text import header_text, solution_line  # noqa: PLC0415

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


def _run(verify: "Callable[[], Verification]", *, quiet: bool) -> "Verification | None":
    """What torch says; None where torch cannot be imported. Where stdout is no text, only what is wrong is said."""
    from netsolve.errors import TorchError  # noqa: PLC0415
    from netsolve.report.text import run_line  # noqa: PLC0415

    try:
        run = verify()
    except TorchError as error:
        typer.echo(f"run     not done: {error}", err=quiet)
        return None
    if not quiet or run.mismatch:
        typer.echo(run_line(run), err=quiet)
    return run


def _verified(network: "Network", result: "Check") -> "Verification":
    """The run of a network that was checked."""
    from netsolve.errors import torch_needed  # noqa: PLC0415

    with torch_needed():
        from netsolve.verify import verify  # noqa: PLC0415
    return verify(network, result.shapes)


def _emit(
    answer: "Answer",
    solutions: "tuple[Solution, ...]",
    format: Format,  # noqa: A002
    verdicts: "list[bool | None]",
    run: "Verification | None",
) -> None:
    """Write what is written at the end: JSON, or the document with its values."""
    from netsolve.document import write  # noqa: PLC0415
    from netsolve.report.json import answer_json  # noqa: PLC0415
    from netsolve.report.text import answer_text  # noqa: PLC0415

    if format is Format.json:
        sys.set_int_max_str_digits(0)
        typer.echo(answer_json(answer, solutions, verdicts, run))
    elif format is Format.toml and answer.best is not None:
        typer.echo(write(answer.network, answer.best.values, answer.best.unknowns), nl=False)
    elif format is Format.toml:
        answer_text(answer, (), sys.stderr)


def _overwrite(path: Path, network: "Network", best: "Solution") -> None:
    """Put the values into the file: whole or not at all."""
    import os  # noqa: PLC0415
    import shutil  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    from netsolve.document import write  # noqa: PLC0415

    target = path.resolve()
    text, name = write(network, best.values, best.unknowns), ""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        shutil.copymode(target, name)
        Path(name).replace(target)
    except OSError as error:
        text = f"it cannot be written: {error.strerror or error} (--format toml prints the document instead)"
        raise OSError(error.errno, text, str(path)) from None
    finally:
        if name:
            Path(name).unlink(missing_ok=True)
    typer.echo(f"written {path}", err=True)


def _judged(code: int, *, proved: bool, run: "Verification | None") -> int:
    """The exit code once the judges have spoken: a disagreement is never hidden."""
    from netsolve.errors import FAULT  # noqa: PLC0415

    if proved and (run is None or run.verified is not False):
        return code
    if not proved:
        typer.echo("netsolve: z3 says that these values do not fit", err=True)
    typer.echo(f"netsolve: {FAULT}", err=True)
    return 4
