"""JSON Schema of what the command line writes with --format json, as far as it has objects of its own."""

from netsolve.ops.arguments import Schema

NULL: Schema = {"const": None}
TEXT: Schema = {"anyOf": [{"type": "string"}, NULL]}
COUNT: Schema = {"anyOf": [{"type": "integer"}, NULL]}
TRUTH: Schema = {"anyOf": [{"type": "boolean"}, NULL]}
VERSION: Schema = {"const": 1}
SHAPE: Schema = {"type": "array", "items": {"type": "integer"}}
RANGE: Schema = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
OPEN_RANGE: Schema = {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2}


def record(properties: Schema) -> Schema:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def rows(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


HINT = record({"layer": TEXT, "text": {"type": "string"}})
REASON = record({"layer": TEXT, "line": COUNT, "text": {"type": "string"}})
CHANGE = record({"set": {"type": "object"}, "text": {"type": "string"}, "verified": TRUTH})
CONFLICT = record({"reasons": rows(REASON), "changes": rows(CHANGE), "minimal": {"type": "boolean"}})
NUMBERS = record({"ranges": rows(RANGE), "start": COUNT, "modulus": COUNT, "residues": SHAPE})
BLOCK = record({"low": {"type": "integer"}, "high": {"type": "integer"}, "shape": SHAPE})
BOUNDARY = record({"size": {"type": "integer"}, "accepted": {"type": "boolean"}, "agrees": TRUTH, "layer": TEXT})
INPUTS = record(
    {
        "low": {"type": "integer"},
        "high": {"type": "integer"},
        "accepted": NUMBERS,
        "lossless": NUMBERS,
        "outputs": rows(BLOCK),
        "run": rows(BOUNDARY),
    }
)
MISMATCH = record(
    {"layer": {"type": "string"}, "predicted": SHAPE, "measured": {"anyOf": [SHAPE, NULL]}, "error": TEXT}
)


def optional(schema: Schema) -> Schema:
    """A value or null."""
    return {"anyOf": [schema, NULL]}


OUTPUTS: dict[str, Schema] = {
    "output.count": record({"schema_version": VERSION, "count": COUNT, "hints": rows(HINT)}),
    "output.check": record(
        {
            "schema_version": VERSION,
            "status": {"enum": ["agrees", "mismatch"]},
            "shapes": {"type": "object", "additionalProperties": SHAPE},
            "parameters": {"type": "integer"},
            "problem": optional(REASON),
            "verified": TRUTH,
            "mismatch": optional(MISMATCH),
        }
    ),
    "output.explain": record(
        {
            "schema_version": VERSION,
            "status": {"enum": ["solved", "unsolvable"]},
            "name": TEXT,
            "conflict": optional(CONFLICT),
        }
    ),
    "output.repair": record(
        {
            "schema_version": VERSION,
            "status": {"enum": ["works", "repaired", "none"]},
            "name": TEXT,
            "repairs": rows(CHANGE),
        }
    ),
    "output.sizes": record(
        {
            "schema_version": VERSION,
            "name": TEXT,
            "at": {"type": "string"},
            "shape": rows(optional(rows(OPEN_RANGE))),
            "exact": {"type": "boolean"},
            "inputs": optional(INPUTS),
        }
    ),
}
"""By command; documents' own schema has them among its definitions."""
