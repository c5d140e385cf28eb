"""trace: a document from an existing torch module or ONNX model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netsolve.cli.base import read

if TYPE_CHECKING:
    from netsolve.network import Network


def trace(  # noqa: PLR0913, PLR0917 - an argument is an option
    target: Annotated[
        str,
        typer.Argument(
            help="A Python file or a name to import, a colon, a class, function or module in it; or a file MODEL.onnx.",
            metavar="MODULE:NAME",
        ),
    ],
    shapes: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            help="The input without batch: 3,96,96; of several each by name: left=3,96,96. A model has its own.",
            metavar="SHAPE",
        ),
    ] = None,
    args: Annotated[str, typer.Option(help="What the class or function is called with: '10, width=64'.")] = "",
    unknown: Annotated[
        list[str] | None,
        typer.Option(help="An argument to be blanked: padding, padding=0..3, features.0.padding.", metavar="NAME"),
    ] = None,
    opaque: Annotated[
        list[str] | None,
        typer.Option(help="A part that is not looked into, and its output: head=10.", metavar="PART=SHAPE"),
    ] = None,
    output: Annotated[str, typer.Option(help="The shape at the end, where it is known.", metavar="SHAPE")] = "",
    to: Annotated[
        str, typer.Option("--output-file", "-o", help="Where the document goes, instead of stdout.", metavar="FILE")
    ] = "",
) -> None:
    """Write the document of a torch module, which need not fit, or of an ONNX model.

    Importing MODULE and calling NAME runs your code; a model is only read.
    """
    from netsolve.composing import compose

    if target.lower().endswith(".onnx"):
        if shapes or args or opaque or output:
            msg = "--input, --args, --opaque and --output are for torch modules; a model says its own"
            raise typer.BadParameter(msg)
        network = read(target, unknown)
    else:
        network = _traced(target, shapes or [], args, unknown or [], opaque or [], output)
    text = compose(network)
    if to:
        Path(to).write_text(text, encoding="utf-8")
    else:
        typer.echo(text, nl=False)
    sys.stdout.flush()
    _doubts(network)


def _traced(  # noqa: PLR0913, PLR0917 - an argument is an option
    target: str, shapes: list[str], args: str, unknown: list[str], opaque: list[str], output: str
) -> "Network":
    """The network of a torch module."""
    from netsolve.errors import UsageError, torch_needed

    if not shapes:
        msg = "--input is missing: the shape of the module's input without batch, such as --input 3,96,96"
        raise typer.BadParameter(msg)
    inputs, stated = _shapes(shapes, "--input"), _shapes(opaque, "--opaque")
    end = _shape(output, "--output") if output else None
    with torch_needed():
        from netsolve.importers.modules import from_module
        from netsolve.importers.targets import module_at
    module = module_at(target, args)
    asked = dict(entry.partition("=")[::2] for entry in unknown)
    try:
        return from_module(module, inputs.get("", inputs), output=end, unknown=asked, opaque=stated)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


def _doubts(network: "Network") -> None:
    """What was noted while tracing, and where the network does not fit, on stderr."""
    from netsolve.errors import DocumentError
    from netsolve.queries import check

    for warning in network.warnings:
        typer.echo(f"warning: {warning}", err=True)
    try:
        problem = check(network).problem
    except DocumentError as error:
        asked = all("question mark" in mistake.text for mistake in error.mistakes)
        problem = None if asked else error.mistakes[0]
    if problem is not None:
        typer.echo(f"it does not fit: {problem}", err=True)


def _shapes(given: list[str], option: str) -> dict[str, Any]:
    """Shapes by name; one without a name under the empty one."""
    found = {}
    for entry in given:
        name, equals, text = entry.rpartition("=")
        if (equals and not name) or (not equals and (option == "--opaque" or len(given) > 1)):
            msg = f"{option}: a name and a shape are expected, such as left=3,96,96, not {entry[:60]!r}"
            raise typer.BadParameter(msg)
        found[name] = _shape(text, option)
    return found


def _shape(text: str, option: str) -> tuple[int, ...]:
    """A shape such as 3,96,96 or 3x96x96."""
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() and 0 < len(part.strip()) < 10 for part in parts):  # noqa: PLR2004 - digits that int takes and a size may have
        msg = f"{option}: a shape without batch is expected, such as 3,96,96, not {text[:60]!r}"
        raise typer.BadParameter(msg)
    return tuple(int(part) for part in parts)
