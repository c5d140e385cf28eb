"""What the commands share: the program, options, reading a file, running torch, the exit code."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsolve.network import Network
    from netsolve.verification import Verification

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


Abort = typer.Abort
UsageError: Any = typer.BadParameter.__mro__[2]
"""What is wrong with the command line: click's exception, or that of the copy of click that newer typers carry."""


class PlainFormat(StrEnum):
    """How a check is written."""

    text = "text"
    json = "json"


File = Annotated[
    str,
    typer.Argument(help="A network as TOML, or an ONNX model (.onnx); - for TOML on standard input.", metavar="FILE"),
]
Blanked = Annotated[
    list[str] | None,
    typer.Option("--unknown", help="An argument of an ONNX model to ask for: padding, padding=0..3.", metavar="NAME"),
]
Timeout = Annotated[
    float,
    typer.Option(help="Seconds for the search; a proof and a run have as many again.", min=0.001, max=1e6),
]
NoProof = Annotated[bool, typer.Option("--no-proof", help="Do not let z3 prove the answer.")]
Full = Annotated[bool, typer.Option("--full", help="Fold no layers that are alike; a terminal shows them folded.")]
NoRun = Annotated[bool, typer.Option("--no-run", help="Do not build and run the network in torch.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        from netsolve import __version__

        typer.echo(f"netsolve {__version__}")
        for name, distribution in {"z3": "z3-solver", "torch": "torch"}.items():
            try:
                typer.echo(f"{name} {version(distribution)}")
            except PackageNotFoundError:
                typer.echo(f"{name} is not installed")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the versions of netsolve, z3 and torch."
        ),
    ] = False,
) -> None:
    """Find the paddings (and kernels, strides, ...) that a network must have used, and prove it in torch.

    Exit codes: 0 yes; 1 no answer, or a mismatch; 2 usage or document; 3 not decided in time; 4 a fault of netsolve;
    130 interrupted.
    """
    del version


def read(file: str, unknown: list[str] | None = None) -> "Network":
    """The network of a file or of standard input; its warnings go to stderr. unknown: what to ask of an ONNX model."""
    from netsolve.document import load, read
    from netsolve.errors import printable

    if file == "-" and sys.stdin is None:
        msg = "standard input is closed"
        raise typer.BadParameter(msg)
    if file.lower().endswith(".onnx"):
        network = _model(file, unknown or [])
    elif unknown:
        msg = '--unknown is for ONNX models; a document says "?" itself'
        raise typer.BadParameter(msg)
    else:
        network = load(file) if file != "-" else read(sys.stdin.buffer, "<stdin>")
    for warning in network.warnings:
        file_name = network.source.file if network.source else file
        place = ":".join(part for part in (printable(file_name), str(warning.line or "")) if part)
        typer.echo(f"{place}: warning: {warning}", err=True)
    return network


def _model(file: str, unknown: list[str]) -> "Network":
    """The network of an ONNX model."""
    from netsolve.errors import UsageError
    from netsolve.importers.onnx import from_onnx

    try:
        return from_onnx(file, unknown=dict(entry.partition("=")[::2] for entry in unknown))
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


def run(verify: "Callable[[], Verification]", *, quiet: bool) -> "Verification | None":
    """What torch says; None where torch cannot be imported. Where stdout is no text, only what is wrong is said."""
    from netsolve.errors import TorchError
    from netsolve.report.text import run_line, say

    stream = sys.stderr if quiet else sys.stdout

    try:
        verdict = verify()
    except TorchError as error:
        say(f"run     not done: {error}", stream)
        return None
    if not quiet or verdict.mismatch:
        say(run_line(verdict), stream)
    return verdict


def judged(code: int, *, proved: bool, verdict: "Verification | None") -> int:
    """The exit code once the judges have spoken: a disagreement is never hidden."""
    from netsolve.errors import FAULT

    if proved and (verdict is None or verdict.verified is not False):
        return code
    if not proved:
        typer.echo("netsolve: z3 says that these values do not fit", err=True)
    typer.echo(f"netsolve: {FAULT}", err=True)
    return 4
