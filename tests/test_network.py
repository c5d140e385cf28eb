"""Tests of netsolve.network: a network with other values."""

from typing import Any

import pytest

from netsolve import DocumentError, Layer, Network, Unknown, check, loads, solve
from netsolve.ops import OPERATORS
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
    unknown = "there is no such argument (a key is LAYER.ARGUMENT, LAYER.out, output or input)"
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


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "input: a list of sizes is expected, not 5 (such as [3, 96, 96])"),
        (["x"], 'input[0]: "x" is neither an integer nor a question mark such as "?", "?0..3", "?1|3|5" or "?p"'),
        ([3, -1, 2], "input[1]: -1 is too small: at least 1"),
        ([], "input: 0 sizes: a shape has 1 to 8 (such as [3, 96, 96])"),
    ],
)
def test_inputs_that_cannot_be(value: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=exactly(message)):
        NETWORK.with_values({"input": value})


SHARED = loads(
    document(
        conv(padding="?p"),
        conv(5, padding=[0, "?p"], out=["?", "?p"]),
        pool(ceil_mode="?c"),
        input=[3, 8, "?p"],
        output=["?", "?p"],
        constraints=["p + c * 2 == 1 + conv2d_1.padding", "p * p >= p"],
    )
)


def test_a_named_unknown_is_set_everywhere() -> None:
    changed = SHARED.with_values({"conv2d_1.padding": 3, "maxpool2d_1.ceil_mode": True})
    assert argument(changed, "conv2d_2", "padding") == (0, 3)
    assert changed.layers[1].out == (Unknown(), 3)
    assert (changed.inputs, changed.output) == ({"input": (3, 8, 3)}, (Unknown(), 3))
    assert [each.text for each in changed.constraints] == ["3 + 1 * 2 == 1 + conv2d_1.padding", "3 * 3 >= 3"]
    assert SHARED.with_values({"input": [3, 8, 3]}).layers[0] == changed.layers[0]
    assert SHARED.with_values({"conv2d_2.padding[1]": 3}).layers[0] == changed.layers[0]
    assert SHARED.with_values({"conv2d_1.padding": "?0..4"}).layers[1] == SHARED.layers[1]


def test_a_named_unknown_has_one_value() -> None:
    text = "conv2d_2.padding: ?p is one value everywhere: 1 and 2 cannot both be it"
    with pytest.raises(DocumentError, match=exactly(text)):
        SHARED.with_values({"conv2d_1.padding": 1, "conv2d_2.padding": (0, 2)})
    with pytest.raises(DocumentError, match=r"\Ainput\[2\]|too small"):
        loads(document(conv(padding="?p"), conv(stride="?p: 1..3"))).with_values({"conv2d_1.padding": 0})


def conv2d(**more: Any) -> Any:
    return OPERATORS["Conv2d"](**({"out_channels": 4, "kernel_size": 3} | more))


def test_a_network_in_code() -> None:
    layers: Any = [Layer("a", conv2d(padding="?p"), ("input",)), Layer("b", conv2d(padding="?p"), ("a",), (4, 8, 8))]
    inputs: Any = {"input": [3, 8, 8]}
    constraints: Any = ["p == 1"]
    network = Network(inputs, layers, constraints=constraints)
    best = solve(network).best
    assert best is not None
    assert best.values == {"a.padding": 1, "b.padding": 1}
    assert check(best.network).problem is None
    assert hash(network) == hash(Network(inputs, layers, constraints=constraints))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", {"kernel_size": -3}, ("input",)), "a.kernel_size: -3 is too small: at least 1"),
        (("a", {"padding": "x"}, ("input",)), "a.padding: "),
        (("a b", {}, ("input",)), '"a b" cannot be a layer\'s name (letters, digits, _ and dots)'),
        (("a", {}, "input"), "a: inputs is a tuple of the names of what feeds the layer, not"),
        (("a", {}, ("input", "input")), "a: Conv2d does not take 2 inputs"),
        (("a", {}, ("input",), (4, 0, 8)), "a.out[1]: 0 is too small: at least 1"),
        (("a", None, ("input",)), 'a: op is an operator of netsolve.ops, not "Conv2d"'),
    ],
)
def test_layers_that_cannot_be(arguments: Any, message: str) -> None:
    name, op, *more = arguments
    with pytest.raises(DocumentError) as caught:
        Layer(name, "Conv2d" if op is None else conv2d(**op), *more)  # type: ignore[arg-type]  # mistakes of this kind are what is tested
    assert str(caught.value).startswith(message)


A, B = Layer("a", conv2d(), ("input",)), Layer("b", conv2d(), ("a",))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"input": (3, 8, 8)}, (B,)), 'b: inputs names "a", and there is no such layer'),
        (({"input": (3, 8, 8)}, (B, A)), 'b: inputs names "a", which stands behind this layer'),
        (({"input": (3, 8, 8)}, (A, A)), "a: this name is used twice (give one of them another name)"),
        (({"input": (0, 8, 8)}, (A,)), "input[0]: 0 is too small: at least 1"),
        (
            ((3, 8, 8), (A,)),
            'inputs: inputs is a mapping of shapes by name, not a list (such as {"input": (3, 96, 96)})',
        ),
        (({"in put": (3, 8, 8)}, ()), 'inputs: "in put" cannot be an input\'s name (letters, digits, _)'),
        (({"input": (3, 8, 8)}, ("a",)), 'layers: each is a netsolve.Layer, not "a"'),
        (({"input": (3, 8, 8)}, (A,), (4, -1, 6)), "output[1]: -1 is too small: at least 1"),
        (({"input": (3, 8, 8)}, (A,), None, ("c",)), 'outputs: there is no layer "c"'),
        (({"input": (3, 8, 8)}, (A,), None, (), (5,)), "constraints[0]: a text is expected, not 5"),
        (({"input": (3, 8, 8)}, (A,), None, (), (), {"padding": "?"}), "defaults.padding: a set is expected"),
    ],
)
def test_networks_that_cannot_be(arguments: Any, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Network(*arguments)
    assert str(caught.value).startswith(message)


def test_guesses_name_no_layer_that_has_no_name() -> None:
    text = document(
        conv(name="ab"),
        conv(name="ab"),
        f"{{ repeat = 2, layers = [{conv()}] }}",
        table(op="ReLU", **{"from": "layer"}),
    )
    with pytest.raises(DocumentError) as caught:
        loads(text)
    assert len(caught.value.mistakes) == 2
    assert "layers[" not in str(caught.value)


def test_layers_may_come_one_by_one() -> None:
    layers = (layer for layer in SHARED.layers)
    assert Network(SHARED.inputs, layers).layers == SHARED.layers  # type: ignore[arg-type]  # a tuple is made of it
    with pytest.raises(DocumentError, match="is expected, not 5"):
        Network(SHARED.inputs, 5)  # type: ignore[arg-type]  # the mistake is what is tested


def test_a_stated_output_is_one() -> None:
    two = loads(document(conv(name="a"), conv(name="b", **{"from": "input"})))
    with pytest.raises(DocumentError, match=exactly("output: there are 2 outputs (set LAYER.out of each)")):
        two.with_values({"output": [4, 6, 6]})
    assert two.with_values({"a.out": [4, 6, 6]}).layers[0].out == (4, 6, 6)
