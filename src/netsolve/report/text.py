"""Answers as text. Every text is made from the plain data of an answer."""

from collections.abc import Mapping
from typing import IO, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from netsolve.answer import Answer, Solution
from netsolve.network import Layer, Network
from netsolve.ops.arguments import show
from netsolve.queries import Check
from netsolve.verification import Verification

COLUMNS = {"kernel": "kernel_size", "stride": "stride", "padding": "padding"}
TITLES = ("layer", *COLUMNS, "found", "output", "parameters")
MARK = "*"
"""Stands behind every value that was found: colour is never the only sign."""


def console(stream: IO[str]) -> Console:
    """A console for a stream; where it is no terminal lines are as long as they need to be."""
    return Console(file=stream, highlight=False, soft_wrap=True, width=None if stream.isatty() else 1000, markup=False)


def network_table(
    network: Network, shapes: Mapping[str, tuple[int, ...]], found: Mapping[str, Any], *, parameters: bool = False
) -> Table:
    """A row for each layer: its arguments, those that were found marked, and the shape after it."""
    rows = [
        [name, "", "", "", f"input {MARK}" if name in found else "", size_text(shapes[name]), ""]
        for name in network.inputs
    ]
    for layer in network.layers:
        cells = [cell(layer, argument, found) for argument in COLUMNS.values()]
        count = f"{layer.op.parameters(tuple(shapes[name] for name in layer.inputs)):,}" if parameters else ""
        rows.append([layer.name, *cells, others(layer, found), size_text(shapes[layer.name]), count])
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    columns = [column for column in range(len(TITLES)) if any(row[column] for row in rows)]
    for column in columns:
        table.add_column(
            TITLES[column], justify="left" if TITLES[column] in {"layer", "found"} else "right", no_wrap=True
        )
    for row in rows:
        table.add_row(*(row[column] for column in columns))
    return table


def cell(layer: Layer, argument: str, found: Mapping[str, Any]) -> str:
    """An argument's value, marked where it was found."""
    value = getattr(layer.op, argument, None)
    if value is None:
        followed = layer.op.follows.get(argument)
        return "" if followed is None else cell(layer, followed, {})
    return value_text(value) + (f" {MARK}" if f"{layer.name}.{argument}" in found else "")


def others(layer: Layer, found: Mapping[str, Any]) -> str:
    """The values found for arguments that have no column of their own."""
    prefix = f"{layer.name}."
    keys = [key for key in found if key.startswith(prefix) and key.removeprefix(prefix) not in COLUMNS.values()]
    return ", ".join(
        f"{key.removeprefix(prefix)} = {value_text(found[key])} {MARK}"
        for key in keys
        if "." not in key.removeprefix(prefix)
    )


def value_text(value: Any) -> str:
    """A value; a list with the sizes side by side."""
    return (
        ", ".join(map(value_text, value))
        if isinstance(value, tuple)
        else show(value)
        if isinstance(value, bool)
        else str(value)
    )


def size_text(shape: tuple[int, ...]) -> str:
    """A shape: 512 x 6 x 6."""
    return " x ".join(map(str, shape))


def answer_text(answer: Answer, stream: IO[str]) -> None:
    """Print an answer: the table of the solution, or why there is none."""
    title = answer.network.name or "the network"
    out = console(stream)
    if answer.best is not None:
        out.print(network_table(answer.network_solved, answer.best.shapes, answer.best.values))
        out.print()
        out.print(found_line(answer, answer.best))
    elif answer.status == "unsolvable":
        out.print(f"none    no values fit: {title} cannot have the sizes that are stated")
        for line in (answer.reason, answer.hint):
            if line:
                out.print(f"        {line}")
    else:
        out.print(f"open    not decided: {answer.reason}")


def found_line(answer: Answer, best: Solution) -> str:
    """What was found, in a line."""
    if not best.values:
        return "found   nothing is unknown, and every size agrees"
    count = len(best.values)
    return f"found   {count} value{'s' if count > 1 else ''}, marked {MARK} (by {answer.engine})"


def proof_line(proved: bool | None, reason: str = "") -> str:  # noqa: FBT001
    """What z3 says."""
    if proved is None:
        return f"proved  not in time: {reason}"
    return "proved  z3's joint constraints of the whole network hold" if proved else "proved  NO: z3 disagrees"


def run_line(run: Verification) -> str:
    """What torch says."""
    if mismatch := run.mismatch:
        got = (
            f"torch says: {mismatch.error}"
            if mismatch.measured is None
            else f"torch gives {size_text(mismatch.measured)}"
        )
        return f"run     NO: after {mismatch.layer} {size_text(mismatch.predicted)} was predicted; {got}"
    count = len(run.layers)
    agreed = "its shape agrees" if count == 1 else f"all {count} shapes agree"
    if run.verified is None:
        return f"run     not on the CPU ({run.reason}); on torch's meta device {agreed} ({run.parameters:,} parameters)"
    return f"run     torch built it ({run.parameters:,} parameters), ran it on the CPU, and {agreed}"


def check_text(network: Network, check: Check, stream: IO[str]) -> None:
    """Print the sizes of a fully known network, as far as they agree."""
    out = console(stream)
    if check.problem is None:
        out.print(network_table(network, check.shapes, {}, parameters=True))
        out.print()
        out.print(f"total   {check.parameters:,} parameters")
    else:
        line = f"line {check.problem.line}: " if check.problem.line else ""
        out.print(f"check   NO: {line}{check.problem.where}: {check.problem.text}")
