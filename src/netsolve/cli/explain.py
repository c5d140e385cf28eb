"""explain and repair: why nothing fits, and the least that would have to change."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsolve.cli.base import File, NoRun, PlainFormat, Timeout, read
from netsolve.cli.complete import layers

if TYPE_CHECKING:
    from netsolve.conflicts.base import Conflict
    from netsolve.network import Network


class RepairFormat(StrEnum):
    """How a repair is written."""

    text = "text"
    json = "json"
    toml = "toml"


Keep = Annotated[
    list[str] | None,
    typer.Option(
        help="What must stay as it is: LAYER.ARGUMENT, LAYER, ARGUMENT, input or output; may be given several times.",
        metavar="LAYER.ARGUMENT",
        autocompletion=layers,
    ),
]


def explain(
    file: File,
    format: Annotated[PlainFormat, typer.Option(help="How the explanation is written.")] = PlainFormat.text,
    no_run: NoRun = False,
    timeout: Timeout = 60.0,
) -> None:
    """Why nothing fits: where it breaks, the fewest statements that contradict each other, and what would help."""
    from netsolve.report.conflict import explanation_json
    from netsolve.report.text import title_of

    network = read(file)
    conflict = explained(network, timeout, quiet=format is not PlainFormat.text, run=not no_run)
    if format is PlainFormat.json:
        typer.echo(explanation_json(network.name, conflict))
    elif not conflict.reasons:
        typer.echo(f"works   nothing that is stated of {title_of(network)} contradicts anything else")
    raise typer.Exit(1 if conflict.reasons else 0)


def explained(network: "Network", timeout: float, *, quiet: bool, run: bool) -> "Conflict":
    """The conflict of a network, printed unless stdout is no text."""
    from netsolve.conflicts.explanation import explain as ask
    from netsolve.errors import TorchError
    from netsolve.report.conflict import conflict_lines
    from netsolve.report.progress import progress
    from netsolve.report.text import say

    with progress("looking for what contradicts each other"):
        try:
            conflict = ask(network, timeout=timeout, run=run)
        except TorchError:
            conflict = ask(network, timeout=timeout, run=False)
    if not quiet:
        for line in conflict_lines(conflict):
            say(line, sys.stdout)
        sys.stdout.flush()
    return conflict


def repair(  # noqa: PLR0913, PLR0917 - an argument is an option
    file: File,
    keep: Keep = None,
    top: Annotated[int, typer.Option(help="How many sets of changes to give.", min=1, metavar="N")] = 3,
    format: Annotated[RepairFormat, typer.Option(help="How the repair is written.")] = RepairFormat.text,
    write: Annotated[bool, typer.Option("--write", help="Write the first into FILE itself.")] = False,
    no_run: NoRun = False,
    timeout: Timeout = 60.0,
) -> None:
    """The fewest changes to written numbers that make a network work, the likeliest first; each is solved and run."""
    from netsolve.conflicts.repairs import repair as ask
    from netsolve.errors import UsageError as Refused
    from netsolve.report.conflict import repair_json, repair_lines
    from netsolve.report.progress import progress
    from netsolve.report.text import say
    from netsolve.writing import overwrite, rewrite

    if write and file == "-":
        msg = "--write needs a file, not standard input"
        raise typer.BadParameter(msg)
    network = read(file)
    try:
        with progress("looking for changes that help"):
            found = ask(network, keep=keep or (), most=top, timeout=timeout, run=not no_run)
    except Refused as error:
        raise typer.BadParameter(str(error)) from None
    if format is RepairFormat.text:
        for line in repair_lines(found):
            say(line, sys.stdout)
    elif format is RepairFormat.json:
        typer.echo(repair_json(found))
    elif found.best is not None:
        typer.echo(rewrite(network, found.best.set), nl=False)
    if write and found.best is not None:
        overwrite(Path(file), rewrite(network, found.best.set))
        typer.echo(f"written {file}", err=True)
    raise typer.Exit(0 if found.works or found.best else 1)
