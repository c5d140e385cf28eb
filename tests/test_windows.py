"""Windows of which more than the padding is unknown: what authors have most often, and what the network itself has."""

from itertools import product
from math import exp, log

import pytest

from netsolve import loads, solve
from netsolve.habits import STYLES, learned
from netsolve.windows import CODES, MEANINGS, TELLS_NOTHING, contexts, meaning, meaning_costs, numbers_in
from support import conv, document, pool, table


@pytest.mark.parametrize(
    ("window", "means"),
    [
        ((3, 1, 1), "half"),
        ((3, 2, 2), "half"),
        ((5, 1, 2), "half"),
        ((4, 1, 1), "half"),
        ((3, 1, 0), "none"),
        ((3, 1, 2), "other"),
        ((2, 1, 1), "other"),
        ((1, 1, 0), None),
        ((2, 1, 0), None),
    ],
)
def test_what_a_padding_means(window: tuple[int, int, int], means: str | None) -> None:
    assert meaning(*window) == (TELLS_NOTHING if means is None else MEANINGS.index(means))


@pytest.mark.parametrize("style", STYLES)
def test_meanings_are_as_probable_as_they_cost(style: str) -> None:
    costs = meaning_costs(learned(), "conv", style)
    assert len(costs) == CODES.count
    assert sum(exp(-c) for c in costs[:TELLS_NOTHING]) == pytest.approx(1)
    assert costs[TELLS_NOTHING] == 0


def test_what_tells_of_a_number_is_counted_layer_by_layer() -> None:
    network = loads(
        document(
            conv(3, out_channels=4),
            conv(3, out_channels=4, groups=4),
            conv([3, 5], out_channels=4),
            pool(),
            conv("?", out_channels=4),
            table(op="ReLU"),
        )
    )
    assert contexts(network.layers[1], "kernel_size") == (
        "kernel_size conv",
        "kernel_size conv, stride 1",
        "kernel_size conv, stride 1, depthwise",
    )
    assert contexts(network.layers[5], "kernel_size") == contexts(network.layers[0], "padding") == ()
    counts = numbers_in(network)
    assert counts["kernel_size conv", 3] == counts["kernel_size conv, stride 1", 3] == 2
    assert counts["kernel_size conv, stride 1, depthwise", 3] == 1
    assert counts["kernel_size conv", 5] == 0
    assert counts["kernel_size max", 2] == 1
    assert counts["stride conv", 1] == 4
    assert counts["stride conv, kernel_size 3", 1] == 2


def test_a_kernel_is_what_the_others_of_its_network_are() -> None:
    for size, padding in ((3, 1), (5, 2), (7, 3)):
        known = [conv(size, padding="?") for _ in range(6)]
        asked = conv("?", padding="?", out=[32, 32])
        best = solve(loads(document(*known, asked, input=(3, 32, 32)))).best
        assert best is not None
        assert best.values["conv2d_7.kernel_size"] == size
        assert {value for key, value in best.values.items() if key.endswith(".padding")} == {padding}


def test_a_question_mark_with_one_value_is_as_good_as_the_number() -> None:
    asked, known = (
        solve(loads(document(*(conv(k, padding="?") for _ in range(2)), input=(3, 32, 32)))) for k in ("?3", 3)
    )
    assert asked.best is not None
    assert known.best is not None
    paddings = {key: value for key, value in asked.best.values.items() if key.endswith(".padding")}
    assert paddings == dict(known.best.values)
    assert asked.best.probability == pytest.approx(known.best.probability)


@pytest.mark.parametrize(("op", "size"), [("Conv1d", 3), ("Conv1d", 6), ("MaxPool1d", 7), ("AvgPool1d", 9)])
def test_probabilities_sum_to_one_where_windows_are_unknown(op: str, size: int) -> None:
    given = {"kernel_size": "?3|5", "stride": "?1..3", "padding": "?0..2"} | ({"out_channels": 4} if "C" in op else {})
    answer = solve(loads(document(table(op=op, **given), table(op=op, **given), input=(8, size + 9))))
    found = [s.probability for s in answer.solutions()]
    assert len(found) == answer.count
    assert len(found) > 20
    assert sum(p for p in found if p is not None) == pytest.approx(1, abs=0.01)


def test_unknown_windows_are_weighed_as_the_model_says() -> None:
    """One layer: the weights are products of the shares of its numbers and of what its padding means, over styles."""
    text = document(table(op="Conv1d", out_channels=4, kernel_size="?2..5", padding="?0..2"), input=(8, 9))
    answer = solve(loads(text))
    habits = learned()
    kernels = {k: exp(-log(1 + rank)) for rank, k in enumerate([3, 5, 2, 4])}  # the odd ones first, then the smaller
    shares = {k: share / sum(kernels.values()) for k, share in kernels.items()}
    for context in ("kernel_size conv", "kernel_size conv, stride 1"):
        seen = habits.numbers[context]
        whole = sum(seen.values()) + 2
        shares = {k: (seen.get(str(k), 0.0) + 2 * share) / whole for k, share in shares.items()}
    weights = {}
    for k, p in product(kernels, range(3)):
        styles = (habits.styles[s] * exp(-meaning_costs(habits, "conv", s)[meaning(k, 1, p)]) for s in STYLES)
        weights[k, p] = shares[k] * sum(styles) / (1 + p)
    total = sum(weights.values())
    for solution in answer.solutions():
        values = tuple(solution.values.values())
        assert solution.probability == pytest.approx(weights[values] / total, rel=1e-6)
