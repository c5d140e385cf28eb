"""ONNX's convolutions, pools, pads and resizes as torch's layers."""

from math import inf, isfinite
from typing import Any

from netsolve.importers.onnx_graph import Node, Reading, RefusedError, Shape, Value, compact, made, reads, spatial

Sides = tuple[tuple[int, int], ...]
"""What is padded before and behind each axis."""


def sides_of(node: Node, x: Value, kernel: Shape, strides: Shape, dilations: Shape) -> Sides:
    """The padding of a window, also where ONNX works it out."""
    axes, mode = len(kernel), node.text("auto_pad", "NOTSET")
    if mode == "VALID":
        return ((0, 0),) * axes
    if mode == "NOTSET":
        pads = node.ints("pads", 2 * axes, 0) or ()
        return tuple(zip(pads[:axes], pads[axes:], strict=True))
    if mode not in {"SAME_UPPER", "SAME_LOWER"}:
        msg = "its auto_pad is none of NOTSET, VALID, SAME_UPPER, SAME_LOWER"
        raise RefusedError(msg)
    totals = (
        max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        for n, k, s, d in zip(x.shape[1:], kernel, strides, dilations, strict=True)
    )
    return tuple(halves(total, upper=mode == "SAME_UPPER") for total in totals)


def halves(total: int, *, upper: bool) -> tuple[int, int]:
    """A padding on two sides, an odd cell on the upper or on the lower one."""
    return (total // 2, total - total // 2) if upper else (total - total // 2, total // 2)


def positive(node: Node, name: str, count: int, default: int = 1) -> Shape:
    """Some positive integers."""
    found = node.ints(name, count, default) or ()
    if any(number < 1 for number in found):
        msg = f"its attribute {name} has a number below 1"
        raise RefusedError(msg)
    return found


def padded(graph: Reading, x: Value, sides: Sides, value: float = 0.0, name: str = "") -> Value:
    """An explicit pad layer before a window."""
    flat = tuple(side for pair in reversed(sides) for side in pair)
    if value:
        return graph.add(made(f"ConstantPad{len(sides)}d", padding=compact(flat), value=value), x, name=name)
    return graph.add(made(f"ZeroPad{len(sides)}d", padding=compact(flat)), x, name=name)


def symmetric(sides: Sides) -> bool:
    """Whether torch's windows can pad so themselves."""
    return all(first == last and first >= 0 for first, last in sides)


@reads("Conv")
def conv(graph: Reading, node: Node) -> Value:
    """A convolution; what is padded unequally is a layer before it."""
    x, weight = graph.value(node), graph.dims(node, 1)
    axes = spatial(x)
    if len(weight) != axes + 2 or 0 in weight:
        msg = f"its weight has the shape {list(weight)}, which does not go with a tensor {list(x.shape)}"
        raise RefusedError(msg)
    kernel = positive(node, "kernel_shape", axes) if node.ints("kernel_shape") else weight[2:]
    strides, dilations = positive(node, "strides", axes), positive(node, "dilations", axes)
    sides = sides_of(node, x, kernel, strides, dilations)
    padding: Any = compact(tuple(first for first, _ in sides))
    if not symmetric(sides):
        x, padding = padded(graph, x, sides), 0
    numbers = {
        "kernel_size": compact(kernel),
        "stride": compact(strides),
        "padding": padding,
        "dilation": compact(dilations),
    }
    bias = graph.given(node, 2)
    groups = node.integer("group", 1)
    numbers |= {"in_channels": x.shape[0], "out_channels": weight[0], "groups": groups}
    op = made(f"Conv{axes}d", bias=bias, **numbers)
    if weight[1] * groups != x.shape[0]:
        msg = f"its weight takes {weight[1] * groups} channels, and the tensor has {x.shape[0]}"
        raise RefusedError(msg)
    return graph.add(op, x, name=graph.wish(node))


@reads("ConvTranspose")
def conv_transpose(graph: Reading, node: Node) -> Value:
    """A transposed convolution; what is cut off unequally is output_padding, or a layer behind it."""
    x, weight = graph.value(node), graph.dims(node, 1)
    axes, groups = spatial(x), node.integer("group", 1)
    if len(weight) != axes + 2 or 0 in weight:
        msg = f"its weight has the shape {list(weight)}, which does not go with a tensor {list(x.shape)}"
        raise RefusedError(msg)
    kernel = positive(node, "kernel_shape", axes) if node.ints("kernel_shape") else weight[2:]
    strides, dilations = positive(node, "strides", axes), positive(node, "dilations", axes)
    added = node.ints("output_padding", axes, 0) or ()
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True))
    full = [(n - 1) * s + k + e for n, s, k, e in zip(x.shape[1:], strides, spans, added, strict=True)]
    sides = cut(node, x, strides, full)
    most = tuple(max(s, d) for s, d in zip(strides, dilations, strict=True))
    ends = tuple(e + first - last for e, (first, last) in zip(added, sides, strict=True))
    fits = all(0 <= e < m and first >= 0 for e, m, (first, _) in zip(ends, most, sides, strict=True))
    paddings = tuple(first if fits else max(min(first, last), 0) for first, last in sides)
    numbers = {"kernel_size": compact(kernel), "stride": compact(strides), "padding": compact(paddings)}
    op = made(
        f"ConvTranspose{axes}d",
        in_channels=x.shape[0],
        out_channels=weight[1] * groups,
        output_padding=compact(ends if fits else added),
        groups=groups,
        bias=graph.given(node, 2),
        dilation=compact(dilations),
        **numbers,
    )
    if weight[0] != x.shape[0]:
        msg = f"its weight takes {weight[0]} channels, and the tensor has {x.shape[0]}"
        raise RefusedError(msg)
    y = graph.add(op, x, name=graph.wish(node))
    if fits:
        return y
    return padded(graph, y, tuple((p - first, p - last) for p, (first, last) in zip(paddings, sides, strict=True)))


def cut(node: Node, x: Value, strides: Shape, full: list[int]) -> Sides:
    """What a transposed convolution cuts off on each side: as it says, or so that it gives a size."""
    axes, mode = len(strides), node.text("auto_pad", "NOTSET")
    wanted = node.ints("output_shape")
    if wanted is None and mode in {"SAME_UPPER", "SAME_LOWER"}:
        added = node.ints("output_padding", axes, 0) or ()  # comes on top, as onnx's own shape inference has it
        spare = (max(whole - e - n * s, 0) for whole, e, n, s in zip(full, added, x.shape[1:], strides, strict=True))
        return tuple(halves(total, upper=mode == "SAME_UPPER") for total in spare)
    if wanted is None:
        return sides_of(node, x, (1,) * axes, strides, strides)
    if len(wanted) not in {axes, axes + 2}:
        msg = f"its output_shape has {len(wanted)} numbers, not {axes}"
        raise RefusedError(msg)
    totals = [whole - size for whole, size in zip(full, wanted[-axes:], strict=True)]
    return tuple(halves(total, upper=mode == "SAME_UPPER") for total in totals)


@reads("MaxPool", "AveragePool", "LpPool")
def pool(graph: Reading, node: Node) -> Value:
    """A pool; what torch's pools cannot pad is a layer before it."""
    x = graph.value(node)
    axes = spatial(x)
    if node.ints("kernel_shape") is None:
        msg = "its attribute kernel_shape is missing"
        raise RefusedError(msg)
    kernel, strides = positive(node, "kernel_shape", axes), positive(node, "strides", axes)
    dilations = positive(node, "dilations", axes)
    if node.op != "MaxPool" and set(dilations) != {1}:
        msg = "torch's average pools have no dilation"
        raise RefusedError(msg)
    sides = sides_of(node, x, kernel, strides, dilations)
    ceil = bool(node.integer("ceil_mode")) and node.text("auto_pad", "NOTSET") in {"NOTSET", "VALID"}
    given: dict[str, Any] = {"kernel_size": compact(kernel), "stride": compact(strides), "ceil_mode": ceil}
    own = pads_itself(node, x, kernel, sides)
    included = bool(node.integer("count_include_pad"))
    if own and node.op != "LpPool":
        given["padding"] = compact(tuple(first for first, _ in sides))
    elif not own:
        before = x
        x = padded(graph, x, sides, -inf if node.op == "MaxPool" else 0.0)
        if node.op == "AveragePool" and not included:
            graph.warn(node, "the zeros of the pad layer before it count in its averages, which ONNX leaves out")
        included = True
        if ceil and ceiled(before, kernel, strides, dilations, sides) != ceiled(x, kernel, strides, dilations):
            msg = "it rounds up, and its padding is none that torch's pools have"
            raise RefusedError(msg)
    if node.op == "MaxPool":
        op = made(f"MaxPool{axes}d", dilation=compact(dilations), **given)
    elif node.op == "AveragePool":
        op = made(f"AvgPool{axes}d", count_include_pad=included, **given)
    else:
        op = made(f"LPPool{axes}d", norm_type=float(node.integer("p", 2)), **given)
    y = graph.add(op, x, name=graph.wish(node))
    if len(node.proto.output) > 1 and graph.users.get(node.proto.output[1]):
        msg = "its second output, the places of the maxima, is used"
        raise RefusedError(msg)
    return y


def pads_itself(node: Node, x: Value, kernel: Shape, sides: Sides) -> bool:
    """Whether torch's pool can pad so: at most half the kernel, equally; an AvgPool3d only what holds its kernel."""
    halved = symmetric(sides) and all(first <= k // 2 for (first, _), k in zip(sides, kernel, strict=True))
    if node.op == "LpPool":
        return not any(any(pair) for pair in sides)
    deep = node.op == "AveragePool" and x.axes == 3  # noqa: PLR2004 - AvgPool3d
    return halved and (not deep or all(n >= k for n, k in zip(x.shape[1:], kernel, strict=True)))


def ceiled(x: Value, kernel: Shape, strides: Shape, dilations: Shape, sides: Sides | None = None) -> list[int]:
    """The sizes after a window that rounds up; one that would start behind the input is left out."""
    found = []
    pads = sides or ((0, 0),) * len(kernel)
    for n, k, s, d, (first, last) in zip(x.shape[1:], kernel, strides, dilations, pads, strict=True):
        steps = -(-(n + first + last - d * (k - 1) - 1) // s)
        found.append(steps + 1 - (steps * s >= n + first))
    return found


@reads("GlobalAveragePool", "GlobalMaxPool")
def global_pool(graph: Reading, node: Node) -> Value:
    """A pool to one cell."""
    x = graph.value(node)
    kind = "Avg" if node.op == "GlobalAveragePool" else "Max"
    return graph.add(made(f"Adaptive{kind}Pool{spatial(x)}d", output_size=1), x, name=graph.wish(node))


PADS = {"reflect": "ReflectionPad{}d", "edge": "ReplicationPad{}d", "wrap": "CircularPad{}d"}


@reads("Pad")
def pad(graph: Reading, node: Node) -> Value:
    """An explicit pad."""
    x = graph.value(node)
    axes, mode = spatial(x), node.text("mode", "constant")
    numbers = node.ints("pads") or graph.numbers(node, 1) or ()
    value = (graph.numbers(node, 2) or [0.0])[0] if node.opset >= 11 else node.number("value", 0.0)  # noqa: PLR2004 - the opset that made it an input
    rank = len(x.shape) + 1
    at = [int(axis) % rank for axis in graph.numbers(node, 3) or range(rank)]
    if len(numbers) != 2 * len(at):
        msg = f"it pads {len(numbers)} sides of a tensor with {rank} dimensions"
        raise RefusedError(msg)
    sides = {axis: (int(numbers[i]), int(numbers[i + len(at)])) for i, axis in enumerate(at)}
    if any(sides.get(axis, (0, 0)) != (0, 0) for axis in (0, 1)):
        msg = "it pads the batch or the channels, and torch's pad layers pad spatial axes"
        raise RefusedError(msg)
    found = tuple(sides.get(axis, (0, 0)) for axis in range(2, rank))
    if mode == "constant":
        return padded(graph, x, found, float(value), graph.wish(node))
    if mode not in PADS:
        msg = "its mode is none of constant, reflect, edge, wrap"
        raise RefusedError(msg)
    flat = compact(tuple(side for pair in reversed(found) for side in pair))
    return graph.add(made(PADS[mode].format(axes), padding=flat), x, name=graph.wish(node))


@reads("Resize", "Upsample")
def resize(graph: Reading, node: Node) -> Value:
    """An interpolation, by a scale where that gives the size, and otherwise to the size."""
    x = graph.value(node)
    axes = spatial(x)
    first = 1 if node.op == "Upsample" or node.opset < 11 else 2  # noqa: PLR2004 - then came the region
    scales = list(node.attribute("scales", "floats") or graph.numbers(node, first) or [])
    sizes = [] if node.op == "Upsample" else graph.numbers(node, 3) or []
    rank = axes + 2
    at = [axis % rank for axis in node.ints("axes") or range(rank)]
    if len(scales or sizes) != len(at) or node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        msg = "it says neither scales nor sizes for its axes"
        raise RefusedError(msg)
    given = dict(zip(at, scales or sizes, strict=True))
    whole = (graph.batch, *x.shape)
    if any(given.get(axis, 1 if scales else whole[axis]) != (1 if scales else whole[axis]) for axis in (0, 1)):
        msg = "it resizes the batch or the channels"
        raise RefusedError(msg)
    mode = node.text("mode", "nearest")
    names = {"nearest": "nearest", "linear": ("linear", "bilinear", "trilinear")[axes - 1], "cubic": "bicubic"}
    if mode not in names or (mode == "cubic" and axes != 2):  # noqa: PLR2004 - torch's bicubic
        msg = f"torch has no such interpolation over {axes} axes"
        raise RefusedError(msg)
    aligned = {"align_corners": True} if node.text("coordinate_transformation_mode", "") == "align_corners" else {}
    how: dict[str, Any] = {"mode": names[mode], **(aligned if mode != "nearest" else {})}
    if not scales:
        target = tuple(int(given.get(axis, whole[axis])) for axis in range(2, rank))
        return graph.add(made("Upsample", size=compact(target), **how), x, name=graph.wish(node))
    factors = tuple(float(given.get(axis, 1.0)) for axis in range(2, rank))
    return scaled(graph, node, x, factors, how)


def scaled(graph: Reading, node: Node, x: Value, factors: tuple[float, ...], how: dict[str, Any]) -> Value:
    """An interpolation by scales; written short where that gives the same size as the file's single precision."""
    sizes = [int(n * f) for n, f in zip(x.shape[1:], factors, strict=True) if isfinite(f)]
    short = tuple(float(f"{f:.7g}") for f in factors)
    same = sizes == [int(n * f) for n, f in zip(x.shape[1:], short, strict=True) if isfinite(f)]
    chosen = short if same else factors
    factor: Any = chosen[0] if len(set(chosen)) == 1 else chosen
    return graph.add(made("Upsample", scale_factor=factor, **how), x, name=graph.wish(node))
