"""Every operator against torch itself: accepted or refused, sizes, numbers of parameters; each rule broken alone."""

import pytest
from grid import FEW, NAMES, QUIET, alone, cases, outcomes

from netsolve.ops import OPERATORS
from netsolve.ops.base import Rule

pytestmark = QUIET


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_torch(name: str) -> None:
    found = [text for outcome in outcomes(name) if (text := outcome.disagreement)]
    assert not found, f"{len(found)} of {len(cases(name))} cases disagree; the first:\n" + "\n".join(found[:5])


@pytest.mark.parametrize("name", NAMES)
def test_grid_reaches_both_sides(name: str) -> None:
    accepted = sum(outcome.netsolve is not None for outcome in outcomes(name))
    assert len(cases(name)) >= FEW.get(name, 500)
    assert accepted >= 40
    assert all(outcome.parameters is not None for outcome in outcomes(name) if outcome.netsolve is not None)


def rules() -> list[tuple[str, Rule]]:
    return [(name, rule) for name, kind in OPERATORS.items() if name in NAMES for rule in kind.rules]


@pytest.mark.parametrize(("name", "rule"), rules(), ids=[f"{name}: {rule.text}" for name, rule in rules()])
def test_each_rule_broken_alone(name: str, rule: Rule) -> None:
    found = alone(name, rule)
    assert found, f"no case of {name} breaks this rule alone"
    assert rule.policy or all(outcome.torch is None or 0 in outcome.torch for outcome in found)
    assert rule.policy or any(outcome.torch is None for outcome in found)
