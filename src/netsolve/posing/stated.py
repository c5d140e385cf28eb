"""Sizes that a document states, held against those that follow."""

from typing import Any

from netsolve.arith import both, either
from netsolve.coded import Number, Stated
from netsolve.domain import POSITIVE, Domain, Unknown
from netsolve.locate import Path
from netsolve.network import Network
from netsolve.ops.arguments import show
from netsolve.ops.base import Formula, Shape
from netsolve.posing.draft import Draft
from netsolve.problem import EQUAL, Label, Written


def stated(draft: Draft, layer: str, shape: Shape, out: Stated, path: Path) -> Shape:
    """Hold the sizes after a layer against what is stated of them; what is stated goes on from here."""
    if len(out) not in {len(shape), len(shape) - 1}:
        entries = "1 entry" if len(out) == 1 else f"{len(out)} entries"
        text = f"{path[-1]} has {entries}, and the tensor there has {len(shape)}"
        fewer = f", or {len(shape) - 1} for the spatial sizes alone" if len(shape) > 1 else ""
        batch = "; the batch is never written" if len(out) == len(shape) + 1 else ""
        flat = f"a Flatten is missing before {draft.unflattened}; or " if len(out) == 1 and draft.unflattened else ""
        draft.mistake(layer, text, f"{flat}write {len(shape)}{fewer}{batch}", path)
        return shape
    offset = len(shape) - len(out)
    result = list(shape)
    for axis, size in enumerate(out, offset):
        key = f"{path[-1]}[{axis - offset}]"
        follows = shape[axis]
        if isinstance(follows, Written) and (text := _contradiction(draft.network, key, size, follows)):
            draft.mistake(layer, text, "both state the same number: correct one of them", path)
        elif isinstance(size, Unknown):
            if size.domain is not None:
                label = Label(layer, f"{key} is one of {size.domain}", path)
                inside = Formula(lambda v, domain=size.domain: lies_in(v, domain), [key])
                draft.relate(label, inside, (follows,), frozenset())
            if size.name is not None:
                other = draft.variable(size.name, size, size.domain or POSITIVE, path)
                draft.relate(Label(layer, f"{path[-1]} is {size}", path), EQUAL, (follows, other), frozenset())
        else:
            what = "channels after {} are" if axis == 0 and len(shape) > 1 else "size after {} is"
            label = Label(layer, f"the {what.format(layer)} stated as {size}", path)
            shape = tuple(map(draft.current, shape))
            result[axis] = draft.unify(label, shape[axis], Written.at(size, key, layer, path))
    return tuple(result)


def _contradiction(network: Network, key: str, size: Number, other: Written) -> str:
    """What to say where two numbers of the document state one size differently, which no value of anything can help."""
    allowed = Domain.between(size, size) if isinstance(size, int) else size.domain
    if allowed is None or other in allowed:
        return ""
    line = network.line(other.path)
    place = f"{f' of {other.layer}' if other.layer else ''}{f' (line {line})' if line else ''}"
    return f"{key} = {size if isinstance(size, int) else show(str(size))} contradicts {other.key} = {other}{place}"


def lies_in(value: Any, domain: Domain) -> Any:
    """Whether a number lies in a domain, for integers and terms."""
    result: Any = False
    for low, high in domain.ranges:
        inside = value >= low if high is None else both(value >= low, value <= high)
        result = either(result, inside)
    return result
