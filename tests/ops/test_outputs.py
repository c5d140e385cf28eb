"""The schemas of answers against the answers."""

import json
from typing import Any

import pytest
from validator import valid

from netsolve import check, count, explain, loads, repair, sizes
from netsolve.outputs import OUTPUTS
from netsolve.report.conflict import explanation_json, repair_json
from netsolve.report.json import check_json, count_json
from netsolve.report.sizes import sizes_json
from netsolve.schema import document_schema

LAYER = 'input = [3, 8, 8]\nlayers = [{ op = "Conv2d", out_channels = 4, kernel_size = 3%s }]'
BROKEN = loads(LAYER % ", out = [7, 7]")
WORKS = loads(LAYER % "")
UNKNOWN = loads(LAYER % ', padding = "?"')
ANSWERS: dict[str, tuple[str, str]] = {
    "a count": ("count", count_json(count(UNKNOWN))),
    "a check": ("check", check_json(check(WORKS), None)),
    "a mismatch": ("check", check_json(check(BROKEN), None)),
    "a conflict": ("explain", explanation_json("", explain(BROKEN, run=False))),
    "no conflict": ("explain", explanation_json("x", explain(WORKS))),
    "a repair": ("repair", repair_json(repair(BROKEN, run=False))),
    "no repair": ("repair", repair_json(repair(WORKS))),
    "sizes": ("sizes", sizes_json(sizes(WORKS, inputs=(1, 9), run=False))),
    "unknown sizes": ("sizes", sizes_json(sizes(UNKNOWN))),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_meets_its_schema(name: str) -> None:
    command, text = ANSWERS[name]
    schema, found = OUTPUTS[f"output.{command}"], json.loads(text)
    assert valid(schema, found, schema)
    other: dict[str, Any] = found | {"unheard_of": 1}
    assert not valid(schema, other, schema)
    assert document_schema()["$defs"][f"output.{command}"] == schema
