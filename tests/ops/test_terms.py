"""One declaration, three readings: plain integers, z3's terms, torch."""

import random
from functools import cache
from itertools import product
from typing import Any

import pytest
from grid import NAMES, QUIET, Case, outcome, outcomes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netsolve.deadline import Deadline
from netsolve.domain import Domain, Unknown
from netsolve.engines.z3 import Z3Engine
from netsolve.errors import DocumentError
from netsolve.ops import OPERATORS
from netsolve.ops.arguments import Asked, AskedSwitch, Inferred, Sizes
from netsolve.posing import pose
from netsolve.problem import Problem

pytestmark = QUIET
ASKABLE = {
    name: [
        key for key, kind in op.arguments.items() if isinstance(kind, Asked) and not isinstance(kind, Inferred | Sizes)
    ]
    for name, op in OPERATORS.items()
    if name in NAMES
}


def filled(case: Case, values: dict[str, Any]) -> Case:
    """The case with other values for some arguments, and for a size of its first input by its index."""
    first = list(case.shapes[0])
    for key, value in values.items():
        if key.isdigit():
            first[int(key)] = value
    written = {key: value for key, value in values.items() if not key.isdigit()}
    return Case(case.name, tuple({**dict(case.arguments), **written}.items()), (tuple(first), *case.shapes[1:]))


def posed(case: Case, out: tuple[int, ...] | None) -> Problem:
    """The case as a network of one layer, with what is stated of its output."""
    return pose(case.network(case.operator(), out))


@cache
def candidates(name: str) -> list[Case]:
    """Cases that fit, and some that do not."""
    fit = [found.case for found in outcomes(name) if found.netsolve is not None]
    return fit + [found.case for found in outcomes(name) if found.rules][: len(fit) // 8]


def sets_of(case: Case, rng: random.Random) -> dict[str, list[Any]]:
    """A few values for one to three arguments or sizes of the input."""
    keys = [*ASKABLE[case.name], *map(str, range(len(case.shapes[0])))]
    sets: dict[str, list[Any]] = {}
    for key in rng.sample(keys, min(len(keys), rng.choice([1, 2, 2, 3]))):
        if key.isdigit():
            size = case.shapes[0][int(key)]
            sets[key] = sorted({max(1, size - 1), size, size + rng.choice([1, 2])})
            continue
        argument = OPERATORS[case.name].arguments[key]
        assert isinstance(argument, Asked)
        low = max(argument.least, -2)
        sets[key] = [False, True] if isinstance(argument, AskedSwitch) else [*range(low, low + rng.choice([2, 3]))]
    return sets


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_integers_terms_and_torch_agree(name: str, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - hypothesis chose the seed
    case = rng.choice(candidates(name))
    sets = sets_of(case, rng)
    rows = [dict(zip(sets, row, strict=True)) for row in product(*sets.values())]
    judged = {tuple(row.values()): outcome(filled(case, row)) for row in rows}
    shapes = sorted({found.netsolve for found in judged.values() if found.netsolve is not None})
    stated = rng.choice(shapes) if shapes and rng.random() < 0.8 else None
    fits = {
        values
        for values, found in judged.items()
        if found.netsolve is not None and (stated is None or found.torch == stated)
    }
    question = {key: Unknown(Domain.of(map(int, values))) for key, values in sets.items()}
    try:
        problem = posed(filled(case, question), stated)
    except DocumentError:
        assert not fits
        return
    compare(problem, list(sets), rows, fits)


def compare(problem: Problem, asked: list[str], rows: list[dict[str, Any]], fits: set[tuple[Any, ...]]) -> None:
    """z3 finds an assignment exactly where one fits; each assignment is judged alike by integers and terms."""
    engine = Z3Engine()
    found = engine.best(problem, Deadline(20))
    assert (found is None) == (not fits)
    entries = {question.key: question.entries for question in problem.questions}
    variables: dict[str, Any] = {
        key: entries["input0"][int(key)] if key.isdigit() else entries[f"layer.{key}"][0] for key in asked
    }
    if found is not None:
        assert tuple(found[variable] for variable in variables.values()) in fits
    for row in rows[:: max(1, len(rows) // 3)]:
        values = problem.complete({variables[key]: int(value) for key, value in row.items()})
        expected = tuple(row.values()) in fits
        assert (problem.broken(values) is None) == expected
        assert engine.holds(problem, values, Deadline(20)) == expected
