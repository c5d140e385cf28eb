"""Documents that nobody would write never end in a traceback, a hang or a wrong answer."""

import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fuzz import alarm, examine, judged
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import mutant

from netsolve import DocumentError, __main__, check, loads, solve
from netsolve.deadline import Deadline
from netsolve.document import read
from netsolve.domain import LARGEST
from netsolve.engines.plausible import plausibility_of
from netsolve.habits import learned
from netsolve.posing import pose
from support import complaints, conv, document, pool, table

WORDS = {"mistaken", "solved", "unsolvable", "unknown", "undecided"}
EACH = 100


@pytest.mark.parametrize("start", range(0, 400, EACH))
def test_mutants(start: int) -> None:
    for number in range(start, start + EACH):
        word, what = judged(number, 0.25)
        assert word in WORDS, f"python benchmarks/fuzz.py --only {number}: {word}: {what}"


@pytest.mark.deep
@pytest.mark.parametrize("start", range(10_000_000, 10_020_000, 1000))
def test_many_mutants(start: int) -> None:
    for number in range(start, start + 1000):
        word, what = judged(number, 0.25)
        assert word in WORDS, f"python benchmarks/fuzz.py --only {number}: {word}: {what}"


def test_the_mutants_are_of_every_kind() -> None:
    words = [judged(number, 0.25)[0] for number in range(300)]
    assert {"mistaken", "solved", "unsolvable"} <= set(words)
    assert sum(word != "mistaken" for word in words) > 30


@given(st.binary(max_size=30))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(DocumentError) as caught:  # so few bytes are no network
        read(BytesIO(data), "net.toml")
    assert str(caught.value).startswith("net.toml")


SCALARS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.booleans(),
    st.floats().map(str).map(lambda text: text.replace("e+", "e")),
    st.text(max_size=8).map(lambda text: f'"{text.encode("unicode_escape").decode()}"'.replace("\\x", "\\u00")),
    st.sampled_from(['"?"', '"?p"', '"?0..3"', '"ReLU"', '"Conv2d"', '"input"', '"same"']),
).map(lambda value: str(value).lower() if isinstance(value, bool) else str(value))
KEYS = st.sampled_from(["op", "name", "from", "out", "kernel_size", "padding", "layers", "repeat", "block", "groups"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=4).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        ),
    ),
    max_leaves=12,
)
TOPS = st.sampled_from(["name", "input", "inputs", "output", "outputs", "layers", "constraints", "unknown", "blocks"])


@given(st.dictionaries(TOPS, VALUES, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_tree(tree: dict[str, str]) -> None:
    assert examine("\n".join(f"{key} = {value}" for key, value in tree.items())) in WORDS


@pytest.mark.parametrize("command", ["solve", "count", "check"])
def test_mutants_through_the_command_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.toml"
    for number in range(600, 640):
        file.write_bytes(mutant(number).encode("utf-8", "surrogatepass"))
        options = ["--timeout", "1"] if command != "check" else []
        options += ["--no-run"] if command != "count" else []
        monkeypatch.setattr(sys, "argv", ["netsolve", command, str(file), *options])
        code = __main__.run()
        out, err = capsys.readouterr()
        assert code in {0, 1, 2, 3}, f"mutant {number}: {err}"
        assert code != 2 or err
        assert code == 2 or out or err


# What was found so, each at its root.


def test_a_size_that_nothing_implies_is_no_known_network() -> None:
    text = document(table(op="opaque", out=["?", 4, 4]))
    with pytest.raises(DocumentError) as caught:
        check(loads(text, "net.toml"))
    message = "opaque_1.out: a size that nothing implies, and check is for networks without (use solve)"
    assert str(caught.value) == f"net.toml:3: {message}"


def test_a_check_holds_named_unknowns_of_out_to_one_value() -> None:
    square = document(conv(padding=0, out=["?p", "?p"]))
    assert check(loads(square)).problem is None
    problem = check(loads(square.replace("[3, 8, 8]", "[3, 8, 7]"))).problem
    assert str(problem) == (
        "?p is one value, and it would be 6 after conv2d_1 and 5 after conv2d_1 "
        "(correct what is stated by `out` or a constraint)"
    )
    bound = document(conv(padding=0, out=["?p", "?"]), constraints=["p == 7"])
    problem = check(loads(bound)).problem
    assert str(problem) == "no value of the named unknowns fits (correct what is stated by `out` or a constraint)"


@pytest.mark.parametrize("free", ["?1..2147483647", "?1..200000"])
def test_a_huge_set_costs_no_memory(free: str) -> None:
    text = document(pool("?1..3", stride="?1..2", padding=0, dilation=free), output=[3, 4, 4], input=[3, "?", "?"])
    program = (
        "import resource, sys\n"
        "from netsolve import loads, solve\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (2**29, 2**29))\n"
        "print(solve(loads(sys.stdin.read()), timeout=2).status)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stderr, done.returncode) == ("", 0)


def test_no_answer_is_larger_than_a_document_may_say() -> None:
    text = document(*[table(op="PixelShuffle", upscale_factor=65_537)] * 3, input=["?", 26, 5], output=["?", "?", "?"])
    answer = solve(loads(text))
    assert answer.status == "unsolvable"
    text = text.replace("65537", "181")
    answer = solve(loads(text))
    assert answer.status == "unsolvable"
    assert LARGEST < 181**6


@pytest.mark.parametrize("feed", [{"from": ["input", "input"]}, {"from": "input", "like": "input"}])
def test_too_many_inputs_of_a_layer_that_is_repeated(feed: dict[str, Any]) -> None:
    text = document("{ repeat = 3, layers = [ " + pool(2, padding=0, **feed) + " ] }", input=[1, 64, 64])
    (line,) = complaints(text)
    told = "takes no `like`" if "like" in feed else "takes 1 input, not 2"
    assert line.startswith(f"net.toml:3: maxpool2d_1.0: MaxPool2d {told} (")


def test_shares_where_nothing_was_explored_in_time() -> None:
    text = document(conv(padding="?", name="a"), conv(padding="?", name="b"), table(op="add", **{"from": ["a", "b"]}))
    order = plausibility_of(pose(loads(text)), learned(), Deadline(60))
    assert order is not None
    nothing = replace(order.explored, explanations=[], total=0.0, complete=False)
    assert all(row == {} for row in nothing.shares({}).values())
    assert order.tables.relations.stands_for


def test_hints_take_time_in_proportion_to_the_values() -> None:
    text = document(table(op="cat"), input=[2, "?1..100000", 25])
    with alarm(60):  # with the square of them it takes hours
        answer = solve(loads(text), timeout=60)
    assert answer.count == 100_000
