"""ONNX's nodes other than windows as torch's layers."""

from dataclasses import replace
from math import prod
from typing import Any

from netsolve.importers.onnx_graph import Node, Reading, RefusedError, Value, made, reads, spatial
from netsolve.ops.linear import Linear

THIRTEEN, ELEVEN = 13, 11
"""Versions of ONNX in which what a node takes has changed."""

ACTIVATIONS: dict[str, tuple[str, dict[str, tuple[str, float]]]] = {
    "Relu": ("ReLU", {}),
    "LeakyRelu": ("LeakyReLU", {"negative_slope": ("alpha", 0.01)}),
    "Elu": ("ELU", {"alpha": ("alpha", 1.0)}),
    "Celu": ("CELU", {"alpha": ("alpha", 1.0)}),
    "Selu": ("SELU", {}),
    "Sigmoid": ("Sigmoid", {}),
    "HardSigmoid": ("Hardsigmoid", {}),
    "HardSwish": ("Hardswish", {}),
    "Tanh": ("Tanh", {}),
    "Softplus": ("Softplus", {}),
    "Softsign": ("Softsign", {}),
    "Gelu": ("GELU", {}),
    "Mish": ("Mish", {}),
    "Swish": ("SiLU", {}),
}
"""torch's class, and its arguments by ONNX's with their defaults."""

_UNCHANGED = "Abs Acos Asin Atan Cast Ceil Cos Erf Exp Floor Identity Log Neg Not Reciprocal Round Sign Sin Sqrt Tan"
UNCHANGED = tuple(_UNCHANGED.split())
"""Nodes that change numbers and no size: they leave no layer."""


@reads(*ACTIVATIONS)
def activation(graph: Reading, node: Node) -> Value:
    """An activation."""
    name, columns = ACTIVATIONS[node.op]
    given = {key: node.number(attribute, default) for key, (attribute, default) in columns.items()}
    return graph.add(made(name, **given), graph.value(node), name=graph.wish(node))


@reads(*UNCHANGED)
def unchanged(graph: Reading, node: Node) -> Value:
    """Other numbers in the same shape."""
    return graph.value(node)


@reads("PRelu")
def prelu(graph: Reading, node: Node) -> Value:
    """ReLU with learned slopes."""
    return graph.add(made("PReLU", num_parameters=prod(graph.dims(node, 1))), graph.value(node), name=graph.wish(node))


@reads("Clip")
def clip(graph: Reading, node: Node) -> Value:
    """Numbers kept between two bounds: ReLU6, Hardtanh, or with one bound no layer."""
    x = graph.value(node)
    bounds: list[Any] = [node.attribute("min", "float"), node.attribute("max", "float")]
    for index in (1, 2):
        if node.opset >= ELEVEN and graph.given(node, index):
            bounds[index - 1] = (graph.numbers(node, index) or [None])[0]
    if None in bounds:
        return graph.add(made("ReLU"), x, name=graph.wish(node)) if bounds == [0, None] else x
    low, high = map(float, bounds)
    op = made("ReLU6") if (low, high) == (0, 6) else made("Hardtanh", min_val=low, max_val=high)
    return graph.add(op, x, name=graph.wish(node))


@reads("Softmax", "LogSoftmax")
def softmax(graph: Reading, node: Node) -> Value:
    """A softmax over one dimension."""
    axis = node.integer("axis", -1 if node.opset >= THIRTEEN else 1)
    return graph.add(made(node.op, dim=axis), graph.value(node), name=graph.wish(node))


@reads("Dropout")
def dropout(graph: Reading, node: Node) -> "tuple[Value | None, ...]":
    """A dropout."""
    ratio = (graph.numbers(node, 1) or [0.5])[0] if node.opset > ELEVEN else node.number("ratio", 0.5)
    return graph.add(made("Dropout", p=float(f"{ratio:.7g}")), graph.value(node), name=graph.wish(node)), None


@reads("BatchNormalization", "InstanceNormalization")
def norm(graph: Reading, node: Node) -> Value:
    """A norm a channel, with weights and biases."""
    x = graph.value(node)
    if graph.dims(node, 1) != (x.shape[0],):
        msg = f"its weight has the shape {list(graph.dims(node, 1))}, and the tensor {x.shape[0]} channels"
        raise RefusedError(msg)
    kind = "BatchNorm" if node.op == "BatchNormalization" else "InstanceNorm"
    given: dict[str, Any] = {"affine": True} if kind == "InstanceNorm" else {}
    axes = spatial(x) if kind == "InstanceNorm" or len(x.shape) > 1 else 1
    op = made(f"{kind}{axes}d", eps=node.number("epsilon", 1e-5), **given)
    return graph.add(op, x, name=graph.wish(node))


@reads("LayerNormalization")
def layer_norm(graph: Reading, node: Node) -> Value:
    """A norm over the last dimensions."""
    x = graph.value(node)
    axis = node.integer("axis", -1) % (len(x.shape) + 1)
    if axis == 0:
        msg = "it normalises over the batch"
        raise RefusedError(msg)
    size = x.shape[axis - 1 :]
    op = made("LayerNorm", normalized_shape=size, eps=node.number("epsilon", 1e-5), bias=graph.given(node, 2))
    return graph.add(op, x, name=graph.wish(node))


@reads("GroupNormalization")
def group_norm(graph: Reading, node: Node) -> Value:
    """A norm over groups of channels."""
    op = made("GroupNorm", num_groups=node.integer("num_groups"), eps=node.number("epsilon", 1e-5))
    return graph.add(op, graph.value(node), name=graph.wish(node))


@reads("LRN")
def lrn(graph: Reading, node: Node) -> Value:
    """A norm over neighbouring channels."""
    numbers = {"alpha": node.number("alpha", 1e-4), "beta": node.number("beta", 0.75), "k": node.number("bias", 1.0)}
    op = made("LocalResponseNorm", size=node.integer("size"), **numbers)
    return graph.add(op, graph.value(node), name=graph.wish(node))


@reads("Gemm")
def gemm(graph: Reading, node: Node) -> Value:
    """A linear layer."""
    x, weight = graph.value(node), graph.dims(node, 1)
    if len(x.shape) != 1 or len(weight) != 2 or node.integer("transA"):  # noqa: PLR2004 - a matrix
        msg = "it is no linear map of features"
        raise RefusedError(msg)
    turned = (weight[1], weight[0]) if node.integer("transB") else (weight[0], weight[1])
    return linear(graph, node, x, turned, bias=graph.given(node, 2))


@reads("MatMul")
def matmul(graph: Reading, node: Node) -> Value:
    """A linear layer, where the second factor is a constant."""
    x, weight = graph.value(node), graph.dims(node, 1)
    if len(weight) != 2:  # noqa: PLR2004 - a matrix
        msg = f"its second factor has the shape {list(weight)}, which is no weight of a linear layer"
        raise RefusedError(msg)
    return linear(graph, node, x, (weight[0], weight[1]), bias=False)


def linear(graph: Reading, node: Node, x: Value, weight: tuple[int, int], *, bias: bool) -> Value:
    """A linear layer; its weight says how many features it takes, whatever becomes unknown before it."""
    features, out = weight
    if features != x.shape[-1]:
        msg = f"its weight takes {features} features, and the tensor has {x.shape[-1]}"
        raise RefusedError(msg)
    return graph.add(made("Linear", in_features=features, out_features=out, bias=bias), x, name=graph.wish(node))


JOINS = {"Add": "add", "Sum": "add", "Sub": "add", "Mul": "mul", "Div": "mul", "Max": "maximum"}


@reads(*JOINS, "Pow", "Min")
def join(graph: Reading, node: Node) -> Value:
    """Tensors met number by number; a constant leaves the shape, and so no layer, but for the bias of a linear one."""
    names = [name for name in node.proto.input if name]
    tensors = [graph.values[name] for name in names if name in graph.values]
    strange = [name for name in names if name not in graph.values and not graph.is_constant(name)]
    if strange or not tensors:
        msg = "an input of it is missing"
        raise RefusedError(msg)
    constants = [index for index, name in enumerate(node.proto.input) if graph.is_constant(name)]
    if constants:
        with_constants(graph, node, tensors, constants)
    if len(tensors) == 1:
        return tensors[0]
    if node.op not in JOINS:
        msg = "documents have no such join"
        raise RefusedError(msg)
    if len({len(x.shape) for x in tensors}) > 1:
        msg = f"it joins tensors of different ranks: {' and '.join(str(list(x.shape)) for x in tensors)}"
        raise RefusedError(msg)
    kind = JOINS[node.op]
    stretched = {"broadcast": True} if kind != "mul" and len({x.shape for x in tensors}) > 1 else {}
    return graph.add(made(kind, **stretched), *tensors, name=graph.wish(node))


def with_constants(graph: Reading, node: Node, tensors: list[Value], constants: list[int]) -> None:
    """Note the bias of a linear layer. Raises RefusedError for a constant that gives the tensor another shape."""
    whole = (graph.batch, *tensors[0].shape)
    for index in constants:
        dims = graph.dims(node, index)
        behind = whole[len(whole) - len(dims) :] if len(dims) <= len(whole) else ()
        if len(dims) > len(whole) or any(size not in {1, n} for size, n in zip(dims, behind, strict=True)):
            msg = f"a constant of the shape {list(dims)} stretches a tensor {list(tensors[0].shape)}"
            raise RefusedError(msg)
        layer = graph.layers.get(tensors[0].layer)
        plain = layer is not None and isinstance(layer.op, Linear) and not layer.op.bias
        once = graph.users.get(node.proto.input[1 - index] if index < 2 else "", 0) == 1  # noqa: PLR2004 - two inputs
        if plain and once and layer is not None and node.op == "Add" and dims == (layer.op.out_features,):  # type: ignore[attr-defined]  # it is Linear
            graph.layers[layer.name] = replace(layer, op=replace(layer.op, bias=True))  # type: ignore[call-arg]  # likewise


@reads("Concat")
def concat(graph: Reading, node: Node) -> Value:
    """Tensors side by side."""
    tensors = [graph.value(node, index) for index in range(len(node.proto.input))]
    return graph.add(made("cat", dim=node.integer("axis", 1)), *tensors, name=graph.wish(node))


@reads("Flatten")
def flatten(graph: Reading, node: Node) -> Value:
    """All behind the batch as one dimension."""
    x = graph.value(node)
    if node.integer("axis", 1) not in {1, -len(x.shape)}:
        msg = "it flattens the batch too"
        raise RefusedError(msg)
    return x if len(x.shape) == 1 else graph.add(made("Flatten"), x, name=graph.wish(node))


@reads("Reshape")
def reshape(graph: Reading, node: Node) -> Value:
    """Another shape for each sample."""
    x = graph.value(node)
    wanted = [int(size) for size in (node.ints("shape") or graph.numbers(node, 1) or ())]
    old = (graph.batch, *x.shape)
    keeps = not node.integer("allowzero")
    sizes = [old[i] if size == 0 and keeps and i < len(old) else size for i, size in enumerate(wanted)]
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or known <= 0 or prod(old) % known or (-1 not in sizes and known != prod(old)):
        msg = f"the shape {wanted} does not hold the numbers of {list(x.shape)}"
        raise RefusedError(msg)
    sizes = [prod(old) // known if size == -1 else size for size in sizes]
    if sizes[0] != graph.batch or len(sizes) < 2:  # noqa: PLR2004 - the batch and something
        msg = "it mixes the batch with other dimensions"
        raise RefusedError(msg)
    shape = tuple(sizes[1:])
    if shape == x.shape:
        return x
    return graph.add(made("Flatten") if len(shape) == 1 else made("reshape", shape=shape), x, name=graph.wish(node))


@reads("Transpose")
def transpose(graph: Reading, node: Node) -> Value:
    """Dimensions in another order."""
    x = graph.value(node)
    rank = len(x.shape) + 1
    order = node.ints("perm", rank) if node.ints("perm") is not None else tuple(reversed(range(rank)))
    if not order or order[0] != 0:
        msg = "it moves the batch"
        raise RefusedError(msg)
    return x if order == tuple(range(rank)) else graph.add(made("permute", dims=order), x, name=graph.wish(node))


def axes_of(graph: Reading, node: Node, rank: int) -> list[int]:
    """The dimensions that a node names, from the first; none of them the batch. None are named: an empty list."""
    found = sorted(int(axis) % rank for axis in (node.ints("axes") or graph.numbers(node, 1) or ()))
    if 0 in found:
        msg = "it names the batch"
        raise RefusedError(msg)
    return found


@reads("Squeeze")
def squeeze(graph: Reading, node: Node) -> Value:
    """Dimensions of size 1 removed."""
    x = graph.value(node)
    rank = len(x.shape) + 1
    axes = axes_of(graph, node, rank) or [axis for axis in range(1, rank) if x.shape[axis - 1] == 1]
    for axis in reversed(axes):
        x = graph.add(made("squeeze", dim=axis), x)
    return x


@reads("Unsqueeze")
def unsqueeze(graph: Reading, node: Node) -> Value:
    """Dimensions of size 1 put in."""
    x = graph.value(node)
    count = len(node.ints("axes") or graph.numbers(node, 1) or ())
    for axis in axes_of(graph, node, len(x.shape) + 1 + count):
        x = graph.add(made("unsqueeze", dim=axis), x)
    return x


@reads("ReduceMean", "ReduceMax")
def reduce(graph: Reading, node: Node) -> Value:
    """Dimensions taken together."""
    x = graph.value(node)
    axes = tuple(axes_of(graph, node, len(x.shape) + 1))
    if not axes:
        msg = "it takes all dimensions together, the batch too"
        raise RefusedError(msg)
    op = made("mean" if node.op == "ReduceMean" else "amax", dim=axes, keepdim=bool(node.integer("keepdims", 1)))
    return graph.add(op, x, name=graph.wish(node))


@reads("Split")
def split(graph: Reading, node: Node) -> "tuple[Value | None, ...]":
    """Parts along a dimension, each a layer where it is used."""
    x = graph.value(node)
    axis, count = node.integer("axis") % (len(x.shape) + 1), len(node.proto.output)
    if axis == 0:
        msg = "it splits the batch"
        raise RefusedError(msg)
    whole = x.shape[axis - 1]
    part = -(-whole // count)
    sizes = [int(size) for size in (node.ints("split") or graph.numbers(node, 1) or ())]
    sizes = sizes or [max(min(part, whole - part * i), 0) for i in range(count)]
    if len(sizes) != count or sum(sizes) != whole or min(sizes) < 1:
        msg = f"its parts {sizes} do not make up {whole}"
        raise RefusedError(msg)
    found: list[Value | None] = []
    for index, size in enumerate(sizes):
        used = graph.users.get(node.proto.output[index], 0)
        op = made("narrow", dim=axis, start=sum(sizes[:index]), length=size)
        found.append(graph.add(op, x) if used else None)
    return tuple(found)


@reads("Slice")
def cut(graph: Reading, node: Node) -> Value:
    """A part along each of some dimensions."""
    x = graph.value(node)
    rank = len(x.shape) + 1
    starts = list(node.ints("starts") or graph.numbers(node, 1) or ())
    ends = list(node.ints("ends") or graph.numbers(node, 2) or ())
    axes = list(node.ints("axes") or graph.numbers(node, 3) or range(len(starts)))
    steps = (graph.numbers(node, 4) if node.opset >= 10 else None) or [1] * len(starts)  # noqa: PLR2004 - then came steps
    if not len(starts) == len(ends) == len(axes) == len(steps) <= rank:
        msg = "its starts, ends and axes are not equally many"
        raise RefusedError(msg)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        n = (graph.batch, *x.shape)[axis % rank]
        first, last, _ = slice(int(start), int(end)).indices(n)
        if step != 1 or last <= first or (axis % rank == 0 and last - first < n):
            msg = "it takes no run of cells" if axis % rank else "it cuts the batch"
            raise RefusedError(msg)
        if last - first < n:
            x = graph.add(made("narrow", dim=int(axis) % rank, start=first, length=last - first), x)
    return x


@reads("DepthToSpace", "SpaceToDepth")
def shuffle(graph: Reading, node: Node) -> Value:
    """Channels moved into space, or back."""
    x, factor = graph.value(node), node.integer("blocksize")
    if node.op == "SpaceToDepth":
        return graph.add(made("PixelUnshuffle", downscale_factor=factor), x, name=graph.wish(node))
    if node.text("mode", "DCR") == "DCR":
        graph.warn(node, "PixelShuffle takes the channels in another order; the sizes are the same")
    return graph.add(made("PixelShuffle", upscale_factor=factor), x, name=graph.wish(node))


@reads("Gather")
def embedding(graph: Reading, node: Node) -> Value:
    """A row of a table for each index."""
    data = node.proto.input[0] if node.proto.input else ""
    dims = graph.dims(node, 0) if graph.is_constant(data) else ()
    if len(dims) != 2 or node.integer("axis"):  # noqa: PLR2004 - a table
        msg = "it is no table's rows"
        raise RefusedError(msg)
    return graph.add(made("Embedding", num_embeddings=dims[0], embedding_dim=dims[1]), graph.value(node, 1))
