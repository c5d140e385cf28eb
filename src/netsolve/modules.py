"""Torch modules for operators that have no class in torch.nn. Each takes the operator's arguments."""

from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn


class Add(nn.Module):
    """The sum of its inputs."""

    def __init__(self, *, broadcast: bool = False) -> None:
        """Note whether sizes of 1 may stretch."""
        super().__init__()
        self.broadcast = broadcast

    def forward(self, *inputs: Tensor) -> Tensor:
        """Shapes: equal, or stretching sizes of 1 where `broadcast` says so."""
        self._check(inputs)
        return reduce(torch.add, inputs)

    def _check(self, inputs: tuple[Tensor, ...]) -> None:
        shapes = {x.shape for x in inputs}
        if len(shapes) > 1 and not self.broadcast:
            msg = f"shapes differ: {', '.join(str(tuple(shape)) for shape in shapes)}"
            raise ValueError(msg)


class Maximum(Add):
    """The larger number at each place."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Shapes: as Add."""
        self._check(inputs)
        return reduce(torch.maximum, inputs)


class Mul(nn.Module):
    """The product of its inputs."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Shapes: as torch broadcasts them."""
        return reduce(torch.mul, inputs)


class Cat(nn.Module):
    """Its inputs side by side."""

    def __init__(self, dim: int = 1) -> None:
        """Note the dimension; 0 is the batch."""
        super().__init__()
        self.dim = dim

    def forward(self, *inputs: Tensor) -> Tensor:
        """Shapes: equal but for `dim`."""
        return torch.cat(inputs, self.dim)


class Opaque(nn.Module):
    """A stand-in for a layer of which only the output's shape is known."""

    def __init__(self, out: int | tuple[int, ...]) -> None:
        """Note the shape, without batch."""
        super().__init__()
        self.out = out if isinstance(out, tuple) else (out,)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Zeros of the stated shape."""
        return inputs[0].new_zeros(inputs[0].shape[0], *self.out)


def _alone(*others: Any) -> None:
    """Refuse a second input beside arguments that say the same. Raises ValueError."""
    if any(other is not None for other in others):
        msg = "a second input has as many axes, and stands instead of size and scale_factor"
        raise ValueError(msg)


class Upsample(nn.Upsample):
    """torch's Upsample, which with a second input takes its spatial size."""

    def forward(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        """Shapes: (N, C, *spatial), and `like` with as many axes."""
        if like is None:
            return super().forward(x)
        _alone(self.size, self.scale_factor, self.recompute_scale_factor or None)
        return nn.functional.interpolate(x, tuple(like.shape[2:]), mode=self.mode, align_corners=self.align_corners)


class CenterCrop(nn.Module):
    """The middle of each spatial axis; of an odd number of cells that go, one more goes at the end."""

    def __init__(self, size: int | tuple[int, ...] | None = None) -> None:
        """Note the size; None where a second input gives it."""
        super().__init__()
        self.size = size

    def forward(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        """Shapes: (N, C, *spatial). Raises ValueError where the crop is larger than the input."""
        axes = x.dim() - 2
        if like is not None:
            _alone(self.size, None if like.dim() == x.dim() else "another number of axes")
        sizes = tuple(like.shape[2:]) if like is not None else self.size
        for axis, size in enumerate(sizes if isinstance(sizes, tuple) else (sizes,) * axes, 2):
            if size is None or size > x.shape[axis]:
                msg = f"a crop to {sizes} is larger than {tuple(x.shape[2:])}"
                raise ValueError(msg)
            x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
        return x


class Reshape(nn.Module):
    """The same numbers in another shape."""

    def __init__(self, shape: int | tuple[int, ...]) -> None:
        """Note the shape, without batch; one size may be -1."""
        super().__init__()
        self.shape = shape if isinstance(shape, tuple) else (shape,)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, *old) to (N, *shape)."""
        return x.reshape(x.shape[0], *self.shape)


class _Call(nn.Module):
    """A function of torch with its arguments."""

    function: str

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.arguments = arguments

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: as torch's function has them."""
        result = getattr(torch, self.function)(x, **self.arguments)
        assert isinstance(result, Tensor)  # noqa: S101 - each of these functions returns one tensor
        return result

    def extra_repr(self) -> str:
        """The arguments, as torch's own modules show theirs."""
        return ", ".join(f"{key}={value}" for key, value in self.arguments.items())


class Narrow(_Call):
    """torch.narrow."""

    function = "narrow"


class Transpose(_Call):
    """torch.transpose."""

    function = "transpose"


class Squeeze(_Call):
    """torch.squeeze."""

    function = "squeeze"


class Unsqueeze(_Call):
    """torch.unsqueeze."""

    function = "unsqueeze"


class Mean(_Call):
    """torch.mean."""

    function = "mean"


class Amax(_Call):
    """torch.amax."""

    function = "amax"


class Permute(nn.Module):
    """torch.permute; the batch stays first."""

    def __init__(self, dims: int | tuple[int, ...]) -> None:
        """Note the dimensions, with or without the batch."""
        super().__init__()
        self.dims = dims if isinstance(dims, tuple) else (dims,)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, *sizes), in their new order."""
        return x.permute(self.dims if len(self.dims) == x.dim() else (0, *self.dims))


class _Indexed(nn.Module):
    """A max pool with return_indices: it returns the maxima, and their places ride along as `taken`."""

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: as the pool has them."""
        maxima, places = super().forward(x)
        maxima.taken = places
        return maxima  # type: ignore[no-any-return]  # torch.nn says Any, and returns a tensor


class MaxPool1d(_Indexed, nn.MaxPool1d):
    """torch's, with its places handed on."""


class MaxPool2d(_Indexed, nn.MaxPool2d):
    """torch's, with its places handed on."""


class MaxPool3d(_Indexed, nn.MaxPool3d):
    """torch's, with its places handed on."""


class AdaptiveMaxPool1d(_Indexed, nn.AdaptiveMaxPool1d):
    """torch's, with its places handed on."""


class AdaptiveMaxPool2d(_Indexed, nn.AdaptiveMaxPool2d):
    """torch's, with its places handed on."""


class AdaptiveMaxPool3d(_Indexed, nn.AdaptiveMaxPool3d):
    """torch's, with its places handed on."""


class FractionalMaxPool2d(_Indexed, nn.FractionalMaxPool2d):
    """torch's, with its places handed on."""


class FractionalMaxPool3d(_Indexed, nn.FractionalMaxPool3d):
    """torch's, with its places handed on."""


class _Unpool(nn.Module):
    """A max unpool whose second input is the output of a max pool with return_indices."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None) -> None:
        super().__init__(kernel_size, stride, padding)
        self.output_size = (output_size,) * self.axes if isinstance(output_size, int) else output_size

    axes: int

    def forward(self, x: Tensor, pooled: Tensor) -> Tensor:
        """Shapes: equal. Raises ValueError where the second input carries no places."""
        places = getattr(pooled, "taken", None)
        if places is None:
            msg = "the second input is not the output of a max pool with return_indices = true"
            raise ValueError(msg)
        return super().forward(x, places, self.output_size)  # type: ignore[no-any-return]  # torch.nn says Any, and returns a tensor


class MaxUnpool1d(_Unpool, nn.MaxUnpool1d):  # type: ignore[misc]  # its second input is a pool's output
    """torch's, fed by a pool."""

    axes = 1


class MaxUnpool2d(_Unpool, nn.MaxUnpool2d):  # type: ignore[misc]  # its second input is a pool's output
    """torch's, fed by a pool."""

    axes = 2


class MaxUnpool3d(_Unpool, nn.MaxUnpool3d):  # type: ignore[misc]  # its second input is a pool's output
    """torch's, fed by a pool."""

    axes = 3


class _Sequence(nn.Module):
    """A recurrent layer that returns its sequence alone, without the last state."""

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, L, features) to (N, L, width)."""
        return super().forward(x)[0]  # type: ignore[no-any-return]  # torch.nn says Any, and returns a tensor


class RNN(_Sequence, nn.RNN):  # type: ignore[misc]  # it returns less
    """torch's, without the last state."""


class GRU(_Sequence, nn.GRU):  # type: ignore[misc]  # it returns less
    """torch's, without the last state."""


class LSTM(_Sequence, nn.LSTM):  # type: ignore[misc]  # it returns less
    """torch's, without the last state."""


class MultiheadAttention(nn.MultiheadAttention):
    """torch's, of a sequence to itself unless a key (and a value) is given; without the attention weights."""

    def forward(self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None) -> Tensor:  # type: ignore[override]  # torch's own takes more, which no document has
        """Shapes: (N, L, embed_dim), and for key and value (N, S, kdim) and (N, S, vdim)."""
        key = query if key is None else key
        return super().forward(query, key, key if value is None else value, need_weights=False)[0]


class _SamePadded(nn.Module):
    """A convolution padded as TensorFlow's SAME: to ceil(size / stride), an odd cell at the end."""

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, *spatial)."""
        sides: list[int] = []
        arguments = (self.kernel_size, self.stride, self.dilation)
        for n, k, s, d in reversed(list(zip(x.shape[2:], *arguments, strict=True))):  # type: ignore[arg-type]  # attributes that mypy takes for tensors or modules
            total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
            sides += [total // 2, total - total // 2]
        return super().forward(nn.functional.pad(x, sides))  # type: ignore[no-any-return]  # torch.nn says Any, and returns a tensor


class SamePaddedConv1d(_SamePadded, nn.Conv1d):
    """torch's, padded as TensorFlow's SAME."""


class SamePaddedConv2d(_SamePadded, nn.Conv2d):
    """torch's, padded as TensorFlow's SAME."""


class SamePaddedConv3d(_SamePadded, nn.Conv3d):
    """torch's, padded as TensorFlow's SAME."""
