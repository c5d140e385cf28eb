"""The questions one can ask about a network, and who is asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from netsolve.answer import Answer, Solution, solution_of
from netsolve.deadline import Deadline
from netsolve.engines.base import Engine
from netsolve.errors import DocumentError, FaultError, Mistake, UndecidedError
from netsolve.network import Network
from netsolve.problem import EQUAL, Factor, Problem, Written, pose

WIDEST = 100
"""The largest padding that is tried when the default values do not suffice (a 3x3 convolution with 100 is real)."""


def solve(network: Network, *, timeout: float | None = 60.0) -> Answer:
    """The values that fit and are liked best.

    timeout: seconds; None for no limit. Raises DocumentError for what cannot be a network at all.
    """
    deadline, problem = Deadline(timeout), pose(network)
    if not problem.domains:
        if problem.violations:
            first = problem.violations[0]
            place = f"{first.label.layer}: " if first.label.layer else ""
            return Answer(network, "unsolvable", reason=f"{place}{why(first)}")
        return Answer(network, "solved", solution_of(problem, {}), count=1, engine="arithmetic")
    engine = default_engine()
    try:
        best = ask(engine, problem, deadline)
        hint = "" if best else wider(engine, network, deadline)
    except UndecidedError as error:
        return Answer(network, "unknown", engine=engine.name, reason=str(error))
    return Answer(network, "solved" if best else "unsolvable", best, engine=engine.name, hint=hint)


def default_engine() -> Engine:
    """The engine that decides."""
    from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

    return Z3Engine()


def ask(engine: Engine, problem: Problem, deadline: Deadline) -> Solution | None:
    """An engine's best assignment, checked by plain integers."""
    assignment = engine.best(problem, deadline)
    if assignment is None:
        return None
    if factor := problem.broken(assignment):
        msg = f"{engine.name} gives values that do not fit: {factor.label.layer}: {factor.label.text}"
        raise FaultError(msg)
    return solution_of(problem, assignment)


def wider(engine: Engine, network: Network, deadline: Deadline) -> str:
    """What a wider range of paddings would give where the default values give nothing."""
    try:
        found = ask(engine, pose(network, widest=WIDEST), deadline)
    except UndecidedError:
        return ""
    if found is None:
        return ""
    changed = ", ".join(f"{key} = {value}" for key, value in found.values.items() if key.endswith(".padding"))
    return f"no padding within the default values fits; a wider range would: {changed}"


@dataclass(frozen=True)
class Check:
    """The sizes of a fully known network.

    shapes: after each input and layer, up to the first that does not fit; parameters: learned numbers in all;
    problem: the first thing that does not fit, with both numbers.
    """

    shapes: Mapping[str, tuple[int, ...]]
    parameters: int
    problem: Mistake | None = None


def check(network: Network) -> Check:
    """The sizes and parameters of a fully known network, by plain arithmetic.

    Raises DocumentError for what cannot be a network at all, and where something is unknown.
    """
    problem = pose(network)
    if problem.questions:
        keys = ", ".join(question.key for question in problem.questions)
        text = f"check is for networks without question marks; unknown here: {keys}"
        raise DocumentError([Mistake("", text, "use solve")], network.source.file if network.source else "")
    if problem.violations:
        first = problem.violations[0]
        reached = [layer.name for layer in network.layers]
        stop = reached.index(first.label.layer) if first.label.layer in reached else len(reached)
        shapes = {name: tuple(map(int, problem.shapes[name])) for name in (*network.inputs, *reached[:stop])}
        line = network.line(first.label.path)
        return Check(shapes, 0, Mistake(first.label.layer, why(first), line=line))
    shapes = {name: tuple(map(int, shape)) for name, shape in problem.shapes.items()}
    inputs = {layer.name: tuple(shapes[name] for name in layer.inputs) for layer in network.layers}
    return Check(shapes, sum(layer.op.parameters(inputs[layer.name]) for layer in network.layers))


def why(factor: Factor) -> str:
    """What a relation between integers says that is not so, with the integers."""
    if factor.formula is EQUAL:
        left, right = factor.operands
        if isinstance(right, Written) and right.layer == factor.label.layer:
            return f"{factor.label.text}, and it is {left}"
        if isinstance(left, Written) and left.layer == factor.label.layer:
            return f"{left.key} is {left}, and the input implies {right}"
        return f"{factor.label.text}: {left} and {right}"
    pairs = zip(factor.formula.operands, factor.operands, strict=True)
    numbers = ", ".join(f"{name} = {value}" for name, value in pairs)
    return f"{factor.label.text}: here {numbers}" if numbers else factor.label.text
