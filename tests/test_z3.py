"""Tests of netsolve.engines.z3 and of the problem it is given, against brute force on small random chains."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from typing import Any

import pytest
import z3
from hypothesis import HealthCheck, event, given, settings

from chains import Chain, chains
from netsolve import DocumentError, UndecidedError, loads, solve
from netsolve.answer import solution_of
from netsolve.deadline import Deadline
from netsolve.engines import z3 as engine
from netsolve.engines.z3 import MOST_CASES, Z3Engine
from netsolve.posing import pose
from netsolve.problem import Problem, Variable
from support import conv, document, exactly, hard, pool, table

SLOW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def posed(chain: Chain) -> Problem | None:
    """The chain as a problem; None where a named unknown has no value left, which is a mistake in the document."""
    try:
        return pose(loads(chain.text))
    except DocumentError as error:
        assert all("no value is left" in mistake.text for mistake in error.mistakes)  # noqa: PT017 - one of two ends, both right
        assert not any(chain.fits(row) for row in chain.rows())
        return None


def completed(problem: Problem, values: dict[str, Any]) -> dict[Variable, int]:
    """All variables of a problem, from the values of its question marks."""
    found: dict[Variable, int] = {}
    for question in problem.questions:
        given = values[question.key]
        entries = given if question.listed else (given,)
        pairs = zip(question.entries, entries, strict=True)
        found.update({operand: int(entry) for operand, entry in pairs if isinstance(operand, Variable)})
    return problem.complete(found)


def cost(problem: Problem, values: dict[Variable, int]) -> int:
    """How little an assignment is liked."""
    return sum(
        cost.formula(*(values[v] if isinstance(v, Variable) else v for v in cost.operands)) for cost in problem.costs
    )


@given(chains())
@SLOW
def test_z3_finds_an_answer_that_nothing_beats_exactly_where_one_exists(chain: Chain) -> None:
    problem = posed(chain)
    if problem is None:
        return
    rows = {tuple(sorted(chain.filled(row).items())): row for row in chain.rows()}
    fitting = {key: row for key, row in rows.items() if chain.fits(row)}
    event(f"{'some' if fitting else 'no'} answer")
    assignment = Z3Engine().best(problem, Deadline(60))
    assert (assignment is not None) == bool(fitting)
    if assignment is None:
        return
    best = solution_of(problem, assignment)
    found = dict(best.values)
    row = fitting[tuple(sorted(found.items()))]
    shapes = chain.shapes(row)
    assert shapes is not None
    assert {name: best.shapes[name] for name in shapes} == shapes
    least = min(cost(problem, completed(problem, chain.filled(other))) for other in fitting.values())
    assert cost(problem, completed(problem, found)) == least


@given(chains())
@SLOW
def test_the_problem_accepts_the_answers_and_nothing_else(chain: Chain) -> None:
    problem = posed(chain)
    if problem is None:
        return
    for row in chain.rows():
        try:
            values = completed(problem, chain.filled(row))
            accepted = problem.broken(values) is None
        except ZeroDivisionError:
            pytest.fail("a formula divided by zero")
        assert accepted == chain.fits(row), row


@given(chains())
@settings(SLOW, max_examples=40)
def test_z3_holds_for_the_answers_and_nothing_else(chain: Chain) -> None:
    problem = posed(chain)
    if problem is None:
        return
    rows = list(chain.rows())
    fitting = [row for row in rows if chain.fits(row)]
    others = [row for row in rows if not chain.fits(row)]
    for row in [*islice(fitting, 2), *fitting[-1:], *islice(others, 2), *others[-1:]]:
        values = completed(problem, chain.filled(row))
        assert Z3Engine().holds(problem, values, Deadline(60)) == chain.fits(row), row


@given(chains())
@settings(SLOW, max_examples=40)
def test_torch_agrees_with_every_answer(chain: Chain) -> None:
    if posed(chain) is None:
        return
    best = solve(loads(chain.text)).best
    if best is not None:
        run = best.verify()
        assert run.mismatch is None
        assert run.verified is True


def test_what_has_no_upper_bound_gets_its_least_value() -> None:
    best = solve(loads(document(conv(5), conv(3), input=["?", "?", "?"]))).best
    assert best is not None
    assert best.values == {"input": (1, 7, 7)}


def test_channels_are_found_from_the_width_of_a_linear_layer() -> None:
    layers = (conv(3, out_channels="?"), table(op="Flatten"), table(op="Linear", in_features=7 * 6 * 6, out_features=2))
    best = solve(loads(document(*layers))).best
    assert best is not None
    assert best.values == {"conv2d_1.out_channels": 7}


def test_groups_divide_both_numbers_of_channels() -> None:
    text = document(conv(1, out_channels=18, groups="?"), input=[12, 1, 1], constraints=["conv2d_1.groups > 3"])
    best = solve(loads(text)).best
    assert best is not None
    assert best.values == {"conv2d_1.groups": 6}


def test_an_expired_deadline_is_undecided() -> None:
    problem = pose(loads(document(conv(padding="?"))))
    with pytest.raises(UndecidedError, match=exactly("the time limit is reached")):
        Z3Engine().best(problem, Deadline(0))
    with pytest.raises(UndecidedError, match=exactly("the time limit is reached")):
        Z3Engine().holds(problem, {}, Deadline(0))


def test_too_many_cases_are_refused_with_a_remedy() -> None:
    sets = "?1..300"
    text = document(pool(sets, stride=sets, padding=0), input=[1, 1000, 1000])
    assert MOST_CASES < 300 * 300
    reason = "maxpool2d_1.kernel_size, maxpool2d_1.stride: too many values to try in turn; give a smaller set"
    with pytest.raises(UndecidedError, match=exactly(reason)):
        Z3Engine().best(pose(loads(text)), Deadline(60))


def test_an_enormous_set_for_what_divides_is_refused() -> None:
    text = document(conv("?1..2147483647", padding="?", stride="?1..2147483647"))
    with pytest.raises(
        UndecidedError, match=exactly("conv2d_1.stride: too many values to try in turn; give a smaller set")
    ):
        Z3Engine().best(pose(loads(text)), Deadline(60))


# Memory, time and threads.

TALL = pose(loads(document(*[conv("?2|4", padding=["?0|2", 3]) for _ in range(12)], input=[2, 24, 38])))
"""Some megabytes of terms."""


class Late:
    """A deadline that passes after some looks at the clock, however fast the machine is."""

    remaining = 60.0

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def passed(self) -> bool:
        self.looks -= 1
        return self.looks < 0

    check = Deadline.check


@pytest.mark.parametrize("end", [None, UndecidedError, KeyboardInterrupt])
def test_what_z3_held_is_freed_also_while_an_error_is_kept(
    end: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    kept: list[BaseException] = []
    check = z3.Solver.check

    def watched(solver: z3.Solver, *assumptions: Any) -> Any:
        held.append(z3.Z3_get_estimated_alloc_size())
        if end is not None:
            raise end
        return check(solver, *assumptions)

    assert Z3Engine().feasible(TALL, Deadline(60)) is True  # what z3 keeps once for the whole process
    monkeypatch.setattr(z3.Solver, "check", watched)
    before = z3.Z3_get_estimated_alloc_size()
    for _ in range(3):
        try:
            assert Z3Engine().feasible(TALL, Deadline(60)) is True
        except (UndecidedError, KeyboardInterrupt) as error:
            kept.append(error)
    after = z3.Z3_get_estimated_alloc_size()
    assert [type(error) for error in kept] == ([] if end is None else [end] * 3)
    assert min(held) - before > 2**20
    assert after - before < 2**16


def test_more_memory_than_z3_may_have_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = exactly("z3 needs more than 1 MiB")
    monkeypatch.setattr(engine, "MOST_MEMORY", 1)
    with pytest.raises(UndecidedError, match=reason):  # while terms are made
        Z3Engine().feasible(TALL, Deadline(60))
    monkeypatch.setattr(z3, "Z3_get_estimated_alloc_size", lambda: 0)
    with pytest.raises(UndecidedError, match=reason):  # while z3 works
        Z3Engine().best(pose(loads(hard())), Deadline(60))


def test_z3_is_watched_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    check = z3.Solver.check
    working = threading.Event()

    def begun(solver: z3.Solver, *assumptions: Any) -> Any:
        working.set()
        return check(solver, *assumptions)

    monkeypatch.setattr(z3.Solver, "check", begun)
    monkeypatch.setattr(z3, "Z3_get_estimated_alloc_size", lambda: 2**30 if working.is_set() else 0)
    threads = threading.active_count()
    with pytest.raises(UndecidedError, match=exactly("z3 needs more than 640 MiB")):
        Z3Engine().feasible(pose(loads(hard())), Deadline(60))
    assert threading.active_count() == threads


def test_an_answer_outlives_the_memory_that_a_better_one_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    check = z3.Solver.check

    def once(solver: z3.Solver, *assumptions: Any) -> Any:
        if assumptions:
            msg = b"max. memory exceeded"
            raise z3.Z3Exception(msg)
        return check(solver, *assumptions)

    monkeypatch.setattr(z3.Solver, "check", once)
    problem = pose(loads(document(conv(padding="?"), conv(padding="?"))))
    found = Z3Engine().best(problem, Deadline(60))
    assert found is not None
    assert problem.broken(found) is None


def test_making_terms_looks_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(z3.Solver, "check", lambda *_: pytest.fail("the time was over before"))
    for looks in (0, 3, len(TALL.domains), len(TALL.domains) + 5):
        late: Any = Late(looks)
        with pytest.raises(UndecidedError, match=exactly("the time limit is reached")):
            Z3Engine().feasible(TALL, late)


def test_threads_ask_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3, timeout=60)
    check = z3.Solver.check
    first = threading.local()

    def met(solver: z3.Solver, *assumptions: Any) -> Any:
        if not hasattr(first, "passed"):
            first.passed = together.wait()
        return check(solver, *assumptions)

    sizes = [[1, 9, 9], [2, 11, 8], [1, 7, 12]]
    layers = (conv("?1..5", padding="?"), pool(padding="?"), conv("?2|4", padding="?", out=["?", 4]))
    problems = [pose(loads(document(*layers, input=size))) for size in sizes]

    def costs(problem: Problem) -> int | None:
        found = Z3Engine().best(problem, Deadline(60))
        return None if found is None else cost(problem, dict(found))

    expected = list(map(costs, problems))
    monkeypatch.setattr(z3.Solver, "check", met)
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(costs, problems)) == expected


def test_ctrl_c_reaches_the_main_thread_while_another_asks_z3() -> None:
    problem = pose(loads(hard()))
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(Z3Engine().feasible, problem, Deadline(2))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            asked.result()
    with pytest.raises(UndecidedError, match=exactly("the time limit is reached")):
        asked.result()
    timer.join()


@pytest.mark.parametrize("ask", [Z3Engine().feasible, Z3Engine().best])
def test_ctrl_c_while_z3_works_is_passed_on(ask: Callable[[Problem, Deadline], Any]) -> None:
    problem = pose(loads(hard()))
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ask(problem, Deadline(60))
    timer.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_while_constraints_are_made_is_passed_on() -> None:
    text = document(*(conv(padding="?", stride="?") for _ in range(30)), input=[1, 2000, 2000])
    problem = pose(loads(text))
    values = problem.complete(dict.fromkeys(problem.domains, 1))
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        deque(Z3Engine().holds(problem, values, Deadline(60)) for _ in count())
    timer.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
