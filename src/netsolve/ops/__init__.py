"""The operators: what a layer can be. Importing this package registers them all."""

from netsolve.ops import conv, linear, pad, pointwise, pool, shape
from netsolve.ops.base import OPERATORS, Operator

__all__ = ["OPERATORS", "Operator", "conv", "linear", "pad", "pointwise", "pool", "shape"]
