"""Lazy classes infer their input, as every layer does here: other names of the same operators.

Source: torch.nn.LazyConv1d and kin.
"""

from netsolve.ops import conv, linear, pointwise, transposed  # noqa: F401 - they register what is named here
from netsolve.ops.base import alias

for _name in ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm"):
    for _axes in (1, 2, 3):
        alias(f"Lazy{_name}{_axes}d", f"{_name}{_axes}d")
alias("LazyLinear", "Linear")
