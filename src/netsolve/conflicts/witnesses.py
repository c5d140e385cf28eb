"""Values with which something fits when a few statements are not made: looked for among sizes, checked exactly.

What may change are the numbers of layers that shape sizes, in some of their combinations, and inputs; equal axes
change alike. So each layer ties the size below it to the sizes that it can give. What comes out is values for all
numbers, which are then put into every relation: a witness is right however it was found, and where none is found
nothing is known.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice, product
from math import prod
from typing import Any

from netsolve.conflicts.choices import options
from netsolve.conflicts.ties import LARGEST_SIZE, Bundle, Call, Place, Ties, Web
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.errors import UndecidedError
from netsolve.problem import EQUAL, Factor, Operand, Variable

MENUS: Mapping[str, tuple[int, ...]] = {
    "kernel_size": (1, 2, 3, 4, 5, 7, 9, 11),
    "stride": (1, 2, 3, 4, 6, 8),
    "padding": (0, 1, 2, 3, 4, 8, 30, 100),
    "dilation": (1, 2, 4),
    "output_padding": (0, 1, 2),
}
"""What the numbers of a layer are tried with, besides what is written and what lies next to it."""

WIDEST_INPUT = 320
"""Up to what an input is tried, and how far beyond what is written."""

MOST_ROWS = 1_000
"""How many combinations of a layer's numbers are looked at."""

PROBES = (1, 3, 7, 8, 29, 30, 31)
"""Sizes at which it is seen which combinations of a layer's numbers do the same."""

NEARBY = 3
"""How many layers away things may change at first."""

ROUNDS = 5
"""How often numbers that tie more than two sizes are left as they are, for another try."""


Rows = tuple[tuple[int, ...], ...]


@dataclass
class Witnesses:
    """Where witnesses are looked for: the factors at `indices`. near: other numbers that may be meant."""

    worlds: Worlds
    indices: Sequence[int]
    near: tuple[int, ...]
    ties: Ties
    held: set[Variable] = field(default_factory=set)
    rows: dict[Any, "Rows"] = field(default_factory=dict)

    def nearby(self, key: str, rest: Sequence[str], deadline: Deadline) -> bool | None:
        """Whether values are found with which the factors hold without the statements under a key and those in `rest`.

        Only what stands near the first may change. None where none are found: that decides nothing.
        """
        place = {layer: number for number, layer in enumerate(self.worlds.relaxed.layers)}
        statements = self.worlds.relaxed.statements
        middle = place.get(statements[key].layer, 0)
        near = {other for other in rest if abs(place.get(statements[other].layer, -1) - middle) <= NEARBY}
        return self.found(key, near, rest, deadline)

    def anywhere(self, key: str, rest: Sequence[str], deadline: Deadline) -> bool | None:
        """The same where all that is not stated may change."""
        return self.found(key, set(rest), rest, deadline)

    def found(self, key: str, moving: set[str], rest: Sequence[str], deadline: Deadline) -> bool | None:
        """Whether values are found where what stands under `key` and in `moving` changes."""
        self.ties.deadline = deadline
        try:
            return self.search({key, *moving}, key, {key, *rest}) or None
        except UndecidedError:
            return None

    def search(self, moving: set[str], wide: str, dropped: set[str]) -> bool:
        """The same where only what stands under some of the keys may change."""
        for _ in range(ROUNDS):
            sketch = _Sketch(self, moving, dropped, wide)
            found = sketch.values()
            if found is not None and holds(self.worlds, self.indices, found, dropped):
                return True
            if sketch.mixed <= self.held:
                return False
            self.held |= sketch.mixed
        return False


def holds(worlds: Worlds, indices: Iterable[int], values: Mapping[Variable, int], dropped: Collection[str]) -> bool:
    """Whether factors hold for values of all numbers; what is stated under the keys `dropped` may be otherwise."""
    domains, written = worlds.relaxed.problem.domains, worlds.relaxed.written
    free = {v for key in dropped for v in worlds.relaxed.variables.get(key, ())}
    known = dict(values)
    if not all(value in (domains if v in free else written)[v] for v, value in values.items()):
        return False
    for index in indices:
        factor = worlds.factors[index]
        if constraint_of(factor) in dropped:
            continue
        operands = [known.get(v) if isinstance(v, Variable) else v for v in factor.operands]
        if None in operands:
            missing = {v for v in factor.operands if isinstance(v, Variable) and v not in known}
            other = next((value for value in operands if value is not None), None)
            if factor.formula is not EQUAL or not missing <= free or other is None:
                return False
            known.update(dict.fromkeys(missing, other))
        elif factor.output is None:
            if not factor.formula(*operands):
                return False
        else:
            known[factor.output] = int(factor.formula(*operands))
            if known[factor.output] not in domains[factor.output]:
                return False
    return True


def constraint_of(factor: Factor) -> str:
    """The key of the constraint that a factor is; empty where it is none."""
    path = factor.label.path
    return f"constraints[{path[1]}]" if path[:1] == ("constraints",) else ""


class _Sketch:
    """The part of a network in which sizes may move.

    menus: by variables that stand for themselves, the values of numbers that may change; sources: the same for sizes of
    inputs; open_: what only has to be equal to something; same: what stands for a variable, a variable or a number;
    mixed: numbers of layers that tie more than two sizes.
    """

    def __init__(self, home: Witnesses, moving: set[str], dropped: set[str], wide: str) -> None:
        self.home, self.worlds, self.moving, self.dropped, self.wide = home, home.worlds, moving, dropped, wide
        self.menus: dict[Variable, tuple[int, ...]] = {}
        self.sources: dict[Variable, tuple[int, ...]] = {}
        self.open_: set[Variable] = set()
        self.same: dict[Variable, Operand] = {}
        self.masks: dict[Variable, int] = {}
        self.mixed: set[Variable] = set()
        self.free = {v for key in dropped for v in self.worlds.relaxed.variables.get(key, ())}
        self.bundles: list[tuple[Bundle, list[Variable], Operand, Variable | None]] = []

    def values(self) -> dict[Variable, int] | None:
        """Values for every number; None where none were found."""
        for key, variables in self.worlds.relaxed.variables.items():
            self.start(key, variables)
        factors = self.simplified()
        if factors is None:
            return None
        web = self.web(factors)
        sizes = None if web is None else web.solve()
        return None if sizes is None else self.filled(sizes)

    # What may change.

    def start(self, key: str, variables: tuple[Variable, ...]) -> None:
        """Say what the numbers under a key may be; entries alike are one."""
        relaxed = self.worlds.relaxed
        stated = key == "output" or key.endswith(".out")
        first: dict[Any, Variable] = {}
        for place, v in enumerate(variables):
            if v in self.same or v in self.menus or v in self.sources or v in self.open_:
                continue
            written = relaxed.written[v]
            if v not in self.free and written.count == 1:
                self.same[v] = written.low
                continue
            if v in self.free and (stated or self.inferred(key)):
                self.open_.add(v)
                continue
            base = self.base(v)
            is_input = key in relaxed.network.inputs
            still = v in self.home.held or (key in self.dropped and key not in self.moving)
            menu = (base,) if still else self.menu(key, v, place, base)
            if len(menu) == 1:
                self.same[v] = menu[0]
                continue
            alike = (base, menu, is_input and place == 0)
            if alike in first:
                self.same[v] = first[alike]
                continue
            first[alike] = v
            (self.sources if is_input else self.menus)[v] = menu

    def inferred(self, key: str) -> bool:
        """Whether a key is that of a number that the input implies."""
        layer, _, argument = key.rpartition(".")
        found = self.worlds.relaxed.layers.get(layer)
        return found is not None and argument in found.op.inferred

    def base(self, v: Variable) -> int:
        """What a variable is as the document has it, or the first of what it can be."""
        value = self.worlds.base[v]
        if isinstance(value, int):
            return value
        return value[0] if value else self.worlds.relaxed.problem.domains[v].low

    def menu(self, key: str, v: Variable, place: int, base: int) -> tuple[int, ...]:
        """The values to try for a number, what is written first."""
        relaxed = self.worlds.relaxed
        domain = relaxed.problem.domains[v] if v in self.free else relaxed.written[v]
        argument = key.rpartition(".")[2]
        found: Iterable[int] = (base,)
        if key in relaxed.network.inputs and (place > 0 or len(relaxed.network.inputs[key]) == 1):
            found = (base, *range(1, WIDEST_INPUT + 1), *range(base - 64, base + WIDEST_INPUT + 1))
        elif key == self.wide or v not in self.free:
            found = (base, *options(self.worlds, v, self.home.near))
        elif argument in MENUS:
            found = (base, base - 1, base + 1, *MENUS[argument])
        return tuple(dict.fromkeys(n for n in found if n in domain))

    # What follows.

    def now(self, operand: Operand) -> Operand:
        """What stands for an operand."""
        while isinstance(operand, Variable) and operand in self.same:
            operand = self.same[operand]
        return operand

    def simplified(self) -> list[Factor] | None:
        """The factors that are left once what is known is worked out; None where that contradicts itself."""
        left: list[Factor] = []
        for index in self.home.indices:
            factor = self.worlds.factors[index]
            if constraint_of(factor) not in self.dropped and not self.taken(factor, left):
                return None
        return self.merged(left)

    def taken(self, factor: Factor, left: list[Factor]) -> bool:
        """Work out a factor, or note it; false where it cannot hold."""
        operands = tuple(map(self.now, factor.operands))
        if factor.formula is EQUAL and factor.output is None:
            return self.equal(*operands)
        if any(isinstance(v, Variable) for v in operands):
            left.append(Factor(factor.label, factor.formula, operands, factor.output))
            return True
        if factor.output is None:
            return bool(factor.formula(*operands))
        self.same[factor.output] = int(factor.formula(*operands))
        return True

    def equal(self, left: Operand, right: Operand) -> bool:
        """Make two operands one; false where they are different numbers."""
        left, right = self.now(left), self.now(right)
        if left == right:
            return True
        if not isinstance(left, Variable):
            left, right = right, left
        if not isinstance(left, Variable):
            return False
        if isinstance(right, Variable) and right in self.open_:
            left, right = right, left
        if isinstance(right, Variable) or left in self.open_:
            self.same[left] = right
            self.open_.discard(left)
            for menus in (self.menus, self.sources):
                if left in menus and isinstance(right, Variable):
                    self.restrict(right, menus.pop(left))
            if isinstance(right, Variable) and left in self.masks:
                self.masks[right] = self.masks.get(right, -1) & self.masks.pop(left)
            return True
        self.restrict(left, (right,))
        return True

    def restrict(self, v: Variable, values: Iterable[int]) -> None:
        """Leave a size some values."""
        self.masks[v] = self.masks.get(v, -1) & sum({1 << n for n in values if 0 <= n < LARGEST_SIZE})

    def merged(self, left: list[Factor]) -> list[Factor] | None:
        """The factors with equal definitions made one, and what more than one size goes into given equal sizes."""
        before = -1
        while before != len(self.same):
            before = len(self.same)
            made: dict[Any, Variable] = {}
            kept: list[Factor] = []
            for factor in left:
                operands = tuple(map(self.now, factor.operands))
                output = None if factor.output is None else self.now(factor.output)
                if not any(isinstance(v, Variable) for v in operands):
                    value = factor.formula(*operands)
                    if output is None and not value:
                        return None
                    if output is not None and not self.equal(output, int(value)):
                        return None
                    continue
                if output is not None:
                    assert isinstance(output, Variable)  # noqa: S101 - known definitions are gone
                    other = made.setdefault((factor.formula, operands), output)
                    if other is not output:
                        self.equal(output, other)
                        continue
                self.align(operands)
                kept.append(Factor(factor.label, factor.formula, operands, output))
            left = kept
        return left

    def align(self, operands: tuple[Operand, ...]) -> None:
        """Make the sizes among operands one where they are equal in the document; otherwise hold all but the first."""
        sizes = list(dict.fromkeys(v for v in operands if isinstance(v, Variable) and v not in self.menus))
        for other in sizes[1:]:
            base = self.base(other)
            self.equal(other, sizes[0] if base == self.base(sizes[0]) else base)

    # Sizes and what ties them.

    def web(self, factors: list[Factor]) -> Web | None:
        """The sizes and their ties; None where some of a layer's numbers tie too many."""
        liked: dict[Any, int] = {}
        web = Web(self.home.ties, liked)
        for params, mine in self.groups(factors):
            inside, sizes = dict[Variable, None](), dict[Variable, None]()
            for factor in mine:
                known = {*params, *inside}
                sizes.update(dict.fromkeys(v for v in factor.operands if isinstance(v, Variable) and v not in known))
                if factor.output is not None:
                    inside[factor.output] = None
            used = {v for f in factors if f not in mine for v in f.operands} if len(inside) > 1 else set()
            outputs = [v for v in inside if len(inside) == 1 or v in used or v in self.masks]
            if len(sizes) > 1 or len(outputs) > 1:
                self.mixed.update(params)
                if len(outputs) > 1:
                    return None
                continue
            self.bundle(web, params, mine, list(sizes), outputs)
        if self.mixed - self.home.held:
            return None
        for v, mask in self.masks.items():
            web.restrict(v, mask)
        for v, menu in self.sources.items():
            web.restrict(v, sum({1 << n for n in menu if 0 <= n < LARGEST_SIZE}))
        liked.update((v, self.base(v)) for v in web.nodes if isinstance(v, Variable))
        return web

    def groups(self, factors: list[Factor]) -> list[tuple[list[Variable], list[Factor]]]:
        """The factors that share numbers, and these numbers."""
        group: dict[Variable, int] = {}
        found: dict[int, tuple[list[Variable], list[Factor]]] = {}
        for place, factor in enumerate(factors):
            params = list(dict.fromkeys(v for v in factor.operands if isinstance(v, Variable) and v in self.menus))
            found[place] = (params, [factor])
            for number in dict.fromkeys(group[v] for v in params if v in group):
                others, more = found.pop(number)
                mine = found[place]
                found[place] = (list(dict.fromkeys([*others, *mine[0]])), [*more, *mine[1]])
            group.update(dict.fromkeys(found[place][0], place))
        return list(found.values())

    def bundle(
        self, web: Web, params: list[Variable], mine: list[Factor], sizes: list[Variable], outputs: list[Variable]
    ) -> None:
        """Tie a size to another one, or to itself, or say what it can be."""
        places: dict[Operand, int] = {v: place for place, v in enumerate(params)}
        below = sizes[0] if sizes else None
        if below is not None:
            places[below] = len(params)
        calls: list[Call] = []
        count = len(params) + 1
        for factor in mine:
            operands = tuple(Place(places[v]) if isinstance(v, Variable) else v for v in factor.operands)
            calls.append((factor.formula, operands, None if factor.output is None else count))
            if factor.output is not None:
                places[factor.output] = count
                count += 1
        output = places[outputs[0]] if outputs else None
        rows = self.rows(tuple(self.menus[v] for v in params), tuple(calls), output)
        tie = self.home.ties.bundle(tuple(calls), rows, output)
        self.bundles.append((tie, params, below if below is not None else 0, outputs[0] if outputs else None))
        if below is not None and outputs:
            web.tie(below, outputs[0], tie)
        elif below is not None:
            web.filter(below, tie)
        elif outputs:
            web.restrict(outputs[0], tie.after(0))
        elif not tie.after(0):
            web.restrict("nothing", 0)

    def rows(self, menus: tuple[tuple[int, ...], ...], calls: tuple[Call, ...], output: int | None) -> Rows:
        """Combinations of values that differ in what they do, the nearest to what is written first."""
        key = (menus, calls, output)
        if key not in self.home.rows:
            base = tuple(menu[0] for menu in menus)
            found = list(product(*menus)) if prod(map(len, menus)) <= MOST_ROWS else list(twos(menus))
            found.sort(key=lambda row: sum(n != b for n, b in zip(row, base, strict=True)))
            trial = Bundle(self.home.ties, calls=calls, rows=(), output=output)
            apart = {tuple(trial.through(n, row) for n in PROBES): row for row in reversed(found)}
            self.home.rows[key] = tuple(reversed(apart.values()))
        return self.home.rows[key]

    def filled(self, sizes: Mapping[Any, int]) -> dict[Variable, int] | None:
        """Values for every number, from those of the sizes; None where there are none."""
        if not all(self.menus.values()) or not all(self.sources.values()):
            return None
        chosen: dict[Variable, int] = {v: menu[0] for v, menu in self.menus.items()}
        chosen.update((v, menu[0]) for v, menu in self.sources.items())
        chosen.update(sizes)
        for tie, params, below, output in self.bundles:
            n = chosen[below] if isinstance(below, Variable) else below
            wanted = n if output is None else sizes[output]
            row = next((row for row in tie.rows if tie.through(n, row) == wanted), None)
            if row is None:
                return None
            chosen.update(zip(params, row, strict=True))
        found: dict[Variable, int] = {}
        for v in self.worlds.relaxed.written:
            value = self.now(v)
            if isinstance(value, Variable):
                if value in chosen:
                    found[v] = chosen[value]
            else:
                found[v] = value
        return found


def twos(menus: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Combinations of which at most two are not the first ones, and at most MOST_ROWS."""
    base = tuple(menu[0] for menu in menus)
    yield base
    for (i, one), (j, other) in combinations(enumerate(menus), 2):
        for n, m in islice(product(one, other), MOST_ROWS // len(menus) ** 2):
            row = list(base)
            row[i], row[j] = n, m
            yield tuple(row)
