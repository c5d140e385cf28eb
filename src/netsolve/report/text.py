"""Answers as text. Every text is made from the plain data of an answer."""

import os
from collections.abc import Iterator, Mapping
from typing import IO, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from netsolve.answer import Answer, Solution
from netsolve.errors import printable
from netsolve.network import Layer, Network
from netsolve.ops.arguments import show
from netsolve.queries import Check
from netsolve.verification import Verification

COLUMNS = {"kernel": "kernel_size", "stride": "stride", "padding": "padding"}
TITLES = ("layer", *COLUMNS, "found", "output", "parameters")
MOST_REASONS = 10
LONG = 20
"""Counts of more digits are shortened."""

MARK = "*"
"""Stands behind every value that was found: colour is never the only sign."""


def console(stream: IO[str]) -> Console:
    """A console for a stream; where it is no terminal lines are as long as they need to be.

    There, and where NO_COLOR is set, nothing but text is written.
    """
    terminal = stream.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=stream,
        highlight=False,
        soft_wrap=True,
        width=None if terminal else 1000,
        markup=False,
        emoji=False,
        force_terminal=terminal,
        no_color=plain,
        color_system=None if plain else "auto",
    )


def title_of(network: Network) -> str:
    """What a network is called."""
    return printable(network.name) or "the network"


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


def answer_text(answer: Answer, solutions: tuple[Solution, ...], stream: IO[str]) -> None:
    """Print an answer: the table of the best solution and what is known about all, or why there is none."""
    title = title_of(answer.network)
    out = console(stream)
    if answer.best is not None:
        out.print(network_table(answer.network_solved, answer.best.shapes, answer.best.values))
        out.print()
        for line in found_lines(answer, answer.best):
            out.print(line)
        for rank, solution in enumerate(solutions[1:], 2):
            out.print(f"next    {solution_line(rank, solution, answer.best)}")
    elif answer.status == "unsolvable":
        out.print(f"none    no values fit: {title} cannot have the sizes that are stated")
        more = len(answer.reasons) - MOST_REASONS
        lines = [str(why) for why in answer.reasons[:MOST_REASONS]] + [f"and {more} more"] * (more > 0)
        for line in (*lines, answer.hint):
            if line:
                out.print(f"        {line}")
    else:
        out.print(f"open    not decided: {answer.reason}")


def found_lines(answer: Answer, best: Solution) -> Iterator[str]:
    """What was found, how sure it is, and what would settle it."""
    if not best.values:
        yield "found   nothing is unknown, and every size agrees"
        return
    number = len(best.values)
    yield f"found   {number} value{'s' if number > 1 else ''}, marked {MARK}, by {answer.engine}; {count_text(answer)}"
    if best.probability is not None and answer.count != 1:
        yield f"sure    {percent(best.probability)} by the habits of authors"
    if answer.forced and len(answer.forced) < number:
        names = ", ".join(f"{key} = {value_text(value)}" for key, value in answer.forced.items())
        yield f"forced  {names}"
    for hint in answer.hints:
        yield f"hint    {hint.text}"


def count_text(answer: Answer) -> str:
    """How many assignments fit."""
    if answer.count is None:
        return "how many others fit is not known"
    if answer.count == 1:
        return "nothing else fits"
    digits = str(answer.count)
    shown = f"{answer.count:,}" if len(digits) <= LONG else f"{digits[0]}.{digits[1:3]} * 10^{len(digits) - 1}"
    return f"{shown} assignments fit"


def percent(probability: float) -> str:
    """A probability that never claims more than it knows."""
    if probability > 0.9995:  # noqa: PLR2004 - rounding would make it a certainty
        return "over 99.9%"
    return f"{100 * probability:.1f}%" if probability >= 0.001 else "under 0.1%"  # noqa: PLR2004


def header_text(answer: Answer) -> str:
    """The line above a stream of solutions."""
    return f"{title_of(answer.network)}: {answer.status}, {count_text(answer)}"


def solution_line(rank: int, solution: Solution, best: Solution | None = None) -> str:
    """One solution in a line; next to the best one, only what differs from it."""
    values = {key: value for key, value in solution.values.items() if best is None or best.values[key] != value}
    chance = "" if solution.probability is None else f"  {percent(solution.probability)}"
    return f"{rank}{chance}  " + ", ".join(f"{key} = {value_text(value)}" for key, value in values.items())


def proof_line(verdicts: list[bool | None], reason: str = "") -> str:
    """What z3 says of the solutions."""
    if False in verdicts:
        return "proved  NO: z3 disagrees"
    if None in verdicts:
        return f"proved  not in time: {reason}"
    if len(verdicts) > 1:
        return f"proved  z3's joint constraints of the whole network hold for all {len(verdicts)}"
    return "proved  z3's joint constraints of the whole network hold"


def run_line(run: Verification) -> str:
    """What torch says."""
    if mismatch := run.mismatch:
        got = (
            f"torch says: {printable(mismatch.error, keep=chr(10))}"
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
        out.print(f"check   NO: {line}{check.problem}")
