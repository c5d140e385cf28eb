"""`view` and `reshape` as the layers they mean: flattening, unflattening, or another shape."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netsolve.importers.extent import Extent, RefusedError, Size, known
from netsolve.importers.tensors import WAY_ON

if TYPE_CHECKING:
    from netsolve.importers.tensors import Traced
    from netsolve.importers.tracing import Tracer

Make = Callable[..., Any]

REMEDY = f"write x.flatten(1), or x.view(x.size(0), ...), or {WAY_ON}"


def reshaped(tracer: "Tracer", operator: Make, x: "Traced", shape: tuple[Any, ...]) -> Any:
    """A tensor in another shape. Raises RefusedError where the batch does not stay what it is."""
    if not shape or not _is_batch(shape):
        raise RefusedError("view or reshape does not leave the batch alone", REMEDY)
    old, new, start = _differing(list(x.shape[1:]), list(shape[1:]))
    if old and len(new) > 1 and (count := _tail(new[-1], old)):
        end = start + len(old)
        flat = operator(tracer, "Flatten", start_dim=end - count + 1, end_dim=end)
        return reshaped(tracer, operator, tracer.add(flat, x), shape)
    found = _ones(tracer, operator, x, old, new, start)
    if found is not None:
        return found
    if len(new) == 1 and (_is_rest(new[0]) or _is_product(new[0], old)):
        if len(old) == 1:
            return x
        end = -1 if start + len(old) == len(x.sizes) else start + len(old)
        return tracer.add(operator(tracer, "Flatten", start_dim=start + 1, end_dim=end), x)
    if len(old) == 1 and len(new) > 1:
        return tracer.add(operator(tracer, "Unflatten", dim=start + 1, unflattened_size=new), x)
    whole = list(shape[1:])
    return tracer.add(operator(tracer, "reshape", shape=whole if len(whole) > 1 else whole[0]), x)


def _differing(old: list[Any], new: list[Any]) -> tuple[list[Any], list[Any], int]:
    """Two shapes without the sizes that they begin and end with alike, and how many they begin with."""
    start = 0
    while old and new and _same(old[-1], new[-1]):
        old, new = old[:-1], new[:-1]
    while old and new and _same(old[0], new[0]):
        old, new = old[1:], new[1:]
        start += 1
    return old, new, start


def _ones(  # noqa: PLR0913, PLR0917 - what reshaped knows
    tracer: "Tracer", operator: Make, x: "Traced", old: list[Any], new: list[Any], start: int
) -> Any:
    """The tensor with sizes of 1 put in or taken out, where nothing else differs; otherwise None."""
    if old and (new or not all(known(size) == 1 for size in old)):
        return None
    for _ in new:
        x = tracer.add(operator(tracer, "unsqueeze", dim=start + 1), x)
    for _ in old:
        x = tracer.add(operator(tracer, "squeeze", dim=start + 1), x)
    return x


def _is_batch(shape: tuple[Any, ...]) -> bool:
    """Whether the first entry of a new shape is the batch."""
    first, rest = shape[0], shape[1:]
    if isinstance(first, Extent):
        return first.is_batch
    return first == -1 and bool(rest) and not any(_is_rest(entry) for entry in rest)


def _is_rest(size: Any) -> bool:
    return isinstance(size, int) and size == -1


def _same(a: Size, b: Size) -> bool:
    """Whether two sizes are known to be one."""
    if _is_rest(b):
        return False
    if isinstance(a, Extent) and isinstance(b, Extent) and a.terms == b.terms:
        return True
    return known(a) is not None and known(a) == known(b)


def _is_product(size: Size, sizes: list[Extent]) -> bool:
    """Whether code computed a size as the product of these."""
    whole: Any = 1
    for each in sizes:
        whole = each * whole
    if not isinstance(size, Extent):
        return False
    return _same(whole, size)


def _tail(size: Size, sizes: list[Extent]) -> int:
    """How many of the last sizes code multiplied for this one; 0 where it is no product of them."""
    counts = range(2, len(sizes) + 1)
    return next((n for n in counts if _is_product(size, sizes[-n:])), 0)
