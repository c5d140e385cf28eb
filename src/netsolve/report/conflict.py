"""What does not fit, as plain data that a page can draw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netsolve.answer import Answer
from netsolve.errors import Mistake
from netsolve.network import Network

MOST = 100
"""Reasons and changes that are shown."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why nothing fits. reasons: what does not fit, and where; changes: what would help, each in a sentence."""

    reasons: tuple[Mistake, ...] = ()
    changes: tuple[str, ...] = ()

    @classmethod
    def of(cls, reasons: Iterable[Mistake], changes: Iterable[str] = ()) -> "Conflict":
        """A conflict, as much of it as a page shows."""
        return cls(tuple(reasons)[:MOST], tuple(filter(None, changes))[:MOST])

    def at(self, network: Network) -> Mapping[str, str]:
        """The reasons by the layer they speak about."""
        names = {*network.inputs, *(layer.name for layer in network.layers)}
        found: dict[str, str] = {}
        for reason in self.reasons:
            where = reason.where
            while where and where not in names:
                where = where.rpartition(".")[0]
            if where:
                found[where] = f"{found[where]}; {reason.text}" if where in found else reason.text
        return found


def conflict_of(answer: Answer) -> Conflict:
    """What an answer says of why nothing fits."""
    return Conflict.of(answer.reasons, [answer.hint])
