"""The layers of a document: expanded, ordered, each with its operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from netsolve.expand import Expansion, Placed
from netsolve.locate import Path
from netsolve.mistakes import Mistakes, closest, meant
from netsolve.network import Layer
from netsolve.ops import OPERATORS, Operator
from netsolve.ops.arguments import Asked, show
from netsolve.words import SYNONYMS

if TYPE_CHECKING:
    from pydantic import TypeAdapter

LAYER_KEYS = ("op", "name", "from", "out")
MOST_SHOWN = 10


@dataclass
class Layers:
    """The layers while they are read.

    inputs: the names of the network's; placed: all layers by name; aliases: the last layers of blocks and repetitions;
    owners: where each name was given; uses: the block of each name that stands for one.
    """

    mistakes: Mistakes
    inputs: tuple[str, ...]
    placed: dict[str, Placed] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    owners: Mapping[str, Path] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    cached: dict[tuple[Path, int], Operator | None] = field(default_factory=dict)

    def read(self, data: Mapping[str, Any]) -> list[Layer]:
        """The layers, each behind what feeds it; mistaken ones are left out."""
        value, blocks = data.get("layers"), data.get("blocks", {})
        if not isinstance(value, list) or not value:
            text = "is missing" if value is None else "is empty"
            text = f"a list of tables is expected, not {show(value)}" if value not in (None, []) else text
            self.mistakes.add(("layers",), "layers", text, 'write layers = [ { op = "Conv2d", ... }, ... ]')
            return []
        if not isinstance(blocks, dict):
            self.mistakes.add(("blocks",), "blocks", f"a table of blocks is expected, not {show(blocks)}")
            blocks = {}
        expansion = Expansion(blocks, self.inputs, self.mistakes.add, self.mistakes.source.line)
        self.placed = {layer.name: layer for layer in expansion.expand(value)}
        self.aliases = {name: expansion.last(name) for name in expansion.aliases}
        self.owners, self.uses = expansion.owners, expansion.uses
        for name in blocks.keys() - expansion.used if self.placed else ():
            self.mistakes.warn(("blocks", name), f"blocks.{name}", "no layer uses this block")
        self.dangling()
        read = [self.layer(layer) for layer in self.ordered()]
        return [layer for layer in read if layer is not None]

    def dangling(self) -> None:
        """Names that nothing has."""
        known = {*self.placed, *self.inputs}
        guesses: list[str] | None = None
        for layer in self.placed.values():
            for index, feed in enumerate(layer.feeds):
                if feed in known:
                    continue
                key = "like" if layer.likened and index == len(layer.feeds) - 1 else "from"
                text, path = f"{key} names {show(feed)}, and there is no such layer", (*layer.path, key)
                if (path, text) not in self.mistakes.told:
                    guesses = closest({*known, *self.aliases}) if guesses is None else guesses
                    near = self.mistakes.near(feed, guesses)
                    self.mistakes.add(path, layer.name, text, near if near.startswith(("did", "there")) else "")

    def ordered(self) -> list[Placed]:
        """The layers with each behind what feeds it, otherwise as they are written; loops are mistakes."""
        place = {name: index for index, name in enumerate(self.placed)}
        waiting = {n: {f for f in each.feeds if f in place and f not in self.inputs} for n, each in self.placed.items()}
        fed: dict[str, list[str]] = {}
        for name, feeds in waiting.items():
            for feed in feeds:
                fed.setdefault(feed, []).append(name)
        open_ = {name: len(feeds) for name, feeds in waiting.items()}
        ready = [place[name] for name, left in open_.items() if not left]
        heapify(ready)
        names, order = list(self.placed), []
        while ready:
            order.append(names[heappop(ready)])
            for name in fed.get(order[-1], ()):
                open_[name] -= 1
                if not open_[name]:
                    heappush(ready, place[name])
        done = set(order)
        rest = [name for name in names if name not in done]
        self.circles(rest, {name: min(waiting[name] - done, key=place.__getitem__) for name in rest})
        return [self.placed[name] for name in (*order, *rest)]

    def circles(self, names: list[str], before: Mapping[str, str]) -> None:
        """Report the loops among layers of which each waits for another one."""
        walk: dict[str, int] = {}
        for number, start in enumerate(names):
            name, trail = start, []
            while name not in walk:
                walk[name] = number
                trail.append(name)
                name = before[name]
            if walk[name] == number and trail:
                circle = [name, *reversed(trail[trail.index(name) :])]
                shown = circle if len(circle) <= MOST_SHOWN else [*circle[: MOST_SHOWN - 2], "...", circle[-1]]
                text = f"the layers feed each other in a circle: {' > '.join(shown)}"
                remedy = "a network has no loops: unroll it with `repeat`"
                self.mistakes.add((*self.placed[name].path, "from"), name, text, remedy)

    def layer(self, placed: Placed) -> Layer | None:
        """One layer; None where it is mistaken."""
        before = len(self.mistakes)
        name, path, table = placed.name, placed.path, placed.table
        key = (path, placed.serial)
        if key not in self.cached:
            self.cached[key] = self.operator(placed)
        op = self.cached[key]
        out = None
        if op is None or "out" not in op.arguments:
            out = self.mistakes.shape(table.get("out"), placed.stated or (*path, "out"), f"{name}.out")
        fed = op is not None and bool(placed.feeds) and self.arity(op, placed)
        if op is None or not fed or len(self.mistakes) > before:
            return None
        return Layer(name, op, placed.feeds, out, path, placed.origins, placed.stated)

    def arity(self, op: Operator, placed: Placed) -> bool:
        """Whether there are as many inputs as the operator takes; a repetition's mistake is told once."""
        least, most = op.arity
        given = len(placed.feeds)
        if placed.likened and not takes_like(op):
            text = f"{op.torch_name} takes no `like`"
            self.mistakes.add((*placed.path, "like"), placed.name, text, "Upsample and CenterCrop take it")
            return False
        if given < least or (most is not None and given > most):
            if most is None:
                wanted = f"{least} inputs or more"
            else:
                wanted = f"{least} input{'s' * (least > 1)}" if least == most else f"{least} to {most} inputs"
            remedy = 'name them: from = ["a", "b"]' if given < least else 'join them first by "cat" or "add"'
            text = f"{op.torch_name} takes {wanted}, not {given}"
            self.mistakes.add((*placed.path, "from"), placed.name, text, remedy)
            return False
        return True

    def operator(self, placed: Placed) -> Operator | None:
        """The layer's operator with its arguments."""
        table, path, name, title = placed.table, placed.path, placed.name, placed.table.get("op")
        if not isinstance(title, str):
            text, remedy = f"op is a text, not {show(title)}", 'such as op = "Conv2d"'
            if title is None:
                other = next((key for key in table if key.lower() in SYNONYMS["op"].split()), "")
                text, remedy = "op is missing", f"write op = ... instead of {other} = ..." if other else remedy
            self.mistakes.add(path, name, text, remedy)
            return None
        if title not in OPERATORS:
            where = placed.origins.get(("op", None), (*path, "op"))
            remedy = self.mistakes.near(title, OPERATORS)
            self.mistakes.add(where, name, f"there is no operator {show(title)}", remedy)
            return None
        from pydantic import ValidationError  # noqa: PLC0415 - imported by `adapter` anyway

        operator = OPERATORS[title]
        special = {*LAYER_KEYS, "like"} - operator.arguments.keys()
        arguments = {key: value for key, value in table.items() if key not in special}
        try:
            return adapter(title).validate_python(arguments, context=operator.axes)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self.argument(detail, operator, placed)
            return None

    def argument(self, detail: Any, operator: type[Operator], placed: Placed) -> None:
        """A mistake in an argument, as pydantic found it."""
        path, name = placed.path, placed.name
        key = str(detail["loc"][0]) if detail["loc"] else ""
        where = placed.origins.get((key, None), (*path, key))
        if detail["type"] == "missing":
            asked = f' or {key} = "?"' if isinstance(operator.arguments[key], Asked) else ""
            self.mistakes.add(path, name, f"{operator.torch_name} needs {key}", f"write {key} = ...{asked}")
        elif detail["type"] == "unexpected_keyword_argument":
            remedy = self.mistakes.near(key, (*operator.arguments, *LAYER_KEYS))
            self.mistakes.add(where, name, f"{operator.torch_name} has no argument {show(key)}", remedy)
        else:
            text = str(detail["ctx"]["error"]) if "ctx" in detail else detail["msg"]
            self.mistakes.add(where, f"{name}.{key}", text, meant(detail["input"]))


def takes_like(op: Operator | type[Operator]) -> bool:
    """Whether an operator takes the spatial size of a second input."""
    return "size" in op.arguments and op.arity == (1, 2)


@cache
def adapter(title: str) -> "TypeAdapter[Operator]":
    """What reads one operator, by pydantic."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - a tenth of a second that `--help` does not need

    return TypeAdapter(OPERATORS[title])
