"""Tests of netsolve.queries and netsolve.answer: what is asked, and what is known afterwards."""

import pickle
import time
from itertools import product
from typing import Any

import pytest

import netsolve
from netsolve import Answer, DocumentError, FaultError, UndecidedError, check, loads, queries, solve
from netsolve.answer import PREFERENCES
from netsolve.deadline import Deadline
from netsolve.engines.ordered import ORDERS
from netsolve.engines.relations import TooLargeError, unlisted
from netsolve.engines.z3 import Z3Engine
from netsolve.posing import pose
from netsolve.problem import Problem, Variable
from support import conv, document, exactly, pool, table

ASKED = document(conv(padding="?p"), pool(ceil_mode="?"), output=[4, 4, 4])
KNOWN = document(
    conv(padding=1), table(op="BatchNorm2d"), pool(), table(op="Flatten"), table(op="Linear", out_features=5)
)
COVERED = "the padded input is at least as large as the dilated kernel"


def overtime(*_: object) -> None:
    msg = "the time limit is reached"
    raise UndecidedError(msg)


def test_an_answer() -> None:
    network = loads(ASKED)
    answer = solve(network)
    assert (answer.status, answer.network, answer.engine, answer.reason, answer.hint) == (
        "solved",
        network,
        "exact elimination",
        "",
        "",
    )
    assert answer.count == 2  # the pool halves 8 evenly, rounding up or down
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
    every = [dict(solution.values) for solution in answer.solutions()]
    assert every == [
        {"conv2d_1.padding": 1, "maxpool2d_1.ceil_mode": False},
        {"conv2d_1.padding": 1, "maxpool2d_1.ceil_mode": True},
    ]
    for limit in (0, 1, 5):
        assert [dict(solution.values) for solution in answer.solutions(limit)] == every[:limit]
    assert list(solve(loads(document(conv(3), output=[4, 7, 7]))).solutions()) == []


def test_probabilities_of_all_solutions_sum_to_one() -> None:
    chances = [solution.probability for solution in solve(loads(ASKED)).solutions()]
    assert sum(chance or 0 for chance in chances) == pytest.approx(1, abs=0.01)


def test_what_is_forced() -> None:
    assert dict(solve(loads(ASKED)).forced) == {"conv2d_1.padding": 1}


# Unknowns without an upper bound.


STRIDED = (conv(4, padding="?", stride=2), conv(3, padding="?"), pool(3, padding="?", stride=2))
FREE = document(*STRIDED, input=[3, "?", "?"])
ENDLESS = "{} has no upper bound: how many assignments there are is not counted"


def test_channels_that_no_size_depends_on_need_no_z3(monkeypatch: pytest.MonkeyPatch) -> None:
    def layers(channels: Any) -> tuple[str, ...]:
        wide = conv(3, padding="?", out_channels=channels)
        return wide, table(op="BatchNorm2d"), *STRIDED, table(op="Flatten"), table(op="Linear", out_features=2)

    monkeypatch.setattr(Z3Engine, "best", lambda *_: pytest.fail("z3 is not needed"))
    network = loads(document(*layers("?"), input=[3, 32, 32]))
    answer = solve(network)
    assert (answer.status, answer.engine, answer.count) == ("solved", "exact elimination", None)
    assert [hint.text for hint in answer.hints] == [ENDLESS.format("conv2d_1.out_channels")]
    assert answer.best is not None
    assert answer.best.probability is None
    assert answer.best.prove() is True
    assert list(answer.solutions()) == [answer.best]
    assert netsolve.count(network) is None
    for same in (1, "?1..40"):
        other = solve(loads(document(*layers(same), input=[3, 32, 32]))).best
        assert other is not None
        assert answer.best.shapes == other.shapes
        assert answer.best.values == {"conv2d_1.out_channels": 1, **other.values}


@pytest.mark.parametrize("prefer", ["habits", "small", "same"])
@pytest.mark.parametrize(
    ("text", "key"),
    [
        (FREE, "input"),
        (document(*STRIDED, conv(1, out_channels=8, groups=4), input=["?", 24, 24]), "input"),
        (
            document(conv(padding="?", out_channels="?"), conv(padding="?", groups=4, out_channels=8)),
            "conv2d_1.out_channels",
        ),
    ],
)
def test_z3_finds_the_smallest_values_and_elimination_the_others(text: str, key: str, prefer: Any) -> None:
    problem = pose(loads(text))
    found = Z3Engine().best(problem, Deadline(60))
    assert found is not None
    smallest = {question.key: question.answer(found) for question in problem.questions}[key]
    answer = solve(loads(text), prefer=prefer)
    assert (answer.status, answer.count) == ("solved", None)
    assert answer.best is not None
    assert answer.best[key] == smallest
    known = solve(loads(text).with_values({key: smallest}), prefer=prefer).best
    assert known is not None
    rest = {other: value for other, value in answer.best.values.items() if other != key}
    assert sum(rest.values()) == sum(known.values.values())
    if prefer != "small":  # of which several have the least padding
        assert rest == known.values
    assert answer.best.prove() is True
    assert list(answer.solutions()) == [answer.best]


def test_a_free_input_is_the_smallest_that_costs_no_likely_padding() -> None:
    # By hand: among all sizes up to 12 the fewest steps from "same", then the least height, then the least width.
    answer = solve(loads(FREE))
    assert (answer.engine, [hint.text for hint in answer.hints]) == (
        "z3 and exact elimination",
        [ENDLESS.format("input[1]")],
    )
    problem = pose(loads(FREE))
    height, width, *paddings = problem.asked
    rows = []
    for sizes in product(range(1, 13), range(1, 13), range(4), range(3), range(2)):
        values = problem.complete(dict(zip((height, width, *paddings), sizes, strict=True)))
        if problem.broken(values) is None:
            off = sum(
                int(c.formula(*(values[v] if isinstance(v, Variable) else v for v in c.operands)))
                for c in problem.costs
            )
            rows.append((off, *sizes))
    assert answer.best is not None
    assert answer.best["input"] == (3, *min(rows)[1:3])


def test_a_size_that_is_told_bounds_a_free_input_under_every_preference() -> None:
    text = document(*STRIDED, input=[3, "?", "?"], output=[8, 8])
    counted = netsolve.count(loads(text))
    preferences: Any = PREFERENCES
    answers = [solve(loads(text), prefer=prefer) for prefer in preferences]
    assert [(answer.engine, answer.count) for answer in answers] == [("exact elimination", counted)] * 3
    bounded = document(*STRIDED, input=[3, "?1..99", "?1..99"], output=[8, 8])
    assert counted == netsolve.count(loads(bounded))


def test_a_set_too_large_for_tables_gives_its_smallest() -> None:
    answer = solve(loads(document(conv(padding="?", out_channels="?5..900000"), output=[8, 8])))
    assert (answer.engine, answer.count) == ("exact elimination", None)
    assert answer.best is not None
    assert answer.best.values == {"conv2d_1.out_channels": 5, "conv2d_1.padding": 1}
    assert [hint.text for hint in answer.hints] == [
        "conv2d_1.out_channels has 899,996 values: too many to try: how many assignments there are is not counted"
    ]


def test_what_is_known_of_one_unknown_is_not_pinned_with_another() -> None:
    # The first two are bounded by a width, and habits choose among the divisors; the third has no bound.
    head = (conv(1, out_channels="?"), table(op="Flatten"), table(op="Linear", in_features=768, out_features="?"))
    problem = pose(loads(document(*head, input=[3, "?", "?"])))
    assert [variable.name for variable in unlisted(problem, Deadline())] == ["linear_1.out_features"]


def test_z3_that_is_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Z3Engine, "best", overtime)
    answer = solve(loads(FREE))
    assert (answer.status, answer.engine, answer.reason) == ("unknown", "z3", "the time limit is reached")


def test_the_answer_of_z3_stays_where_the_rest_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        msg = "more combinations than tables can hold"
        raise TooLargeError(msg)

    monkeypatch.setattr(queries, "order_of", refused)
    answer = solve(loads(FREE))
    assert (answer.status, answer.engine, answer.count) == ("solved", "z3", None)
    assert answer.best is not None
    assert answer.best.prove() is True
    assert [hint.text for hint in answer.hints] == [
        "more combinations than tables can hold: how many assignments there are is not counted"
    ]


def test_nothing_that_fits_with_what_z3_found_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "pinned_best", lambda *_: None)
    text = "z3 gives values that fit, and exact elimination finds nothing that fits with them"
    with pytest.raises(FaultError, match=exactly(text)):
        solve(loads(FREE))


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
            "the constraint conv2d_1.out[1] > 6 does not hold: here conv2d_1.out[1] = 6",
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
    monkeypatch.setattr(queries, "order_of", overtime)
    answer = solve(loads(ASKED))
    assert (answer.status, answer.reason) == ("unknown", "the time limit is reached")


def test_no_hint_where_there_is_no_time_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ORDERS, "small", overtime)
    answer = solve(loads(document(conv(1, padding="?"), output=[4, 10, 10])))
    assert (answer.status, answer.hint) == ("unsolvable", "")


def test_values_that_do_not_fit_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Liar:
        def __init__(self, problem: Problem, *_: object) -> None:
            self.best = dict.fromkeys(problem.domains, 0)

    monkeypatch.setattr(queries, "order_of", Liar)
    with pytest.raises(FaultError, match=r"\Aexact elimination gives values that do not fit: "):
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
    text = "a question mark, and check is for networks without (use solve)"
    lines = [f"net.toml:1: input[1]: {text}", f"net.toml:3: conv2d_1.padding[0]: {text}"]
    with pytest.raises(DocumentError, match=exactly("\n".join(lines))):
        check(loads(document(conv(padding=["?", 0]), input=[3, "?", 8]), "net.toml"))


def test_errors_survive_the_trip_from_a_worker_process() -> None:
    with pytest.raises(DocumentError) as caught:
        loads("input = [0]\n", "net.toml")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert (str(again), again.mistakes, again.file) == (str(caught.value), caught.value.mistakes, "net.toml")


def test_a_question_mark_that_is_repeated_is_one_mistake_of_check() -> None:
    text = document(f"{{ repeat = 3, layers = [{conv(padding='?')}] }}", pool(ceil_mode="?"))
    with pytest.raises(DocumentError) as caught:
        check(loads(text))
    assert [(each.where, each.line) for each in caught.value.mistakes] == [
        ("conv2d_1.0.padding", 3),
        ("maxpool2d_1.ceil_mode", 4),
    ]


def test_results_are_data() -> None:
    answer, again = solve(loads(ASKED)), solve(loads(ASKED))
    assert answer == again
    assert hash(answer) == hash(again)
    assert len(repr(answer)) < 1000
    best = answer.best
    assert best is not None
    assert best.values == {"conv2d_1.padding": 1, "maxpool2d_1.ceil_mode": False}
    assert repr(best.values) == repr(dict(best.values))
    found: Any
    for found in (best.values, best.unknowns, best.shapes, answer.forced, answer.network.inputs):
        with pytest.raises(TypeError):
            found["x"] = 1
        with pytest.raises(AttributeError, match=exactly("a result is not changed: _entries")):
            found._entries = {}  # noqa: SLF001 - what a user who reaches in would do


@pytest.mark.parametrize("prefer", ["habits", "small", "same"])
def test_answers_survive_the_trip_from_a_worker_process(prefer: Any) -> None:
    answer = solve(loads(ASKED), prefer=prefer)
    again = pickle.loads(pickle.dumps(answer))  # noqa: S301 - our own
    assert again == answer
    assert again.best.prove() is True
    assert list(again.solutions()) == list(answer.solutions())
    assert again.shares() == answer.shares()
    twice = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(answer.best))))  # noqa: S301 - our own
    assert twice == answer.best
    assert twice.prove() is True
    assert not hasattr(twice, "nothing")
    assert not hasattr(again, "nothing")


@pytest.mark.parametrize(
    "text", [KNOWN, document(conv(9)), document(conv(padding="?", out_channels="?"), output=[8, 8]), FREE]
)
def test_answers_of_other_engines_survive_it_too(text: str) -> None:
    answer = solve(loads(text))
    again = pickle.loads(pickle.dumps(answer))  # noqa: S301 - our own
    assert again == answer
    assert list(again.solutions()) == list(answer.solutions())
    assert again.best is None or again.best.prove()


def test_all_that_does_not_fit_is_told() -> None:
    answer = solve(loads(document(conv(9), conv(groups=3), table(op="BatchNorm2d", num_features=7))))
    assert {(each.where, each.line) for each in answer.reasons} == {
        ("conv2d_1", 3),
        ("conv2d_2", 4),
        ("batchnorm2d_1", 5),
    }


def test_calls_that_cannot_be() -> None:
    wrong: Any = "nonsense"
    text = 'prefer is one of habits, small, same, not "nonsense"'
    with pytest.raises(netsolve.UsageError, match=exactly(text)):
        solve(loads(ASKED), prefer=wrong)
    with pytest.raises(netsolve.UsageError, match=exactly("limit is how many solutions to give, not -1")):
        solve(loads(ASKED)).solutions(-1)
    wrong = b"input = [3]"
    with pytest.raises(netsolve.NetsolveError, match=r"^loads takes text, not bytes"):
        loads(wrong)
    wrong = 3
    with pytest.raises(netsolve.NetsolveError, match=r"^load takes the name of a file, not int"):
        netsolve.load(wrong)


def test_the_clock_starts_before_the_network_is_posed(monkeypatch: pytest.MonkeyPatch) -> None:
    network = loads(ASKED)

    def slowly(*arguments: Any, **more: Any) -> Problem:
        time.sleep(0.05)
        return pose(*arguments, **more)

    monkeypatch.setattr(queries, "pose", slowly)
    with pytest.raises(UndecidedError):
        netsolve.count(network, timeout=0.04)
    assert solve(network, timeout=0.04).status == "unknown"


def test_the_network_with_its_values_can_be_checked_where_constraints_name_unknowns() -> None:
    text = document(conv(padding="?p", out=["?", "?p"]), constraints=["p % 2 == 1", "p - 1 >= 0"], input=[3, 8, 1])
    best = solve(loads(text)).best
    assert best is not None
    found = check(best.network)
    assert found.problem is None
    assert [str(each.text) for each in best.network.constraints] == ["1 % 2 == 1", "1 - 1 >= 0"]


def test_every_public_name_is_there() -> None:
    found: dict[str, Any] = {name: getattr(netsolve, name) for name in netsolve.__all__}
    assert found["Answer"] is Answer
    with pytest.raises(AttributeError, match=exactly("module 'netsolve' has no attribute 'nothing'")):
        _ = netsolve.nothing


def test_the_best_answer_is_known_where_tables_cannot_hold_the_others() -> None:
    layer = '{ op = "Conv1d", out_channels = 1, kernel_size = 901, padding = "?"'
    layers = ", ".join([f"{layer} }}"] * 3 + [f"{layer}, out = [2000] }}"])
    answer = solve(loads(f"input = [1, 2000]\nlayers = [{layers}]\n"))
    assert (answer.status, answer.count, answer.engine) == ("solved", None, "the habits of authors")
    assert answer.best is not None
    assert set(answer.best.values.values()) == {450}
    assert [hint.text for hint in answer.hints] == [
        "more combinations than tables can hold: how many assignments there are is not counted"
    ]
