"""What an engine gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from netsolve.deadline import Deadline
from netsolve.problem import Variable

Assignment = Mapping[Variable, int]
"""An integer for every variable of a problem."""

Witness = Callable[[str, Sequence[str], Deadline], bool]
"""Whether it is found in time in another way that all relations fit without those of one label, where others hold."""


@dataclass(frozen=True)
class Times:
    """Until when it is asked whether anything contradicts itself, and how many seconds then what of it is needed."""

    whole: Deadline
    proof: float


@dataclass(frozen=True)
class Contradiction:
    """Labels whose relations contradict the unlabelled ones; minimal: each was shown to be needed."""

    labels: tuple[str, ...]
    minimal: bool
