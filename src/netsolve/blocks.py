"""What a document's bodies hold (its own, those of blocks and of repetitions): tables, their names, and mistakes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netsolve.locate import Path
from netsolve.ops.arguments import show
from netsolve.words import nearest, valid_name

LONGEST_NAME = 200
LONGEST_TEXT = 1000
MOST_ENTRIES = 64
TOLD_ELSEWHERE = frozenset({"op", "name", "block", "from", "like"})
BLOCK_KEYS = frozenset({"block", "name", "from", "out", "repeat"})
REPEAT_KEYS = frozenset({"repeat", "layers", "name", "from", "out"})
KEYS_OF_LAYERS = BLOCK_KEYS | REPEAT_KEYS | {"op", "like"}
TOP: Path = ("layers",)

Report = Callable[[Path, str, str, str], None]
"""Takes a mistake: its key path, where it is in the user's terms, what is wrong, and a remedy."""

Spot = tuple[str, int | None]
"""A value of a table: its key, and the entry where it stands in a list."""


@dataclass
class Bodies:
    """The bodies of a document.

    names: of each table within its body, by key path; tables that are none are left out. locals: the names that are
    known in a body, by its path; those in an unnamed repetition are known around it, too.
    """

    blocks: Mapping[str, Any]
    report: Report
    line: Callable[[Path], int | None]
    names: dict[Path, str] = field(default_factory=dict)
    locals: dict[Path, frozenset[str]] = field(default_factory=dict)

    def read(self, layers: list[Any]) -> None:
        """Name all tables."""
        for name, block in self.blocks.items():
            self.block(name, block)
        self.body(layers, TOP, Counter())

    def block(self, name: str, block: Any) -> None:
        """Check the form of a block, and name its tables."""
        path: Path = ("blocks", name)
        where = f"blocks.{name[:LONGEST_NAME]}"
        if not isinstance(block, dict):
            remedy = "a block has layers = [ ... ], and arguments = [ ... ] where it takes any"
            self.report(path, where, f"a table is expected, not {show(block)}", remedy)
            return
        for key in block.keys() - {"arguments", "layers"}:
            remedy = nearest(key, ("arguments", "layers"))
            self.report((*path, key), where, f"there is no key {show(key)}", remedy)
        layers = self.layers(name)
        if layers:
            self.locals[*path, "layers"] = self.body(layers, (*path, "layers"), Counter())
        else:
            self.report(path, where, "layers is missing or empty", 'such as layers = [ { op = "ReLU" } ]')
        given = block.get("arguments", [])
        if not isinstance(given, list) or not all(isinstance(a, str) and valid_name(a) and "." not in a for a in given):
            self.report((*path, "arguments"), where, "arguments is a list of names", 'such as ["width", "stride"]')
            return
        for argument in given:
            if argument in KEYS_OF_LAYERS or given.count(argument) > 1:
                text = (
                    f"{argument} is a key of its own"
                    if argument in KEYS_OF_LAYERS
                    else f"{argument} stands there twice"
                )
                self.report((*path, "arguments"), where, text, "give the argument another name")
            if argument in self.locals.get((*path, "layers"), ()):
                text = f"{argument} is the name of an argument and of a layer"
                self.report((*path, "arguments"), where, text, "give one of them another name")

    def layers(self, block: Any) -> list[Any]:
        """The layers of a block; none where it is mistaken."""
        table = self.blocks.get(block) if isinstance(block, str) else None
        layers = table.get("layers") if isinstance(table, dict) else None
        return layers if isinstance(layers, list) else []

    def arguments(self, block: str) -> list[str]:
        """The names of a block's arguments; none where they are mistaken."""
        given = self.blocks[block].get("arguments", [])
        return [a for a in given if isinstance(a, str)][:MOST_ENTRIES] if isinstance(given, list) else []

    def tables(self, layers: list[Any], path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """The tables of a body that are such, with their paths."""
        for index, table in enumerate(layers):
            if (*path, index) in self.names:
                yield (*path, index), table

    def body(self, layers: list[Any], path: Path, counts: Counter[str]) -> frozenset[str]:
        """Name every table of a body, in the order in which they are written; all names known in it."""
        known: set[str] = set()
        for index, table in enumerate(layers):
            here = (*path, index)
            where = f"{path[0]}[{index}]" if path == TOP else f"{'.'.join(map(str, path))}[{index}]"
            if not isinstance(table, dict):
                text = f"a table is expected, not {show(table)}"
                self.report(here, where, text, 'such as { op = "ReLU" }')
            elif too_much := _too_much(table):
                self.report((*here, too_much[0]), where, too_much[1], "")
            else:
                self.names[here] = self.name(table, here, where, counts)
                inner = table.get("layers")
                nested = self.body(inner, (*here, "layers"), counts) if isinstance(inner, list) else frozenset()
                known |= {self.names[here]} if "layers" not in table or "name" in table else nested
        self.locals[path] = frozenset(known)
        return self.locals[path]

    def name(self, table: Mapping[str, Any], path: Path, where: str, counts: Counter[str]) -> str:
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
        self.report((*path, "name"), where, f"{show(given)} cannot be a layer's name", remedy)
        return where


def _too_much(table: Mapping[str, Any]) -> tuple[str, str] | None:
    """A key of a table that no layer can mean, and why: a document's size bounds the work even where it repeats."""
    if len(table) > MOST_ENTRIES:
        return next(iter(table)), f"a layer with {len(table)} keys: at most {MOST_ENTRIES}"
    for key, value in table.items():
        if isinstance(value, str) and len(value) > LONGEST_TEXT and key not in TOLD_ELSEWHERE:
            return key, f"{show(key)} is a text of {len(value)} signs: at most {LONGEST_TEXT}"
        most = LONGEST_TEXT if key == "from" else MOST_ENTRIES
        if isinstance(value, list) and key != "layers" and len(value) > most:
            return key, f"{show(key)} is a list of {len(value)} entries: at most {most}"
        entries = value if isinstance(value, list) and key != "layers" else ()
        if any(isinstance(entry, str) and len(entry) > LONGEST_TEXT for entry in entries):
            return key, f"{show(key)} has an entry of more than {LONGEST_TEXT} signs"
    return None
