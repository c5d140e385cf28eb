"""ops and schema: what a document may say."""

import sys
from typing import Annotated

import typer

from netsolve.cli.complete import operators


def ops(
    name: Annotated[
        str, typer.Argument(help="One operator, shown in full.", metavar="[NAME]", autocompletion=operators)
    ] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="All in full, as a page of documentation.")] = False,
) -> None:
    """The operators: their arguments with defaults, the size after them, their rules."""
    from netsolve.ops import OPERATORS
    from netsolve.report.ops import op_text, ops_markdown, ops_text
    from netsolve.words import nearest

    if name and name not in OPERATORS:
        msg = f"there is no operator {name[:60]}; {nearest(name, OPERATORS)}"
        raise typer.BadParameter(msg)
    if markdown:
        typer.echo(ops_markdown(), nl=False)
    elif name:
        op_text(name, sys.stdout)
    else:
        ops_text(sys.stdout)


def schema() -> None:
    """A JSON schema of documents, for editors."""
    import json

    from netsolve.schema import document_schema

    typer.echo(json.dumps(document_schema(), indent=1))
