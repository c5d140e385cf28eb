"""check: a fully known network, compared with torch."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from netsolve.cli.base import File, Full, NoRun, PlainFormat, judged, read, run

if TYPE_CHECKING:
    from netsolve.network import Network
    from netsolve.queries import Check
    from netsolve.verification import Verification


RUNNING = 60.0
"""Seconds that torch's CPU may take; a longer run is done on the meta device."""


def check(
    file: File,
    format: Annotated[PlainFormat, typer.Option(help="How the result is written.")] = PlainFormat.text,
    no_run: NoRun = False,
    full: Full = False,
) -> None:
    """Sizes and parameters of a fully known network, compared with torch; where it does not fit, which layer, why."""
    from netsolve.queries import check as ask
    from netsolve.report.json import check_json
    from netsolve.report.text import check_text

    network = read(file)
    result = ask(network)
    if format is PlainFormat.text:
        check_text(network, result, sys.stdout, full=full)
        sys.stdout.flush()
    verdict, code = None, 1 if result.problem else 0
    if result.problem is None and not no_run:
        verdict = run(lambda: _verified(network, result), quiet=format is not PlainFormat.text)
        code = 1 if verdict is None else 0
    if format is PlainFormat.json:
        typer.echo(check_json(result, verdict))
    raise typer.Exit(judged(code, proved=True, verdict=verdict))


def _verified(network: "Network", result: "Check") -> "Verification":
    """The run of a network that was checked."""
    from netsolve.errors import torch_needed

    with torch_needed():
        from netsolve.verify import verify
    return verify(network, result.shapes, seconds=RUNNING)
