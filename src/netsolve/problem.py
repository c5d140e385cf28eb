"""A network as a constraint problem: variables, factors, costs. It knows no solver."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import product as combinations
from itertools import repeat
from math import prod
from operator import itemgetter
from typing import Any, NoReturn

from netsolve.domain import POSITIVE, Domain, Unknown
from netsolve.errors import DocumentError, Mistake
from netsolve.expression import Expression, ExpressionError, Reference, resolve
from netsolve.locate import Path
from netsolve.network import Layer, Network, Number, Stated
from netsolve.ops.arguments import Asked, AskedSwitch, Default, Inferred, show
from netsolve.ops.base import OPERATORS, Formula, Mismatch, Operator, Rule, Shape, Size
from netsolve.words import nearest

HUGE = 2**62
"""No size goes beyond: torch counts cells in 64 bits."""

ANYTHING = Domain(((-HUGE, None),))
IMAGE_BUDGET = 200_000
"""How many values of formulas posing may compute to learn which sizes are possible; past it a size is unbounded."""


@dataclass(frozen=True, eq=False, slots=True)
class Variable:
    """An integer to be found; compared by identity.

    name: LAYER.ARGUMENT, or the layer whose size it is; index: how many variables of the problem are older.
    """

    name: str
    index: int

    def __repr__(self) -> str:
        """Its name."""
        return self.name


Operand = int | Variable

Limits = tuple[tuple[Formula, tuple[Operand, ...]], ...]
"""What the largest default value of an argument is: on each axis a formula and its operands."""


class Written(int):
    """An integer that the document states, and what states it: `key` of `layer`, at `path`. Sums of it are plain."""

    key: str
    layer: str
    place: Path | Callable[[], Path]

    @classmethod
    def at(cls, value: int, key: str, layer: str, place: Path | Callable[[], Path]) -> "Written":
        """Note where an integer stands: its path, or what finds that where it is needed."""
        written = cls(value)
        written.key, written.layer, written.place = key, layer, place
        return written

    @property
    def path(self) -> Path:
        """Where it stands."""
        return self.place if isinstance(self.place, tuple) else self.place()


@dataclass(frozen=True, slots=True)
class Label:
    """What a factor stands for, in the user's terms: the layer, a sentence, and where a document says it."""

    layer: str
    text: str
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Factor:
    """A relation: the formula of the operands equals `output`, or is true where there is no output.

    cases: the operands (by position) that a solver replaces by integers before it calls the formula.
    """

    label: Label
    formula: Formula
    operands: tuple[Operand, ...]
    output: Variable | None = None
    cases: frozenset[int] = frozenset()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables it ties, each once."""
        every = (*self.operands, self.output)
        return tuple(dict.fromkeys(v for v in every if isinstance(v, Variable)))

    def value(self, values: Mapping[Variable, int]) -> Any:
        """What the formula gives for these integers."""
        return self.formula.function(*[values[v] if isinstance(v, Variable) else v for v in self.operands])

    def holds(self, values: Mapping[Variable, int]) -> bool:
        """Whether these integers meet the relation."""
        found = self.value(values)
        return bool(found) if self.output is None else bool(found == values[self.output])


@dataclass(frozen=True, slots=True)
class Cost:
    """How little a value is liked: the formula of the operands, a non-negative integer."""

    formula: Formula
    operands: tuple[Operand, ...]
    cases: frozenset[int]


@dataclass(frozen=True, slots=True)
class Question:
    """A question mark of the network: the argument it stands in, by key (LAYER.ARGUMENT or `input`).

    entries: one operand, or one an axis or side where the document has a list; boolean: true or false is asked.
    """

    key: str
    entries: tuple[Operand, ...]
    listed: bool
    boolean: bool = False

    def answer(self, values: Mapping[Variable, int]) -> Any:
        """The value as the document would have it."""
        known = (values[v] if isinstance(v, Variable) else v for v in self.entries)
        found = tuple(int(v) if isinstance(v, int) else v for v in known)
        plain = tuple(bool(v) for v in found) if self.boolean else found
        return plain if self.listed else plain[0]


@dataclass(frozen=True)
class Problem:
    """All that is known of a network as relations between integers.

    shapes: the shape after each input and layer, in integers where they follow from the document alone; unknowns: the
    variable of each named unknown. Definitions stand in an order in which each comes after what it needs.
    """

    network: Network
    domains: Mapping[Variable, Domain]
    factors: tuple[Factor, ...]
    costs: tuple[Cost, ...]
    shapes: Mapping[str, Shape]
    questions: tuple[Question, ...]
    unknowns: Mapping[str, Variable]

    @property
    def asked(self) -> tuple[Variable, ...]:
        """The variables of the question marks, each once."""
        every = (v for question in self.questions for v in question.entries if isinstance(v, Variable))
        return tuple(dict.fromkeys(every))

    @property
    def violations(self) -> tuple[Factor, ...]:
        """The factors that no assignment can meet, since they hold no variable."""
        return tuple(factor for factor in self.factors if not factor.variables)

    def complete(self, values: Mapping[Variable, int]) -> dict[Variable, int]:
        """The values of all variables, given those that no formula defines."""
        found = dict(values)
        for factor in self.factors:
            if factor.output is not None:
                found[factor.output] = factor.value(found)
        return found

    def fitting(self, values: Mapping[Variable, int]) -> dict[Variable, int] | None:
        """The values of all variables, given those that no formula defines; None where something is not met."""
        found: dict[Any, int] = dict(values)
        get, domains = found.get, self.domains
        for factor in self.factors:
            value = factor.formula.function(*map(get, factor.operands, factor.operands))
            output = factor.output
            if output is None:
                if not value:
                    return None
            elif value in domains[output]:
                found[output] = value
            else:
                return None
        return found

    def broken(self, values: Mapping[Variable, int]) -> Factor | None:
        """The first factor that these values do not meet; None where they are a solution."""
        for variable, domain in self.domains.items():
            if values[variable] not in domain:
                return Factor(Label(variable.name, f"a value of {domain}"), Formula(lambda: False), ())
        return next((factor for factor in self.factors if not factor.holds(values)), None)


@cache
def sum_of(count: int) -> Formula:
    """The sum of a number of sizes."""
    return Formula(lambda *sizes: sum(sizes), [f"size{i}" for i in range(count)])


EQUAL = Formula(lambda left, right: left == right)


@cache
def product_of(count: int) -> Formula:
    """The product of a number of sizes."""
    return Formula(lambda *sizes: _times(sizes), [f"size{i}" for i in range(count)])


def _times(sizes: tuple[Any, ...]) -> Any:
    """A product with the integers first, so that a solver sees a linear term wherever there is one."""
    terms = [size for size in sizes if not isinstance(size, int)]
    result = prod(size for size in sizes if isinstance(size, int))
    for term in terms:
        result = term * result
    return result


def pose(network: Network, *, widest: int | None = None) -> Problem:
    """The network as a problem.

    widest: take paddings of convolutions up to this number where the document gives no values, instead of the default
    ones. Raises DocumentError with everything that cannot be a network at all (a layer on an input of the wrong kind,
    an expression that names nothing).
    """
    return _Posing(network, widest).problem()


@dataclass
class _Posing:
    """A problem while it is made."""

    network: Network
    widest: int | None
    domains: dict[Variable, Domain] = field(default_factory=dict)
    factors: list[Factor] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    channels_first: dict[str, bool] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    unknowns: dict[str, Variable] = field(default_factory=dict)
    known: dict[tuple[Formula, tuple[Operand, ...]], Variable] = field(default_factory=dict)
    same: dict[Variable, Operand] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    givers: dict[str, Operator] = field(default_factory=dict)
    takers: dict[str, list[Operator]] = field(default_factory=dict)
    images: dict[Any, Domain] = field(default_factory=dict)
    budget: int = IMAGE_BUDGET

    def problem(self) -> Problem:
        """Pose inputs, layers and constraints in turn."""
        self.inputs()
        layers = {layer.name: _LayerTrace(self, layer) for layer in self.network.layers}
        for layer in self.network.layers:
            self.givers[layer.name] = layer.op
            for name in layer.inputs:
                self.takers.setdefault(name, []).append(layer.op)
        for trace in layers.values():
            trace.pose()
        results = set() if self.network.output is None else set(self.network.results)
        for layer in self.network.layers if results else ():
            if layer.name in results:
                self.final(layer)
        for index, expression in enumerate(self.network.constraints):
            self.constraint(expression, ("constraints", index), layers)
        if self.mistakes:
            raise DocumentError(self.mistakes, self.network.source.file if self.network.source else "")
        return Problem(
            self.network,
            self.domains,
            tuple(self.factors),
            tuple(self.costs),
            self.shapes,
            tuple(self.questions),
            self.unknowns,
        )

    def inputs(self) -> None:
        """Variables for the unknown sizes of the inputs."""
        several = set(self.network.inputs) != {"input"}
        for name, stated in self.network.inputs.items():
            path: Path = ("inputs", name) if several else ("input",)
            shape = tuple(
                self.variable(f"{name}[{i}]", size, size.domain or POSITIVE, path)
                if isinstance(size, Unknown)
                else Written.at(size, f"{name}[{i}]", "", path)
                for i, size in enumerate(stated)
            )
            self.shapes[name] = shape
            self.channels_first[name] = len(shape) > 1
            if any(isinstance(size, Variable) for size in shape):
                self.questions.append(Question(name, shape, listed=True))

    def variable(self, name: str, unknown: Unknown, domain: Domain, path: Path) -> Variable:
        """A variable for a question mark; one for all that share a name."""
        variable = self.unknowns.get(unknown.name or "") or Variable(unknown.name or name, len(self.domains))
        before = self.domains.get(variable, domain)
        if not (both := before & domain).ranges:
            what = unknown.name or "the question mark"
            text = f"{what} is one of {before} elsewhere and one of {domain} here: no value is left"
            self.mistake(name, text, "widen one of the sets", path)
            # Positive and bounded, so that posing goes on and finds no other fault with it.
            both = next((some for some in (before & POSITIVE, domain & POSITIVE) if some.count), Domain.of([1]))
        self.domains[variable] = both
        if unknown.name:
            self.unknowns[unknown.name] = variable
        return variable

    def mistake(self, where: str, text: str, remedy: str, path: Path) -> None:
        """Note a mistake with its line."""
        self.mistakes.append(Mistake(where, text, remedy, self.network.line(path)))

    def relate(self, label: Label, formula: Formula, operands: tuple[Operand, ...], cases: frozenset[int]) -> None:
        """State a relation, unless it goes without saying."""
        if tells(formula, operands):
            self.factors.append(Factor(label, formula, operands, None, cases))

    def unify(self, label: Label, left: Size, right: Size) -> Size:
        """State that two sizes are one; from here on the integer or the older variable stands for both."""
        left, right = self.current(left), self.current(right)
        self.relate(label, EQUAL, (left, right), frozenset())
        if left == right or (isinstance(left, int) and isinstance(right, int)):
            return right
        if isinstance(right, int) or (isinstance(left, Variable) and right.index < left.index):
            left, right = right, left
        self.same[right] = left
        return left

    def current(self, size: Size) -> Size:
        """What stands for a size since it was found equal to others."""
        while isinstance(size, Variable) and size in self.same:
            size = self.same[size]
        return size

    def define(self, label: Label, formula: Formula, operands: tuple[Operand, ...], cases: frozenset[int]) -> Size:
        """The value of a formula: an integer, or a variable, the same one for the same operands."""
        operands = tuple(map(self.current, operands)) if self.same else operands
        if not any(isinstance(v, Variable) for v in operands):
            return self.bounded(label, formula(*operands))
        variable = self.known.get((formula, operands))
        if variable is None:
            variable = self.known[formula, operands] = Variable(label.layer, len(self.domains))
            self.domains[variable] = self.image(formula, operands)
            self.factors.append(Factor(label, formula, operands, variable, cases))
        return variable

    def bounded(self, label: Label, size: int) -> int:
        """A size that follows from known ones; one that no tensor can have is a violation, and goes on no larger."""
        if abs(size) > HUGE:
            text = f"{label.text} is beyond what torch can count"
            self.factors.append(Factor(Label(label.layer, text, label.path), Formula(lambda: False), ()))
        return max(-HUGE, min(size, HUGE))

    def image(self, formula: Formula, operands: tuple[Operand, ...]) -> Domain:
        """The values a formula can take."""
        distinct = list(dict.fromkeys(v for v in operands if isinstance(v, Variable)))
        domains = tuple(self.domains[v] for v in distinct)
        places = tuple(distinct.index(v) if isinstance(v, Variable) else (v,) for v in operands)
        key = (formula, places, domains)
        if key not in self.images:
            counts = [domain.count for domain in domains]
            if None in counts or (work := prod(c for c in counts if c is not None)) > min(4096, self.budget):
                return ANYTHING
            self.budget -= work
            self.images[key] = _image(formula, places, domains)
        return self.images[key]

    def stated(self, layer: str, shape: Shape, out: Stated, path: Path) -> Shape:
        """Hold the sizes after a layer against what is stated of them; what is stated goes on from here."""
        if len(out) not in {len(shape), len(shape) - 1}:
            entries = "1 entry" if len(out) == 1 else f"{len(out)} entries"
            text = f"{path[-1]} has {entries}, and the tensor there has {len(shape)}"
            fewer = f", or {len(shape) - 1} for the spatial sizes alone" if len(shape) > 1 else ""
            batch = "; the batch is never written" if len(out) == len(shape) + 1 else ""
            self.mistake(layer, text, f"write {len(shape)}{fewer}{batch}", path)
            return shape
        offset = len(shape) - len(out)
        result = list(shape)
        for axis, size in enumerate(out, offset):
            key = f"{path[-1]}[{axis - offset}]"
            if isinstance(shape[axis], Written) and self.contradicts(layer, key, size, shape[axis], path):
                continue
            if isinstance(size, Unknown):
                if size.domain is not None:
                    label = Label(layer, f"{path[-1]}[{axis - offset}] is one of {size.domain}", path)
                    inside = Formula(lambda v, domain=size.domain: _member(v, domain), [key])
                    self.relate(label, inside, (shape[axis],), frozenset())
                if size.name is not None:
                    other = self.variable(size.name, size, size.domain or POSITIVE, path)
                    self.relate(Label(layer, f"{path[-1]} is {size}", path), EQUAL, (shape[axis], other), frozenset())
            else:
                what = "channels after {} are" if axis == 0 and len(shape) > 1 else "size after {} is"
                shape = tuple(map(self.current, shape))
                label = Label(layer, f"the {what.format(layer)} stated as {size}", path)
                result[axis] = self.unify(label, shape[axis], Written.at(size, key, layer, path))
        return tuple(result)

    def contradicts(self, layer: str, key: str, size: Number, other: Written, path: Path) -> bool:
        """Note it where two numbers of the document state one size differently: no value of anything can help."""
        allowed = Domain.between(size, size) if isinstance(size, int) else size.domain
        if allowed is None or other in allowed:
            return False
        line = self.network.line(other.path)
        place = f"{f' of {other.layer}' if other.layer else ''}{f' (line {line})' if line else ''}"
        text = f"{key} = {size if isinstance(size, int) else show(str(size))} contradicts {other.key} = {other}{place}"
        self.mistake(layer, text, "both state the same number: correct one of them", path)
        return True

    def final(self, layer: Layer) -> None:
        """Hold the shape of the output against the document's `output`."""
        output = self.network.output
        if output is not None and layer.name in self.shapes:
            self.shapes[layer.name] = self.stated(layer.name, self.shapes[layer.name], output, ("output",))

    def constraint(self, expression: Expression, path: Path, layers: "Mapping[str, _LayerTrace]") -> None:
        """A user's constraint as a factor."""
        operands: dict[Reference, Operand] = {}
        blocks = self.network.blocks
        known = {**blocks, **layers} if blocks else layers
        for reference in expression.references:
            try:
                target = resolve(reference, known, self.network.inputs, self.unknowns, expression.text)
                owner = blocks.get(target.owner, target.owner)
                if owner in layers and owner not in self.shapes:
                    return
                operands[reference] = self.operand(target.owner, target.attribute, target.index, layers)
            except ExpressionError as error:
                self.mistake(f"constraints[{path[-1]}]", str(error), "", path)
                return
            except Mismatch as error:
                text, remedy, *_ = (*error.args, "")
                shown = ExpressionError(f"{text} ({remedy})" if remedy else text, reference.column, expression.text)
                self.mistake(f"constraints[{path[-1]}]", str(shown), "", path)
                return
        order = tuple(operands)
        formula = Formula(lambda *v: expression.evaluate(dict(zip(order, v, strict=True)).__getitem__), map(str, order))
        cases = frozenset(i for i, reference in enumerate(order) if reference in expression.cases)
        self.relate(Label("", f"the constraint {expression.text}", path), formula, tuple(operands.values()), cases)

    def operand(
        self, owner: str, attribute: str | None, index: int | None, layers: "Mapping[str, _LayerTrace]"
    ) -> Operand:
        """What a name in a constraint stands for. Raises Mismatch, with a text for the user, where it is nothing."""
        if owner in self.unknowns and attribute is None:
            return self.unknowns[owner]
        if owner in self.network.inputs or attribute == "out":
            shape = self.shapes[self.network.blocks.get(owner, owner)]
            if index is None or index >= len(shape):
                wanted = f"{owner}.out" if attribute else owner
                msg = f"{wanted} is a list of {len(shape)}: write {wanted}[0] to {wanted}[{len(shape) - 1}]"
                raise Mismatch(msg)
            return _operand(shape[index])
        if owner in self.network.blocks:
            msg = f"{owner} is a block: of it there is {owner}.out, and behind its name those of its layers"
            raise Mismatch(msg)
        return layers[owner].number(attribute or "", index)


def tells(formula: Formula, operands: tuple[Operand, ...]) -> bool:
    """Whether a relation is worth a factor: one between integers that holds is not."""
    return any(isinstance(v, Variable) for v in operands) or not formula.function(*operands)


def _image(formula: Formula, places: tuple[Any, ...], domains: tuple[Domain, ...]) -> Domain:
    """The values of a formula whose operands are integers (each in a tuple) or the places of domains."""
    rows = list(combinations(*domains))
    columns = [map(itemgetter(i), rows) if isinstance(i, int) else repeat(i[0], len(rows)) for i in places]
    return Domain.of(size for size in set(map(formula.function, *columns)) if abs(size) <= HUGE)


def _operand(size: Size) -> Operand:
    if isinstance(size, int | Variable):
        return size
    raise TypeError(size)


def _member(value: Any, domain: Domain) -> Any:
    """Whether a number lies in a domain, for integers and terms."""
    from netsolve.arith import both, either  # noqa: PLC0415

    result: Any = False
    for low, high in domain.ranges:
        inside = value >= low if high is None else both(value >= low, value <= high)
        result = either(result, inside)
    return result


class _LayerTrace:
    """What one layer's operator sees while it is posed."""

    def __init__(self, posing: _Posing, layer: Layer) -> None:
        self.posing, self.layer, self.op = posing, layer, layer.op
        self.arguments: dict[tuple[str, int | None], Size] = {}
        self.inputs: tuple[Shape, ...] = ()

    def pose(self) -> None:
        """State everything about the layer; a layer behind a mistaken one is left out."""
        layer, posing = self.layer, self.posing
        if not all(name in posing.shapes for name in layer.inputs):
            return
        self.inputs = tuple(tuple(map(posing.current, posing.shapes[name])) for name in layer.inputs)
        try:
            self.op.admit(self)
            shape = self.op.pose(self, *self.inputs)
        except Mismatch as error:
            posing.mistake(layer.name, error.args[0], error.args[1], layer.path)
            return
        self.ask()
        kept = self.op.channels_first
        posing.channels_first[layer.name] = self.channels_first() if kept is None else kept
        if layer.out is not None:
            shape = posing.stated(layer.name, shape, layer.out, layer.at("out"))
        posing.shapes[layer.name] = shape

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
                self.posing.questions.append(Question(key, operands, listed, boolean))

    def label(self, text: str) -> Label:
        """A label of this layer."""
        return Label(self.layer.name, text, self.layer.path)

    def argument(self, name: str, entry: int | None = None) -> Size:
        """The value of an argument, or of one entry of it."""
        value = getattr(self.op, name)
        if value is None and (followed := self.op.follows.get(name)):
            return self.argument(followed, entry)
        if isinstance(value, tuple):
            value = value[entry or 0]
        else:
            entry = None
        key = (name, entry)
        if key not in self.arguments:
            self.arguments[key] = self.number_or_word(name, entry, value)
        return self.arguments[key]

    def number_or_word(self, name: str, entry: int | None, value: Any) -> Size:
        """A value as posing sees it: a variable, an integer that knows where it stands, or what else it is."""
        if isinstance(value, Unknown):
            return self.ask_for(name, entry, value)
        if not isinstance(value, int):
            return value
        key = name if entry is None else f"{name}[{entry}]"
        return Written.at(value, key, self.layer.name, partial(self.layer.at, name))

    def ask_for(self, name: str, entry: int | None, unknown: Unknown) -> Variable:
        """A variable for a question mark, with its values and how it is liked."""
        argument = self.op.arguments[name]
        assert isinstance(argument, Asked)  # noqa: S101 - reading lets no question mark stand elsewhere
        key = f"{self.layer.name}.{name}" + ("" if entry is None else f"[{entry}]")
        domain = unknown.domain
        limits: Limits = ()
        if domain is None:
            domain = self.allowed(name, argument)
        if domain is None and isinstance(argument.default, Default):
            limits = self.limits(argument.default, entry)
            domain = self.default(argument.default, limits, name)
        if domain is None:
            domain = argument.default if isinstance(argument.default, Domain) else POSITIVE
        variable = self.arguments[name, entry] = self.posing.variable(key, unknown, domain, self.layer.at(name))
        if name in self.op.cases and self.posing.domains[variable].count is None:
            remedy = f'give it a set, such as {name} = "?1|2|4"'
            text = "its values are tried one by one, and its largest depends on something unknown"
            self.posing.mistake(key, text, remedy, self.layer.at(name))
        if self.posing.widest is None:
            self.bound(limits, variable, name)
        if argument.prefer is not None:
            formula = _formula(argument.prefer)
            operands = self.operands(formula, entry or 0, {})
            self.posing.costs.append(Cost(formula, operands, self.cases(formula)))
        return variable

    def allowed(self, name: str, argument: Asked) -> Domain | None:
        """What the document's table says of a question mark, as far as this argument may have such values."""
        domain = self.posing.network.defaults.get(name)
        if domain is None:
            return None
        own = argument.default if isinstance(argument, AskedSwitch) else None
        possible = domain & (own if isinstance(own, Domain) else Domain.between(argument.least, None))
        if possible.ranges:
            return possible
        text = f"unknown.{name} is {domain}, and {name} is at least {argument.least}: no value is left"
        remedy = f'give it a set of its own, such as {name} = "?1..3"'
        self.posing.mistake(f"{self.layer.name}.{name}", text, remedy, self.layer.at(name))
        return None

    def axes(self, entry: int | None) -> Iterable[int]:
        """The axes that a value concerns: its own, or all of them."""
        return range(max(self.op.axes, 1)) if entry is None else (entry,)

    def limits(self, default: Default, entry: int | None) -> Limits:
        """What the largest default value is on each axis: a formula and its operands, each once."""
        limit = _formula(default.high)
        return tuple(dict.fromkeys([(limit, self.operands(limit, axis, {})) for axis in self.axes(entry)]))

    def default(self, default: Default, limits: Limits, name: str) -> Domain | None:
        """The default values where they follow from other arguments: a superset while those are unknown."""
        if self.posing.widest is not None and name == "padding" and not self.op.follows:
            return Domain.between(default.low, self.posing.widest)
        rows = [(limit, [self.largest(v) for v in operands]) for limit, operands in limits]
        if any(None in values for _, values in rows):
            return None
        return Domain.between(default.low, min(limit(*values) for limit, values in rows))

    def largest(self, operand: Operand) -> int | None:
        """The largest value of an operand."""
        return self.posing.domains[operand].high if isinstance(operand, Variable) else operand

    def bound(self, limits: Limits, variable: Variable, name: str) -> None:
        """A default that refers to other unknowns is a constraint."""
        for limit, operands in limits:
            if any(isinstance(v, Variable) for v in operands):
                cases = frozenset(i + 1 for i in self.cases(limit))
                label = self.label(f"the default values of {name}")
                self.posing.relate(label, _at_most(limit), (variable, *operands), cases)

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
        return self.posing.define(label, formula, self.operands(formula, entry, given), self.cases(formula))

    def require(self, rule: Rule, *, entry: int | None = None, **given: Size) -> None:
        """State a rule."""
        operands = self.operands(rule.formula, entry, given)
        if tells(rule.formula, operands):
            self.posing.factors.append(
                Factor(self.label(rule.text), rule.formula, operands, None, self.cases(rule.formula))
            )

    def equal(self, left: Size, right: Size, text: str) -> None:
        """State that two sizes are one."""
        self.posing.relate(self.label(text), EQUAL, (left, right), frozenset())

    def unify(self, left: Size, right: Size, text: str) -> Size:
        """State that two sizes are one, and return the one to go on with."""
        return self.posing.unify(self.label(text), left, right)

    def total(self, sizes: Shape) -> Size:
        """The sum of sizes."""
        label = self.label(f"the size after {self.layer.name}")
        return self.posing.define(label, sum_of(len(sizes)), sizes, frozenset())

    def product(self, sizes: Shape) -> Size:
        """The product of sizes; all but one unknown are enumerated."""
        free = max((self.breadth(v), i) for i, v in enumerate(sizes))[1]
        label = self.label(f"the size after {self.layer.name}")
        return self.posing.define(label, product_of(len(sizes)), sizes, frozenset(range(len(sizes))) - {free})

    def breadth(self, size: Size) -> float:
        """How many values a size may have."""
        if isinstance(size, int):
            return 0
        count = self.posing.domains[size].count
        return float("inf") if count is None else count

    def fail(self, text: str, remedy: str = "") -> Mismatch:
        """The error for an input of the wrong kind; the remedy is by default the layer that takes it."""
        return Mismatch(text, remedy or self.sibling())

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
        batched = batch and self.layer.inputs[0] in self.posing.network.inputs and rank - 1 in own
        remedy = f"use {fitting[0]}"
        return f"the batch is never written: leave it out of the input; or {remedy}" if batched else remedy

    def channels_first(self) -> bool:
        """Whether the input has its channels first."""
        return self.posing.channels_first[self.layer.inputs[0]]

    def producer(self, index: int) -> Operator | None:
        """The operator that gives an input; None where it is one of the network's own inputs."""
        return self.posing.givers.get(self.layer.inputs[index])

    def consumers(self, index: int) -> tuple[Operator, ...]:
        """The operators that take the same tensor as this layer does, this one among them."""
        return tuple(self.posing.takers[self.layer.inputs[index]])

    def number(self, name: str, index: int | None) -> Operand:
        """An argument as a constraint names it. Raises Mismatch where it is not one number."""
        where = f"{self.layer.name}.{name}"
        if name not in self.op.arguments:
            remedy = nearest(name, (*self.op.arguments, "out"))
            self.refuse(f"{self.op.torch_name} has no argument {name}", remedy)
        argument, value = self.op.arguments[name], getattr(self.op, name)
        if value is None and isinstance(argument, Inferred):
            return _operand(self.inputs[argument.source][argument.dim])
        entries = {"one": 1, "axes": self.op.axes, "sides": 2 * self.op.axes}[argument.entries]
        if index is not None and (entries == 1 or index >= entries):
            several = f"has {entries} entries: write {where}[0] to {where}[{entries - 1}]"
            self.refuse(f"{where} {f'is one number: write {where}' if entries == 1 else several}")
        found = {self.argument(name, i) for i in ([index] if index is not None else range(entries))}
        if len(found) > 1:
            each = "axis" if argument.entries == "axes" else "side"
            self.refuse(f"{where} has a value for each {each}: write {where}[0] to {where}[{entries - 1}]")
        single = found.pop()
        if not isinstance(single, int | Variable):
            self.refuse(f"{where} is {show(single)}, which is not an integer")
        return single

    def refuse(self, text: str, remedy: str = "") -> NoReturn:
        """Say why a name in a constraint is no number."""
        raise Mismatch(text, remedy)


@cache
def _cases(formula: Formula, cases: frozenset[str]) -> frozenset[int]:
    """The positions of the operands of these names."""
    return frozenset(i for i, name in enumerate(formula.operands) if name in cases)


@cache
def _formula(function: Callable[..., Any]) -> Formula:
    return Formula(function)


@cache
def _at_most(limit: Formula) -> Formula:
    """Whether a value is at most what another formula gives."""
    return Formula(lambda value, *operands: value <= limit(*operands), ["value", *limit.operands])
