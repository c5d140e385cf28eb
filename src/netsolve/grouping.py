"""The layers of a network in the groups that their names tell of: blocks and repetitions as an author sees them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from netsolve.network import Network
from netsolve.ops import Operator
from netsolve.ops.base import Known

DEEPEST = 12
MOST_FEEDS = 4
_DEFAULT = re.compile(r"[a-z0-9]+(_\d+)+|\d+", re.ASCII)


@dataclass(frozen=True)
class Step:
    """One layer.

    name: its output's; label: its own within its group; ops: torch's layers that it amounts to, one after the other.
    """

    name: str
    label: str
    ops: tuple[Operator, ...]
    feeds: tuple[str, ...]
    shapes: Known
    out: tuple[int, ...]
    signature: int = 0
    content: int = 0

    @property
    def function(self) -> bool:
        """Whether torch has no class for it."""
        return not all(op.torch_class(len(self.feeds)) for op in self.ops)

    @property
    def chained(self) -> bool:
        """Whether it can stand in an nn.Sequential."""
        plain = all(op.targets("x") == "x" for op in self.ops)
        return len(self.feeds) == 1 and plain and not self.function


@dataclass(frozen=True)
class Group:
    """Layers that belong together: `name` is the output's, `title` what the group is called.

    feeds: what comes from outside; signature: equal for groups that differ in nothing but arguments; content: equal for
    those that do not differ at all; repeated: whether its nodes are one group several times.
    """

    name: str
    label: str
    title: str
    nodes: "tuple[Node, ...]"
    feeds: tuple[str, ...]
    shapes: Known
    out: tuple[int, ...]
    signature: int = 0
    content: int = 0
    repeated: bool = False

    @property
    def chained(self) -> bool:
        """Whether it can stand in an nn.Sequential."""
        return len(self.feeds) == 1

    @property
    def chain(self) -> bool:
        """Whether it is an nn.Sequential itself."""
        before = (*self.feeds, *(node.name for node in self.nodes[:-1]))
        linked = all(node.feeds == (feed,) for node, feed in zip(self.nodes, before, strict=False))
        inner = [feed for node in self.nodes for feed in node.feeds]
        once = len(set(inner)) == len(inner) and self.name == self.nodes[-1].name
        return len(self.feeds) == 1 and linked and once and all(node.chained for node in self.nodes)


Node = Step | Group


def by_default(label: str) -> bool:
    """Whether a name is one that nobody chose."""
    return bool(_DEFAULT.fullmatch(label))


class Grouping:
    """Groups layers; equal groups get one signature, inner ones smaller numbers than those around them."""

    def __init__(self, network: Network, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Note where each tensor is used last."""
        self.layers = network.layers
        self.shapes = shapes
        self.parts = [layer.name.split(".") for layer in network.layers]
        self.place = {layer.name: index for index, layer in enumerate(network.layers)}
        self.last = {name: index for index, layer in enumerate(network.layers) for name in layer.inputs}
        self.last |= dict.fromkeys(network.results, len(network.layers))
        self.titles = network.uses
        self.known: dict[Any, int] = {}
        self.contents: dict[Any, int] = {}
        self.flat = any(layer.op.targets("x").endswith("_indices") for layer in network.layers)

    def all(self) -> tuple[Node, ...]:
        """The nodes of the network."""
        return self.nodes(0, len(self.layers), 0, 0)

    def nodes(self, start: int, end: int, base: int, depth: int) -> tuple[Node, ...]:
        """The layers from start to end; their names' first parts, up to base, are those of groups around them."""
        if self.flat or depth - base > DEEPEST or base > DEEPEST:
            return tuple(self.step(i, "_".join(self.parts[i][base:])) for i in range(start, end))
        runs = self.runs(start, end, depth)
        whole = {key for key in {key for key, *_ in runs} if sum(key == other for other, *_ in runs) == 1}
        found: list[Node] = []
        for key, first, behind in runs:
            label = "_".join(self.parts[first][base : depth + 1])
            if behind - first == 1:
                rest = self.parts[first][depth + 1 :]
                default = not rest or (len(rest) == 1 and by_default(rest[0]) and not key.isdigit())
                found.append(self.step(first, label if default else "_".join(self.parts[first][base:])))
            elif key in whole and (group := self.group(first, behind, label, depth)):
                found.append(group)
            else:
                found += self.nodes(first, behind, base, depth + 1)
        return tuple(found)

    def runs(self, start: int, end: int, depth: int) -> list[tuple[str, int, int]]:
        """Neighbours whose names share a part: the part, the first, and one behind the last."""
        found: list[tuple[str, int, int]] = []
        for i in range(start, end):
            parts = self.parts[i]
            key = parts[depth] if depth < len(parts) else ""
            inside = depth < len(parts) - 1
            if found and inside and found[-1][0] == key and len(self.parts[i - 1]) > depth + 1:
                found[-1] = key, found[-1][1], i + 1
            else:
                found.append((key, i, i + 1))
        return found

    def step(self, index: int, label: str) -> Step:
        """One layer."""
        layer = self.layers[index]
        shapes = tuple(self.shapes[feed] for feed in layer.inputs)
        ops = layer.op.plain(shapes)
        key = tuple((op.torch_name, tuple(map(len, shapes)), self.fixed(op, len(shapes))) for op in ops)
        own = self.known.setdefault(key, len(self.known))
        written = own, tuple(tuple(op.code_arguments(shapes).items()) for op in ops)
        content = self.contents.setdefault(written, len(self.contents))
        return Step(layer.name, label, ops, layer.inputs, shapes, self.shapes[layer.name], own, content)

    def fixed(self, op: Operator, count: int) -> Any:
        """What must be equal in groups of one signature: which arguments a function takes."""
        given = op.code_arguments(()) if not op.torch_class(count) else {}
        return tuple((key, isinstance(value, tuple) and len(value)) for key, value in given.items())

    def group(self, start: int, end: int, label: str, depth: int) -> Group | None:
        """Some layers as a group; None where they have several outputs, or many inputs."""
        inside = range(start, end)
        outputs = [self.layers[i].name for i in inside if self.last.get(self.layers[i].name, end) >= end]
        fed = (name for i in inside for name in self.layers[i].inputs)
        feeds = tuple(dict.fromkeys(name for name in fed if self.place.get(name, -1) < start))
        if len(outputs) != 1 or len(feeds) > MOST_FEEDS:
            return None
        nodes = self.nodes(start, end, depth + 1, depth + 1)
        title = self.title(".".join(self.parts[start][: depth + 1]))
        shapes = tuple(self.shapes[feed] for feed in feeds)
        group = Group(outputs[0], label, title, nodes, feeds, shapes, self.shapes[outputs[0]])
        counted = len(self.parts[start]) > depth + 1 and self.parts[start][depth + 1] == "0"
        if len(nodes) == 1 and isinstance(nodes[0], Group) and not counted:
            return replace(nodes[0], label=label)
        return self.signed(group, self.titles.get(".".join(self.parts[start][: depth + 1]), ""))

    def signed(self, group: Group, block: str) -> Group:
        """The group with its signature and content; that of a repetition does not tell how often."""
        number = {name: index for index, name in enumerate((*group.feeds, *(node.name for node in group.nodes)))}
        wires = [tuple(number[feed] for feed in node.feeds) for node in group.nodes]
        ends = block, len(group.feeds), number[group.name]
        wired = ends, tuple(zip((node.signature for node in group.nodes), wires, strict=True))
        filled = ends, tuple(zip((node.content for node in group.nodes), wires, strict=True))
        content = self.contents.setdefault(filled, len(self.contents))
        groups = all(isinstance(node, Group) and not node.repeated for node in group.nodes)
        repeated = groups and len({node.content for node in group.nodes}) == 1 and group.chain
        key: Any = ("repeated", group.nodes[0].signature) if repeated else wired
        own = self.known.setdefault(key, len(self.known))
        return replace(group, signature=own, content=content, repeated=repeated)

    def title(self, prefix: str) -> str:
        """The name of the block that a group is, or the last part of its own that is no number."""
        words = [part for part in prefix.split(".") if not part.isdigit()]
        return self.titles.get(prefix) or (words[-1] if words else "block")
