"""Every operator against torch itself: accepted or refused, sizes, numbers of parameters; each rule broken alone."""

from dataclasses import replace

import pytest
from grid import NAMES, QUIET, alone, cases, outcome, outcomes

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
    assert len(cases(name)) >= 500
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


def ranked() -> list[str]:
    return [name for name in NAMES if OPERATORS[name].axes or bool(getattr(OPERATORS[name], "ranks", None))]


@pytest.mark.parametrize("name", ranked())
def test_an_input_with_too_many_or_too_few_axes_is_refused(name: str) -> None:
    case = next(found.case for found in outcomes(name) if found.netsolve is not None)
    kept = {len(found.case.shapes[0]) for found in outcomes(name) if found.netsolve is not None}
    for rank in {1, 2, 3, 4, 5} - kept:
        found = outcome(replace(case, shapes=((2,) * rank,) * len(case.shapes)))
        assert found.netsolve is None
        assert f"{name} takes " in found.reason
