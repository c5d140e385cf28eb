"""A problem while it is made: variables and factors that come to it one by one."""

from dataclasses import dataclass, field

from netsolve.domain import POSITIVE, Domain, Unknown
from netsolve.errors import Mistake
from netsolve.locate import Path
from netsolve.network import Network
from netsolve.ops.base import Formula, Operator, Shape, Size, Trace
from netsolve.posing.images import Images
from netsolve.problem import EQUAL, HUGE, Cost, Factor, Label, Operand, Problem, Question, Variable


@dataclass
class Draft:
    """What is known of a network so far.

    widest: the largest padding taken where the document gives none; traces: what each layer was given; takers: the
    operators behind each layer; known: the variable of each formula that was called; same: what stands for sizes found
    equal to others; unflattened: the first layer that has other features than the last of several sizes before it.
    """

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
    traces: dict[str, Trace] = field(default_factory=dict)
    givers: dict[str, Operator] = field(default_factory=dict)
    takers: dict[str, list[Operator]] = field(default_factory=dict)
    images: Images = field(default_factory=Images)
    unflattened: str = ""

    def __post_init__(self) -> None:
        """Note which operators stand before and behind each layer."""
        for layer in self.network.layers:
            self.givers[layer.name] = layer.op
            for name in layer.inputs:
                self.takers.setdefault(name, []).append(layer.op)

    def problem(self) -> Problem:
        """The problem as it stands."""
        return Problem(
            self.network,
            self.domains,
            tuple(self.factors),
            tuple(self.costs),
            self.shapes,
            tuple(self.questions),
            self.unknowns,
        )

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
        places = tuple(distinct.index(v) if isinstance(v, Variable) else (v,) for v in operands)
        return self.images.image(formula, places, tuple(self.domains[v] for v in distinct))


def tells(formula: Formula, operands: tuple[Operand, ...]) -> bool:
    """Whether a relation is worth a factor: one between integers that holds is not."""
    return any(isinstance(v, Variable) for v in operands) or not formula.function(*operands)
