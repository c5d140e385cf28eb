"""The questions one can ask about a network, and who is asked."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from netsolve.answer import PREFERENCES, Answer, Order, Preference, Solution, order_of, solution_of, solutions_of
from netsolve.deadline import Deadline
from netsolve.domain import Unknown
from netsolve.engines.base import Assignment
from netsolve.engines.elimination import tables_of
from netsolve.engines.endless import apart, pinned
from netsolve.engines.ordered import ORDERS
from netsolve.engines.plausible import Plausibility
from netsolve.engines.relations import TooLargeError, unlisted
from netsolve.errors import DocumentError, FaultError, Mistake, UndecidedError, UsageError
from netsolve.frozen import frozen
from netsolve.hints import Hint, hints_for
from netsolve.network import Network
from netsolve.ops.arguments import show
from netsolve.posing import pose
from netsolve.problem import EQUAL, Factor, Problem, Variable, Written

ARITHMETIC, ELIMINATION = "arithmetic", "exact elimination"
BOTH = f"z3 and {ELIMINATION}"
LIKELIEST = "the habits of authors"

IMPROVING = 0.75
"""The part of the time in which z3 may look for smaller values, before the rest is answered with those it has."""

CHECKING = 60.0
"""Seconds for what a check has to search: values of named unknowns that stand in `out` alone."""

HINTING = 1.0
"""Seconds for what a wider range would give, once it is known that nothing fits."""

WIDEST = 100
"""The largest padding that is tried when the default values do not suffice (a 3x3 convolution with 100 is real)."""


def solve(network: Network, *, timeout: float | None = 60.0, prefer: Preference = "habits") -> Answer:
    """The values that fit, the most plausible first.

    Unknowns without an upper bound take the smallest values that fit where all others are as near to "same" as they can
    be; the answer is the best one with these, and the only one that is listed.

    timeout: seconds; None for no limit; prefer: "habits" (of authors), "small" (least total padding) or "same" (fewest
    layers off "same"). Raises DocumentError for what cannot be a network at all, UsageError for another preference.
    """
    if prefer not in PREFERENCES:
        msg = f"prefer is one of {', '.join(PREFERENCES)}, not {show(prefer)}"
        raise UsageError(msg)
    deadline = Deadline(timeout)
    found = answered(network, prefer, deadline)
    if found.status != "unsolvable" or found.engine == ARITHMETIC:
        return found
    return replace(found, hint=wider(network, deadline))


def answered(network: Network, prefer: Preference, deadline: Deadline) -> Answer:
    """The same, without a look at what a wider range would give where nothing fits."""
    try:
        problem = pose(network, deadline=deadline)
    except UndecidedError as error:
        return Answer(network, "unknown", engine=ELIMINATION, reasons=(Mistake("", str(error)),))
    if not problem.domains:
        return known(problem)
    try:
        order = order_of(problem, prefer, deadline)
        if order is None:
            return Answer(network, "unsolvable", count=0, engine=ELIMINATION)
        return by_elimination(problem, order, prefer)
    except TooLargeError as error:
        return unlisted_pinned(problem, prefer, deadline, str(error))
    except UndecidedError as error:
        return Answer(network, "unknown", engine=ELIMINATION, reasons=(Mistake("", str(error)),))


def known(problem: Problem) -> Answer:
    """The answer for a network without unknowns: its sizes, or what does not fit."""
    if not problem.violations:
        return Answer(problem.network, "solved", solution_of(problem, {}, 1.0), count=1, engine=ARITHMETIC)
    reasons = tuple(dict.fromkeys(mistake_of(problem, factor) for factor in problem.violations))
    return Answer(problem.network, "unsolvable", count=0, engine=ARITHMETIC, reasons=reasons)


def mistake_of(problem: Problem, factor: Factor) -> Mistake:
    """What a relation says that is not so, with its layer and line."""
    return Mistake(factor.label.layer, why(factor), line=problem.network.line(factor.label.path))


def by_elimination(problem: Problem, order: Order, prefer: Preference) -> Answer:
    """The answer of the exact engine; where tables cannot hold the rest, the best assignment alone."""
    checked(problem, order.best, ELIMINATION)
    try:
        count = order.tables.count()
    except TooLargeError as error:
        return uncounted(solution_of(problem, order.best), LIKELIEST, str(error))
    solution = next(solutions_of(problem, [(0.0, order.best)], order))
    supports = order.tables.supports()
    forced = {
        question.key: solution.values[question.key]
        for question in problem.questions
        if all(len(supports[v]) == 1 for v in question.entries if isinstance(v, Variable))
    }
    hints = hints_for(order, order.best) if isinstance(order, Plausibility) else ()
    found = Answer(problem.network, "solved", solution, count, ELIMINATION, forced=forced, hints=hints)
    return replace(found, order=order, prefer=prefer)


def unlisted_pinned(problem: Problem, prefer: Preference, deadline: Deadline, reason: str) -> Answer:
    """One answer where tables cannot hold everything.

    What they cannot list takes its smallest values: the least of all where that can cost nothing else, or what z3
    finds. The rest is answered by exact elimination as ever, or by z3 where that is still too large.
    """
    least = unlisted(problem, deadline)
    if least and apart(problem, least):
        with suppress(UndecidedError):
            if found := pinned_best(problem, least, prefer, deadline):
                return uncounted(solution_of(problem, found), ELIMINATION, reason)
    answer = by_z3(problem, deadline, reason)
    if answer.best is None or not least:
        return answer
    smallest = {variable: answer.best.assignment[variable] for variable in least}
    try:
        found = pinned_best(problem, smallest, prefer, deadline)
    except UndecidedError:
        return answer
    if found is None:
        msg = f"z3 gives values that fit, and {ELIMINATION} finds nothing that fits with them"
        raise FaultError(msg)
    return uncounted(solution_of(problem, found), BOTH, reason)


def pinned_best(problem: Problem, values: Assignment, prefer: Preference, deadline: Deadline) -> Assignment | None:
    """The best assignment with these values; None where there is none. Raises UndecidedError where that stays open."""
    order = order_of(pinned(problem, values), prefer, deadline)
    if order is None:
        return None
    checked(problem, order.best, ELIMINATION)
    return order.best


def by_z3(problem: Problem, deadline: Deadline, reason: str) -> Answer:
    """The answer of z3, for what tables cannot hold."""
    from netsolve.engines.z3 import Z3Engine  # noqa: PLC0415 - z3 takes a third of a second to import

    network = problem.network
    improving = Deadline(None if deadline.seconds is None else IMPROVING * deadline.remaining)
    try:
        found = Z3Engine().best(problem, deadline, improving)
        if found is None:
            return Answer(network, "unsolvable", count=0, engine="z3")
    except UndecidedError as error:
        return Answer(network, "unknown", engine="z3", reasons=(Mistake("", str(error)),))
    checked(problem, found, "z3")
    return uncounted(solution_of(problem, found), "z3", reason)


def uncounted(solution: Solution, engine: str, reason: str) -> Answer:
    """One answer where tables cannot hold all of them, and why."""
    hints = (Hint("", f"{reason}: how many assignments there are is not counted"),)
    return Answer(solution.problem.network, "solved", solution, engine=engine, hints=hints)


def checked(problem: Problem, assignment: Assignment, engine: str) -> None:
    """Raise FaultError unless an engine's assignment holds in plain integers."""
    known_values = {v: assignment[v] for v in problem.domains}
    if factor := problem.broken(known_values):
        msg = f"{engine} gives values that do not fit: {factor.label.layer}: {factor.label.text}"
        raise FaultError(msg)


def wider(network: Network, deadline: Deadline) -> str:
    """What a wider range of paddings would give where the default values give nothing."""
    soon = Deadline(min(deadline.remaining, HINTING))
    try:
        problem = pose(network, widest=WIDEST, deadline=soon)
        order = ORDERS["small"](problem, soon)
    except UndecidedError:
        return ""
    if order is None:
        return ""
    found = solution_of(problem, order.best)
    changed = ", ".join(f"{key} = {value}" for key, value in found.values.items() if key.endswith(".padding"))
    return f"no padding within the default values fits; a wider range would: {changed}" if changed else ""


def count(network: Network, *, timeout: float | None = 60.0) -> int | None:
    """How many assignments fit, exactly; None where an unknown has no upper bound or there are too many combinations.

    Raises DocumentError for what cannot be a network at all, UndecidedError where the time is over.
    """
    return counted(network, timeout)[0]


def counted(network: Network, timeout: float | None) -> tuple[int | None, str]:
    """How many assignments fit; where that is not known None, and why."""
    deadline = Deadline(timeout)
    problem = pose(network, deadline=deadline)
    if not problem.domains:
        return (0 if problem.violations else 1), ""
    try:
        tables = tables_of(problem, deadline)
    except TooLargeError as error:
        return None, str(error)
    return (0 if tables is None else tables.count()), ""


@dataclass(frozen=True)
class Check:
    """The sizes of a fully known network.

    shapes: after each input and layer, up to the first that does not fit; parameters: learned numbers in all;
    problem: the first thing that does not fit, with both numbers.
    """

    shapes: Mapping[str, tuple[int, ...]]
    parameters: int
    problem: Mistake | None = None

    def __post_init__(self) -> None:
        """Let nothing change the results."""
        object.__setattr__(self, "shapes", frozen(self.shapes))


def check(network: Network) -> Check:
    """The sizes and parameters of a fully known network, by plain arithmetic.

    Raises DocumentError for what cannot be a network at all, and where something is unknown.
    """
    problem = pose(network)
    if unknown := unknowns_in(problem):
        raise DocumentError(unknown, network.source.file if network.source else "")
    if problem.violations:
        first = problem.violations[0]
        reached = [layer.name for layer in network.layers]
        stop = reached.index(first.label.layer) if first.label.layer in reached else len(reached)
        shapes = {name: tuple(map(int, problem.shapes[name])) for name in (*network.inputs, *reached[:stop])}
        return Check(shapes, 0, mistake_of(problem, first))
    shapes = {name: tuple(map(int, shape)) for name, shape in problem.shapes.items()}
    if problem.domains and tables_of(problem, Deadline(CHECKING)) is None:
        return Check(shapes, 0, Mistake("", contradiction(problem), "correct what is stated by `out` or a constraint"))
    inputs = {layer.name: tuple(shapes[name] for name in layer.inputs) for layer in network.layers}
    return Check(shapes, sum(layer.op.parameters(inputs[layer.name]) for layer in network.layers))


def contradiction(problem: Problem) -> str:
    """Why no value of a named unknown in `out` fits, where nothing else is unknown."""
    said: dict[Variable, dict[int, str]] = {}
    for factor in problem.factors:
        if factor.formula is EQUAL:
            number, variable = sorted(factor.operands, key=lambda v: isinstance(v, Variable))
            if isinstance(number, int) and isinstance(variable, Variable):
                said.setdefault(variable, {}).setdefault(int(number), factor.label.layer)
    for variable, numbers in said.items():
        if len(numbers) > 1:
            (first, where), (second, there), *_ = numbers.items()
            return f"?{variable.name} is one value, and it would be {first} after {where} and {second} after {there}"
    return "no value of the named unknowns fits"


def unknowns_in(problem: Problem) -> list[Mistake]:
    """A mistake for each question mark of a document, where there should be none."""
    network = problem.network
    found: dict[Any, Mistake] = {}
    for question in problem.questions:
        name, _, argument = question.key.rpartition(".")
        written = getattr(network.by_name[name].op, argument) if name else network.inputs[question.key]
        several = () if set(network.inputs) == {"input"} else ("inputs",)
        for index, entry in enumerate(written if question.listed else (written,)):
            if isinstance(entry, Unknown):
                place = index if question.listed else None
                where = question.key + (f"[{index}]" if question.listed else "")
                path = network.by_name[name].at(argument, place) if name else (*several, question.key, index)
                text = "a question mark, and check is for networks without"
                mistake = Mistake(where, text, "use solve", network.line(path))
                found.setdefault(path if network.source else where, mistake)
    for layer in network.layers:
        sizes = getattr(layer.op, "out", None)
        if any(isinstance(size, Unknown) for size in (sizes if isinstance(sizes, tuple) else (sizes,))):
            text, path = "a size that nothing implies, and check is for networks without", layer.at("out")
            found[path] = Mistake(f"{layer.name}.out", text, "use solve", network.line(path))
    return list(found.values())


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
    return factor.label.unmet(numbers)
