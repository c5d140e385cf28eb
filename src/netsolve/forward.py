"""The method that runs a network's parts, as Python source."""

from typing import Any

from netsolve.grouping import Node, Step
from netsolve.identifiers import OF_CODE, Names, identifier
from netsolve.layout import lines, signature
from netsolve.sequential import literal
from netsolve.templates import Template


class Forward:
    """The body of `forward` while it is written."""

    def __init__(
        self, nodes: tuple[Node, ...], feeds: tuple[str, ...], results: tuple[str, ...], template: Template | None
    ) -> None:
        """Note what goes in and out; template: that of the class, if it is one of a block."""
        self.nodes, self.results, self.template = nodes, results, template
        self.names = Names(OF_CODE)
        self.stored: dict[str, None] = {}
        self.last = {feed: i for i, node in enumerate(nodes) for feed in node.feeds}
        self.last |= dict.fromkeys(results, len(nodes))
        self.made = {node.name: i for i, node in enumerate(nodes)}
        self.inputs: dict[str, str] = {}
        self.body: list[tuple[str, str]] = []
        self.notes: dict[int, str] = {}
        if len(feeds) == 1 or template:
            wishes = ["x", *["skip"] * (len(feeds) - 1)]
        else:
            wishes = [identifier(name).lower() for name in feeds]
        self.values = {name: self.names.claim(wish) for name, wish in zip(feeds, wishes, strict=True)}
        self.takes = [self.values[name] for name in feeds]
        reused = len(feeds) == 1 and self.last.get(feeds[0], 0) == 0
        self.running = "x" if reused else self.names.claim("out" if "x" in self.names.taken else "x")

    def step(self, index: int, module: str, last: int | None = None) -> None:
        """Run a node, or several in an nn.Sequential."""
        node, end = self.nodes[index], self.nodes[index if last is None else last]
        feeds = tuple(self.values[feed] for feed in node.feeds)
        target = self.variable(end, index if last is None else last)
        if isinstance(node, Step):
            op = node.ops[0]
            if op.torch_name == "opaque":
                self.notes[len(self.body)] = (
                    f"        # {identifier(node.name)}: only its shape is known, put the layer here"
                )
            text = op.source(module, feeds, node.shapes, lambda key: self.code(index, op, key))
            self.body.append((op.targets(target) if last in {None, index} else target, text))
        else:
            self.body.append((target, f"{module}({', '.join(feeds)})"))
        self.values[end.name] = target

    def code(self, index: int, op: Any, key: str) -> str:
        """An argument of a function; a parameter is kept by the module."""
        slots = self.template.slots if self.template else {}
        if (index, 0, key) in slots:
            name = slots[index, 0, key].name
            self.stored[name] = None
            return f"self.{name}"
        return literal(getattr(op, key))

    def variable(self, node: Node, index: int) -> str:
        """What holds a result: the running variable where only what follows at once needs it."""
        if self.last.get(node.name, -1) <= index + 1 and self.last.get(node.name) != len(self.nodes):
            return self.running
        if self.results == (node.name,) and index == len(self.nodes) - 1:
            return self.running
        return self.names.claim(identifier(node.label).lower(), "_indices")

    def method(self) -> list[str]:
        """The method."""
        results = self.results
        if len(results) == 1:
            given, kind = self.values[results[0]], "Tensor"
        else:
            given = "{" + ", ".join(f"{literal(name)}: {self.values[name]}" for name in results) + "}"
            kind = "dict[str, Tensor]"
        heads = signature("forward", ["self", *(f"{name}: Tensor" for name in self.takes)], kind)
        statements = [f"{target} = {text}" for target, text in self.body]
        if len(results) == 1 and self.body and self.body[-1][0] == given:
            statements[-1] = f"return {self.body[-1][1]}"
        else:
            statements.append(f"return {given}")
        written: list[str] = []
        for index, statement in enumerate(statements):
            written += [self.notes[index]] if index in self.notes else []
            written += lines(statement, 8)
        return [*heads, *written]
