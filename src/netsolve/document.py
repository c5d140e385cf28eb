"""Networks as TOML documents: read, with every mistake at once, and written back with values in place."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, BinaryIO

from netsolve.domain import LARGEST, Domain, Unknown
from netsolve.errors import DocumentError, Mistake
from netsolve.expand import Expansion, Placed
from netsolve.expression import Expression, ExpressionError, parse, resolve
from netsolve.locate import Path, Source, hazards
from netsolve.network import Layer, Network, Stated
from netsolve.ops import OPERATORS, Operator
from netsolve.ops.arguments import Asked, show
from netsolve.problem import pose
from netsolve.words import nearest, valid_name

if TYPE_CHECKING:
    from pydantic import TypeAdapter

LARGEST_FILE = 16 * 2**20
MOST_GUESSES = 1000
KEYS = ("name", "input", "inputs", "output", "outputs", "layers", "constraints", "unknown", "blocks")
LAYER_KEYS = ("op", "name", "from", "out")

_AT_LINE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_NAMED = re.compile(r"""["']\s*\?\s*([A-Za-z_]\w*)""", re.ASCII)
_TOML_REMEDIES = {
    "Unclosed array": "a comma, or the closing ], is missing before this place",
    "Unclosed inline table": "a comma, or the closing }, is missing before this place",
    "Invalid initial character for a key part": "an inline table has no comma after its last entry",
    "Expected newline": "one key = value stands on a line",
    "Expected '=' after a key": "write key = value",
    "Cannot overwrite": "a key stands only once",
    "Duplicate inline table key": "a key stands only once",
    "Cannot declare": "a table stands only once; a list of layers is written [[layers]]",
    "Cannot mutate": "layers are either one array or [[layers]] tables, not both",
}


def load(file: str | FilePath) -> Network:
    """Read a network from a file.

    Raises DocumentError with all mistakes, each with its line; also where the file cannot be read.
    """
    try:
        with FilePath(file).open("rb") as stream:
            return read(stream, str(file))
    except OSError as error:
        raise DocumentError([Mistake("", _unreadable(error))], str(file)) from None
    except ValueError as error:
        raise DocumentError([Mistake("", f"this is no file name: {error}")], repr(str(file))) from None


def read(stream: BinaryIO, file: str = "") -> Network:
    """Read a network from an open binary file; `file` names it in messages."""
    data = stream.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise DocumentError([Mistake("", f"the file is larger than {LARGEST_FILE >> 20} MiB")], file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DocumentError([Mistake("", "this is not UTF-8 text, as TOML is", line=line)], file) from None
    return loads(text, file)


def loads(text: str, file: str = "") -> Network:
    """Read a network from TOML text; `file` names it in messages. Raises DocumentError with all mistakes."""
    if found := hazards(text):
        raise DocumentError([Mistake("", hazard.text, hazard.remedy, hazard.line) for hazard in found], file)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError([_not_toml(str(error), text)], file) from None
    return _Reader(Source(text, file)).network(data)


def write(network: Network, values: Mapping[str, Any], unknowns: Mapping[str, int]) -> str:
    """The document a network was read from with values in place of question marks, comments and layout kept.

    values: by LAYER.ARGUMENT and `input`, as a solution has them; unknowns: the values of named unknowns, which take
    the place of their names in constraints. Raises ValueError where the network was not read from a document.
    """
    import tomlkit  # noqa: PLC0415 - only writing needs it

    if network.source is None:
        msg = "this network was not read from a document"
        raise ValueError(msg)
    document: Any = tomlkit.parse(network.source.text)
    paths = {layer.name: layer.path for layer in network.layers}
    for key, value in values.items():
        owner, _, argument = key.rpartition(".")
        table = document
        for part in paths.get(owner, ()):
            table = table[part]
        _put(table, argument if owner else key, value)
    for index, expression in enumerate(network.constraints):
        if changed := _substituted(expression, unknowns):
            document["constraints"][index] = changed
    return tomlkit.dumps(document)


def _put(table: Any, key: str, value: Any) -> None:
    """Replace a value, entry by entry where it is a list, so that layout and comments stay."""
    if isinstance(value, tuple):
        for index, entry in enumerate(value):
            if table[key][index] != entry:
                table[key][index] = entry
    else:
        table[key] = value


def _substituted(expression: Expression, unknowns: Mapping[str, int]) -> str:
    """A constraint with the values of named unknowns in place of their names; empty where none occurs."""
    if not any(str(reference) in unknowns for reference in expression.references):
        return ""
    return expression.replaced(unknowns)


def _unreadable(error: OSError) -> str:
    """Why a file cannot be read."""
    reasons = {
        FileNotFoundError: "there is no such file",
        IsADirectoryError: "this is a directory, not a file",
        PermissionError: "reading this file is not permitted",
    }
    return reasons.get(type(error), f"the file cannot be read: {error.strerror or error}")


def _not_toml(message: str, text: str) -> Mistake:
    """What tomllib says of a text that is not TOML."""
    match = _AT_LINE.search(message)
    what, lines = _AT_LINE.sub("", message), text.splitlines()
    line = None if match is None else int(match[1]) if match[1] else max(len(lines), 1)
    rest = lines[line - 1][int(match[2]) - 1 :] if match and match[2] and line and line <= len(lines) else ""
    if what == "Invalid value" and rest.startswith("?"):
        remedy = 'a question mark stands in quotes: "?"'
    elif what == "Invalid value" and (word := re.match(r"true|false|[A-Za-z_]\w*", rest, re.IGNORECASE)):
        lower = word[0].lower()
        remedy = f"write {lower}" if lower in {"true", "false"} else f'a text stands in quotes: "{word[0]}"'
    else:
        remedy = next((remedy for start, remedy in _TOML_REMEDIES.items() if what.startswith(start)), "")
    return Mistake("", f"this is not TOML: {what}", remedy, line)


@dataclass
class _Reader:
    """A document while it is read: what is wrong is collected, what is right goes on."""

    source: Source
    mistakes: list[Mistake] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    layer_names: Collection[str] = ()

    def network(self, data: dict[str, Any]) -> Network:
        """The network of a document. Raises DocumentError with all mistakes."""
        self.keys(data, KEYS, (), "the document")
        inputs = self.inputs(data)
        layers = self.layers(data, tuple(inputs))
        network = Network(
            inputs,
            tuple(layers),
            self.shape(data.get("output"), ("output",), "output"),
            tuple(self.outputs(data)),
            tuple(self.constraints(data.get("constraints", []))),
            self.defaults(data.get("unknown", {})),
            self.text(data.get("name", ""), ("name",)),
            self.source,
        )
        self.namespace(network)
        if inputs and layers:
            self.structure(network)
        if self.mistakes:
            raise DocumentError(self.mistakes, self.source.file)
        return network

    def structure(self, network: Network) -> None:
        """What is wrong with the layers as a network; of a document with mistakes, the part that can be told."""
        if self.mistakes:
            network = Network(network.inputs, network.layers, defaults=network.defaults, source=self.source)
        elif network.output is not None and len(network.results) != 1:
            names = ", ".join(network.results)
            self.mistake(
                ("output",),
                "output",
                f"there are {len(network.results)} outputs: {names}",
                "state the shape of each by `out` on its layer",
            )
            return
        try:
            pose(network)
        except DocumentError as error:
            self.mistakes.extend(error.mistakes)

    def mistake(self, path: Path, where: str, text: str, remedy: str = "") -> None:
        """Note a mistake with its line."""
        self.mistakes.append(Mistake(where, text, remedy, self.source.line(path)))

    def keys(self, table: Mapping[str, Any], known: Collection[str], path: Path, where: str) -> None:
        """Unknown keys."""
        for key in table:
            if key not in known:
                self.mistake((*path, key), where, f"there is no key {show(key)}", self.near(key, known))

    def text(self, value: Any, path: Path) -> str:
        """A text."""
        if not isinstance(value, str):
            self.mistake(path, str(path[-1]), f"a text is expected, not {show(value)}")
            return ""
        return value

    def inputs(self, data: Mapping[str, Any]) -> dict[str, Stated]:
        """The shapes of the inputs by name; what is mistaken is left out."""
        if "inputs" not in data:
            if "input" not in data:
                remedy = "write input = [3, 96, 96]: channels, then spatial sizes, without the batch"
                self.mistakes.append(Mistake("input", "is missing", remedy))
            shape = self.shape(data.get("input"), ("input",), "input")
            return {} if shape is None else {"input": shape}
        if "input" in data:
            self.mistake(("inputs",), "inputs", "there is `input` too", "name all of them under `inputs`")
        table = data["inputs"]
        if not isinstance(table, dict) or not table:
            self.mistake(
                ("inputs",),
                "inputs",
                f"a table of shapes by name is expected, not {show(table)}",
                "such as { left = [3, 96, 96], right = [3, 96, 96] }",
            )
            return {}
        found = {}
        for name, value in table.items():
            if name != "input" and (not valid_name(name) or "." in name):
                self.mistake(
                    ("inputs", name), "inputs", f"{show(name)} cannot be an input's name", "letters, digits and _"
                )
                continue
            self.names[name] = f"the input in line {self.source.line(('inputs', name))}"
            shape = self.shape(value, ("inputs", name), f"inputs.{name}")
            if shape is not None:
                found[name] = shape
        return found

    def outputs(self, data: Mapping[str, Any]) -> Iterable[str]:
        """The names of the outputs."""
        value = data.get("outputs", [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self.mistake(("outputs",), "outputs", "a list of layers' names is expected", 'such as ["mask", "edges"]')
            return
        for index, given in enumerate(value):
            name = given
            while name in self.aliases:
                name = self.aliases[name]
            if name in self.layer_names:
                yield name
            else:
                self.mistake(
                    ("outputs", index),
                    "outputs",
                    f"there is no layer {show(given)}",
                    self.near(given, self.layer_names),
                )

    def shape(self, value: Any, path: Path, where: str) -> Stated | None:
        """A shape: sizes or question marks."""
        if value is None:
            return None
        if not isinstance(value, list):
            self.mistake(path, where, f"a list of sizes is expected, not {show(value)}", "such as [3, 96, 96]")
            return None
        if not 1 <= len(value) <= 8:  # noqa: PLR2004 - more axes than any layer of torch takes
            self.mistake(path, where, f"{len(value)} sizes: a shape has 1 to 8", "such as [3, 96, 96]")
            return None
        sizes = [self.size(entry, (*path, index), f"{where}[{index}]") for index, entry in enumerate(value)]
        return tuple(size for size in sizes if size is not None) if None not in sizes else None

    def size(self, value: Any, path: Path, where: str) -> int | Unknown | None:
        """One size."""
        try:
            return SIZE.number(value)  # type: ignore[no-any-return]
        except ValueError as error:
            self.mistake(path, where, str(error), meant(value))
            return None

    def defaults(self, table: Any) -> dict[str, Domain]:
        """The table of what question marks may be, by argument."""
        found: dict[str, Domain] = {}
        if not isinstance(table, dict):
            self.mistake(
                ("unknown",), "unknown", f"a table is expected, not {show(table)}", 'such as { padding = "?0..3" }'
            )
            return found
        askable = {name for op in OPERATORS.values() for name, kind in op.arguments.items() if isinstance(kind, Asked)}
        for key, value in table.items():
            if key not in askable:
                self.mistake(
                    ("unknown", key),
                    "unknown",
                    f"no layer has an argument {show(key)} that may be unknown",
                    self.near(key, askable),
                )
                continue
            try:
                unknown = Unknown.parse(value) if isinstance(value, str) else None
            except ValueError as error:
                self.mistake(("unknown", key), f"unknown.{key}", str(error))
                continue
            if unknown is None or unknown.domain is None or unknown.name is not None:
                self.mistake(
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
            self.mistake(
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
                self.mistake(path, f"constraints[{index}]", f"a text is expected, not {show(entry)}")
                continue
            try:
                expression = parse(entry)
                self.meaning(expression, unknowns)
                yield expression
            except ExpressionError as error:
                self.mistake(path, f"constraints[{index}]", str(error))

    def near(self, word: str, known: Iterable[str]) -> str:
        """A remedy for a misspelt word; a document with a thousand mistakes gets no more of them."""
        return nearest(word, known) if len(self.mistakes) < MOST_GUESSES else ""

    def meaning(self, expression: Expression, unknowns: Collection[str]) -> None:
        """Raise ExpressionError for a name that nothing has, also where layers are mistaken otherwise."""
        inputs = self.names.keys() - set(self.layer_names) or {"input"}
        known = bool(self.layer_names) and len(self.mistakes) < MOST_GUESSES // 10
        for reference in expression.references if known else ():
            resolve(reference, self.layer_names, inputs, unknowns, expression.text)

    def layers(self, data: Mapping[str, Any], inputs: tuple[str, ...]) -> list[Layer]:
        """The layers, each behind what feeds it; mistaken ones are left out."""
        value = data.get("layers")
        if not isinstance(value, list) or not value:
            text = (
                "is missing"
                if value is None
                else "is empty"
                if value == []
                else f"a list of tables is expected, not {show(value)}"
            )
            self.mistake(("layers",), "layers", text, 'write layers = [ { op = "Conv2d", ... }, ... ]')
            return []
        blocks = data.get("blocks", {})
        if not isinstance(blocks, dict):
            self.mistake(("blocks",), "blocks", f"a table of blocks is expected, not {show(blocks)}")
            blocks = {}
        expansion = Expansion(blocks, inputs or ("input",), self.mistake, self.source.line)
        placed = {layer.name: layer for layer in expansion.expand(value)}
        self.aliases = expansion.outputs
        self.layer_names = placed.keys()
        for layer in placed.values():
            if layer.name in self.names:
                self.mistake(
                    layer.path,
                    layer.name,
                    f"this is also the name of {self.names[layer.name]}",
                    "give one of them another name",
                )
            self.names[layer.name] = f"the layer in line {self.source.line(layer.path)}"
        known = {*placed, *(inputs or ("input",))}
        for layer in placed.values():
            for feed in layer.feeds:
                if feed not in known:
                    remedy = self.near(feed, known)
                    self.mistake(
                        (*layer.path, "from"),
                        layer.name,
                        f"from names {show(feed)}, and there is no such layer",
                        remedy,
                    )
        read = {layer.name: self.layer(layer) for layer in self.ordered(placed)}
        return [layer for layer in read.values() if layer is not None]

    def ordered(self, placed: Mapping[str, Placed]) -> list[Placed]:
        """The layers with each behind what feeds it, as they are written wherever that is so already."""
        seen: set[str] = set()
        for layer in placed.values():
            if any(feed in placed and feed not in seen for feed in layer.feeds):
                break
            seen.add(layer.name)
        else:
            return list(placed.values())
        graph = {name: [feed for feed in layer.feeds if feed in placed] for name, layer in placed.items()}
        try:
            return [placed[name] for name in TopologicalSorter(graph).static_order()]
        except CycleError as error:
            names = list(reversed(error.args[1]))
            text = f"the layers feed each other in a circle: {' > '.join(names)}"
            self.mistake(
                (*placed[names[0]].path, "from"), names[0], text, "a network has no loops: unroll it with `repeat`"
            )
            return []

    def layer(self, placed: Placed) -> Layer | None:
        """One layer; None where it is mistaken."""
        before = len(self.mistakes)
        name, path, table = placed.name, placed.path, placed.table
        op = self.operator(table, table.get("op"), path, name)
        out = None
        if op is None or "out" not in op.arguments:
            out = self.shape(table.get("out"), (*path, "out"), f"{name}.out")
        if op is not None:
            self.arity(op, placed)
        if op is None or len(self.mistakes) > before:
            return None
        return Layer(name, op, placed.feeds, out, path)

    def arity(self, op: Operator, placed: Placed) -> None:
        """As many inputs as the operator takes."""
        least, most = op.arity
        count = len(placed.feeds)
        if count < least or (most is not None and count > most):
            wanted = (
                f"{least} inputs or more"
                if most is None
                else f"{least} input{'s' if least > 1 else ''}"
                if least == most
                else f"{least} to {most} inputs"
            )
            self.mistake(
                (*placed.path, "from"),
                placed.name,
                f"{op.torch_name} takes {wanted}, not {count}",
                'name them: from = ["a", "b"]' if count < least else 'join them first by "cat" or "add"',
            )

    def operator(self, table: Mapping[str, Any], title: Any, path: Path, name: str) -> Operator | None:
        """The layer's operator with its arguments."""
        if not isinstance(title, str):
            text = "op is missing" if title is None else f"op is a text, not {show(title)}"
            self.mistake(path, name, text, 'such as op = "Conv2d"')
            return None
        if title not in OPERATORS:
            self.mistake((*path, "op"), name, f"there is no operator {show(title)}", self.near(title, OPERATORS))
            return None
        from pydantic import ValidationError  # noqa: PLC0415 - imported by `adapter` anyway

        operator = OPERATORS[title]
        special = {*LAYER_KEYS, "like"} - operator.arguments.keys()
        arguments = {key: value for key, value in table.items() if key not in special}
        if "like" in table and operator.arity == (1, 1):
            arguments["like"] = table["like"]
        try:
            return adapter(title).validate_python(arguments, context=operator.axes)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self.argument(detail, operator, path, name)
            return None

    def argument(self, detail: Any, operator: type[Operator], path: Path, name: str) -> None:
        """A mistake in an argument, as pydantic found it."""
        key = str(detail["loc"][0]) if detail["loc"] else ""
        if detail["type"] == "missing":
            asked = f' or {key} = "?"' if isinstance(operator.arguments[key], Asked) else ""
            self.mistake(path, name, f"{operator.torch_name} needs {key}", f"write {key} = ...{asked}")
        elif detail["type"] == "unexpected_keyword_argument":
            known = (*operator.arguments, *LAYER_KEYS)
            self.mistake(
                (*path, key), name, f"{operator.torch_name} has no argument {show(key)}", self.near(key, known)
            )
        else:
            text = str(detail["ctx"]["error"]) if "ctx" in detail else detail["msg"]
            self.mistake((*path, key), f"{name}.{key}", text, meant(detail["input"]))

    def namespace(self, network: Network) -> None:
        """Named unknowns may not have the name of a layer, an input, or a word of the language."""
        for name, path in _named(network):
            if name in self.names or not valid_name(name):
                owner = f"the name of {self.names[name]}" if name in self.names else "a word of the language"
                self.mistake(path, f"?{name}", f"{name} is {owner}", "give the unknown another name")


SIZE = Asked(least=1)


def _named(network: Network) -> dict[tuple[str, Path], None]:
    """Every named unknown with the places where it stands."""
    found: dict[tuple[str, Path], None] = {}
    for name, shape in network.inputs.items():
        found.update({(size.name, (name,)): None for size in shape if isinstance(size, Unknown) and size.name})
    for layer in network.layers:
        for key in layer.op.arguments:
            value = getattr(layer.op, key)
            for entry in value if isinstance(value, tuple) else (value,):
                if isinstance(entry, Unknown) and entry.name:
                    found[entry.name, (*layer.path, key)] = None
        for size in layer.out or ():
            if isinstance(size, Unknown) and size.name:
                found[size.name, (*layer.path, "out")] = None
    found.update(
        {(size.name, ("output",)): None for size in network.output or () if isinstance(size, Unknown) and size.name}
    )
    return found


def meant(value: Any) -> str:
    """What was probably meant by a number in quotes, a set without its question mark, or 3.0; empty where unclear."""
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return f"write {value:.0f}"
    if not isinstance(value, str) or value.strip().startswith("?"):
        return ""
    try:
        values = Domain.parse(value)
    except ValueError:
        return ""
    return f"write {values.low}, without quotes" if values.count == 1 else f'write "?{value.strip()}"'


@cache
def adapter(title: str) -> "TypeAdapter[Operator]":
    """What reads one operator, by pydantic."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - a tenth of a second that `--help` does not need

    return TypeAdapter(OPERATORS[title])


__all__ = ["load", "loads", "read", "write"]
