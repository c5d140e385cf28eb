"""Whether some of what is stated can be true together: decided exactly, by tables or by z3."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from netsolve.arith import both, either
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.domain import LARGEST, POSITIVE, Domain
from netsolve.engines.elimination import tables_of
from netsolve.engines.relations import TooLargeError
from netsolve.locate import Path
from netsolve.ops.base import Formula, Operator
from netsolve.ops.conv import Conv
from netsolve.ops.pool import AvgPool, MaxPool
from netsolve.ops.unpool import LPPool
from netsolve.problem import EQUAL, Factor, Label, Operand, Problem, Variable


def fits(worlds: Worlds, indices: Iterable[int], dropped: Collection[str], deadline: Deadline) -> bool:
    """Whether the factors at `indices` can hold when the statements under the keys `dropped` are not made.

    Raises UndecidedError past the deadline.
    """
    problem = left_of(worlds, indices, dropped)
    if problem is None or not problem.factors:
        return problem is not None
    try:
        return tables_of(problem, deadline) is not None
    except TooLargeError:
        from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

        return Z3Engine().feasible(problem, deadline)


def left_of(worlds: Worlds, indices: Iterable[int], dropped: Collection[str]) -> Problem | None:
    """What is left to decide when some statements are not made; None where known numbers contradict each other."""
    left = _Left(worlds, {v for key in dropped for v in worlds.relaxed.variables.get(key, ())})
    paths = constraint_paths(dropped)
    for index in sorted(indices):
        factor = worlds.factors[index]
        if factor.label.path not in paths and not left.take(factor):
            return None
    return left.problem()


def needed_besides(
    worlds: Worlds, indices: Iterable[int], kept: Sequence[str], rest: Sequence[str], deadline: Deadline
) -> tuple[str, ...] | None:
    """The fewest of `rest` that contradict each other together with `kept`; the first of `rest` are dropped first.

    First the layers are found of which something is needed, the numbers of a layer together; then which of their
    numbers. A layer of which nothing is kept is taken to give any size that its largest window allows, so that no less
    than needed is given. None where nothing is contradicted. Raises UndecidedError past the deadline.
    """
    layers = worlds.relaxed.statements
    taken = {layers[key].layer for key in kept if inside(key)}
    units = {key: layers[key].layer if inside(key) and layers[key].layer not in taken else key for key in rest}
    together = _labelled(worlds, indices, units, taken, deadline)
    if not together:
        return None if together is None else ()
    some = {key: key if units[key] in set(together) else "" for key in rest}
    apart = _labelled(worlds, indices, some, taken, deadline)
    found = {key for key in rest if some[key]} if apart is None else set(apart)
    return tuple(key for key in rest if key in found)


def _labelled(
    worlds: Worlds, indices: Iterable[int], units: Mapping[str, str], taken: set[str], deadline: Deadline
) -> tuple[str, ...] | None:
    """The fewest units that contradict each other together with what is in none; None where nothing is contradicted.

    units: for each key that may be dropped its layer, where the whole layer comes together, or itself, or nothing where
    it is dropped for good; taken: the layers of which something is kept in any case.
    """
    statements = worlds.relaxed.statements
    alone = {statements[key].layer for key, unit in units.items() if unit == key and inside(key)}
    loose = {statements[key].layer for key in units if inside(key)} - alone - taken
    left = _Left(worlds, {v for key in units for v in worlds.relaxed.variables.get(key, ())})
    paths = {("constraints", int(key[12:-1])): key for key in units if key.startswith("constraints[")}
    for index in sorted(indices):
        factor = worlds.factors[index]
        layer, path = factor.label.layer, factor.label.path
        if layer in loose and path not in stated_paths(worlds, factor):
            left.loosen(factor, worlds.relaxed.layers[layer].op)
            if layer in units.values():
                left.add(factor, layer)
        elif path in paths:
            left.add(factor, paths[path])
        elif not left.take(factor):
            return ()
    for key, unit in units.items():
        if unit:
            left.pin(key, unit)
    if not left.factors:
        return None
    from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

    order = [unit for unit in dict.fromkeys(units.values()) if unit in set(left.labels.values())]
    return Z3Engine().core(left.problem(), left.labels, order, deadline)


def inside(key: str) -> bool:
    """Whether a key is that of a layer's argument."""
    return "." in key and not key.endswith(".out") and not key.startswith("constraints[")


def stated_paths(worlds: Worlds, factor: Factor) -> set[Path]:
    """Where the size after a factor's layer is stated."""
    return {worlds.relaxed.layers[factor.label.layer].at("out"), ("output",)} if factor.formula is EQUAL else set()


def constraint_paths(keys: Iterable[str]) -> set[Path]:
    """Where constraints stand."""
    return {("constraints", int(key[12:-1])) for key in keys if key.startswith("constraints[")}


FRACTION = 16
"""Scales that are so many parts of one are exact in double arithmetic for every size that occurs."""


@dataclass
class _Left:
    """What is not yet known.

    free: the variables of which nothing is stated any more; labels: of factors, by index, that hold only where some
    statement is kept.
    """

    worlds: Worlds
    free: set[Variable]
    labels: dict[int, str] = field(default_factory=dict)
    known: dict[Variable, int] = field(default_factory=dict)
    factors: list[Factor] = field(default_factory=list)
    domains: dict[Variable, Domain] = field(default_factory=dict)

    def operand(self, v: Operand) -> Operand:
        """An operand, or its only value."""
        if not isinstance(v, Variable):
            return v
        if v not in self.known:
            domain = self.domain(v)
            if domain.count != 1:
                self.domains.setdefault(v, domain)
                return v
            self.known[v] = domain.low
        return self.known[v]

    def domain(self, v: Variable) -> Domain:
        """What a variable may be."""
        relaxed = self.worlds.relaxed
        kept = v in relaxed.written and v not in self.free
        return relaxed.written[v] if kept else relaxed.problem.domains[v]

    def problem(self) -> Problem:
        """What is left as a problem."""
        return Problem(self.worlds.relaxed.network, self.domains, tuple(self.factors), (), {}, (), {})

    def add(self, factor: Factor, label: str) -> None:
        """Add a factor under a label, with the numbers that are written in its own layer.

        A size below may be a number of another layer, as channels and what an adaptive pool gives are.
        """
        factor = whole(factor)
        layer, relaxed = factor.label.layer, self.worlds.relaxed
        names = relaxed.layers[layer].op.arguments if layer in relaxed.layers else ()
        own = {v for name in names for v in relaxed.variables.get(f"{layer}.{name}", ())}
        operands = tuple(
            self.number(v) if isinstance(v, Variable) and v in own else self.operand(v) for v in factor.operands
        )
        self.labels[len(self.factors)] = label
        if factor.output is None:
            self.factors.append(Factor(factor.label, factor.formula, operands, None, factor.cases))
            return
        formula = equals(factor.formula)
        self.factors.append(Factor(factor.label, formula, (*operands, factor.output), None, factor.cases))

    def number(self, v: Variable) -> Operand:
        """What is written for a variable, where that is one number."""
        domain = self.worlds.relaxed.written.get(v)
        return self.operand(v) if domain is None or domain.count != 1 else domain.low

    def pin(self, key: str, label: str) -> None:
        """Add what is written under a key, under a label."""
        for v in self.worlds.relaxed.variables.get(key, ()):
            if v in self.domains:
                domain = self.worlds.relaxed.written[v]
                self.labels[len(self.factors)] = label
                self.factors.append(Factor(Label("", key), member(domain), (v,)))

    def loosen(self, factor: Factor, op: Operator) -> None:
        """Add what is left of a layer's formula where all of its numbers may change: how far a size can move."""
        if factor.output is None:
            return
        self.domains[factor.output] = POSITIVE
        names = factor.formula.operands
        if not {"n", "kernel_size"} <= set(names) or not isinstance(op, Conv | MaxPool | AvgPool | LPPool):
            return  # another operator, or a size that no number of the layer decides ("same")
        most = {name: self.most(v) for name, v in zip(names, factor.operands, strict=True) if name != "n"}
        n = self.operand(factor.operands[names.index("n")])
        span = most.get("dilation", 1) * (most["kernel_size"] - 1) + 1
        stride, padding = most.get("stride", 1), most.get("padding", 0)
        self.factors.append(Factor(factor.label, moves(stride, span, padding), (n, factor.output)))

    def most(self, v: Operand) -> int:
        """The largest value of an argument."""
        domain = self.domain(v) if isinstance(v, Variable) else Domain.between(v, v)
        return LARGEST if domain.high is None else domain.high

    def take(self, factor: Factor) -> bool:
        """Add a factor, or what follows from it; false where known numbers break it."""
        factor = whole(factor)
        operands = tuple(map(self.operand, factor.operands))
        if any(isinstance(v, Variable) for v in operands):
            if factor.output is not None:
                self.domains.setdefault(factor.output, self.worlds.relaxed.problem.domains[factor.output])
            self.factors.append(Factor(factor.label, factor.formula, operands, factor.output, factor.cases))
            return True
        if factor.output is None:
            return bool(factor.formula(*operands))
        self.known[factor.output] = int(factor.formula(*operands))
        return True


def whole(factor: Factor) -> Factor:
    """A scale that is a fraction with a small power of two below as integers, which have no bound to be known."""
    if factor.formula.operands != ("n", "scale_factor"):
        return factor
    n, scale = factor.operands
    if not isinstance(scale, int | float) or scale * FRACTION != int(scale * FRACTION):
        return factor
    return replace(factor, formula=scaling(int(scale * FRACTION)), operands=(n,), cases=frozenset())


@cache
def scaling(parts: int) -> Formula:
    """So many parts of a size, rounded down."""
    return Formula(lambda n: (n * parts) // FRACTION)


@cache
def equals(formula: Formula) -> Formula:
    """Whether a formula gives the last operand."""
    return Formula(lambda *v: formula(*v[:-1]) == v[-1], (*formula.operands, "size"))


def member(domain: Domain) -> Formula:
    """Whether a number lies in a domain."""

    def lies(value: Any) -> Any:
        inside: Any = False
        for low, high in domain.ranges:
            inside = either(inside, value >= low if high is None else both(value >= low, value <= high))
        return inside

    return Formula(lies)


def moves(stride: int, span: int, padding: int) -> Formula:
    """Whether a window of at most this stride, span and padding can take a size n to `out`."""
    return Formula(lambda n, out: both(stride * out + span - 1 >= n, out <= n + 2 * padding))
