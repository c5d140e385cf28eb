"""Answers: plain data, from which every text is made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from netsolve.deadline import Deadline
from netsolve.engines.base import Assignment
from netsolve.errors import torch_needed
from netsolve.network import Network
from netsolve.problem import Problem, Variable
from netsolve.verification import Verification

if TYPE_CHECKING:
    from torch import nn

Status = Literal["solved", "unsolvable", "unknown"]


@dataclass(frozen=True)
class Solution:
    """One value for every question mark, and the shapes that follow.

    values: by LAYER.ARGUMENT, and `input` for the shape of the input: an integer where the document has one question
    mark, a tuple where it has a list; unknowns: the values of named unknowns; shapes: after each input and layer,
    without batch; network: the network with these values in place.
    """

    network: Network
    values: Mapping[str, Any]
    unknowns: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]
    problem: Problem
    assignment: Assignment
    probability: float | None = None

    def __getitem__(self, key: str) -> Any:
        """The value of one question mark."""
        return self.values[key]

    def build(self) -> "nn.Module":
        """The network as a torch module, on the CPU, with torch's usual initial weights.

        Raises TorchError where torch cannot be imported.
        """
        with torch_needed():
            from netsolve.build import build  # noqa: PLC0415 - torch takes seconds to import

        return build(self.network, self.shapes)

    def verify(self) -> Verification:
        """Run the network in torch and compare the shape after every layer.

        Raises TorchError where torch cannot be imported.
        """
        with torch_needed():
            from netsolve.verify import verify  # noqa: PLC0415 - torch takes seconds to import

        return verify(self.network, self.shapes)

    def prove(self, timeout: float | None = 60.0) -> bool:
        """Whether z3's joint constraints of the whole network hold for these values.

        Raises UndecidedError if that takes longer than `timeout` seconds.
        """
        from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

        return Z3Engine().holds(self.problem, self.assignment, Deadline(timeout))


@dataclass(frozen=True)
class Answer:
    """What is known about a network.

    status: "solved", "unsolvable", or "unknown" where it was not decided (`reason` says why); best: the solution that
    is liked best; hint: what would help where nothing fits.
    """

    network: Network
    status: Status
    best: Solution | None = None
    count: int | None = None
    engine: str = ""
    reason: str = ""
    hint: str = ""

    @property
    def network_solved(self) -> Network:
        """The network with the best values in place, or as it was asked about."""
        return self.network if self.best is None else self.best.network

    def solutions(self, limit: int | None = None) -> Iterator[Solution]:
        """The solutions that were found, best first."""
        if self.best is not None and (limit is None or limit > 0):
            yield self.best


def solution_of(problem: Problem, assignment: Assignment) -> Solution:
    """An engine's assignment in the user's terms."""

    def number(size: Any) -> int:
        return assignment[size] if isinstance(size, Variable) else int(size)

    values = {question.key: question.answer(assignment) for question in problem.questions}
    return Solution(
        problem.network.with_values(values),
        values,
        {name: assignment[variable] for name, variable in problem.unknowns.items()},
        {name: tuple(map(number, shape)) for name, shape in problem.shapes.items()},
        problem,
        assignment,
    )
