"""Answers as JSON, by the schema that the documentation states."""

import json
from typing import Any

from netsolve.answer import Answer, Solution
from netsolve.queries import Check
from netsolve.verification import Verification

SCHEMA_VERSION = 1
NOTHING = "no values of the question marks, within their ranges, fit"


DELETE = "\x7f"
"""The one sign of ASCII that JSON does not escape, and terminals may obey."""


def answer_json(
    answer: Answer,
    solutions: tuple[Solution, ...],
    verdicts: list[bool | None],
    run: Verification | None,
    conflict: dict[str, Any] | None = None,
) -> str:
    """An answer with what z3 said of each solution and torch of the first; conflict: why there is none."""
    first = None if run is None else run.verified
    rows = [
        solution_data(solution, proved, None if rank else first)
        for rank, (solution, proved) in enumerate(zip(solutions, verdicts, strict=True))
    ]
    return dump(header(answer) | {"solutions": rows} | ({"conflict": conflict} if conflict else {}))


def header(answer: Answer) -> dict[str, Any]:
    """All of an answer but its solutions."""
    reasons = [{"layer": why.where or None, "line": why.line, "text": why.text} for why in answer.reasons]
    hints = [{"layer": hint.layer or None, "text": hint.text} for hint in answer.hints]
    if answer.status == "unknown":
        hints += [{"layer": None, "text": f"not decided: {answer.reason}"}]
    if answer.hint:
        hints += [{"layer": None, "text": answer.hint}]
    conflict = {"reasons": reasons or [{"layer": None, "line": None, "text": NOTHING}], "changes": []}
    return {
        "schema_version": SCHEMA_VERSION,
        "status": answer.status,
        "name": answer.network.name or None,
        "count": answer.count,
        "unknowns": {} if answer.best is None else dict(answer.best.unknowns),
        "forced": dict(answer.forced),
        "hints": hints,
        "conflict": conflict if answer.status == "unsolvable" else None,
    }


def header_json(answer: Answer) -> str:
    """The first line of a stream: the answer without its solutions."""
    return line(header(answer))


def solution_json(solution: Solution) -> str:
    """One line of a stream."""
    return line(solution_data(solution, None, None))


def count_json(count: int | None, reason: str = "") -> str:
    """How many assignments there are; null where that is not known, and a hint that says why."""
    hints = [{"layer": None, "text": reason}] if reason else []
    return dump({"schema_version": SCHEMA_VERSION, "count": count, "hints": hints})


def solution_data(solution: Solution, proved: bool | None, verified: bool | None) -> dict[str, Any]:  # noqa: FBT001 - the states of two promises, in their order
    """One solution."""
    return {
        "values": dict(solution.values),
        "shapes": dict(solution.shapes),
        "probability": solution.probability,
        "proved": proved,
        "verified": verified,
    }


def check_json(check: Check, run: Verification | None) -> str:
    """A check of a fully known network."""
    problem = check.problem
    mismatch = None if run is None else run.mismatch
    return dump(
        {
            "schema_version": SCHEMA_VERSION,
            "status": "mismatch" if problem or mismatch else "agrees",
            "shapes": dict(check.shapes),
            "parameters": check.parameters,
            "problem": problem and {"layer": problem.where, "line": problem.line, "text": problem.text},
            "verified": None if run is None else run.verified,
            "mismatch": mismatch
            and {
                "layer": mismatch.layer,
                "predicted": mismatch.predicted,
                "measured": mismatch.measured,
                "error": mismatch.error,
            },
        }
    )


def dump(data: dict[str, Any]) -> str:
    """An object as text."""
    return _printable(json.dumps(data, indent=1, ensure_ascii=False))


def line(data: dict[str, Any]) -> str:
    """Data as JSON on one line."""
    return _printable(json.dumps(data, ensure_ascii=False))


def _printable(text: str) -> str:
    """JSON with signs that a terminal might obey escaped; as they are not ASCII they stand in strings alone."""
    if text.isascii() and DELETE not in text:  # what comes before it in ASCII is escaped by now
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
