"""Answers as JSON, by the schema that the documentation states."""

import json
from typing import Any

from netsolve.answer import Answer, Solution
from netsolve.queries import Check
from netsolve.verification import Verification

SCHEMA_VERSION = 1


def answer_json(answer: Answer, proved: bool | None, run: Verification | None) -> str:  # noqa: FBT001
    """An answer with what z3 and torch said of its best solution."""
    verified = None if run is None else run.verified
    best = answer.best
    return _dump(
        {
            "schema_version": SCHEMA_VERSION,
            "status": answer.status,
            "name": answer.network.name or None,
            "count": answer.count,
            "unknowns": {} if best is None else dict(best.unknowns),
            "solutions": [] if best is None else [solution_data(best, proved, verified)],
            "forced": {},
            "hints": [],
            "conflict": {
                "reasons": [
                    {"layer": None, "line": None, "text": text} for text in (answer.reason, answer.hint) if text
                ],
                "changes": [],
            }
            if answer.status == "unsolvable"
            else None,
            "reason": answer.reason or None,
        }
    )


def solution_data(solution: Solution, proved: bool | None, verified: bool | None) -> dict[str, Any]:  # noqa: FBT001
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
    return _dump(
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


def _dump(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False)
