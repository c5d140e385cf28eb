"""Networks as TOML documents: read, with every mistake at once, and written back with values in place."""

import difflib
import keyword
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, BinaryIO

from netsolve.domain import Domain, Unknown
from netsolve.errors import DocumentError, Mistake
from netsolve.expression import Expression, ExpressionError, parse
from netsolve.locate import Path, Source, hazards
from netsolve.network import Layer, Network, Stated
from netsolve.ops import OPERATORS, Operator
from netsolve.ops.arguments import Asked, integer, show
from netsolve.problem import pose

if TYPE_CHECKING:
    from pydantic import TypeAdapter

LARGEST_FILE = 16 * 2**20
MOST_LAYERS = 100_000
KEYS = ("name", "input", "output", "layers", "constraints", "unknown")
LATER = {"inputs": "several inputs", "outputs": "several outputs", "blocks": "blocks"}
LAYER_KEYS = ("op", "name", "from", "out")
LAYER_LATER = {"repeat": "repetition", "layers": "nested layers", "block": "blocks", "like": "`like`"}
TAKEN = frozenset({"input", "output", "min", "max", "abs"})

_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


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

    values: by LAYER.ARGUMENT and `input`, as a solution has them; unknowns: the values of named unknowns, which take the
    place of their names in constraints. Raises ValueError where the network was not read from a document.
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
    return re.sub(
        r"(?<![\w.])[A-Za-z_]\w*(?![\w.\[(])", lambda m: str(unknowns.get(m[0], m[0])), expression.text
    )


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
    line = None if match is None else int(match[1]) if match[1] else text.count("\n") + 1
    return Mistake("", f"this is not TOML: {_AT_LINE.sub('', message)}", line=line)


@dataclass
class _Reader:
    """A document while it is read: what is wrong is collected, what is right goes on."""

    source: Source
    mistakes: list[Mistake] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)

    def network(self, data: dict[str, Any]) -> Network:
        """The network of a document. Raises DocumentError with all mistakes."""
        self.keys(data, KEYS, (), LATER, "the document")
        layers = self.layers(data)
        inputs = self.input(data)
        output = self.shape(data.get("output"), ("output",), "output")
        network = Network(
            {"input": inputs or ()},
            tuple(layers),
            output,
            tuple(self.constraints(data.get("constraints", []))),
            self.defaults(data.get("unknown", {})),
            self.text(data.get("name", ""), ("name",)),
            self.source,
        )
        self.namespace(network)
        if inputs and layers:
            self.structure(network, complete=len(layers) == len(data["layers"]))
        if self.mistakes:
            raise DocumentError(self.mistakes, self.source.file)
        return network

    def structure(self, network: Network, *, complete: bool) -> None:
        """What is wrong with the layers as a network; of a document with mistakes, the part before the first."""
        if self.mistakes:
            missing = {name for layer in network.layers for name in layer.inputs} - set(self.names)
            whole = complete and not missing
            network = Network(network.inputs, network.layers, network.output if whole else None, defaults=network.defaults,
                              source=self.source)
        try:
            pose(network)
        except DocumentError as error:
            self.mistakes.extend(error.mistakes)

    def mistake(self, path: Path, where: str, text: str, remedy: str = "") -> None:
        """Note a mistake with its line."""
        self.mistakes.append(Mistake(where, text, remedy, self.source.line(path)))

    def keys(self, table: Mapping[str, Any], known: Collection[str], path: Path, later: Mapping[str, str], where: str) -> None:
        """Unknown keys, and keys of the language that this version does not know yet."""
        for key in table:
            if key in later:
                self.mistake((*path, key), where, f"{key}: {later[key]} are not supported yet")
            elif key not in known:
                self.mistake((*path, key), where, f"there is no key {show(key)}", nearest(key, known))

    def text(self, value: Any, path: Path) -> str:
        """A text."""
        if not isinstance(value, str):
            self.mistake(path, str(path[-1]), f"a text is expected, not {show(value)}")
            return ""
        return value

    def input(self, data: Mapping[str, Any]) -> Stated | None:
        """The shape of the input."""
        if "input" not in data:
            if "inputs" not in data:
                self.mistakes.append(
                    Mistake("input", "is missing", "write input = [3, 96, 96]: channels, then spatial sizes, without the batch")
                )
            return None
        return self.shape(data["input"], ("input",), "input")

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
        sizes = [self.size(entry, (*path, index), where) for index, entry in enumerate(value)]
        return tuple(size for size in sizes if size is not None) if None not in sizes else None

    def size(self, value: Any, path: Path, where: str) -> int | Unknown | None:
        """One size."""
        try:
            return SIZE.number(value)  # type: ignore[no-any-return]
        except ValueError as error:
            self.mistake(path, where, str(error))
            return None

    def defaults(self, table: Any) -> dict[str, Domain]:
        """The table of what question marks may be, by argument."""
        found: dict[str, Domain] = {}
        if not isinstance(table, dict):
            self.mistake(("unknown",), "unknown", f"a table is expected, not {show(table)}", 'such as { padding = "?0..3" }')
            return found
        askable = {name for op in OPERATORS.values() for name, kind in op.arguments.items() if isinstance(kind, Asked)}
        for key, value in table.items():
            if key not in askable:
                self.mistake(("unknown", key), "unknown", f"no layer has an argument {show(key)} that may be unknown", nearest(key, askable))
                continue
            try:
                unknown = Unknown.parse(value) if isinstance(value, str) else None
            except ValueError as error:
                self.mistake(("unknown", key), f"unknown.{key}", str(error))
                continue
            if unknown is None or unknown.domain is None or unknown.name is not None:
                self.mistake(("unknown", key), f"unknown.{key}", f"a set is expected, not {show(value)}", 'such as "?0..3" or "?1|3|5"')
            else:
                found[key] = unknown.domain
        return found

    def constraints(self, value: Any) -> Iterable[Expression]:
        """The constraints as expressions."""
        if not isinstance(value, list):
            self.mistake(("constraints",), "constraints", f"a list of texts is expected, not {show(value)}", 'such as ["a.padding == b.padding"]')
            return
        for index, entry in enumerate(value):
            path = ("constraints", index)
            if not isinstance(entry, str):
                self.mistake(path, f"constraints[{index}]", f"a text is expected, not {show(entry)}")
                continue
            try:
                yield parse(entry)
            except ExpressionError as error:
                self.mistake(path, f"constraints[{index}]", str(error))

    def layers(self, data: Mapping[str, Any]) -> list[Layer]:
        """The layers in their order; mistaken ones are left out."""
        value = data.get("layers")
        if not isinstance(value, list) or not value:
            text = "is missing" if value is None else "is empty" if value == [] else f"a list of tables is expected, not {show(value)}"
            self.mistake(("layers",), "layers", text, 'write layers = [ { op = "Conv2d", ... }, ... ]')
            return []
        if len(value) > MOST_LAYERS:
            self.mistake(("layers",), "layers", f"{len(value)} layers: at most {MOST_LAYERS}")
            return []
        layers = []
        previous = "input"
        for index, table in enumerate(value):
            path: Path = ("layers", index)
            if not isinstance(table, dict):
                self.mistake(path, f"layers[{index}]", f"a table is expected, not {show(table)}", 'such as { op = "ReLU" }')
                continue
            name, layer = self.layer(table, path, previous)
            if layer is not None:
                layers.append(layer)
            previous = name
        return layers

    def layer(self, table: dict[str, Any], path: Path, previous: str) -> tuple[str, Layer | None]:
        """One layer by its name; None where it is mistaken."""
        before = len(self.mistakes)
        title = table.get("op")
        name = self.name(table, title, path)
        for key in LAYER_LATER.keys() & table.keys():
            self.mistake((*path, key), name, f"{key}: {LAYER_LATER[key]} are not supported yet")
        self.feed(table, path, name, previous)
        out = self.shape(table.get("out"), (*path, "out"), f"{name}.out")
        op = self.operator(table, title, path, name)
        if op is None or len(self.mistakes) > before:
            return name, None
        return name, Layer(name, op, (previous,), out, path)

    def feed(self, table: Mapping[str, Any], path: Path, name: str, previous: str) -> None:
        """Only chains are known: what feeds a layer is the layer above."""
        if "from" in table and table["from"] not in (previous, [previous]):
            self.mistake((*path, "from"), name, f"from = {show(table['from'])}: branches and joins are not supported yet", f'only the layer above, "{previous}", can feed this one')

    def name(self, table: Mapping[str, Any], title: Any, path: Path) -> str:
        """The layer's name, given or by default, noted so that none is used twice."""
        given = table.get("name")
        if given is None:
            kind = title.lower() if isinstance(title, str) and title.isidentifier() else "layer"
            self.counts[kind] += 1
            name = f"{kind}_{self.counts[kind]}"
        elif isinstance(given, str) and len(given) <= 200 and valid_name(given):  # noqa: PLR2004
            name = given
        else:
            self.mistake((*path, "name"), f"layers[{path[-1]}]", f"{show(given)} cannot be a layer's name", 'letters, digits and _, such as "stem" or "stage1.0.conv"; no Python keyword, and none of input, output, min, max, abs')
            return f"layers[{path[-1]}]"
        line = self.source.line(path)
        if name in self.names:
            self.mistake((*path, "name"), name, f"this name is used twice, first for {self.names[name]}", "give one of them another name")
        self.names.setdefault(name, f"the layer in line {line}")
        return name

    def operator(self, table: Mapping[str, Any], title: Any, path: Path, name: str) -> Operator | None:
        """The layer's operator with its arguments."""
        if not isinstance(title, str):
            text = "op is missing" if title is None else f"op is a text, not {show(title)}"
            self.mistake(path, name, text, 'such as op = "Conv2d"')
            return None
        if title not in OPERATORS:
            self.mistake((*path, "op"), name, f"there is no operator {show(title)}", nearest(title, OPERATORS))
            return None
        from pydantic import ValidationError  # noqa: PLC0415 - imported by `adapter` anyway

        operator = OPERATORS[title]
        special = {*LAYER_KEYS, *LAYER_LATER}
        arguments = {key: value for key, value in table.items() if key not in special}
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
            self.mistake(path, name, f"{operator.torch_name} needs {key}", f'write {key} = ... or {key} = "?"' if isinstance(operator.arguments[key], Asked) else "")
        elif detail["type"] == "unexpected_keyword_argument":
            known = (*operator.arguments, *LAYER_KEYS)
            self.mistake((*path, key), name, f"{operator.torch_name} has no argument {show(key)}", nearest(key, known))
        else:
            text = str(detail["ctx"]["error"]) if "ctx" in detail else detail["msg"]
            self.mistake((*path, key), f"{name}.{key}", text)

    def namespace(self, network: Network) -> None:
        """Named unknowns may not have the name of a layer, an input, or a word of the language."""
        for name, path in _named(network):
            if name in self.names or not valid_name(name):
                owner = self.names.get(name, "the language itself")
                self.mistake(path, f"?{name}", f"{name} is the name of {owner}", "give the unknown another name")


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
    return found


def valid_name(name: str) -> bool:
    """Whether a layer or unknown may have this name."""
    return bool(_NAME.fullmatch(name)) and not any(
        part in TAKEN or keyword.iskeyword(part) for part in (name, *name.split("."))
    )


@cache
def adapter(title: str) -> "TypeAdapter[Operator]":
    """pydantic's reader of one operator."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - a tenth of a second that `--help` does not need

    return TypeAdapter(OPERATORS[title])


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt word: the nearest known ones, or all where they are few."""
    names = sorted(known)
    folded = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(word[:60].lower(), folded, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(folded[name] for name in close) + "?"
    return f"there are {', '.join(names)}" if len(names) <= 20 else "see `netsolve ops`"  # noqa: PLR2004


__all__ = ["integer", "load", "loads", "read", "write"]
