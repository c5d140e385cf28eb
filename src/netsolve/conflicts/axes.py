"""Axes along which a network is the same: what holds along one of them holds along the others."""

from collections.abc import Iterable, Iterator
from typing import Any

from netsolve.conflicts.statements import Relaxed, states_size
from netsolve.conflicts.worlds import Worlds
from netsolve.problem import Operand, Variable


def distinct(worlds: Worlds, indices: Iterable[int]) -> list[int]:
    """Of some factors, by index, one for each set that says the same along several axes.

    What is written is then the same on all of these axes, and no factor is about more than one of them: values along
    one axis, put on all of them, meet every factor. Where some factor is about several axes, all factors stay.
    """
    first = entries_alike(worlds.relaxed)
    places = sorted(indices)

    def now(operand: Operand) -> Operand:
        return first.get(operand, operand) if isinstance(operand, Variable) else operand

    made: dict[Any, Variable] = {}
    said: dict[Any, int] = {}
    others: list[Any] = []
    for index in places:
        factor = worlds.factors[index]
        operands, output = tuple(map(now, factor.operands)), factor.output
        if output is not None:
            values = worlds.relaxed.problem.domains[output]
            output = first.setdefault(output, made.setdefault((factor.formula, operands, values), output))
        saying = (factor.formula, operands, output)
        if operands == factor.operands and output is factor.output:
            said.setdefault(saying, index)
        else:
            others.append(saying)
    return sorted(said.values()) if all(saying in said for saying in others) else places


def entries_alike(relaxed: Relaxed) -> dict[Variable, Variable]:
    """For each number that is an entry of a list, the one of the first axis that says the same."""
    found: dict[Variable, Variable] = {}
    for key, variables in relaxed.variables.items():
        alike: dict[Any, Variable] = {}
        for role, v in roles(relaxed, key, variables):
            found.setdefault(v, alike.setdefault((role, relaxed.written[v], relaxed.problem.domains[v]), v))
    return found


def roles(relaxed: Relaxed, key: str, variables: tuple[Variable, ...]) -> Iterator[tuple[int, Variable]]:
    """Entries from the first axis to the last, and which of those of an axis each is: channels are none of an axis."""
    layer, _, argument = key.rpartition(".")
    if key in relaxed.network.inputs or states_size(key):
        name = relaxed.network.results[0] if key == "output" else layer or key
        whole = len(variables) == len(relaxed.problem.shapes[name])
        yield from ((int(whole and place > 0), v) for place, v in enumerate(variables))
    elif relaxed.network.by_name[layer].op.arguments[argument].entries == "sides":  # the last axis comes first
        yield from ((place % 2, v) for place, v in reversed([*enumerate(variables)]))
    else:
        yield from ((0, v) for v in variables)
