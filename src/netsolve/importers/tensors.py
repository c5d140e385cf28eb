"""Tensors while a module is traced: what code asks of them is answered as far as it is known."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import fx

from netsolve.importers.extent import BATCH, Extent, RefusedError
from netsolve.importers.sizing import Open, Shape

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer

WAY_ON = "state that part as opaque, with the shape of its output"


class Traced(fx.Proxy):
    """A tensor while a module is traced.

    layer: the layer or input that gives it; sizes: its shape without batch as far as it is known, None where that is
    not even known to exist; dtype: as torch's, where torch was asked.
    """

    def __init__(self, node: fx.Node, tracer: "Tracer", layer: str, sizes: Shape | None) -> None:
        """Note where it comes from."""
        super().__init__(node, tracer)
        self.layer, self._sizes, self.dtype = layer, sizes, torch.float32
        self._faults = tracer.faults

    @property
    def sizes(self) -> Shape:
        """Its shape without batch. Raises RefusedError where a layer before it does not fit in kind."""
        if self._sizes is None:
            text = f"the shape after {self.layer} is not known: {self._faults[self.layer]}"
            raise RefusedError(text, "mend that layer first")
        return self._sizes

    @property
    def shape(self) -> tuple[Extent, ...]:
        """The batch, then what is known of each size and where it comes from."""
        return (Extent.of(BATCH, None), *(self.extent(i) for i in range(len(self.sizes))))

    def extents(self) -> list[Extent]:
        """All its sizes, the batch not counted; none where its shape is not known to exist."""
        return [self.extent(i) for i in range(len(self._sizes or ()))]

    def extent(self, index: int) -> Extent:
        """One size, the batch not counted."""
        size = self.sizes[index]
        return Extent.of(("of", size), None) if isinstance(size, Open) else Extent.of(("of", self.layer, index), size)

    def size(self, dim: int | None = None) -> Any:
        """As torch's."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """How many dimensions, the batch included."""
        return len(self.sizes) + 1

    ndimension = dim

    @property
    def ndim(self) -> int:
        """How many dimensions, the batch included."""
        return self.dim()

    @property
    def device(self) -> torch.device:
        """The CPU: nothing is computed."""
        return torch.device("cpu")

    @property
    def data(self) -> "Traced":
        """Itself."""
        return self

    is_cuda = is_sparse = is_nested = is_quantized = False
    requires_grad = True

    def __len__(self) -> int:
        """The number of samples, which nothing may depend on."""
        return Extent.of(BATCH, None).number()

    def __iter__(self) -> Iterator[Any]:
        """Samples one by one: refused."""
        text = "the code goes through the samples of a batch one by one"
        raise RefusedError(text, "use split, chunk or unbind along another dimension")

    def __bool__(self) -> bool:
        """Refused."""
        text = "what the code does next depends on the numbers in a tensor"
        raise RefusedError(text, f"take that decision out of forward, or {WAY_ON}")

    __int__ = __float__ = __index__ = __bool__

    def item(self) -> Any:
        """Refused."""
        return bool(self)

    tolist = numpy = item

    def __setitem__(self, key: Any, value: Any) -> None:
        """Refused."""
        text = "the code writes into a part of a tensor"
        raise RefusedError(text, f"put the parts together by torch.cat, or {WAY_ON}")


class Missing:
    """A result of a part that no layer stands for."""

    def __init__(self, text: str) -> None:
        """Note what to say where it is used."""
        self._text = text

    def __getattr__(self, name: str) -> Any:
        """Refused."""
        raise RefusedError(self._text, WAY_ON)

    def __iter__(self) -> Iterator[Any]:
        """As many of them as are asked for: (h, c) of an LSTM."""
        return iter((self, self))


def tensors_in(value: Any) -> list[Traced]:
    """All tensors in lists, tuples and dictionaries, in their order."""
    if type(value) is Traced:
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for entry in value for tensor in tensors_in(entry)]
    return []


def is_traced(values: Any) -> bool:
    """Whether there are some values, and all are tensors of the trace."""
    return bool(values) and all(type(value) is Traced for value in values)
