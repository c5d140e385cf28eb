"""A network as far as it is known: layers, what feeds them, and what is stated about their sizes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from netsolve.domain import Domain, Unknown
from netsolve.errors import DocumentError, Mistake
from netsolve.expression import Expression
from netsolve.locate import Path, Source
from netsolve.ops import Operator

Number = int | Unknown
Stated = tuple[Number, ...]
"""A shape as far as it is stated: channels and spatial sizes, or (of a layer's output) spatial sizes only."""

_ENTRY = re.compile(r"(?P<key>.+)\[(?P<entry>\d{1,3})\]", re.ASCII)


@dataclass(frozen=True)
class Layer:
    """One layer.

    inputs: the names of what feeds it; out: what is stated of its output; path: where a document has it.
    """

    name: str
    op: Operator
    inputs: tuple[str, ...]
    out: Stated | None = None
    path: Path = ()


@dataclass(frozen=True)
class Network:
    """Layers in an order in which each comes after what feeds it.

    inputs: the shapes of the inputs, without batch; output: what is stated of the one output; outputs: the names of the
    layers whose results are wanted, left empty where that is every layer that feeds no other; defaults: what an unknown
    without values of its own may be, by argument; source: the document it was read from.
    """

    inputs: Mapping[str, Stated]
    layers: tuple[Layer, ...]
    output: Stated | None = None
    outputs: tuple[str, ...] = ()
    constraints: tuple[Expression, ...] = ()
    defaults: Mapping[str, Domain] = field(default_factory=dict)
    name: str = ""
    source: Source | None = field(default=None, compare=False)

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
        """A copy in which arguments have other values, by LAYER.ARGUMENT, or `input` for the shape of the input.

        A key may name one entry of a list: `conv2d_1.padding[0]`. Raises DocumentError for a key that is not there or a
        value that cannot stand there.
        """
        mistakes: list[Mistake] = []
        inputs, layers = dict(self.inputs), {layer.name: layer for layer in self.layers}
        for key, value in values.items():
            try:
                if key in inputs:
                    inputs[key] = tuple(value)
                else:
                    name, _, argument = key.rpartition(".")
                    layers[name] = replace(layers[name], op=_changed(layers[name].op, argument, value))
            except KeyError:
                mistakes.append(Mistake(key, "there is no such argument", "a key is LAYER.ARGUMENT"))
            except ValueError as error:
                mistakes.append(Mistake(key, str(error)))
        if mistakes:
            raise DocumentError(mistakes)
        return replace(self, inputs=inputs, layers=tuple(layers.values()))

    def line(self, path: Path) -> int | None:
        """The line of a key path in the document the network was read from."""
        return self.source.line(path) if self.source else None


def _changed(op: Operator, argument: str, value: Any) -> Operator:
    """The operator with another value for an argument or for one entry of it."""
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
