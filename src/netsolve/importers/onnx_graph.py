"""An ONNX graph while it is read: its values, and the layers that they become."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from netsolve.errors import DocumentError, Mistake, printable
from netsolve.network import Layer, Network
from netsolve.ops import OPERATORS, Operator
from netsolve.posing import pose
from netsolve.words import valid_name

MOST_NUMBERS = 10_000
"""How many numbers a constant may have whose values are looked at."""

Shape = tuple[int, ...]


class RefusedError(ValueError):
    """A node that cannot be expressed; the text says why, the remedy what to do."""

    def __init__(self, text: str, remedy: str = "") -> None:
        """Keep both."""
        super().__init__(text)
        self.remedy = remedy


@dataclass(frozen=True)
class Value:
    """A tensor of the network: the layer that gives it, and its shape without batch."""

    layer: str
    shape: Shape

    @property
    def axes(self) -> int:
        """How many spatial axes it has, channels first."""
        return len(self.shape) - 1


@dataclass
class Node:
    """A node of the graph, with its attributes read by type."""

    proto: Any
    opset: int

    @property
    def op(self) -> str:
        """The type of the node."""
        return str(self.proto.op_type)

    @property
    def title(self) -> str:
        """What the node is called, or its first output where it has no name."""
        return printable(str(self.proto.name or (self.proto.output[0] if self.proto.output else "")))[:80]

    def attribute(self, name: str, kind: str) -> Any:
        """An attribute of a type; None where it is not there."""
        for each in self.proto.attribute:
            if each.name == name:
                if each.AttributeType.Name(each.type) != kind.upper():
                    msg = f"its attribute {name} is no {kind}"
                    raise RefusedError(msg)
                return getattr(each, {"int": "i", "float": "f", "string": "s", "tensor": "t"}.get(kind, kind))
        return None

    def integer(self, name: str, default: int = 0) -> int:
        """An integer."""
        found = self.attribute(name, "int")
        return default if found is None else int(found)

    def number(self, name: str, default: float) -> float:
        """A number; written in single precision, and so rounded to what its author meant."""
        found = self.attribute(name, "float")
        return default if found is None else float(f"{found:.7g}")

    def text(self, name: str, default: str) -> str:
        """A text."""
        found = self.attribute(name, "string")
        return default if found is None else bytes(found).decode("utf-8", "replace")

    def ints(self, name: str, count: int | None = None, default: int | None = None) -> Shape | None:
        """Some integers, as many as `count`; so many times the default where they are not there."""
        found = self.attribute(name, "ints")
        if found is None:
            return None if default is None or count is None else (default,) * count
        if len(found) > 64 or (count is not None and len(found) != count):  # noqa: PLR2004 - far more than axes
            msg = f"its attribute {name} has {len(found)} numbers" + (f", not {count}" if count is not None else "")
            raise RefusedError(msg)
        return tuple(int(number) for number in found)


@dataclass
class Reading:
    """The graph while it is read.

    values: tensors of the network by ONNX name; tensors: ONNX's initialisers; constants: what was computed of them;
    stated: shapes that the file itself gives, without batch; users: how many nodes take a value.
    """

    batch: int
    tensors: Mapping[str, Any]
    stated: Mapping[str, Shape]
    users: Mapping[str, int]
    values: dict[str, Value] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[Mistake] = field(default_factory=list)

    def value(self, node: Node, index: int = 0) -> Value:
        """The tensor that a node takes. Raises RefusedError where it is a constant or missing."""
        name = node.proto.input[index] if index < len(node.proto.input) else ""
        if name not in self.values:
            msg = f"its input {index} is {'a constant' if self.is_constant(name) else 'missing'}, not a tensor"
            raise RefusedError(msg)
        return self.values[name]

    def is_constant(self, name: str) -> bool:
        """Whether a value is known before anything runs."""
        return name in self.tensors or name in self.constants

    def given(self, node: Node, index: int) -> bool:
        """Whether a node has an input there."""
        return index < len(node.proto.input) and bool(node.proto.input[index])

    def dims(self, node: Node, index: int) -> Shape:
        """The shape of a constant that a node takes, whose numbers are not looked at."""
        name = node.proto.input[index] if self.given(node, index) else ""
        if name in self.constants:
            return tuple(self.constants[name].shape)
        if name not in self.tensors:
            msg = f"its input {index} is no constant of the file"
            raise RefusedError(msg, "export the model with its weights as initialisers")
        return tuple(int(size) for size in self.tensors[name].dims)

    def constant(self, name: str) -> Any:
        """A small constant as an array; None where the name is none."""
        if name not in self.constants and name in self.tensors:
            self.constants[name] = array(self.tensors[name])
        return self.constants.get(name)

    def numbers(self, node: Node, index: int) -> list[Any] | None:
        """The numbers of a constant that a node takes; None where it takes none there."""
        if not self.given(node, index):
            return None
        found = self.constant(node.proto.input[index])
        if found is None:
            msg = f"its input {index} is computed while the model runs"
            raise RefusedError(msg, "simplify the model so that shapes are constants")
        return list(found.reshape(-1).tolist())

    def add(self, op: Operator, *feeds: Value, name: str = "") -> Value:
        """A layer. Raises RefusedError where it does not take its inputs."""
        name = self.name(name, op)
        layer = Layer(name, op, tuple(feed.layer for feed in feeds))
        self.layers[name] = layer
        return Value(name, self.shape(layer, feeds))

    def shape(self, layer: Layer, feeds: tuple[Value, ...]) -> Shape:
        """The shape after a layer, all of whose numbers are known."""
        inputs = {feed.layer: feed.shape for feed in feeds}
        renamed = {name: f"i{number}" for number, name in enumerate(inputs)}
        alone = replace(layer, inputs=tuple(renamed[name] for name in layer.inputs), name="layer")
        problem = pose(Network({renamed[name]: shape for name, shape in inputs.items()}, (alone,)))
        if problem.violations:
            raise RefusedError(problem.violations[0].label.text)
        return tuple(int(size) for size in problem.shapes["layer"])

    def name(self, wish: str, op: Operator) -> str:
        """A free name: the wish where it can be a layer's, otherwise the operator's with a number."""
        if wish and valid_name(wish) and wish not in self.taken and len(wish) <= 200:  # noqa: PLR2004 - as documents
            self.taken.add(wish)
            return wish
        kind = op.torch_name.lower()
        while True:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            name = f"{kind}_{self.counts[kind]}"
            if name not in self.taken:
                self.taken.add(name)
                return name

    def wish(self, node: Node) -> str:
        """The name that a node's layer should have: that of the module whose weights it takes, or its own path."""
        weight = str(node.proto.input[1]) if len(node.proto.input) > 1 else ""
        if weight.endswith(".weight") and weight in self.tensors:
            return weight.removesuffix(".weight")
        name = str(node.proto.name)
        if name.startswith("node_") or not name:
            return ""
        parts = [part for part in name.split("/") if part]
        parts = parts[:-1] if len(parts) > 1 and re.split(r"[_-]", parts[-1])[0] == node.op else parts
        own = (part.rpartition(".")[2] for part in parts)  # "/stage/stage.0/Conv" is a part of stage
        return ".".join(re.sub(r"\W", "_", part, flags=re.ASCII) for part in own)

    def warn(self, node: Node, text: str) -> None:
        """Note what is not as it was, and does not change a size."""
        self.warnings.append(Mistake(node.title, f"{node.op}: {text}"))


Handler = Callable[[Reading, Node], "Value | tuple[Value | None, ...]"]

HANDLERS: dict[str, Handler] = {}
"""What reads a node, by its type."""


def reads(*types: str) -> Callable[[Handler], Handler]:
    """Enter a function that reads nodes of these types."""

    def enter(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(types, handler))
        return handler

    return enter


def made(name: str, **arguments: Any) -> Operator:
    """An operator's record. Raises RefusedError for an argument that torch does not take."""
    kind = OPERATORS[name]
    try:
        read = {key: kind.arguments[key].read(value, kind.axes) for key, value in arguments.items()}
    except ValueError as error:
        msg = f"as {name}: {error}"
        raise RefusedError(msg) from None
    return kind(**read)


def compact(numbers: tuple[int, ...]) -> "int | tuple[int, ...]":
    """One number where all are equal."""
    return numbers[0] if len(set(numbers)) == 1 else numbers


def spatial(x: Value, most: int = 3) -> int:
    """How many spatial axes a tensor has. Raises RefusedError where torch has no layer for so many."""
    if not 1 <= x.axes <= most:
        msg = f"it takes a tensor with {x.axes} axes behind batch and channels, and torch's layers 1 to {most}"
        raise RefusedError(msg)
    return x.axes


def array(tensor: Any) -> Any:
    """A tensor of the file as an array. Raises RefusedError where it is large, malformed, or outside of the file."""
    from onnx import numpy_helper  # noqa: PLC0415 - only who reads ONNX needs it

    if tensor.data_location == tensor.EXTERNAL:
        msg = "its numbers are stored outside of the file, which are not read"
        raise RefusedError(msg)
    if any(size < 0 for size in tensor.dims) or prod(tensor.dims) > MOST_NUMBERS:
        msg = f"a constant with more than {MOST_NUMBERS} numbers would be needed"
        raise RefusedError(msg)
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:  # noqa: BLE001 - onnx raises whatever numpy and protobuf do for what is malformed
        msg = f"a constant is malformed: {printable(str(error))[:100]}"
        raise RefusedError(msg) from None


def refusal(node: Node, error: Exception) -> Mistake:
    """What is said of a node that cannot be read."""
    text = error.mistakes[0].text if isinstance(error, DocumentError) else str(error)
    remedy = getattr(error, "remedy", "") or f'netsolve.from_onnx(path, opaque=["{node.op}"]) takes its shape as given'
    return Mistake(node.title, f"{node.op}: {text}", remedy)
