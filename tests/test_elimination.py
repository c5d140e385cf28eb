"""Tests of exact elimination: counts, lists and values against brute force, and against z3."""

from itertools import islice
from math import comb, prod
from random import Random
from typing import Any

import pytest

import netsolve
from nets import Net, network
from netsolve import Answer, loads, solve
from netsolve.deadline import Deadline
from netsolve.engines.elimination import tables_of
from netsolve.engines.relations import TooLargeError
from netsolve.engines.z3 import Z3Engine
from netsolve.posing import pose
from netsolve.queries import ELIMINATION
from support import conv, document, pool, table

EACH = 50
NETD = ((3, 1), (4, 2)) * 4


def key(values: Any) -> tuple[Any, ...]:
    return tuple(sorted(dict(values).items()))


def supports(net: Net) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {}
    for values, _ in net.fitting().values():
        for name, value in values.items():
            found.setdefault(name, set()).add(value)
    return found


def agrees(net: Net) -> Answer:
    """The answer, after its count, its list and its forced values were compared with brute force."""
    fitting = net.fitting()
    answer = solve(loads(net.text))
    assert answer.engine == ELIMINATION, net.text
    assert answer.count == len(fitting), net.text
    listed = [solution.values for solution in answer.solutions()]
    assert len(listed) == len(fitting), net.text
    assert {key(values) for values in listed} == set(fitting), net.text
    assert dict(answer.forced) == {n: next(iter(v)) for n, v in supports(net).items() if len(v) == 1}, net.text
    return answer


@pytest.mark.parametrize("start", range(0, 1000, EACH))
def test_counts_and_lists_equal_brute_force(start: int) -> None:
    for seed in range(start, start + EACH):
        net = network(seed, 80)
        answer = agrees(net)
        for solution in answer.solutions(3):
            shapes = net.shapes(dict(solution.values))
            assert shapes is not None
            assert {name: solution.shapes[name] for name in shapes} == shapes


@pytest.mark.parametrize("axes", [1, 3])
def test_counts_and_lists_equal_brute_force_along_other_numbers_of_axes(axes: int) -> None:
    for seed in range(60):
        agrees(network(seed, 80, axes))


@pytest.mark.deep
@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("start", range(10_000, 20_000, EACH))
def test_many_with_other_numbers_of_axes(start: int, axes: int) -> None:
    for seed in range(start, start + EACH):
        agrees(network(seed, 400, axes))


@pytest.mark.deep
@pytest.mark.parametrize("start", range(100_000, 110_000, EACH))
def test_z3_agrees_on_many(start: int) -> None:
    for seed in range(start, start + EACH):
        net = network(seed, 40, 1 + seed % 3)
        fitting, problem = net.fitting(), pose(loads(net.text))
        best = Z3Engine().best(problem, Deadline(60))
        assert (best is not None) == bool(fitting), net.text
        if best is not None:
            found = {question.key: question.answer(best) for question in problem.questions}
            assert key(found) in fitting, net.text


@pytest.mark.deep
@pytest.mark.parametrize("start", range(10_000, 20_000, EACH))
def test_counts_and_lists_equal_brute_force_on_larger_networks(start: int) -> None:
    for seed in range(start, start + EACH):
        agrees(network(seed, 1500))


def test_the_random_networks_have_everything_in_them() -> None:
    texts = [network(seed, 80).text for seed in range(300)]
    for part in ('"add"', '"mul"', '"cat"', '"Linear"', '"ConvTranspose2d"', "constraints", '"?p: ', 'ceil_mode = "?'):
        assert sum(part in text for text in texts) > 10, part
    counts = [netsolve.count(loads(text)) or 0 for text in texts]
    assert sum(n == 0 for n in counts) > 3
    assert sum(n > 1 for n in counts) > 60
    assert sum(n > 5 for n in counts) > 10


@pytest.mark.parametrize("seed", range(30))
def test_z3_agrees(seed: int) -> None:
    net = network(seed, 40, 1 + seed % 3)
    problem = pose(loads(net.text))
    tables = tables_of(problem, Deadline(60))
    engine = Z3Engine()
    best = engine.best(problem, Deadline(60))
    assert (best is None) == (tables is None)
    if tables is not None:
        for _, assignment in islice(tables.ranked({}), 3):
            assert engine.holds(problem, assignment, Deadline(60))


def netd(padding: Any, *, features: int | None) -> str:
    """NetD with one padding for all, and either its width or its final size."""
    layers = [conv(k, out_channels=64, stride=s, padding=padding) for k, s in NETD]
    if features is None:
        layers.append(table(op="Identity", out=["?", 6, 6]))
    else:
        layers[-1] = layers[-1].replace("out_channels = 64", "out_channels = 512")
        layers += [table(op="Flatten"), table(op="Linear", in_features=features, out_features=1)]
    return document(*layers, input=[3, 96, 96])


@pytest.mark.parametrize(
    ("padding", "features", "count"),
    [("?", None, 4617), (["?", "?"], None, 21_316_689), (["?", "?"], 18_432, 27_603_747)],
)
def test_netd(padding: Any, features: int | None, count: int) -> None:
    assert netsolve.count(loads(netd(padding, features=features))) == count


def by_axis(layers: list[tuple[int, int, int, int]], size: int, final: int) -> int:
    """How many choices of paddings lead from one size to another: a plain count along one axis.

    layers: kernel, stride, and the least and the greatest padding.
    """
    ways = {size: 1}
    for kernel, stride, low, high in layers:
        after: dict[int, int] = {}
        for n, count in ways.items():
            for padding in range(low, high + 1):
                if n + 2 * padding >= kernel:
                    out = (n + 2 * padding - kernel) // stride + 1
                    after[out] = after.get(out, 0) + count
        ways = after
    return ways.get(final, 0)


@pytest.mark.parametrize(
    ("pools", "stages", "count"),
    [(range(2), False, 10_858_872), (range(1), False, 357_911), (range(1), True, 3_087)],
)
def test_vgg_16(pools: range, stages: bool, count: int) -> None:
    layers, plain, size = [], [], 224
    for convs, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        layers += [conv(3, out_channels=channels, padding="?")] * convs
        size //= 2
        more: dict[str, Any] = {"out": [channels, size, size]} if stages or size == 7 else {}
        layers.append(pool(2, padding="?" if len(pools) > 1 else 0, **more))
        plain += [(3, 1, 0, 2)] * convs + [(2, 2, 0, pools[-1])]
    text = document(*layers, input=[3, 224, 224])
    assert netsolve.count(loads(text)) == count
    if not stages:
        assert by_axis(plain, 224, 7) == count


def test_count_of_many_is_exact_and_the_first_of_them_come_at_once() -> None:
    depth = 150
    text = document(*[conv(3, padding="?")] * depth, input=[3, 400, 400])
    answer = solve(loads(text))
    ways = {400: 1}
    for _ in range(depth):
        after: dict[int, int] = {}
        for n, c in ways.items():
            for out in (n - 2, n, n + 2):
                after[out] = after.get(out, 0) + c * (out > 0)
        ways = after
    assert answer.count == sum(ways.values()) == 3**depth
    first = list(answer.solutions(10))
    assert len({key(s.values) for s in first}) == 10


def test_unknowns_that_a_constraint_ties_count_together() -> None:
    text = document(conv(padding="?"), conv(padding="?"), input=[3, 8, 8])
    assert netsolve.count(loads(text)) == 9
    tied = document(
        conv(padding="?"), conv(padding="?"), input=[3, 8, 8], constraints=["conv2d_1.padding == conv2d_2.padding"]
    )
    assert [s.values for s in solve(loads(tied)).solutions()] == [
        {"conv2d_1.padding": p, "conv2d_2.padding": p} for p in (1, 0, 2)
    ]


def test_a_size_that_shares_a_name_with_a_padding() -> None:
    text = document(conv(5, padding="?p", out=["?", "?p", 4]), input=[3, 2, 4])
    # 2 + 2p - 4 = p and 4 + 2p - 4 = 4 for p = 2 alone
    answer = solve(loads(text))
    assert answer.count == 1
    assert answer.best is not None
    assert answer.best.values == {"conv2d_1.padding": 2}


def test_the_same_values_are_one_assignment_whatever_the_shapes_between() -> None:
    opaque = table(op="opaque", out=[3, "?3..6", 8])
    text = document(opaque, conv(3, stride=2, padding="?"), pool(2, padding="?", out=["?", "?1..3", "?"]))
    found = set()
    for n in range(3, 7):
        for p in range(3):
            for q in range(2):
                middle = (n + 2 * p - 3) // 2 + 1
                if middle + 2 * q >= 2 and 1 <= (middle + 2 * q - 2) // 2 + 1 <= 3:
                    found.add((p, q))
    answer = solve(loads(text))
    assert answer.count == len(found)
    listed = [(s["conv2d_1.padding"], s["maxpool2d_1.padding"]) for s in answer.solutions()]
    assert sorted(listed) == sorted(found)
    for solution in answer.solutions():
        assert solution.prove()


def test_an_opaque_size_that_nothing_decides_is_no_unknown() -> None:
    text = document(
        table(op="opaque", out=["?2|3", 8, 8]), conv(3, padding="?0|1"), table(op="opaque", out=["?2|3", 4])
    )
    assert netsolve.count(loads(text)) == 2


def test_supports_name_every_value_and_nothing_else() -> None:
    for seed in range(40):
        net = network(seed, 60)
        tables = tables_of(pose(loads(net.text)), Deadline(60))
        if tables is None:
            assert not net.fitting()
            continue
        found = tables.supports()
        values: dict[str, set[int]] = {}
        for question in tables.problem.questions:
            for place, operand in enumerate(question.entries):
                if isinstance(operand, netsolve.problem.Variable):
                    slot = f"{question.key}[{place}]" if question.listed else question.key
                    values[slot] = set(found[operand])
        brute: dict[str, set[int]] = {slot: set() for slot in values}
        for row, _ in net.fitting().values():
            for name, value in row.items():
                if isinstance(value, tuple):
                    for place, entry in enumerate(value):
                        brute.get(f"{name}[{place}]", set()).add(int(entry))
                else:
                    brute[name].add(int(value))
        assert values == brute, net.text


@pytest.mark.parametrize("prefer", ["small", "same"])
def test_preferences_are_optimal(prefer: Any) -> None:
    checked = 0
    for seed in range(600):
        net = network(seed, 60)
        marks = [name.split(".")[1] for name, _ in net.slots]
        fitting = net.fitting()
        others = {"ConvTranspose2d"} if prefer == "small" else {"ConvTranspose2d", "ZeroPad2d"}
        if set(marks) != {"padding"} or len(fitting) < 2 or any(node.op in others for node in net.nodes):
            continue
        checked += 1
        best = solve(loads(net.text), prefer=prefer).best
        assert best is not None
        names = {mark.name or slot: slot for slot, mark in net.slots.items()}

        slots = tuple(names.values())

        def total(values: Any, slots: Any = slots, given: Net = net) -> int:
            return sum(price(prefer, given, values, slot) for slot in slots)

        least = min(total(values) for values, _ in fitting.values())
        if prefer == "small" or len(names) == len(net.slots):
            assert total(best.values) == pytest.approx(least), net.text
    assert checked > 10


def price(prefer: str, net: Net, values: Any, slot: tuple[str, int | None]) -> int:
    """What one padding costs, by the definitions of the preferences."""
    name, entry = slot
    padding = int(values[name] if entry is None else values[name][entry])
    if prefer == "small":
        return abs(padding)
    node = next(node for node in net.nodes if node.name == name.split(".")[0])
    if node.op == "ZeroPad2d":
        return 0

    def along(argument: str) -> int:
        given = node.given.get(argument, 1)
        return int(given[entry or 0] if isinstance(given, list) else given)

    same = (max(along("dilation") * (along("kernel_size") - 1) + 1 - along("stride"), 0) + 1) // 2
    return (1000 if padding != same else 0) + abs(padding - same)


@pytest.mark.parametrize(
    "layers",
    [
        [conv("?1..2147483647", padding="?0..2147483647")],
        [conv("?", stride="?", padding="?", dilation="?")] * 8,
        [pool("?", stride="?", padding="?", ceil_mode="?")] * 8,
        [conv(3, padding="?0..99999")] * 3,
    ],
)
def test_hostile_sets_end_in_the_time_given(layers: list[str]) -> None:
    text = document(*layers, input=[3, 200, 200])
    try:
        tables = tables_of(pose(loads(text)), Deadline(5))
    except netsolve.UndecidedError as error:
        assert isinstance(error, TooLargeError) or "time" in str(error)  # noqa: PT017 - one of two ends, both right
    else:
        assert tables is None or tables.count() > 0


def test_contradictions_that_no_pair_of_layers_shows() -> None:
    # Each padding may be 0 or 1 by itself, any two can agree, but not all three with the parity asked for.
    rules = ["p + q == 1", "q + r == 1", "p + r == 1"]
    layers = [conv(3, padding=f"?{name}: 0..1") for name in "pqr"]
    text = document(*layers, input=[3, 9, 9], constraints=rules)
    assert netsolve.count(loads(text)) == 0
    assert solve(loads(text)).status == "unsolvable"


def test_random_orders_of_the_layers_of_a_join_do_not_matter() -> None:
    random = Random(5)  # noqa: S311 - no secret
    for _ in range(10):
        paddings = [f"?{random.randint(0, 1)}|{random.randint(2, 3)}" for _ in range(3)]
        branches = [
            conv(5, padding=p, name=f"b{i}").replace("{ ", '{ from = "input", ', 1) for i, p in enumerate(paddings)
        ]
        counts = set()
        for order in (["b0", "b1", "b2"], ["b2", "b0", "b1"]):
            join = table(op="cat").replace("{ ", f"{{ from = {order}, ".replace("'", '"'), 1)
            counts.add(netsolve.count(loads(document(*branches, join))))
        values = [set(map(int, p[1:].split("|"))) for p in paddings]
        assert counts == {len(values[0] & values[1] & values[2])}


@pytest.mark.parametrize("sizes", [1, 2, 3, 4])
@pytest.mark.parametrize("powers", [{2: 1, 3: 2, 7: 1, 11: 1, 31: 1, 151: 1, 331: 1}, {2: 9}, {3: 3, 5: 2}])
def test_unknown_sizes_under_one_width_are_counted_by_its_divisors(sizes: int, powers: dict[int, int]) -> None:
    width = prod(prime**power for prime, power in powers.items())
    text = document(table(op="Flatten"), table(op="Linear", in_features=width, out_features=2), input=["?"] * sizes)
    # each prime's power is dealt out to the sizes on its own
    assert netsolve.count(loads(text)) == prod(comb(power + sizes - 1, sizes - 1) for power in powers.values())


def test_equal_sizes_under_one_width() -> None:
    text = document(table(op="Flatten"), table(op="Linear", in_features=144, out_features=2), input=["?", "?w", "?w"])
    assert netsolve.count(loads(text)) == sum(144 % (n * n) == 0 for n in range(1, 13))


def test_a_width_that_not_every_size_divides() -> None:
    layers = [
        conv(3, out_channels="?", padding=0),
        table(op="Flatten"),
        table(op="Linear", in_features=12, out_features=2),
    ]
    text = document(*layers, input=[1, 5, "?4..8"])
    assert netsolve.count(loads(text)) == sum(c * 3 * (n - 2) == 12 for c in range(1, 13) for n in range(4, 9))
