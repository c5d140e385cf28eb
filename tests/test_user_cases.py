"""Questions that people really asked, with the answers that exhaustive search under torch's rules gives."""

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

import pytest

from netsolve import Answer, loads, solve
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
