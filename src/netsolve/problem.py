"""A network as a constraint problem: variables, factors, costs. It knows no solver."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

from netsolve.domain import Domain
from netsolve.locate import Path
from netsolve.network import Network
from netsolve.ops.base import Formula, Shape

HUGE = 2**62
"""No size goes beyond: torch counts cells in 64 bits."""

ANYTHING = Domain(((-HUGE, None),))


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

    def unmet(self, numbers: str) -> str:
        """What to say where it is not so, with the numbers that it is about."""
        told = f"{self.text} does not hold" if self.path[:1] == ("constraints",) else self.text
        return f"{told}: here {numbers}" if numbers else told


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
        constant = (f for f in self.factors if f.output is None and Variable not in map(type, f.operands))
        return tuple(constant)

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


EQUAL = Formula(lambda left, right: left == right)


@cache
def sum_of(count: int) -> Formula:
    """The sum of a number of sizes."""
    return Formula(lambda *sizes: sum(sizes), [f"size{i}" for i in range(count)])


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
