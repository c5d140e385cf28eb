"""Blocks and repetitions of a document written out as single layers, each with its name and what feeds it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netsolve.locate import Path
from netsolve.ops.arguments import show
from netsolve.words import nearest, valid_name

MOST_LAYERS = 100_000
DEEPEST = 64
LONGEST_NAME = 200
BLOCK_KEYS = frozenset({"block", "name", "from", "out", "repeat"})
REPEAT_KEYS = frozenset({"repeat", "layers", "name", "from", "out"})

Report = Callable[[Path, str, str, str], None]
"""Takes a mistake: its key path, where it is in the user's terms, what is wrong, and a remedy."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One layer: its name in the network, its table with a block's arguments in place, what feeds it, and its path."""

    name: str
    table: Mapping[str, Any]
    feeds: tuple[str, ...]
    path: Path


@dataclass(frozen=True)
class _Scope:
    """Where names are looked up: the body of the document, of one repetition, or of one use of a block."""

    prefix: str
    suffix: str
    locals: frozenset[str]
    source: str
    arguments: Mapping[str, Any]
    parent: "_Scope | None" = None

    def full(self, local: str) -> str:
        """The name in the network of a name in this body."""
        return f"{self.prefix}{local}{self.suffix}"


@dataclass
class Expansion:
    """A document's layers written out.

    report: takes every mistake; line: finds the line of a key path. What is mistaken is left out.
    """

    blocks: Mapping[str, Any]
    inputs: tuple[str, ...]
    report: Report
    line: Callable[[Path], int | None]
    names: dict[Path, str] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    uses: dict[str, Path] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    mistakes: int = 0

    def mistake(self, path: Path, where: str, text: str, remedy: str) -> None:
        """Report a mistake."""
        self.mistakes += 1
        self.report(path, where, text, remedy)

    def expand(self, layers: list[Any]) -> list[Placed]:
        """The layers in the order in which they are written."""
        self.check_blocks()
        before = self.mistakes
        total, depth = self.measure(layers, ("layers",), ())
        if total > MOST_LAYERS:
            self.mistake(("layers",), "layers", f"{total} layers when all is written out: at most {MOST_LAYERS}", "")
        elif depth > DEEPEST and self.mistakes == before:
            self.mistake(("layers",), "layers", f"blocks nest deeper than {DEEPEST}", "")
        if total > MOST_LAYERS or depth > DEEPEST:
            return []
        locals_ = self.name_body(layers, ("layers",), Counter())
        first = self.inputs[0] if len(self.inputs) == 1 else ""
        self.body(layers, ("layers",), _Scope("", "", locals_, first, {}))
        return [self.connected(layer) for layer in self.placed]

    def connected(self, layer: Placed) -> Placed:
        """The layer with the names of blocks and repetitions replaced by those of their last layers."""
        feeds = []
        for feed in layer.feeds:
            name = feed
            while name in self.outputs:
                name = self.outputs[name]
            feeds.append(name)
        return Placed(layer.name, layer.table, tuple(feeds), layer.path)

    def check_blocks(self) -> None:
        """Each block is a table with arguments and layers."""
        for name, block in self.blocks.items():
            path: Path = ("blocks", name)
            if not isinstance(block, dict):
                self.mistake(path, f"blocks.{name}", f"a table is expected, not {show(block)}", "")
                continue
            for key in block.keys() - {"arguments", "layers"}:
                remedy = nearest(key, ("arguments", "layers"))
                self.mistake((*path, key), f"blocks.{name}", f"there is no key {show(key)}", remedy)
            given = block.get("arguments", [])
            names = isinstance(given, list) and all(isinstance(a, str) and a.isidentifier() for a in given)
            if not names or not BLOCK_KEYS.isdisjoint(given):
                remedy = f"other than {', '.join(sorted(BLOCK_KEYS))}"
                self.mistake((*path, "arguments"), f"blocks.{name}", "arguments is a list of names", remedy)
            if not self.layers_of(name):
                self.mistake(path, f"blocks.{name}", "layers is missing or empty", "")
            else:
                self.name_body(self.layers_of(name), (*path, "layers"), Counter())

    def layers_of(self, block: Any) -> list[Any]:
        """The layers of a block; none where it is mistaken."""
        table = self.blocks.get(block) if isinstance(block, str) else None
        layers = table.get("layers") if isinstance(table, dict) else None
        return layers if isinstance(layers, list) else []

    def arguments_of(self, block: str) -> list[str]:
        """The names of a block's arguments; none where they are mistaken."""
        given = self.blocks[block].get("arguments", [])
        return [a for a in given if isinstance(a, str)] if isinstance(given, list) else []

    def measure(self, layers: list[Any], path: Path, inside: tuple[str, ...]) -> tuple[int, int]:
        """How many layers a body has when written out, and how deep its bodies nest. Each block is measured once."""
        count = depth = 0
        for index, table in enumerate(layers):
            if not isinstance(table, dict):
                continue
            times = table.get("repeat", 1)
            times = times if isinstance(times, int) and not isinstance(times, bool) and times > 0 else 1
            block = table.get("block")
            if isinstance(block, str) and block in self.blocks:
                inner = self.measure_block(block, (*path, index, "block"), inside)
            elif isinstance(table.get("layers"), list):
                inner = self.measure(table["layers"], (*path, index, "layers"), inside)
            else:
                inner = 1, 0
            count, depth = count + times * inner[0], max(depth, 1 + inner[1])
        return min(count, 10**12), depth

    def measure_block(self, block: str, path: Path, inside: tuple[str, ...]) -> tuple[int, int]:
        """The same of a block."""
        if block in inside:
            self.mistake(path, f"blocks.{block}", f"the block uses itself: {' > '.join((*inside, block))}", "")
            return 0, DEEPEST + 1
        if block not in self.sizes:
            if len(inside) > DEEPEST:
                return 0, DEEPEST + 1
            self.sizes[block] = self.measure(self.layers_of(block), ("blocks", block, "layers"), (*inside, block))
        return self.sizes[block]

    def name_body(self, layers: list[Any], path: Path, counts: Counter[str]) -> frozenset[str]:
        """Give every table of a body its name, in the order in which they are written."""
        seen: dict[str, int] = {}
        for index, table in enumerate(layers):
            if not isinstance(table, dict):
                text = f"a table is expected, not {show(table)}"
                self.mistake((*path, index), f"{path[0]}[{index}]", text, 'such as { op = "ReLU" }')
                continue
            here = (*path, index)
            name = self.local_name(table, here, counts)
            self.names[here] = name
            if name in seen:
                text = f"this name is used twice, first for the layer in line {self.line((*path, seen[name]))}"
                self.mistake((*here, "name"), name, text, "give one of them another name")
                self.names[here] = f"layers[{index}]"
            seen.setdefault(name, index)
            if isinstance(table.get("layers"), list):
                self.name_body(table["layers"], (*here, "layers"), counts)
        return frozenset(seen)

    def local_name(self, table: Mapping[str, Any], path: Path, counts: Counter[str]) -> str:
        """The name of a table within its body, given or by default."""
        given = table.get("name")
        if given is None:
            kind = table.get("op", table.get("block"))
            if "layers" in table:
                return f"repeat@{path[-1]}"
            word = isinstance(kind, str) and len(kind) <= LONGEST_NAME and kind.isidentifier() and kind.isascii()
            kind = kind.lower() if word else "layer"
            counts[kind] += 1
            return f"{kind}_{counts[kind]}"
        if isinstance(given, str) and len(given) <= LONGEST_NAME and valid_name(given):
            return given
        remedy = (
            'letters, digits and _, such as "stem" or "stage1.0.conv"; '
            "no Python keyword, and none of input, output, min, max, abs"
        )
        self.mistake((*path, "name"), f"{path[0]}[{path[-1]}]", f"{show(given)} cannot be a layer's name", remedy)
        return f"layers[{path[-1]}]"

    def body(self, layers: list[Any], path: Path, scope: _Scope) -> str:
        """Write out a body; the name of its last output."""
        previous = scope.source
        for index, table in enumerate(layers):
            here = (*path, index)
            if here not in self.names:
                continue
            kept = {key: table[key] for key in ("name", "from") if key in table}
            filled = {key: _filled(value, scope.arguments) for key, value in table.items()} | kept
            full = scope.full(self.names[here])
            feeds = self.feeds(filled, here, full, scope, previous)
            if "block" in filled:
                previous = self.use(filled, here, scope, feeds)
            elif "layers" in filled or "repeat" in filled:
                previous = self.repeat(filled, here, scope, feeds)
            else:
                self.put(full, filled, feeds, here)
                previous = full
        return previous

    def put(self, name: str, table: Mapping[str, Any], feeds: tuple[str, ...], path: Path) -> None:
        """Add one layer."""
        if name in self.uses and self.uses[name] != path:
            self.mistake(path, name, "two layers have this name", "give one of them another name")
        self.uses.setdefault(name, path)
        self.placed.append(Placed(name, table, feeds, path))

    def feeds(self, table: Mapping[str, Any], path: Path, name: str, scope: _Scope, previous: str) -> tuple[str, ...]:
        """What feeds a table, by names in the network."""
        given = table.get("from")
        sources = given if isinstance(given, list) else [given] if given is not None else []
        if "like" in table and "op" in table:
            sources = [*(sources or [None]), table["like"]]
        if given == [] or not all(isinstance(source, str) or source is None for source in sources):
            text = f"from is the name of a layer or a list of names, not {show(given)}"
            self.mistake((*path, "from"), name, text, "")
            sources = []
        named = (previous if source is None else self.resolve(source, scope) for source in sources)
        found = tuple(named) or (previous,)
        if "" in found:
            names = ", ".join(self.inputs)
            text = f"there are several inputs ({names})" if names else "there is no input"
            self.mistake(path, name, text, "say which feeds this layer by from = ...")
        return tuple(feed for feed in found if feed)

    def resolve(self, name: str, scope: _Scope) -> str:
        """The name in the network of a name in a body: the nearest body that has it wins."""
        if name == "input" and scope.source:
            return scope.source
        where: _Scope | None = scope
        while where is not None:
            parts = name.split(".")
            for end in range(len(parts), 0, -1):
                local = ".".join(parts[:end])
                if local in where.locals:
                    return where.full(local) + name[len(local) :]
            where = where.parent
        return name

    def times(self, table: Mapping[str, Any], path: Path, name: str) -> int:
        """How often a body is applied."""
        times = table.get("repeat", 1)
        if isinstance(times, bool) or not isinstance(times, int) or times < 1:
            self.mistake((*path, "repeat"), name, f"repeat is a positive integer, not {show(times)}", "")
            return 0
        return times

    def unknown_keys(self, table: Mapping[str, Any], known: frozenset[str], path: Path, name: str) -> None:
        """Keys that a block or repetition does not have."""
        for key in table.keys() - known:
            self.mistake((*path, key), name, f"there is no key {show(key)} here", nearest(key, known))

    def repeat(self, table: Mapping[str, Any], path: Path, scope: _Scope, feeds: tuple[str, ...]) -> str:
        """Write out a repetition; the name of its last output."""
        named = "name" in table
        name = scope.full(self.names[path]) if named else f"{path[0]}[{path[-1]}]"
        self.unknown_keys(table, REPEAT_KEYS, path, name)
        layers = table.get("layers")
        if not isinstance(layers, list) or not layers:
            self.mistake(path, name, "repeat needs layers = [ ... ]", "the layers that are repeated")
            return feeds[0] if feeds else ""
        inner = frozenset(self.names[key] for key in _children(path, len(layers)) if key in self.names)
        output = self.single(feeds, path, name)
        for i in range(self.times(table, path, name)):
            prefix, suffix = (f"{name}.{i}.", "") if named else (scope.prefix, f"{scope.suffix}.{i}")
            child = _Scope(prefix, suffix, inner, output, scope.arguments, scope)
            output = self.body(layers, (*path, "layers"), child)
            if named:
                self.outputs[f"{name}.{i}"] = output
        return self.finish(name if named else "", output, table)

    def use(self, table: Mapping[str, Any], path: Path, scope: _Scope, feeds: tuple[str, ...]) -> str:
        """Write out a block that is used; the name of its last output."""
        block, name = table["block"], scope.full(self.names[path])
        if not isinstance(block, str) or block not in self.blocks or not isinstance(self.blocks[block], dict):
            self.mistake((*path, "block"), name, f"there is no block {show(block)}", nearest(str(block), self.blocks))
            return feeds[0] if feeds else ""
        wanted = self.arguments_of(block)
        self.unknown_keys(table, BLOCK_KEYS | frozenset(wanted), path, name)
        for missing in [argument for argument in wanted if argument not in table]:
            self.mistake(path, name, f"block {block} needs {missing}", f"write {missing} = ...")
        arguments = {argument: table[argument] for argument in wanted if argument in table}
        layers, where = self.layers_of(block), ("blocks", block, "layers")
        inner = frozenset(self.names[key] for key in _children(where[:-1], len(layers)) if key in self.names)
        output = self.single(feeds, path, name)
        for i in range(self.times(table, path, name)):
            prefix = f"{name}.{i}." if "repeat" in table else f"{name}."
            output = self.body(layers, where, _Scope(prefix, "", inner, output, arguments))
            if "repeat" in table:
                self.outputs[f"{name}.{i}"] = output
        return self.finish(name, output, table)

    def single(self, feeds: tuple[str, ...], path: Path, name: str) -> str:
        """The one input of a block or repetition."""
        if len(feeds) > 1:
            self.mistake((*path, "from"), name, f"a block has one input, not {len(feeds)}", "join them before it")
        return feeds[0] if feeds else ""

    def finish(self, name: str, output: str, table: Mapping[str, Any]) -> str:
        """Let a block's name stand for its last layer, and hand on what is stated of the block's output."""
        if name and output != name:
            self.outputs[name] = output
        if "out" in table and self.placed and self.placed[-1].name == output:
            last = self.placed[-1]
            self.placed[-1] = Placed(last.name, {**last.table, "out": table["out"]}, last.feeds, last.path)
        return output


def _children(path: Path, count: int) -> Iterator[Path]:
    return ((*path, "layers", index) for index in range(count))


def _filled(value: Any, arguments: Mapping[str, Any]) -> Any:
    """A value with the arguments of a block in place of their names; tables are filled when their turn comes."""
    if isinstance(value, list):
        return [arguments.get(entry, entry) if isinstance(entry, str) else entry for entry in value]
    return arguments.get(value, value) if isinstance(value, str) else value
