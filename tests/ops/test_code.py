"""The Python code of every operator: it runs, it is tidy, and arguments by place stand where torch has them."""

import ast
import inspect
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from grid import NAMES, QUIET, cases
from torch import nn

from generated import compare, tidy
from netsolve import DocumentError, Network
from netsolve.codegen import python_source
from netsolve.queries import check
from netsolve.sequential import literal, module_call

pytestmark = QUIET


@cache
def written(name: str) -> tuple[tuple[Network, Any, str], ...]:
    """Networks of one operator alone, their shapes and their code: the first cases that fit."""
    found: list[tuple[Network, Any, str]] = []
    for case in islice(cases(name), 200):
        try:
            network = case.network(case.operator())
            result = check(network)
        except (ValueError, DocumentError):
            continue
        if result.problem is None and len(found) < 12:
            found.append((network, result.shapes, python_source(network, result.shapes)))
    return tuple(found)


@pytest.mark.parametrize("name", NAMES)
def test_the_code_of_every_operator(name: str) -> None:
    assert written(name)
    for network, shapes, source in written(name):
        compare(network, shapes, source, device="meta" if name.startswith("MaxUnpool") else "cpu")


def test_the_code_of_operators_is_tidy(tmp_path: Path) -> None:
    for name in NAMES:
        for number, (_, _, source) in enumerate(written(name)):
            (tmp_path / f"{name.lower()}_{number}.py").write_text(source, encoding="utf-8")
    tidy(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_by_place_stand_where_torch_has_them(name: str) -> None:
    """What the code calls binds to the parameters of torch's class as the arguments by name do."""
    for case in islice(cases(name), 60):
        try:
            op = case.operator()
        except ValueError:
            continue
        if not op.torch_class(len(case.shapes)) or getattr(op, "padding", 0) == "SAME":
            continue
        written = {key: value for key, value in op.code_arguments(case.shapes).items() if not _unknown(value)}
        call = module_call(op, {key: literal(value) for key, value in written.items() if key in op.arguments})
        place = [ast.literal_eval(text) for key, text in call.arguments if not key]
        named = {key: ast.literal_eval(text) for key, text in call.arguments if key}
        bound = inspect.signature(getattr(nn, op.torch_name)).bind_partial(*place, **named).arguments
        bound = bound.get("kwargs", {}) | {key: value for key, value in bound.items() if key != "kwargs"}
        if "args" in bound:  # torch's recurrent classes hand on what they are given
            assert list(bound.pop("args")) == place
            written = {key: value for key, value in written.items() if key in bound}
        assert bound == written


def _unknown(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("?")
