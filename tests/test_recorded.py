"""Real networks, recorded by running their authors' models: tests/data has them with every padding unknown."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from netsolve import Answer, check, load, loads, solve
from netsolve.deadline import Deadline
from netsolve.engines.z3 import Z3Engine
from netsolve.problem import Variable
from support import conv, document

DATA = Path(__file__).parent / "data"
RECORDED: dict[str, dict[str, Any]] = json.loads((DATA / "recorded.json").read_text(encoding="utf-8"))
"""For each network what its authors wrote for each question mark, and the shape after each input and layer."""


@cache
def answer(name: str) -> Answer:
    """What netsolve says of a network."""
    return solve(load(DATA / f"{name}.toml"))


def plain(value: Any) -> Any:
    """A value as netsolve has it."""
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("name", RECORDED)
def test_the_authors_paddings_give_the_recorded_sizes(name: str) -> None:
    paddings = {key: plain(value) for key, value in RECORDED[name]["paddings"].items()}
    result = check(load(DATA / f"{name}.toml").with_values(paddings))
    assert result.problem is None
    assert dict(result.shapes) == {key: tuple(shape) for key, shape in RECORDED[name]["shapes"].items()}


@pytest.mark.parametrize("name", RECORDED)
def test_the_authors_paddings_are_an_answer(name: str) -> None:
    best = answer(name).best
    assert best is not None
    problem, paddings = best.problem, RECORDED[name]["paddings"]
    values: dict[Variable, int] = {}
    for question in problem.questions:
        true = paddings[question.key]
        entries = zip(question.entries, true if question.listed else [true], strict=True)
        values.update({operand: value for operand, value in entries if isinstance(operand, Variable)})
    values = problem.complete(values)
    assert problem.broken(values) is None
    assert Z3Engine().holds(problem, values, Deadline(60)) is True


@pytest.mark.parametrize("name", RECORDED)
def test_the_best_answer_runs(name: str) -> None:
    best = answer(name).best
    assert best is not None
    assert best.prove() is True
    assert best.verify().verified is True


def test_the_first_padding_of_an_fcn() -> None:
    """A 3x3 convolution with 100: 64 + 2 * 100 - 2 = 262."""
    narrow = solve(loads(document(conv(padding="?", out=[262, 262]), input=[3, 64, 64])))
    assert narrow.status == "unsolvable"
    assert "conv2d_1.padding = 100" in narrow.hint
    wide = solve(loads(document(conv(padding="?0..100", out=[262, 262]), input=[3, 64, 64])))
    assert wide.best is not None
    assert dict(wide.best.values) == {"conv2d_1.padding": 100}


def test_a_1x1_convolution_that_pads() -> None:
    narrow = solve(loads(document(conv(1, padding="?", out=[10, 10]))))
    assert narrow.status == "unsolvable"
    assert "conv2d_1.padding = 1" in narrow.hint
    wide = solve(loads(document(conv(1, padding="?0..1", out=[10, 10]))))
    assert wide.best is not None
    assert dict(wide.best.values) == {"conv2d_1.padding": 1}
