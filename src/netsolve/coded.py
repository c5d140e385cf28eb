"""What Python code says of a network, read by the rules of documents: question marks and constraints may be texts."""

from dataclasses import replace
from typing import Any

from netsolve.domain import Domain, Unknown
from netsolve.errors import Mistake
from netsolve.expression import Expression, ExpressionError
from netsolve.ops import Operator
from netsolve.ops.arguments import Asked, show
from netsolve.parser import parse

Number = int | Unknown
Stated = tuple[Number, ...]
"""A shape as far as it is stated: channels and spatial sizes, or (of a layer's output) spatial sizes only."""

SIZE = Asked(least=1)
MOST_AXES = 8


def read_operator(op: Operator, where: str, mistakes: list[Mistake]) -> Operator:
    """The operator with its arguments read as those of a document; mistakes are noted."""
    changes: dict[str, Any] = {}
    for key, kind in op.arguments.items():
        value = getattr(op, key)
        if value is op.__dataclass_fields__[key].default:
            continue
        try:
            found = kind.read(value, op.axes)
        except ValueError as error:
            mistakes.append(Mistake(f"{where}.{key}", str(error)))
        else:
            if found is not value and found != value:
                changes[key] = found
    return replace(op, **changes) if changes else op


def read_shape(value: Any, where: str, mistakes: list[Mistake]) -> Any:
    """A shape in code; None, and a mistake, where it is not one."""
    if not isinstance(value, list | tuple):
        mistakes.append(Mistake(where, f"a list of sizes is expected, not {show(value)}", "such as [3, 96, 96]"))
        return None
    if not 1 <= len(value) <= MOST_AXES:
        mistakes.append(Mistake(where, f"{len(value)} sizes: a shape has 1 to {MOST_AXES}", "such as [3, 96, 96]"))
        return None
    found = []
    for index, entry in enumerate(value):
        try:
            found.append(SIZE.number(entry))
        except ValueError as error:
            mistakes.append(Mistake(f"{where}[{index}]", str(error)))
    return tuple(found) if len(found) == len(value) else None


def read_constraint(value: Any, where: str, mistakes: list[Mistake]) -> Expression | None:
    """A constraint in code, which may be a text; None, and a mistake, where it is not one."""
    if isinstance(value, Expression):
        return value
    try:
        return parse(value)
    except ExpressionError as error:
        mistakes.append(Mistake(where, str(error)))
    except TypeError:
        mistakes.append(Mistake(where, f"a text is expected, not {show(value)}"))
    return None


def read_values(value: Any, where: str, mistakes: list[Mistake]) -> Any:
    """What a question mark may be, in code: a set, also as a document writes it; a mistake where it is not one."""
    if isinstance(value, Domain):
        return value
    try:
        found = Unknown.parse(value).domain if isinstance(value, str) else None
    except ValueError as error:
        mistakes.append(Mistake(where, str(error)))
    else:
        if found is None:
            mistakes.append(Mistake(where, f"a set is expected, not {show(value)}", 'such as "?0..3"'))
        return found
    return None
