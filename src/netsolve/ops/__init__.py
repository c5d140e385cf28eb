"""The operators: what a layer can be. Importing this package registers them all."""

from importlib import import_module
from pkgutil import iter_modules

from netsolve.ops.base import OPERATORS, Operator

__all__ = ["OPERATORS", "Operator", "register_all"]


def register_all() -> None:
    """Import every module of this package; each registers the operators that it declares."""
    for name in sorted(module.name for module in iter_modules(__path__)):
        import_module(f"{__name__}.{name}")


register_all()
