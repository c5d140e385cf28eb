"""Answers: plain data, from which every text is made."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from sys import maxsize
from typing import TYPE_CHECKING, Any, Literal, Protocol

from netsolve.deadline import Deadline
from netsolve.engines.base import Assignment
from netsolve.engines.elimination import Ranked, Tables
from netsolve.engines.ordered import ORDERS
from netsolve.engines.plausible import Plausibility, plausibility_of
from netsolve.errors import Mistake, UnknownKeyError, UsageError, torch_needed
from netsolve.frozen import Frozen, frozen
from netsolve.habits import learned
from netsolve.hints import Hint
from netsolve.network import Network
from netsolve.posing import pose
from netsolve.problem import Problem, Variable
from netsolve.verification import Verification
from netsolve.words import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

Status = Literal["solved", "unsolvable", "unknown"]
Preference = Literal["habits", "small", "same"]
PREFERENCES = ("habits", "small", "same")


class Order(Protocol):
    """All assignments of a problem, in the order of a preference."""

    @property
    def tables(self) -> Tables:
        """The problem, propagated and compiled."""

    @property
    def best(self) -> dict[Variable, int]:
        """The first."""

    def ranked(self) -> Ranked:
        """All of them, lazily, with their costs."""


@dataclass(frozen=True)
class Solution:
    """One value for every question mark, and the shapes that follow.

    values: by LAYER.ARGUMENT, and `input` for the shape of the input: an integer where the document has one question
    mark, a tuple where it has a list; unknowns: the values of named unknowns; shapes: after each input and layer,
    without batch; network: the network with these values in place; problem, assignment: what they were found for, and
    the values of all its variables.
    """

    network: Network = field(repr=False)
    values: Mapping[str, Any]
    unknowns: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]] = field(repr=False)
    problem: Problem = field(repr=False, compare=False)
    assignment: Assignment = field(repr=False, compare=False)
    probability: float | None = None

    def __post_init__(self) -> None:
        """Let nothing change the results."""
        for name in ("values", "unknowns", "shapes"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __getstate__(self) -> dict[str, Any]:
        """All but the problem, which is posed again from its network where it is needed."""
        state = dict(self.__dict__)
        if "problem" in state:
            problem, assignment = state.pop("problem"), state.pop("assignment")
            state["_asked"] = (problem.network, tuple(assignment[v] for v in problem.domains if v in assignment))
        return state

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Pose the problem again after the trip from another process."""
            if name not in {"problem", "assignment"} or "_asked" not in self.__dict__:
                msg = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(msg)
            network, numbers = self.__dict__["_asked"]
            problem = pose(network)
            object.__setattr__(self, "problem", problem)
            object.__setattr__(self, "assignment", dict(zip(problem.domains, numbers, strict=True)))
            del self.__dict__["_asked"]
            return self.__dict__[name]

    def __getitem__(self, key: str) -> Any:
        """The value of one question mark. Raises UnknownKeyError, a KeyError, for a key that is none."""
        if key not in self.values:
            remedy = nearest(str(key), self.values)
            msg = f"there is no question mark {key}" + (f": {remedy}" if remedy.startswith("did") else "")
            raise UnknownKeyError(msg)
        return self.values[key]

    def _repr_html_(self) -> str:
        """The table that the command line prints, for notebooks."""
        from netsolve.report.notebook import solution_html  # noqa: PLC0415 - rendering stands above answers

        return solution_html(self)

    def build(self) -> "nn.Module":
        """The network as a torch module, on the CPU, with torch's usual initial weights.

        Raises TorchError where torch cannot be imported.
        """
        with torch_needed():
            from netsolve.build import build  # noqa: PLC0415 - torch takes seconds to import

        return build(self.network, self.shapes)

    def apply(self, module: "nn.Module") -> "nn.Module":
        """Put the values into the module that the network was made from, in place; returns the module.

        Weights stay where their shapes do, others get torch's usual initial values; nothing else is touched. Raises
        DocumentError, before anything is changed, for a value that stands nowhere in the module's parts: in the code of
        its forward, or in the shape of the input.
        """
        from netsolve.parts import apply  # noqa: PLC0415 - only modules need it

        return apply(module, self.values)

    def verify(self, *, seconds: float | None = None) -> Verification:
        """Run the network in torch and compare the shape after every layer.

        seconds: how long the CPU may take; a longer run is done on the meta device of torch instead, which is said.
        Raises TorchError where torch cannot be imported.
        """
        with torch_needed():
            from netsolve.verify import verify  # noqa: PLC0415 - torch takes seconds to import

        return verify(self.network, self.shapes, seconds=seconds)

    def to_python(self) -> str:
        """The network as the source of a torch module that needs nothing but torch."""
        from netsolve.codegen import python_source  # noqa: PLC0415 - only who asks for code needs it

        return python_source(self.network, self.shapes)

    def to_onnx(self, path: "str | Path") -> None:
        """Write the network as an ONNX file, by torch's exporter, with torch's usual initial weights.

        Raises UsageError where onnx or onnxscript is missing or torch cannot export the network; TorchError where torch
        cannot be imported; FaultError where onnx's shape inference gives an output another shape.
        """
        with torch_needed():
            from netsolve.exporting import export  # noqa: PLC0415 - torch takes seconds to import

        export(self.network, self.shapes, path)

    def prove(self, timeout: float | None = 60.0) -> bool:
        """Whether z3's joint constraints of the whole network hold for these values.

        Raises UndecidedError if that takes longer than `timeout` seconds.
        """
        from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

        return Z3Engine().holds(self.problem, self.assignment, Deadline(timeout))


@dataclass(frozen=True)
class Answer:
    """What is known about a network.

    status: "solved", "unsolvable", or "unknown" where it was not decided; best: the solution that is liked best; count:
    how many assignments fit, None where that is not known; engine: who found it; reasons: what does not fit, or why it
    was not decided, as far as that is known; forced: the values that are equal in all of them; hints: sizes that would
    settle more; hint: what would help where nothing fits; prefer: what was to come first.
    """

    network: Network = field(repr=False)
    status: Status
    best: Solution | None = None
    count: int | None = None
    engine: str = ""
    reasons: tuple[Mistake, ...] = ()
    hint: str = ""
    forced: Mapping[str, Any] = field(default_factory=dict)
    hints: tuple[Hint, ...] = ()
    order: Order | None = field(default_factory=lambda: None, repr=False, compare=False)
    prefer: Preference = "habits"

    def __post_init__(self) -> None:
        """Let nothing change the results."""
        object.__setattr__(self, "forced", frozen(self.forced))

    def __getstate__(self) -> dict[str, Any]:
        """All but the order of the solutions, which is found again where it is needed."""
        state = dict(self.__dict__)
        if state.get("order") is not None:
            del state["order"]
        return state

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Find the order again after the trip from another process."""
            best = self.__dict__.get("best")
            if name != "order" or best is None:
                msg = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(msg)
            object.__setattr__(self, "order", order_of(best.problem, self.prefer, Deadline()))
            return self.order

    def _repr_html_(self) -> str:
        """The table that the command line prints, for notebooks."""
        from netsolve.report.notebook import answer_html  # noqa: PLC0415 - rendering stands above answers

        return answer_html(self)

    @property
    def reason(self) -> str:
        """The first of the reasons as a line; empty where there is none."""
        return str(self.reasons[0]) if self.reasons else ""

    @property
    def network_solved(self) -> Network:
        """The network with the best values in place, or as it was asked about."""
        return self.network if self.best is None else self.best.network

    def solutions(self, limit: int | None = None) -> Iterator[Solution]:
        """The solutions, best first, lazily.

        Where an unknown has no upper bound, or tables cannot hold the rest, only the best one is listed: `count` is
        None then, and `hints` say why.

        Raises UsageError for a limit below 0.
        """
        if limit is not None and not (isinstance(limit, int) and limit >= 0):
            msg = f"limit is how many solutions to give, not {limit!r:.40}"
            raise UsageError(msg)
        if self.order is None or self.best is None:
            every = iter([] if self.best is None else [self.best])
        else:
            every = solutions_of(self.best.problem, self.order.ranked(), self.order)
        return islice(every, None if limit is None else min(limit, maxsize))

    def shares(self) -> dict[str, dict[Any, float]]:
        """For each question mark the probability of each of its values; empty where that is not defined.

        A list has one entry an axis or side: its values are looked at apart, by LAYER.ARGUMENT[i].
        """
        if not isinstance(self.order, Plausibility) or self.best is None or not self.order.explored.complete:
            return {}
        found = self.order.explored.shares({})
        rows: dict[str, dict[Any, float]] = {}
        for question in self.best.problem.questions:
            for index, operand in enumerate(question.entries):
                if isinstance(operand, Variable):
                    key = f"{question.key}[{index}]" if question.listed else question.key
                    rows[key] = {(bool(v) if question.boolean else v): p for v, p in found[operand].items() if p > 0}
        return rows


def order_of(problem: Problem, prefer: Preference, deadline: Deadline) -> Order | None:
    """The assignments in the order of a preference; None where nothing fits."""
    if prefer == "habits":
        return plausibility_of(problem, learned(), deadline)
    return ORDERS[prefer](problem, deadline)


def solution_of(problem: Problem, assignment: Assignment, probability: float | None = None) -> Solution:
    """An engine's assignment in the user's terms."""

    def number(size: Any) -> int:
        return assignment[size] if isinstance(size, Variable) else int(size)

    values = Frozen({question.key: question.answer(assignment) for question in problem.questions})
    shapes = {name: tuple(map(number, shape)) for name, shape in problem.shapes.items()}
    taken = {f"{layer.name}.out": shapes[layer.name] for layer in problem.network.layers if "out" in layer.op.arguments}
    return Solution(
        problem.network.with_values({**values, **taken}),
        values,
        {name: assignment[variable] for name, variable in problem.unknowns.items()},
        shapes,
        problem,
        {v: assignment[v] for v in problem.domains},
        probability,
    )


def solutions_of(
    problem: Problem, ranked: Iterable[tuple[float, dict[Variable, int]]], order: Order
) -> Iterator[Solution]:
    """Assignments in the user's terms, with their probabilities where the order defines them."""
    for _, assignment in ranked:
        chance = None
        if isinstance(order, Plausibility):
            chance = order.explored.probability(order.weight(assignment))
        yield solution_of(problem, assignment, chance)
