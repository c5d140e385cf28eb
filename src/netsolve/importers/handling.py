"""What the handlers of calls share: how they are entered, and how arguments become an operator's."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from netsolve.blank import Blank
from netsolve.importers.extent import Extent, RefusedError, Size, known
from netsolve.importers.tensors import WAY_ON, Traced
from netsolve.ops import OPERATORS
from netsolve.parts import written

if TYPE_CHECKING:
    from netsolve.importers.tracing import Tracer

Handler = Callable[..., Any]

HANDLERS: dict[str, Handler] = {}
"""What the calls of a name stand for, by name without a trailing or leading underscore."""

BATCH_TOUCHED = "the code takes the samples of a batch apart, or mixes them with another dimension"
ALONE = f"let dimension 0 stay the batch, or {WAY_ON}"


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Enter a function for the calls of these names."""

    def enter(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return enter


def operator(tracer: "Tracer", name: str, **arguments: Any) -> Any:
    """An operator's record with arguments as torch has them. Raises RefusedError for what it cannot have."""
    kind, found = OPERATORS[name], {}
    for key, value in arguments.items():
        field = kind.__dataclass_fields__[key]
        try:
            record = kind.arguments[key].read(
                written(plain(tracer, value, f"{key} of {name}"), kind.arguments[key]), kind.axes
            )
        except ValueError as error:
            msg = f"{name}: {key}: {error}"
            raise RefusedError(msg, "state that part as opaque") from None
        if field.default is MISSING or record != field.default:
            found[key] = record
    return kind(**found)


def plain(tracer: "Tracer", value: Any, what: str) -> Any:
    """A value with numbers in place of sizes."""
    if isinstance(value, list | tuple):
        return [plain(tracer, entry, what) for entry in value]
    if isinstance(value, Blank):
        return value
    return tracer.number(value, what)


def named(tracer: "Tracer", name: str, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function that is called like an operator: its arguments by the operator's names."""
    kind = OPERATORS[name]
    given = dict(zip(parameters(target, kind), args[1:], strict=False)) | dict(kwargs)
    return tracer.add(operator(tracer, name, **{k: v for k, v in given.items() if k in kind.arguments}), args[0])


def parameters(target: Any, kind: Any) -> list[str]:
    """The names of a function's parameters behind the tensor; of those in C, the operator's in their order."""
    try:
        return list(inspect.signature(target).parameters)[1:]
    except (TypeError, ValueError):
        late = [key for key in ("return_indices",) if key in kind.arguments]
        return [key for key in kind.arguments if key not in late] + late


def spatial(x: Traced) -> int:
    """How many spatial axes a tensor has."""
    return len(x.sizes) - 1


def not_batch(dims: int, *named: int) -> None:
    """Raise RefusedError where one of these dimensions is the batch. dims: how many there are."""
    for dim in named:
        if dim in {0, -dims}:
            raise RefusedError(BATCH_TOUCHED, ALONE)


def same(a: Size, b: Size) -> bool:
    """Whether two sizes are known to be one."""
    if isinstance(a, Extent) and isinstance(b, Extent) and a.terms == b.terms:
        return True
    return known(a) is not None and known(a) == known(b)
