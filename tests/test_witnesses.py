"""Sizes tied layer by layer against all their combinations, and witnesses against z3."""

from itertools import product
from random import Random

import pytest

from netsolve import loads
from netsolve.conflicts.decisions import fits
from netsolve.conflicts.statements import relaxed
from netsolve.conflicts.ties import Node, Tie, Ties, Web, bits
from netsolve.conflicts.witnesses import Witnesses, holds
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from support import conv, document, pool, table

SIZES = 4


def drawn(chance: Random, ties: Ties) -> Tie:
    """A tie that takes each size to some others."""
    return Tie(ties, known={n: sum(1 << m for m in range(SIZES) if chance.random() < 0.4) for n in range(SIZES)})


def linked(chance: Random, *, skips: bool) -> tuple[Web, list[tuple[int, int, Tie]], dict[int, int]]:
    """Sizes in a row, with blocks of two side by side, and with ties past them where there are `skips`."""
    ties = Ties()
    web, edges, masks, last = Web(ties, {}), list[tuple[int, int, Tie]](), {0: chance.randrange(1, 1 << SIZES)}, 0
    for _ in range(3):
        inner, end = last + 1, last + 2
        edges += [(last, inner, drawn(chance, ties)), (inner, end, drawn(chance, ties))]
        edges += [(last, end, drawn(chance, ties))] if chance.random() < 0.7 else []
        last = end
    if skips:
        edges += [(1, 4, drawn(chance, ties)), (3, 6, drawn(chance, ties))]
    masks[last] = chance.randrange(1, 1 << SIZES)
    for below, above, tie in edges:
        web.tie(below, above, tie)
    for name, mask in masks.items():
        web.restrict(name, mask)
    return web, edges, masks


def agrees(edges: list[tuple[int, int, Tie]], masks: dict[int, int], values: dict[int, int]) -> bool:
    """Whether values meet every tie and lie in every set."""
    return all(tie.after(values[a]) >> values[b] & 1 for a, b, tie in edges) and all(
        mask >> values[name] & 1 for name, mask in masks.items()
    )


@pytest.mark.parametrize("skips", [False, True])
def test_values_meet_every_tie_and_are_found_where_blocks_follow_each_other(skips: bool) -> None:
    found = 0
    for seed in range(80):
        web, edges, masks = linked(Random(seed), skips=skips)  # noqa: S311 - no secret
        some = any(agrees(edges, masks, dict(enumerate(row))) for row in product(range(SIZES), repeat=7))
        values = web.solve()
        assert values is None or agrees(edges, masks, {name: values[name] for name in range(7)}), seed
        assert skips or (values is not None) == some, seed
        found += values is not None
    assert 0 < found < 80


def test_a_size_that_has_to_become_itself_is_one_that_its_tie_keeps() -> None:
    ties = Ties()
    web = Web(ties, {})
    web.restrict("size", 0b1111)
    web.tie("size", "size", Tie(ties, known={0: 0b0010, 1: 0b0001, 2: 0b0100, 3: 0}))
    assert web.solve() == {"size": 2}
    assert list(bits(0b1010)) == [1, 3]
    assert list(Node(0b1010, frozenset([Tie(ties, known={1: 0, 3: 8})])).members()) == [3]


CONFLICTS = {
    "a size": document(conv(3, padding=1), pool(), conv(3, stride=2, out=[5, 5]), input=(3, 32, 32)),
    "a width": document(
        conv(5, out_channels=6), pool(), table(op="Flatten"), table(op="Linear", in_features=400, out_features=9),
        input=(1, 28, 28),
    ),
    "branches": document(
        conv(3, padding=1, name="a"), conv(3, stride=2, name="b"), conv(1, name="c", **{"from": "a"}),
        table(op="add", **{"from": ["b", "c"]}), input=(3, 17, 17),
    ),
    "oblong": document(conv([3, 5], padding=[1, 0]), conv(2, stride=2, out=[9, 20]), input=(3, 32, 48)),
}  # fmt: skip


@pytest.mark.parametrize("text", CONFLICTS.values(), ids=CONFLICTS)
def test_what_a_witness_shows_to_fit_does_by_z3(text: str) -> None:
    worlds = Worlds(relaxed(loads(text)), Deadline(60))
    indices = sorted(worlds.ancestors(worlds.broken[0]))
    witnesses = Witnesses(worlds, indices, (), Ties())
    keys = list(worlds.relaxed.statements)
    shown = 0
    for key in keys:
        for kept in keys[-2:]:
            rest = [other for other in keys if other not in {key, kept}]
            if witnesses.anywhere(key, rest, Deadline(1)):
                assert fits(worlds, indices, [key, *rest], Deadline(60)), (key, kept)
                shown += 1
    assert shown


def test_values_that_are_written_hold_up_to_where_the_network_breaks() -> None:
    worlds = Worlds(relaxed(loads(CONFLICTS["a size"])), Deadline(60))
    broken = worlds.broken[0]
    written = {v: domain.low for v, domain in worlds.relaxed.written.items()}
    indices = sorted(worlds.ancestors(broken))
    assert holds(worlds, indices[:-1], written, ())
    assert not holds(worlds, indices, written, ())
    (stride,) = worlds.relaxed.variables["conv2d_2.stride"]
    mended = written | {stride: 3}
    assert holds(worlds, indices, mended, ["conv2d_2.stride"])
    assert not holds(worlds, indices, mended, ["conv2d_2.kernel_size"])
