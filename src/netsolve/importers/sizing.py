"""The shape after one layer as far as it is known while a module is traced, also where nothing fits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from netsolve.domain import Domain, Unknown
from netsolve.ops.arguments import Asked, Default
from netsolve.ops.base import Formula, Mismatch, Operator, Rule


class Open:
    """A size that is not known; layers that keep it hand it on as the same object."""

    __slots__ = ()


Size = int | Open
Shape = tuple[Size, ...]


@dataclass
class Sizing:
    """What an operator is given (ops.base.Trace) to work out a shape; faults: what does not fit, in words.

    producers: the operators that give the inputs.
    """

    op: Operator
    producers: Sequence[Operator | None] = ()
    inputs: tuple[Shape, ...] = ()
    faults: list[str] = field(default_factory=list)

    def shape(self, inputs: Sequence[Shape]) -> Shape | None:
        """The shape of the output; None where the layer cannot take such inputs at all."""
        self.inputs = tuple(inputs)
        try:
            return tuple(self.op.pose(self, *inputs))
        except Mismatch as error:
            self.faults.append(str(error))
            return None

    def argument(self, name: str, entry: int | None = None) -> Size:
        """The value of an argument, also where only one is possible (no padding around a kernel of 1)."""
        value = getattr(self.op, name)
        if isinstance(value, tuple):
            value = value[entry or 0]
        if value is None and name in self.op.follows:
            return self.argument(self.op.follows[name], entry)
        return self.only(name, value, entry) if isinstance(value, Unknown) else value

    def only(self, name: str, unknown: Unknown, entry: int | None) -> Size:
        """The one value that an unknown may have, or a size of which nothing is known."""
        kind = self.op.arguments[name]
        domain = unknown.domain or (kind.default if isinstance(kind, Asked) else None)
        if isinstance(domain, Default):
            formula = Formula(domain.high)
            values = self._operands(formula, entry, {}) if set(formula.operands) <= self.op.arguments.keys() else None
            domain = None if values is None else Domain.between(domain.low, domain.high(*values))
        return domain.low if isinstance(domain, Domain) and domain.count == 1 else Open()

    def apply(self, formula: Formula, *, entry: int | None = None, **given: Size) -> Size:
        """The value of a formula where its operands are known."""
        values = self._operands(formula, entry, given)
        if values is None:
            return Open()
        try:
            return int(formula(*values))
        except (ArithmeticError, ValueError):
            return Open()

    def require(self, rule: Rule, *, entry: int | None = None, **given: Size) -> None:
        """Note a rule that known numbers break."""
        values = self._operands(rule.formula, entry, given)
        if values is not None and not rule.formula(*values):
            self.faults.append(rule.text)

    def _operands(self, formula: Formula, entry: int | None, given: dict[str, Size]) -> list[Any] | None:
        """The operands of a formula; None where one of them is not known."""
        found = [given[name] if name in given else self.argument(name, entry) for name in formula.operands]
        return None if any(isinstance(value, Open) for value in found) else found

    def equal(self, left: Size, right: Size, text: str) -> None:
        """Note two known sizes that differ."""
        if not isinstance(left, Open) and not isinstance(right, Open) and left != right:
            self.faults.append(f"{text}: {left} and {right}")

    def unify(self, left: Size, right: Size, text: str) -> Size:
        """The known one of two sizes that should be one."""
        self.equal(left, right, text)
        return right if isinstance(left, Open) else left

    def total(self, sizes: Shape) -> Size:
        """The sum of sizes."""
        numbers = [size for size in sizes if not isinstance(size, Open)]
        return sum(numbers) if len(numbers) == len(sizes) else Open()

    def product(self, sizes: Shape) -> Size:
        """The product of sizes."""
        if len(sizes) == 1:
            return sizes[0]
        numbers = [size for size in sizes if not isinstance(size, Open)]
        return prod(numbers) if len(numbers) == len(sizes) else Open()

    def fail(self, text: str, remedy: str = "") -> Mismatch:
        """The error for an input of the wrong kind."""
        del remedy
        return Mismatch(text)

    def before(self, index: int) -> None:
        """Of what gives an input only the operator is known."""

    def channels_first(self) -> bool:
        """Layers of a module have their widths written, so nothing hangs on this."""
        return False

    def producer(self, index: int) -> Operator | None:
        """The operator that gives an input; None where it is one of the module's own inputs."""
        return self.producers[index] if index < len(self.producers) else None

    def consumers(self, index: int) -> tuple[Operator, ...]:
        """Not known here."""
        del index
        return ()
