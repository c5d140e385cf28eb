"""What else a statement could have said: other values for an argument, a stated size, an input."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from math import prod
from typing import Any

from netsolve.conflicts.statements import entries_of, states_size, written_value
from netsolve.conflicts.worlds import Value, Worlds, value_of
from netsolve.domain import Domain, Unknown
from netsolve.ops.arguments import Asked, Default
from netsolve.ops.base import formula_of, highest
from netsolve.problem import EQUAL, Variable

MOST_SIDES = 600
"""How many values of one statement are looked at."""

MOST_IMPLIED = 64
"""How many sizes are looked at in place of a number that has to be one of several."""

NEAREST = 3
"""How many sizes of an axis are looked at in place of one that is stated."""

FURTHEST_INPUT = 256
"""How far from what is written an input is looked for."""

FURTHEST_ALONE = 64
"""The same for one of its axes."""

APART = 0.5
"""What it costs that the sizes of a shape do not move alike."""

SHRUNK = 3
"""How many quarters smaller an input is looked for at most."""

FURTHEST_MET, MOST_MET = 512, 8
"""How far from what is written numbers are looked for that meet a rule, and how many are taken."""

LARGEST_INPUT = 4096
"""How large a free input is looked at to see which sizes it gives."""

SMALLEST_INPUT = 256
"""Up to which number the smallest input is looked for that a network takes at all."""

AROUND = 3
"""How many inputs on either side of the one that gives a wanted size."""


@dataclass(frozen=True)
class Choice:
    """Another value for one key.

    value: as a document has it; world: the values of the relaxed problem's variables; distance: how far it is from what
    is written, 0 where the same numbers stand in another order.
    """

    key: str
    value: Any
    world: Mapping[Variable, Value]
    distance: float


def choices_of(worlds: Worlds, key: str, numbers: tuple[int, ...]) -> Iterator[Choice]:
    """Other values of a key, the nearest first. numbers: those that do not agree; one of them may be what is meant."""
    relaxed = worlds.relaxed
    if key in relaxed.network.inputs:
        yield from inputs(worlds, key, numbers)
    elif states_size(key):
        yield from stated(worlds, key)
    else:
        yield from arguments(worlds, key, numbers)


def arguments(worlds: Worlds, key: str, numbers: tuple[int, ...]) -> Iterator[Choice]:
    """Other values of an argument."""
    relaxed = worlds.relaxed
    variables = relaxed.variables[key]
    written = written_value(relaxed.network, key)
    base = [worlds.base[v] for v in variables]
    columns = [options(worlds, v, numbers) for v in variables]
    listed = isinstance(written, tuple)
    rows = {row: away(row, base) for row in (rows_of(columns, base) if listed else zip(*columns, strict=True))}
    if (row := whole_input(worlds, key)) is not None:
        rows[row] = away(row, base)
    boolean = isinstance(written, bool) or (isinstance(written, Unknown) and key.endswith("ceil_mode"))
    places = [place for place, _ in entries_of(relaxed.network, key)]
    for row, distance in sorted(rows.items(), key=lambda item: item[1])[:MOST_SIDES]:
        if distance:
            value: Any = bool(row[0]) if boolean else row[0]
            if listed:
                entries = list(written)
                for place, number in zip(places, row, strict=True):
                    entries[place] = number
                value = tuple(entries)
            world: dict[Variable, Value] = dict(zip(variables, row, strict=True))
            yield Choice(key, value, {**following(worlds, key, value), **world}, distance)


def whole_input(worlds: Worlds, key: str) -> tuple[int, ...] | None:
    """The kernel of a pool that takes its whole input; None where that is not known, or no one number."""
    name, _, argument = key.rpartition(".")
    layer = worlds.relaxed.network.by_name[name]
    if argument != "kernel_size" or not hasattr(layer.op, "ceil_mode"):
        return None
    sizes = [worlds.now(v) for v in worlds.relaxed.problem.shapes[layer.inputs[0]][1:]]
    asked = len(worlds.relaxed.variables[key])
    known = tuple(size for size in (sizes[:1] if asked == 1 and len({*sizes}) == 1 else sizes) if isinstance(size, int))
    return known if len(known) == asked else None


def following(worlds: Worlds, key: str, value: Any) -> dict[Variable, Value]:
    """The default values that a layer's other question marks have once an argument has another value.

    Of lists only those that are question marks throughout; a named one has the values that all its places leave.
    """
    relaxed = worlds.relaxed
    name, _, argument = key.rpartition(".")
    before = relaxed.network.by_name[name].op
    found: dict[Variable, Value] = {}
    for other, kind in before.arguments.items():
        default = kind.default if isinstance(kind, Asked) else None
        if not isinstance(default, Default) or argument not in formula_of(default.high).operands:
            continue
        written = getattr(before, other)
        entries = written if isinstance(written, tuple) else (written,)
        if other in relaxed.network.defaults or not all(map(plain, entries)):
            continue
        after = replace(before, **{argument: value})
        tops = [highest(after, default, axis) for axis in range(max(before.axes, 1))]
        known = [top for top in tops if top is not None]
        if len(known) == len(tops):
            each = known if isinstance(written, tuple) else [min(known)]
            for variable, top in zip(relaxed.variables[f"{name}.{other}"], each, strict=True):
                found[variable] = value_of(Domain.between(default.low, top) & relaxed.problem.domains[variable])
    return found


def plain(entry: Any) -> bool:
    """Whether a value is a question mark without a name and a set."""
    return isinstance(entry, Unknown) and entry.name is None and entry.domain is None


def rows_of(columns: list[tuple[int, ...]], base: list[Value]) -> Iterator[tuple[int, ...]]:
    """Other entries of a list: all the same, all moved alike, one of them alone; any, where some are not known."""
    plain = [value for value in base if isinstance(value, int)]
    if len(set(columns)) == 1:
        yield from ((number,) * len(columns) for number in columns[0])
    if len(plain) < len(base):
        yield from product(*columns) if prod(map(len, columns)) <= MOST_SIDES else ()
        return
    sets = [frozenset(column) for column in columns]
    for number in columns[0]:
        row = tuple(value + number - plain[0] for value in plain)
        if all(value in values for value, values in zip(row, sets, strict=True)):
            yield row
    for place, column in enumerate(columns):
        yield from ((*plain[:place], number, *plain[place + 1 :]) for number in column)


def options(worlds: Worlds, variable: Variable, numbers: tuple[int, ...]) -> tuple[int, ...]:
    """What one variable may be instead: all of its set, or where that has no end the numbers in question."""
    domain = worlds.relaxed.problem.domains[variable]
    base = worlds.base[variable]
    if domain.count is not None and domain.count <= MOST_SIDES:
        return tuple(domain)
    several = implied(worlds, variable)
    found = dict.fromkeys(n for n in (*numbers, *several) if n in domain)
    if isinstance(base, int) and not several:
        for one, other in product(numbers, repeat=2):
            if one and base * other % one == 0:
                found[base * other // one] = None
            found[base + other - one] = None
        found |= dict.fromkeys([*range(base - 2, base + 3), *meeting(worlds, variable, base)])
    return tuple(n for n in found if n in domain)


def implied(worlds: Worlds, variable: Variable) -> tuple[int, ...]:
    """The sizes of which a number has to be one, where these are several; the nearest of many."""
    found: set[int] = set()
    base = worlds.given(variable)
    for index in worlds.users.get(variable, ()):
        factor = worlds.factors[index]
        for other in factor.operands if factor.formula is EQUAL else ():
            if not isinstance(other, Variable) or other is variable:
                continue
            value = worlds.given(other)
            if value is None and isinstance(base, int):
                value = crossing(worlds, other, base)
            found.update(value if isinstance(value, tuple) else ())
    return tuple(sorted(found, key=partial(gap, base) if isinstance(base, int) else None)[:MOST_IMPLIED])


def meeting(worlds: Worlds, variable: Variable, base: int) -> Iterator[int]:
    """The numbers nearest to what is written with which the rules that it breaks would be met."""
    broken = [worlds.factors[i] for i in worlds.broken if variable in worlds.factors[i].operands]
    rules = [factor for factor in broken if factor.output is None and factor.formula is not EQUAL]
    known = {v: value for rule in rules for v in rule.variables if isinstance(value := worlds.base[v], int)}
    if not rules or not all(v in known for rule in rules for v in rule.variables):
        return
    near = (n for step in range(1, FURTHEST_MET) for n in (base - step, base + step) if n > 0)
    yield from islice((n for n in near if all(rule.holds({**known, variable: n}) for rule in rules)), MOST_MET)


def crossing(worlds: Worlds, size: Variable, wanted: int) -> tuple[int, ...]:
    """What a size is around a wanted number, where it grows with inputs that may be anything.

    These grow all alike, and one alone with the others as small as they can be.
    """
    sizes = (v for name in worlds.relaxed.network.inputs for v in worlds.relaxed.variables.get(name, ()))
    free = list(dict.fromkeys(v for v in sizes if worlds.base[v] is None))

    def at(growing: Sequence[Variable], others: int, number: int) -> tuple[int, ...]:
        value = worlds.look_up(size, dict.fromkeys(free, others) | dict.fromkeys(growing, number))
        return (value,) if isinstance(value, int) else value or ()

    def largest(growing: Sequence[Variable], number: int) -> int:
        return max(at(growing, least, number), default=0)

    least = next((n for n in range(1, SMALLEST_INPUT) if at(free, n, n)), 0) if free else 0
    found: set[int] = set()
    for growing in dict.fromkeys([tuple(free), *((v,) for v in free)]) if least else ():
        numbers = range(least, LARGEST_INPUT)
        place = bisect_left(numbers, wanted, key=partial(largest, growing))
        around = numbers[max(place - AROUND, 0) : place + AROUND]
        found.update(value for number in around for value in at(growing, least, number))
    return tuple(sorted(found))


def away(row: tuple[int, ...], base: list[Value]) -> float:
    """How far values are from what is written; a set is left at its nearest member."""
    total = 0.0
    for number, value in zip(row, base, strict=True):
        total += (
            0
            if value is None
            else min((abs(number - v) for v in ((value,) if isinstance(value, int) else value)), default=1)
        )
    return total / len(row)


def stated(worlds: Worlds, key: str) -> Iterator[Choice]:
    """What the layers above give, in place of a stated size; the nearest of it where that is several or anything."""
    relaxed = worlds.relaxed
    layer = key.removesuffix(".out") if key != "output" else relaxed.network.results[0]
    written = written_value(relaxed.network, key)
    shape = relaxed.problem.shapes[layer]
    columns: list[tuple[Any, ...]] = []
    for entry, size in zip(written, shape[len(shape) - len(written) :], strict=True):
        value = worlds.given(size) if isinstance(size, Variable) else int(size)
        if isinstance(entry, Unknown):
            columns.append((entry,))
            continue
        known = range(max(entry - 1, 1), entry + 2) if value is None else (value,) if isinstance(value, int) else value
        columns.append(tuple(sorted(known, key=partial(gap, entry))[:NEAREST]) or (entry,))
    rows = {row: moved(row, written) for row in product(*columns)}
    for row, distance in sorted(rows.items(), key=lambda item: item[1]):
        if distance:
            yield Choice(key, row, dict.fromkeys(relaxed.variables[key]), distance)


def moved(row: tuple[Any, ...], written: tuple[Any, ...]) -> float:
    """How far a stated shape is from what is written; sizes that move alike are nearer than one that moves alone."""
    moves = [n - w for n, w in zip(row, written, strict=True) if isinstance(w, int)]
    furthest = max(map(abs, moves), default=0)
    return furthest + APART * (len(set(moves[-2:])) > 1)


def gap(one: int, other: int) -> int:
    """How far two numbers are from each other."""
    return abs(one - other)


def inputs(worlds: Worlds, key: str, numbers: tuple[int, ...]) -> Iterator[Choice]:
    """Other inputs: with the last number first, as channels are, other spatial sizes, moved alike, other channels."""
    relaxed = worlds.relaxed
    shape, variables = relaxed.network.inputs[key], relaxed.variables[key]
    base = [worlds.base[v] for v in variables]
    if not all(isinstance(size, int) for size in shape) or not all(isinstance(b, int) for b in base):
        return
    sizes = [int(size) for size in shape if isinstance(size, int)]
    spatial = sizes[1:] or sizes
    first = len(sizes) - len(spatial)
    if sizes[-1] != sizes[0]:
        row = (sizes[-1], *sizes[:-1])
        yield Choice(key, row, dict(zip(variables, row, strict=True)), 0.0)
    low, high = -(min(spatial) * SHRUNK // 4), FURTHEST_INPUT
    for move in sorted(range(max(low, -FURTHEST_INPUT), high + 1), key=abs):
        if move:
            row = (*sizes[:first], *(size + move for size in spatial))
            yield Choice(key, row, dict(zip(variables, row, strict=True)), abs(move) / max(spatial))
    if first:
        for channels in options(worlds, variables[0], numbers):
            if channels != sizes[0]:
                row = (channels, *sizes[1:])
                yield Choice(key, row, dict(zip(variables, row, strict=True)), abs(channels - sizes[0]))


def uneven(worlds: Worlds, key: str) -> Iterator[Choice]:
    """Inputs of which one spatial size is another, the nearest first."""
    shape, variables = worlds.relaxed.network.inputs[key], worlds.relaxed.variables[key]
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) < len(shape) or len(sizes) <= 2:  # noqa: PLR2004 - channels and one size
        return
    for move in range(1, FURTHEST_ALONE + 1):
        for place, step in product(range(1, len(sizes)), (-move, move)):
            if step >= -(sizes[place] * SHRUNK // 4):
                row = (*sizes[:place], sizes[place] + step, *sizes[place + 1 :])
                yield Choice(key, row, dict(zip(variables, row, strict=True)), move / max(sizes[1:]) + APART)
