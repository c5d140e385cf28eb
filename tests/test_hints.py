"""Tests of netsolve.hints: which size would settle most, and what would be left."""

import re
from typing import Any

import pytest

import netsolve
from netsolve import loads, solve
from netsolve.hints import MOST_HINTS
from support import conv, document, pool, table

LEFT = re.compile(r"the size after (\S+): if it is ([\d x]+), (?:(it would be the only answer)|([\d,]+) assignments? )")


def layers(*outs: Any) -> list[str]:
    """Three layers, with what is told of the sizes after them."""
    told = [{"out": out} if out is not None else {} for out in outs]
    return [conv(5, padding="?", **told[0]), conv(3, padding="?", **told[1]), pool(2, padding="?", **told[2])]


def count(*outs: Any) -> int:
    found = netsolve.count(loads(document(*layers(*outs), input=[3, 32, 32])))
    assert found is not None
    return found


def test_channels_that_are_assumed_are_told() -> None:
    rows = [conv(5, padding=1), conv(3, out_channels="?2|4", padding="?0|1", stride=2)]
    (hint,) = solve(loads(document(*rows, input=[4, 6, 12]))).hints
    match = LEFT.match(hint.text)
    assert match is not None, hint.text
    told = [int(size) for size in match[2].split(" x ")]
    assert len(told) == 3
    assert netsolve.count(loads(document(rows[0], rows[1].replace(" }", f", out = {told} }}"), input=[4, 6, 12]))) == 1


def test_each_hint_leaves_as_many_as_it_says() -> None:
    answer = solve(loads(document(*layers(None, None, ["?", 17, 17]), input=[3, 32, 32])))
    assert answer.count == count(None, None, ["?", 17, 17])
    assert answer.count is not None
    assert answer.count > 1
    assert answer.best is not None
    assert 1 <= len(answer.hints) <= MOST_HINTS
    outs: list[Any] = [None, None, ["?", 17, 17]]
    names = ["conv2d_1", "conv2d_2", "maxpool2d_1"]
    before = answer.count
    for hint in answer.hints:
        match = LEFT.match(hint.text)
        assert match is not None, hint.text
        assert match[1] == hint.layer
        size = [int(n) for n in match[2].split(" x ")]
        assert tuple(size) == answer.best.shapes[hint.layer][1:]
        outs[names.index(hint.layer)] = ["?", *size]
        left = count(*outs)
        assert left == (1 if match[3] else int(match[4].replace(",", "")))
        assert left < before
        before = left


def test_the_size_that_tells_more_comes_first() -> None:
    # After the first layer there are two sizes, after the second four, each from one assignment: only the second
    # settles all, and it settles it alone.
    text = document(conv(5, padding="?1|2"), conv(9, padding="?0|4", stride=1), conv(1, padding=0), input=[3, 32, 32])
    answer = solve(loads(text))
    assert answer.count == 4
    assert [hint.layer for hint in answer.hints] == ["conv2d_2"]
    assert "it would be the only answer" in answer.hints[0].text


@pytest.mark.parametrize("padding", [1, "?1"])
def test_a_unique_answer_needs_no_hint(padding: Any) -> None:
    assert solve(loads(document(conv(3, padding=padding), input=[3, 8, 8]))).hints == ()


def test_sizes_that_an_opaque_layer_leaves_open_are_no_hints() -> None:

    opaque = table(op="opaque", out=[3, "?8..9", "?8..9"])
    answer = solve(loads(document(opaque, conv(3, padding="?0|1"), input=[3, 8, 8])))
    assert answer.count == 2
    assert all(hint.layer != "opaque_1" for hint in answer.hints)
