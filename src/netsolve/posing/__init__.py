"""From a network to the constraint problem that it states."""

from os import PathLike

from netsolve.deadline import NEVER, Deadline
from netsolve.domain import POSITIVE, Unknown
from netsolve.errors import DocumentError, UsageError
from netsolve.garbage import unswept
from netsolve.network import Network
from netsolve.posing.constraints import constrain
from netsolve.posing.draft import Draft
from netsolve.posing.layer import LayerTrace
from netsolve.posing.stated import stated
from netsolve.problem import Problem, Question, Variable, Written

__all__ = ["pose", "taken"]

LOOK = 200
"""How many layers are posed between two looks at the time: a few hundredths of a second."""


@unswept()
def pose(network: Network, *, widest: int | None = None, deadline: Deadline = NEVER) -> Problem:
    """The network as a problem.

    widest: take paddings of convolutions up to this number where the document gives no values, instead of the default
    ones. Raises DocumentError with everything that cannot be a network at all (a layer on an input of the wrong kind,
    an expression that names nothing), UndecidedError past the deadline.
    """
    draft = Draft(taken(network), widest)
    _inputs(draft)
    layers = {layer.name: LayerTrace(draft, layer) for layer in network.layers}
    draft.traces.update(layers)
    for index, trace in enumerate(layers.values(), 1):
        if index % LOOK == 0:
            deadline.check()
        trace.pose()
    _output(draft)
    for index, expression in enumerate(network.constraints):
        constrain(draft, expression, ("constraints", index), layers)
    if draft.mistakes:
        raise DocumentError(draft.mistakes, network.source.file if network.source else "")
    return draft.problem()


def taken(network: object) -> Network:
    """What was given, if it is a network. Raises UsageError, with what to give, where it is none."""
    if isinstance(network, Network):
        return network
    remedy = f"load({network!r:.60})" if isinstance(network, str | PathLike) else "load(FILE) or Network(...)"
    if isinstance(network, str) and "=" in network:
        remedy = "loads(TEXT)"
    if hasattr(network, "forward"):
        remedy = "solve_module(module, input) or from_module(module, input)"
    msg = f"a network is asked for, and this is {type(network).__name__}: use {remedy}"
    raise UsageError(msg)


def _inputs(draft: Draft) -> None:
    """Variables for the unknown sizes of the inputs."""
    several = set(draft.network.inputs) != {"input"}
    for name, sizes in draft.network.inputs.items():
        path = ("inputs", name) if several else ("input",)
        shape = tuple(
            draft.variable(f"{name}[{i}]", size, size.domain or POSITIVE, path)
            if isinstance(size, Unknown)
            else Written.at(size, f"{name}[{i}]", "", path)
            for i, size in enumerate(sizes)
        )
        draft.shapes[name] = shape
        draft.channels_first[name] = len(shape) > 1
        if any(isinstance(size, Variable) for size in shape):
            draft.questions.append(Question(name, shape, listed=True))


def _output(draft: Draft) -> None:
    """Hold the shapes at the end against the document's `output`."""
    output = draft.network.output
    if output is None:
        return
    results = set(draft.network.results)
    for layer in draft.network.layers:
        if layer.name in results and layer.name in draft.shapes:
            draft.shapes[layer.name] = stated(draft, layer.name, draft.shapes[layer.name], output, ("output",))
