"""Why nothing fits: conflicts are real, minimal, and the changes that are offered work."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from netsolve import Change, Conflict, Network, Unknown, UsageError, check, explain, load, loads, repair, sizes, solve
from netsolve.conflicts import cores, witnesses
from netsolve.conflicts.changes import likely_changes
from netsolve.conflicts.choices import uneven
from netsolve.conflicts.statements import relaxed
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.engines.z3 import Z3Engine
from netsolve.pattern import pattern_of
from netsolve.posing import pose
from netsolve.writing import rewrite
from support import conv, document, pool, table

DATA = Path(__file__).parent / "data"
RECORDED: dict[str, dict[str, Any]] = json.loads((DATA / "recorded.json").read_text(encoding="utf-8"))


def without(network: Network, dropped: set[str]) -> Network:
    """A network in which some of what is stated is unknown, and question marks that stay have the values they had."""
    found = relaxed(network)
    layers = []
    for layer, free in zip(network.layers, found.loose.layers, strict=True):
        keys = {a: f"{layer.name}.{a}" for a in layer.op.arguments}
        asked = {a: keys[a] for a in keys if isinstance(getattr(layer.op, a), Unknown)}
        arguments: dict[str, Any] = {a: Unknown(found.written[found.variables[key][0]]) for a, key in asked.items()}
        arguments |= {a: getattr(free.op, a) for a, key in keys.items() if key in dropped}
        out = None if f"{layer.name}.out" in dropped else layer.out
        layers.append(replace(layer, op=replace(layer.op, **arguments), out=out))
    inputs = {key: (Unknown(),) * len(shape) if key in dropped else shape for key, shape in network.inputs.items()}
    output = None if "output" in dropped else network.output
    stay = tuple(each for i, each in enumerate(network.constraints) if f"constraints[{i}]" not in dropped)
    return replace(network, layers=tuple(layers), inputs=inputs, output=output, constraints=stay)


def fits(network: Network) -> bool:
    """Whether anything fits, by z3 alone."""
    problem = pose(network)
    return not problem.violations and Z3Engine().feasible(problem, Deadline(60))


def judged(network: Network, conflict: Conflict) -> None:
    """The statements of a conflict contradict each other, and without any one of them they do not."""
    every = set(relaxed(network).statements)
    keys = {statement.key for statement in conflict.statements}
    assert keys
    assert conflict.minimal
    assert not fits(without(network, every - keys))
    for key in keys:
        assert fits(without(network, every - keys | {key})), key


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As much time for showing that a conflict is minimal as a slow machine needs."""
    for name in ("SINGLES", "WAY", "AXES", "PROOF", "WITNESSED"):
        monkeypatch.setattr(cores, name, 30 * getattr(cores, name))
    monkeypatch.setattr(witnesses, "WITNESS", 30 * witnesses.WITNESS)


LENET = [conv(5, out_channels=6), pool(), conv(5, out_channels=16), pool(), table(op="Flatten")]
TANGLED = {
    "a number that is a stride and a kernel": """
input = [2, 1, 5]
layers = [
  { op = "MaxPool2d", kernel_size = [3, "?q: 1|3"], padding = ["?p", 3], out = ["?", "?q: 2..5"] },
]
""",
    "a padding without a value that can be listed": """
input = ["?p: 2..3", 85, 1]
layers = [
  { repeat = 2, layers = [{ block = "up", from = ["input"] }] },
]
constraints = ["1 % (p - 1) == 0"]
[blocks.up]
[[blocks.up.layers]]
op = "ConvTranspose2d"
out_channels = "?q"
kernel_size = ["?", 2]
padding = "?1..2147483647"
out = [5, "?"]
""",
    "a size of zero for what is at least one": """
input = [3, 24, 1]
layers = [
  { op = "Conv2d", out_channels = "?", kernel_size = 4, padding = 1 },
  { op = "LayerNorm", normalized_shape = ["?q"] },
  { op = "AvgPool2d", kernel_size = "?q: 1..2147483647", padding = "?q" },
]
""",
}
"""Found among random documents."""

UNSOLVABLE = {
    "a shape of which both sizes are wrong": document(
        conv(3, op="ConvTranspose2d", stride=2, padding=1, output_padding=1),
        conv(7, padding=3, out=[31, 47]),
        input=(3, 16, 24),
    ),
    "a size that is a number of another layer": document(
        conv(3, padding=1, name="trunk"),
        conv(5, name="body"),
        table(op="AdaptiveAvgPool2d", output_size=1),
        conv(1, name="gate"),
        table(op="mul", **{"from": ["body", "gate"]}),
        conv(1, stride=2),
        table(op="add", **{"from": ["conv2d_1", "trunk"]}),
        input=(3, 16, 16),
    ),
    "a width": document(*LENET, table(op="Linear", in_features=400, out_features=120), input=(1, 28, 28)),
    "unknown paddings": document(
        conv(3, padding="?"), conv(4, stride=2, padding="?"), conv(3, padding="?", out=[30, 30]), input=(3, 32, 32)
    ),
    "a join": document(
        conv(3, name="a"), conv(3, padding=1, name="b", **{"from": "input"}), table(op="add", **{"from": ["a", "b"]})
    ),
    "groups beside an unknown": document(conv(3, out_channels=10, padding="?"), conv(3, out_channels=8, groups=4)),
    "groups that nothing is known of": document(
        table(op="ChannelShuffle", groups="?"), table(op="ChannelShuffle", groups=3), input=(8, 9)
    ),
    "a size that its layer keeps": document(
        conv("?2|5", op="Conv1d", padding="same"), conv(4, op="Conv1d", out=[14]), input=(8, 14)
    ),
    "an uneven size": document(conv(2, op="ConvTranspose2d", stride=2, out=[17, 17])),
    "groups of channels": document(conv(3, out_channels=48), table(op="GroupNorm", num_groups=32)),
    "a square of channels": document(
        conv(1, out_channels=12), table(op="PixelShuffle", upscale_factor=4, out=[3, 16, 16]), input=(3, 8, 8)
    ),
    "cells of a square": document(table(op="PixelUnshuffle", downscale_factor=4), conv(1), input=(3, 6, 6)),
    "heads": document(table(op="MultiheadAttention", num_heads=12), input=(20, 64)),
    "heads of a layer": document(table(op="TransformerEncoderLayer", nhead=12), input=(20, 64)),
    "where a part begins": document(table(op="narrow", dim=1, start=15, length=10), input=(20, 64)),
    "a width behind many layers": document(
        *[conv(3, out_channels=8, padding=1)] * 80,
        table(op="AdaptiveAvgPool2d", output_size=1, out=[8, 1, 1]),
        table(op="Flatten"),
        table(op="Linear", in_features=9, out_features=2),
    ),
    "an irrelevant layer": document(conv(3, padding=1), conv(3, name="side"), conv(9, **{"from": "conv2d_1"})),
}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("text", UNSOLVABLE.values(), ids=UNSOLVABLE)
def test_a_conflict_is_real_and_minimal_and_its_changes_work(text: str) -> None:
    network = loads(text)
    conflict = explain(network)
    judged(network, conflict)
    assert conflict.changes
    for change in conflict.changes:
        best = solve(change.network).best
        assert best is not None
        assert best.verify().verified is True


@pytest.mark.parametrize("padding", [0, "?"])
def test_a_linear_layer_that_was_meant_for_all_numbers_needs_a_flatten(padding: Any) -> None:
    linear = table(op="Linear", in_features=8 * 15 * 15, out_features=10)
    conflict = explain(loads(document(conv(3, out_channels=8, padding=padding), pool(), linear, input=(3, 32, 32))))
    text = 'it takes the last size alone, and 8 x 15 x 15 flattened is 1800: put { op = "Flatten" } before it'
    assert str(conflict.reasons[1]) == f"line 5: linear_1: {text}"
    other = table(op="Linear", in_features=77, out_features=10)  # no shape flattened is that
    conflict = explain(loads(document(conv(3, out_channels=8, padding=padding), pool(), other, input=(3, 32, 32))))
    assert not any("Flatten" in reason.text for reason in conflict.reasons)


def test_a_missing_flatten_is_told_beside_another_mistake() -> None:
    apart = [conv(3, name="a", stride=2), conv(3, name="b", **{"from": "input"})]
    rest = [table(op="add", **{"from": ["a", "b"]}), table(op="AdaptiveAvgPool2d", output_size=1)]
    linear = table(op="Linear", in_features=4, out_features=10)
    reasons = [str(reason) for reason in explain(loads(document(*apart, *rest, linear)), run=False).reasons]
    text = 'it takes the last size alone, and 4 x 1 x 1 flattened is 4: put { op = "Flatten" } before it'
    assert reasons[2] == f"line 7: linear_1: {text}"  # after the two about the sum


def test_an_unknown_size_of_an_opaque_layer_may_have_no_value() -> None:
    layers = [
        table(op="opaque", out=[4, "?p"]),
        table(op="Flatten"),
        table(op="Linear", in_features=65537, out_features=5),  # which is prime
    ]
    conflict = explain(loads(document(*layers, input=(1,))))
    assert [statement.key for statement in conflict.statements] == ["linear_1.in_features"]
    assert conflict.reasons


def test_a_list_with_entries_of_many_values_is_no_reason_to_go_through_them_all() -> None:
    padding = ["?1..100000", "?p: 1..2", "?", "?p: 0|2", 0, "?q"]
    layers = [
        table(op="CircularPad3d", padding=padding),
        conv(2, op="Conv3d", out_channels="?q", padding=[2, "?", "?0|2"], out=[2, 8, 1]),
    ]
    conflict = explain(
        loads(document(*layers, input=(12, 2, 27, "?"))), timeout=2, run=False
    )  # 21 ** 5 * 600 otherwise
    assert conflict.reasons


@pytest.mark.parametrize(
    ("name", "key", "fitting"),
    [
        ("groups of channels", "groupnorm_1.num_groups", {1, 2, 3, 4, 6, 8, 12, 16, 24, 48}),
        ("a square of channels", "pixelshuffle_1.upscale_factor", {2}),
        ("cells of a square", "pixelunshuffle_1.downscale_factor", {1, 2, 3, 6}),
        ("heads", "multiheadattention_1.num_heads", {1, 2, 4, 8, 16, 32, 64}),
        ("heads of a layer", "transformerencoderlayer_1.nhead", {1, 2, 4, 8, 16, 32, 64}),
        ("where a part begins", "narrow_1.start", {*range(11), *range(-20, -9)}),
    ],
)
def test_numbers_that_no_question_mark_may_stand_for_may_be_mistaken(name: str, key: str, fitting: set[int]) -> None:
    conflict = explain(loads(UNSOLVABLE[name]))
    assert key in {statement.key for statement in conflict.statements}
    (number,) = (change.set[key] for change in conflict.changes if set(change.set) == {key})
    assert number in fitting


def test_a_join_is_independent_of_what_feeds_it() -> None:
    conflict = explain(loads(UNSOLVABLE["a join"]))
    assert [statement.key for statement in conflict.statements] == ["a.kernel_size", "b.kernel_size", "b.padding"]
    assert [str(reason) for reason in conflict.reasons] == [
        "line 5: add_1: add joins equal sizes (a size of 1 stretches only with broadcast = true): 6 and 8",
        "line 5: add_1: its inputs: a 4 x 6 x 6; b 4 x 8 x 8",
        "line 3: a: kernel_size = 3",
        "line 4: b: kernel_size = 3, padding = 1",
    ]


@pytest.mark.parametrize(
    ("stride", "channels", "size"), [(2, 8, 16), (2, 8, 15), (3, 8, 17), (1, 8, 16), (2, 4, 16), (1, 2, 16)]
)
def test_a_shortcut_that_lacks_its_projection_is_given_it(stride: int, channels: int, size: int) -> None:
    body = conv(3, out_channels=channels, stride=stride, padding=1, name="a")
    plain = document(body, table(op="add", **{"from": ["a", "input"]}), input=[4, size, size])
    (told,) = [reason.text for reason in explain(loads(plain)).reasons if "shortcut" in reason.text]
    head, projection = told.removesuffix(" }").split(" { ")
    assert head == "a shortcut from input has the shape of a behind"
    mended = document(
        body, f'{{ name = "p", {projection} }}', table(op="add", **{"from": ["a", "p"]}), input=[4, size, size]
    )
    assert solve(loads(mended)).status == "solved"


def test_a_skip_connection_that_lacks_its_crop_is_given_it() -> None:
    rows = [conv(3, name="a"), pool(), table(op="Upsample", name="b", scale_factor=2)]
    joined = table(op="cat", name="j", **{"from": ["b", "c"]})
    plain = document(*rows, table(op="cat", name="j", **{"from": ["b", "input"]}), input=[4, 16, 16])
    (told,) = [reason.text for reason in explain(loads(plain)).reasons if "cropped" in reason.text]
    head, crop = told.removesuffix(" }").split(": { ")
    assert head == "cropped, input has the size of b"
    mended = document(*rows, f'{{ name = "c", {crop} }}', joined, input=[4, 16, 16])
    assert solve(loads(mended)).status == "solved"


def test_a_global_pooling_that_is_missing_is_told() -> None:
    head, tail = table(op="Flatten"), table(op="Linear", in_features=4, out_features=2)
    (told,) = [r.text for r in explain(loads(document(conv(padding=1), head, tail))).reasons if "pooling" in r.text]
    assert told.startswith("flatten_1 gets 4 x 8 x 8: a global pooling before it leaves 4, its channels: ")
    assert solve(loads(document(conv(padding=1), told.split(": ")[-1], head, tail))).status == "solved"


def test_a_written_number_counts_though_it_is_torchs_default() -> None:
    written = explain(loads(document(conv(padding=0, stride=1, out=[8, 8]))))
    assert "conv2d_1.padding" in {statement.key for statement in written.statements}
    left = explain(loads(document(conv(out=[8, 8]))))
    assert "conv2d_1.padding" not in {statement.key for statement in left.statements}
    texts = {change.text for conflict in (written, left) for change in conflict.changes if "padding" in change.text}
    assert texts == {
        "conv2d_1: padding = 1 instead of 0",
        "conv2d_1: padding = 1 instead of 0, torch's default",
    }


def first_changes(text: str, most: int = 3) -> list[dict[str, Any]]:
    """The first changes, each of which has to fit."""
    changes = explain(loads(text)).changes[:most]
    for change in changes:
        assert solve(change.network).status == "solved"
    return [dict(change.set) for change in changes]


def test_a_mode_forgotten_in_all_pools_is_one_change() -> None:
    """GoogLeNet's stem, whose pools round up: of 112 cells they leave 56 and 28."""
    rows = [conv(7, stride=2, padding=3, out=[112, 112]), pool(3, stride=2, out=[56, 56]), conv(3, padding=1)]
    text = document(*rows, pool(3, stride=2, out=[28, 28]), input=(3, 224, 224))
    assert {"maxpool2d_1.ceil_mode": True, "maxpool2d_2.ceil_mode": True} in first_changes(text)


@pytest.mark.parametrize("padding", [1, "?"])
def test_one_axis_of_a_number_that_is_written_once(padding: Any) -> None:
    """A pool of a text line moves by 2 down and by 1 along, which leaves the length but for one cell."""
    rows = [conv(3, padding=padding), pool(2, stride=2), conv(3, padding=padding), pool(2, stride=2, out=[8, 49])]
    text = document(*rows, input=(1, 32, 100))
    assert {"maxpool2d_2.stride": (2, 1)} in first_changes(text)


def test_other_places_that_break_are_told_where_no_number_helps() -> None:
    rows = [conv(3, out_channels=8), conv(3, in_channels=4), table(op="Flatten")]
    text = document(*rows, table(op="Linear", in_features=77, out_features=2))
    conflict = explain(loads(text))
    assert conflict.changes
    assert all(len(change.set) > 1 for change in conflict.changes)
    told = "line 6: linear_1: it breaks here too: in_features is 77, and the input implies 64"  # 4 x 4 x 4
    assert told in [str(reason) for reason in conflict.reasons]


def test_an_input_is_not_made_less_than_a_quarter_along_one_axis() -> None:
    worlds = Worlds(relaxed(loads(document(conv(3), input=(3, 20, 300)))), Deadline(60))
    sizes = [choice.value for choice in uneven(worlds, "input")]
    assert min(height for _, height, _ in sizes) == 5
    assert min(width for *_, width in sizes) == 300 - 64
    assert all((height == 20) != (width == 300) for _, height, width in sizes)


def test_a_pool_over_the_whole_input() -> None:
    """PointNet's pool takes the largest of each feature over all points (https://arxiv.org/abs/1612.00593)."""
    rows = [conv(1, op="Conv1d", out_channels=64), pool("?", op="MaxPool1d"), table(op="Flatten")]
    text = document(*rows, table(op="Linear", in_features=64, out_features=10), input=(3, 500))
    assert {"maxpool1d_1.kernel_size": 500} in first_changes(text)


@pytest.mark.parametrize("padding", [2, "?"])
def test_one_axis_of_an_input(padding: Any) -> None:
    row = conv(4, stride=2, padding=padding, out=[18, 15])  # 34 + 4 - 4 and 29 + 4 - 4 cells, by twos
    more = [conv(1, out=[18, 15]), table(op="Flatten"), table(op="Linear", in_features=4 * 18 * 15, out_features=2)]
    assert {"input": (3, 34, 29)} in first_changes(document(row, *more, input=(3, 34, 30)))


def test_a_number_of_a_block_is_changed_in_all_its_uses() -> None:
    """As one change, not as a set of several that is put together where no single one helps."""
    block = """
input = [3, 8, 8]
layers = [
  { name = "left", block = "arm" },
  { name = "right", block = "arm", from = "input" },
  { op = "cat", from = ["left", "right"] },
]
[blocks.arm]
layers = [
  { op = "Conv2d", out_channels = 4, kernel_size = 3, padding = "?1" },
  { op = "Flatten" },
  { op = "Linear", in_features = 265, out_features = 2 },
]
"""
    worlds = Worlds(relaxed(loads(block)), Deadline(60))
    likely = [{choice.key: choice.value for choice in choices} for choices in likely_changes(worlds, worlds.broken[0])]
    assert {"left.linear_1.in_features": 256, "right.linear_1.in_features": 256} in likely
    assert first_changes(block) == [{"left.linear_1.in_features": 256, "right.linear_1.in_features": 256}]


@pytest.mark.usefixtures("patient")
def test_what_contradicts_itself_is_told_along_the_shortest_way() -> None:
    first = conv(3, name="c0", padding=1, **{"from": "input"})
    branch = [first, *(conv(3, name=f"c{i}", padding=1) for i in range(1, 9))]
    ends = [table(op="add", **{"from": ["c8", "input"]}), pool(), table(op="Identity", out=[4, 17, 17])]
    conflict = explain(loads(document(*branch, *ends, input=[4, 32, 32])))
    # what is added to the input has its size, whatever the nine layers do; no pool that moves by its kernel gives 17
    assert [statement.key for statement in conflict.statements] == ["input", "identity_1.out"]
    assert conflict.minimal


@pytest.mark.usefixtures("patient")
def test_a_kernel_far_larger_than_is_tried_counts_too() -> None:
    rows = [conv(3, name="a", stride=2, padding=1), conv(1, name="b", **{"from": "input"})]
    text = document(*rows, table(op="add", **{"from": ["a", "b"]}), input=[4, 32, 32])
    assert solve(loads(text.replace("kernel_size = 1", "kernel_size = 17"))).status == "solved"
    conflict = explain(loads(text))
    judged(loads(text), conflict)
    assert [reason.text for reason in conflict.reasons if reason.layer == "b"] == [
        "below, kernels go up to 11: a larger one here would fit"
    ]


@pytest.mark.parametrize(("factor", "channels", "wanted"), [(3, 4, 9), (2, 2, 4), (4, 20, 16)])
def test_a_number_that_breaks_a_rule_is_moved_to_what_meets_it(factor: int, channels: int, wanted: int) -> None:
    rows = [conv(3, out_channels=channels, padding=1), table(op="PixelShuffle", upscale_factor=factor)]
    text = document(*rows, output=[1, 8 * factor, 8 * factor])
    assert {"conv2d_1.out_channels": wanted} in [dict(change.set) for change in repair(loads(text)).changes]


def test_the_parameters_of_a_slope_may_be_mistaken() -> None:
    rows = [conv(padding=1), table(op="PReLU", num_parameters=8)]
    conflict = explain(loads(document(*rows)))
    assert {s.key for s in conflict.statements} == {"conv2d_1.out_channels", "prelu_1.num_parameters"}
    assert {"prelu_1.num_parameters": 4} in [dict(change.set) for change in conflict.changes]
    assert explain(loads(document(conv(padding=1), table(op="PReLU")))).reasons == ()


@pytest.mark.parametrize("layer", [nn.PReLU(8), nn.PixelShuffle(3), nn.GroupNorm(2, 8)])
def test_a_module_is_explained_though_no_document_has_its_layers(layer: nn.Module) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), layer)
    conflict = explain(module, input=(3, 8, 8))
    assert conflict.reasons
    assert conflict.changes
    assert repair(module, input=(3, 8, 8)).changes


def test_a_shortcut_that_fits_lacks_nothing() -> None:
    join = table(op="add", out=[9, 9], **{"from": ["a", "z"]})
    text = document(conv(1, name="z"), conv(3, padding=1, name="a"), join, input=[4, 8, 8])
    reasons = explain(loads(text)).reasons
    assert reasons
    assert not [reason for reason in reasons if "shortcut" in reason.text]


BESIDE = {
    "a Flatten that the stated output does not stand": document(
        table(op="Linear", in_features=64, out_features=10), input=[4, 16], output=[4, 10]
    ),
    "a Flatten before a layer that takes sizes": document(
        table(op="Linear", in_features=64, out_features=10),
        table(op="Conv1d", out_channels=2, kernel_size=3),
        input=[4, 16],
    ),
    "a pooling before a Flatten that another layer reads": document(
        conv(padding=1),
        table(op="Flatten", name="f"),
        table(op="Linear", in_features=4, out_features=2),
        table(op="Linear", in_features=256, out_features=2, **{"from": "f"}),
    ),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_layer_that_would_break_another_is_not_told(name: str) -> None:
    reasons = explain(loads(BESIDE[name])).reasons
    assert reasons
    assert not [reason for reason in reasons if "{ op =" in reason.text]


@pytest.mark.parametrize(
    "between", [[table(op="Linear", in_features=256, out_features=9)], [table(op="Flatten", start_dim=2)]]
)
def test_a_pooling_is_missing_only_right_before_the_layer(between: list[str]) -> None:
    rows = [conv(padding=1), *([] if "start_dim" in between[0] else [table(op="Flatten")]), *between]
    text = document(*rows, table(op="Linear", in_features=4, out_features=2))
    assert not [reason for reason in explain(loads(text)).reasons if "pooling" in reason.text]


LATE = """
input = [1, 28, 28]
constraints = ["a.stride == 1"]
layers = [
  { op = "Conv2d", name = "a", out_channels = 16, kernel_size = 3, stride = "?", padding = "?" },
  { op = "Conv2d", name = "b", out_channels = 32, kernel_size = 3, stride = 2, padding = "?", out = [7, 7] },
]
"""


@pytest.mark.usefixtures("patient")
def test_a_constraint_on_what_layers_before_it_hang_on() -> None:
    conflict = explain(loads(LATE.lstrip()))
    assert conflict.reasons[0].text == (
        "no values meet this together with what is stated before: the constraint a.stride == 1"
    )
    judged(loads(LATE.lstrip()), conflict)
    assert {"b.stride": 4} in [dict(change.set) for change in conflict.changes]


def test_a_question_mark_whose_default_values_hang_on_the_number_that_is_changed() -> None:
    rows = [table(op="ConvTranspose2d", out_channels=1, kernel_size=3, stride=1, padding="?", output_padding="?")]
    changes = explain(loads(document(*rows, output=[1, 16, 16]))).changes
    assert {"convtranspose2d_1.stride": 2} in [dict(change.set) for change in changes]


def test_a_named_question_mark_keeps_its_values_where_one_of_its_layers_is_changed() -> None:
    shared = conv(3, padding="?n", stride="?n")  # at least 1, as a stride is, whatever the kernel leaves of paddings
    changes = explain(loads(document(shared, input=[3, 16, 16], output=[4, 20, 20]))).changes
    assert changes
    assert all(solve(change.network).status == "solved" for change in changes if change.network is not None)


def test_branches_that_no_projection_makes_alike_get_none() -> None:
    join = table(op="add", **{"from": ["a", "input"]})
    reasons = explain(loads(document(conv(3, padding=0, name="a"), join, input=[4, 16, 16]))).reasons
    assert reasons
    assert not [reason for reason in reasons if "shortcut" in reason.text]


def test_known_numbers_that_break_a_rule_beside_an_unknown() -> None:
    conflict = explain(loads(UNSOLVABLE["groups beside an unknown"]))
    assert str(conflict.reasons[0]) == (
        "line 4: conv2d_2: in_channels is a multiple of groups: here in_channels = 10, groups = 4"
    )
    assert {statement.key for statement in conflict.statements} == {"conv2d_1.out_channels", "conv2d_2.groups"}


def test_what_a_size_can_be_and_what_is_needed() -> None:
    conflict = explain(loads(UNSOLVABLE["unknown paddings"]))
    assert [reason.text for reason in conflict.reasons[:2]] == [
        "conv2d_3.out[0] is stated as 30, and the size can be 12..21 (nearest: 21)",
        "after conv2d_2 the size can be 14..19; the layers below need 28, 30 or 32 there",
    ]


def test_what_works_has_no_conflict() -> None:
    works = loads(document(conv(3, padding="?", out=[8, 8])))
    assert explain(works) == Conflict()
    assert repair(works).works
    assert repair(works).best is None


def test_out_of_time_it_still_says_what_is_wrong_with_known_numbers() -> None:
    text = document(conv(3, padding=1), table(op="Flatten"), table(op="Linear", in_features=77, out_features=2))
    found = explain(loads(text), timeout=0)
    expected = ["line 5: linear_1: in_features is 77, and the input implies 256"]
    assert [str(reason) for reason in found.reasons] == expected
    assert not found.minimal


def test_default_values_that_hang_on_another_question_mark() -> None:
    """One number for the kernel and the padding, which by default is less than the kernel."""
    network = loads(document(conv("?p", padding="?p"), conv(3, padding=1)))
    assert solve(network).status == "unsolvable"
    assert [str(reason) for reason in explain(network).reasons] == [
        "line 3: conv2d_1: the default values of padding go no further, and none of them fits",
        'line 3: conv2d_1: padding = "?p", which is 1..10',
    ]
    found = repair(network)
    assert not found.works
    assert found.changes
    for change in found.changes:  # a kernel of its own, larger than a padding that may be any up to 10
        assert solve(change.network).status == "solved"


def test_sizes_keep_what_default_values_hang_on() -> None:
    """A padding is less than its kernel: of 32 a convolution makes 22 to 42, and a pool of that 11 to 21."""
    linear = table(op="Linear", in_features=7200, out_features=10)
    rows = [conv("?", padding="?", out_channels=8), pool(), table(op="Flatten"), linear]
    conflict = explain(loads(document(*rows, input=(3, 32, 32))))
    assert [reason.text for reason in conflict.reasons[1:2]] == [
        "after maxpool2d_1 the size can be 11..21; the layers below need 30 there"
    ]
    assert conflict.changes[0].set == {"linear_1.in_features": 8 * 21 * 21}
    assert solve(conflict.changes[0].network).status == "solved"


def broken(name: str, mutate: Callable[[Network], tuple[str, Any] | None]) -> tuple[Network, str] | None:
    """A recorded network with one number changed, where it then does not fit."""
    paddings = {k: tuple(v) if isinstance(v, list) else v for k, v in RECORDED[name]["paddings"].items()}
    network = load(DATA / f"{name}.toml").with_values(paddings)
    found = mutate(network)
    if found is None:
        return None
    mutant = network.with_values({found[0]: found[1]})
    return (mutant, found[0]) if check(mutant).problem else None


def other(argument: str, network: Network) -> tuple[str, Any] | None:
    """Another value for the last layer's argument of that name that has one."""
    for layer in reversed(network.layers):
        value = getattr(layer.op, argument, None)
        if isinstance(value, int):
            return f"{layer.name}.{argument}", value + 1
    return None


SMALL = ("mtcnn_onet", "deepspeech2_conv", "ptgan_context_encoder_G", "topaz_resnet8", "cv_resnet20_cifar10")


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("argument", ["padding", "stride"])
@pytest.mark.parametrize("name", SMALL)
def test_the_broken_number_is_among_the_first_changes(name: str, argument: str) -> None:
    found = broken(name, lambda network: other(argument, network))
    if found is None:
        return
    mutant, key = found
    conflict = explain(mutant)
    assert conflict.minimal
    assert key in [k for change in conflict.changes[:3] for k in change.set]
    for change in conflict.changes:
        assert check(change.network).problem is None


def test_two_mistakes_need_two_changes() -> None:
    text = document(conv(3, padding=1, out=[7, 7]), conv(3, padding=1, out=[5, 5]))
    found = repair(loads(text), keep=["conv2d_1.out", "conv2d_2.out", "input"])
    assert found.best is not None
    assert check(found.best.network).problem is None
    assert found.best.verified is True


def test_what_is_kept_stays() -> None:
    network = loads(UNSOLVABLE["a width"])
    found = repair(network, keep=["linear_1", "padding", "input"])
    assert found.changes
    for change in found.changes:
        assert not any(key.startswith("linear_1") or key.endswith("padding") or key == "input" for key in change.set)
    with pytest.raises(UsageError, match=r"keep: there is no nothing"):
        repair(network, keep=["nothing"])


def test_changes_are_plain_data() -> None:
    (first, *_) = explain(loads(UNSOLVABLE["a width"])).changes
    assert isinstance(first, Change)
    assert dict(first.set) == {"linear_1.in_features": 256}
    assert first.text == "linear_1: in_features = 256 instead of 400"
    with pytest.raises(AttributeError):
        first.text = ""  # type: ignore[misc]  # that it cannot be assigned is the test


# sizes


def test_sizes_that_can_be_reached_are_those_of_all_assignments() -> None:
    network = loads(document(conv(3, padding="?"), conv(4, stride=2, padding="?"), input=(3, 32, 32)))
    wanted = {((32 + 2 * p - 2) + 2 * q - 4) // 2 + 1 for p in range(3) for q in range(4)}
    shape = sizes(network).shape
    assert [set(domain or ()) for domain in shape] == [{4}, wanted, wanted]
    first = sizes(network, at="conv2d_1").shape
    assert [set(domain or ()) for domain in first] == [{4}, {30, 32, 34}, {30, 32, 34}]


def test_a_pattern_holds_exactly_its_numbers() -> None:
    for numbers in (
        range(75, 1000),
        range(16, 1000, 16),
        [n for n in range(1, 1000) if n % 32 in {0, 1, 31} and n > 40],
        [3, 5, 8, 13, 21, 34, 55],
        [],
    ):
        pattern = pattern_of(numbers, 1, 999)
        assert [n for n in range(1001) if n in pattern] == list(numbers)


def test_sizes_near_the_edge_are_run_with_the_width_that_is_written() -> None:
    linear = loads(document(table(op="Flatten"), table(op="Linear", in_features=64, out_features=10), input=(8, 8)))
    found = sizes(linear).inputs
    assert found is not None
    assert [(b.size, b.accepted, b.agrees) for b in found.boundaries] == [
        (7, False, True),
        (8, True, True),
        (9, False, True),
    ]


def test_sizes_after_a_block_are_those_after_its_last_layer() -> None:
    network = loads("""
input = [3, 64, 64]
blocks.b = { layers = [ { op = "Conv2d", out_channels = 4, kernel_size = 3, padding = "?" }, { op = "ReLU" } ] }
layers = [ { block = "b", name = "first" }, { block = "b" } ]
""")
    assert sizes(network, at="first").at == "first.relu_1"
    with pytest.raises(UsageError, match="at is the name of a layer, not 5"):
        sizes(network, at=5)  # type: ignore[arg-type]  # the mistake is what is tested


def test_only_multiples_are_not_a_number_or_more() -> None:
    network = loads(document(table(op="PixelUnshuffle", downscale_factor=4), input=(3, 30, 30)))
    told = [str(reason) for reason in explain(network, run=False).reasons]
    needed = "the layers below need one of 31 sizes from 4 to 124 there"  # the multiples of 4 among those looked at
    assert told[1] == f"after input the size is 30; {needed}"


def test_what_netsolve_alone_refuses_is_not_held_against_torch() -> None:
    found = sizes(loads(document(conv(1, op="ConvTranspose2d", padding=2), input=(3, 20, 20)))).inputs
    assert found is not None
    assert found.boundaries[0].size == 5  # of 4 nothing is left, which torch does not mind
    assert all(boundary.agrees for boundary in found.boundaries)


def test_sizes_of_what_is_unknown_or_not_there() -> None:
    network = loads(document(conv(3, padding="?")))
    assert sizes(network).inputs is None
    with pytest.raises(UsageError, match="solve it first"):
        sizes(network, inputs=(1, 9))
    with pytest.raises(UsageError, match="there is no layer"):
        sizes(network, at="nowhere")


@pytest.mark.parametrize("name", TANGLED)
def test_what_cannot_be_worked_out_is_no_value(name: str) -> None:
    network = loads(TANGLED[name])
    assert solve(network).status == "unsolvable"
    assert explain(network, run=False).reasons


def test_a_question_mark_has_all_its_values_in_an_explanation_too() -> None:
    network = loads("""
input = [5, "?", 3]
layers = [
  { op = "AdaptiveMaxPool2d", output_size = "?p" },
  { op = "PixelUnshuffle", downscale_factor = 1 },
  { op = "AvgPool2d", kernel_size = 4, padding = [0, 1], out = ["?", 7] },
]
""")
    assert solve(network).status == "solved"  # with p = 26, which is more than what is tried instead of a number
    assert explain(network) == Conflict()


@pytest.mark.parametrize("behind", [0, 40])
def test_what_is_far_from_what_is_written_may_be_what_was_meant(behind: int) -> None:
    text = document(conv(3, out=[224, 224]), *[conv(3, padding=1)] * behind, input=(3, 32, 32))
    assert {"conv2d_1.padding": 97} in [change.set for change in explain(loads(text), run=False).changes]  # 32 + 2 * 96


def test_a_width_that_is_one_of_several_is_offered() -> None:
    flat = [table(op="Flatten"), table(op="Linear", in_features=1000, out_features=10)]
    network = loads(document(conv(3, padding="?"), *flat, input=(3, 16, 16)))
    assert dict(repair(network).changes[0].set) == {"linear_1.in_features": 1024}  # 4 * 16 * 16, with a padding of 1
    assert "linear_1.in_features" in [key for change in explain(network).changes for key in change.set]


def test_an_input_may_be_many_times_as_large() -> None:
    halves = [row for _ in range(5) for row in (conv(3, padding=1), pool())]
    flat = [table(op="Flatten"), table(op="Linear", in_features=4 * 7 * 7, out_features=10)]
    changes = [dict(change.set) for change in explain(loads(document(*halves, *flat, input=(3, 32, 32)))).changes]
    assert {"input": (3, 224, 224)} in changes  # 7 * 2**5


@pytest.mark.parametrize(
    ("argument", "kernel", "stride", "size"), [("stride", 16, "?", 14), ("kernel_size", "?", 1, 209)]
)
def test_default_values_that_end_too_soon_are_a_reason(argument: str, kernel: Any, stride: Any, size: int) -> None:
    network = loads(document(conv(kernel, stride=stride, out=[size, size]), input=(3, 224, 224)))
    assert f"conv2d_1.{argument}" in [statement.key for statement in explain(network).statements]
    found = next(change for change in explain(network).changes if f"conv2d_1.{argument}" in change.set)
    assert solve(found.network).status == "solved"


def test_two_sums_that_no_single_number_mends() -> None:
    rows = [
        conv(kernel, name=name, padding=f"?p{name[0]}: 0..1", **{"from": feed})
        for feed, names in (("one", ("a1", "a2")), ("two", ("b1", "b2")))
        for kernel, name in zip((3, 5), names, strict=True)
    ]
    joins = [table(op="add", name=x, **{"from": [f"{x}1", f"{x}2"]}) for x in "ab"]
    text = document(*rows, *joins, outputs=["a", "b"])
    text = "inputs = { one = [3, 16, 16], two = [3, 16, 16] }\n" + text.partition("\n")[2]
    best = repair(loads(text)).best
    assert best is not None
    assert len(best.set) == 2  # a kernel in each of them


UP = '{ op = "ConvTranspose2d", out_channels = 4, kernel_size = 3, stride = 2, padding = 1 }'


def test_a_number_forgotten_in_all_layers_alike_is_one_mistake() -> None:
    network = loads(f"input = [4, 7, 7]\noutput = [4, 28, 28]\nlayers = [\n  {UP},\n  {UP},\n]\n")
    changes = {change.text: dict(change.set) for change in explain(network).changes}
    both = "convtranspose2d_1 and convtranspose2d_2: output_padding = 1 instead of 0, torch's default"
    assert changes[both] == {f"convtranspose2d_{i}.output_padding": 1 for i in (1, 2)}  # 7 to 14 to 28
    assert all(len(change.set) == 1 for change in repair(network).changes)  # the last kernel alone is less


VGG = [row for width, count in ((8, 2), (16, 2), (32, 3)) for row in [*[conv(3, out_channels=width)] * count, pool()]]


def test_a_padding_forgotten_in_every_convolution() -> None:
    network = loads(
        document(*VGG, table(op="Flatten"), table(op="Linear", in_features=2048, out_features=2), input=(3, 64, 64))
    )
    names = ", ".join(f"conv2d_{i}" for i in range(1, 7))  # 64 to 8 by three pools
    first = f"{names} and conv2d_7: padding = 1 instead of 0, torch's default"
    assert first in [change.text for change in explain(network).changes[:2]]


BLOCKS = """
input = [3, 64, 64]
layers = [
{ repeat = 3, layers = [{ op = "Conv2d", out_channels = 9, kernel_size = 3 }, { op = "MaxPool2d", kernel_size = 2 }] },
  { op = "Flatten" },
  { op = "Linear", in_features = 576, out_features = 2 },
]
"""


@pytest.mark.parametrize(
    ("kernels", "paddings"), [((3, 5), (1, 2)), (([1, 7], [7, 1]), ((0, 3), (3, 0))), ((3, 7), (1, 3))]
)
def test_paddings_forgotten_in_parallel_branches(kernels: tuple[Any, ...], paddings: tuple[Any, ...]) -> None:
    left, right = (
        table(op="Conv2d", name=name, out_channels=4, kernel_size=kernel, padding=none, **{"from": "input"})
        for kernel, name, none in zip(kernels, "ab", ([0, 0] if len(str(k)) > 1 else 0 for k in kernels), strict=True)
    )
    text = document(left, right, table(op="cat", **{"from": ["a", "b", "input"]}), input=[4, 16, 16])
    (change,) = explain(loads(text)).changes
    assert dict(change.set) == dict(zip(("a.padding", "b.padding"), paddings, strict=True))


def test_one_place_of_a_document_is_one_change_for_all_layers_that_it_stands_for() -> None:
    network = loads(BLOCKS)
    found = repair(network, keep=["input", "linear_1"]).best
    assert found is not None
    assert dict(found.set) == {f"conv2d_1.{i}.padding": 1 for i in range(3)}  # 64 to 8 by three pools
    text = rewrite(network, found.set)
    assert text == BLOCKS.replace("kernel_size = 3 }", "kernel_size = 3, padding = 1}")
    assert solve(loads(text)).status == "solved"


def test_an_input_with_its_channels_last_is_turned() -> None:
    text = document(conv(5, padding="?"), pool(), conv(5, padding="?"), pool(out=[4, 5, 5]), input=(32, 32, 3))
    assert explain(loads(text)).changes[0].text == "input = [3, 32, 32] instead of [32, 32, 3]"


def test_numbers_that_no_document_may_hold_are_the_reason() -> None:
    halves = '{ repeat = 40, layers = [{ op = "GLU" }] }'
    network = loads(f'input = ["?"]\nlayers = [\n  {halves},\n]\n')  # 2**40 numbers come to one
    assert solve(network).status == "unsolvable"
    assert [str(reason) for reason in explain(network).reasons] == [
        "numbers of a document go up to 2147483647, and none up to there fits"
    ]


def test_a_number_is_tried_with_the_sizes_that_were_there_before_it_took_some_away() -> None:
    linear = '{ op = "Linear", in_features = 100, out_features = 3 }'
    flat = loads(f'input = [3, "?", "?"]\nlayers = [{{ op = "Flatten" }}, {linear}]')
    wanted = [
        f"linear_1: in_features = {width} instead of 100" for width in (99, 102, 96)
    ]  # the nearest multiples of 3
    assert [change.text for change in explain(flat).changes] == wanted[:1]
    assert [change.text for change in repair(flat).changes] == wanted


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        ("?n", {16 * k * k for k in range(1, 20)}),
        ("?", {16 * k for k in range(1, 200)}),
        (40, {16 * 10 * k for k in range(1, 50)}),
    ],
)
def test_a_width_that_no_free_input_gives_is_moved_to_one_that_an_input_gives(size: Any, widths: set[int]) -> None:
    rows = [conv(out_channels=16, stride=4, padding=1), table(op="Flatten")]
    text = document(*rows, table(op="Linear", in_features=1001, out_features=10), input=[3, "?n", size])
    below, above = max(w for w in widths if w < 1001), min(w for w in widths if w > 1001)
    offered = [change.set["linear_1.in_features"] for change in repair(loads(text)).changes]
    assert set(offered[:2]) == {below, above}


def test_groups_are_as_many_as_there_are_channels() -> None:
    depthwise = document(conv(out_channels=96), conv(out_channels=96, groups=64, padding=1))
    assert {"conv2d_2.groups": 96} in [dict(change.set) for change in explain(loads(depthwise)).changes]


def test_sizes_of_a_stated_shape_move_alike() -> None:
    rows = [conv(4, padding="?p", stride=stride, name=f"c{i}") for i, stride in enumerate((2, 2, 2, 1, 1))]
    conflict = explain(loads(document(*rows, input=[6, 256, 256], output=[4, 31, 31])))  # one p for all gives 30
    assert dict(conflict.changes[0].set) == {"output": (4, 30, 30)}


def test_a_stated_size_of_which_anything_could_come_is_moved_to_the_nearest_that_fits() -> None:
    halves = loads('input = ["?"]\nlayers = [{ op = "GLU" }, { op = "GLU", out = [5] }, { op = "GLU" }]')
    assert [change.set for change in repair(halves).changes][:2] == [{"glu_2.out": (4,)}, {"glu_2.out": (6,)}]
