"""Tests of netsolve.network: a network with other values."""

from typing import Any

import pytest

from netsolve import DocumentError, Network, loads, solve
from support import conv, document, exactly, pool, table

NETWORK = loads(
    document(
        conv(name="features.0", padding="?"), table(op="ZeroPad2d", padding=1), pool(ceil_mode="?"), input=[3, "?", 8]
    )
)


def argument(network: Network, layer: str, name: str) -> Any:
    """An argument of a layer."""
    return getattr(next(each.op for each in network.layers if each.name == layer), name)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("features.0.padding", 2, 2),
        ("features.0.padding", (1, 2), (1, 2)),
        ("features.0.padding[1]", 2, (0, 2)),
        ("features.0.kernel_size[0]", 5, (5, 3)),
        ("zeropad2d_1.padding[3]", 7, (1, 1, 1, 7)),
        ("maxpool2d_1.ceil_mode", True, True),
    ],
)
def test_a_copy_with_another_value(key: str, value: Any, expected: Any) -> None:
    base = NETWORK.with_values({"features.0.padding": 0})
    layer, _, name = key.partition("[")[0].rpartition(".")
    changed = base.with_values({key: value})
    assert argument(changed, layer, name) == expected
    assert argument(base, "features.0", "padding") == 0
    assert [each for each in changed.layers if each.name != layer] == [
        each for each in base.layers if each.name != layer
    ]


def test_a_copy_with_another_input() -> None:
    changed = NETWORK.with_values({"input": (3, 6, 8), "features.0.padding": 1, "maxpool2d_1.ceil_mode": True})
    best = solve(changed).best
    assert best is not None
    assert dict(best.values) == {}
    assert best.shapes["maxpool2d_1"] == (4, 4, 5)
    assert NETWORK.inputs["input"] != (3, 6, 8)


def test_values_that_cannot_be() -> None:
    values = {
        "nothing.padding": 1,
        "features.0.paddin": 1,
        "features.0.padding[2]": 1,
        "features.0.stride": 0,
        "features.0.kernel_size": (3, 3, 3),
        "features.0.bias": 1,
    }
    unknown = "there is no such argument (a key is LAYER.ARGUMENT)"
    lines = [
        f"nothing.padding: {unknown}",
        f"features.0.paddin: {unknown}",
        f"features.0.padding[2]: {unknown}",
        "features.0.stride: 0 is too small: at least 1",
        "features.0.kernel_size: 2 entries expected, one for each axis, not 3",
        "features.0.bias: true or false is expected, not 1",
    ]
    with pytest.raises(DocumentError, match=exactly("\n".join(lines))):
        NETWORK.with_values(values)


def test_lines_are_known_for_documents_only() -> None:
    assert NETWORK.line(("layers", 2)) == 5
    assert Network({"input": (3,)}, ()).line(("layers", 0)) is None
