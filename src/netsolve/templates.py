"""Groups that are alike as one class: which numbers differ, and so are parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from netsolve.grouping import Group, Node, Step
from netsolve.identifiers import OF_CODE, OF_MODULES, Names, class_name, identifier
from netsolve.ops import Operator
from netsolve.ops.arguments import Asked, Inferred
from netsolve.ops.plain import Integer

Slot = tuple[int, int, str]
"""A place for a value in a group: the node, the layer of torch in it, and the argument."""


DEPTH = "depth"
"""How often a group is repeated."""


@dataclass(frozen=True)
class Parameter:
    """A number that differs between groups: its name, and its value in each of them.

    plain: whether it is usually given by its place and not by its name.
    """

    name: str
    values: tuple[Any, ...]
    plain: bool

    @property
    def hint(self) -> str:
        """The type of its values as an annotation."""
        return " | ".join(sorted({_hint(value) for value in self.values}))


@dataclass
class Template:
    """A class for groups of one signature.

    places: of each group among them, by identity; slots: the parameter of each slot that has one.
    """

    name: str
    groups: list[Group]
    parameters: tuple[Parameter, ...] = ()
    slots: dict[Slot, Parameter] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)

    @property
    def inline(self) -> bool:
        """Whether the group is written where it stands, as an nn.Sequential."""
        return len(self.groups) == 1 and self.groups[0].chain


Templates = Mapping[int, Template]


def templates_of(nodes: tuple[Node, ...], names: Names) -> Templates:
    """A template for each signature, inner ones first."""
    found: dict[int, Template] = {}
    for group in _groups(nodes):
        if group.repeated:
            continue
        found.setdefault(group.signature, Template("", [])).groups.append(group)
    for signature in sorted(found):
        template = found[signature]
        template.places = {id(group): index for index, group in enumerate(template.groups)}
        if not template.inline:
            titles = {group.title for group in template.groups}
            title = titles.pop() if len(titles) == 1 else template.groups[0].title
            template.name = names.claim(class_name(title), mark="")
        _parametrise(template, found)
    return {signature: found[signature] for signature in sorted(found)}


def _groups(nodes: tuple[Node, ...]) -> Iterator[Group]:
    """All groups, also in groups."""
    for node in nodes:
        if isinstance(node, Group):
            yield node
            yield from _groups(node.nodes)


def _parametrise(template: Template, known: Templates) -> None:
    """Find which slots differ, and give those that differ alike one parameter."""
    tables = [dict(_slots(group, known)) for group in template.groups]
    keys = dict.fromkeys(key for table in tables for key in table)
    names = Names(OF_CODE | OF_MODULES | {"x"})
    by_values: dict[tuple[Any, ...], Parameter] = {}
    for slot in keys:
        values = tuple(_value(table, slot, group) for table, group in zip(tables, template.groups, strict=True))
        kinds = tuple((type(value), value) for value in values)
        if len(set(kinds)) == 1:
            continue
        if kinds not in by_values:
            plain = _is_plain(template.groups[0].nodes[slot[0]], slot, known)
            by_values[kinds] = Parameter(names.claim(identifier(slot[2])), values, plain)
        template.slots[slot] = by_values[kinds]
    parameters = by_values.values()
    template.parameters = tuple(sorted(parameters, key=lambda parameter: not parameter.plain))


def _slots(group: Group, known: Templates) -> Iterator[tuple[Slot, Any]]:
    """The values of a group by their slots."""
    for index, node in enumerate(group.nodes):
        if isinstance(node, Step):
            for number, op in enumerate(node.ops):
                given = op.code_arguments(node.shapes)
                yield from (((index, number, key), given[key]) for key in op.arguments if key in given)
        else:
            first = node.nodes[0] if node.repeated else node
            assert isinstance(first, Group)  # noqa: S101 - what is repeated is a group
            inner = known[first.signature]
            place = inner.places[id(first)]
            yield from (((index, 0, each.name), each.values[place]) for each in inner.parameters)
            if node.repeated:
                yield (index, 0, DEPTH), len(node.nodes)


def _value(table: Mapping[Slot, Any], slot: Slot, group: Group) -> Any:
    """A slot's value; that of an argument which is not written is its default."""
    if slot in table:
        return table[slot]
    node = group.nodes[slot[0]]
    assert isinstance(node, Step)  # noqa: S101 - a template's parameters are those of all its groups
    return getattr(node.ops[slot[1]], slot[2])


def _is_plain(node: Node, slot: Slot, known: Templates) -> bool:
    """Whether an argument is usually given by its place."""
    if isinstance(node, Step):
        return by_place(node.ops[slot[1]], slot[2])
    inner = known[node.nodes[0].signature if node.repeated else node.signature]
    return any(each.plain for each in inner.parameters if each.name == slot[2])


def by_place(op: Operator, argument: str) -> bool:
    """Whether an argument is written without its name: what each layer of its kind has, but for windows and dims."""
    kind = op.arguments[argument]
    declared = {each.name: each for each in fields(op)}[argument]
    needed = isinstance(kind, Inferred) or declared.default is MISSING
    return needed and isinstance(kind, Asked | Integer) and kind.entries == "one" and "dim" not in op.arguments


def _hint(value: Any) -> str:
    if isinstance(value, tuple):
        return f"tuple[{', '.join(_hint(entry) for entry in value)}]"
    return "None" if value is None else type(value).__name__
