"""The fewest statements that contradict each other: what is left out, what is needed, and axes alike taken once."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import pytest

from netsolve import UndecidedError, loads
from netsolve.conflicts.axes import distinct
from netsolve.conflicts.decisions import fits, left_of
from netsolve.conflicts.statements import relaxed
from netsolve.conflicts.usual import KINDS, usual
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import OVERTIME, Deadline
from netsolve.domain import Domain
from netsolve.engines import contradiction as engine
from netsolve.engines.base import Contradiction, Times, Witness
from netsolve.engines.contradiction import contradiction
from netsolve.engines.z3 import Session, Z3Engine
from netsolve.ops.base import Formula
from netsolve.problem import Factor, Label, Problem, Variable
from support import conv, document, pool, table

X = Variable("x", 0)
RULES = {
    "at least 3": lambda x: x >= 3,
    "at most 2": lambda x: x <= 2,
    "at most 1": lambda x: x <= 1,
    "not 9": lambda x: x != 9,
}


def ruled(*labels: str) -> tuple[Problem, dict[int, str]]:
    """A number under some rules."""
    network = loads(document(conv(3)))
    factors = tuple(Factor(Label("", label), Formula(RULES[label]), (X,)) for label in labels)
    return Problem(network, {X: Domain.between(0, 9)}, factors, (), {}, (), {}), dict(enumerate(labels))


def never(label: str, kept: object, time: object) -> bool:
    """No other way."""
    del label, kept, time
    return False


def asked(*labels: str, witness: Witness = never, seconds: float = 60) -> Contradiction | None:
    """What contradicts itself, left out in this order."""
    problem, named = ruled(*labels)
    return contradiction(problem, named, labels, Times(Deadline(seconds), seconds), witness)


FEWEST = [{"at least 3", "at most 1"}, {"at least 3", "at most 2"}]


def test_no_label_stays_without_need() -> None:
    for labels in (
        ("not 9", "at least 3", "at most 2", "at most 1"),
        ("at most 1", "not 9", "at most 2", "at least 3"),
    ):
        found = asked(*labels)
        assert found is not None
        assert found.minimal
        assert set(found.labels) in FEWEST
        assert list(found.labels) == [label for label in labels if label in found.labels]
    assert asked("not 9", "at least 3") is None


def test_where_z3_takes_long_another_way_is_asked_once_and_then_z3_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SOON", 0.0)
    monkeypatch.setattr(engine, "PATIENCE", 0.0)
    questions = list[tuple[str, tuple[str, ...]]]()

    def witness(label: str, kept: Sequence[str], time: Deadline) -> bool:
        assert not time.passed
        questions.append((label, tuple(kept)))
        return label == "at least 3"

    found = asked("at least 3", "at most 2", "at most 1", witness=witness)
    assert found is not None
    assert found.minimal
    assert set(found.labels) in FEWEST
    assert [label for label, _ in questions if label == "at least 3"] == ["at least 3"]
    assert all(label not in kept for label, kept in questions)


def test_what_was_not_decided_is_kept_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Session.verdict
    calls = list[int]()

    def slow(session: Session, *assumptions: object) -> bool:
        calls.append(len(assumptions))
        if len(calls) > 1:
            raise UndecidedError(OVERTIME)
        return verdict(session, *assumptions)

    monkeypatch.setattr(Session, "verdict", slow)
    found = asked("at least 3", "at most 2")
    assert found == Contradiction(("at least 3", "at most 2"), minimal=False)
    with pytest.raises(UndecidedError):
        asked("at least 3", "at most 2")


CONFLICTS = {
    "a size": document(conv(3, padding=1), pool(), conv(3, stride=2, out=[5, 5]), input=(3, 32, 32)),
    "channels as large as the image": document(
        conv(3, out_channels=9), conv(3, out_channels=9, out=[9, 9, 9]), input=(9, 9, 9)
    ),
    "sides": document(
        table(op="ZeroPad2d", padding=[1, 0, 1, 0]), conv(3, stride=2), pool(out=[6, 6]), input=(3, 20, 20)
    ),
    "uneven sides": document(table(op="ZeroPad2d", padding=[1, 0, 2, 3]), conv(3, out=[20, 20]), input=(3, 20, 20)),
    "a width": document(
        conv(5, out_channels=6), pool(), table(op="Flatten"), table(op="Linear", in_features=400, out_features=9),
        input=(1, 28, 28),
    ),
    "branches": document(
        conv(3, padding=1, name="a"), conv(3, stride=2, name="b"), conv(1, name="c", **{"from": "a"}),
        table(op="add", **{"from": ["b", "c"]}), input=(3, 17, 17),
    ),
    "oblong": document(conv([3, 5], padding=[1, 0]), conv(2, stride=2, out=[9, 20]), input=(3, 32, 48)),
    "turned": document(conv([3, 5]), table(op="transpose", dim0=2, dim1=3), conv(2, out=[9, 9]), input=(3, 17, 17)),
}  # fmt: skip
ONCE = {"a size", "channels as large as the image", "sides", "branches"}
"""Those in which every axis says the same, and no layer puts axes together or in another order."""


@pytest.mark.parametrize("name", CONFLICTS)
def test_axes_alike_are_taken_once_and_that_decides_the_same(name: str) -> None:
    worlds = Worlds(relaxed(loads(CONFLICTS[name])), Deadline(60))
    every = sorted(set[int]().union(*map(worlds.ancestors, worlds.broken)))
    once = distinct(worlds, every)
    assert (len(once) < len(every)) == (name in ONCE)
    keys = list(worlds.relaxed.statements)
    chance, verdicts = Random(7), set[bool]()  # noqa: S311 - no secret
    subsets = [set(some) for count in range(3) for some in combinations(keys, count)]
    for dropped in chance.sample(subsets, min(24, len(subsets))):
        verdict = fits(worlds, every, dropped, Deadline(60))
        assert fits(worlds, once, dropped, Deadline(60)) == verdict, dropped
        verdicts.add(verdict)
    assert False in verdicts


@pytest.mark.parametrize("text", CONFLICTS.values(), ids=CONFLICTS)
def test_usual_values_are_some_of_all(text: str) -> None:
    worlds = Worlds(relaxed(loads(text)), Deadline(60))
    indices = sorted(worlds.ancestors(worlds.broken[0]))
    keys = list(worlds.relaxed.statements)
    shown = 0
    for key in keys:
        problem = left_of(worlds, indices, keys)
        assert problem is not None
        few = usual(worlds, problem, key, (), KINDS[-1])
        for v, domain in few.domains.items():
            assert domain & problem.domains[v] == domain
        own = worlds.relaxed.variables[key]
        if key.rpartition(".")[2] not in {"out", "output", *worlds.relaxed.network.inputs}:
            assert all(few.domains[v] == problem.domains[v] for v in own if v in few.domains)
        shown += Z3Engine().feasible(few, Deadline(60))
    assert shown == len(keys)


def test_nothing_is_asked_once_the_time_for_the_proof_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Session.verdict
    calls = list[int]()

    def counted(session: Session, *assumptions: object) -> bool:
        calls.append(len(assumptions))
        return verdict(session, *assumptions)

    monkeypatch.setattr(Session, "verdict", counted)
    problem, named = ruled("at least 3", "at most 2", "at most 1")
    labels = ["at least 3", "at most 2", "at most 1"]
    found = contradiction(problem, named, labels, Times(Deadline(60), 0.0), never)
    assert found is not None
    assert not found.minimal
    assert calls == [3]
