"""What an ONNX graph computes of constants and of shapes, before anything runs: small arrays only."""

from collections.abc import Callable
from math import prod
from typing import Any

from netsolve.importers.onnx_graph import MOST_NUMBERS, Node, Reading, RefusedError, array

ATTRIBUTES = ("value_int", "value_ints", "value_float", "value_floats")


def folded(graph: Reading, node: Node) -> bool:
    """Whether a node gives a constant, which is noted. Raises RefusedError for one that is malformed."""
    if node.op == "Constant":
        found = constant(node)
    elif node.op == "Shape" and node.proto.input and node.proto.input[0] in graph.values:
        found = shape(graph, node)
    elif node.op in FOLDS and node.proto.input and all(graph.is_constant(name) for name in node.proto.input if name):
        given = [graph.constant(name) if name else None for name in node.proto.input]
        try:
            found = FOLDS[node.op](node, *given)
        except (ValueError, IndexError, TypeError, ArithmeticError, MemoryError) as error:
            msg = f"its constants do not go together: {str(error)[:100]}"
            raise RefusedError(msg) from None
    else:
        return False
    small(found.size)
    graph.constants[node.proto.output[0]] = found
    return True


def small(numbers: int) -> None:
    """Refuse a constant of so many numbers where they are too many; asked before it is made."""
    if numbers > MOST_NUMBERS:
        msg = f"it gives a constant with more than {MOST_NUMBERS} numbers"
        raise RefusedError(msg)


def constant(node: Node) -> Any:
    """The array of a Constant."""
    import numpy as np  # noqa: PLC0415 - onnx brings it

    tensor = node.attribute("value", "tensor")
    if tensor is not None:
        return array(tensor)
    for name in ATTRIBUTES:
        found = node.attribute(name, name.removeprefix("value_"))
        if found is not None:
            return np.array(found if isinstance(found, int | float) else list(found))
    msg = "it holds no numbers"
    raise RefusedError(msg)


def shape(graph: Reading, node: Node) -> Any:
    """The shape of a tensor, with the batch that the file has, or 1."""
    import numpy as np  # noqa: PLC0415 - onnx brings it

    sizes = (graph.batch, *graph.value(node).shape)
    end = node.attribute("end", "int")
    return np.array(sizes[node.integer("start") : end], dtype=np.int64)


def _axes(node: Node, given: Any) -> tuple[int, ...]:
    return tuple(int(axis) for axis in (given.reshape(-1).tolist() if given is not None else node.ints("axes") or ()))


def gather(node: Node, data: Any, indices: Any) -> Any:
    """Some rows."""
    small(indices.size * data.size // max(data.shape[node.integer("axis")], 1))
    return data.take(indices.astype("int64"), axis=node.integer("axis"))


def concat(node: Node, *parts: Any) -> Any:
    """Arrays behind one another."""
    import numpy as np  # noqa: PLC0415 - onnx brings it

    small(sum(part.size for part in parts))
    return np.concatenate(parts, axis=node.integer("axis"))


def unsqueeze(node: Node, data: Any, axes: Any = None) -> Any:
    """Dimensions of size 1 put in."""
    import numpy as np  # noqa: PLC0415 - onnx brings it

    return np.expand_dims(data, _axes(node, axes))


def squeeze(node: Node, data: Any, axes: Any = None) -> Any:
    """Dimensions of size 1 left out."""
    return data.squeeze(_axes(node, axes) or None)


def cut(node: Node, data: Any, *given: Any) -> Any:
    """A part, from starts to ends along axes by steps."""
    starts, ends, axes, steps = (*given, *[None] * 4)[:4]
    first = starts.tolist() if starts is not None else list(node.ints("starts") or ())
    last = ends.tolist() if ends is not None else list(node.ints("ends") or ())
    at = axes.tolist() if axes is not None else list(node.ints("axes") or range(len(first)))
    by = steps.tolist() if steps is not None else [1] * len(first)
    parts = [slice(None)] * data.ndim
    for axis, start, end, step in zip(at, first, last, by, strict=True):
        parts[axis] = slice(start, end, step)
    return data[tuple(parts)]


def arithmetic(name: str) -> Callable[..., Any]:
    """A function of two arrays."""

    def compute(node: Node, left: Any, right: Any) -> Any:
        import numpy as np  # noqa: PLC0415 - onnx brings it

        del node
        whole = name == "divide" and left.dtype.kind in "iu"
        small(left.size * right.size)
        with np.errstate(all="raise"):
            return getattr(np, "floor_divide" if whole else name)(left, right)

    return compute


def same(node: Node, data: Any, *others: Any) -> Any:
    """The array as it is."""
    del node, others
    return data


def cast(node: Node, data: Any) -> Any:
    """Whole numbers, or others."""
    return data.astype("int64" if node.integer("to") in {6, 7} else "float64")


def rounded(name: str) -> Callable[..., Any]:
    """A function of one array."""

    def compute(node: Node, data: Any) -> Any:
        import numpy as np  # noqa: PLC0415 - onnx brings it

        del node
        return getattr(np, name)(data)

    return compute


def filled(node: Node, sizes: Any) -> Any:
    """One number everywhere."""
    import numpy as np  # noqa: PLC0415 - onnx brings it

    small(prod(sizes.tolist()))
    tensor = node.attribute("value", "tensor")
    value = array(tensor).reshape(-1)[0] if tensor is not None else np.float32(0)
    return np.full(sizes.tolist(), value)


def reshaped(node: Node, data: Any, sizes: Any) -> Any:
    """Another shape."""
    del node
    return data.reshape([data.shape[i] if size == 0 else size for i, size in enumerate(sizes.tolist())])


def transposed(node: Node, data: Any) -> Any:
    """Dimensions in another order."""
    return data.transpose(node.ints("perm"))


FOLDS: dict[str, Callable[..., Any]] = {
    "Add": arithmetic("add"),
    "Cast": cast,
    "Ceil": rounded("ceil"),
    "Concat": concat,
    "ConstantOfShape": filled,
    "Div": arithmetic("divide"),
    "Floor": rounded("floor"),
    "Gather": gather,
    "Identity": same,
    "Mul": arithmetic("multiply"),
    "Reshape": reshaped,
    "Slice": cut,
    "Squeeze": squeeze,
    "Sub": arithmetic("subtract"),
    "Transpose": transposed,
    "Unsqueeze": unsqueeze,
}
"""What computes a constant of constants, by the type of the node."""
