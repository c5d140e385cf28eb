"""What Python code may get wrong: each ends in a UsageError that says what to give."""

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

import netsolve
from netsolve import DocumentError, UsageError, loads
from support import conv, document, table

KNOWN = loads(document(conv(3)))
ASKED = loads(document(conv(3, padding="?")))
TWO = loads("inputs = { left = [3, 8, 8], right = [3, 8, 8] }\nlayers = [ { op = 'add', from = ['left', 'right'] } ]\n")
MODULE = nn.Sequential(nn.Conv2d(3, 4, 3))
ANSWER = netsolve.solve(ASKED)
assert ANSWER.best is not None
BEST = ANSWER.best
ANY: Any = netsolve
"""Without the types that would not let these calls pass."""

WRONG: Any = "x"
NUMBER: Any = 5
NOTHING: Any = None

CALLS: dict[str, Callable[[], Any]] = {
    "a network is asked for, and this is str: use load('netd.toml')": lambda: ANY.solve("netd.toml"),
    "a network is asked for, and this is str: use loads(TEXT)": lambda: ANY.solve("input = [3]"),
    "load takes the name of a file, and this is a text of several lines: loads takes text": lambda: ANY.load("a = 1\n"),
    "a network is asked for, and this is NoneType: use load(FILE) or Network(...)": lambda: ANY.check(None),
    "a network is asked for, and this is Sequential: use solve_module(module, input) or from_module(module, input)": (
        lambda: ANY.sizes(MODULE)
    ),
    "explain of a torch module takes its input: explain(module, input=(3, 96, 96))": lambda: ANY.explain(MODULE),
    "input, output and opaque are for torch modules; a Network has its own": (
        lambda: ANY.explain(KNOWN, input=(3, 8, 8))
    ),
    "a network is asked for, and this is int: use load(FILE) or Network(...)": lambda: ANY.sizes(3),
    "a time is a number of seconds, or None for no limit, not '5'": lambda: ANY.count(ASKED, timeout="5"),
    "a time is a number of seconds, or None for no limit, not nan": lambda: ANY.solve(ASKED, timeout=float("nan")),
    "limit is how many solutions to give, not 'x'": lambda: ANSWER.solutions(WRONG),
    "inputs are a first and a last size, such as (32, 1024), not (5,)": lambda: ANY.sizes(KNOWN, inputs=(5,)),
    "which inputs are accepted is asked of networks with one input, and this one has 2": (
        lambda: ANY.sizes(TWO, inputs=(1, 9))
    ),
    'keep is a list of what must stay, such as ["conv2d_1.padding", "input"], not None': (
        lambda: ANY.repair(KNOWN, keep=None)
    ),
    'unknown: arguments are expected, such as "padding" or ("padding", "stride"), not 3': (
        lambda: ANY.from_module(MODULE, (3, 8, 8), unknown=3)
    ),
    'values are written by key, such as {"conv2d_1.padding": 1}, not 5': lambda: ASKED.with_values(NUMBER),
    "opaque is a mapping of shapes by path, not int": lambda: ANY.from_module(MODULE, (3, 8, 8), opaque=5),
    "from_onnx takes the name of a file, not int": lambda: ANY.from_onnx(5),
    "with_summary takes the text that a summary prints, not int": lambda: ANY.with_summary(KNOWN, 5),
    "apply takes the torch.nn.Module that the network was made from, not NoneType": (lambda: BEST.apply(NOTHING)),
    "a time is a number of seconds, or None for no limit, not 'x'": lambda: BEST.verify(seconds=WRONG),
    "most is how many sets of changes to give, at least 1, not 'x'": lambda: ANY.repair(KNOWN, most="x"),
}


@pytest.mark.parametrize(("text", "call"), CALLS.items())
def test_a_call_that_is_not_taken_says_what_is(text: str, call: Callable[[], Any]) -> None:
    with pytest.raises(UsageError) as refused:
        call()
    assert str(refused.value) == text


def test_a_question_mark_that_is_not_there_is_told_with_the_nearest_one() -> None:
    with pytest.raises(KeyError) as refused:
        BEST["conv2d_1.pad"]
    assert refused.value.args == ("there is no question mark conv2d_1.pad: did you mean conv2d_1.padding?",)


def test_a_key_that_is_no_text_is_not_there() -> None:
    with pytest.raises(DocumentError) as refused:
        ASKED.with_values({NUMBER: 1})
    assert (
        str(refused.value.mistakes[0])
        == "5: there is no such argument (a key is LAYER.ARGUMENT, LAYER.out, output or input)"
    )


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("outputs", "outputs: a list is expected, not None ([] for none)"),
        ("constraints", "constraints: a list is expected, not None ([] for none)"),
        ("defaults", "defaults: a mapping is expected, not None ({} for none)"),
        ("blocks", "blocks: a mapping is expected, not None ({} for none)"),
        ("layers", "layers: a list of netsolve.Layer is expected, not None"),
    ],
)
def test_a_part_of_a_network_that_is_none(key: str, text: str) -> None:
    given: dict[str, Any] = {"inputs": KNOWN.inputs, "layers": KNOWN.layers, key: None}
    with pytest.raises(DocumentError) as refused:
        netsolve.Network(**given)
    assert [str(mistake) for mistake in refused.value.mistakes] == [text]


def test_one_thing_to_keep_may_be_given_by_itself() -> None:
    broken = loads(document(conv(3), table(op="Flatten"), table(op="Linear", in_features=64, out_features=2)))
    kept = {key for change in netsolve.repair(broken, keep="linear_1").changes for key in change.set}
    assert kept
    assert "linear_1.in_features" not in kept


def test_no_input_suits_a_network_that_breaks_a_rule() -> None:
    found = netsolve.sizes(loads(document(table(op="MaxPool2d", kernel_size=2, padding=2), input=(1, 4, 4))))
    assert found.inputs is not None
    assert found.inputs.blocks == ()
    assert 4 not in found.inputs.accepted
