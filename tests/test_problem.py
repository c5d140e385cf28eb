"""Tests of netsolve.posing: what a network says as relations between integers."""

from typing import Any

import pytest

from netsolve import DocumentError, count, loads, solve
from netsolve.domain import POSITIVE, Domain
from netsolve.posing import pose
from netsolve.problem import Problem, Variable
from support import conv, document, pool, table


def posed(*layers: str, **top: Any) -> Problem:
    """The problem of a document."""
    return pose(loads(document(*layers, **top)))


def asked(problem: Problem) -> dict[str, Domain]:
    """The values that question marks may take, by key."""
    return {
        variable.name: problem.domains[variable]
        for question in problem.questions
        for variable in question.entries
        if isinstance(variable, Variable)
    }


@pytest.mark.parametrize(
    ("layer", "values"),
    [
        (conv(3, padding="?"), range(3)),
        (conv(3, padding="?", dilation=2), range(5)),
        (conv([5, 3], padding="?"), range(3)),
        (conv(3, padding="?", dilation=[1, 3]), range(3)),
        (pool(3, padding="?"), range(2)),
        (pool(4, padding="?"), range(3)),
        (pool([2, 5], padding="?"), range(2)),
        (table(op="ZeroPad2d", padding="?"), range(11)),
        (conv("?", padding=0), range(1, 12)),
        (conv(3, stride="?"), range(1, 5)),
        (pool(3, stride="?"), range(1, 5)),
        (conv(3, dilation="?"), range(1, 5)),
        (conv(3, groups="?"), range(1, 4)),
        (pool(3, ceil_mode="?"), range(2)),
    ],
)
def test_default_values(layer: str, values: range) -> None:
    (found,) = asked(posed(layer)).values()
    assert found == Domain.of(values)


def test_default_values_of_each_axis() -> None:
    found = asked(posed(conv([5, 3], padding=["?", "?"])))
    assert found == {"conv2d_1.padding[0]": Domain.between(0, 4), "conv2d_1.padding[1]": Domain.between(0, 2)}


def test_numbers_without_a_bound() -> None:
    found = asked(posed(conv(3, out_channels="?"), input=["?", 8, "?"]))
    assert found == {"input[0]": POSITIVE, "input[2]": POSITIVE, "conv2d_1.out_channels": POSITIVE}


def test_the_documents_table_replaces_default_values_where_no_set_is_given() -> None:
    text = 'unknown = { padding = "?-1..3", ceil_mode = "?1|2" }\n' + document(
        conv(3, padding="?"),
        conv(3, padding="?0..1"),
        table(op="ZeroPad2d", padding=["?", 0, 0, 0]),
        pool(2, ceil_mode="?"),
        pool(9, padding="?q", stride=1),
        input=[3, 32, 32],
    )
    assert asked(pose(loads(text))) == {
        "conv2d_1.padding": Domain.between(0, 3),  # torch takes no negative padding of a convolution
        "conv2d_2.padding": Domain.between(0, 1),
        "zeropad2d_1.padding[0]": Domain.between(-1, 3),
        "maxpool2d_1.ceil_mode": Domain.of([1]),
        "q": Domain.between(0, 3),
    }


def test_one_name_is_one_variable_with_the_values_that_all_its_sets_share() -> None:
    problem = posed(conv(3, padding="?p: 0..5"), conv(7, padding="?p: 1|3|9"), conv(3, padding="?p"), input=[3, 64, 64])
    assert problem.unknowns.keys() == {"p"}
    assert asked(problem) == {"p": Domain.of([1])}


def test_widest_concerns_paddings_of_convolutions_without_a_set() -> None:
    network = loads(document(conv(3, padding="?"), conv(3, padding="?0..1"), pool(3, padding="?")))
    assert asked(pose(network, widest=50)) == {
        "conv2d_1.padding": Domain.between(0, 50),
        "conv2d_2.padding": Domain.between(0, 1),
        "maxpool2d_1.padding": Domain.between(0, 1),
    }


def test_sizes_that_follow_are_integers_and_others_have_the_values_they_can_take() -> None:
    problem = posed(conv(3), conv("?1|3", padding="?0..1"), input=[3, 8, 9])
    assert problem.shapes["conv2d_1"] == (4, 6, 7)
    channels, height, width = problem.shapes["conv2d_2"]
    assert channels == 4
    assert problem.domains[height] == Domain.of({6 + 2 * p - k + 1 for k in (1, 3) for p in (0, 1)})
    assert problem.domains[width] == Domain.of({7 + 2 * p - k + 1 for k in (1, 3) for p in (0, 1)})


def test_violations_are_what_no_value_can_mend() -> None:
    problem = posed(conv(9), conv(3, padding="?"), output=[4, 1, 2], input=[3, 8, 8])
    assert {(factor.label.layer, factor.label.text) for factor in problem.violations} >= {
        ("conv2d_1", "the padded input is at least as large as the dilated kernel")
    }
    assert posed(conv(3, padding="?"), output=[4, 7, 7]).violations == ()


def test_a_shape_of_spatial_sizes_alone_leaves_the_channels_open() -> None:
    best = solve(loads(document(conv(3, out_channels="?5|9", out=[6, 6])))).best
    assert best is not None
    assert best.shapes["conv2d_1"][1:] == (6, 6)


def test_sets_and_names_in_shapes() -> None:
    layers = (conv(3, padding="?", out=["?", "?s: 7|8", "?s"]), conv(1, out_channels="?s"))
    best = solve(loads(document(*layers, constraints=["s > 6"]))).best
    assert best is not None
    assert best["conv2d_1.padding"] == 1
    assert dict(best.unknowns) == {"s": 8}
    assert best.shapes["conv2d_2"] == (8, 8, 8)


def test_a_pools_unwritten_stride_is_its_kernel_size_also_while_that_is_unknown() -> None:
    best = solve(loads(document(pool("?2..5"), input=[1, 12, 12], output=[1, 3, 3]))).best
    assert best is not None
    assert best.values == {"maxpool2d_1.kernel_size": 4}


@pytest.mark.parametrize(
    "constraint",
    [
        "conv2d_1.stride == 1",
        "conv2d_1.dilation[1] == 1 and conv2d_1.groups == 1",
        "maxpool2d_1.stride == 2",
        "maxpool2d_1.ceil_mode == 0",
        "conv2d_1.in_channels == 3",
        "conv2d_1.kernel_size == 3",
        "conv2d_1.kernel_size[0] == 3",
        "input[0] * 2 + input[1] == 14",
        "features[0].out[0] == features[0].out_channels",
        "features[0].in_channels == conv2d_1.out[0]",
        "features[0].out[2] == 3",
    ],
)
@pytest.mark.parametrize("negated", [False, True])
def test_what_names_in_constraints_mean(constraint: str, *, negated: bool) -> None:
    text = f"not ({constraint})" if negated else constraint
    layers = (conv(3), pool(2), conv(1, name="features.0"))
    assert solve(loads(document(*layers, constraints=[text]))).status == ("unsolvable" if negated else "solved")


def test_the_longest_layer_name_wins() -> None:
    layers = (conv(3, name="a", padding="?"), conv(3, name="a.0", padding="?"))
    best = solve(loads(document(*layers, constraints=["a[0].padding == 2", "a.padding == 0"]))).best
    assert best is not None
    assert best.values == {"a.padding": 0, "a.0.padding": 2}


def test_a_question_mark_for_both_axes_is_one_value() -> None:
    assert solve(loads(document(conv(3, padding="?"), output=[4, 8, 6]))).status == "unsolvable"
    best = solve(loads(document(conv(3, padding=["?", "?"]), output=[4, 8, 6]))).best
    assert best is not None
    assert best.values == {"conv2d_1.padding": (1, 0)}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (conv(3, padding="?"), {"conv2d_1.padding": 1}),  # as large after as before
        (conv(4, stride=2, padding="?"), {"conv2d_1.padding": 1}),  # half as large
        (conv(5, stride=2, padding="?"), {"conv2d_1.padding": 2}),
        (conv(3, dilation=2, padding="?"), {"conv2d_1.padding": 2}),
        (pool(2, padding="?"), {"maxpool2d_1.padding": 0}),
        (pool(2, ceil_mode="?"), {"maxpool2d_1.ceil_mode": False}),
        (conv("?2|3", padding=0), {"conv2d_1.kernel_size": 3}),  # odd kernels are the usual ones
        (conv(3, stride="?"), {"conv2d_1.stride": 1}),
        (conv(3, dilation="?"), {"conv2d_1.dilation": 1}),
        (table(op="ZeroPad2d", padding=["?-2..2", 0, 0, 0]), {"zeropad2d_1.padding": (0, 0, 0, 0)}),
        (table(op="ZeroPad2d", padding=["?-2|1", 0, 0, 0]), {"zeropad2d_1.padding": (1, 0, 0, 0)}),
    ],
)
def test_what_is_liked_where_nothing_is_asked_of_the_sizes(given: str, found: dict[str, Any]) -> None:
    best = solve(loads(document(given, input=[3, 16, 16]))).best
    assert best is not None
    assert dict(best.values) == found


def test_costs_are_never_negative() -> None:
    text = document(
        conv("?1..4", padding="?0..9", stride="?", dilation="?"),
        table(op="ZeroPad2d", padding=["?-3..3", "?", 0, 0]),
        pool("?2..3", padding="?", ceil_mode="?"),
        input=[3, 64, 64],
    )
    problem = pose(loads(text))
    assert problem.costs
    for cost in problem.costs:
        variables = [v for v in cost.operands if isinstance(v, Variable)]
        for pick in (min, max):
            values = {v: pick(problem.domains[v]) for v in variables}
            assert cost.formula(*(values[v] if isinstance(v, Variable) else v for v in cost.operands)) >= 0


def test_a_set_that_forces_a_crop_leaves_the_rest_to_be_found() -> None:
    layers = (table(op="ZeroPad2d", padding=["?-2", 0, 0, 0]), conv(3))
    best = solve(loads(document(*layers, input=[3, "?", 8]))).best
    assert best is not None
    assert best.values == {"input": (3, 3, 8), "zeropad2d_1.padding": (-2, 0, 0, 0)}


@pytest.mark.parametrize(
    ("constraint", "counted"),
    [
        ("c.size[0] == 5", 4),
        ("u.size[1] - c.size[1] == 4", 4),
        ("n.normalized_shape[0] == 8", 4),
        ("l.stride[0] == 3", 8),
        ("l.stride == 3", 8),
    ],
)
def test_entries_of_any_list_have_an_index(constraint: str, counted: int) -> None:
    """Of 2 * 2 values of each size: those with size[0] = 5 and u as n says; those in which both end alike; all."""
    text = (
        'inputs = { a = [3, 7, 5], b = [3, 9] }\nlayers = [ { op = "CenterCrop", name = "c", size = ["?2|5", "?3|4"], '
        'from = "a" }, { op = "Upsample", name = "u", size = ["?7|8", 8], from = "c" }, '
        '{ op = "LayerNorm", name = "n", normalized_shape = ["?7|8", 8], from = "u" }, '
        '{ op = "Conv1d", name = "l", out_channels = 2, kernel_size = 3, stride = [3], from = "b" } ]\n'
        f'constraints = ["{constraint}"]\n'
    )
    assert count(loads(text)) == counted


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        ("c.size == 5", "c.size has a value for each entry: write c.size[0] to c.size[1]"),
        ("c.size[2] == 5", "c.size has 2 entries: write c.size[0] to c.size[1]"),
        ("l.stride[1] == 1", "l.stride has 1 entry: write l.stride"),
        ("l.out_channels[0] == 2", "l.out_channels is one number: write l.out_channels"),
    ],
)
def test_a_list_needs_an_index_that_it_has(constraint: str, text: str) -> None:
    document = (
        'inputs = { a = [3, 7, 5], b = [3, 9] }\nlayers = [ { op = "CenterCrop", name = "c", size = ["?2|5", 3], '
        'from = "a" }, { op = "Conv1d", name = "l", out_channels = 2, kernel_size = 3, stride = 3, from = "b" } ]\n'
        f'constraints = ["{constraint}"]\n'
    )
    with pytest.raises(DocumentError) as refused:
        count(loads(document))
    assert f"constraints[0]: {text}\n" in f"{refused.value}\n"
