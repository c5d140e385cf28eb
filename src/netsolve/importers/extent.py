"""Sizes as the code of a module meets them: `x.size(2)`, what is computed from it, and where it came from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from netsolve.errors import NetsolveError

MOST_TERMS = 64
"""A polynomial with more terms is no longer followed; it keeps its value."""

Atom = tuple[Any, ...]
"""(tensor, dimension) for a size of a tensor, (name, tensor, polynomial, ...) for what is computed of others."""

BATCH: Atom = ("batch",)


class RefusedError(NetsolveError):
    """What tracing cannot follow: text and remedy; whoever catches it knows the line of the user's code."""

    def __init__(self, text: str, remedy: str = "") -> None:
        """Keep both."""
        super().__init__(text)
        self.text, self.remedy = text, remedy


@dataclass(frozen=True)
class Extent:
    """A size, or an integer computed from sizes: a polynomial of sizes, and its value where that is known.

    terms: the coefficient of each product of sizes; value: None where an unknown argument or the batch is in it.
    """

    terms: Mapping[tuple[Atom, ...], int] = field(compare=False)
    value: int | None = None

    @classmethod
    def of(cls, atom: Atom, value: int | None) -> "Extent":
        """One size."""
        return cls({(atom,): 1}, value)

    @property
    def atoms(self) -> set[Atom]:
        """The sizes it is made of."""
        return {atom for product in self.terms for atom in product}

    @property
    def is_batch(self) -> bool:
        """Whether it is the number of samples."""
        return self.terms == {(BATCH,): 1}

    @property
    def factors(self) -> tuple[Atom, ...] | None:
        """The sizes whose product it is; None where it is something else."""
        if len(self.terms) != 1:
            return None
        (product, coefficient), *_ = self.terms.items()
        return product if coefficient == 1 else None

    def number(self) -> int:
        """Its value. Raises RefusedError where it has none."""
        if self.value is None:
            if BATCH in self.atoms:
                self._refuse("the code needs the number of samples as a number", "let it work for any batch")
            self._refuse(
                "the code needs the value of a size that is not known while arguments before it are",
                "state that part as opaque, or leave fewer arguments unknown",
            )
        return self.value

    def _refuse(self, text: str, remedy: str) -> NoReturn:
        raise RefusedError(text, remedy)

    __int__ = __index__ = number

    def __float__(self) -> float:
        """Its value."""
        return float(self.number())

    def __bool__(self) -> bool:
        """Whether it is not 0."""
        return self.number() != 0

    def __round__(self, digits: int | None = None) -> int:
        """Its value."""
        return round(self.number(), digits)

    __floor__ = __ceil__ = __trunc__ = number

    def __hash__(self) -> int:
        """By its value, as integers."""
        return hash(self.value)

    def __repr__(self) -> str:
        """Its value."""
        return "a size" if self.value is None else str(self.value)

    def __format__(self, spec: str) -> str:
        """As an integer where it is one."""
        return format(repr(self) if self.value is None else self.value, spec)

    def __eq__(self, other: object) -> bool:
        """Whether two sizes are the same, by where they come from or by value."""
        if not isinstance(other, Extent | int | float):
            return False
        if isinstance(other, Extent) and self.terms == other.terms:
            return True
        return self.number() == (other.number() if isinstance(other, Extent) else other)

    def __add__(self, other: Any) -> Any:
        """The sum."""
        return _combined(self, other, lambda a, b: a + b, _sum)

    def __mul__(self, other: Any) -> Any:
        """The product."""
        return _combined(self, other, lambda a, b: a * b, _product)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other: Any) -> Any:
        """The difference."""
        return self + -1 * other if isinstance(other, Extent | int) else self.number() - other

    def __rsub__(self, other: Any) -> Any:
        """The difference."""
        return -1 * self + other

    def __neg__(self) -> Any:
        """The negative."""
        return -1 * self

    def __pow__(self, power: Any) -> Any:
        """A power."""
        return self.number() ** power

    def __rpow__(self, base: Any) -> Any:
        """A power of something else."""
        return base ** self.number()

    def __abs__(self) -> int:
        """Without its sign."""
        return abs(self.number())

    def __truediv__(self, other: Any) -> float:
        """A fraction, which is a number and nothing else."""
        return float(self.number() / other)

    def __rtruediv__(self, other: Any) -> float:
        """A fraction."""
        return float(other / self.number())

    def __floordiv__(self, other: Any) -> Any:
        """Rounded down."""
        return _divided("//", self, other, lambda a, b: a // b)

    def __rfloordiv__(self, other: Any) -> Any:
        """Rounded down."""
        return other // self.number()

    def __mod__(self, other: Any) -> Any:
        """The remainder."""
        return _divided("%", self, other, lambda a, b: a % b)

    def __rmod__(self, other: Any) -> Any:
        """The remainder."""
        return other % self.number()

    def __divmod__(self, other: Any) -> Any:
        """Both."""
        return self // other, self % other

    def __lt__(self, other: Any) -> bool:
        """By value."""
        return bool(self.number() < other)

    def __le__(self, other: Any) -> bool:
        """By value."""
        return bool(self.number() <= other)

    def __gt__(self, other: Any) -> bool:
        """By value."""
        return bool(self.number() > other)

    def __ge__(self, other: Any) -> bool:
        """By value."""
        return bool(self.number() >= other)


Terms = dict[tuple[Atom, ...], int]
Size = int | Extent


def known(size: Any) -> int | None:
    """The value of a size, or None."""
    return size.value if isinstance(size, Extent) else size if isinstance(size, int) else None


def terms_of(size: Size) -> Terms:
    """A size as a polynomial."""
    if isinstance(size, Extent):
        return dict(size.terms)
    return {(): int(size)} if size else {}


def _combined(left: Extent, right: Any, by_value: Callable[[Any, Any], Any], by_terms: Callable[..., Terms]) -> Any:
    """A sum or product of sizes."""
    if not isinstance(right, Extent | int) or isinstance(right, bool):
        return by_value(left.number(), right)
    a, b = left.value, known(right)
    value = None if a is None or b is None else by_value(a, b)
    terms = by_terms(terms_of(left), terms_of(right))
    if len(terms) > MOST_TERMS:
        return by_value(left.number(), right if isinstance(right, int) else right.number())
    return Extent(terms, value) if any(terms) else sum(terms.values())


def _sum(left: Terms, right: Terms) -> Terms:
    found = dict(left)
    for product, coefficient in right.items():
        found[product] = found.get(product, 0) + coefficient
    return {product: coefficient for product, coefficient in found.items() if coefficient}


def _product(left: Terms, right: Terms) -> Terms:
    found: Terms = {}
    for a, x in left.items():
        for b, y in right.items():
            key = tuple(sorted((*a, *b), key=repr))
            found = _sum(found, {key: x * y})
    return found


def _divided(name: str, left: Extent, right: Any, by_value: Callable[[Any, Any], Any]) -> Any:
    """A quotient or remainder: exact where every coefficient divides, otherwise a size of its own."""
    if isinstance(right, Extent) and right.value is not None:
        right = right.value
    if not isinstance(right, int):
        return by_value(left.number(), right.number() if isinstance(right, Extent) else right)
    if right == 0:
        return by_value(0, 0)
    value = None if left.value is None else by_value(left.value, right)
    if all(coefficient % right == 0 for coefficient in left.terms.values()):
        terms = {product: c // right for product, c in left.terms.items()}
        return Extent(terms, value) if name == "//" else 0
    return Extent.of((name, right, tuple(sorted(left.terms.items(), key=repr))), value)
