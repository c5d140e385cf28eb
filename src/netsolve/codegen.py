"""A fully known network as the Python source of a torch module, as a person would write it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netsolve.forward import Forward
from netsolve.grouping import Group, Grouping, Node, Step, by_default
from netsolve.identifiers import OF_CLASSES, OF_CODE, OF_MODULES, Names, class_name, identifier, sentence
from netsolve.layout import signature
from netsolve.network import Network
from netsolve.ops.pointwise import Pointwise
from netsolve.sequential import Call, Entry, Row, comment, folded, literal, module_call, row_lines, sizes_text
from netsolve.templates import DEPTH, Template, Templates, templates_of

LONGEST = 78
"""Signs of a docstring that fits on its line."""

Shapes = Mapping[str, tuple[int, ...]]


def python_source(network: Network, shapes: Shapes) -> str:
    """The source of a torch module that needs nothing but torch.

    shapes: the shape after each input and layer, without batch. The module takes the inputs in the document's order and
    returns one output as a tensor, several as a dictionary by the layers' names.
    """
    nodes = Grouping(network, shapes).all()
    names = Names(OF_CLASSES)
    title = names.claim(class_name(network.name or "Net"))
    templates = templates_of(nodes, names)
    classes = [Scope.of(each, templates).source() for each in templates.values() if not each.inline]
    takes = " and ".join(size_text(shapes[name]) for name in network.inputs)
    gives = " and ".join(size_text(shapes[name]) for name in network.results)
    about = f"{sentence(network.name) or 'A network'}: {takes} -> {gives}."
    about = about if len(about) <= LONGEST else f"{sentence(network.name) or 'A network'}."
    main = Scope(title, about, nodes, tuple(network.inputs), network.results, templates, sizes=True)
    classes.append(main.source())
    helpers = dict.fromkeys(layer.op.helper for layer in network.layers if layer.op.helper)
    body = "\n\n\n".join([*helpers, *classes])
    heads = ["import torch"] if "torch." in body else []
    heads += ["from torch import Tensor, nn"]
    heads += ["from torch.nn import functional"] if "functional." in body else []
    return "\n".join(heads) + f"\n\n\n{body}\n"


def size_text(shape: tuple[int, ...]) -> str:
    """A shape as people write it."""
    return " x ".join(map(str, shape))


@dataclass
class Scope:
    """One class: its layers, what goes in and what comes out.

    slots: the parameter in each place that has one; sizes: whether the sizes are the same wherever it is used.
    """

    name: str
    about: str
    nodes: tuple[Node, ...]
    feeds: tuple[str, ...]
    results: tuple[str, ...]
    templates: Templates
    template: Template | None = None
    sizes: bool = False

    @classmethod
    def of(cls, template: Template, templates: Templates) -> "Scope":
        """The class of a template."""
        first = template.groups[0]
        count = len(template.groups)
        times = {1: "once", 2: "twice"}.get(count, f"{count} times")
        about = f"Block {sentence(first.title)}, used {times}."
        return cls(template.name, about, first.nodes, first.feeds, (first.name,), templates, template, sizes=count == 1)

    def source(self) -> str:
        """The class."""
        group = self.template.groups[0] if self.template else None
        whole = group is not None and group.chain
        parameters = (
            ["self", *(f"{each.name}: {each.hint}" for each in self.template.parameters)] if self.template else ["self"]
        )
        init = signature("__init__", parameters, "None")
        if whole:
            row = Row(tuple(self.entries(range(len(self.nodes)))))
            body = row_lines(row, 8, "super().__init__", sizes=self.sizes)
            return "\n".join([f"class {self.name}(nn.Sequential):", f'    """{self.about}"""', "", *init, *body])
        stored, attributes, forward = self.attributes()
        head = [f"class {self.name}(nn.Module):", f'    """{self.about}"""', ""]
        made = [*init, "        super().__init__()", *stored, *attributes, ""] if attributes or stored else []
        return "\n".join([*head, *made, *forward])

    def runs(self) -> list[list[int]]:
        """Nodes that follow one another without names of their own, together; functions each by itself."""
        users: dict[str, int] = {}
        for node in self.nodes:
            for feed in node.feeds:
                users[feed] = users.get(feed, 0) + 1
        for name in self.results:
            users[name] = users.get(name, 0) + 1
        plain = all(isinstance(node, Step) for node in self.nodes)
        found: list[list[int]] = []
        for index, node in enumerate(self.nodes):
            before = self.nodes[index - 1] if found else None
            joins = (
                before is not None
                and node.chained
                and before.chained
                and node.feeds == (before.name,)
                and users[before.name] == 1
                and (plain or (by_default(node.label) and by_default(before.label)))
                and not (len(found) == 1 and self.is_head(index))
            )
            if joins:
                found[-1].append(index)
            else:
                found.append([index])
        return found

    def is_head(self, index: int) -> bool:
        """Whether a network's last part begins here: from its Flatten on, where all that follows is a chain."""
        node = self.nodes[index]
        return (
            self.template is None
            and isinstance(node, Step)
            and node.ops[0].torch_name == "Flatten"
            and all(each.chained for each in self.nodes[index:])
            and any(isinstance(each, Step) and each.ops[0].torch_name == "Linear" for each in self.nodes[index:])
        )

    def attributes(self) -> tuple[list[str], list[str], list[str]]:
        """The parameters that are kept, the lines that make the parts, and the method that runs them."""
        runs = self.runs()
        parameters = {each.name for each in self.template.parameters} if self.template else set()
        names = Names(OF_MODULES | OF_CODE | parameters)
        made: list[str] = []
        flow = Forward(self.nodes, self.feeds, self.results, self.template)
        for run in runs:
            node = self.nodes[run[0]]
            if isinstance(node, Step) and node.function:
                flow.step(run[0], "")
                continue
            own = names.claim(self.wish(run, runs))
            entries = list(self.entries(run))
            item = folded(tuple(entries))
            if self.sizes and isinstance(item, Call) and not entries[0].quiet:
                made += comment(f"# {sizes_text('', entries[0].before, entries[-1].after)}", 8)
            made += row_lines(item, 8, f"self.{own} = ", sizes=self.sizes)
            flow.step(run[0], f"self.{own}", run[-1])
        stored = [f"        self.{name} = {name}" for name in flow.stored]
        return stored, made, flow.method()

    def wish(self, run: list[int], runs: list[list[int]]) -> str:
        """The name that the attribute of a run should have."""
        nodes = [self.nodes[i] for i in run]
        if len(nodes) == 1:
            return identifier(nodes[0].label)
        kinds = {op.torch_name for node in nodes if isinstance(node, Step) for op in node.ops}
        if "Linear" in kinds:
            return "classifier"
        if self.template is not None:
            return "layers" if sum(len(other) > 1 for other in runs) == 1 else "block"
        return "features" if sum(len(other) > 1 for other in runs) <= 2 else "block"  # noqa: PLR2004 - and a head

    def entries(self, run: "list[int] | range") -> Iterator[Entry]:
        """The modules of a run."""
        for index in run:
            node = self.nodes[index]
            label = "" if by_default(node.label) else node.label[:40]
            if isinstance(node, Step):
                for number, op in enumerate(node.ops):
                    given = {
                        key: self.code(index, number, key, value) for key, value in self.given(node, index, number)
                    }
                    item = module_call(op, given)
                    shapes = (node.shapes[0], node.out)
                    yield Entry(
                        item, *shapes, label if not number else "", quiet=isinstance(op, Pointwise) or number > 0
                    )
            else:
                yield Entry(self.group_call(index, node), node.shapes[0], node.out, label)

    def given(self, node: Step, index: int, number: int) -> Iterator[tuple[str, Any]]:
        """The arguments of a step's layer: what is written, and what a parameter stands for."""
        op = node.ops[number]
        written = op.code_arguments(node.shapes)
        for key in op.arguments:
            if key in written or (self.template and (index, number, key) in self.template.slots):
                yield key, written.get(key, getattr(op, key))

    def code(self, index: int, number: int, key: str, value: Any) -> str:
        """The expression of a value: a parameter's name, or a literal."""
        parameter = self.template.slots.get((index, number, key)) if self.template else None
        return parameter.name if parameter else literal(value)

    def group_call(self, index: int, group: Group) -> "Call | Row":
        """A group as a call of its class, or as the nn.Sequential that it is."""
        if group.repeated:
            return self.loop(index, group)
        template = self.templates[group.signature]
        if template.inline:
            inner = Scope("", "", group.nodes, group.feeds, (group.name,), self.templates, sizes=self.sizes)
            return folded(tuple(inner.entries(range(len(group.nodes)))))
        return self.class_call(index, group)

    def loop(self, index: int, group: Group) -> "Call | Row":
        """A repetition."""
        first = group.nodes[0]
        assert isinstance(first, Group)  # noqa: S101 - what is repeated is a group
        if self.templates[first.signature].inline:
            return self.group_call(index, first)
        times = self.code(index, 0, DEPTH, len(group.nodes))
        call = self.class_call(index, first)
        return call if times == "1" else Call("*", (("", f"[{call} for _ in range({times})]"),))

    def class_call(self, index: int, group: Group) -> Call:
        """A call of a group's class."""
        template = self.templates[group.signature]
        place = template.places[id(group)]
        arguments = []
        for parameter in template.parameters:
            text = self.code(index, 0, parameter.name, parameter.values[place])
            arguments.append(("" if parameter.plain else parameter.name, text))
        return Call(template.name, tuple(arguments), own=True)
