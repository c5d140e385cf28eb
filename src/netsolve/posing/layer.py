"""What one layer's operator sees while it is posed."""

import re
from collections.abc import Iterable, Mapping
from functools import cache, partial
from typing import Any, NoReturn

from netsolve.domain import LARGEST, POSITIVE, Domain, Unknown
from netsolve.network import Layer
from netsolve.ops.arguments import Asked, AskedSwitch, Default, Inferred, show
from netsolve.ops.base import OPERATORS, Formula, Mismatch, Operator, Rule, Shape, Size, Trace, formula_of
from netsolve.posing.draft import Draft, tells
from netsolve.posing.stated import stated
from netsolve.problem import EQUAL, Cost, Factor, Label, Operand, Question, Variable, Written, product_of, sum_of
from netsolve.words import nearest

Limits = tuple[tuple[Formula, tuple[Operand, ...]], ...]
"""What the largest default value of an argument is: on each axis a formula and its operands."""


DEFAULTS = "the default values of"
"""How the label of a relation between a question mark and its largest default value begins."""

MOST_SIZES = 64
"""How many sizes a tensor may have: no layer of a real network gives nearly as many."""


class LayerTrace:
    """What one layer's operator sees while it is posed."""

    def __init__(self, draft: Draft, layer: Layer) -> None:
        """Of a layer of a draft's network."""
        self.draft, self.layer, self.op = draft, layer, layer.op
        self.arguments: dict[tuple[str, int | None], Size] = {}
        self.inputs: tuple[Shape, ...] = ()

    def pose(self) -> None:
        """State everything about the layer; a layer behind a mistaken one is left out."""
        layer, draft = self.layer, self.draft
        if not all(name in draft.shapes for name in layer.inputs):
            return
        self.inputs = tuple(tuple(map(draft.current, draft.shapes[name])) for name in layer.inputs)
        features, sizes = getattr(self.op, "in_features", None), self.inputs[0] if self.inputs else ()
        if not draft.unflattened and isinstance(features, int) and len(sizes) > 1 and sizes[-1] != features:
            draft.unflattened = layer.name
        try:
            self.op.admit(self)
            shape = self.op.pose(self, *self.inputs)
        except Mismatch as error:
            draft.mistake(layer.name, error.args[0], error.args[1], layer.path)
            return
        if len(shape) > MOST_SIZES:
            text = f"the tensor behind it would have {len(shape)} sizes, and netsolve goes up to {MOST_SIZES}"
            draft.mistake(layer.name, text, "take away what adds them", layer.path)
            return
        self.ask()
        kept = self.op.channels_first
        draft.channels_first[layer.name] = self.channels_first() if kept is None else kept
        if layer.out is not None:
            shape = stated(draft, layer.name, shape, layer.out, layer.at("out"))
        draft.shapes[layer.name] = shape

    def ask(self) -> None:
        """List the layer's question marks."""
        for name, value in vars(self.op).items():
            listed = isinstance(value, tuple)
            if not (listed or isinstance(value, Unknown)) or name == "out":
                continue
            entries = value if listed else (value,)
            if any(isinstance(entry, Unknown) for entry in entries):
                argument = self.op.arguments[name]
                operands = tuple(self.argument(name, i if listed else None) for i in range(len(entries)))
                boolean = isinstance(argument, AskedSwitch)
                key = f"{self.layer.name}.{name}"
                self.draft.questions.append(Question(key, operands, listed, boolean))

    def label(self, text: str) -> Label:
        """A label of this layer."""
        return Label(self.layer.name, text, self.layer.path)

    def argument(self, name: str, entry: int | None = None) -> Size:
        """The value of an argument, or of one entry of it."""
        asked = (name, entry)
        if asked not in self.arguments:
            self.arguments[asked] = self.read(name, entry)
        return self.arguments[asked]

    def read(self, name: str, entry: int | None) -> Size:
        """The same, when it is asked for the first time."""
        value = getattr(self.op, name)
        if value is None and (followed := self.op.follows.get(name)):
            return self.argument(followed, entry)
        if isinstance(value, tuple):
            return self.number_or_word(name, entry or 0, value[entry or 0])
        return self.number_or_word(name, None, value) if entry is None else self.argument(name)

    def number_or_word(self, name: str, entry: int | None, value: Any) -> Size:
        """A value as draft sees it: a variable, an integer that knows where it stands, or what else it is."""
        if isinstance(value, Unknown):
            return self.ask_for(name, entry, value)
        if not isinstance(value, int):
            return value
        key = name if entry is None else f"{name}[{entry}]"
        return Written.at(value, key, self.layer.name, partial(self.layer.at, name))

    def ask_for(self, name: str, entry: int | None, unknown: Unknown) -> Variable:
        """A variable for a question mark, with its values and how it is liked."""
        argument = self.op.arguments[name]
        key = f"{self.layer.name}.{name}" + ("" if entry is None else f"[{entry}]")
        domain = unknown.domain
        if not isinstance(argument, Asked):  # reading lets none stand here: it is what a conflict leaves open
            at = self.layer.at(name)
            variable = self.arguments[name, entry] = self.draft.variable(key, unknown, domain or POSITIVE, at)
            return variable
        limits: Limits = ()
        if domain is None:
            domain = self.allowed(name, argument)
        if domain is None and isinstance(argument.default, Default):
            limits = self.limits(argument.default, entry)
            domain = self.default(argument.default, limits, name)
        if domain is None:
            domain = argument.default if isinstance(argument.default, Domain) else POSITIVE
        variable = self.arguments[name, entry] = self.draft.variable(key, unknown, domain, self.layer.at(name))
        if name in self.op.cases and self.draft.domains[variable].count is None:
            remedy = f'give it a set, such as {name} = "?1|2|4"'
            text = "its values are tried one by one, and its largest depends on something unknown"
            self.draft.mistake(key, text, remedy, self.layer.at(name))
        if self.draft.widest is None:
            self.bound(limits, variable, name)
        if argument.prefer is not None:
            formula = formula_of(argument.prefer)
            operands = self.operands(formula, entry or 0, {})
            self.draft.costs.append(Cost(formula, operands, self.cases(formula)))
        return variable

    def allowed(self, name: str, argument: Asked) -> Domain | None:
        """What the document's table says of a question mark, as far as this argument may have such values."""
        domain = self.draft.network.defaults.get(name)
        if domain is None:
            return None
        own = argument.default if isinstance(argument, AskedSwitch) else None
        possible = domain & (own if isinstance(own, Domain) else Domain.between(argument.least, None))
        if possible.ranges:
            return possible
        text = f"unknown.{name} is {domain}, and {name} is at least {argument.least}: no value is left"
        remedy = f'give it a set of its own, such as {name} = "?1..3"'
        self.draft.mistake(f"{self.layer.name}.{name}", text, remedy, self.layer.at(name))
        return None

    def axes(self, entry: int | None) -> Iterable[int]:
        """The axes that a value concerns: its own, or all of them."""
        return range(max(self.op.axes, 1)) if entry is None else (entry,)

    def limits(self, default: Default, entry: int | None) -> Limits:
        """What the largest default value is on each axis: a formula and its operands, each once."""
        limit = formula_of(default.high)
        return tuple(dict.fromkeys([(limit, self.operands(limit, axis, {})) for axis in self.axes(entry)]))

    def default(self, default: Default, limits: Limits, name: str) -> Domain | None:
        """The default values where they follow from other arguments: a superset while those are unknown."""
        if self.draft.widest is not None and name == "padding" and not self.op.follows:
            return Domain.between(default.low, self.draft.widest)
        rows = [(limit, [self.largest(v) for v in operands]) for limit, operands in limits]
        if any(None in values for _, values in rows):
            return None
        return Domain.between(default.low, min(LARGEST, *(limit(*values) for limit, values in rows)))

    def largest(self, operand: Operand) -> int | None:
        """The largest value of an operand."""
        return self.draft.domains[operand].high if isinstance(operand, Variable) else operand

    def bound(self, limits: Limits, variable: Variable, name: str) -> None:
        """A default that refers to other unknowns is a constraint."""
        for limit, operands in limits:
            if any(isinstance(v, Variable) for v in operands):
                cases = frozenset(i + 1 for i in self.cases(limit))
                label = self.label(f"{DEFAULTS} {name}")
                self.draft.relate(label, _at_most(limit), (variable, *operands), cases)

    def operands(self, formula: Formula, entry: int | None, given: Mapping[str, Size]) -> tuple[Operand, ...]:
        """What a formula is called with."""
        return tuple([given[name] if name in given else self.operand(name, entry) for name in formula.operands])

    def operand(self, name: str, entry: int | None) -> Size:
        """An argument, or what the input implies."""
        if name == "in_channels":
            return self.inputs[0][0]
        return self.argument(name, entry if self.op.arguments[name].entries != "one" else None)

    def cases(self, formula: Formula) -> frozenset[int]:
        """The operands that engines enumerate."""
        return _cases(formula, self.op.cases)

    def apply(self, formula: Formula, *, entry: int | None = None, **given: Size) -> Size:
        """The value of a formula."""
        label = self.label(f"the size after {self.layer.name}")
        return self.draft.define(label, formula, self.operands(formula, entry, given), self.cases(formula))

    def require(self, rule: Rule, *, entry: int | None = None, **given: Size) -> None:
        """State a rule."""
        operands = self.operands(rule.formula, entry, given)
        if tells(rule.formula, operands):
            self.draft.factors.append(
                Factor(self.label(rule.text), rule.formula, operands, None, self.cases(rule.formula))
            )

    def equal(self, left: Size, right: Size, text: str) -> None:
        """State that two sizes are one."""
        self.draft.relate(self.label(text), EQUAL, (left, right), frozenset())

    def unify(self, left: Size, right: Size, text: str) -> Size:
        """State that two sizes are one, and return the one to go on with."""
        return self.draft.unify(self.label(text), left, right)

    def total(self, sizes: Shape) -> Size:
        """The sum of sizes."""
        label = self.label(f"the size after {self.layer.name}")
        return self.draft.define(label, sum_of(len(sizes)), sizes, frozenset())

    def product(self, sizes: Shape) -> Size:
        """The product of sizes; all but one unknown are enumerated."""
        free = max((self.breadth(v), i) for i, v in enumerate(sizes))[1]
        label = self.label(f"the size after {self.layer.name}")
        return self.draft.define(label, product_of(len(sizes)), sizes, frozenset(range(len(sizes))) - {free})

    def breadth(self, size: Size) -> float:
        """How many values a size may have."""
        if isinstance(size, int):
            return 0
        count = self.draft.domains[size].count
        return float("inf") if count is None else count

    def fail(self, text: str, remedy: str = "") -> Mismatch:
        """The error for an input of the wrong kind; the remedy is by default the layer that takes it."""
        linear = self.draft.unflattened
        return Mismatch(text, remedy or self.sibling() or (f"a Flatten is missing before {linear}" if linear else ""))

    def sibling(self) -> str:
        """The layer of the same family that takes an input with so many sizes; empty where this one does."""
        family, rank = re.sub(r"[123]d$", "", self.op.torch_name), len(self.inputs[0])
        others = {f"{family}{axes}d" for axes in (1, 2, 3)} & OPERATORS.keys()
        taken = {name: getattr(OPERATORS[name], "ranks", ()) or {OPERATORS[name].axes + 1} for name in sorted(others)}
        fitting = [name for name, ranks in taken.items() if rank in ranks]
        if not fitting or self.op.torch_name in fitting:
            return ""
        own = taken.get(self.op.torch_name, ())
        first, second, *_ = (*self.inputs[0], 0, 0)
        batch = first == 1 or second in {1, 3}  # images have 1 or 3 channels
        batched = batch and self.layer.inputs[0] in self.draft.network.inputs and rank - 1 in own
        remedy = f"use {fitting[0]}"
        return f"the batch is never written: leave it out of the input; or {remedy}" if batched else remedy

    def channels_first(self) -> bool:
        """Whether the input has its channels first."""
        return self.draft.channels_first[self.layer.inputs[0]]

    def producer(self, index: int) -> Operator | None:
        """The operator that gives an input; None where it is one of the network's own inputs."""
        return self.draft.givers.get(self.layer.inputs[index])

    def before(self, index: int) -> Trace | None:
        """What the operator that gives an input was given itself; None where it is one of the network's own inputs."""
        return self.draft.traces.get(self.layer.inputs[index])

    def consumers(self, index: int) -> tuple[Operator, ...]:
        """The operators that take the same tensor as this layer does, this one among them."""
        return tuple(self.draft.takers[self.layer.inputs[index]])

    def number(self, name: str, index: int | None) -> Operand:
        """An argument as a constraint names it. Raises Mismatch where it is not one number."""
        where = f"{self.layer.name}.{name}"
        if name not in self.op.arguments:
            remedy = nearest(name, (*self.op.arguments, "out"))
            self.refuse(f"{self.op.torch_name} has no argument {name}", remedy)
        argument, value = self.op.arguments[name], getattr(self.op, name)
        if value is None and isinstance(argument, Inferred):
            return operand(self.inputs[argument.source][argument.dim])
        entries = {"one": 1, "axes": self.op.axes, "sides": 2 * self.op.axes}[argument.entries]
        if isinstance(value, tuple):
            entries = len(value)
        elif index is not None and argument.entries == "one":
            self.refuse(f"{where} is one number: write {where}")
        if index is not None and index >= entries:
            several = f"{where}[0] to {where}[{entries - 1}]" if entries > 1 else where
            self.refuse(f"{where} has {entries} {'entries' if entries > 1 else 'entry'}: write {several}")
        found = {self.argument(name, i) for i in ([index] if index is not None else range(entries))}
        if len(found) > 1:
            each = {"axes": "axis", "sides": "side"}.get(argument.entries, "entry")
            self.refuse(f"{where} has a value for each {each}: write {where}[0] to {where}[{entries - 1}]")
        single = found.pop()
        if not isinstance(single, int | Variable):
            self.refuse(f"{where} is {show(single)}, which is not an integer")
        return single

    def refuse(self, text: str, remedy: str = "") -> NoReturn:
        """Say why a name in a constraint is no number."""
        raise Mismatch(text, remedy)


def operand(size: Size) -> Operand:
    """A size as the operand of a formula."""
    if isinstance(size, int | Variable):
        return size
    raise TypeError(size)


@cache
def _cases(formula: Formula, cases: frozenset[str]) -> frozenset[int]:
    """The positions of the operands of these names."""
    return frozenset(i for i, name in enumerate(formula.operands) if name in cases)


@cache
def _at_most(limit: Formula) -> Formula:
    """Whether a value is at most what another formula gives."""
    return Formula(lambda value, *operands: value <= limit(*operands), ["value", *limit.operands])
