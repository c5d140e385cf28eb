"""Sets of integers that an unknown may take, and the unknown itself."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

LARGEST = 2**31 - 1
"""The largest integer a document may hold; torch's own sizes end far below it."""

_ITEM = re.compile(r"\s*([+-]?\d{1,18})\s*(?:\.\.\s*([+-]?\d{1,18})\s*)?", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Domain:
    """A set of integers as disjoint ascending ranges, both ends included; the last end may be None: no upper bound."""

    ranges: tuple[tuple[int, int | None], ...]

    @classmethod
    def between(cls, low: int, high: int | None) -> "Domain":
        """All integers from `low` to `high`, both included; empty where `high` is smaller."""
        return cls(((low, high),) if high is None or low <= high else ())

    @classmethod
    def of(cls, values: Iterable[int]) -> "Domain":
        """Exactly these integers."""
        ordered = sorted(set(values))
        if not ordered:
            return cls(())
        breaks = [i for i, (a, b) in enumerate(pairwise(ordered), 1) if b != a + 1]
        starts = [0, *breaks]
        ends = [*breaks, len(ordered)]
        return cls(tuple((ordered[i], ordered[j - 1]) for i, j in zip(starts, ends, strict=True)))

    @classmethod
    def parse(cls, text: str) -> "Domain":
        """The set that a document writes as `1|3|5` or `0..2|5`.

        Raises ValueError, with a text for the user, where it is not one or where it is empty.
        """
        ranges: list[tuple[int, int | None]] = []
        for item in text.split("|"):
            match = _ITEM.fullmatch(item)
            if match is None:
                what = f'"{item.strip()[:40]}"' if item.strip() else "an empty place"
                msg = f"{what} is not an integer or a range such as 0..3"
                raise ValueError(msg)
            low, high = int(match[1]), int(match[2] or match[1])
            if max(abs(low), abs(high)) > LARGEST:
                msg = f"{match[0].strip()} is out of range: at most {LARGEST}, at least -{LARGEST}"
                raise ValueError(msg)
            if low > high:
                msg = f"the range {low}..{high} is empty: write {high}..{low}"
                raise ValueError(msg)
            ranges.append((low, high))
        return cls(_merged(ranges))

    def __contains__(self, value: object) -> bool:
        """Whether an integer belongs to the set."""
        if isinstance(value, int):
            for low, high in self.ranges:
                if low <= value and (high is None or value <= high):
                    return True
        return False

    def __iter__(self) -> Iterator[int]:
        """The members, ascending. Raises ValueError where the set has no upper bound."""
        for low, high in self.ranges:
            if high is None:
                msg = f"{self} has no last member"
                raise ValueError(msg)
            yield from range(low, high + 1)

    def __or__(self, other: "Domain") -> "Domain":
        """The members of either set."""
        return Domain(_merged([*self.ranges, *other.ranges]))

    def __and__(self, other: "Domain") -> "Domain":
        """The members of both sets."""
        both: list[tuple[int, int | None]] = []
        i = j = 0
        while i < len(self.ranges) and j < len(other.ranges):
            (low, high), (other_low, other_high) = self.ranges[i], other.ranges[j]
            start, end = max(low, other_low), _lesser(high, other_high)
            if end is None or start <= end:
                both.append((start, end))
            if end == high and high is not None:
                i += 1
            else:
                j += 1
        return Domain(tuple(both))

    def __str__(self) -> str:
        """As a document writes it: `0..2|5`; `1..` where there is no upper bound."""
        return "|".join(
            str(low) if low == high else f"{low}..{'' if high is None else high}" for low, high in self.ranges
        )

    @property
    def low(self) -> int:
        """The smallest member. Raises IndexError on an empty set."""
        return self.ranges[0][0]

    @property
    def high(self) -> int | None:
        """The largest member, or None where there is no upper bound. Raises IndexError on an empty set."""
        return self.ranges[-1][1]

    @property
    def count(self) -> int | None:
        """How many members; None where there is no upper bound."""
        total = 0
        for low, high in self.ranges:
            if high is None:
                return None
            total += high - low + 1
        return total


POSITIVE = Domain(((1, None),))
"""Sizes, channels and features: any positive integer that the rest allows."""


def _lesser(left: int | None, right: int | None) -> int | None:
    """The smaller of two upper bounds."""
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)


def _merged(ranges: list[tuple[int, int | None]]) -> tuple[tuple[int, int | None], ...]:
    """Ranges that may overlap or touch, as disjoint ascending ones."""
    merged: list[tuple[int, int | None]] = []
    for low, high in sorted(ranges, key=lambda r: r[0]):
        if merged and (merged[-1][1] is None or low <= merged[-1][1] + 1):
            last_low, last_high = merged.pop()
            merged.append((last_low, None if last_high is None or high is None else max(last_high, high)))
        else:
            merged.append((low, high))
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A question mark: a number to be found.

    domain: the values it may take, or None for the default values of the argument it stands for; name: unknowns
    with one name share one value.
    """

    domain: Domain | None = None
    name: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Unknown":
        """A question mark as documents write it: `?`, `?0..3`, `?1|3|5`, `?p`, `?p: 0..3`.

        Raises ValueError, with a text for the user, where it is not one.
        """
        body = text.strip()
        if not body.startswith("?"):
            msg = f'"{text[:40]}" is neither an integer nor a question mark such as "?", "?0..3", "?1|3|5" or "?p"'
            raise ValueError(msg)
        body = body[1:].strip()
        name, colon, values = body.partition(":")
        if not body or _ITEM.match(body):
            return cls(Domain.parse(body) if body else None)
        if not _NAME.fullmatch(name.strip()):
            msg = f'"{name.strip()[:40]}" is neither a set such as 0..3 or 1|3|5 nor a name'
            raise ValueError(msg)
        return cls(Domain.parse(values) if colon else None, name.strip())

    def __str__(self) -> str:
        """As a document writes it."""
        values = "" if self.domain is None else str(self.domain)
        return "?" + ": ".join(part for part in (self.name, values) if part)
