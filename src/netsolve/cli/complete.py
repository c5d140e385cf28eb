"""What a shell offers while a command is typed; where nothing is known, nothing: these neither print nor fail."""

from collections.abc import Iterator

import typer


def operators(incomplete: str) -> Iterator[str]:
    """The operators whose names begin like this."""
    from netsolve.ops import OPERATORS

    return (name for name in sorted(OPERATORS) if name.startswith(incomplete))


def layers(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """The layers of the document FILE whose names begin like this: for options such as `--at`."""
    file = ctx.params.get("file") or next(iter(ctx.args), None)  # args has what came before an unfinished option
    return (name for name in _layers(file) if name.startswith(incomplete))


def _layers(file: object) -> tuple[str, ...]:
    from netsolve.document import load
    from netsolve.errors import NetsolveError

    if not isinstance(file, str) or file == "-":
        return ()
    try:
        return tuple(layer.name for layer in load(file).layers)
    except NetsolveError:
        return ()
