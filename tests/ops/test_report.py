"""The table of operators: everything declared is in it."""

import io
import re
from pathlib import Path

import pytest
from grid import NAMES

from netsolve.ops import OPERATORS
from netsolve.report.ops import op_text, ops_markdown, ops_text


def full(name: str) -> str:
    stream = io.StringIO()
    op_text(name, stream)
    return stream.getvalue()


def test_every_operator_has_a_row() -> None:
    stream = io.StringIO()
    ops_text(stream)
    rows = {line.split()[0] for line in stream.getvalue().splitlines() if line.strip()}
    assert OPERATORS.keys() <= rows


def test_a_row_has_arguments_with_defaults_and_the_size() -> None:
    stream = io.StringIO()
    ops_text(stream)
    (row,) = [line for line in stream.getvalue().splitlines() if line.startswith("MaxPool2d ")]
    op, arguments, size = re.split(r" {2,}", row.strip())
    assert op == "MaxPool2d"
    assert arguments == (
        "kernel_size, return_indices = false, stride = kernel_size, padding = 0, dilation = 1, ceil_mode = false"
    )
    assert size.startswith("floor((n + 2*padding - dilation*(kernel_size - 1) - 1) / stride) + 1; with ceil_mode")


@pytest.mark.parametrize("name", NAMES)
def test_all_arguments_sizes_and_rules_are_shown(name: str) -> None:
    kind, text = OPERATORS[name], full(name)
    assert text.splitlines()[0] == name
    for argument in kind.arguments:
        assert re.search(rf"^  {argument} +\S", text, re.MULTILINE)
    for law in getattr(kind, "laws", ()):
        assert law.text in text
    for rule in kind.rules:
        assert f"  {'netsolve' if rule.policy else 'torch   '}  {rule.text}\n" in text


def test_one_operator_in_full() -> None:
    assert full("LazyLinear").splitlines() == [
        "LazyLinear is another name of Linear",
        "  A linear map of the last dimension.",
        "",
        '  out_features  integer from 1; required; "?" is 1..',
        "  in_features   integer from 1; inferred",
        "  bias          true or false; default true",
    ]


def test_an_unknown_name() -> None:
    with pytest.raises(KeyError):
        full("Conv2")


def test_the_page_of_operators_is_what_the_declarations_say() -> None:
    page = Path(__file__).parents[2] / "docs" / "operators.md"
    assert page.read_text(encoding="utf-8") == ops_markdown(), "netsolve ops --markdown > docs/operators.md"
    assert all(f"\n## {name}\n" in ops_markdown() for name in OPERATORS)
