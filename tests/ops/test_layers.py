"""Single layers whose behaviour the grids do not show: words, remedies, second inputs, preferences."""

import math
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
import torch
from grid import Case, build, made, outcome
from torch import nn

from netsolve import check, loads, solve
from netsolve.deadline import Deadline
from netsolve.domain import Unknown
from netsolve.engines.z3 import Z3Engine
from netsolve.errors import DocumentError
from netsolve.network import Layer, Network
from netsolve.ops import OPERATORS
from netsolve.ops.window import scaled
from netsolve.posing import pose
from netsolve.problem import Problem
from support import document, table

INF = float("inf")


def posed(name: str, shape: tuple[int, ...], out: tuple[int, ...] | None = None, **arguments: Any) -> Problem:
    op = Case(name, tuple(arguments.items()), (shape,)).operator()
    return pose(Network({"input": shape}, (Layer("layer", op, ("input",), out),)))


def solved(name: str, shape: tuple[int, ...], out: tuple[int, ...], **arguments: Any) -> dict[str, Any]:
    problem = posed(name, shape, out, **arguments)
    found = Z3Engine().best(problem, Deadline(20))
    assert found is not None
    return {question.key.removeprefix("layer."): question.answer(found) for question in problem.questions}


@pytest.mark.parametrize(("kernel", "padding", "output_padding"), [(4, 1, 0), (3, 1, 1), (2, 0, 0), (5, 2, 1)])
def test_transposed_doubles_as_authors_do(kernel: int, padding: int, output_padding: int) -> None:
    # architecture.md: measured over 249 transposed convolutions of stride 2
    found = solved(
        "ConvTranspose2d",
        (8, 7, 7),
        (14, 14),
        out_channels=4,
        kernel_size=kernel,
        stride=2,
        padding="?",
        output_padding="?",
    )
    assert found == {"padding": padding, "output_padding": output_padding}


def test_tensorflow_same_has_the_size_and_the_places_of_tensorflow() -> None:
    case = Case("Conv2d", (("out_channels", 1), ("kernel_size", 7), ("stride", 2), ("padding", "SAME")), ((1, 224, 9),))
    assert outcome(case).netsolve == outcome(case).torch == (1, 112, 5)
    same = build(case)
    explicit = nn.Sequential(nn.ZeroPad2d((3, 3, 2, 3)), nn.Conv2d(1, 1, 7, 2))
    explicit[1].load_state_dict(same.state_dict())
    x = torch.randn(1, 1, 224, 9, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(same(x), explicit(x), atol=1e-6)


def test_same_with_a_stride_says_which_pad_layer_is_tensorflows() -> None:
    (factor,) = posed("Conv2d", (3, 224, 224), out_channels=64, kernel_size=7, stride=2, padding="same").violations[:1]
    assert factor.label.text == (
        'padding "same" needs stride 1; TensorFlow\'s SAME is ZeroPad2d with padding = [2, 3, 2, 3] '
        'and then padding = 0, or padding = "SAME"'
    )


def test_same_with_a_stride_and_unknowns_names_the_word() -> None:
    problem = posed("Conv2d", (3, 224, 224), out_channels=64, kernel_size="?", stride=2, padding="same")
    assert {f.label.text for f in problem.violations} == {
        'padding "same" needs stride 1; padding = "SAME" is TensorFlow\'s'
    }


def test_valid_is_no_padding() -> None:
    assert made("Conv1d", out_channels=1, kernel_size=3, padding="valid").padding == 0


@pytest.mark.parametrize(("n", "scale", "size"), [(90, 0.7, 62), (55, 3 / 11, 14), (7, 2, 14)])
def test_scales_are_torchs_doubles(n: int, scale: float, size: int) -> None:
    case = Case("Upsample", (("scale_factor", scale),), ((1, n),))
    assert outcome(case).netsolve == outcome(case).torch == (1, size)


@pytest.mark.parametrize("scale", [0.1, 0.35, 0.7, 3 / 11, 1 / 3, 1.1, 1.15, 2.3])
def test_scales_near_whole_numbers_round_as_torch_does(scale: float) -> None:
    sizes = range(max(1, round(1 / scale)), 160)
    cases = [Case("Upsample", (("scale_factor", scale),), ((1, n),)) for n in sizes]
    assert [found.disagreement for case in cases if (found := outcome(case)).disagreement] == []
    ratios = [Case("FractionalMaxPool2d", (("kernel_size", 1), ("output_ratio", scale)), ((1, n, n),)) for n in sizes]
    assert [found.disagreement for case in ratios[::3] if (found := outcome(case)).disagreement] == []


def test_an_unknown_size_is_found_through_a_scale() -> None:
    op = made("Upsample", scale_factor=0.7)
    size = Unknown.parse("?80..100")
    problem = pose(Network({"input": (1, size)}, (Layer("layer", op, ("input",), (1, 62)),)))
    found = Z3Engine().best(problem, Deadline(20))
    assert found is not None
    n = problem.questions[0].answer(found)[1]
    assert outcome(Case("Upsample", (("scale_factor", 0.7),), ((1, n),))).torch == (1, 62)


def test_a_pool_hands_its_places_to_an_unpool() -> None:
    pool = build(Case("MaxPool2d", (("kernel_size", 2), ("return_indices", True)), ((1, 4, 4),)))
    unpool = build(Case("MaxUnpool2d", (("kernel_size", 2),), ((1, 2, 2), (1, 2, 2))))
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    pooled = pool(x)
    back = unpool(pooled, pooled)
    assert back.sum() == pooled.sum() == 5 + 7 + 13 + 15
    assert back[0, 0, 1, 1] == 5


def test_an_unpool_needs_a_pool() -> None:
    unpool = build(Case("MaxUnpool1d", (("kernel_size", 2),), ((1, 2), (1, 2))))
    with pytest.raises(ValueError, match="is not the output of a max pool with return_indices = true"):
        unpool(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2))


def test_a_crop_takes_the_middle() -> None:
    crop = build(Case("CenterCrop", (("size", [2, 3]),), ((1, 5, 4),)))
    found = crop(torch.arange(20).reshape(1, 1, 5, 4))
    assert found[0, 0].tolist() == [[4, 5, 6], [8, 9, 10]]


@pytest.mark.parametrize(
    ("name", "shape", "arguments", "text"),
    [
        (
            "Conv2d",
            (3, 8),
            {"out_channels": 1, "kernel_size": 1},
            "Conv2d takes channels and 2 spatial sizes, and gets 2 sizes (channels and 1 spatial)",
        ),
        (
            "Conv1d",
            (3,),
            {"out_channels": 1, "kernel_size": 1},
            "Conv1d takes channels and 1 spatial size, and gets features without spatial axes",
        ),
        (
            "ZeroPad2d",
            (3, 8),
            {"padding": 1},
            "ZeroPad2d takes channels and 2 spatial sizes, and gets 2 sizes (channels and 1 spatial)",
        ),
        ("Upsample", (3, 8, 8), {}, "Upsample needs one of size, scale_factor and like"),
        (
            "Upsample",
            (3, 8, 8),
            {"scale_factor": 2, "mode": "linear"},
            "Upsample takes channels and 1 spatial size, and gets 3 sizes (channels and 2 spatial)",
        ),
        ("CenterCrop", (3, 8, 8), {}, "CenterCrop needs either size or like"),
        ("Flatten", (3, 8, 8), {"start_dim": 0}, "start_dim = 0 is the batch, which is never touched"),
        ("narrow", (3, 8, 8), {"dim": 0, "start": 0, "length": 1}, "dim = 0 is the batch, which is never touched"),
        ("transpose", (3, 8), {"dim0": 0, "dim1": 1}, "dim0 = 0 is the batch, which is never touched"),
        ("permute", (3, 8), {"dims": [1, 0, 2]}, "dims = 0 is the batch, which is never touched"),
        ("mean", (3, 8), {"dim": [0, 1]}, "dim = 0 is the batch, which is never touched"),
        ("mean", (3,), {"dim": 1}, "nothing would be left besides the batch"),
        (
            "LSTM",
            (3, 8, 8),
            {"hidden_size": 4},
            "LSTM takes a sequence of features, [L, features], and gets 3 sizes (channels and 2 spatial)",
        ),
        (
            "Linear",
            (3, 8, 8),
            {"out_features": 4},
            "Linear works on the last dimension, and here that is a spatial axis",
        ),
    ],
)
def test_wrong_inputs_are_named(name: str, shape: tuple[int, ...], arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        posed(name, shape, **arguments)
    assert [mistake.text for mistake in caught.value.mistakes] == [text]


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        (
            "Conv2d",
            {"padding": "sane"},
            "an integer, a question mark or one of 'same', 'valid', 'SAME' is expected, not \"sane\"",
        ),
        ("Conv2d", {"kernel_size": [3, 3, 3]}, "2 entries expected, one for each axis, not 3"),
        ("Conv2d", {"stride": 0}, "0 is too small: at least 1"),
        (
            "MaxPool2d",
            {"stride": [2, "none"]},
            '"none" is neither an integer nor a question mark such as "?", "?0..3", "?1|3|5" or "?p"',
        ),
        ("AdaptiveAvgPool2d", {"output_size": "none"}, '"none" cannot stand here: write ["none", ...]'),
        ("AdaptiveAvgPool1d", {"output_size": "none"}, '"none" cannot stand here'),
        ("Dropout", {"p": 1.5}, "1.5 is out of range: it is between 0 and 1"),
        ("LSTM", {"batch_first": False}, "it is always true here: the batch comes first"),
        ("reshape", {"shape": [-1, -1]}, "only one size may be -1"),
        ("reshape", {"shape": []}, "a list of at least one size is expected"),
        (
            "permute",
            {"dims": "?"},
            (
                "a question mark cannot stand here; it may stand on padding, kernel_size, stride, dilation, "
                "output_padding, output_size, groups, ceil_mode, channels, features and sizes"
            ),
        ),
        ("mean", {"dim": []}, "at least one dimension is expected"),
        ("FractionalMaxPool2d", {"output_ratio": [0.5]}, "one number for each axis is expected, not 1"),
        ("FractionalMaxPool2d", {"output_ratio": [0.5, INF]}, "inf is out of range: it is between 0 and 1"),
        ("Upsample", {"scale_factor": INF}, "inf is out of range: it is between 0 and 65536"),
        ("Upsample", {"scale_factor": [2, 1e308]}, "1e+308 is out of range: it is between 0 and 65536"),
        ("UpsamplingNearest2d", {"scale_factor": -1}, "-1 is out of range: it is between 0 and 65536"),
        (
            "Threshold",
            {"value": 10**400},
            f"1{'0' * 36}... is out of range: no floating-point number is as large",
        ),
        ("LSTM", {"num_layers": 2**31 - 1}, "2147483647 is too large: at most 128"),
        ("GRU", {"num_layers": 129}, "129 is too large: at most 128"),
        ("RNN", {"num_layers": 0}, "0 is too small: at least 1"),
    ],
)
def test_wrong_values_are_named(name: str, arguments: dict[str, Any], text: str) -> None:
    kind = OPERATORS[name]
    ((key, value),) = arguments.items()
    with pytest.raises(ValueError, match=r".") as caught:
        kind.arguments[key].read(value, kind.axes)
    assert str(caught.value) == text


def test_infinities_stand_where_torch_means_them() -> None:
    assert OPERATORS["Threshold"].arguments["value"].read(INF, 0) == INF
    assert OPERATORS["Hardtanh"].arguments["max_val"].read(INF, 0) == INF


@pytest.mark.parametrize("n", [1, 7, 2**31 - 1, 2**53 + 1, 10**400])
@pytest.mark.parametrize("scale", [0.0, 0.1, 1.0, 65536.0, 1e308, INF, -INF, float("nan")])
def test_scales_never_raise_on_integers(n: int, scale: float) -> None:
    found = scaled(n, scale)
    assert isinstance(found, int)
    if not math.isfinite(scale):
        assert found == 0
    elif n * Fraction(scale) >= 2**1100:
        assert found == int(n * Fraction(scale))


def test_a_tower_of_scales_is_answered() -> None:
    layers = ", ".join(['{ op = "Upsample", scale_factor = 65536 }'] * 70)
    network = loads(f"input = [1, 3]\nlayers = [ {layers} ]")
    answer = solve(network)
    assert (answer.best, answer.status) == (None, "unsolvable")


RECURRENT = [
    (name, layers, more)
    for name in ("RNN", "GRU", "LSTM")
    for layers in (1, 2, 5)
    for more in ({}, {"bidirectional": True, "bias": False}, {"proj_size": 2}, {"proj_size": 2, "bidirectional": True})
    if name == "LSTM" or "proj_size" not in more
]


@pytest.mark.parametrize(("name", "layers", "more"), RECURRENT)
def test_recurrent_parameters_are_counted_in_closed_form(name: str, layers: int, more: dict[str, Any]) -> None:
    case = Case(name, (("hidden_size", 3), ("num_layers", layers), *more.items()), ((4, 5),))
    found = case.operator().parameters(case.shapes)
    assert found == sum(parameter.numel() for parameter in build(case).parameters())


def test_recurrent_parameters_take_no_loop() -> None:
    assert made("LSTM", hidden_size=1, num_layers=10**30).parameters(((4, 5),)) == 4 * (8 + (10**30 - 1) * 4)


POOLED = ("maxunpool2d_1", "the second input is not a max pool with return_indices = true")


@pytest.mark.parametrize(
    ("pool", "feeds", "refused"),
    [
        ('op = "MaxPool2d", kernel_size = 2, return_indices = true', ["act", "pool"], False),
        ('op = "AdaptiveMaxPool2d", output_size = 4, return_indices = true', ["act", "pool"], False),
        ('op = "MaxPool2d", kernel_size = 2', ["act", "pool"], True),
        ('op = "MaxPool2d", kernel_size = 2, return_indices = true', ["pool", "act"], True),
        ('op = "AvgPool2d", kernel_size = 2', ["act", "pool"], True),
        ('op = "Identity"', ["act", "input"], True),
    ],
)
def test_an_unpool_without_a_pools_places_is_refused(pool: str, feeds: list[str], refused: bool) -> None:
    unpool = f'op = "MaxUnpool2d", kernel_size = 2, from = {feeds}'.replace("'", '"')
    text = (
        f'input = [2, 8, 8]\nlayers = [ {{ name = "pool", {pool} }}, {{ name = "act", op = "ReLU" }}, {{ {unpool} }} ]'
    )
    if refused:
        with pytest.raises(DocumentError) as caught:
            solve(loads(text))
        (mistake,) = caught.value.mistakes
        assert (mistake.where, mistake.text) == POOLED
        assert mistake.remedy == 'name one as the second: from = ["relu_1", "maxpool2d_1"]'
    else:
        best = solve(loads(text)).best
        assert best is not None
        assert best.verify().verified is True


TABLE = 'op = "Embedding", num_embeddings = 4, embedding_dim = 3'


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (
            f'{{ op = "Identity" }}, {{ {TABLE} }}',
            "Embedding takes indices, and the layer before it gives real numbers",
        ),
        (
            f'{{ {TABLE} }}, {{ op = "Linear", out_features = 3, from = "input" }}',
            "Embedding takes indices, and its input feeds Linear too, which takes real numbers",
        ),
    ],
)
def test_a_table_of_no_indices_is_refused(layers: str, text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        solve(loads(f"input = [5]\nlayers = [ {layers} ]"))
    (mistake,) = caught.value.mistakes
    assert (mistake.where, mistake.text) == ("embedding_1", text)


def test_tables_share_an_input() -> None:
    layers = f'{{ {TABLE} }}, {{ {TABLE}, from = "input" }}, {{ op = "add", from = ["embedding_1", "embedding_2"] }}'
    best = solve(loads(f"input = [5]\nlayers = [ {layers} ]")).best
    assert best is not None
    assert best.verify().verified is True


POOLS = list(product((5, 6, 9), (5, 8), (2, 3), (1, 2, 3), (0, 1), (1, 2), (False, True), (1, 2, 3), (1, 2, 3)))


@pytest.mark.parametrize("seed", range(4))
def test_an_unpool_holds_every_place_that_its_pool_may_keep(seed: int) -> None:
    """With values that grow from cell to cell a pool keeps the last place of each window: the furthest of all."""
    seen = set()
    for row in Random(seed).sample(POOLS, 150):  # noqa: S311 - repeatable
        height, width, kernel, stride, padding, dilation, ceil_mode, own, step = row
        arguments = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        pool = nn.MaxPool2d(**arguments, ceil_mode=ceil_mode, return_indices=True)
        unpool = nn.MaxUnpool2d(own, step)
        cells = torch.arange(float(height * width)).reshape(1, height, width)
        try:
            expected = tuple(unpool(*pool(cells)).shape)
        except RuntimeError:
            expected = None
        text = document(
            table(op="MaxPool2d", name="pool", **arguments, ceil_mode=ceil_mode, return_indices=True),
            table(op="MaxUnpool2d", name="unpool", kernel_size=own, stride=step, **{"from": ["pool", "pool"]}),
            input=(1, height, width),
        )
        found = check(loads(text))
        assert (found.shapes["unpool"] if found.problem is None else None) == expected, row
        seen.add(expected is None)
    assert seen == {True, False}
