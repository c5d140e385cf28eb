"""Where a network breaks, in words: what a size can be there, and what the layers below need."""

from collections.abc import Iterator

from netsolve.conflicts.base import Reason
from netsolve.conflicts.missing import flatten, lacking, mends
from netsolve.conflicts.worlds import Value, Worlds, combinations, meet, value_of
from netsolve.domain import Domain
from netsolve.network import Layer
from netsolve.ops.join import Cat, Meet
from netsolve.posing.layer import DEFAULTS
from netsolve.problem import EQUAL, Factor, Variable

MOST_LOOKED = 512
"""How many sizes are tried to learn which ones the layers below need."""

MOST_RANGES = 6


def breaking(worlds: Worlds, broken: int) -> Iterator[Reason]:
    """What does not agree at the factor `broken`, what the layers below would need of the layer above.

    Then where else a Flatten is missing: no number there would help.
    """
    layer = worlds.relaxed.network.by_name.get(worlds.factors[broken].label.layer)
    path = worlds.factors[broken].label.path
    where = "" if layer is None else layer.name
    line = worlds.relaxed.network.line(path or (() if layer is None else layer.path))
    yield Reason(where, disagreement(worlds, broken), line)
    if layer is not None:
        lacks = lacking(worlds, layer)
        if isinstance(layer.op, Meet | Cat):
            yield Reason(where, f"its inputs: {'; '.join(branch(worlds, name) for name in layer.inputs)}", line)
        elif not lacks and (above := spatial_above(worlds, layer)) and (text := needed(worlds, above, broken)):
            own = worlds.relaxed.network.by_name.get(above)
            yield Reason("", text, None if own is None else worlds.relaxed.network.line(own.path))
        if lacks:
            yield Reason(where, lacks, line)
    for other in worlds.relaxed.network.layers:
        worlds.deadline.check()
        lack = None if other is layer else flatten(worlds, other)
        if lack is not None and mends(worlds, lack, other):
            yield Reason(other.name, lack.text, worlds.relaxed.network.line(other.path))


def elsewhere(worlds: Worlds, broken: int) -> Iterator[Reason]:
    """The other layers at which the network breaks: more than one number may be wrong."""
    seen = {worlds.factors[broken].label.layer, ""}
    for index in worlds.broken:
        layer = worlds.factors[index].label.layer
        if layer not in seen:
            seen.add(layer)
            path = worlds.factors[index].label.path or worlds.relaxed.network.by_name[layer].path
            yield Reason(layer, f"it breaks here too: {disagreement(worlds, index)}", worlds.relaxed.network.line(path))


def disagreement(worlds: Worlds, broken: int) -> str:
    """What a factor says that cannot be so, with what its numbers can be."""
    factor = worlds.factors[broken]
    values = [worlds.now(v) for v in factor.operands]
    if factor.formula is not EQUAL:
        return unmet(factor, values)
    names = [v.name.strip() if isinstance(v, Variable) else "" for v in factor.operands]
    possible = meet(values[0], values[1]) != ()  # each alone could be so, but not with all that stands before
    for name, value, other in zip(names, values, values[::-1], strict=True):
        if possible and name.partition("[")[0].endswith((".out", "output")):
            return f"{name} is stated as {words(value)}, and no values give that together with what is stated before"
        if possible and name.startswith(f"{factor.label.layer}."):
            return f"{name.rpartition('.')[2]} is {words(value)}, and no values give the input that width"
        if name.partition("[")[0].endswith((".out", "output")):
            return f"{name} is stated as {words(value)}, and the {can_be(other)}{nearest(other, value)}"
        argument = name.rpartition(".")[2]
        if name.startswith(f"{factor.label.layer}."):
            return f"{argument} is {words(value)}, and the input implies {words(other)}{nearest(other, value)}"
    return f"{factor.label.text}: {words(values[0])} and {words(values[1])}"


def unmet(factor: Factor, values: list[Value]) -> str:
    """What to say of a rule about numbers of which some are unknown: each alone may do, and not with all before it."""
    if factor.label.text.startswith(DEFAULTS):
        return f"{factor.label.text} go no further, and none of them fits"
    rows = combinations(factor.operands, values)
    if rows is None or any(factor.formula.function(*row) for row in rows):
        return f"no values meet this together with what is stated before: {factor.label.text}"
    pairs = zip(factor.formula.operands, values, strict=True)
    return factor.label.unmet(", ".join(f"{n} = {words(v)}" for n, v in pairs))


def nearest(values: Value, wanted: Value) -> str:
    """The nearest to what is wanted, where there are several values."""
    if not isinstance(values, tuple) or not values or not isinstance(wanted, int):
        return ""
    below = [n for n in values if n < wanted][-1:]
    above = [n for n in values if n > wanted][:1]
    return f" (nearest: {' and '.join(map(str, (*below, *above)))})"


def branch(worlds: Worlds, name: str) -> str:
    """What the shape after a layer can be."""
    return f"{name} {shape_words(worlds, name)}"


def shape_words(worlds: Worlds, name: str) -> str:
    """The shape after a layer, each size with all it can be."""
    sizes = [words(worlds.now(v)) for v in worlds.relaxed.problem.shapes[name]]
    return " x ".join(sizes)


def spatial_above(worlds: Worlds, layer: Layer) -> str:
    """The nearest tensor above with spatial axes; empty where there is none."""
    name = layer.inputs[0]
    layers, shapes = worlds.relaxed.network.by_name, worlds.relaxed.problem.shapes
    while name in layers and (len(shapes[name]) < 2 or keeps(worlds, layers[name])):  # noqa: PLR2004 - channels and a size
        name = layers[name].inputs[0]
    return name if len(shapes[name]) > 1 else ""


def keeps(worlds: Worlds, layer: Layer) -> bool:
    """Whether a layer has the shape of what feeds it, as activations have."""
    shapes = worlds.relaxed.problem.shapes
    return len(layer.inputs) == 1 and shapes[layer.name] == shapes[layer.inputs[0]]


def needed(worlds: Worlds, name: str, broken: int) -> str:
    """What the size after a layer can be, and what it would have to be for the factor `broken` to hold."""
    spatial = worlds.relaxed.problem.shapes[name][1:]
    variables = tuple(dict.fromkeys(v for v in spatial if isinstance(v, Variable)))
    values = [worlds.now(v) for v in spatial]
    if len(variables) == 0 or any(value is None or value == () for value in values) or len(set(values)) > 1:
        return ""
    top = values[0] if isinstance(values[0], int) else (values[0] or (1,))[-1]
    sizes = range(1, min(2 * top + 64, MOST_LOOKED) + 1)
    fitting = {n for n in sizes if worlds.reaches(dict.fromkeys(variables, n), broken)}
    if not fitting:
        return ""
    upwards = len(fitting) > 1 and fitting == set(range(min(fitting), sizes[-1] + 1))
    text = f"{min(fitting)} or more" if upwards else words(value_of(fitting))
    return f"after {name} the {can_be(values[0])}; the layers below need {text} there"


def can_be(value: Value) -> str:
    """What a size can be."""
    return f"size {'is' if isinstance(value, int) else 'can be'} {words(value)}"


def words(value: Value) -> str:
    """Numbers in words: 10..14, 21 or 22."""
    if value is None:
        return "anything"
    if isinstance(value, int):
        return str(int(value))
    if not isinstance(value, tuple):
        return str(value)  # a word, or a real number
    if not value:
        return "nothing"
    ranges = Domain.of(value).ranges
    parts = [
        part
        for low, high in ranges
        for part in ([str(low), str(high)] if high == low + 1 else [str(low) if low == high else f"{low}..{high}"])
    ]
    if len(parts) > MOST_RANGES:
        return f"one of {len(value)} sizes from {value[0]} to {value[-1]}"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def kinds(worlds: Worlds, key: str) -> str:
    """What is stated under a key; for a question mark the values it may have."""
    statement = worlds.relaxed.statements[key]
    if "?" not in statement.text or key not in worlds.relaxed.variables:
        return statement.text
    domains = dict.fromkeys(str(worlds.relaxed.written[v]) for v in worlds.relaxed.variables[key])
    return f"{statement.text}, which is {' or '.join(domains)}"
