"""A network as far as it is known: layers, what feeds them, and what is stated about their sizes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from netsolve.coded import Stated, read_constraint, read_operator, read_shape, read_values
from netsolve.domain import Domain, Unknown
from netsolve.errors import DocumentError, Mistake, UsageError
from netsolve.expression import Expression
from netsolve.frozen import Frozen, frozen
from netsolve.locate import Path, Source
from netsolve.ops import Operator
from netsolve.ops.arguments import AskedSwitch, show
from netsolve.words import valid_name

_ENTRY = re.compile(r"(?P<key>.+)\[(?P<entry>\d{1,3})\]", re.ASCII)


@dataclass(frozen=True)
class Layer:
    """One layer.

    inputs: the names of what feeds it; out: what is stated of its output; path: where a document has it; origins:
    where values stand that a block's arguments brought, by argument and entry; stated: where `out` stands, if it is not
    at the path. Raises DocumentError, with all mistakes, where it is made in code of what cannot be a layer; question
    marks may be written as in documents: "?".
    """

    name: str
    op: Operator
    inputs: tuple[str, ...]
    out: Stated | None = None
    path: Path = ()
    origins: Mapping[tuple[str, int | None], Path] = field(default_factory=dict, hash=False, repr=False)
    stated: Path = ()

    def __post_init__(self) -> None:
        """Read the values of a layer that no document has, as those of a document are read."""
        if self.path:
            return
        mistakes: list[Mistake] = []
        if not isinstance(self.name, str) or not valid_name(self.name):
            mistakes.append(Mistake("", f"{show(self.name)} cannot be a layer's name", "letters, digits, _ and dots"))
        where = self.name if isinstance(self.name, str) else ""
        if isinstance(self.op, Operator):
            object.__setattr__(self, "op", read_operator(self.op, where, mistakes))
        else:
            text = f"op is an operator of netsolve.ops, not {show(self.op)}"
            mistakes.append(Mistake(where, text, 'such as OPERATORS["Conv2d"](out_channels=64, kernel_size=3)'))
        if not isinstance(self.inputs, list | tuple) or not all(isinstance(name, str) for name in self.inputs):
            text = f"inputs is a tuple of the names of what feeds the layer, not {show(self.inputs)}"
            mistakes.append(Mistake(where, text, 'such as ("input",)'))
        elif not mistakes:
            object.__setattr__(self, "inputs", tuple(self.inputs))
            least, most = self.op.arity
            if len(self.inputs) < least or (most is not None and len(self.inputs) > most):
                mistakes.append(Mistake(where, f"{self.op.torch_name} does not take {len(self.inputs)} inputs"))
        if self.out is not None:
            object.__setattr__(self, "out", read_shape(self.out, f"{where}.out", mistakes))
        if mistakes:
            raise DocumentError(mistakes)

    def at(self, key: str, entry: int | None = None) -> Path:
        """Where a document has one of the layer's values, or one entry of a list."""
        if key == "out" and self.stated:
            return self.stated
        if (key, entry) in self.origins:
            return self.origins[key, entry]
        path = self.origins.get((key, None), (*self.path, key))
        return path if entry is None else (*path, entry)


@dataclass(frozen=True)
class Network:
    """Layers in an order in which each comes after what feeds it.

    inputs: the shapes of the inputs, without batch; output: what is stated of the one output; outputs: the names of the
    layers whose results are wanted, left empty where that is every layer that feeds no other; defaults: what an unknown
    without values of its own may be, by argument; source: the document it was read from; blocks: for the name of each
    block and repetition its last layer; uses: for the name of each use of a block that block's; warnings: what is
    allowed, and probably not meant. Raises DocumentError, with all mistakes, where it is made in code of what cannot be
    a network; question marks and constraints may be texts as in documents.
    """

    inputs: Mapping[str, Stated]
    layers: tuple[Layer, ...]
    output: Stated | None = None
    outputs: tuple[str, ...] = ()
    constraints: tuple[Expression, ...] = ()
    defaults: Mapping[str, Domain] = field(default_factory=dict)
    name: str = ""
    source: Source | None = field(default=None, compare=False, repr=False)
    blocks: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    warnings: tuple[Mistake, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Let nothing change what is in the network; hold one that no document has against the rules of documents."""
        self._kinds()
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.source is None:
            self._check()
        object.__setattr__(self, "inputs", frozen(self.inputs))
        object.__setattr__(self, "defaults", frozen(self.defaults))
        object.__setattr__(self, "blocks", frozen(self.blocks))
        object.__setattr__(self, "uses", frozen(self.uses))

    def _kinds(self) -> None:
        """Raise DocumentError for what is no list or mapping at all."""
        if not isinstance(self.layers, Iterable):
            raise DocumentError([Mistake("layers", f"a list of netsolve.Layer is expected, not {show(self.layers)}")])
        lists = [key for key in ("outputs", "constraints") if not isinstance(getattr(self, key), list | tuple)]
        mappings = [key for key in ("defaults", "blocks", "uses") if not isinstance(getattr(self, key), Mapping)]
        for keys, what, none in ((lists, "list", "[]"), (mappings, "mapping", "{}")):
            for key in keys:
                text = f"a {what} is expected, not {show(getattr(self, key))}"
                raise DocumentError([Mistake(key, text, f"{none} for none")])

    def _check(self) -> None:
        """Read what a network in code says. Raises DocumentError with all mistakes."""
        mistakes: list[Mistake] = []
        if not isinstance(self.inputs, Mapping) or not self.inputs:
            text = f"inputs is a mapping of shapes by name, not {show(self.inputs)}"
            raise DocumentError([Mistake("inputs", text, 'such as {"input": (3, 96, 96)}')])
        if strangers := [each for each in self.layers if not isinstance(each, Layer)]:
            raise DocumentError([Mistake("layers", f"each is a netsolve.Layer, not {show(strangers[0])}")])
        inputs = {name: read_shape(shape, str(name), mistakes) for name, shape in self.inputs.items()}
        object.__setattr__(self, "inputs", Frozen(inputs))
        wrong = [name for name in inputs if name != "input" and (not valid_name(str(name)) or "." in str(name))]
        mistakes += [
            Mistake("inputs", f"{show(name)} cannot be an input's name", "letters, digits, _") for name in wrong
        ]
        before, names = set(inputs), {layer.name for layer in self.layers}
        for layer in self.layers:
            if layer.name in before:
                mistakes.append(Mistake(layer.name, "this name is used twice", "give one of them another name"))
            for feed in dict.fromkeys(layer.inputs):
                if feed not in before:
                    text = f"inputs names {show(feed)}, and there is no such layer"
                    late = f"inputs names {show(feed)}, which stands behind this layer"
                    mistakes.append(Mistake(layer.name, late if feed in names else text))
            before.add(layer.name)
        mistakes += [
            Mistake("outputs", f"there is no layer {show(name)}") for name in self.outputs if name not in names
        ]
        if self.output is not None:
            object.__setattr__(self, "output", read_shape(self.output, "output", mistakes))
            if self.layers and len(self.results) != 1:
                text = f"there are {len(self.results)} outputs"
                mistakes.append(Mistake("output", text, "state the shape of each by `out` on its layer"))
        constraints = [read_constraint(each, f"constraints[{i}]", mistakes) for i, each in enumerate(self.constraints)]
        object.__setattr__(self, "constraints", tuple(each for each in constraints if each is not None))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        defaults = {key: read_values(value, f"defaults.{key}", mistakes) for key, value in self.defaults.items()}
        object.__setattr__(self, "defaults", Frozen(defaults))
        if mistakes:
            raise DocumentError(mistakes)

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        """The layers by name."""
        return {layer.name: layer for layer in self.layers}

    @property
    def results(self) -> tuple[str, ...]:
        """The layers whose results are wanted."""
        return self.outputs or self.unused

    @property
    def unused(self) -> tuple[str, ...]:
        """The layers that feed no other."""
        used = {name for layer in self.layers for name in layer.inputs}
        return tuple(layer.name for layer in self.layers if layer.name not in used)

    @property
    def is_chain(self) -> bool:
        """Whether each layer is fed by the one before it and by nothing else."""
        names = [*self.inputs, *(layer.name for layer in self.layers)]
        return (
            len(self.inputs) == 1
            and self.results == tuple(names[-1:])
            and all(layer.inputs == (before,) for before, layer in zip(names, self.layers, strict=False))
        )

    def with_values(self, values: Mapping[str, Any]) -> "Network":
        """A copy in which numbers are others, by LAYER.ARGUMENT, LAYER.out, `output`, or `input` for its shape.

        A key may name one entry of a list: `conv2d_1.padding[0]`, `input[1]`. A named unknown is one value: where it is
        set in one place it is set in all of them, and in constraints. Raises DocumentError for a key that is not there
        or a value that cannot stand there.
        """
        if not isinstance(values, Mapping):
            msg = f'values are written by key, such as {{"conv2d_1.padding": 1}}, not {values!r:.40}'
            raise UsageError(msg)
        mistakes: list[Mistake] = []
        changes = _Changes(dict(self.inputs), dict(self.by_name), self.output)
        for key, value in values.items():
            try:
                changes.set(str(key), value, mistakes)
            except KeyError:
                remedy = "a key is LAYER.ARGUMENT, LAYER.out, output or input"
                mistakes.append(Mistake(str(key), "there is no such argument", remedy))
            except ValueError as error:
                mistakes.append(Mistake(key, str(error)))
        if changes.output != self.output and len(self.results) != 1:
            mistakes.append(Mistake("output", f"there are {len(self.results)} outputs", "set LAYER.out of each"))
        copy = replace(self, inputs=changes.inputs, layers=tuple(changes.layers.values()), output=changes.output)
        copy = _with_named(copy, changes.named, mistakes)
        if mistakes:
            raise DocumentError(mistakes)
        return copy

    def states(self, layer: Layer, key: str) -> bool:
        """Whether an argument of a layer is written, or differs from torch's default."""
        written = self.source is not None and self.source.has(layer.at(key))
        return written or bool(getattr(layer.op, key) != getattr(type(layer.op), key, None))

    def line(self, path: Path) -> int | None:
        """The line of a key path in the document the network was read from."""
        return self.source.line(path) if self.source else None


@dataclass
class _Changes:
    """The parts of a network while values are put in; named: the numbers that took the place of named unknowns."""

    inputs: dict[str, Stated]
    layers: dict[str, Layer]
    output: Stated | None
    named: dict[str, int] = field(default_factory=dict)

    def set(self, key: str, value: Any, mistakes: list[Mistake]) -> None:
        """Put one value in. Raises KeyError for a key that is not there, ValueError for a value that cannot stand."""
        match = _ENTRY.fullmatch(key)
        owner, entry = (match["key"], int(match["entry"])) if match else (key, None)
        name, _, argument = owner.rpartition(".")
        if owner in self.inputs:
            self.inputs[owner] = self.shape(self.inputs[owner], entry, value, owner, mistakes)
        elif owner == "output":
            self.output = self.shape(self.output, entry, value, owner, mistakes)
        elif argument == "out" and "out" not in self.layers[name].op.arguments:
            layer = self.layers[name]
            self.layers[name] = replace(layer, out=self.shape(layer.out, entry, value, owner, mistakes))
        else:
            before = self.layers[name]
            self.layers[name] = replace(before, op=changed(before.op, key.removeprefix(f"{name}."), value))
            _note(getattr(before.op, argument), getattr(self.layers[name].op, argument), self.named)

    def shape(self, old: Stated | None, entry: int | None, value: Any, where: str, mistakes: list[Mistake]) -> Stated:
        """A shape in place of another one, or the same with another size in one place."""
        entries = list(old or ())
        if entry is not None and entry >= len(entries):
            raise KeyError(entry)
        new = value if entry is None else [*entries[:entry], value, *entries[entry + 1 :]]
        if (found := read_shape(new, where, mistakes)) is None:
            return old or ()
        _note(old or (), found, self.named)
        return tuple(found)


def _note(old: Any, new: Any, named: dict[str, int]) -> None:
    """Keep the numbers that took the place of named unknowns. Raises ValueError where one would have two values."""
    olds: Iterable[Any] = old if isinstance(old, tuple) else (old,) * (len(new) if isinstance(new, tuple) else 1)
    news: Iterable[Any] = new if isinstance(new, tuple) else (new,) * (len(old) if isinstance(old, tuple) else 1)
    for before, after in zip(olds, news, strict=False):
        name = before.name if isinstance(before, Unknown) and isinstance(after, int) else None
        if name and named.setdefault(name, int(after)) != int(after):
            msg = f"?{name} is one value everywhere: {named[name]} and {int(after)} cannot both be it"
            raise ValueError(msg)


def _with_named(network: Network, named: Mapping[str, int], mistakes: list[Mistake]) -> Network:
    """A copy with values in place of named unknowns, wherever they stand; mistakes are noted."""
    if not named:
        return network

    def put(value: Any) -> Any:
        entries = value if isinstance(value, tuple) else (value,)
        found = tuple(named.get(v.name or "", v) if isinstance(v, Unknown) else v for v in entries)
        return value if found == entries else found if isinstance(value, tuple) else found[0]

    def layer_of(layer: Layer) -> Layer:
        new: dict[str, Any] = {}
        for key, kind in layer.op.arguments.items():
            old = getattr(layer.op, key)
            if (value := put(old)) is not old:
                try:
                    new[key] = kind.read(bool(value) if isinstance(kind, AskedSwitch) else value, layer.op.axes)
                except ValueError as error:
                    mistakes.append(Mistake(f"{layer.name}.{key}", str(error)))
        out = put(layer.out)
        if new or out is not layer.out:
            return replace(layer, op=replace(layer.op, **new), out=out)
        return layer

    return replace(
        network,
        inputs={name: put(shape) for name, shape in network.inputs.items()},
        layers=tuple(map(layer_of, network.layers)),
        output=put(network.output),
        constraints=tuple(constraint.given(named) for constraint in network.constraints),
    )


def changed(op: Operator, argument: str, value: Any) -> Operator:
    """The operator with another value for an argument or for one entry of it.

    Raises KeyError for an argument or entry that is not there, ValueError for a value that cannot stand there.
    """
    if match := _ENTRY.fullmatch(argument):
        argument, entry = match["key"], int(match["entry"])
        kind = op.arguments[argument]
        old = getattr(op, argument)
        entries = list(old) if isinstance(old, tuple) else [old] * (op.axes * (2 if kind.entries == "sides" else 1))
        if entry >= len(entries):
            raise KeyError(argument)
        entries[entry] = value
        value = entries
    return replace(op, **{argument: op.arguments[argument].read(value, op.axes)})
