"""Sets of integers in few words: ranges where these are few, otherwise residues that repeat."""

from collections.abc import Iterable
from dataclasses import dataclass

from netsolve.domain import Domain

FEW = 4
"""So many ranges are shown as they are."""

LONGEST = 512
"""The largest period that is looked for."""

EARLY = 12
"""How many members may stand before the repetition begins."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A set of integers within `low..high`, exactly.

    ranges: all of it, or where it repeats what stands before `start`; from `start` to `high` its members are those that
    leave one of `residues` when divided by `modulus` (1: there is no repetition, and all is in `ranges`).
    """

    low: int
    high: int
    ranges: tuple[tuple[int, int], ...]
    start: int = 0
    modulus: int = 1
    residues: tuple[int, ...] = ()

    def __contains__(self, number: object) -> bool:
        """Whether an integer belongs to the set."""
        if not isinstance(number, int) or not self.low <= number <= self.high:
            return False
        if self.residues and number >= self.start:
            return number % self.modulus in self.residues
        return any(low <= number <= high for low, high in self.ranges)

    def __str__(self) -> str:
        """In words."""
        parts = [str(low) if low == high else f"{low}..{high}" for low, high in self.ranges]
        if self.residues:
            parts.append(self.repeating())
        return ", ".join(parts) or "none"

    def repeating(self) -> str:
        """The part that repeats, as sums: 75 + 16k."""
        firsts = sorted(self.start + (residue - self.start) % self.modulus for residue in self.residues)
        shown = [str(n) if low == n else f"{low}..{n}" for low, n in _ranges(firsts)]
        listed = shown[0] if len(shown) == 1 else f"({', '.join(shown)})"
        return f"{listed} + {self.modulus}k"


def pattern_of(numbers: Iterable[int], low: int, high: int) -> Pattern:
    """The pattern of a set within `low..high`."""
    members = sorted(set(numbers))
    ranges = _ranges(members)
    plain = Pattern(low, high, ranges)
    if len(ranges) <= FEW:
        return plain
    inside = set(members)
    for start in members[:EARLY]:
        most = min(LONGEST, (high - start + 1) // 3)
        for modulus in range(2, most + 1):
            if all((n in inside) == (n + modulus in inside) for n in range(start, high - modulus + 1)):
                residues = tuple(sorted({n % modulus for n in members if start <= n < start + modulus}))
                return Pattern(low, high, _ranges([n for n in members if n < start]), start, modulus, residues)
    return plain


def _ranges(members: list[int]) -> tuple[tuple[int, int], ...]:
    """Ascending integers as ranges."""
    return tuple((low, low if high is None else high) for low, high in Domain.of(members).ranges)
