"""The operators as text: a table of all, or one in full. All of it follows from their declarations."""

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import IO, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from netsolve.ops import OPERATORS, Operator
from netsolve.ops.arguments import Asked, Inferred, show
from netsolve.ops.base import NOT_EMPTY, Rule, Spatial
from netsolve.report.text import console


def ops_text(stream: IO[str]) -> None:
    """Print a row for each operator: name, arguments with their defaults, the size after it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("op", "arguments", "size"):
        table.add_column(title, overflow="fold")
    for name in sorted(OPERATORS, key=str.lower):
        operator = OPERATORS[name]
        if operator.torch_name == name:
            table.add_row(name, ", ".join(signature(operator)), sizes(operator)[-1])
        else:
            table.add_row(name, f"as {operator.torch_name}", "")
    out = console(stream)
    out.print(table)
    out.print()
    out.print("One in full: netsolve ops NAME. Every layer also takes name, from and out.")


def op_text(name: str, stream: IO[str]) -> None:
    """Print one operator: what it does, its arguments, its size, its rules. Raises KeyError for an unknown name."""
    operator = OPERATORS[name]
    out = console(stream)
    alias = "" if operator.torch_name == name else f" is another name of {operator.torch_name}"
    out.print(f"{name}{alias}")
    out.print(f"  {inspect.getdoc(operator)}")
    out.print()
    for row in (*argument_rows(operator), *size_rows(operator), *rule_rows(operator)):
        out.print(row)


def ops_markdown() -> str:
    """All operators as a page of documentation."""
    parts = [
        "# Operators",
        "",
        "Made from the declarations by `netsolve ops --markdown`. Every layer also takes `name`, `from` and `out`.",
    ]
    for name in sorted(OPERATORS, key=str.lower):
        operator = OPERATORS[name]
        parts += ["", f"## {name}", ""]
        if operator.torch_name != name:
            parts.append(f"Another name of [{operator.torch_name}](#{operator.torch_name.lower()}).")
            continue
        rows = (*argument_rows(operator), *size_rows(operator), *rule_rows(operator))
        parts += [
            str(inspect.getdoc(operator)),
            *(["", "```text", *(row.removeprefix("  ") for row in rows), "```"] if rows else []),
        ]
    return "\n".join([*parts, ""])


def ordered(operator: type[Operator]) -> "list[Field[Any]]":
    """The arguments of an operator: those that must be written first."""
    return sorted(fields(operator), key=lambda field: field.default is not MISSING)


def signature(operator: type[Operator]) -> Iterator[str]:
    """The arguments of an operator, each with its default."""
    for field in ordered(operator):
        kind = operator.arguments[field.name]
        if field.default is MISSING:
            yield field.name
        elif not isinstance(kind, Inferred):
            yield f"{field.name} = {default_text(operator, field.name)}"


def default_text(operator: type[Operator], name: str) -> str:
    """The value of an argument that is not written."""
    if followed := operator.follows.get(name):
        return followed
    default: Any = operator.__dataclass_fields__[name].default
    return "none" if default is None else show(default)


def sizes(operator: type[Operator]) -> list[str]:
    """The size after an operator: its laws, or what its description says."""
    laws = [str(law) for law in getattr(operator, "laws", ())]
    return laws or [str(inspect.getdoc(operator)).rstrip(".")]


def argument_rows(operator: type[Operator]) -> Iterator[str]:
    """A line for each argument: what may be written, the default, and what a question mark stands for."""
    width = max((len(name) for name in operator.arguments), default=0)
    for field in ordered(operator):
        kind = operator.arguments[field.name]
        words = [kind.words(operator.axes)]
        if isinstance(kind, Inferred):
            words.append("inferred")
        elif field.default is MISSING:
            words.append("required")
        else:
            words.append(f"default {default_text(operator, field.name)}")
        if isinstance(kind, Asked) and not isinstance(kind, Inferred):
            words.append(f'"?" is {kind.asked()}')
        yield f"  {field.name:{width}}  {'; '.join(words)}"


def size_rows(operator: type[Operator]) -> Iterator[str]:
    """A line for each law of the size."""
    laws = getattr(operator, "laws", ())
    if laws:
        yield ""
        yield "Size along an axis (n: the size before it)"
        yield from (f"  {law}" for law in laws)


def rule_rows(operator: type[Operator]) -> Iterator[str]:
    """A line for each rule: whose it is, and its sentence."""
    rules: tuple[Rule, ...] = operator.rules
    if issubclass(operator, Spatial) and NOT_EMPTY not in rules:
        rules = (*rules, NOT_EMPTY)
    lines = [("netsolve" if rule.policy else "torch", rule.text) for rule in rules]
    lines += [("netsolve", f"refuses what {sentence}") for sentence in operator.policies if sentence.startswith("is ")]
    if lines:
        yield ""
        yield "Rules (torch's, or netsolve's own)"
        yield from dict.fromkeys(f"  {whose:8}  {text}" for whose, text in lines)
