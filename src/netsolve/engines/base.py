"""The interface that every engine has."""

from collections.abc import Mapping
from typing import Protocol

from netsolve.deadline import Deadline
from netsolve.problem import Problem, Variable

Assignment = Mapping[Variable, int]
"""An integer for every variable of a problem."""


class Engine(Protocol):
    """Decides problems. Raises UndecidedError where time or work run out before anything is known."""

    name: str

    def best(self, problem: Problem, deadline: Deadline) -> Assignment | None:
        """The assignment that is liked best, as far as there was time to look; None where there is none."""

    def holds(self, problem: Problem, assignment: Assignment, deadline: Deadline) -> bool:
        """Whether an assignment meets the whole problem, by the engine's own judgement."""
