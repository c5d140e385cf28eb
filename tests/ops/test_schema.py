"""The schema for editors against the reader of documents, and against every example."""

import json
import tomllib
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from grid import NAMES, draws
from hypothesis import given
from hypothesis import strategies as st
from validator import valid

from netsolve.domain import Unknown
from netsolve.ops import OPERATORS
from netsolve.schema import QUESTION, document_schema

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
SCHEMA = document_schema()
BLOCK = """
input = [64, 32, 32]
layers = [ { block = "basic", width = 64, repeat = 3 }, { repeat = 2, layers = [ { op = "ReLU" } ] } ]
[blocks.basic]
arguments = ["width", "act"]
layers = [
  { op = "Conv2d", out_channels = "width", kernel_size = [3, "width"] },
  { op = "act" },
  { op = "add", from = ["input", "act_1"] },
]
"""


def accepts(document: Any) -> bool:
    return valid(SCHEMA, document, SCHEMA)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_are_accepted(file: Path) -> None:
    assert accepts(tomllib.loads(file.read_text(encoding="utf-8")))


def test_blocks_and_repetitions_are_accepted() -> None:
    assert accepts(tomllib.loads(BLOCK))


def test_is_json_of_draft_2020_12() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def document(**changes: Any) -> dict[str, Any]:
    layer = {"op": "Conv2d", "out_channels": 8, "kernel_size": 3}
    return {"input": [3, 8, 8], "layers": [layer]} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "x", "output": [8, "?", "?"], "constraints": ["conv2d_1.padding == 1"]},
        {"unknown": {"padding": "?0..3"}},
        {"layers": [{"op": "LazyConv2d", "out_channels": "?8|16", "kernel_size": "?k: 1..5", "out": ["?", "?"]}]},
        {"layers": [{"op": "Upsample", "like": "x"}]},
        {"layers": [{"op": "AdaptiveAvgPool2d", "output_size": ["none", 7]}]},
    ],
)
def test_documents_are_accepted(changes: dict[str, Any]) -> None:
    assert accepts(document(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"layer": []},
        {"layers": []},
        {"layers": [{}]},
        {"layers": [{"op": "Conv2"}]},
        {"layers": [{"op": "Conv2d", "out_channels": 8}]},
        {"layers": [{"op": "Conv2d", "out_channels": 8, "kernel_size": 3, "pading": 1}]},
        {"layers": [{"op": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": "sane"}]},
        {"layers": [{"op": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": True}]},
        {"layers": [{"op": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1.0}]},
        {"layers": [{"op": "Conv2d", "out_channels": 8, "kernel_size": 3, "like": "x"}]},
        {"layers": [{"op": "Conv2d", "out_channels": "width", "kernel_size": 3}]},
        {"layers": [{"op": "Conv2d", "out_channels": 8, "kernel_size": 3, "from": []}]},
        {"layers": [{"op": "ReLU", "block": "x"}]},
        {"layers": [{"repeat": 0, "layers": [{"op": "ReLU"}]}]},
        {"layers": [{"repeat": 2, "layers": [{"op": "ReLU", "x": 1}]}]},
        {"input": []},
        {"input": [0, 1]},
        {"inputs": {"a": [1]}},
        {"unknown": {"bias": "?0..1"}},
        {"unknown": {"padding": "?p"}},
        {"constraints": [1]},
        {"blocks": {"b": {"layers": [{"op": "ReLU", "x": 1}]}}},
        {"blocks": {"b": {"arguments": ["x"]}}},
    ],
)
def test_mistaken_documents_are_refused(changes: dict[str, Any]) -> None:
    assert not accepts(document(**changes))


def read(name: str, arguments: dict[str, Any]) -> bool:
    """Whether every argument is read, and none that is needed is missing."""
    kind = OPERATORS[name]
    try:
        kind(**{key: kind.arguments[key].read(value, kind.axes) for key, value in arguments.items()})
    except (ValueError, TypeError):
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_schema_and_reader_agree_on_arguments(name: str) -> None:
    for case in islice(draws(name), 150):
        layer = {"op": name, **dict(case.arguments)}
        found = valid(SCHEMA["$defs"][f"op.{name}"], layer, SCHEMA)
        assert found == read(name, dict(case.arguments)), str(case)


@given(st.text(alphabet="?0123456789.|:+- apx_", max_size=10))
def test_question_marks_are_those_that_the_reader_takes(text: str) -> None:
    try:
        Unknown.parse(text)
        mistake = ""
    except ValueError as error:
        mistake = str(error)
    beyond_patterns = "is empty: write" in mistake or "is larger than" in mistake
    assert valid({"pattern": QUESTION}, text, {}) == (not mistake) or beyond_patterns
