"""Formulas called with integers and variables: which belong together, and what they give for many rows at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import isqrt, prod
from operator import attrgetter, itemgetter
from typing import Any

from netsolve.ops.base import Formula
from netsolve.problem import Operand, Variable, product_of

Row = tuple[int, ...]

by_index = attrgetter("index")


class Call:
    """A formula called with integers and with variables that stand for themselves; output: the variable it defines."""

    __slots__ = ("formula", "inputs", "operands", "output")

    def __init__(self, formula: Formula, operands: tuple[Operand, ...], output: Variable | None) -> None:
        """Note which variables it is called with."""
        self.formula, self.operands, self.output = formula, operands, output
        self.inputs = frozenset([v for v in operands if isinstance(v, Variable)])


def bundles(calls: Sequence[Call]) -> Iterator[tuple[list[Call], list[Call]]]:
    """Definitions from the same variables with the rules that speak of no others, then the rules that are left."""
    rules: dict[Variable, list[Call]] = {}
    together: dict[frozenset[Variable], list[Call]] = {}
    for call in calls:
        if call.output is None:
            rules.setdefault(max(call.inputs, key=by_index), []).append(call)
        else:
            together.setdefault(call.inputs, []).append(call)
    taken: set[Call] = set()
    for call in calls:
        if call.output is None or call in taken:
            continue
        definitions = [each for each in together[call.inputs] if each not in taken]
        taken.update(definitions)
        scope = call.inputs.union([each.output for each in definitions if each.output is not None])
        ordered = sorted(scope, key=by_index)
        mine = [rule for v in ordered for rule in rules.get(v, ()) if rule.inputs <= scope and rule not in taken]
        taken.update(mine)
        yield definitions, mine
    for call in calls:
        if call not in taken:
            yield [], [call]


def outcomes(call: Call, rows: list[Row], position: Mapping[Variable, int]) -> list[Any]:
    """What a call gives for each row."""
    columns = [
        map(itemgetter(position[v]), rows) if isinstance(v, Variable) else repeat(v, len(rows)) for v in call.operands
    ]
    return list(map(call.formula.function, *columns))


def divisors(number: int) -> list[int]:
    """The divisors of a positive number, ascending."""
    small = [d for d in range(1, isqrt(min(number, 2**40)) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


@dataclass(frozen=True)
class Product:
    """A product of a known value: its factors divide it, and the last one follows from the others.

    powers: how often each variable is a factor.
    """

    value: int
    powers: Mapping[Variable, int]

    @classmethod
    def of(cls, call: Call, value: int) -> "Product | None":
        """A call as a product of this value; None where it is none, or can have no such value."""
        if call.formula is not product_of(len(call.operands)):
            return None
        known = prod(v for v in call.operands if isinstance(v, int))
        if value < 1 or known < 1 or value % known:
            return None
        variables = [v for v in call.operands if isinstance(v, Variable)]
        return cls(value // known, {v: variables.count(v) for v in variables})

    def left(self, rows: list[Row], position: Mapping[Variable, int]) -> list[int]:
        """What the value leaves over when the factors of a row are taken out; 0 where they do not divide it."""
        places = [place for v, place in position.items() for _ in range(self.powers.get(v, 0))]
        taken = [prod([row[place] for place in places]) for row in rows]
        return [self.value // done if done > 0 and self.value % done == 0 else 0 for done in taken]
