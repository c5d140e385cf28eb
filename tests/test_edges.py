"""Messages and limits at the edges of the language, and of what machines say of themselves."""

import builtins
import os
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

import pytest

from netsolve import DocumentError, Layer, Network, UndecidedError, loads, solve, solve_many
from netsolve.blocks import LONGEST_TEXT, MOST_ENTRIES
from netsolve.deadline import Deadline
from netsolve.domain import LARGEST, Domain
from netsolve.ops import OPERATORS
from netsolve.posing import LOOK, pose
from netsolve.verify import memory_available
from support import complaints, conv, document, exactly, table

RELU = OPERATORS["ReLU"]()
LAYERS = (Layer("a", RELU, ("input",)),)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"constraints": ("a.out[0] ==",)}, "constraints[0]: "),
        ({"constraints": (3,)}, "constraints[0]: a text is expected, not 3"),
        ({"defaults": {"padding": "?3..1"}}, "defaults.padding: the range 3..1 is empty: write 1..3"),
        ({"defaults": {"padding": "?"}}, 'defaults.padding: a set is expected, not "?" (such as "?0..3")'),
        ({"defaults": {"padding": 3}}, 'defaults.padding: a set is expected, not 3 (such as "?0..3")'),
    ],
)
def test_what_a_network_in_code_may_not_say(more: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Network({"input": (3, 8, 8)}, LAYERS, **more)
    (mistake,) = caught.value.mistakes
    assert str(mistake).startswith(message) if message.endswith(": ") else str(mistake) == message


def unflattened(sizes: str, given: str, more: str = "") -> str:
    """An input of one size, and a layer that makes several of it."""
    layer = f'{{ op = "Unflatten", dim = 1, unflattened_size = {sizes} }}'
    return f"input = [{given}]\nlayers = [ {layer}{more} ]\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (unflattened('["?", -1]', "16"), 5),  # the divisors of 16
        (unflattened('["?", -1]', "16") + 'output = ["?", 2]\n', 1),
        (unflattened('["?", "?", -1]', "16") + 'output = ["?", "?", 2]\n', 4),  # 1 x 8, 2 x 4, 4 x 2, 8 x 1
        (unflattened('["?", -1]', '"?"') + "output = [4, 2]\n", 1),
        (unflattened('["?", -1]', "24", ', { op = "Linear", in_features = 3, out_features = 1 }'), 1),
        (unflattened('["?1..100", -1]', "24", ', { op = "Linear", in_features = 5, out_features = 1 }'), 0),
    ],
)
def test_what_is_left_of_a_size_is_at_least_1_and_so_bounds_the_rest(text: str, count: int) -> None:
    assert solve(loads(text)).count == count


def test_default_values_end_where_numbers_of_documents_do() -> None:
    layer = conv(4, padding="?p", dilation=LARGEST, op="ConvTranspose1d")
    problem = pose(loads(document(layer, input=(3, 9))))
    (padding,) = problem.asked
    assert problem.domains[padding] == Domain.between(0, LARGEST)


def test_a_network_is_not_posed_past_the_time_limit() -> None:
    layer = conv(3, padding="?")
    network = loads(f"input = [3, 999, 999]\nlayers = [ {{ repeat = {LOOK}, layers = [ {layer} ] }} ]\n")
    with pytest.raises(UndecidedError, match=exactly("the time limit is reached")):
        pose(network, deadline=Deadline(0))
    answer = solve(network, timeout=0)
    assert (answer.status, [mistake.text for mistake in answer.reasons]) == ("unknown", ["the time limit is reached"])


def test_a_table_that_no_layer_can_be() -> None:
    keys = ", ".join(f"k{i} = 1" for i in range(MOST_ENTRIES + 1))
    (line,) = complaints(f"input = [3]\nlayers = [ {{ {keys} }} ]\n")
    assert f"a layer with {MOST_ENTRIES + 1} keys: at most {MOST_ENTRIES}" in line
    (line,) = complaints(document(table(op="ReLU", kernel_size=["x" * (LONGEST_TEXT + 1)])))
    assert f'"kernel_size" has an entry of more than {LONGEST_TEXT} signs' in line


def test_a_block_is_no_number() -> None:
    text = document(table(block="b", name="stage"), constraints=["stage.padding == 1"])
    lines = complaints(f"{text}[blocks.b]\nlayers = [ {conv()} ]\n")
    text = "stage is a block: of it there is stage.out, and behind its name those of its layers"
    assert lines[0] == f"net.toml:2: constraints[0]: {text}"


def test_more_feeds_than_may_be() -> None:
    feeds = ["input"] * 900
    inner = table(op="cat", **{"from": feeds})
    lines = complaints(f"input = [1]\nlayers = [ {{ repeat = 1200, layers = [ {inner} ] }} ]\n")
    assert any("entries of from when all is written out" in line for line in lines)


@pytest.mark.parametrize(("says", "expected"), [(True, 4096 * 1000 // 2), (False, 4 * 2**30)])
def test_memory_where_the_machine_does_not_say(monkeypatch: pytest.MonkeyPatch, says: bool, expected: int) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError

    def sysconf(name: str) -> int:
        if not says:
            raise ValueError(name)
        return {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}[name]

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "sysconf", sysconf)
    found = memory_available()
    monkeypatch.undo()
    assert found == expected


class Refusing(Executor):
    """An executor that is broken from the start, or never says more than that a task was cancelled."""

    def __init__(self, *, broken: bool) -> None:
        """Choose which of the two."""
        self.broken = broken

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        """Take no task."""
        if self.broken:
            raise BrokenExecutor
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_an_executor_that_is_broken_from_the_start_is_replaced() -> None:
    (outcome,) = solve_many([loads(document(conv(padding=1)))], executor=Refusing(broken=True))
    assert outcome.answer is not None
    assert outcome.answer.status == "solved"


def test_a_task_that_others_cancel_is_said_to_be() -> None:
    (outcome,) = solve_many([loads(document(conv(padding=1)))], executor=Refusing(broken=False))
    assert (outcome.answer, str(outcome.error)) == (None, "the executor gives no answer: it was cancelled")
