"""Questions that people really asked, with the answers that exhaustive search under torch's rules gives."""

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

import pytest

from netsolve import Answer, Network, explain, loads, repair, sizes, solve
from netsolve.conflicts.padded import uneven_note
from support import conv, document, pool, table

RELU = table(op="ReLU")
FLATTEN = table(op="Flatten")


def answers(*layers: str, most: int, **top: Any) -> set[tuple[tuple[str, Any], ...]]:
    """All answers of a document whose question marks are single integers, by excluding one after the other."""
    constraints: list[str] = list(top.pop("constraints", []))
    found: set[tuple[tuple[str, Any], ...]] = set()
    while (best := solve(loads(document(*layers, constraints=constraints, **top))).best) is not None:
        values = _numbers(best.values)
        found.add(tuple(sorted(values.items())))
        constraints.append(f"not ({' and '.join(f'{key} == {value}' for key, value in values.items())})")
        assert len(found) <= most
    return found


def _numbers(values: Mapping[str, Any]) -> dict[str, int]:
    """Each number by the name that a constraint has for it."""
    found: dict[str, int] = {}
    for key, value in values.items():
        found.update({f"{key}[{i}]": n for i, n in enumerate(value)} if isinstance(value, tuple) else {key: value})
    return found


def paddings(*rows: tuple[int, ...], names: tuple[str, ...]) -> set[tuple[tuple[str, Any], ...]]:
    """Answers in which only paddings are unknown."""
    return {tuple(sorted((f"{name}.padding", value) for name, value in zip(names, row, strict=True))) for row in rows}


def windows(size: int, layers: list[tuple[int, int]], padding: tuple[int, ...]) -> list[int]:
    """The size after each (kernel, stride), by torch's formula."""
    found = []
    for (kernel, stride), p in zip(layers, padding, strict=True):
        size = (size + 2 * p - kernel) // stride + 1
        found.append(size)
    return found


# Case 1: the DQN, whose paddings DeepMind did not document.

DQN = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
DQN_NAMES = ("conv2d_1", "conv2d_2", "conv2d_3")


def dqn(*outs: list[int] | None) -> list[str]:
    """Its convolutions, with what is known of the sizes after them."""
    known: list[dict[str, Any]] = [{} if out is None else {"out": out} for out in outs]
    return [conv(k, out_channels=c, stride=s, padding="?", **more) for (c, k, s), more in zip(DQN, known, strict=True)]


def test_dqn_with_its_final_size() -> None:
    found = answers(*dqn(None, None, [7, 7]), input=(4, 84, 84), most=4)
    assert found == paddings((0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0), names=DQN_NAMES)


def test_dqn_with_the_sizes_between() -> None:
    found = answers(*dqn([20, 20], [9, 9], [7, 7]), input=(4, 84, 84), most=2)
    assert found == paddings((0, 0, 0), (1, 0, 0), names=DQN_NAMES)


def test_dqn_with_the_width_that_flattening_gives() -> None:
    layers = [*dqn(None, None, None), FLATTEN, table(op="Linear", in_features=3136, out_features=512)]
    found = answers(*layers, input=(4, 84, 84), most=4)
    assert found == paddings((0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0), names=DQN_NAMES)


# Case 2: AlexNet, which takes 224 to 55.


def test_the_first_layer_of_alexnet() -> None:
    found = answers(conv(11, stride=4, padding="?", out=[55, 55]), input=(3, 224, 224), most=2)
    assert found == paddings((2,), (3,), names=("conv2d_1",))


def test_the_input_that_alexnet_needs_without_padding() -> None:
    layer = conv(11, stride=4, padding=0, out=[55, 55])
    found = answers(layer, input=(3, "?n", "?n"), most=4)
    assert found == {(("input[0]", 3), ("input[1]", n), ("input[2]", n)) for n in range(227, 231)}


ALEXNET = [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)]
ALEXNET_NAMES = ("c1", "p1", "c2", "p2", "c3", "c4", "c5", "p3")


def alexnet(sizes: Mapping[str, int], convolution: str = "?0..3", pooling: str = "?0..1") -> list[str]:
    """Its convolutions and pools, with the sizes that are known."""
    layers = []
    for name, (kernel, stride) in zip(ALEXNET_NAMES, ALEXNET, strict=True):
        more: dict[str, Any] = {"name": name, "stride": stride} | ({"out": [sizes[name]] * 2} if name in sizes else {})
        layers.append(
            conv(kernel, padding=convolution, **more) if name[0] == "c" else pool(kernel, padding=pooling, **more)
        )
    return layers


def test_alexnet_from_224_to_6() -> None:
    ranges = [range(4) if name[0] == "c" else range(2) for name in ALEXNET_NAMES]
    fitting = {row for row in product(*ranges) if windows(224, ALEXNET, row)[-1] == 6}
    assert (len(fitting), prod(map(len, ranges))) == (1154, 8192)
    best = solve(loads(document(*alexnet({"p3": 6}), input=(3, 224, 224)))).best
    assert best is not None
    assert tuple(best[f"{name}.padding"] for name in ALEXNET_NAMES) in fitting


def test_alexnet_with_default_values() -> None:
    ranges = [range(k if name[0] == "c" else k // 2 + 1) for name, (k, _) in zip(ALEXNET_NAMES, ALEXNET, strict=True)]
    fitting = {row for row in product(*ranges) if windows(224, ALEXNET, row)[-1] == 6}
    assert len(fitting) == 2526
    best = solve(loads(document(*alexnet({"p3": 6}, "?", "?"), input=(3, 224, 224)))).best
    assert best is not None
    assert tuple(best[f"{name}.padding"] for name in ALEXNET_NAMES) in fitting


def test_alexnet_with_the_sizes_between() -> None:
    sizes = {"c1": 55, "p1": 27, "c2": 27, "p2": 13, "c3": 13, "c4": 13, "c5": 13, "p3": 6}
    found = answers(*alexnet(sizes), input=(3, 224, 224), most=2)
    assert found == paddings((2, 0, 2, 0, 1, 1, 1, 0), (3, 0, 2, 0, 1, 1, 1, 0), names=ALEXNET_NAMES)


# Case 3: VGG-16, whose authors padded every convolution by 1.


def vgg(*, every: bool) -> list[str]:
    """Its convolutions and pools, with the size after every layer or after the pools alone."""
    layers, size = [], 224
    for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        known: dict[str, Any] = {"out": [size, size]} if every else {}
        layers += [conv(3, out_channels=channels, padding="?0..2", **known)] * count
        size //= 2
        layers.append(pool(2, padding="?0..1" if every else 0, out=[size, size]))
    return layers


def test_vgg_with_the_sizes_after_the_pools() -> None:
    best = solve(loads(document(*vgg(every=False), input=(3, 224, 224)))).best
    assert best is not None
    assert set(best.values.values()) == {1}
    assert len(best.values) == 13


def test_vgg_with_every_size() -> None:
    (only,) = answers(*vgg(every=True), input=(3, 224, 224), most=1)
    assert {key: value for key, value in only if key.startswith("conv")} == {
        f"conv2d_{i}.padding": 1 for i in range(1, 14)
    }
    assert {key: value for key, value in only if key.startswith("max")} == {
        f"maxpool2d_{i}.padding": 0 for i in range(1, 6)
    }


# Case 4: NetD, from 96 to 6.

NETD = [(3, 1), (4, 2)] * 4
NETD_CHANNELS = (64, 64, 128, 128, 256, 256, 512, 512)


def netd(sizes: Mapping[int, int]) -> list[str]:
    """Its convolutions, with the sizes that are known."""
    layers = []
    for i, ((kernel, stride), channels) in enumerate(zip(NETD, NETD_CHANNELS, strict=True)):
        known: dict[str, Any] = {"out": [sizes[i]] * 2} if i in sizes else {}
        layers.append(conv(kernel, out_channels=channels, stride=stride, padding="?", bias=False, **known))
    return layers


def netd_values(answer: Answer) -> tuple[int, ...]:
    """The paddings of an answer."""
    assert answer.best is not None
    return tuple(answer.best[f"conv2d_{i}.padding"] for i in range(1, 9))


def test_netd_with_its_final_size() -> None:
    fitting = {row for row in product(*(range(k) for k, _ in NETD)) if windows(96, NETD, row)[-1] == 6}
    assert len(fitting) == 4617
    assert (1,) * 8 in fitting
    assert netd_values(solve(loads(document(*netd({7: 6}), input=(3, 96, 96))))) in fitting


def test_netd_with_the_width_that_flattening_gives() -> None:
    linear = table(op="Linear", in_features=18432, out_features=1024)
    from_width = solve(loads(document(*netd({}), FLATTEN, linear, input=(3, 96, 96))))
    from_size = solve(loads(document(*netd({7: 6}), FLATTEN, table(op="Linear", out_features=1024), input=(3, 96, 96))))
    assert netd_values(from_width) == netd_values(from_size)
    assert from_width.best is not None
    assert from_size.best is not None
    assert from_width.best.shapes == from_size.best.shapes


def test_netd_with_every_size() -> None:
    sizes = dict(enumerate((96, 48, 48, 24, 24, 12, 12, 6)))
    found = answers(*netd(sizes), input=(3, 96, 96), most=1)
    assert found == paddings((1,) * 8, names=tuple(f"conv2d_{i}" for i in range(1, 9)))


# Case 5: a decoder that mirrors its encoder exactly.


@pytest.mark.parametrize(("kernel", "padding", "output_padding"), [(3, 1, 1), (4, 1, 0), (5, 2, 1)])
@pytest.mark.parametrize("size", [7, 14])
def test_a_transposed_convolution_that_doubles(kernel: int, padding: int, output_padding: int, size: int) -> None:
    layer = conv(kernel, op="ConvTranspose2d", stride=2, padding="?", output_padding="?", out=[2 * size, 2 * size])
    best = solve(loads(document(layer, input=(8, size, size)))).best
    assert best is not None
    assert best.values == {"convtranspose2d_1.padding": padding, "convtranspose2d_1.output_padding": output_padding}
    assert best.verify().verified is True


# Case 6: a padded U-Net whose skips do not fit.


def unet(size: int) -> Network:
    """Four levels: convolutions that keep the size, pools that halve it, transposed convolutions that double it."""
    down = [layer for i in range(1, 5) for layer in (conv(3, padding=1, name=f"down{i}"), pool(2))]
    up = [
        layer
        for i in range(4, 0, -1)
        for layer in (
            conv(2, op="ConvTranspose2d", stride=2, name=f"up{i}"),
            table(op="cat", **{"from": [f"down{i}", f"up{i}"]}),
        )
    ]
    return loads(document(*down, conv(3, padding=1, name="middle"), *up, input=(1, size, size)))


def test_where_a_unet_breaks_and_which_inputs_fit() -> None:
    conflict = explain(unet(572))
    first = conflict.reasons[0]
    assert (first.layer, first.text) == ("cat_1", "cat joins inputs that differ in nothing but dim: 71 and 70")
    assert conflict.reasons[1].text == "its inputs: down4 4 x 71 x 71; up4 4 x 70 x 70"
    assert {"input": (1, 576, 576)} in [dict(change.set) for change in conflict.changes]
    found = sizes(unet(572), inputs=(1, 600), run=False).inputs
    assert found is not None
    assert [n for n in range(1, 601) if n in found.accepted] == list(range(16, 601, 16))
    assert str(found.accepted) == "16 + 16k"


# Case 7: the discriminator of DCGAN on inputs of other sizes.


def dcgan(size: int) -> Network:
    """k4 s2 p1 four times, then k4 s1 p0, from 64 to 1."""
    layers = [conv(4, stride=2, padding=1)] * 4
    return loads(document(*layers, conv(4), input=(3, size, size), output=[4, 1, 1]))


def single_values(size: int) -> set[tuple[str, int]]:
    """Every value of one argument within the default ranges that takes a size to 1, by exhaustive search."""
    rows = [(4, 2, 1)] * 4 + [(4, 1, 0)]
    found = set()
    for place in range(5):
        for name, at, values in (
            ("kernel_size", 0, range(1, 12)),
            ("stride", 1, range(1, 5)),
            ("padding", 2, range(4)),
        ):
            for value in values:
                row = [list(each) for each in rows]
                row[place][at] = value
                n = size
                for k, s, p in row:
                    n = (n + 2 * p - k) // s + 1 if n + 2 * p >= k else 0
                if n == 1 and p < k:
                    found.add((f"conv2d_{place + 1}.{name}", value))
    return found


def test_dcgan_for_other_inputs() -> None:
    strides = {(f"conv2d_{i}.stride", 4) for i in range(1, 5)}
    wanted = {
        128: {("conv2d_5.kernel_size", 8), ("conv2d_4.kernel_size", 11)} | strides,
        28: {("conv2d_5.kernel_size", 1)},
    }
    for size, fixes in wanted.items():
        assert single_values(size) == fixes
        found = repair(dcgan(size), keep=["input", "output", "dilation"], most=20, run=False)
        values = {item for change in found.changes for item in change.set.items()}
        assert fixes <= values
        assert {(key, n) for key, n in values if not key.endswith("padding") or n < 4} == fixes
        assert all(len(change.set) == 1 for change in found.changes)


# Case 8: which inputs MDNet accepts.


def test_the_inputs_of_mdnet() -> None:
    layers = [conv(7, stride=2), pool(3, stride=2), conv(5, stride=2), pool(3, stride=2), conv(3)]
    found = sizes(loads(document(*layers, input=(3, 107, 107)))).inputs
    assert found is not None
    assert found.accepted.ranges == ((75, 1024),)
    assert [(block.low, block.high, block.shape[1]) for block in found.blocks[:3]] == [
        (75, 90, 1),
        (91, 106, 2),
        (107, 122, 3),
    ]
    assert [n for n in range(1, 1025) if n in found.exact] == list(range(75, 1025, 16))
    assert [(b.size, b.accepted, b.agrees) for b in found.boundaries[:2]] == [(74, False, True), (75, True, True)]


# Case 9: TensorFlow's SAME.


def test_an_even_kernel_that_keeps_the_size() -> None:
    conflict = explain(loads(document(conv(4, padding="?", out=[32, 32]), input=(3, 32, 32))))
    assert conflict.reasons[0].text == (
        "conv2d_1.out[0] is stated as 32, and the size can be 29, 31, 33 or 35 (nearest: 31 and 33)"
    )
    (same,) = [change for change in conflict.changes if change.set == {"conv2d_1.padding": "same"}]
    assert same.text == (
        'conv2d_1: padding = "same": ZeroPad2d with padding = [1, 2, 1, 2] before it and padding = 0, '
        "one cell more at the end"
    )
    assert same.verified is True


def test_an_odd_total_under_same_is_said() -> None:
    answer = solve(loads(document(conv(7, stride=2, padding="?", out=[112, 112]), input=(3, 224, 224))))
    assert answer.best is not None
    assert answer.best.values == {"conv2d_1.padding": 3}
    note = uneven_note(answer.best)
    assert note is not None
    assert note.text == (
        "TensorFlow's SAME pads conv2d_1 by [2, 3, 2, 3], which gives the same size with the features shifted: "
        'padding = "SAME", or ZeroPad2d before padding = 0'
    )


# Case 10: the width of 32 x 32 on 28 x 28.


def test_lenet_with_the_width_of_another_input() -> None:
    layers = [conv(5, out_channels=6), pool(), conv(5, out_channels=16), pool(), FLATTEN]
    answer = solve(loads(document(*layers, table(op="Linear", in_features=400, out_features=120), input=(1, 28, 28))))
    assert answer.status == "unsolvable"
    assert answer.reason == "linear_1: in_features is 400, and the input implies 256"
    free = solve(loads(document(*layers, table(op="Linear", in_features="?", out_features=120), input=(1, 28, 28))))
    assert free.best is not None
    assert free.best.values == {"linear_1.in_features": 256}


def test_paddings_that_give_lenet_its_width() -> None:
    first, second = conv(5, out_channels=6, padding="?"), conv(5, out_channels=16, padding="?")
    linear = table(op="Linear", in_features=400, out_features=120)
    found = answers(first, pool(), second, pool(), FLATTEN, linear, input=(1, 28, 28), most=4)
    assert found == paddings((2, 0), (3, 0), (0, 1), (1, 1), names=("conv2d_1", "conv2d_2"))


def test_what_mends_lenet_on_28() -> None:
    layers = [conv(5, out_channels=6), pool(), conv(5, out_channels=16), pool(), FLATTEN]
    linear = table(op="Linear", in_features=400, out_features=120)
    network = loads(document(*layers, linear, input=(1, 28, 28)))
    conflict = explain(network)
    assert dict(conflict.changes[0].set) == {"linear_1.in_features": 256}
    found = [dict(change.set) for change in conflict.changes]
    assert {"conv2d_1.padding": 2} in found
    assert {"conv2d_2.padding": 1} in found
    assert {"input": (1, 32, 32)} in found
    assert all(change.verified for change in conflict.changes)
    inputs = sizes(network, inputs=(1, 64), run=False).inputs
    assert inputs is not None
    assert inputs.accepted.ranges == ((32, 35),)


# Case 11: odd but real paddings, outside the default values.


@pytest.mark.parametrize(
    ("layer", "size", "padding"),
    [
        (conv(1, out_channels=1000, padding="?", out=[15, 15]), 13, 1),
        (conv(3, out_channels=64, padding="?", out=[698, 698]), 500, 100),
    ],
    ids=["SqueezeNet", "FCN"],
)
def test_a_wider_range_is_offered_where_the_default_values_do_not_suffice(layer: str, size: int, padding: int) -> None:
    answer = solve(loads(document(layer, input=(3, size, size))))
    assert answer.status == "unsolvable"
    assert answer.best is None
    assert answer.hint == (
        f"no padding within the default values fits; a wider range would: conv2d_1.padding = {padding}"
    )
    wide = solve(loads(document(layer.replace('"?"', '"?0..100"'), input=(3, size, size))))
    assert wide.best is not None
    assert wide.best.values == {"conv2d_1.padding": padding}


def test_no_wider_range_is_offered_where_none_helps() -> None:
    answer = solve(loads(document(conv(3, padding="?", out=[7, 9]), input=(3, 8, 8))))
    assert (answer.status, answer.hint) == ("unsolvable", "")
