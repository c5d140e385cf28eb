"""A mapping that cannot be changed, for results."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)


class Frozen(Mapping[K, V_co]):
    """A mapping that cannot be changed: equal to a dict with the same entries, hashable where they are, pickled."""

    __slots__ = ("_entries",)
    _entries: dict[K, V_co]

    def __init__(self, entries: Mapping[K, V_co]) -> None:
        """Keep a copy of the entries, in their order."""
        object.__setattr__(self, "_entries", dict(entries))

    def __setattr__(self, name: str, value: Any) -> None:
        """Raise AttributeError."""
        msg = f"a result is not changed: {name}"
        raise AttributeError(msg)

    def __getitem__(self, key: K) -> V_co:
        """The value of a key."""
        return self._entries[key]

    def __iter__(self) -> Iterator[K]:
        """The keys, in their order."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def __hash__(self) -> int:
        """Equal mappings have equal hashes."""
        return hash(frozenset(self._entries.items()))

    def __repr__(self) -> str:
        """As a dict."""
        return repr(self._entries)

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the trip from a worker process."""
        return type(self), (self._entries,)


def frozen(entries: Mapping[K, V_co]) -> Frozen[K, V_co]:
    """The mapping itself where it cannot be changed, otherwise a copy that cannot."""
    return entries if isinstance(entries, Frozen) else Frozen(entries)
