"""The part of JSON Schema that netsolve's schema uses, written down once more: a judge of its own."""

import re
from collections.abc import Callable
from typing import Any

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def valid(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> bool:
    """Whether a value meets a schema. Raises KeyError for a keyword that is not known here."""
    return all(KEYWORDS[key](rule, value, root, schema) for key, rule in schema.items())


def refers(rule: str, value: Any, root: dict[str, Any], _: Any) -> bool:
    """$ref, within the same document."""
    target: Any = root
    for part in rule.removeprefix("#/").split("/"):
        target = target[part]
    return valid(target, value, root)


def closed(rule: Any, value: Any, root: dict[str, Any], schema: dict[str, Any]) -> bool:
    """additionalProperties."""
    if not isinstance(value, dict):
        return True
    others = [value[key] for key in value.keys() - schema.get("properties", {}).keys()]
    return not others if rule is False else all(valid(rule, other, root) for other in others)


def chosen(rule: Any, value: Any, root: dict[str, Any], schema: dict[str, Any]) -> bool:
    """If and then."""
    return not valid(rule, value, root) or valid(schema["then"], value, root)


KEYWORDS: dict[str, Callable[[Any, Any, dict[str, Any], dict[str, Any]], bool]] = {
    "$schema": lambda *_: True,
    "$defs": lambda *_: True,
    "title": lambda *_: True,
    "description": lambda *_: True,
    "default": lambda *_: True,
    "then": lambda *_: True,
    "$ref": refers,
    "if": chosen,
    "type": lambda rule, value, *_: TYPES[rule](value),
    "const": lambda rule, value, *_: same(rule, value),
    "enum": lambda rule, value, *_: any(same(option, value) for option in rule),
    "anyOf": lambda rule, value, root, _: any(valid(option, value, root) for option in rule),
    "oneOf": lambda rule, value, root, _: sum(valid(option, value, root) for option in rule) == 1,
    "allOf": lambda rule, value, root, _: all(valid(option, value, root) for option in rule),
    "properties": lambda rule, value, root, _: (
        not isinstance(value, dict) or all(valid(rule[key], value[key], root) for key in rule.keys() & value.keys())
    ),
    "additionalProperties": closed,
    "required": lambda rule, value, *_: not isinstance(value, dict) or all(key in value for key in rule),
    "minProperties": lambda rule, value, *_: not isinstance(value, dict) or len(value) >= rule,
    "items": lambda rule, value, root, _: not isinstance(value, list) or all(valid(rule, v, root) for v in value),
    "minItems": lambda rule, value, *_: not isinstance(value, list) or len(value) >= rule,
    "maxItems": lambda rule, value, *_: not isinstance(value, list) or len(value) <= rule,
    "minLength": lambda rule, value, *_: not isinstance(value, str) or len(value) >= rule,
    "maxLength": lambda rule, value, *_: not isinstance(value, str) or len(value) <= rule,
    "minimum": lambda rule, value, *_: not TYPES["number"](value) or value >= rule,
    "maximum": lambda rule, value, *_: not TYPES["number"](value) or value <= rule,
    "pattern": lambda rule, value, *_: not isinstance(value, str) or re.search(rule, value, re.ASCII) is not None,
}
