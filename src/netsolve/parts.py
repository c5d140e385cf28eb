"""A part of a torch module as an operator's record, and a record's arguments back into the part."""

import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, replace
from inspect import isroutine
from typing import TYPE_CHECKING, Any

from netsolve.blank import Blank
from netsolve.domain import Unknown
from netsolve.errors import DocumentError, Mistake, UsageError
from netsolve.network import changed
from netsolve.ops import OPERATORS, Operator
from netsolve.ops.arguments import Argument, AskedSwitch, Inferred, Window
from netsolve.ops.plain import Switch, Word
from netsolve.words import TAKEN

if TYPE_CHECKING:
    from torch import nn

AGAIN = "__"
"""Stands before the number of a further call of the same part: `pool__2`."""

_AGAIN = re.compile(rf"{AGAIN}\d+$", re.ASCII)


class NotReadableError(ValueError):
    """A part has an argument that no document can hold; the text says which."""


def kind_of(part: "nn.Module") -> str:
    """The name of torch.nn's class whose forward a part runs; empty where it has one of its own."""
    for kind in type(part).__mro__:
        if "forward" in vars(kind) or (kind.__name__ in OPERATORS and kind.__module__.startswith("torch.nn")):
            return kind.__name__ if kind.__module__.startswith("torch.nn.modules") else ""
    return ""


def operator_of(part: "nn.Module") -> Operator | None:
    """The record of a part as it is; None where netsolve has no operator of that name.

    Raises NotReadableError for an argument that documents cannot have.
    """
    name = kind_of(part)
    if name not in OPERATORS:
        return None
    kind = OPERATORS[name]
    found: dict[str, Any] = {}
    for key, argument in kind.arguments.items():
        field = kind.__dataclass_fields__[key]
        value = _value(part, kind.kept.get(key, key), argument)
        leader = kind.follows.get(key)
        follows = leader is not None and isinstance(value, Blank) and value is getattr(part, leader)
        if value is MISSING or follows or (isinstance(argument, Inferred) and type(value) is int and value == 0):
            continue
        try:
            record = argument.read(written(value, argument), kind.axes)
        except ValueError as error:
            msg = f"{key}: {error}"
            raise NotReadableError(msg) from None
        if field.default is MISSING or record != field.default:
            found[key] = record
    return kind(**found)


def _value(part: "nn.Module", path: str, argument: Argument) -> Any:
    """An argument as the part keeps it; MISSING where it does not."""
    held: Any = part
    for name in path.split("."):
        held = getattr(held, name, MISSING)
    if isinstance(argument, Switch) and (held is None or hasattr(held, "shape")):
        return held is not None
    return held.__name__ if isinstance(argument, Word) and isroutine(held) else held


def written(value: Any, argument: Argument) -> Any:
    """A value of torch's as a document has it: place holders as unknowns, equal entries of axes or sides as one."""
    if isinstance(value, Blank):
        return value.unknown
    if not isinstance(value, list | tuple):
        return value
    entries = [written(entry, argument) for entry in value]
    if argument.entries == "one" or not value:
        return entries
    first = value[0]
    if isinstance(first, Blank):
        return entries[0] if all(entry is first for entry in value) else entries
    alike = first is not None and all(type(entry) is type(first) and entry == first for entry in value)
    return entries[0] if alike else entries


def blanked(op: Operator, wanted: Mapping[str, Unknown]) -> Operator:
    """The record with unknowns in place of windows' numbers, by argument.

    One "?" stands for all axes where the window's other numbers are the same on all of them, otherwise one an axis.
    """
    windows = {key: getattr(op, key) for key, kind in op.arguments.items() if isinstance(kind, Window | AskedSwitch)}
    lists = any(isinstance(value, tuple) for value in windows.values())
    changes: dict[str, Any] = {}
    for key in wanted.keys() & windows.keys():
        value, entries = windows[key], op.arguments[key].entries
        if isinstance(value, str) or (value is None and key not in op.follows):
            continue
        axes = lists and entries == "axes" and op.axes > 1
        changes[key] = (wanted[key],) * op.axes if axes else wanted[key]
    return replace(op, **changes) if changes else op


def unknowns_in(op: Operator) -> Iterable[str]:
    """The arguments of a record in which a question mark stands."""
    for key in op.arguments:
        value = getattr(op, key)
        if any(isinstance(entry, Unknown) for entry in (value if isinstance(value, tuple) else (value,))):
            yield key


def layer_name(path: str) -> str:
    """The name of a part's layer: its path, with _ before what no document could have as a name."""
    names = path.split(".")
    taken = [
        i for i, name in enumerate(names) if name in TAKEN or keyword.iskeyword(name) or (not i and name[0].isdigit())
    ]
    return ".".join("_" + name if i in taken else name for i, name in enumerate(names))


def elsewhere(module: "nn.Module", layers: Iterable[str]) -> list[str]:
    """The layers of a module's network that are none of its parts but calls in the code of its forward."""
    parts = {layer_name(path) for path, _ in module.named_modules() if path}
    return [name for name in layers if name not in parts and _AGAIN.sub("", name) not in parts]


def apply(module: "nn.Module", values: Mapping[str, Any]) -> "nn.Module":
    """Set arguments of a module's parts in place, by LAYER.ARGUMENT; weights stay where their shapes do.

    Everything else of the module stays as it is; weights of a new shape get torch's usual initial values. Returns the
    module. Raises DocumentError, before anything is changed, for a layer that the module has not, for a call in the
    code of its forward, and where one part would get two values.
    """
    if not hasattr(module, "named_modules"):
        msg = f"apply takes the torch.nn.Module that the network was made from, not {type(module).__name__}"
        raise UsageError(msg)
    parts = {layer_name(path): part for path, part in module.named_modules() if path}
    mistakes: list[Mistake] = []
    wanted: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        owner, _, argument = str(key).rpartition(".")
        owner = owner if owner in parts else _AGAIN.sub("", owner)
        if owner not in parts:
            text = "the module has no such part, so the value cannot be put in"
            mistakes.append(
                Mistake(str(key), text, "it stands in the code of forward, or is an input" if owner else "")
            )
            continue
        given = wanted.setdefault(owner, {})
        if given.setdefault(argument, value) != value:
            text = f"{owner} is called several times, and would need {argument} = {given[argument]} and {value}"
            mistakes.append(Mistake(str(key), text, "give each call a part of its own"))
    new = {}
    for owner, arguments in wanted.items():
        try:
            new[owner] = _changed(parts[owner], arguments)
        except (ValueError, TypeError, RuntimeError) as error:
            mistakes.append(Mistake(owner, str(error).partition("\n")[0]))
    if mistakes:
        raise DocumentError(mistakes)
    for owner, part in new.items():
        _take_over(parts[owner], part)
    return module


def _changed(part: "nn.Module", values: Mapping[str, Any]) -> "nn.Module":
    """A new part with other values. Raises ValueError for what it cannot have."""
    from netsolve.build import class_of  # noqa: PLC0415 - torch takes seconds to import

    op = operator_of(part)
    if op is None or (strange := [key for key in values if key.partition("[")[0] not in op.arguments]):
        msg = f"{type(part).__name__} has no argument {', '.join(strange) if op else next(iter(values))}"
        raise ValueError(msg)
    for key, value in values.items():
        if "." in op.kept.get(key, ""):  # in a part of the part
            msg = f"{key} of {type(part).__name__} cannot be changed in place: make a new one"
            raise ValueError(msg)
        op = changed(op, key, value)
    if left := list(unknowns_in(op)):
        msg = f"{', '.join(left)} would still be unknown"
        raise ValueError(msg)
    given = {key: getattr(op, key) for key in op.arguments if key != "out"}
    unsaid = [
        k
        for k, v in given.items()
        if v == op.__dataclass_fields__[k].default and not isinstance(op.arguments[k], Inferred)
    ]
    return class_of(op)(**{key: value for key, value in given.items() if key not in unsaid})


def _take_over(part: "nn.Module", new: "nn.Module") -> None:
    """Give a part the arguments of a new one, and its weights where their shapes differ."""
    arguments = OPERATORS[kind_of(part)].arguments
    for name, value in vars(new).items():
        if name in arguments or name == "_reversed_padding_repeated_twice":
            setattr(part, name, value)
    _replace(part._parameters, new._parameters)  # noqa: SLF001 - setattr would go through hooks
    _replace(part._buffers, new._buffers)  # noqa: SLF001 - likewise


def _replace(held: dict[str, Any], fresh: Mapping[str, Any]) -> None:
    """Tensors of another shape in place of those that a part holds, on the same device and of the same type."""
    for name, tensor in fresh.items():
        old = held.get(name)
        if tensor is not None and old is not None and old.shape != tensor.shape:
            tensor.data = tensor.data.to(device=old.device, dtype=old.dtype)
            held[name] = tensor.requires_grad_(old.requires_grad)
