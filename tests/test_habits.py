"""Tests of netsolve.habits and of the plausibility made of it, against a plain implementation of the model."""

import json
import sys
from itertools import pairwise, product
from math import exp, inf, log
from pathlib import Path
from typing import Any

import pytest

from nets import Net, Node, network
from netsolve import loads, solve
from netsolve.deadline import Deadline
from netsolve.engines.plausible import Plausibility, plausibility_of
from netsolve.habits import STYLES, Habits, Key, choices_of, learned
from netsolve.losses import loss_family
from netsolve.posing import pose
from netsolve.problem import Variable
from support import conv, document, pool

KEYS = [
    Key("padding", "conv", 3, 1, 1),
    Key("padding", "conv", 4, 2, 1),
    Key("padding", "max", 3, 2, 1, ceil_mode=True),
    Key("padding", "conv", 11, 4, 3, padded=True),
    Key("output_padding", "transposed", 3, 2, 1),
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("values", [range(1), range(3), range(11), [0, 5, 100]])
def test_weights_sum_to_one(key: Key, style: str, values: Any) -> None:
    weights = learned().weights(key, list(values), style)
    assert set(weights) == set(values)
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) > 0


def test_styles_sum_to_one_and_losses_are_probabilities() -> None:
    habits = learned()
    assert sum(habits.styles.values()) == pytest.approx(1, abs=1e-3)
    for family in ("overlap odd padded even input", "tile bare odd input", "never seen"):
        both = [exp(-cost / habits.trust) for cost in habits.loss_costs(family, "padded")]
        assert sum(both) == pytest.approx(1)


@pytest.mark.parametrize(
    ("layers", "values"),
    [
        ([conv(3, padding="?"), conv(5, padding="?")], (1, 2)),
        ([conv(4, stride=2, padding="?")], (1,)),
        ([conv(2, stride=2, padding="?")], (0,)),
        ([pool(3, stride=2, padding="?")], (1,)),
        ([pool(2, padding="?")], (0,)),
        ([conv(1, padding="?"), conv(7, stride=2, padding="?")], (0, 3)),
    ],
)
def test_what_authors_do_where_nothing_else_is_known(layers: list[str], values: tuple[int, ...]) -> None:
    best = solve(loads(document(*layers, input=[3, 32, 32]))).best
    assert best is not None
    assert tuple(best.values.values()) == values


class Model:
    """The two-level model by its definition: every style, every value of every group, every assignment that fits."""

    def __init__(self, net: Net, habits: Habits) -> None:
        self.net, self.habits = net, habits
        self.problem = pose(loads(net.text))
        self.choices = choices_of(self.problem)
        self.groups = [
            (key, sorted({v for c in members for v in c.values}), [c.variable for c in members])
            for key, members in zip(self.choices.groups, self.choices.members, strict=True)
        ]

    def assignment(self, values: Any) -> dict[Variable, int]:
        """The values of the question marks' variables."""
        found: dict[Variable, int] = {}
        for question in self.problem.questions:
            entries = values[question.key] if question.listed else (values[question.key],)
            pairs = zip(question.entries, entries, strict=True)
            found |= {v: int(value) for v, value in pairs if isinstance(v, Variable)}
        return found

    def losses(self, values: Any, shapes: Any, style: str) -> float:
        """What lost cells cost: for each axis of a strided window of which not everything is known, alike ones once."""
        total, odd, seen = 0.0, any(n % 2 for n in self.net.size), set()
        for node, axis in product(self.net.nodes, range(2)):
            window = [self.along(node, name, axis) for name in ("kernel_size", "stride", "dilation", "ceil_mode")]
            if node.op not in {"Conv2d", "MaxPool2d"} or window[1] == 1:
                continue
            size, padding = self.problem.shapes[node.inputs[0]][axis + 1], self.operand(node, axis)
            unknown = isinstance(size, Variable) or isinstance(padding, Variable)
            if not unknown or (place := (node.op, size, padding, *window)) in seen:
                continue
            seen.add(place)
            k, s, d, ceil_mode = window
            given = values.get(f"{node.name}.padding", node.given.get("padding", 0))
            p = given[axis] if isinstance(given, list | tuple) else given
            family = loss_family(k, s, padding=p > 0, ceil_mode=bool(ceil_mode), odd=odd)
            lost = (shapes[node.inputs[0]][axis + 1] + 2 * p - d * (k - 1) - 1) % s > 0
            total += self.habits.loss_costs(family, style)[lost]
        return total

    @staticmethod
    def along(node: Node, name: str, axis: int) -> Any:
        """A known argument along an axis."""
        given = node.given.get(name, 0 if name == "ceil_mode" else 1)
        return given[axis] if isinstance(given, list) else given

    def operand(self, node: Node, axis: int) -> Any:
        """The variable of a padding along an axis, or its value."""
        for question in self.problem.questions:
            if question.key == f"{node.name}.padding":
                return question.entries[axis if question.listed else 0]
        return node.given.get("padding", 0)

    def costs(self, values: Any, shapes: Any) -> list[float]:
        """The cost of one assignment under every explanation."""
        given, found = self.assignment(values), list[float]()
        for style in STYLES:
            base = -log(self.habits.styles[style]) + self.losses(values, shapes, style)
            tables = [self.habits.weights(key, possible, style) for key, possible, _ in self.groups]
            for row in product(*(possible for _, possible, _ in self.groups)):
                total = base
                for value, weights, (key, _, members) in zip(row, tables, self.groups, strict=True):
                    total -= log(weights[value])
                    for place, variable in enumerate(members):
                        total -= self.chance(given[variable], value, weights)
                        total += (
                            1e-5 * place * (key.stem is True and given[variable] == 0)
                        )  # the earlier goes bare first
                found.append(total)
        return found

    def chance(self, value: int, of_group: int, weights: dict[int, float]) -> float:
        """The logarithm of how probable a layer's value is, given its group's."""
        e = self.habits.deviation
        if len(weights) == 1:
            return 0.0
        if value == of_group:
            return log(1 - e)
        habit = weights[value] / sum(w for v, w in weights.items() if v != of_group)
        if of_group != 0 and 0 in weights:
            habit = 0.1 * habit + (0.9 if value == 0 else 0)  # who departs mostly has no padding at all
        return log(e * habit)


def judged(seed: int) -> tuple[Net, Plausibility, Model] | None:
    """A network whose question marks are all paddings of known windows, with several answers."""
    net = network(seed, 60)
    if not all(name.endswith("padding") for name, _ in net.slots) or len(net.fitting()) < 2:
        return None
    model = Model(net, learned())
    if model.choices.flat:
        return None
    plausibility = plausibility_of(model.problem, learned(), Deadline(60))
    assert plausibility is not None
    return net, plausibility, model


@pytest.mark.parametrize("few", [0, 1000])
def test_plausibility_and_probability_are_what_the_model_says(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsolve.engines.listing.FEW", few)
    checked = several = 0
    for seed in range(700):
        found = judged(seed)
        if found is None:
            continue
        net, plausibility, model = found
        fitting = net.fitting()
        costs = {key: model.costs(values, shapes) for key, (values, shapes) in fitting.items()}
        least = {key: min(row) for key, row in costs.items()}
        weights = {key: sum(exp(-c) for c in row) for key, row in costs.items()}
        total = sum(weights.values())
        before = -inf
        listed = list(plausibility.ranked())
        # Constants that hold for every assignment (a size that loses cells in all of them) cancel in differences.
        offset = listed[0][0] - min(least.values())
        for cost, assignment in listed:
            assert cost >= before - 1e-9
            before = cost
            values = {q.key: q.answer(assignment) for q in plausibility.tables.problem.questions}
            key = tuple(sorted(values.items()))
            assert cost - offset == pytest.approx(least[key], abs=1e-6), net.text
            chance = plausibility.explored.probability(plausibility.weight(assignment))
            assert chance is not None
            assert chance == pytest.approx(weights[key] / total, rel=0.011, abs=1e-9), net.text
        assert len(listed) == len(fitting)
        checked += 1
        several += len(model.groups) > 1
    assert checked > 30
    assert several > 20


def test_few_and_many_assignments_come_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [conv(5, padding="?"), conv(5, padding="?"), conv(5, name="stem", padding="?", out=[3, 6])]
    more = [conv(1, **{"from": "stem"}), conv(1, **{"from": "stem"})]  # layers before are told apart by a tie
    problem = pose(loads(document(*rows, *more, input=(4, 11, 14))))
    listed = []
    for few in (0, 500):
        monkeypatch.setattr("netsolve.engines.listing.FEW", few)
        plausibility = plausibility_of(problem, learned(), Deadline(60))
        assert plausibility is not None
        listed.append([(cost, *(assignment[v] for v in problem.asked)) for cost, assignment in plausibility.ranked()])
    for row in listed:
        assert len(row) > 5
        assert all(one <= other for (one, *_), (other, *_) in pairwise(row))
    assert [values for _, *values in listed[0]] == [values for _, *values in listed[1]]
    assert [cost for cost, *_ in listed[0]] == pytest.approx([cost for cost, *_ in listed[1]])


def test_shares_are_marginal_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsolve.engines.plausible.MASS_LEFT", 1e-9)
    monkeypatch.setattr("netsolve.engines.plausible.NEARLY_ALL", 1.0)
    checked = 0
    for seed in range(250):
        found = judged(seed)
        if found is None:
            continue
        net, plausibility, model = found
        weights = [
            (model.assignment(values), sum(exp(-c) for c in model.costs(values, shapes)))
            for values, shapes in net.fitting().values()
        ]
        total = sum(w for _, w in weights)
        shares = plausibility.explored.shares({})
        for given, weight in weights:
            full = plausibility.tables.problem.complete(given)
            chance = plausibility.explored.probability(plausibility.weight(full))
            assert chance == pytest.approx(weight / total, rel=1e-6, abs=1e-12)
        for variable in weights[0][0]:
            possible = {given[variable] for given, _ in weights}
            for value in possible:
                brute = sum(w for given, w in weights if given[variable] == value) / total
                assert shares[variable][value] == pytest.approx(brute, rel=1e-5, abs=1e-9), net.text
        checked += 1
    assert checked > 15


def learning() -> Any:
    """The script that makes habits.json."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    try:
        import learn  # noqa: PLC0415 - a script, found by its folder
    finally:
        sys.path.pop(0)
    return learn


def test_learning_counts_each_group_once_a_network_and_families_by_their_root() -> None:
    learn = learning()
    one = Key("padding", "conv", 3, 1, 1)
    nets: list[tuple[str, str, dict[Key, dict[int, int]], dict[Any, int], dict[Any, int]]] = [
        ("a", "padded", {one: {1: 5, 0: 1}}, {}, {("stride conv", 1): 3, ("stride conv", 2): 1}),
        ("a", "padded", {one: {1: 1}}, {}, {}),
        ("b", "padded", {one: {0: 9}}, {}, {("stride conv", 1): 1}),
    ]
    observations = [
        (f, s, {k: learn.Counter(v) for k, v in g.items()}, learn.Counter(x), learn.Counter(w))
        for f, s, g, x, w in nets
    ]
    habits = learn.learn(observations)
    assert habits.numbers["stride conv"] == {"1": pytest.approx(0.75 / 2**0.5 + 1), "2": pytest.approx(0.25 / 2**0.5)}
    assert habits.meanings["padded"]["padding conv ?"] == {"half": pytest.approx(2 / 2**0.5), "none": pytest.approx(1)}
    row = habits.exact["padded"][one.exact]
    assert row["1"] == pytest.approx(2 / 2**0.5)
    assert row["0"] == pytest.approx(1)
    # half an observation of each style is given in advance
    assert habits.styles["padded"] == pytest.approx((2 / 2**0.5 + 1 + 0.5) / (2 / 2**0.5 + 1 + 0.5 * len(STYLES)))


def test_the_shipped_habits_say_where_they_come_from() -> None:
    path = Path(__file__).parents[1] / "src/netsolve/habits.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["version"] == 1
    assert data["provenance"].startswith("benchmarks/learn.py on ")
    assert set(data["styles"]) == set(STYLES)


def test_probabilities_of_deep_networks_do_not_underflow() -> None:
    # Each layer has a kernel and a stride of its own to choose: the weight of any one assignment is below all floats.
    layers = [conv("?1|3", padding=0, stride="?1|2")] * 400 + [conv(3, padding="?")]
    answer = solve(loads(document(*layers, input=[3, 1, 1])))
    assert answer.best is not None
    # A kernel of 3 does not cover a size of 1: the stride alone is free, and the last padding is 1 or 2.
    assert answer.count == 2 * 2**400
    assert answer.best.probability is not None
    assert 0 <= answer.best.probability <= 1
    assert sum(answer.shares()["conv2d_401.padding"].values()) == pytest.approx(1)


def test_what_needs_no_search_is_what_the_search_finds() -> None:
    checked = 0
    for seed in range(400):
        found = judged(seed)
        direct = found and found[1].likeliest
        if found is None or direct is None:
            continue
        _, plausibility, model = found
        cost, assignment = direct
        explanation, ranking = next(plausibility.search.explanations(Deadline(60)))
        assert cost == pytest.approx(explanation.bound, abs=1e-6)
        searched = plausibility.tables.assignment(ranking.best()[0])
        assert [assignment[v] for v in model.problem.asked] == [searched[v] for v in model.problem.asked]
        assert model.problem.broken({v: assignment[v] for v in model.problem.domains}) is None
        checked += 1
    assert checked > 10
