"""netsolve: which paddings, kernels and strides did the paper use? Found, proved, and run in torch."""

from typing import TYPE_CHECKING, Any

from netsolve.errors import DocumentError, FaultError, Mistake, NetsolveError, TorchError, UndecidedError, UsageError

if TYPE_CHECKING:
    from netsolve.answer import Answer, Solution
    from netsolve.blank import unknown
    from netsolve.document import load, loads
    from netsolve.domain import Unknown
    from netsolve.importers.modules import from_module, solve_module
    from netsolve.importers.summary import with_summary
    from netsolve.network import Layer, Network
    from netsolve.queries import Check, check, count, solve
    from netsolve.verification import Verification

__version__ = "0.1.0"

_HOMES = {
    "Answer": "answer",
    "Check": "queries",
    "Layer": "network",
    "Network": "network",
    "Solution": "answer",
    "Unknown": "domain",
    "Verification": "verification",
    "check": "queries",
    "count": "queries",
    "from_module": "importers.modules",
    "load": "document",
    "loads": "document",
    "solve": "queries",
    "solve_module": "importers.modules",
    "unknown": "blank",
    "with_summary": "importers.summary",
}

__all__ = [
    "Answer",
    "Check",
    "DocumentError",
    "FaultError",
    "Layer",
    "Mistake",
    "NetsolveError",
    "Network",
    "Solution",
    "TorchError",
    "UndecidedError",
    "Unknown",
    "UsageError",
    "Verification",
    "check",
    "count",
    "from_module",
    "load",
    "loads",
    "solve",
    "solve_module",
    "unknown",
    "with_summary",
]


def __getattr__(name: str) -> Any:
    """Import a part of the library when it is first used."""
    from importlib import import_module  # noqa: PLC0415

    if name not in _HOMES:
        msg = f"module 'netsolve' has no attribute {name!r}"
        raise AttributeError(msg)
    if _HOMES[name] == "importers.modules":
        from netsolve.errors import torch_needed  # noqa: PLC0415

        with torch_needed():
            return getattr(import_module(f"netsolve.{_HOMES[name]}"), name)
    return getattr(import_module(f"netsolve.{_HOMES[name]}"), name)
