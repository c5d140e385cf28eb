"""Blocks and repetitions of a document written out as single layers, each with its name and what feeds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from netsolve.blocks import BLOCK_KEYS, LONGEST_TEXT, REPEAT_KEYS, TOP, Bodies, Report, Spot
from netsolve.locate import Path
from netsolve.ops.arguments import show
from netsolve.words import nearest

MOST_LAYERS = 100_000
MOST_TABLES = 2 * MOST_LAYERS
MOST_BODIES = 4 * MOST_LAYERS
MOST_FEEDS = 10 * MOST_LAYERS
DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Placed:
    """One layer: its name in the network, its table with a block's arguments in place, what feeds it, and its path.

    serial: tables of one path and serial are the same; origins: where values stand that a block's arguments brought;
    likened: whether the last of what feeds it is named by `like`; stated: where the `out` stands that a block or
    repetition around it says of its end.
    """

    name: str
    table: Mapping[str, Any]
    feeds: tuple[str, ...]
    path: Path
    serial: int = 0
    origins: Mapping[Spot, Path] = field(default_factory=dict)
    likened: bool = False
    stated: Path = ()


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The arguments that one use of a block gives.

    raw: as written there; values: with those of the block around it in place; origins: where each value stands.
    """

    serial: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[Spot, Path] = field(default_factory=dict)


NONE = _Arguments()


@dataclass(frozen=True)
class _Scope:
    """Where names are looked up: the body of the document, of one repetition, or of one use of a block.

    source: what feeds it; parent: the body around a repetition; caller: the body that uses the block; inside: the
    blocks around it.
    """

    prefix: str
    suffix: str
    locals: frozenset[str]
    source: str
    arguments: _Arguments = NONE
    parent: "_Scope | None" = None
    caller: "_Scope | None" = None
    inside: tuple[str, ...] = ()
    depth: int = 0

    def full(self, local: str) -> str:
        """The name in the network of a name in this body."""
        return f"{self.prefix}{local}{self.suffix}"


@dataclass
class Expansion:
    """A document's layers written out.

    report: takes every mistake; line: finds the line of a key path. What is mistaken is left out. aliases: the layer
    or alias that the name of a block or repetition stands for; uses: for the name of each use of a block that block's;
    used: the blocks that are used.
    """

    blocks: Mapping[str, Any]
    inputs: tuple[str, ...]
    report: Report
    line: Callable[[Path], int | None]
    placed: list[Placed] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    owners: dict[str, Path] = field(default_factory=dict)
    uses: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    interned: dict[tuple[Path, int], _Arguments] = field(default_factory=dict)
    edges: int = 0

    def mistake(self, path: Path, where: str, text: str, remedy: str = "") -> None:
        """Report a mistake."""
        self.report(path, where, text, remedy)

    def expand(self, layers: list[Any]) -> list[Placed]:
        """The layers in the order in which they are written."""
        self.bodies = Bodies(self.blocks, self.mistake, self.line)
        self.bodies.read(layers)
        work = [0]
        count, bodies = self.measure(layers, TOP, NONE, (), work)
        if work[0] > MOST_TABLES or count > MOST_LAYERS or bodies > MOST_BODIES:
            number, most = f"more than {MOST_LAYERS} layers", MOST_LAYERS
            if work[0] <= MOST_TABLES:
                too_many = count > MOST_LAYERS
                number = f"{count} layers" if too_many else f"{bodies} blocks and repetitions"
                most = MOST_LAYERS if too_many else MOST_BODIES
            self.mistake(TOP, "layers", f"{number} when all is written out: at most {most}", "repeat less often")
            return []
        first = self.inputs[0] if len(self.inputs) == 1 else ""
        self.body(layers, TOP, _Scope("", "", self.bodies.locals[TOP], first))
        return [self.connected(layer) for layer in self.placed]

    def connected(self, layer: Placed) -> Placed:
        """The layer with the names of blocks and repetitions replaced by those of their last layers."""
        if self.aliases.keys().isdisjoint(layer.feeds):
            return layer
        feeds = tuple(map(self.last, layer.feeds))
        return Placed(
            layer.name, layer.table, feeds, layer.path, layer.serial, layer.origins, layer.likened, layer.stated
        )

    def last(self, name: str) -> str:
        """The layer that a name stands for: that of a block or repetition is its last layer's."""
        seen: set[str] = set()
        while name in self.aliases and name not in seen:
            seen.add(name)
            name = self.aliases[name]
        return name

    def measure(
        self, layers: list[Any], path: Path, around: _Arguments, inside: tuple[Any, ...], work: list[int]
    ) -> tuple[int, int]:
        """How many layers a body has when written out, and how many bodies are applied; each is at least 1."""
        count, bodies = 0, 1
        for here, table in self.bodies.tables(layers, path):
            work[0] += 1
            if work[0] > MOST_TABLES:
                break
            block = around.values.get(table.get("block", ""), table.get("block")) if _plain(table) else None
            times = around.values.get(table.get("repeat", 1), table.get("repeat", 1)) if _plain(table) else 1
            times = times if isinstance(times, int) and not isinstance(times, bool) and times > 0 else 1
            if len(inside) >= DEEPEST or (isinstance(block, str) and block in inside):
                inner = 1, 1
            elif isinstance(block, str) and self.bodies.layers(block):
                given = self.given(table, here, block, around)
                inner = self.measure(
                    self.bodies.layers(block), ("blocks", block, "layers"), given, (*inside, block), work
                )
            elif isinstance(table.get("layers"), list):
                inner = self.measure(table["layers"], (*here, "layers"), around, (*inside, None), work)
            else:
                inner = 1, 0
            times = times if inner[1] else 1
            count, bodies = count + times * inner[0], bodies + times * inner[1]
        return max(count, 1), bodies

    def given(self, table: Mapping[str, Any], path: Path, block: str, around: _Arguments) -> _Arguments:
        """The arguments that a table gives to a block."""
        key = (path, around.serial)
        if key not in self.interned:
            raw = {argument: table[argument] for argument in self.bodies.arguments(block) if argument in table}
            values, origins = _filled(raw, around)
            origins = {(name, None): (*path, name) for name in raw} | origins
            self.interned[key] = _Arguments(len(self.interned) + 1, raw, values, origins)
        return self.interned[key]

    def body(self, layers: list[Any], path: Path, scope: _Scope) -> str:
        """Write out a body; the name of its last output."""
        previous = scope.source
        for here, table in self.bodies.tables(layers, path):
            values, origins = _filled(table, scope.arguments) if scope.arguments.values else (table, {})
            full = scope.full(self.bodies.names[here])
            feeds = self.feeds(table, here, full, scope, previous)
            if "block" in values:
                previous = self.use(values, table, here, scope, feeds)
            elif "layers" in values or "repeat" in values:
                previous = self.repeat(values, here, scope, feeds)
            else:
                name = self.claim(full, here)
                layer = Placed(name, values, feeds, here, scope.arguments.serial, origins, "like" in values)
                self.placed.append(layer)
                previous = name
        return previous

    def claim(self, name: str, path: Path) -> str:
        """Take a name for a layer, a block or a repetition; another one in its place where it is taken."""
        if name in self.owners or len(name) > LONGEST_TEXT:
            text = f"this name has {len(name)} signs: at most {LONGEST_TEXT}"
            if name in self.owners:
                line = self.line(self.owners[name])
                text = f"this name is used twice, first for the layer in line {line}"
            self.mistake((*path, "name"), name, text, "give one of them another name")
            name = f"{path[0]}[{path[-1]}]@{len(self.owners)}"
        self.owners[name] = path
        return name

    def feeds(self, table: Mapping[str, Any], path: Path, name: str, scope: _Scope, previous: str) -> tuple[str, ...]:
        """What feeds a table, by names in the network."""
        given = table.get("from")
        sources = given if isinstance(given, list) else [] if given is None else [given]
        if given == [] or not all(isinstance(source, str) for source in sources):
            text = f"from is the name of a layer or a list of names, not {show(given) if given else 'an empty list'}"
            self.mistake((*path, "from"), name, text, 'such as from = "conv2d_1" or from = ["a", "b"]')
            return ()
        found = [self.resolve(source, scope) for source in sources] or [previous]
        if "like" in table and "op" in table:
            if isinstance(table["like"], str):
                found.append(self.resolve(table["like"], scope))
            else:
                text = f"like is the name of a layer, not {show(table['like'])}"
                self.mistake((*path, "like"), name, text, "the layer whose spatial size is taken")
                return ()
        if "" in found:
            text = f"there are several inputs ({', '.join(self.inputs)})"
            self.mistake(path, name, text, "say which feeds this layer by from = ...")
        self.edges += len(found)
        if self.edges > MOST_FEEDS:
            self.mistake(TOP, "layers", f"more than {MOST_FEEDS} entries of from when all is written out")
            return ()
        return tuple(feed for feed in found if feed)

    def resolve(self, name: str, scope: _Scope) -> str:
        """The name in the network of a name in a body: the nearest body that has it wins, then the document."""
        if name in scope.arguments.raw and scope.caller is not None:
            brought = scope.arguments.raw[name]
            return self.resolve(brought, scope.caller) if isinstance(brought, str) else name
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
            return 1
        return times

    def unknown_keys(self, table: Mapping[str, Any], known: frozenset[str], path: Path, name: str) -> None:
        """Keys that a block or repetition does not have."""
        for key in sorted(table.keys() - known):
            self.mistake((*path, key), name, f"there is no key {show(key)} here", nearest(key, known))

    def repeat(self, table: Mapping[str, Any], path: Path, scope: _Scope, feeds: tuple[str, ...]) -> str:
        """Write out a repetition; the name of its last output."""
        named = "name" in table
        name = self.claim(scope.full(self.bodies.names[path]), path) if named else f"{path[0]}[{path[-1]}]"
        layers, output = table.get("layers"), self.single(feeds, path, name)
        if "op" in table:
            remedy = "write { repeat = ..., layers = [ { op = ... } ] }"
            self.mistake((*path, "repeat"), name, "a layer has no repeat", remedy)
            return output
        if self.too_deep(scope, path, name):
            return output
        self.unknown_keys(table, REPEAT_KEYS, path, name)
        if not isinstance(layers, list) or not layers:
            self.mistake(path, name, "repeat needs layers = [ ... ]", "the layers that are repeated")
            return output
        for i in range(self.times(table, path, name)):
            prefix, suffix = (f"{name}.{i}.", "") if named else (scope.prefix, f"{scope.suffix}.{i}")
            inner = self.bodies.locals[*path, "layers"]
            inside, depth = scope.inside, scope.depth + 1
            child = _Scope(prefix, suffix, inner, output, scope.arguments, scope, scope.caller, inside, depth)
            output = self.body(layers, (*path, "layers"), child)
            if named:
                self.aliases[self.claim(f"{name}.{i}", path)] = output
        return self.finish(name if named else "", output, table, path)

    def use(
        self, table: Mapping[str, Any], written: Mapping[str, Any], path: Path, scope: _Scope, feeds: tuple[str, ...]
    ) -> str:
        """Write out a block that is used; the name of its last output."""
        block, name = table["block"], self.claim(scope.full(self.bodies.names[path]), path)
        output = self.single(feeds, path, name)
        if not isinstance(block, str) or block not in self.blocks:
            self.mistake((*path, "block"), name, f"there is no block {show(block)}", nearest(str(block), self.blocks))
            return output
        self.used.add(block)
        if block in scope.inside:
            text = f"the block uses itself: {' > '.join((*scope.inside, block))}"
            self.mistake((*path, "block"), name, text, "`repeat` applies a block several times")
            return output
        layers = self.bodies.layers(block)
        if not layers or self.too_deep(scope, path, name):
            return output
        wanted = self.bodies.arguments(block)
        self.unknown_keys(table, BLOCK_KEYS | frozenset(wanted), path, name)
        missing = [argument for argument in wanted if argument not in table]
        for argument in missing:
            self.mistake(path, name, f"block {block} needs {argument}", f"write {argument} = ...")
        if missing:  # its layers would be mistaken for that alone
            return output
        given, where = self.given(written, path, block, scope.arguments), ("blocks", block, "layers")
        for i in range(self.times(table, path, name)):
            prefix = f"{name}.{i}." if "repeat" in table else f"{name}."
            inner, inside, depth = self.bodies.locals[where], (*scope.inside, block), scope.depth + 1
            self.uses[prefix[:-1]] = block
            output = self.body(layers, where, _Scope(prefix, "", inner, output, given, None, scope, inside, depth))
            if "repeat" in table:
                self.aliases[self.claim(f"{name}.{i}", path)] = output
        return self.finish(name, output, table, path)

    def too_deep(self, scope: _Scope, path: Path, name: str) -> bool:
        """Whether blocks and repetitions nest too deeply to go on."""
        if scope.depth >= DEEPEST:
            text = f"blocks and repetitions nest deeper than {DEEPEST}"
            self.mistake(path, name, text, "nest them less deeply")
        return scope.depth >= DEEPEST

    def single(self, feeds: tuple[str, ...], path: Path, name: str) -> str:
        """The one input of a block or repetition."""
        if len(feeds) > 1:
            remedy = "join them before it, or name the others by arguments of the block"
            self.mistake((*path, "from"), name, f"a block has one input, not {len(feeds)}", remedy)
        return feeds[0] if feeds else ""

    def finish(self, name: str, output: str, table: Mapping[str, Any], path: Path) -> str:
        """Let a block's name stand for its last layer, and hand on what is stated of the block's output."""
        if name and output != name:
            self.aliases[name] = output
        if "out" in table and self.placed and self.placed[-1].name == output:
            end = self.placed.pop()
            where = end.stated or (*end.path, "out")
            if end.table.get("out", table["out"]) != table["out"]:
                text = f"out is stated again for the same layer, otherwise than in line {self.line(where)}"
                self.mistake((*path, "out"), name or output, text, "keep one of them")
            stated = {**end.table, "out": table["out"]}
            serial = -1 - len(self.placed)  # a table of its own
            layer = Placed(end.name, stated, end.feeds, end.path, serial, end.origins, end.likened, (*path, "out"))
            self.placed.append(layer)
        return output


def _plain(table: Mapping[str, Any]) -> bool:
    """Whether a table's block and repeat can be looked up among arguments."""
    return all(isinstance(table.get(key, ""), str | int) for key in ("block", "repeat"))


def _filled(table: Mapping[str, Any], arguments: _Arguments) -> tuple[dict[str, Any], dict[Spot, Path]]:
    """A table with the arguments of a block in place of their names, and where those stand; inner tables stay."""
    values, origins = dict(table), {}
    for key, value in table.items():
        if key in {"name", "from", "like", "layers"}:
            continue
        if isinstance(value, str) and value in arguments.values:
            values[key] = arguments.values[value]
            found = {entry: path for (name, entry), path in arguments.origins.items() if name == value}
            origins.update({(key, entry): path for entry, path in found.items()})
        elif isinstance(value, list) and any(isinstance(e, str) and e in arguments.values for e in value):
            values[key] = [arguments.values.get(e, e) if isinstance(e, str) else e for e in value]
            for index, entry in enumerate(value):
                if isinstance(entry, str) and (entry, None) in arguments.origins:
                    origins[key, index] = arguments.origins[entry, None]
    return values, origins
