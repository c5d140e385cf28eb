"""CONTRIBUTING.md's example of a new operator, word for word: one file, and everything else follows."""

import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch
from grid import Case, draws, outcome
from torch import nn

import netsolve.ops
from netsolve import Unknown, loads, solve
from netsolve.ops import OPERATORS
from netsolve.schema import document_schema

GUIDE = Path(__file__).parents[2] / "CONTRIBUTING.md"


class Thin1d(nn.Module):
    """What torch would have."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 3 or not 1 <= self.step <= x.shape[-1]:
            raise ValueError(self.step)
        return x[..., :: self.step]


@pytest.fixture(autouse=True)
def _thin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    section = GUIDE.read_text(encoding="utf-8").partition("## Adding an operator")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (tmp_path / "thin.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(netsolve.ops, "__path__", [*netsolve.ops.__path__, str(tmp_path)])
    monkeypatch.setattr(nn, "Thin1d", Thin1d, raising=False)
    before = dict(OPERATORS)
    netsolve.ops.register_all()
    yield
    OPERATORS.clear()
    OPERATORS.update(before)
    del sys.modules["netsolve.ops.thin"]
    del netsolve.ops.thin  # type: ignore[attr-defined]  # the import system has put it there


def test_the_example_is_solved_built_and_run() -> None:
    network = loads('input = [2, 10]\nlayers = [{ op = "Thin1d", step = "?", out = [4] }]')
    answer = solve(network)
    assert answer.best is not None
    assert dict(answer.best.values) == {"thin1d_1.step": 3}
    assert answer.best.prove() is True
    assert answer.best.verify().verified is True
    assert answer.best.build()(torch.zeros(1, 2, 10)).shape == (1, 2, 4)


def test_the_example_is_read_and_in_the_schema() -> None:
    assert OPERATORS["Thin1d"].arguments["step"].read("?1..3", 1) == Unknown.parse("?1..3")
    assert "op.Thin1d" in document_schema()["$defs"]


def test_the_example_agrees_with_torch() -> None:
    cases: list[Case] = list(islice(draws("Thin1d"), 60))
    found = [outcome(case) for case in cases]
    assert [each.disagreement for each in found if each.disagreement] == []
    assert {each.netsolve is None for each in found} == {True, False}
