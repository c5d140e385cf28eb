"""Answers as text. Every text is made from the plain data of an answer."""

import os
import textwrap
from collections.abc import Iterator, Mapping
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from netsolve.answer import Answer, Solution
from netsolve.errors import printable
from netsolve.network import Network
from netsolve.queries import Check
from netsolve.report.rows import MARK, rows_of, size_text, value_text
from netsolve.report.table import PLAIN, UNICODE, table
from netsolve.verification import Verification

MOST_REASONS = 10
LONG = 20
"""Counts of more digits are shortened."""
NARROWEST = 40
LABEL = 8
"""The width of the word that begins a line: found, sure, hint."""

TIED = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
STYLES = {"head": "bold", "rule": "dim", "guide": "dim", "block": "bold", "found": "bold green", "note": "dim", "": ""}
ALL = "some layers are folded; --full shows all"


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


def width_of(stream: IO[str]) -> int | None:
    """The signs in a line of a terminal, or as many as COLUMNS says; None where neither sets a limit."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < LABEL and int(columns):
        return max(int(columns), NARROWEST)
    return max(console(stream).width, NARROWEST) if stream.isatty() else None


def title_of(network: Network) -> str:
    """What a network is called."""
    return printable(network.name) or "the network"


def say(line: str, stream: IO[str]) -> None:
    """Print a line that begins with a word; where there is a width its rest is kept clear of that word."""
    width = width_of(stream)
    for part in line.split("\n"):
        for wrapped in [part] if width is None else _wrapped(part, width):
            stream.write(f"{wrapped}\n")


def _wrapped(line: str, width: int) -> list[str]:
    """A line in several; what is equal to what stays together."""
    tied = line.replace(" = ", TIED)
    return [part.replace(TIED, " = ") for part in textwrap.wrap(tied, width, subsequent_indent=" " * LABEL)] or [""]


def print_table(
    network: Network,
    shapes: Mapping[str, tuple[int, ...]],
    found: Mapping[str, Any],
    stream: IO[str],
    *,
    full: bool = False,
) -> None:
    """Print a row for each layer: its arguments, those that were found marked, and the shapes before and after it.

    On a terminal what repeats itself is folded unless `full`.
    """
    out = console(stream)
    signs = UNICODE if out.encoding.startswith("utf") else PLAIN
    fold = stream.isatty() and not full
    lines, short = table(rows_of(network, shapes, found), width_of(stream), signs, fold=fold)
    if out.color_system is None:
        stream.writelines("".join(text for text, _ in line) + "\n" for line in lines)
    else:
        for line in lines:
            out.print(Text.assemble(*((text, STYLES[style]) for text, style in line)))
    stream.write(f"({ALL})\n\n" if short else "\n")


def answer_text(answer: Answer, solutions: tuple[Solution, ...], stream: IO[str], *, full: bool = False) -> None:
    """Print an answer: the table of the best solution and what is known about all, or why there is none."""
    if answer.best is not None:
        print_table(answer.network_solved, answer.best.shapes, answer.best.values, stream, full=full)
    for line in answer_lines(answer, solutions):
        say(line, stream)


def answer_lines(answer: Answer, solutions: tuple[Solution, ...] = ()) -> Iterator[str]:
    """What is said below the table: what was found and how the next differ from it, or why there is nothing."""
    if answer.best is not None:
        yield from found_lines(answer, answer.best)
        for rank, solution in enumerate(solutions[1:], 2):
            yield f"next    {solution_line(rank, solution, answer.best)}"
    elif answer.status == "unsolvable":
        yield f"none    no values fit: {title_of(answer.network)} cannot have the sizes that are stated"
        more = len(answer.reasons) - MOST_REASONS
        lines = [str(why) for why in answer.reasons[:MOST_REASONS]] + [f"and {more} more"] * (more > 0)
        yield from (f"        {line}" for line in (*lines, answer.hint) if line)
    else:
        yield f"open    not decided: {answer.reason}"


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
    return f"{100 * probability:.1f}%" if probability >= 0.001 else "under 0.1%"  # noqa: PLR2004 - what the format shows as 0.1%


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
    if count == 0:
        return f"run     not done ({run.reason}): nothing was compared"
    agreed = "its shape agrees" if count == 1 else f"all {count} shapes agree"
    if run.verified is None:
        return f"run     not on the CPU ({run.reason}); on torch's meta device {agreed} ({run.parameters:,} parameters)"
    return f"run     torch built it ({run.parameters:,} parameters), ran it on the CPU, and {agreed}"


def check_text(network: Network, check: Check, stream: IO[str], *, full: bool = False) -> None:
    """Print the sizes of a fully known network, as far as they agree."""
    if check.problem is None:
        print_table(network, check.shapes, {}, stream, full=full)
        say(f"total   {check.parameters:,} parameters", stream)
    else:
        line = f"line {check.problem.line}: " if check.problem.line else ""
        say(f"check   NO: {line}{check.problem}", stream)
