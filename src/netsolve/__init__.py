"""netsolve: which paddings, kernels and strides did the paper use? Found, proved, and run in torch."""

from typing import TYPE_CHECKING, Any

from netsolve.errors import DocumentError, FaultError, Mistake, NetsolveError, TorchError, UndecidedError, UsageError

if TYPE_CHECKING:
    from netsolve.answer import Answer, Solution
    from netsolve.batch import Outcome, solve_many
    from netsolve.blank import unknown
    from netsolve.conflicts.base import Change, Conflict, Reason, Statement
    from netsolve.conflicts.repairs import Repair
    from netsolve.document import load, loads
    from netsolve.domain import Unknown
    from netsolve.importers.modules import from_module, solve_module
    from netsolve.importers.onnx import from_onnx
    from netsolve.importers.repairing import explain, repair
    from netsolve.importers.summary import with_summary
    from netsolve.network import Layer, Network
    from netsolve.queries import Check, check, count, solve
    from netsolve.sizing import Inputs, Sizes, sizes
    from netsolve.verification import Verification

__version__ = "0.1.0"

_HOMES = {
    "Answer": "answer",
    "Change": "conflicts.base",
    "Check": "queries",
    "Conflict": "conflicts.base",
    "Inputs": "sizing",
    "Layer": "network",
    "Network": "network",
    "Outcome": "batch",
    "Reason": "conflicts.base",
    "Repair": "conflicts.repairs",
    "Sizes": "sizing",
    "Solution": "answer",
    "Statement": "conflicts.base",
    "Unknown": "domain",
    "Verification": "verification",
    "check": "queries",
    "count": "queries",
    "explain": "importers.repairing",
    "from_module": "importers.modules",
    "from_onnx": "importers.onnx",
    "load": "document",
    "loads": "document",
    "repair": "importers.repairing",
    "sizes": "sizing",
    "solve": "queries",
    "solve_many": "batch",
    "solve_module": "importers.modules",
    "unknown": "blank",
    "with_summary": "importers.summary",
}

__all__ = [
    "Answer",
    "Change",
    "Check",
    "Conflict",
    "DocumentError",
    "FaultError",
    "Inputs",
    "Layer",
    "Mistake",
    "NetsolveError",
    "Network",
    "Outcome",
    "Reason",
    "Repair",
    "Sizes",
    "Solution",
    "Statement",
    "TorchError",
    "UndecidedError",
    "Unknown",
    "UsageError",
    "Verification",
    "check",
    "count",
    "explain",
    "from_module",
    "from_onnx",
    "load",
    "loads",
    "repair",
    "sizes",
    "solve",
    "solve_many",
    "solve_module",
    "unknown",
    "with_summary",
]


def __getattr__(name: str) -> Any:
    """Import a part of the library when it is first used."""
    from importlib import import_module  # noqa: PLC0415 - names are imported when they are first used

    if name not in _HOMES:
        msg = f"module 'netsolve' has no attribute {name!r}"
        raise AttributeError(msg)
    if _HOMES[name] == "importers.modules":
        from netsolve.errors import torch_needed  # noqa: PLC0415 - likewise

        with torch_needed():
            return getattr(import_module(f"netsolve.{_HOMES[name]}"), name)
    return getattr(import_module(f"netsolve.{_HOMES[name]}"), name)
