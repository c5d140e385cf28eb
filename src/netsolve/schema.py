"""JSON Schema (draft 2020-12) of the document, for editors, from the declarations of the operators."""

import inspect
from collections import defaultdict
from dataclasses import MISSING, Field, fields
from typing import Any

from netsolve.blocks import BLOCK_KEYS, REPEAT_KEYS
from netsolve.domain import LARGEST
from netsolve.ops import OPERATORS, Operator
from netsolve.ops.arguments import Asked, Schema, either_of
from netsolve.outputs import OUTPUTS

NUMBER = r"\s*[+-]?[0-9]{1,18}\s*"
ITEM = rf"{NUMBER}(\.\.{NUMBER})?"
SET = rf"{ITEM}(\|{ITEM})*"
NAME = "[A-Za-z_][A-Za-z0-9_]*"
QUESTION = rf"^\s*\?\s*({SET}|{NAME}\s*(:{SET})?)?\s*$"
TEXT = {"type": "string"}
SIZE = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": LARGEST}, {"$ref": "#/$defs/question"}]}
SHAPE = {"type": "array", "items": {"$ref": "#/$defs/size"}, "minItems": 1, "maxItems": 8}
NAMED = {"type": "string", "pattern": f"^{NAME}$"}


def document_schema() -> Schema:
    """The schema of a whole document."""
    askable = sorted(
        {key for op in OPERATORS.values() for key, kind in op.arguments.items() if isinstance(kind, Asked)}
    )
    shape, layers = {"$ref": "#/$defs/shape"}, {"type": "array", "items": {"$ref": "#/$defs/layer"}, "minItems": 1}
    properties: Schema = {
        "name": TEXT,
        "input": shape,
        "inputs": {"type": "object", "additionalProperties": shape, "minProperties": 1},
        "output": shape,
        "outputs": {"type": "array", "items": TEXT},
        "layers": layers,
        "constraints": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 1000}},
        "unknown": table({key: {"type": "string", "pattern": rf"^\s*\?\s*{SET}$"} for key in askable}),
        "blocks": {"type": "object", "additionalProperties": {"$ref": "#/$defs/block"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A network of netsolve's",
        **table(properties, ["layers"]),
        "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        "$defs": definitions(),
    }


def table(properties: Schema, required: list[str] | None = None) -> Schema:
    """The schema of a table with these keys and no others."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def definitions() -> Schema:
    """What the schema refers to: sizes, layers and blocks, and every operator, at top level and inside blocks."""
    block = {"arguments": {"type": "array", "items": NAMED}, "layers": {"$ref": "#/$defs/body"}}
    times: Schema = {"type": "integer", "minimum": 1}
    names: dict[type[Operator], list[str]] = defaultdict(list)
    for name, operator in OPERATORS.items():
        names[operator].append(name)
    return {
        "question": {"type": "string", "pattern": QUESTION},
        "size": SIZE,
        "shape": SHAPE,
        "name": TEXT,
        "from": either_of(TEXT, {"type": "array", "items": TEXT, "minItems": 1}),
        "repeat": times,
        "given.shape": relaxed(SHAPE),
        "given.repeat": relaxed(times),
        "given": NAMED | {"description": "an argument of the block"},
        "block": table(block, ["layers"]),
        "body": {"type": "array", "items": {"$ref": "#/$defs/inner"}, "minItems": 1},
        "layer": layer_schema(names, inner=False),
        "inner": layer_schema(names, inner=True),
        **OUTPUTS,
        **{f"op.{operator.torch_name}": operator_schema(operator, inner=False) for operator in names},
        **{f"inner.{operator.torch_name}": operator_schema(operator, inner=True) for operator in names},
    }


def layer_schema(names: dict[type[Operator], list[str]], *, inner: bool) -> Schema:
    """The schema of an entry of `layers`; inner: inside a block, whose arguments may stand for values."""
    prefix = "inner" if inner else "op"
    operators = [
        {
            "if": {"properties": {"op": {"enum": titles}}, "required": ["op"]},
            "then": {"$ref": f"#/$defs/{prefix}.{operator.torch_name}"},
        }
        for operator, titles in names.items()
    ]
    every = [name for titles in names.values() for name in titles]
    shared = shared_keys(inner=inner)
    repeated = {
        "layers": {"type": "array", "items": {"$ref": f"#/$defs/{'inner' if inner else 'layer'}"}, "minItems": 1}
    }
    return {
        "type": "object",
        "properties": {"op": relaxed({"enum": every}) if inner else {"enum": every}},
        "oneOf": [{"required": ["op"]}, {"required": ["block"]}, {"required": ["layers"]}],
        "allOf": [
            *operators,
            {
                "if": {"required": ["block"]},
                "then": {
                    "properties": {"block": TEXT} | {key: shared[key] for key in sorted(BLOCK_KEYS & shared.keys())}
                },
            },
            {
                "if": {"required": ["layers"]},
                "then": table({key: {**shared, **repeated}[key] for key in sorted(REPEAT_KEYS)}),
            },
        ],
    }


def shared_keys(*, inner: bool) -> Schema:
    """The schemas of the keys that every layer, block and repetition has."""
    given = "given." if inner else ""
    names = {"name": "name", "from": "from", "out": f"{given}shape", "repeat": f"{given}repeat"}
    return {key: {"$ref": f"#/$defs/{name}"} for key, name in names.items()}


def operator_schema(operator: type[Operator], *, inner: bool) -> Schema:
    """The schema of a layer with this operator; inner: inside a block, whose arguments may stand for values."""
    properties: Schema = {"op": TEXT} | {key: ref for key, ref in shared_keys(inner=inner).items() if key != "repeat"}
    if operator.arity != (1, 1):
        properties["like"] = TEXT
    for field in fields(operator):
        kind = operator.arguments[field.name]
        properties[field.name] = relaxed(kind.schema(operator.axes)) if inner else described(operator, field)
    required = [field.name for field in fields(operator) if field.default is MISSING]
    about = {} if inner else {"description": inspect.getdoc(operator)}
    return about | table(properties, ["op", *required])


def described(operator: type[Operator], field: "Field[Any]") -> Schema:
    """The schema of an argument, with what may be written there in words, and its default."""
    kind = operator.arguments[field.name]
    schema = kind.schema(operator.axes) | {"description": kind.words(operator.axes)}
    known = field.default is not MISSING and field.default is not None
    return schema | ({"default": field.default} if known else {})


def relaxed(schema: Schema) -> Schema:
    """The schema of a value or the name of a block's argument, in lists too."""
    given = {"$ref": "#/$defs/given"}
    if "items" in schema:
        schema = schema | {"items": either_of(schema["items"], given)}
    elif "anyOf" in schema:
        return schema | {
            "anyOf": [*(relaxed(option) if "items" in option else option for option in schema["anyOf"]), given]
        }
    return either_of(schema, given)
