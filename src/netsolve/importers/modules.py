"""Torch modules as networks, and the values found for them."""

import traceback
from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn

from netsolve.answer import Answer, Preference
from netsolve.domain import Unknown
from netsolve.errors import DocumentError, Mistake, NetsolveError, UsageError
from netsolve.importers.extent import RefusedError
from netsolve.importers.tensors import WAY_ON
from netsolve.importers.tracing import Tracer, input_name
from netsolve.network import Layer, Network
from netsolve.ops import OPERATORS
from netsolve.ops.arguments import AskedSwitch, Window, show
from netsolve.parts import layer_name
from netsolve.queries import solve
from netsolve.words import nearest

Shape = Sequence[int]
Unknowns = str | Iterable[str] | Mapping[str, str]

OURS = (str(Path(torch.__file__).parent), str(Path(__file__).parent.parent))
BLANKABLE = frozenset(
    key for kind in OPERATORS.values() for key, arg in kind.arguments.items() if isinstance(arg, Window | AskedSwitch)
)
"""Arguments that can be blanked by name: those of windows, and ceil_mode."""


def from_module(
    module: nn.Module,
    input: Shape | Mapping[str, Shape] | Sequence[Shape],
    *,
    output: Shape | None = None,
    unknown: Unknowns = (),
    opaque: Mapping[str, Shape] | None = None,
) -> Network:
    """The network of a torch module, which is traced by torch.fx and not run: it need not fit.

    input: the shape of the input without batch, such as (3, 96, 96); where forward takes several tensors, a list of
    shapes in its order or a mapping by the names of its parameters. output: what is known of the shape at the end.
    unknown: arguments of windows to be blanked: "padding", ("padding", "kernel_size"), {"padding": "0..3"}, or one
    layer's: "features.0.padding". opaque: the shapes after parts that are not to be looked into, by path.

    Layers have the names of the module's parts ("features.0"), and `__2`, `__3`, ... behind them where a part is called
    again; calls in the code of forward have the name of the part whose code it is, the operator and a number. What only
    changes numbers (x * 2, torch.exp) leaves no layer; a difference stands as add, a quotient as mul. Unknowns that the
    module holds (netsolve.unknown) are unknowns of the network. The module is traced as eval() has it, and left as it
    was. Raises DocumentError, with the line of the module's code, for what cannot be followed; UsageError for arguments
    that from_module does not take.
    """
    if not isinstance(module, nn.Module):
        msg = f"from_module takes a torch.nn.Module, not {type(module).__name__}"
        raise UsageError(msg)
    if opaque is not None and not isinstance(opaque, Mapping):
        msg = f"opaque is a mapping of shapes by path, not {type(opaque).__name__}"
        raise UsageError(msg)
    asked = unknowns_of(unknown)
    shapes = inputs_of(module, input)
    stated = {path: shape_of(shape, f"opaque {path}") for path, shape in (opaque or {}).items()}
    parts = {path for path, _ in module.named_modules() if path}
    if strange := sorted(stated.keys() - parts):
        msg = f"opaque: the module has no part {strange[0]}; {nearest(strange[0], parts)}"
        raise UsageError(msg)
    tracer = Tracer(shapes, asked, stated)
    _follow(tracer, module)
    network = _network(tracer, module, shape_of(output, "output") if output is not None else None)
    if strange := sorted(
        {key for key in asked if "." in key}
        - {f"{layer.name}.{key}" for layer in network.layers for key in layer.op.arguments}
    ):
        msg = f"unknown: the module has no {strange[0]}"
        raise UsageError(msg)
    return network


def solve_module(  # noqa: PLR0913 - all but the module by name
    module: nn.Module,
    input: Shape | Mapping[str, Shape] | Sequence[Shape],
    *,
    output: Shape | None = None,
    unknown: Unknowns = (),
    opaque: Mapping[str, Shape] | None = None,
    timeout: float | None = 60.0,
    prefer: Preference = "habits",
) -> Answer:
    """The values of a module's unknowns that fit; `answer.best.apply(module)` puts them in.

    Parameters as in from_module and solve.
    """
    network = from_module(module, input, output=output, unknown=unknown, opaque=opaque)
    return solve(network, timeout=timeout, prefer=prefer)


def _follow(tracer: Tracer, module: nn.Module) -> None:
    """Trace a module; what goes wrong becomes a mistake with the line of its code."""
    try:
        tracer.follow(module)
    except RefusedError as error:
        raise _refused(tracer, error, error.text, error.remedy) from None
    except fx.proxy.TraceError:
        text = "the code does something with a tensor that tracing cannot follow"
        raise _refused(tracer, None, text, WAY_ON) from None
    except NetsolveError as error:
        raise _refused(tracer, error, str(error), "") from None
    except RecursionError as error:
        raise _refused(tracer, error, "the code calls itself without end", "") from None
    except Exception as error:
        text = f"the code raises {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        raise _refused(tracer, error, text, WAY_ON) from error


def _refused(tracer: Tracer, error: Exception | None, text: str, remedy: str) -> DocumentError:
    """A mistake at the innermost line that is neither torch's nor netsolve's."""
    where = tracer.where[-1] if tracer.where else ""
    file, line = place_of(error)
    return DocumentError([Mistake(where, text, remedy, line)], file)


def place_of(error: BaseException | None) -> tuple[str, int | None]:
    """File and line of the innermost code that is neither torch's nor netsolve's."""
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    theirs = [frame for frame in frames if not frame.filename.startswith((*OURS, "<frozen"))]
    return (theirs[-1].filename, theirs[-1].lineno) if theirs else ("", None)


def _network(tracer: Tracer, module: nn.Module, output: tuple[int, ...] | None) -> Network:
    """What was traced as a network."""
    name = type(module).__name__
    steps = tracer.shared()
    if not steps or not tracer.results:
        text = "forward calls no layer" if not steps else "forward returns no tensor"
        raise DocumentError([Mistake(name, text)])
    results = list(dict.fromkeys(tracer.results))
    inputs = {input_name(key, len(tracer.inputs)): shape for key, shape in tracer.inputs.items()}
    for index, result in enumerate(results):
        if result in inputs:
            own = tracer.unique("identity_1")
            steps.append((own, OPERATORS["Identity"](), (result,)))
            results[index] = own
    layers = tuple(Layer(own, op, feeds) for own, op, feeds in steps)
    fed = {feed for layer in layers for feed in layer.inputs}
    unused = tuple(layer.name for layer in layers if layer.name not in fed)
    outputs = () if unused == tuple(results) else tuple(results)
    return Network(inputs, layers, output, outputs, name=name, warnings=tuple(tracer.notes.values()))


def inputs_of(module: nn.Module, given: Any) -> dict[str, tuple[int, ...]]:
    """Shapes by the names of forward's parameters. Raises UsageError where they do not go together."""
    parameters = [
        p
        for p in signature(type(module).forward).parameters.values()
        if p.kind not in {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL}
    ][1:]
    names = [parameter.name for parameter in parameters]
    if isinstance(given, Mapping):
        shapes = dict(given)
        if set(shapes) == {"input"} and "input" not in names and names:
            shapes = {names[0]: shapes["input"]}
    elif isinstance(given, list | tuple) and given and isinstance(given[0], list | tuple):
        if len(given) > len(names):
            msg = f"input has {len(given)} shapes, and forward takes {', '.join(names) or 'nothing'}"
            raise UsageError(msg)
        shapes = dict(zip(names, given, strict=False))
    else:
        shapes = {names[0] if names else "input": given}
    needed = [p.name for p in parameters if p.default is Parameter.empty]
    if strange := [name for name in shapes if name not in names]:
        msg = f"input: forward has no parameter {show(strange[0])}; it takes {', '.join(names) or 'nothing'}"
        raise UsageError(msg)
    if missing := [name for name in needed if name not in shapes]:
        msg = f"input: forward also takes {', '.join(missing)}: give a shape for each, by name"
        raise UsageError(msg)
    return {name: shape_of(shape, "input") for name, shape in shapes.items()}


def shape_of(value: Any, what: str) -> tuple[int, ...]:
    """A shape of positive integers. Raises UsageError where it is not one."""
    entries = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not entries or not all(type(entry) is int and entry > 0 for entry in entries):
        msg = f"{what}: a shape without batch is expected, such as (3, 96, 96), not {value!r:.60}"
        raise UsageError(msg)
    return entries


def unknowns_of(given: Unknowns) -> dict[str, Unknown]:
    """What is to be blanked, by argument or LAYER.ARGUMENT. Raises UsageError for what cannot be."""
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, Iterable):
        msg = f'unknown: arguments are expected, such as "padding" or ("padding", "stride"), not {show(listed)}'
        raise UsageError(msg)
    pairs = dict(listed) if isinstance(listed, Mapping) else dict.fromkeys(listed, "")
    found = {}
    for key, values in pairs.items():
        argument = str(key).rpartition(".")[2]
        if argument not in BLANKABLE:
            msg = f"unknown: no window has an argument {show(argument)}; {nearest(argument, BLANKABLE)}"
            raise UsageError(msg)
        try:
            found[str(key)] = Unknown.parse("?" + str(values).strip().removeprefix("?"))
        except ValueError as error:
            msg = f"unknown {key}: {error}"
            raise UsageError(msg) from None
    return found


__all__ = ["from_module", "inputs_of", "layer_name", "solve_module"]
