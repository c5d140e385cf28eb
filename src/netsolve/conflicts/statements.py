"""What a document states, and the network in which each of these statements may be dropped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from netsolve.conflicts.base import Statement
from netsolve.deadline import NEVER, Deadline
from netsolve.domain import POSITIVE, Domain, Unknown
from netsolve.engines.calls import divisors
from netsolve.locate import Path
from netsolve.network import Layer, Network
from netsolve.ops.arguments import Asked, AskedSwitch, show
from netsolve.ops.plain import Deciding
from netsolve.posing import pose
from netsolve.posing.layer import DEFAULTS
from netsolve.problem import Factor, Operand, Problem, Variable
from netsolve.queries import WIDEST

MOST_DECIDED = 64
"""The largest number that a count of groups or heads, a scale or a place is tried with, or twice what is written."""

Stated = Asked | Deciding
"""Arguments whose numbers decide what fits."""

BEYOND = {"stride": 32, "kernel_size": 32}
"""How far a question mark without values of its own could have gone."""

IN_CODE: Path = ("layers",)
"""The path of a layer that no document has: it is not read again, since a document may not leave all of it open."""

Told = dict[str, list[Domain]]
"""The values of question marks: of each entry of an argument by its key, and of a named unknown by ?NAME."""


@dataclass(frozen=True)
class Relaxed:
    """A network in which every number that could have been another is an unknown.

    loose: with the unknowns; problem: its problem; variables: for each key the variables of its entries; written: for
    each of these variables what the document says, where it says a number, or the values of its question mark;
    statements: by key, what is stated (an argument left at torch's default is none); bounds: by index of a factor of
    the problem, the variable of the question mark whose default values end there: so it is as long as that stands.
    """

    network: Network
    loose: Network
    problem: Problem
    variables: dict[str, tuple[Variable, ...]]
    written: dict[Variable, Domain]
    statements: dict[str, Statement]
    bounds: dict[int, Variable]


def relaxed(network: Network, deadline: Deadline = NEVER) -> Relaxed:
    """Pose a network with an unknown for every number of a layer's arguments, stated sizes, and inputs.

    Raises UndecidedError past the deadline.
    """
    original = pose(network, deadline=deadline)
    told = {
        question.key: [original.domains[v] if isinstance(v, Variable) else Domain(()) for v in question.entries]
        for question in original.questions
    }
    told |= {f"?{name}": [original.domains[v]] for name, v in original.unknowns.items()}
    layers = tuple(_loosened(layer, told) for layer in network.layers)
    loose = replace(
        network,
        layers=layers,
        inputs={name: tuple(_size(size) for size in shape) for name, shape in network.inputs.items()},
        output=None if network.output is None else _named("output", network.output),
    )
    problem = pose(loose, deadline=deadline)
    variables = _variables(loose, problem)
    written = {
        variable: domain
        for key, found in variables.items()
        for variable, domain in zip(found, _domains(network, told, key), strict=True)
    }
    problem, bounds = _bounded(problem, original, variables)
    return Relaxed(network, loose, problem, variables, written, statements_of(network), bounds)


def _bounded(
    problem: Problem, original: Problem, variables: Mapping[str, tuple[Variable, ...]]
) -> tuple[Problem, dict[int, Variable]]:
    """A relaxed problem with what bounds default values by other question marks, behind the factors of their layers."""
    now: dict[tuple[str, Operand], Variable] = {}
    for question in original.questions:
        layer = question.key.rpartition(".")[0]
        now |= {(layer, v): w for v, w in zip(question.entries, variables.get(question.key, ()), strict=False)}
    waiting: dict[str, list[Factor]] = {}
    for factor in original.factors:
        label = factor.label
        if label.text.startswith(DEFAULTS) and (label.layer, factor.operands[0]) in now:
            operands = tuple(now.get((label.layer, v), v) for v in factor.operands)
            if all(v in problem.domains for v in operands if isinstance(v, Variable)):
                waiting.setdefault(label.layer, []).append(replace(factor, operands=operands))
    factors, bounds = list[Factor](), dict[int, Variable]()
    for factor, following in zip_longest(problem.factors, problem.factors[1:]):
        factors.append(factor)
        if following is None or following.label.layer != factor.label.layer:
            for bound in waiting.pop(factor.label.layer, ()):
                assert isinstance(bound.operands[0], Variable)  # noqa: S101 - a question mark
                bounds[len(factors)] = bound.operands[0]
                factors.append(bound)
    return replace(problem, factors=tuple(factors)), bounds


def _variables(loose: Network, problem: Problem) -> dict[str, tuple[Variable, ...]]:
    """The variables of each key, an entry each."""
    found = {
        question.key: tuple(v for v in question.entries if isinstance(v, Variable)) for question in problem.questions
    }
    stated = {f"{layer.name}.out": layer.out for layer in loose.layers if layer.out is not None}
    if loose.output is not None:
        stated["output"] = loose.output
    for key, shape in stated.items():
        names = (size.name for size in shape if isinstance(size, Unknown) and size.name)
        found[key] = tuple(problem.unknowns[name] for name in names if name in problem.unknowns)
    return {key: entries for key, entries in found.items() if entries}


def _loosened(layer: Layer, told: Told) -> Layer:
    """A layer with unknowns for its numbers; those of its question marks have all values that these have at least."""
    changes: dict[str, Any] = {}
    for name, kind in layer.op.arguments.items():
        value = getattr(layer.op, name)
        if not isinstance(kind, Stated) or (layer.op.torch_name == "opaque" and name == "out"):
            continue
        entries = value if isinstance(value, tuple) else (value,)
        domains = told.get(f"{layer.name}.{name}") or [Domain(())] * len(entries)
        loose = tuple(_argument(layer, name, kind, *pair) for pair in zip(entries, domains, strict=True))
        if loose != entries:
            changes[name] = loose if isinstance(value, tuple) else loose[0]
    op = replace(layer.op, **changes) if changes else layer.op
    out = None if layer.out is None else _named(f"{layer.name}.out", layer.out)
    return replace(layer, op=op, out=out, path=layer.path or IN_CODE) if changes or out is not None else layer


def _argument(layer: Layer, name: str, kind: Stated, entry: Any, domain: Domain) -> Any:
    """What stands for one number of an argument. domain: the values of a question mark."""
    if isinstance(entry, Unknown):
        wide = wide_of(layer, name, kind, entry.domain or Domain(()))
        if entry.domain is None and name in BEYOND:
            wide |= Domain.between(1, BEYOND[name])
        return replace(entry, domain=wide | domain)
    if not isinstance(entry, int) or (entry == -1 and isinstance(kind, Asked) and kind.least >= 1):
        return entry
    return Unknown(wide_of(layer, name, kind, Domain.between(int(entry), int(entry))))


def _size(size: Any) -> Unknown:
    """What stands for one size of an input."""
    return replace(size, domain=None) if isinstance(size, Unknown) else Unknown()


def _named(key: str, shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """A stated shape with a name for each number, which no document can have."""
    return tuple(size if isinstance(size, Unknown) else Unknown(None, f" {key}[{i}]") for i, size in enumerate(shape))


def wide_of(layer: Layer, name: str, kind: Stated, written: Domain) -> Domain:
    """The values that an argument is given where what is written of it is dropped."""
    high = (written.high or 0) if written.ranges else 0
    if isinstance(kind, AskedSwitch):
        return Domain.between(0, 1)
    if name == "groups":
        channels = getattr(layer.op, "out_channels", high)
        return _joined(written, Domain.of([*range(1, 9), *divisors(channels if isinstance(channels, int) else high)]))
    if isinstance(kind, Deciding):
        most = max(2 * abs(high), MOST_DECIDED)
        return Domain.between(-most if kind.least is None else kind.least, most)
    sides = kind.entries == "sides"
    ranges = {
        "padding": (-10, high + 10) if sides else (0, max(high, WIDEST)),
        "output_padding": (0, max(high, 7)),
        "kernel_size": (1, max(high + 4, 11)),
        "stride": (1, max(high + 2, 4)),
        "dilation": (1, max(high + 2, 4)),
        "output_size": (1, max(2 * high, 16)),
        "size": (1, max(2 * high, 16)),
    }
    if name in ranges:
        return _joined(written, Domain.between(*ranges[name]))
    return Domain.between(kind.least, None) if kind.least > 0 else POSITIVE


def _joined(left: Domain, right: Domain) -> Domain:
    """The members of either set; the second ends."""
    top = left.high if left.ranges else 0
    return right if top is None else left | right


def _domains(network: Network, told: Told, key: str) -> Iterator[Domain]:
    """What the document says of each entry of a key, in order, as far as an unknown stands for it."""
    for index, entry in entries_of(network, key):
        if isinstance(entry, Unknown):
            yield told[key][index] if key in told else told[f"?{entry.name}"][0]
        else:
            yield Domain.between(int(entry), int(entry))


def states_size(key: str) -> bool:
    """Whether what stands under a key is a stated size."""
    return key.rpartition(".")[2] in {"out", "output"}


def entries_of(network: Network, key: str) -> list[tuple[int, Any]]:
    """The numbers and question marks of a key that are unknowns in the relaxed network, with their places."""
    value = written_value(network, key)
    stated = states_size(key)
    found = enumerate(value if isinstance(value, tuple) else (value,))
    rest = not stated and key not in network.inputs and _least(network, key) >= 1
    return [
        (index, entry)
        for index, entry in found
        if (isinstance(entry, Unknown) and (not stated or entry.name))
        or (isinstance(entry, int) and not (rest and entry == -1))
    ]


def _least(network: Network, key: str) -> int:
    """The least value of an argument."""
    name, _, argument = key.rpartition(".")
    kind = network.by_name[name].op.arguments[argument]
    return kind.least if isinstance(kind, Asked) else 0


def written_value(network: Network, key: str) -> Any:
    """What stands in a network under a key."""
    if key in network.inputs:
        return network.inputs[key]
    if key == "output":
        return network.output
    name, _, argument = key.rpartition(".")
    layer = network.by_name[name]
    return layer.out if argument == "out" else getattr(layer.op, argument)


def statements_of(network: Network) -> dict[str, Statement]:
    """Everything that a document states in numbers, by key, in its order."""
    found: dict[str, Statement] = {}

    def add(key: str, layer: str, text: str, path: Path) -> None:
        found[key] = Statement(key, layer, text, network.line(path))

    several = set(network.inputs) != {"input"}
    for name, shape in network.inputs.items():
        add(name, "", f"{name} = {text_of(shape)}", ("inputs", name) if several else ("input",))
    for layer in network.layers:
        for name, kind in layer.op.arguments.items():
            value = getattr(layer.op, name)
            if name != "out" and isinstance(kind, Stated) and _numbers(value) and network.states(layer, name):
                add(f"{layer.name}.{name}", layer.name, f"{name} = {text_of(value)}", layer.at(name))
        if layer.out is not None:
            add(f"{layer.name}.out", layer.name, f"out = {text_of(layer.out)}", layer.at("out"))
    if network.output is not None:
        add("output", "", f"output = {text_of(network.output)}", ("output",))
    for index, constraint in enumerate(network.constraints):
        add(f"constraints[{index}]", "", f"the constraint {constraint.text}", ("constraints", index))
    return found


def _numbers(value: Any) -> bool:
    """Whether a value holds a number or a question mark."""
    entries = value if isinstance(value, tuple) else (value,)
    return any(isinstance(entry, int | Unknown) for entry in entries)


def text_of(value: Any) -> str:
    """A value as a document has it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(text_of, value))}]"
    if value is None:
        return '"none"'
    return f'"{value}"' if isinstance(value, Unknown | str) else show(value)
