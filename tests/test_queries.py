"""Tests of netsolve.queries and netsolve.answer: what is asked, and what is known afterwards."""

import pickle
from typing import Any

import pytest

import netsolve
from netsolve import Answer, DocumentError, FaultError, UndecidedError, check, loads, queries, solve
from netsolve.deadline import Deadline
from netsolve.engines.base import Assignment
from netsolve.problem import Problem, Variable, pose
from support import conv, document, exactly, pool, table

ASKED = document(conv(padding="?p"), pool(ceil_mode="?"), output=[4, 4, 4])
KNOWN = document(
    conv(padding=1), table(op="BatchNorm2d"), pool(), table(op="Flatten"), table(op="Linear", out_features=5)
)
COVERED = "the padded input is at least as large as the dilated kernel"


class Liar:
    """An engine whose values do not fit."""

    name = "liar"

    def best(self, problem: Problem, deadline: Deadline) -> Assignment | None:
        """Zeros."""
        del deadline
        return dict.fromkeys(problem.domains, 0)

    def holds(self, problem: Problem, assignment: Assignment, deadline: Deadline) -> bool:
        """Yes to everything."""
        del problem, assignment, deadline
        return True


class Sloth(Liar):
    """An engine that never finishes."""

    name = "sloth"

    def best(self, problem: Problem, deadline: Deadline) -> Assignment | None:
        """Nothing."""
        del problem, deadline
        msg = "the time limit is reached"
        raise UndecidedError(msg)


def test_an_answer() -> None:
    network = loads(ASKED)
    answer = solve(network)
    assert (answer.status, answer.network, answer.engine, answer.reason, answer.hint) == (
        "solved",
        network,
        "z3",
        "",
        "",
    )
    best = answer.best
    assert best is not None
    assert dict(best.values) == {"conv2d_1.padding": 1, "maxpool2d_1.ceil_mode": False}
    assert dict(best.unknowns) == {"p": 1}
    assert dict(best.shapes) == {"input": (3, 8, 8), "conv2d_1": (4, 8, 8), "maxpool2d_1": (4, 4, 4)}
    assert best["conv2d_1.padding"] == 1
    assert best.prove() is True
    assert answer.network_solved == best.network
    assert solve(best.network).status == "solved"


def test_solutions_are_at_most_as_many_as_asked_for() -> None:
    answer = solve(loads(ASKED))
    assert [list(answer.solutions(limit)) for limit in (None, 0, 1, 5)] == [
        [answer.best],
        [],
        [answer.best],
        [answer.best],
    ]
    assert list(solve(loads(document(conv(3), output=[4, 7, 7]))).solutions()) == []


def test_a_fully_known_network_solves_to_its_own_sizes() -> None:
    answer = solve(loads(KNOWN))
    assert (answer.status, answer.count, answer.engine) == ("solved", 1, "arithmetic")
    assert answer.best is not None
    assert dict(answer.best.values) == {}
    assert dict(answer.best.shapes) == {
        "input": (3, 8, 8),
        "conv2d_1": (4, 8, 8),
        "batchnorm2d_1": (4, 8, 8),
        "maxpool2d_1": (4, 4, 4),
        "flatten_1": (64,),
        "linear_1": (5,),
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (document(conv(5, out=[7, 7])), "conv2d_1: the size after conv2d_1 is stated as 7, and it is 4"),
        (
            document(conv(1, out_channels=9, groups=3), conv(3), output=[7, 6]),
            "conv2d_2: the size after conv2d_2 is stated as 7, and it is 6",
        ),
        (
            document(conv(9)),
            f"conv2d_1: {COVERED}: here n = 8, kernel_size = 9, padding = 0, dilation = 1",
        ),
        (document(conv(groups=2)), "conv2d_1: in_channels is a multiple of groups: here in_channels = 3, groups = 2"),
        (
            document(conv(), constraints=["conv2d_1.out[1] > 6"]),
            "the constraint conv2d_1.out[1] > 6: here conv2d_1.out[1] = 6",
        ),
        (
            document(table(op="BatchNorm2d", num_features=4)),
            "batchnorm2d_1: num_features is 4, and the input implies 3",
        ),
        (document(conv(out=["?", "?5|7", "?"])), "conv2d_1: out[1] is one of 5|7: here out[1] = 6"),
        (
            document(pool(3, padding=2)),
            "maxpool2d_1: padding is at most half the kernel_size: here kernel_size = 3, padding = 2",
        ),
    ],
)
def test_a_known_network_that_does_not_fit_says_why_with_both_numbers(text: str, reason: str) -> None:
    answer = solve(loads(text))
    assert (answer.status, answer.reason, answer.best) == ("unsolvable", reason, None)


def test_time_that_runs_out_leaves_it_undecided() -> None:
    answer = solve(loads(ASKED), timeout=0)
    assert (answer.status, answer.best, answer.reason) == ("unknown", None, "the time limit is reached")


def test_an_engine_that_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "default_engine", Sloth)
    answer = solve(loads(ASKED))
    assert (answer.status, answer.engine, answer.reason) == ("unknown", "sloth", "the time limit is reached")


def test_no_hint_where_there_is_no_time_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tired(Sloth):
        def best(self, problem: Problem, deadline: Deadline) -> Assignment | None:
            wide = any(domain.high == queries.WIDEST for domain in problem.domains.values() if domain.ranges)
            return super().best(problem, deadline) if wide else None

    monkeypatch.setattr(queries, "default_engine", Tired)
    answer = solve(loads(document(conv(1, padding="?"), output=[4, 10, 10])))
    assert (answer.status, answer.hint) == ("unsolvable", "")


def test_values_that_do_not_fit_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "default_engine", Liar)
    with pytest.raises(FaultError, match=r"\Aliar gives values that do not fit: "):
        solve(loads(ASKED))


def test_prove_says_no_to_values_that_do_not_fit() -> None:
    network = loads(document(conv(padding="?"), output=[4, 8, 8]))
    problem = pose(network)

    def judged(padding: int) -> bool:
        (variable,) = [v for q in problem.questions for v in q.entries if isinstance(v, Variable)]
        solution = netsolve.Solution(network, {}, {}, {}, problem, problem.complete({variable: padding}))
        return solution.prove()

    assert [judged(padding) for padding in (0, 1, 2)] == [False, True, False]


def test_check_gives_sizes_and_parameters() -> None:
    found = check(loads(KNOWN))
    assert found.problem is None
    assert found.parameters == (4 * 3 * 9 + 4) + (4 + 4) + (64 * 5 + 5)
    assert found.shapes["linear_1"] == (5,)


def test_check_stops_where_it_does_not_fit_and_names_the_line() -> None:
    found = check(loads(document(conv(), conv(7), pool(), input=[3, 8, 8])))
    assert dict(found.shapes) == {"input": (3, 8, 8), "conv2d_1": (4, 6, 6)}
    assert found.problem == netsolve.Mistake(
        "conv2d_2",
        f"{COVERED}: here n = 6, kernel_size = 7, padding = 0, dilation = 1",
        "",
        4,
    )


def test_check_refuses_question_marks() -> None:
    text = "net.toml: check is for networks without question marks; unknown here: input, conv2d_1.padding (use solve)"
    with pytest.raises(DocumentError, match=exactly(text)):
        check(loads(document(conv(padding=["?", 0]), input=[3, "?", 8]), "net.toml"))


def test_errors_survive_the_trip_from_a_worker_process() -> None:
    with pytest.raises(DocumentError) as caught:
        loads("input = [0]\n", "net.toml")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert (str(again), again.mistakes, again.file) == (str(caught.value), caught.value.mistakes, "net.toml")


def test_every_public_name_is_there() -> None:
    found: dict[str, Any] = {name: getattr(netsolve, name) for name in netsolve.__all__}
    assert found["Answer"] is Answer
    with pytest.raises(AttributeError, match=exactly("module 'netsolve' has no attribute 'nothing'")):
        _ = netsolve.nothing
