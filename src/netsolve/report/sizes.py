"""Sizes as text and JSON."""

from collections.abc import Iterator
from typing import Any

from netsolve.domain import Domain
from netsolve.report.json import SCHEMA_VERSION, dump
from netsolve.report.rows import size_text
from netsolve.sizing import Block, Boundary, Inputs, Sizes

BAR = 64
"""How many cells a picture of inputs is wide."""

MOST_BLOCKS = 4
MOST_RANGES = 12


def sizes_lines(found: Sizes) -> Iterator[str]:
    """What can be reached, then what other inputs give."""
    if any(domain is not None and not domain.ranges for domain in found.shape) or not found.shape:
        yield f"reached nothing after {found.at}: no values fit with the input that is written"
    else:
        yield reached_text(found)
    if found.inputs is not None:
        yield from inputs_lines(found.inputs)


def reached_text(found: Sizes) -> str:
    """The sizes that can be reached."""
    shape = " x ".join(map(domain_text, found.shape))
    some = "" if found.exact else " at most (too many combinations to try each)"
    results = found.network.results
    others = f", one of {len(results)} outputs (--at NAME for another layer)" if len(results) > 1 else ""
    return f"reached {shape} after {found.at}{some}{others}"


def domain_text(domain: Domain | None) -> str:
    """The values of a size."""
    if domain is None:
        return "any"
    if not domain.ranges:
        return "nothing"
    shown = "|".join(str(domain).split("|")[:MOST_RANGES])
    return shown if shown == str(domain) else f"{shown}|...|{domain.high}"


def inputs_lines(inputs: Inputs) -> Iterator[str]:
    """Which inputs are accepted, what they give, and which lose no cell."""
    yield f"looked  at inputs {inputs.low}..{inputs.high}, all spatial sizes alike"
    end = f" (and on: {inputs.high} is where the search ends)" if inputs.high in inputs.accepted else ""
    yield f"accept  {inputs.accepted}{end}"
    yield f"        {bar(inputs)}"
    for block in inputs.blocks[:MOST_BLOCKS]:
        yield f"gives   {block_text(block)}"
    if len(inputs.blocks) > MOST_BLOCKS:
        yield f"        {rest_text(inputs)}"
    whole = str(inputs.exact)
    said = "each of them loses a cell to a floor" if whole == "none" else "no floor loses a cell"
    yield f"whole   {whole}: {said}"
    yield from (f"run     {boundary_text(boundary)}" for boundary in inputs.boundaries)


def bar(inputs: Inputs) -> str:
    """A picture: where inputs are accepted (#), in part (+), or not (.)."""
    count = inputs.high - inputs.low + 1
    width = min(BAR, count)
    cells = []
    for cell in range(width):
        first, last = inputs.low + cell * count // width, inputs.low + (cell + 1) * count // width
        hits = sum(size in inputs.accepted for size in range(first, last))
        cells.append("#" if hits == last - first else "+" if hits else ".")
    return f"{inputs.low} {''.join(cells)} {inputs.high}"


def block_text(block: Block) -> str:
    """Which inputs give an output."""
    span = str(block.low) if block.low == block.high else f"{block.low}..{block.high}"
    return f"{size_text(block.shape)} for {span}"


def rest_text(inputs: Inputs) -> str:
    """What further inputs give."""
    if inputs.step is None:
        return f"and {len(inputs.blocks) - MOST_BLOCKS} more ranges, the last {block_text(inputs.blocks[-1])}"
    length, rise = inputs.step
    grown = max(rise)
    return f"and so on: every {length} more give {grown} more, up to {block_text(inputs.blocks[-1])}"


def boundary_text(boundary: Boundary) -> str:
    """What torch made of an input at an edge."""
    verb = "ran" if boundary.accepted else f"refused at {boundary.layer}"
    if boundary.agrees is None:
        return f"{boundary.size}: {verb}, on torch's meta device"
    return (
        f"{boundary.size}: torch {verb}, as predicted" if boundary.agrees else f"{boundary.size}: NO, torch disagrees"
    )


def sizes_json(found: Sizes) -> str:
    """All of it."""
    inputs = found.inputs
    shape = [None if domain is None else [list(pair) for pair in domain.ranges] for domain in found.shape]
    return dump(
        {
            "schema_version": SCHEMA_VERSION,
            "name": found.network.name or None,
            "at": found.at,
            "shape": shape,
            "exact": found.exact,
            "inputs": None if inputs is None else inputs_data(inputs),
        }
    )


def inputs_data(inputs: Inputs) -> dict[str, Any]:
    """What inputs give."""
    return {
        "low": inputs.low,
        "high": inputs.high,
        "accepted": pattern_data(inputs.accepted),
        "lossless": pattern_data(inputs.exact),
        "outputs": [{"low": b.low, "high": b.high, "shape": list(b.shape)} for b in inputs.blocks],
        "run": [
            {"size": b.size, "accepted": b.accepted, "agrees": b.agrees, "layer": b.layer or None}
            for b in inputs.boundaries
        ],
    }


def pattern_data(pattern: Any) -> dict[str, Any]:
    """A set: ranges, and from `start` on residues."""
    return {
        "ranges": [list(pair) for pair in pattern.ranges],
        "start": pattern.start if pattern.residues else None,
        "modulus": pattern.modulus if pattern.residues else None,
        "residues": list(pattern.residues),
    }
