"""The operators: what a layer can be. Importing this package registers them all."""

# isort: off
from netsolve.ops import (
    conv,
    fold,
    join,
    linear,
    pad,
    pointwise,
    pool,
    reduce,
    resample,
    sequence,
    shape,
    transposed,
    unpool,
)
from netsolve.ops import lazy  # names what the others register

# isort: on
from netsolve.ops.base import OPERATORS, Operator

__all__ = [
    "OPERATORS",
    "Operator",
    "conv",
    "fold",
    "join",
    "lazy",
    "linear",
    "pad",
    "pointwise",
    "pool",
    "reduce",
    "resample",
    "sequence",
    "shape",
    "transposed",
    "unpool",
]
