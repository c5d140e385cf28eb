"""sizes: what a network can reach, and what it makes of other inputs."""

import re
import sys
from typing import Annotated

import typer

from netsolve.cli.base import File, NoRun, PlainFormat, Timeout, read
from netsolve.cli.complete import layers


def sizes(  # noqa: PLR0913, PLR0917 - an argument is an option
    file: File,
    at: Annotated[
        str | None, typer.Option("--at", help="The layer, by default the last.", metavar="LAYER", autocompletion=layers)
    ] = None,
    given: Annotated[
        str | None, typer.Option("--input", help="Which input sizes to look at, such as 32..1024.", metavar="A..B")
    ] = None,
    format: Annotated[PlainFormat, typer.Option(help="How the result is written.")] = PlainFormat.text,
    no_run: NoRun = False,
    timeout: Timeout = 60.0,
) -> None:
    """Which sizes can be reached; which inputs are accepted, give which output, and lose no cell to a floor."""
    from netsolve.errors import UsageError as Refused
    from netsolve.report.progress import progress
    from netsolve.report.sizes import sizes_json, sizes_lines
    from netsolve.report.text import say
    from netsolve.sizing import sizes as ask

    span = None if given is None else _range(given)
    network = read(file)
    try:
        with progress("going through the sizes"):
            found = ask(network, at=at, inputs=span, run=not no_run, timeout=timeout)
    except Refused as error:
        raise typer.BadParameter(str(error)) from None
    if format is PlainFormat.json:
        typer.echo(sizes_json(found))
    else:
        for line in sizes_lines(found):
            say(line, sys.stdout)
    sys.stdout.flush()
    boundaries = () if found.inputs is None else found.inputs.boundaries
    reachable = all(domain is None or domain.ranges for domain in found.shape)
    nothing = found.inputs is not None and not found.inputs.blocks
    raise typer.Exit(_code(disagrees=any(b.agrees is False for b in boundaries), found=reachable or not nothing))


def _code(*, disagrees: bool, found: bool) -> int:
    """The exit code."""
    from netsolve.errors import FAULT

    if disagrees:
        typer.echo(f"netsolve: {FAULT}", err=True)
        return 4
    return 0 if found else 1


def _range(text: str) -> tuple[int, int]:
    """Two sizes from A..B, or one."""
    match = re.fullmatch(r"\s*(\d{1,9})\s*(?:\.\.\s*(\d{1,9})\s*)?", text, re.ASCII)
    if match is None:
        msg = f"--input is a range of sizes such as 32..1024, not {text[:40]}"
        raise typer.BadParameter(msg)
    return int(match[1]), int(match[2] or match[1])
