"""A document's keys turned into a network."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from netsolve.coded import Stated
from netsolve.domain import Domain, Unknown
from netsolve.doubts import doubts
from netsolve.errors import DocumentError, Mistake
from netsolve.expression import Expression, ExpressionError, resolve
from netsolve.layers import Layers
from netsolve.locate import Path, Source
from netsolve.mistakes import MOST_GUESSES, Mistakes, closest
from netsolve.network import Network
from netsolve.ops import OPERATORS
from netsolve.ops.arguments import Asked, show
from netsolve.parser import parse
from netsolve.posing import pose
from netsolve.words import valid_name

KEYS = ("name", "input", "inputs", "output", "outputs", "layers", "constraints", "unknown", "blocks")

_NAMED = re.compile(r"""["']\s*\?\s*([A-Za-z_]\w*)""", re.ASCII)


class Reader:
    """A document while it is read: what is wrong is collected, what is right goes on."""

    def __init__(self, source: Source) -> None:
        """Note the text, for the lines of mistakes."""
        self.source = source
        self.mistakes = Mistakes(source)
        self.names: dict[str, Path] = {}
        self.layers = Layers(self.mistakes, ())

    def network(self, data: dict[str, Any]) -> Network:
        """The network of a document. Raises DocumentError with all mistakes."""
        self.keys(data, KEYS, (), "the document")
        inputs = self.inputs(data)
        self.layers = Layers(self.mistakes, tuple(inputs) or ("input",))
        layers = self.layers.read(data)
        self.clashes()
        network = Network(
            inputs,
            tuple(layers),
            self.mistakes.shape(data.get("output"), ("output",), "output"),
            tuple(self.outputs(data)),
            tuple(self.constraints(data.get("constraints", []))),
            self.defaults(data.get("unknown", {})),
            self.text(data.get("name", ""), ("name",)),
            self.source,
            self.layers.aliases,
            self.layers.uses,
        )
        self.namespace(network)
        if inputs and layers:
            self.structure(network)
        if self.mistakes.found:
            raise DocumentError(self.mistakes.found, self.source.file)
        doubts(network, self.mistakes)
        ordered = sorted(self.mistakes.warnings, key=lambda m: m.line or 0)
        return replace(network, warnings=tuple(ordered))

    def clashes(self) -> None:
        """Layers, blocks and repetitions that have the name of an input."""
        for name, path in self.layers.owners.items():
            if name in self.names:
                text = f"this is also the name of {self.owner(name)}"
                self.mistakes.add(path, name, text, "give one of them another name")

    def owner(self, name: str) -> str:
        """What has a name, in words."""
        if name in self.names:
            return f"the input in line {self.source.line(self.names[name])}"
        return f"the layer in line {self.source.line(self.layers.owners[name])}"

    def structure(self, network: Network) -> None:
        """What is wrong with the layers as a network; of a document with mistakes, the part that can be told."""
        if self.mistakes.found:
            network = Network(network.inputs, network.layers, defaults=network.defaults, source=self.source)
        elif network.output is not None and len(network.results) != 1:
            results = network.results
            names = ", ".join(results[:10]) + (", ..." if len(results) > 10 else "")  # noqa: PLR2004 - as many as are listed
            text = f"there are {len(results)} outputs: {names}"
            self.mistakes.add(("output",), "output", text, "state the shape of each by `out` on its layer")
            return
        try:
            pose(network)
        except DocumentError as error:
            self.mistakes.found.extend(_once(network, error.mistakes))

    def keys(self, table: Mapping[str, Any], known: Collection[str], path: Path, where: str) -> None:
        """Unknown keys."""
        for key in table:
            if key not in known:
                self.mistakes.add((*path, key), where, f"there is no key {show(key)}", self.mistakes.near(key, known))

    def text(self, value: Any, path: Path) -> str:
        """A text."""
        if not isinstance(value, str):
            self.mistakes.add(path, str(path[-1]), f"a text is expected, not {show(value)}")
            return ""
        return value

    def inputs(self, data: Mapping[str, Any]) -> dict[str, Stated]:
        """The shapes of the inputs by name; what is mistaken is left out."""
        if "inputs" not in data:
            if "input" not in data:
                remedy = "write input = [3, 96, 96]: channels, then spatial sizes, without the batch"
                self.mistakes.found.append(Mistake("input", "is missing", remedy))
            shape = self.mistakes.shape(data.get("input"), ("input",), "input")
            return {} if shape is None else {"input": shape}
        if "input" in data:
            self.mistakes.add(("inputs",), "inputs", "there is `input` too", "name all of them under `inputs`")
        table = data["inputs"]
        if not isinstance(table, dict) or not table:
            self.mistakes.add(
                ("inputs",),
                "inputs",
                f"a table of shapes by name is expected, not {show(table)}",
                "such as { left = [3, 96, 96], right = [3, 96, 96] }",
            )
            return {}
        found = {}
        for name, value in table.items():
            if name != "input" and (not valid_name(name) or "." in name):
                self.mistakes.add(
                    ("inputs", name), "inputs", f"{show(name)} cannot be an input's name", "letters, digits and _"
                )
                continue
            self.names[name] = ("inputs", name)
            shape = self.mistakes.shape(value, ("inputs", name), f"inputs.{name}")
            if shape is not None:
                found[name] = shape
        return found

    def outputs(self, data: Mapping[str, Any]) -> Iterable[str]:
        """The names of the outputs."""
        value = data.get("outputs", [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self.mistakes.add(
                ("outputs",), "outputs", "a list of layers' names is expected", 'such as ["mask", "edges"]'
            )
            return
        seen: set[str] = set()
        for index, given in enumerate(value):
            name, path = self.layers.aliases.get(given, given), ("outputs", index)
            if name in seen:
                text = f"{show(given)} is named twice" if name == given else f"{show(given)} is {name}, named already"
                self.mistakes.add(path, "outputs", text, "name each layer once")
            elif name in self.layers.placed:
                seen.add(name)
                yield name
            else:
                remedy = self.mistakes.near(given, closest({*self.layers.placed, *self.layers.aliases}))
                self.mistakes.add(path, "outputs", f"there is no layer {show(given)}", remedy)

    def defaults(self, table: Any) -> dict[str, Domain]:
        """The table of what question marks may be, by argument."""
        found: dict[str, Domain] = {}
        if not isinstance(table, dict):
            self.mistakes.add(
                ("unknown",), "unknown", f"a table is expected, not {show(table)}", 'such as { padding = "?0..3" }'
            )
            return found
        askable = {name for op in OPERATORS.values() for name, kind in op.arguments.items() if isinstance(kind, Asked)}
        for key, value in table.items():
            if key not in askable:
                self.mistakes.add(
                    ("unknown", key),
                    "unknown",
                    f"no layer has an argument {show(key)} that may be unknown",
                    self.mistakes.near(key, askable),
                )
                continue
            try:
                unknown = Unknown.parse(value) if isinstance(value, str) else None
            except ValueError as error:
                self.mistakes.add(("unknown", key), f"unknown.{key}", str(error))
                continue
            if unknown is None or unknown.domain is None or unknown.name is not None:
                self.mistakes.add(
                    ("unknown", key),
                    f"unknown.{key}",
                    f"a set is expected, not {show(value)}",
                    'such as "?0..3" or "?1|3|5"',
                )
            else:
                found[key] = unknown.domain
        return found

    def constraints(self, value: Any) -> Iterable[Expression]:
        """The constraints as expressions."""
        if not isinstance(value, list):
            self.mistakes.add(
                ("constraints",),
                "constraints",
                f"a list of texts is expected, not {show(value)}",
                'such as ["a.padding == b.padding"]',
            )
            return
        unknowns = frozenset(_NAMED.findall(self.source.text))
        for index, entry in enumerate(value):
            path = ("constraints", index)
            if not isinstance(entry, str):
                self.mistakes.add(path, f"constraints[{index}]", f"a text is expected, not {show(entry)}")
                continue
            try:
                expression = parse(entry)
                self.meaning(expression, unknowns)
                yield expression
            except ExpressionError as error:
                self.mistakes.add(path, f"constraints[{index}]", str(error))

    def meaning(self, expression: Expression, unknowns: Collection[str]) -> None:
        """Raise ExpressionError for a name that nothing has, also where layers are mistaken otherwise."""
        known = {name: name for name in (*self.layers.placed, *self.layers.aliases) if "[" not in name}
        inputs = self.names.keys() or {"input"}
        clear = bool(known) and len(self.mistakes) < MOST_GUESSES // 10
        for reference in expression.references if clear else ():
            resolve(reference, known, inputs, unknowns, expression.text)

    def namespace(self, network: Network) -> None:
        """Named unknowns may not have the name of a layer, an input, or a word of the language."""
        for name, path in _named(network):
            if name in self.names or name in self.layers.owners or not valid_name(name):
                taken = name in self.names or name in self.layers.owners
                owner = f"the name of {self.owner(name)}" if taken else "a word of the language"
                self.mistakes.add(path, f"?{name}", f"{name} is {owner}", "give the unknown another name")


def _once(network: Network, mistakes: Iterable[Mistake]) -> Iterable[Mistake]:
    """Mistakes without those that a repetition of the same layer has again."""
    paths = {layer.name: layer.path for layer in network.layers}
    seen: set[tuple[Any, ...]] = set()
    for mistake in mistakes:
        parts = mistake.where.split(".")
        owner = next((name for i in range(len(parts), 0, -1) if (name := ".".join(parts[:i])) in paths), "")
        key = (paths.get(owner, ()) or mistake.where, mistake.where.removeprefix(owner), mistake.text, mistake.line)
        if key not in seen:
            seen.add(key)
            yield mistake


def _named(network: Network) -> Iterable[tuple[str, Path]]:
    """Every named unknown with the places where it stands."""
    several = set(network.inputs) != {"input"}
    for name, shape in network.inputs.items():
        yield from ((unknown, ("inputs", name) if several else (name,)) for unknown in _names(shape))
    for layer in network.layers:
        for key in layer.op.arguments:
            yield from ((unknown, layer.at(key)) for unknown in _names(getattr(layer.op, key)))
        yield from ((unknown, layer.at("out")) for unknown in _names(layer.out or ()))
    yield from ((unknown, ("output",)) for unknown in _names(network.output or ()))


def _names(value: Any) -> Iterable[str]:
    """The names of the unknowns in a value."""
    entries = value if isinstance(value, tuple) else (value,)
    return [entry.name for entry in entries if isinstance(entry, Unknown) and entry.name]
