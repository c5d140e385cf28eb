"""What is known about a network that cannot work: plain data, from which every text is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netsolve.frozen import frozen
from netsolve.network import Network

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Statement:
    """A number, or a range, that the document states.

    key: LAYER.ARGUMENT (LAYER.out for a stated size), `input`, `output` or `constraints[i]`; layer: empty where it is
    none's; text: what is stated, as its author would say it; line: 1-based, None for networks made in code.
    """

    key: str
    layer: str
    text: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence of an explanation. layer: which it is about, empty where none; line: where the document says it."""

    layer: str
    text: str
    line: int | None = None

    def __str__(self) -> str:
        """One line, with the number of the document's line."""
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.layer + ': ' if self.layer else ''}{self.text}"


@dataclass(frozen=True)
class Change:
    """What would make a network work.

    set: by LAYER.ARGUMENT, LAYER.out, `input` or `output`, the value that would have to stand there; text: the same as
    a sentence; network: the network with it; verified: whether torch ran it with every shape as predicted (None: not on
    the CPU, and `note` says why).
    """

    set: Mapping[str, Any]
    text: str
    network: Network = field(repr=False, compare=False)
    verified: bool | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Let nothing change the result."""
        object.__setattr__(self, "set", frozen(self.set))

    def apply(self, module: "nn.Module") -> "nn.Module":
        """Make the change in the module that the network was made from, in place; returns the module.

        Weights stay where their shapes do. Raises DocumentError, before anything is changed, for what stands nowhere in
        the module's parts.
        """
        from netsolve.parts import apply  # noqa: PLC0415 - only modules need it

        return apply(module, self.set)


@dataclass(frozen=True)
class Conflict:
    """Why a network cannot work.

    reasons: where it breaks, then what contradicts each other, in the order in which one would check it; stated: how
    many of the reasons, the last ones, are of the second kind; statements: the smallest set of what is stated that
    cannot be true together; minimal: whether it was shown that each of them is needed; changes: what would help, the
    likeliest first, each solved and run. All are empty where the network works.
    """

    reasons: tuple[Reason, ...] = ()
    statements: tuple[Statement, ...] = ()
    changes: tuple[Change, ...] = ()
    minimal: bool = True
    stated: int = 0
