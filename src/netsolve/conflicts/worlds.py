"""What follows where some of what is stated is otherwise, by going through the layers once.

Sizes are sets where something is unknown, so a world that fails cannot be; one that does not fail is certain only where
all is known, and is otherwise decided again by an exact engine.
"""

from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import compress, product, repeat, starmap
from math import prod
from typing import Any

from netsolve.conflicts.statements import Relaxed
from netsolve.deadline import Deadline
from netsolve.domain import Domain
from netsolve.problem import EQUAL, HUGE, Factor, Operand, Variable

Rule = tuple[Factor, list[int | None]]
"""A rule with the places of its operands among those of a formula, None for a number."""

Value = int | tuple[int, ...] | None
"""What a variable can be: one integer, several in ascending order, or anything."""

MOST_ROWS = 4_000
"""Past so many combinations the result of a formula is taken for anything."""

MOST_VALUES = 2_000
"""A larger set is taken for anything."""


def value_of(values: "set[int] | Domain") -> Value:
    """A set as a value; empty sets are the empty tuple."""
    if isinstance(values, Domain):
        count = values.count
        if count is None or count > MOST_VALUES:
            return None
        values = set(values)
    if len(values) > MOST_VALUES:
        return None
    return next(iter(values)) if len(values) == 1 else tuple(sorted(values))


class Worlds:
    """A relaxed problem with the values that the document gives, and what becomes of them.

    base: the value of every variable as the document has it; known: whether each that no factor defines is one number;
    steps: how often a factor was gone through; broken: the factors, by index, that these values do not meet, ascending;
    earlier: for variables of which factors take values away, by the index of each such factor, what they were before
    it.
    """

    def __init__(self, relaxed: Relaxed, deadline: Deadline) -> None:
        """Go through all factors once."""
        self.relaxed, self.deadline = relaxed, deadline
        self.factors, self.bounds = relaxed.problem.factors, relaxed.bounds
        self.bounded: dict[Operand, list[Factor]] = {}
        for index, variable in self.bounds.items():
            self.bounded.setdefault(variable, []).append(self.factors[index])
        self.base: dict[Variable, Value] = {
            variable: value_of(relaxed.written.get(variable, domain))
            for variable, domain in relaxed.problem.domains.items()
        }
        defined = {factor.output for factor in self.factors}
        self.known = all(isinstance(value, int) for v, value in self.base.items() if v not in defined)
        self.users: dict[Variable, list[int]] = {}
        self.definer: dict[Variable, int] = {}
        for index, factor in enumerate(self.factors):
            for variable in factor.variables:
                if variable is factor.output:
                    self.definer[variable] = index
                else:
                    self.users.setdefault(variable, []).append(index)
        self.last = {variable: self.users.get(variable, (-1,))[-1] for variable in self.base}
        self.outcomes: dict[Any, int | None] = {}
        self.causes: dict[range, set[int]] = {}
        self.answers: dict[Any, int | None] = {}
        self.images: dict[Any, Value] = {}
        self.kept: dict[Any, list[Value] | None] = {}
        self.steps = 0
        self.broken: list[int] = []
        self.earlier: dict[Variable, list[tuple[int, Value]]] = {}
        for index, factor in enumerate(self.factors):
            found: dict[Variable, Value] = {}
            if self.step(index, {}, found):
                for variable, value in found.items():
                    if variable is not factor.output and value != self.base[variable]:
                        self.earlier.setdefault(variable, []).append((index, self.base[variable]))
                self.base.update(found)
            else:
                self.broken.append(index)

    def step(self, index: int, changed: Mapping[Variable, Value], found: dict[Variable, Value]) -> bool:
        """Go through one factor; what it gives is noted in `found`. Whether it can hold."""
        self.steps += 1
        factor = self.factors[index]
        values = self.operands(index, changed)
        if not any(map(several, values)):
            value = factor.formula.function(*values)
            if factor.output is None:
                return bool(value)
            found[factor.output] = int(value)
            return True
        if factor.output is not None:
            rules = self.within_bounds(factor, changed)
            key = (alike(factor), *values, *((id(rule), *places) for rule, places in rules))
            if key not in self.images:
                self.images[key] = image(factor, values, rules)
            found[factor.output] = self.images[key]
            return found[factor.output] != ()
        if factor.formula is EQUAL:
            both = meet(values[0], values[1])
            for v, value in zip(factor.operands, values, strict=True):
                if value is None and isinstance(v, Variable):
                    both = within(self.relaxed.problem.domains[v], both)
            found.update((v, both) for v in factor.operands if isinstance(v, Variable))
            return both != ()
        return self.narrow(factor, values, found)

    def operands(self, index: int, changed: Mapping[Variable, Value]) -> list[Any]:
        """The values that a factor is about."""
        if self.earlier:
            return [
                self.before(v, index, changed) if isinstance(v, Variable) else v for v in self.factors[index].operands
            ]
        now: Any = changed.get
        base: Any = self.base.get
        return [now(v, base(v, v)) for v in self.factors[index].operands]  # a number is itself

    def within_bounds(self, factor: Factor, changed: Mapping[Variable, Value]) -> list[Rule]:
        """The bounds of default values of what a formula is about: of the rows of values those count that keep them."""
        found: list[Rule] = []
        for v in factor.operands if self.bounded else ():
            for bound in self.bounded.get(v, ()) if v not in changed else ():
                if all(w in factor.operands for w in bound.operands if isinstance(w, Variable)):
                    places = [factor.operands.index(w) if isinstance(w, Variable) else None for w in bound.operands]
                    found.append((bound, places))
        return found

    def narrow(self, factor: Factor, values: list[Value], found: dict[Variable, Value]) -> bool:
        """Keep the values that a rule can hold with."""
        key = (alike(factor), *values)
        if key not in self.kept:
            self.kept[key] = keeping(factor, values)
        kept = self.kept[key]
        if kept is None:
            return True
        for place, operand in enumerate(factor.operands):
            if isinstance(operand, Variable) and several(values[place]):
                found[operand] = kept[place] if kept else ()
        return bool(kept)

    def now(self, operand: Operand) -> Value:
        """What an operand is as the document has it."""
        return self.base[operand] if isinstance(operand, Variable) else operand

    def look(self, variable: Variable, changed: Mapping[Variable, Value]) -> Value:
        """What a variable is."""
        return changed[variable] if variable in changed else self.base[variable]

    def before(self, variable: Variable, index: int, changed: Mapping[Variable, Value]) -> Value:
        """What a variable is when a factor has not been gone through yet."""
        if variable not in changed:
            for at, value in self.earlier.get(variable, ()):
                if index <= at:
                    return value
        return self.look(variable, changed)

    def given(self, variable: Variable) -> Value:
        """What a variable is before any factor takes values of it away."""
        return self.before(variable, -1, {})

    def first_broken(self, change: Mapping[Variable, Value]) -> int | None:
        """The first factor that does not hold with other values for some variables; None where all may hold.

        A variable that a formula defines may be given a value too: its definition then does not count. What follows
        from the values that still matter at a layer is the same however they came about, and is remembered.
        """
        asked = tuple(change.items())
        if asked not in self.answers:
            self.answers[asked] = self.followed(change)
        return self.answers[asked]

    def reaches(self, change: Mapping[Variable, Value], last: int) -> bool:
        """Whether all factors up to one may hold with other values for some variables."""
        first = self.first_broken(change)
        return first is None or first > last

    def numbers_at(self, index: int) -> tuple[int, ...]:
        """The known numbers that a factor is about."""
        values = [self.now(operand) for operand in self.factors[index].operands]
        return tuple(dict.fromkeys(v for v in values if isinstance(v, int)))

    def followed(self, change: Mapping[Variable, Value]) -> int | None:
        """The same, worked out."""
        self.deadline.check()
        changed: dict[Variable, Value] = {v: value for v, value in change.items() if value != self.base[v]}
        waiting = [index for v in changed for index in self.users.get(v, ())]
        heapify(waiting)
        plain = self.known and not self.earlier and all(isinstance(value, int) for value in change.values())
        advance = self.advance_plainly if plain else self.advance
        keys: list[Any] = []
        done, layer, place = -1, "", 0
        while True:
            while waiting and waiting[0] <= done:
                heappop(waiting)
            stop = self.broken[place] if place < len(self.broken) else None
            if not waiting or (stop is not None and stop < waiting[0]):  # one that stays as it is fails first
                return self.remember(keys, stop)
            index = done = heappop(waiting)
            place += index == stop
            factor = self.factors[index]
            if factor.label.layer != layer:
                layer = factor.label.layer
                changed = {v: value for v, value in changed.items() if self.last[v] >= index}
                keys.append((index, frozenset(changed.items())))
                if keys[-1] in self.outcomes:
                    return self.remember(keys, self.outcomes[keys[-1]])
            if factor.output in change or self.bounds.get(index) in change:
                continue
            if not advance(index, changed, waiting):
                return self.remember(keys, index)

    def look_up(self, variable: Variable, change: Mapping[Variable, Value]) -> Value:
        """What a variable is with other values for some; the empty tuple where a rule before it does not hold."""
        changed = dict(change)
        for index in range(self.definer.get(variable, -1) + 1):
            found: dict[Variable, Value] = {}
            if not changed.keys().isdisjoint(self.factors[index].variables):
                if not self.step(index, changed, found):
                    return ()
                changed.update(found)
        return self.look(variable, changed)

    def advance(self, index: int, changed: dict[Variable, Value], waiting: list[int]) -> bool:
        """Go through one factor and note what becomes different by it. Whether it can hold."""
        found: dict[Variable, Value] = {}
        if not self.step(index, changed, found):
            return False
        for variable, value in found.items():
            if value != self.look(variable, changed):
                changed[variable] = value
                for user in self.users.get(variable, ()):
                    if user > index:
                        heappush(waiting, user)
        return True

    def advance_plainly(self, index: int, changed: dict[Variable, Value], waiting: list[int]) -> bool:
        """The same where all is known, and stays so."""
        self.steps += 1
        factor = self.factors[index]
        now: Any = changed.get
        base: Any = self.base.get
        value = factor.formula.function(*[now(v, base(v, v)) for v in factor.operands])  # a number is itself
        output = factor.output
        if output is None:
            return bool(value)
        if int(value) != now(output, self.base[output]):
            changed[output] = int(value)
            for user in self.users.get(output, ()):
                if user > index:
                    heappush(waiting, user)
        return True

    def remember(self, keys: list[Any], result: int | None) -> int | None:
        """Note a result for every state on the way to it."""
        for key in keys:
            self.outcomes[key] = result
        return result

    def ancestors(self, index: int) -> set[int]:
        """The factors that a factor's values come from, itself among them: definitions, and rules about them."""
        found, waiting = {index}, [index]
        seen: set[Variable] = set()
        while waiting:
            for variable in self.factors[waiting.pop()].variables:
                if variable in seen:
                    continue
                seen.add(variable)
                if (definer := self.definer.get(variable)) is not None and definer not in found and definer < index:
                    found.add(definer)
                    waiting.append(definer)
                for user in self.users.get(variable, ()):
                    if user >= index:
                        break
                    if user not in found and self.factors[user].output is None:
                        found.add(user)
                        waiting.append(user)
        return found


def alike(factor: Factor) -> tuple[Any, ...]:
    """What factors have in common that say the same of the same values: the formula, and which operands are one."""
    return (factor.formula, *map(factor.operands.index, factor.operands))


def several(value: Any) -> bool:
    """Whether a value is a set, or anything; a formula's constants are neither."""
    return value is None or isinstance(value, tuple)


def combinations(operands: tuple[Operand, ...], values: list[Value]) -> Iterator[tuple[Any, ...]] | None:
    """The rows of values, equal ones for an operand that occurs twice; None where they are too many."""
    if any(value is None and isinstance(v, Variable) for v, value in zip(operands, values, strict=True)):
        return None
    columns = [value if isinstance(value, tuple) else (value,) for value in values]
    if prod(map(len, columns)) > MOST_ROWS:
        return None
    first: dict[Operand, int] = {}
    twice = [(first[v], i) for i, v in enumerate(operands) if isinstance(v, Variable) and first.setdefault(v, i) != i]
    rows = product(*columns)
    return rows if not twice else (row for row in rows if all(row[i] == row[j] for i, j in twice))


def keeping(factor: Factor, values: list[Value]) -> list[Value] | None:
    """What is left of values with which a rule holds; none where it cannot, None where they are too many to look at."""
    rows = combinations(factor.operands, values)
    if rows is None:
        return None
    function = factor.formula.function
    return [value_of(set(column)) for column in zip(*(row for row in rows if function(*row)), strict=True)]


def image(factor: Factor, values: list[Value], rules: Sequence[Rule] = ()) -> Value:
    """The values of a formula some of whose operands are sets. rules: what its operands keep, where they can."""
    rows = combinations(factor.operands, values)
    if rows is None:
        return None
    for rule, places in rules:
        every = list(rows)
        columns = [
            repeat(v) if place is None else [row[place] for row in every]
            for v, place in zip(rule.operands, places, strict=True)
        ]
        rows = iter([*compress(every, map(rule.formula.function, *columns))] or every)
    return value_of({size for size in map(int, starmap(factor.formula.function, rows)) if abs(size) <= HUGE})


def meet(left: Value, right: Value) -> Value:
    """What both values allow."""
    if left is None or right is None:
        return right if left is None else left
    both = {left} if isinstance(left, int) else set(left)
    return value_of(both & ({right} if isinstance(right, int) else set(right)))


def within(domain: Domain, value: Value) -> Value:
    """What of a value lies in a domain."""
    if value is None:
        return None
    return value_of({n for n in ((value,) if isinstance(value, int) else value) if n in domain})
