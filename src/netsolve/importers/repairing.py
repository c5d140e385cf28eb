"""Explanations and repairs of networks and of torch modules alike."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netsolve.conflicts.base import Conflict
from netsolve.conflicts.explanation import explain as explain_network
from netsolve.conflicts.repairs import Repair
from netsolve.conflicts.repairs import repair as repair_network
from netsolve.errors import UsageError, torch_needed
from netsolve.network import Network
from netsolve.parts import elsewhere
from netsolve.posing import taken

if TYPE_CHECKING:
    from torch import nn


def network_of(
    question: str,
    subject: "Network | nn.Module",
    input: Any,
    output: Sequence[int] | None,
    opaque: Mapping[str, Sequence[int]] | None,
) -> Network:
    """The network of a subject: itself, or a module's on an input. question: the function that asks.

    Raises UsageError for arguments that are not taken, TorchError where torch cannot be imported.
    """
    if not hasattr(subject, "forward"):
        if not (input is None and output is None and opaque is None):
            msg = "input, output and opaque are for torch modules; a Network has its own"
            raise UsageError(msg)
        return taken(subject)
    if input is None:
        msg = f"{question} of a torch module takes its input: {question}(module, input=(3, 96, 96))"
        raise UsageError(msg)
    with torch_needed():
        from netsolve.importers.modules import from_module  # noqa: PLC0415 - torch takes seconds to import
    module: Any = subject
    return from_module(module, input, output=output, opaque=opaque)


def explain(  # noqa: PLR0913 - all but the subject by name
    subject: "Network | nn.Module",
    *,
    input: Any = None,
    output: Sequence[int] | None = None,
    opaque: Mapping[str, Sequence[int]] | None = None,
    timeout: float | None = 20.0,
    run: bool = True,
) -> Conflict:
    """Why a network, or a torch module on an input, cannot work, and the smallest changes that would make it work.

    input, output, opaque: of a module, as in from_module. timeout: seconds for the search; run: whether torch runs each
    change before it is given. What works gives an empty conflict. Raises DocumentError for what cannot be a network at
    all or cannot be traced, UsageError for arguments that are not taken, UndecidedError where it is not known whether
    anything fits, TorchError where torch cannot be imported.
    """
    return explain_network(network_of("explain", subject, input, output, opaque), timeout=timeout, run=run)


def repair(  # noqa: PLR0913 - all but the subject by name
    subject: "Network | nn.Module",
    *,
    input: Any = None,
    output: Sequence[int] | None = None,
    opaque: Mapping[str, Sequence[int]] | None = None,
    keep: Sequence[str] = (),
    most: int = 5,
    timeout: float | None = 30.0,
    run: bool = True,
) -> Repair:
    """The cheapest sets of changes that make a network, or a torch module on an input, work.

    Fewest numbers first, then likeliest. input, output, opaque: of a module, as in from_module. Of a module only its
    parts may change, not its input and not what is written in the code of its forward. A change's `set` has what a user
    would type behind the module ("features.0.padding"), and its `apply(module)` does it. keep: what must stay:
    LAYER.ARGUMENT, LAYER, ARGUMENT, `input` or `output`; most: how many sets to give. Raises DocumentError for what
    cannot be a network at all or cannot be traced, UsageError for arguments that are not taken, TorchError where torch
    cannot be imported.
    """
    keep = (keep,) if isinstance(keep, str) else keep
    if not isinstance(keep, Sequence) or not all(isinstance(key, str) for key in keep):
        msg = f'keep is a list of what must stay, such as ["conv2d_1.padding", "input"], not {keep!r:.40}'
        raise UsageError(msg)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        msg = f"most is how many sets of changes to give, at least 1, not {most!r:.40}"
        raise UsageError(msg)
    network = network_of("repair", subject, input, output, opaque)
    if isinstance(subject, Network):
        return repair_network(network, keep=keep, most=most, timeout=timeout, run=run)
    stated = ("output",) if output is not None else ()
    code = elsewhere(subject, [layer.name for layer in network.layers])
    kept = dict.fromkeys((*network.inputs, *stated, *code, *keep))
    return repair_network(network, keep=tuple(kept), most=most, timeout=timeout, run=run)
