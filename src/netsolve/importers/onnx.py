"""A network from an ONNX file: sizes and arguments are read, weights are not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from netsolve.document import unreadable
from netsolve.domain import Unknown
from netsolve.errors import DocumentError, Mistake, UsageError, printable
from netsolve.importers import onnx_layers, onnx_windows  # noqa: F401 - they enter what they read
from netsolve.importers.onnx_constants import folded
from netsolve.importers.onnx_graph import HANDLERS, Node, Reading, RefusedError, Shape, Value, made, refusal
from netsolve.network import Layer, Network
from netsolve.ops import Operator
from netsolve.ops.arguments import AskedSwitch, Window
from netsolve.ops.base import OPERATORS
from netsolve.words import nearest, valid_name

LARGEST_MODEL = 2**31 - 1
"""Bytes: what protobuf itself takes."""
MOST_NODES = 100_000
MOST_MISTAKES = 20
NEEDED = 'reading and writing ONNX needs the packages onnx and onnxscript: pip install "netsolve[onnx]"'

Asked = str | Iterable[str] | Mapping[str, str]


def from_onnx(
    path: "str | Path",
    *,
    unknown: Asked = (),
    input: Mapping[str, Shape] | None = None,
    opaque: Iterable[str] = (),
) -> Network:
    """The network of an ONNX model.

    unknown: arguments to be blanked: "padding", ("padding", "kernel_size"), {"padding": "0..3"}, or one layer's:
    "conv1.padding"; the shapes of the outputs stay as they are, as what is known. input: shapes without batch by
    the names of inputs whose sizes the file leaves open. opaque: types or names of nodes whose output's shape is taken
    from the file, whatever they do. What only changes numbers leaves no layer. The first dimension of every tensor is
    the batch. Data outside of the file is never read. Raises DocumentError, with all nodes that cannot be expressed, or
    where the file is no ONNX model; UsageError where the package onnx is missing, or for arguments it does not take.
    """
    model = parsed(path)
    graph, file = model.graph, str(path)
    strangers = set(opaque)
    stated = _stated(model, inferred=bool(strangers))
    users = Counter(name for node in graph.node for name in set(node.input))
    users.update(output.name for output in graph.output)
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    mistakes: list[Mistake] = []
    inputs = dict(_inputs(graph, tensors, input or {}, mistakes))
    batch = next((size for size in (_batch(each) for each in graph.input if each.name not in tensors) if size), 1)
    if mistakes:
        raise DocumentError(mistakes, file)
    reading = Reading(batch, tensors, stated, users, dict(inputs), taken={value.layer for value in inputs.values()})
    opset = max((int(each.version) for each in model.opset_import if each.domain in {"", "ai.onnx"}), default=13)
    missing: set[str] = set()
    for proto in graph.node:
        if missing.isdisjoint(proto.input):
            mistakes += _read(reading, Node(proto, opset), strangers)
        missing.update(name for name in proto.output if name and not _known(reading, name))
        if len(mistakes) >= MOST_MISTAKES:
            break
    results = list(_results(graph, reading, mistakes, missing))
    if mistakes:
        raise DocumentError(mistakes, file)
    network = _network(reading, inputs, results, _name(model))
    return _blanked(network, _questions(unknown), results)


def parsed(path: "str | Path") -> Any:
    """The model in a file. Raises DocumentError where there is none, UsageError where onnx is missing."""
    try:
        import onnx  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageError(NEEDED) from None
    if not isinstance(path, str | Path):
        msg = f"from_onnx takes the name of a file, not {type(path).__name__}"
        raise UsageError(msg)
    file = str(path)
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(LARGEST_MODEL + 1)
    except OSError as error:
        raise unreadable(error, file) from None
    except ValueError as error:
        raise DocumentError([Mistake("", f"this is no file name: {error}")], repr(file)) from None
    if len(data) > LARGEST_MODEL:
        raise DocumentError([Mistake("", "the file is larger than 2 GiB")], file)
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception as error:  # noqa: BLE001 - protobuf's own, which differ between its versions
        text = f"this is no ONNX model: {printable(str(error))[:80] or type(error).__name__}"
        raise DocumentError([Mistake("", text)], file) from None
    if not model.graph.node or not model.graph.output:
        text = "this is no ONNX model: it has no graph with nodes and outputs"
        raise DocumentError([Mistake("", text)], file)
    if len(model.graph.node) > MOST_NODES:
        raise DocumentError([Mistake("", f"the model has more than {MOST_NODES} nodes")], file)
    return model


def _read(reading: Reading, node: Node, opaque: set[str]) -> Iterator[Mistake]:
    """Read a node; what is wrong with it."""
    try:
        if opaque & {node.op, str(node.proto.name)}:
            found: Any = _opaque(reading, node)
        elif node.proto.domain not in {"", "ai.onnx"} or (node.op not in HANDLERS and not folded(reading, node)):
            yield refusal(node, RefusedError("netsolve has no layer for it"))
            return
        elif node.op in HANDLERS and not folded(reading, node):
            found = HANDLERS[node.op](reading, node)
        else:
            return
        values = found if isinstance(found, tuple) else (found,)
        for name, value in zip(node.proto.output, values, strict=False):
            if value is not None:
                reading.values[name] = value
    except (RefusedError, DocumentError) as error:
        yield refusal(node, error)
    except (ValueError, IndexError, KeyError, TypeError, ArithmeticError) as error:
        yield refusal(node, RefusedError(f"it is malformed ({type(error).__name__})"))


def _opaque(reading: Reading, node: Node) -> tuple[Value, ...]:
    """Layers with the shapes that the file gives."""
    feeds = tuple(reading.values[name] for name in node.proto.input if name in reading.values)
    found = []
    for name in node.proto.output:
        if name not in reading.stated or not feeds:
            raise RefusedError("the file does not say the shape of its output", "write it into the file's value_info")
        found.append(reading.add(made("opaque", out=reading.stated[name]), *feeds))
    return tuple(found)


def _known(reading: Reading, name: str) -> bool:
    return name in reading.values or reading.is_constant(name)


def _sizes(info: Any) -> list[int | None]:
    """The dimensions of a value as far as they are numbers."""
    if not info.type.HasField("tensor_type"):
        return []
    return [dim.dim_value if dim.dim_value > 0 else None for dim in info.type.tensor_type.shape.dim]


def _batch(info: Any) -> int | None:
    sizes = _sizes(info)
    return sizes[0] if sizes else None


def _stated(model: Any, *, inferred: bool) -> dict[str, Shape]:
    """The shapes without batch that the file gives; with `inferred` also those that onnx itself finds."""
    graph = model.graph
    if inferred:
        from onnx import shape_inference  # noqa: PLC0415 - an extra

        try:
            graph = shape_inference.infer_shapes(model).graph
        except Exception:  # noqa: BLE001 - what the file says remains
            graph = model.graph
    found: dict[str, Shape] = {}
    for info in (*graph.value_info, *graph.output):
        sizes = _sizes(info)[1:]
        known = tuple(size for size in sizes if size is not None)
        if known and len(known) == len(sizes):
            found[info.name] = known
    return found


def _inputs(
    graph: Any, tensors: Mapping[str, Any], given: Mapping[str, Shape], mistakes: list[Mistake]
) -> Iterator[tuple[str, Value]]:
    """The network's inputs by ONNX name."""
    found = [info for info in graph.input if info.name not in tensors]
    taken: set[str] = set()
    if strange := sorted(given.keys() - {info.name for info in found}):
        msg = f"input: the model has no input {strange[0]!r}; {nearest(strange[0], [info.name for info in found])}"
        raise UsageError(msg)
    if not found:
        mistakes.append(Mistake("", "the model has no input"))
    for info in found:
        sizes: list[Any] = list(given[info.name]) if info.name in given else list(_sizes(info)[1:])
        where = printable(str(info.name))[:80]
        if not sizes or None in sizes:
            text = "the file leaves sizes of this input open" if sizes else "it has no dimension besides the batch"
            mistakes.append(Mistake(where, text, f"from_onnx(path, input={{{where!r}: (3, 224, 224)}}) says them"))
            continue
        name = "input" if len(found) == 1 else _input_name(str(info.name), taken)
        taken.add(name)
        yield info.name, Value(name, tuple(sizes))


def _input_name(name: str, taken: set[str]) -> str:
    """A name that documents allow for an input, near to the model's."""
    wish = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)[:40]
    wish = wish if valid_name(wish) and "." not in wish and wish not in taken else f"input_{len(taken) + 1}"
    return wish if wish not in taken else f"input_{len(taken) + 1}_"


def _results(graph: Any, reading: Reading, mistakes: list[Mistake], missing: set[str]) -> Iterator[Value]:
    """The layers whose results the model gives, each once; an input that is handed on is an Identity."""
    seen: set[str] = set()
    for output in graph.output:
        value = reading.values.get(output.name)
        if value is None:
            if output.name not in missing and len(mistakes) < MOST_MISTAKES:
                text = "this output is a constant" if reading.is_constant(output.name) else "no node gives this output"
                mistakes.append(Mistake(printable(str(output.name))[:80], text))
            continue
        if value.layer not in reading.layers:
            value = reading.add(made("Identity"), value)
        if value.layer not in seen:
            seen.add(value.layer)
            yield value


def _network(reading: Reading, inputs: Mapping[str, Value], results: list[Value], name: str) -> Network:
    """The layers as a network."""
    layers = tuple(reading.layers.values())
    used = {feed for layer in layers for feed in layer.inputs}
    unused = {layer.name for layer in layers if layer.name not in used}
    outputs = tuple(value.layer for value in results) if unused != {value.layer for value in results} else ()
    shapes = {value.layer: value.shape for value in inputs.values()}
    return Network(shapes, layers, outputs=outputs, name=name, warnings=tuple(reading.warnings))


def _name(model: Any) -> str:
    """What the model is called, unless an exporter has called it."""
    name = printable(str(model.graph.name))[:60]
    return "" if name in {"main_graph", "torch_jit", "main"} or not name.strip() else name


def _questions(unknown: Asked) -> dict[str, Unknown]:
    """What is to be blanked. Raises UsageError for what no argument may be."""
    given = {unknown: ""} if isinstance(unknown, str) else unknown
    entries = given.items() if isinstance(given, Mapping) else ((key, "") for key in given)
    windows = {key for op in OPERATORS.values() for key, kind in op.arguments.items() if _asks(kind)}
    found = {}
    for key, text in entries:
        if str(key).rpartition(".")[2] not in windows:
            msg = f"unknown: there is no argument {key!r} to be blanked; {nearest(str(key), windows)}"
            raise UsageError(msg)
        try:
            found[str(key)] = Unknown.parse("?" + str(text).strip().removeprefix("?"))
        except ValueError as error:
            msg = f"unknown: {key}: {error}"
            raise UsageError(msg) from None
    return found


def _asks(kind: Any) -> bool:
    return isinstance(kind, Window | AskedSwitch)


def _blanked(network: Network, asked: Mapping[str, Unknown], results: list[Value]) -> Network:
    """The network with question marks, and with the shapes at its ends as what is known."""
    if not asked:
        return network
    known = {layer.name for layer in network.layers}
    for key in asked:
        owner = key.rpartition(".")[0]
        if owner and owner not in known:
            msg = f"unknown: the model has no layer {owner!r}; {nearest(owner, known)}"
            raise UsageError(msg)
    ends = {value.layer: value.shape for value in results}
    layers = []
    for layer in network.layers:
        op = _asked(layer.op, {k: asked.get(f"{layer.name}.{k}", asked.get(k)) for k in layer.op.arguments})
        layers.append(Layer(layer.name, op, layer.inputs, ends.get(layer.name)))
    return replace(network, layers=tuple(layers))


def _asked(op: Operator, wanted: Mapping[str, Unknown | None]) -> Operator:
    """The record with question marks: one for all axes, or one an axis where the window's numbers differ by axis."""
    windows = {key: getattr(op, key) for key, kind in op.arguments.items() if _asks(kind)}
    lists = any(isinstance(value, tuple) for value in windows.values())
    changes: dict[str, Any] = {}
    for key, value in windows.items():
        question = wanted[key]
        if question is None or isinstance(value, str) or value is None:
            continue
        each = lists and op.arguments[key].entries == "axes" and op.axes > 1
        changes[key] = (question,) * op.axes if each else question
    return replace(op, **changes) if changes else op
