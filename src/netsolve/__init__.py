"""netsolve: which paddings, kernels and strides did the paper use? Found, proved, and run in torch."""

from typing import TYPE_CHECKING, Any

from netsolve.errors import DocumentError, FaultError, Mistake, NetsolveError, TorchError, UndecidedError, UsageError

if TYPE_CHECKING:
    from netsolve.answer import Answer, Solution
    from netsolve.document import load, loads
    from netsolve.domain import Unknown
    from netsolve.importers.onnx import from_onnx
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
    "from_onnx": "importers.onnx",
    "load": "document",
    "loads": "document",
    "solve": "queries",
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
    "from_onnx",
    "load",
    "loads",
    "solve",
]


def __getattr__(name: str) -> Any:
    """Import a part of the library when it is first used."""
    from importlib import import_module  # noqa: PLC0415

    if name not in _HOMES:
        msg = f"module 'netsolve' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"netsolve.{_HOMES[name]}"), name)
