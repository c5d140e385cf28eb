"""batch and sweep: many problems at once, and one with its numbers varied."""

import sys
from collections import Counter
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsolve.cli.base import File, read
from netsolve.cli.solve import Prefer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netsolve.batch import Document, Limits
    from netsolve.errors import DocumentError
    from netsolve.report.lines import Known, Wanted

Jobs = Annotated[int | None, typer.Option(help="Processes (default: one a core).", min=1, max=1024, metavar="N")]
Memory = Annotated[
    int | None, typer.Option(help="MiB of memory for each problem (on Linux).", min=1, max=2**30, metavar="MIB")
]
Seconds = Annotated[float, typer.Option(help="Seconds for each problem, all in all.", min=0.001, max=1e6)]


class SweepFormat(StrEnum):
    """How a sweep is written."""

    text = "text"
    csv = "csv"
    json = "json"


def batch(  # noqa: PLR0913, PLR0917 - an argument is an option
    files: Annotated[list[str], typer.Argument(help="Networks as TOML, or directories of *.toml.", metavar="FILES...")],
    output: Annotated[
        str, typer.Option("-o", "--output", help="Where the lines of JSON go; - for stdout.", metavar="FILE")
    ] = "-",
    jobs: Jobs = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on: leave out what the output has already.")] = False,
    prefer: Annotated[
        Prefer, typer.Option(help="What comes first: habits of authors, least padding, nearest to same.")
    ] = Prefer.habits,
    prove: Annotated[bool, typer.Option("--prove", help="Let z3 prove each answer.")] = False,
    run: Annotated[bool, typer.Option("--run", help="Build and run each answer in torch.")] = False,
    timeout: Seconds = 60.0,
    memory: Memory = None,
) -> None:
    """Solve many networks at once: one line of JSON for each, written as it is done.

    What goes wrong with one (a mistake, no time, no memory, a process that dies) costs that one, and its line says why.
    A file that was changed since is solved again by --resume. Exit code: that of the worst problem.
    """
    from time import perf_counter

    from netsolve.report.lines import Wanted, code_of, summary

    if resume and output == "-":
        msg = "--resume needs a file to go on with: -o FILE"
        raise typer.BadParameter(msg)
    started = perf_counter()
    done = _done(Path(output), resume=resume) if output != "-" else set()
    wanted = Wanted(timeout, prefer.value, prove, run)
    with _lines(output) as emit:
        counted, skipped = _worked(_documents(files), done, wanted, (jobs, timeout, memory), emit)
    typer.echo(summary(counted, skipped, perf_counter() - started), err=True)
    raise typer.Exit(code_of(counted))


def sweep(  # noqa: PLR0913, PLR0917 - an argument is an option
    file: File,
    vary: Annotated[
        list[str],
        typer.Option(
            help="What takes which values in turn: input=64..512:32 (all spatial sizes), input[1]=64,96, "
            "conv2d_1.kernel_size=3,5,7, 'stage*.padding=0,1', p=0..3 for a named unknown. Repeated: the product.",
            metavar="KEY=VALUES",
        ),
    ],
    format: Annotated[SweepFormat, typer.Option(help="How the rows are written.")] = SweepFormat.text,
    jobs: Jobs = None,
    prefer: Annotated[
        Prefer, typer.Option(help="What comes first: habits of authors, least padding, nearest to same.")
    ] = Prefer.habits,
    timeout: Seconds = 60.0,
    memory: Memory = None,
) -> None:
    """Solve one network with some of its numbers varied: a row for each combination, none proved or run.

    Exit code: 0 where any row has an answer, 1 where none has, 3 where none has and one was not decided.
    """
    from netsolve.errors import UsageError
    from netsolve.report.lines import row_json, sweep_csv, sweep_table
    from netsolve.report.progress import progress
    from netsolve.sweep import Row, Vary, questions
    from netsolve.sweep import sweep as rows_of

    network = read(file)
    sys.set_int_max_str_digits(0)
    try:
        varies = [Vary.parse(text) for text in vary]
        names = questions(network, varies)
        rows = rows_of(network, varies, limits=(jobs, timeout, memory), prefer=prefer.value)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None
    seen: list[Row] = []

    def noted() -> "Iterator[Row]":
        with progress("sweeping") as show:
            for row in rows:
                seen.append(row)
                show(f"swept {len(seen):,}")
                yield row

    if format is SweepFormat.text:
        sweep_table(noted(), sys.stdout)
    else:
        for line in sweep_csv(noted(), names) if format is SweepFormat.csv else map(row_json, noted()):
            typer.echo(line)
    found = {row.status for row in seen}
    raise typer.Exit(0 if "solved" in found else 3 if "unknown" in found else 1)


def _documents(files: list[str]) -> "Iterator[Document | DocumentError]":
    """What the files and directories hold, each once, read when it is needed."""
    from netsolve.batch import document_of

    paths = [sorted(map(str, Path(file).glob("*.toml"))) if Path(file).is_dir() else [file] for file in files]
    return map(document_of, dict.fromkeys(path for each in paths for path in each))


def _done(output: Path, *, resume: bool) -> "set[Known]":
    """What the output has already; a last line that was cut off is taken away."""
    from netsolve.errors import UsageError
    from netsolve.report.lines import done_in

    if not output.is_file() or not output.stat().st_size:
        return set()
    if not resume:
        msg = f"{output} is there already: --resume goes on with it; or give another name"
        raise typer.BadParameter(msg)
    with output.open("r+b") as stream:
        try:
            done, size = done_in(stream)
        except UsageError as error:
            msg = f"{output}: {error}"
            raise typer.BadParameter(msg) from None
        stream.truncate(size)
    return done


@contextmanager
def _lines(output: str) -> "Iterator[Callable[[str], None]]":
    """What writes a line at once and whole, so that whoever ends the program leaves whole lines behind."""
    if output == "-":
        yield lambda text: print(text, flush=True)  # noqa: T201 - one line, whole, to standard output
        return
    try:
        with Path(output).open("ab", buffering=0) as stream:

            def emit(text: str) -> None:
                stream.write(f"{text}\n".encode())

            yield emit
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), output) from None


def _worked(
    documents: "Iterator[Document | DocumentError]",
    done: "set[Known]",
    wanted: "Wanted",
    limits: "Limits",
    emit: "Callable[[str], None]",
) -> tuple[Counter[str], int]:
    """Write a line for each problem; how many came to what, and how many were done before."""
    from netsolve.batch import Document, perform
    from netsolve.report.lines import answered, digest_of, line_of
    from netsolve.report.progress import progress

    sys.set_int_max_str_digits(0)
    known: list[Known] = []
    counted: Counter[str] = Counter()
    before = 0

    def tasks() -> "Iterator[Document | DocumentError]":
        nonlocal before
        for document in documents:
            entry = document.file, digest_of(document) if isinstance(document, Document) else None
            if entry in done:
                before += 1
            else:
                known.append(entry)
                yield document

    with progress("solving") as show:
        for each in perform(partial(answered, wanted=wanted), tasks(), limits=limits):
            text, kind = line_of(*known[each.index], each)
            emit(text)
            counted[kind] += 1
            show(f"solved {sum(counted.values()):,}")
    return counted, before
