"""ONNX: our sizes against onnx's shape inference and torch's run; what is refused; the way there and back."""

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper, load_model, save, shape_inference

from netsolve import DocumentError, Network, Solution, UsageError, __main__, check, from_onnx, load, loads, solve
from netsolve.composing import compose
from netsolve.verify import verify

ROOT = Path(__file__).parent.parent
FILES = [*sorted((ROOT / "examples").glob("*.toml")), *sorted((ROOT / "tests/data").glob("*.toml"))]
pytestmark = pytest.mark.filterwarnings("ignore:Initializing zero-element tensors is a no-op")


def info(name: str, shape: Any) -> Any:
    """What a graph says of a value."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def weight(name: str, *shape: int) -> Any:
    """An initialiser of zeros."""
    count = 1
    for size in shape:
        count *= size
    return helper.make_tensor(name, TensorProto.FLOAT, shape, [0.0] * count)


def whole(name: str, *numbers: int) -> Any:
    """An initialiser of whole numbers."""
    return helper.make_tensor(name, TensorProto.INT64, [len(numbers)], numbers)


def model(*nodes: Any, x: Any = (1, 4, 9, 9), tensors: Any = (), outputs: Any = ("y",), opset: int = 18) -> ModelProto:
    """A model with an input x."""
    graph = helper.make_graph(list(nodes), "net", [info("x", x)], [info(o, None) for o in outputs], list(tensors))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def inferred(proto: ModelProto) -> list[int] | None:
    """The shape of the output as onnx finds it; None where it finds none, or an empty one."""
    try:
        graph = shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True).graph
    except shape_inference.InferenceError:
        return None
    shape = graph.output[0].type.tensor_type.shape
    sizes = [dim.dim_value for dim in shape.dim]
    return sizes[1:] if sizes and min(sizes) >= 1 else None


def agree(proto: ModelProto, folder: Path, expected: list[int] | None = None) -> Network:
    """Read a model; the sizes that netsolve gives it are those of onnx (or expected, where it gives none) and torch."""
    path = folder / "model.onnx"
    save(proto, path)
    network = from_onnx(path)
    result = check(network)
    assert result.problem is None
    assert list(result.shapes[network.results[0]]) == (expected or inferred(proto))
    run = verify(network, result.shapes)
    assert run.mismatch is None
    assert run.verified
    again = loads(compose(network))
    assert check(again).shapes == result.shapes
    return network


def ops(network: Network) -> list[str]:
    """The operators of a network."""
    return [layer.op.torch_name for layer in network.layers]


def numbers(draw: Any, count: int, low: int, high: int) -> list[int]:
    """Some numbers between two bounds."""
    found: list[int] = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
    return found


@st.composite
def windows(draw: Any, op: str) -> ModelProto:
    """A convolution or pool of one to three axes, with whatever attributes ONNX has for it."""
    axes = draw(st.integers(1, 3))
    sizes, kernel = numbers(draw, axes, 1, 12), numbers(draw, axes, 1, 4)
    strides, dilations = numbers(draw, axes, 1, 3), numbers(draw, axes, 1, 3)
    given: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    if op in {"Conv", "ConvTranspose", "MaxPool"}:
        given["dilations"] = dilations
    mode = draw(st.sampled_from(["pads", "pads", "none", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    given |= {"pads": numbers(draw, 2 * axes, 0, 3)} if mode == "pads" else {} if mode == "none" else {"auto_pad": mode}
    if op.endswith("Pool"):
        given["ceil_mode"] = draw(st.integers(0, 1))
        given |= {"count_include_pad": draw(st.integers(0, 1))} if op == "AveragePool" else {}
        return model(helper.make_node(op, ["x"], ["y"], name="n", **without(draw, given)), x=(1, 4, *sizes), opset=22)
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    given["group"] = groups
    if op == "ConvTranspose":
        given |= enlarged(draw, sizes, strides, dilations)
        given = {key: value for key, value in given.items() if key != "pads" or "output_shape" not in given}
    shape = (4, 2, *kernel) if op == "ConvTranspose" else (4, 4 // groups, *kernel)
    made = helper.make_node(op, ["x", "w"], ["y"], name="n", **given)
    return model(made, x=(1, 4, *sizes), tensors=[weight("w", *shape)], opset=22)


def without(draw: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The attributes, perhaps without the one that ONNX and torch have different defaults for."""
    return {key: value for key, value in given.items() if key != "strides" or draw(st.booleans())}


def enlarged(draw: Any, sizes: list[int], strides: list[int], dilations: list[int]) -> dict[str, Any]:
    """What a transposed convolution may say of its output."""
    found: dict[str, Any] = {}
    if draw(st.booleans()):
        most = [max(step) - 1 for step in zip(strides, dilations, strict=True)]
        found["output_padding"] = [draw(st.integers(0, m)) for m in most]
    if draw(st.sampled_from([True, False, False])):
        found["output_shape"] = [n * s + draw(st.integers(0, 1)) for n, s in zip(sizes, strides, strict=True)]
    return found


def covered(proto: ModelProto) -> bool:
    """Whether each window fits into the padded input: onnx rounds what is negative towards 0, and so gives a size."""
    found = {each.name: list(helper.get_attribute_value(each)) for each in proto.graph.node[0].attribute if each.ints}
    sizes = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim[2:]]
    axes = len(sizes)
    pads, dilations = found.get("pads", [0] * 2 * axes), found.get("dilations", [1] * axes)
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, found["kernel_shape"], strict=True)]
    same = any(each.name == "auto_pad" and each.s.startswith(b"SAME") for each in proto.graph.node[0].attribute)
    wide = [n + a + b >= span for n, a, b, span in zip(sizes, pads[:axes], pads[axes:], spans, strict=True)]
    return same or proto.graph.node[0].op_type == "ConvTranspose" or all(wide)


PASSABLE = "it rounds up, and its padding is none that torch's pools have"


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose", "MaxPool", "AveragePool"])
def test_windows_have_the_sizes_of_onnx_and_of_torch(op: str, tmp_path: Path) -> None:
    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(windows(op))
    def test(proto: ModelProto) -> None:
        assume(inferred(proto) is not None and covered(proto))
        try:
            agree(proto, tmp_path)
        except DocumentError as error:
            assert op.endswith("Pool")
            assert PASSABLE in str(error)  # noqa: PT017 - one of two ends, both right

    test()


def node(op: str, *inputs: str, outputs: tuple[str, ...] = ("y",), **given: Any) -> Any:
    """A node called n."""
    return helper.make_node(op, ["x", *inputs], list(outputs), name="n", **given)


CASES: dict[str, tuple[ModelProto, list[str]]] = {
    "global average": (model(node("GlobalAveragePool")), ["AdaptiveAvgPool2d"]),
    "global max": (model(node("GlobalMaxPool")), ["AdaptiveMaxPool2d"]),
    "gemm": (
        model(node("Gemm", "w", "b", transB=1), x=(1, 6), tensors=[weight("w", 5, 6), weight("b", 5)]),
        ["Linear"],
    ),
    "gemm turned": (model(node("Gemm", "w"), x=(1, 6), tensors=[weight("w", 6, 5)]), ["Linear"]),
    "matmul": (model(node("MatMul", "w"), x=(1, 7, 6), tensors=[weight("w", 6, 5)]), ["Linear"]),
    "bias behind": (
        model(
            helper.make_node("MatMul", ["x", "w"], ["m"]),
            helper.make_node("Add", ["m", "b"], ["y"]),
            x=(1, 6),
            tensors=[weight("w", 6, 5), weight("b", 5)],
        ),
        ["Linear"],
    ),
    "add": (model(helper.make_node("Relu", ["x"], ["r"]), node("Add", "r")), ["ReLU", "add"]),
    "difference": (model(helper.make_node("Relu", ["x"], ["r"]), node("Sub", "r")), ["ReLU", "add"]),
    "gate": (
        model(helper.make_node("GlobalAveragePool", ["x"], ["r"]), node("Mul", "r")),
        ["AdaptiveAvgPool2d", "mul"],
    ),
    "stretched": (
        model(helper.make_node("GlobalAveragePool", ["x"], ["r"]), node("Max", "r")),
        ["AdaptiveAvgPool2d", "maximum"],
    ),
    "concat": (model(helper.make_node("Relu", ["x"], ["r"]), node("Concat", "r", axis=1)), ["ReLU", "cat"]),
    "resize by scales": (
        model(node("Resize", "", "s"), tensors=[helper.make_tensor("s", TensorProto.FLOAT, [4], [1, 1, 2, 1.5])]),
        ["Upsample"],
    ),
    "resize to sizes": (
        model(node("Resize", "", "", "s", mode="linear"), tensors=[whole("s", 1, 4, 20, 7)]),
        ["Upsample"],
    ),
    "a scale that single precision rounds": (
        model(
            node("Resize", "", "s"),
            x=(1, 4, 90, 55),
            tensors=[helper.make_tensor("s", TensorProto.FLOAT, [4], [1, 1, 0.7, 3 / 11])],
        ),
        ["Upsample"],
    ),
    "old upsample": (
        model(node("Upsample", "s"), tensors=[helper.make_tensor("s", TensorProto.FLOAT, [4], [1, 1, 2, 2])], opset=9),
        ["Upsample"],
    ),
    "pad": (model(node("Pad", "p"), tensors=[whole("p", 0, 0, 1, 2, 0, 0, 3, 0)]), ["ZeroPad2d"]),
    "pad by reflection": (
        model(node("Pad", "p", mode="reflect"), tensors=[whole("p", 0, 0, 1, 2, 0, 0, 3, 0)]),
        ["ReflectionPad2d"],
    ),
    "pad that crops": (model(node("Pad", "p"), tensors=[whole("p", 0, 0, -1, 0, 0, 0, -1, 2)]), ["ZeroPad2d"]),
    "pad of named axes": (
        model(node("Pad", "p", "", "a"), tensors=[whole("p", 2, 1), whole("a", 3)]),
        ["ZeroPad2d"],
    ),
    "old pad": (model(node("Pad", pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="edge"), opset=10), ["ReplicationPad2d"]),
    "flatten": (model(node("Flatten")), ["Flatten"]),
    "reshape": (model(node("Reshape", "s"), tensors=[whole("s", 0, 2, -1)]), ["reshape"]),
    "reshape to features": (model(node("Reshape", "s"), tensors=[whole("s", 1, -1)]), ["Flatten"]),
    "reshape by its own shape": (
        model(
            helper.make_node("Shape", ["x"], ["all"]),
            helper.make_node("Gather", ["all", "zero"], ["batch"]),
            helper.make_node("Concat", ["batch", "rest"], ["s"], axis=0),
            node("Reshape", "s"),
            tensors=[whole("zero", 0), whole("rest", 4, 81)],
        ),
        ["reshape"],
    ),
    "pad as torch's older exporter has it": (
        model(
            helper.make_node("ConstantOfShape", ["more"], ["rest"], value=whole("v", 0)),
            helper.make_node("Concat", ["sides", "rest"], ["all"], axis=0),
            helper.make_node("Reshape", ["all", "pairs"], ["two"]),
            helper.make_node("Slice", ["two", "last", "first", "zero", "back"], ["turned"]),
            helper.make_node("Transpose", ["turned"], ["columns"], perm=[1, 0]),
            helper.make_node("Reshape", ["columns", "flat"], ["p"]),
            node("Pad", "p", mode="reflect"),
            tensors=[
                *(whole("more", 4), whole("sides", 3, 2, 1, 0), whole("pairs", -1, 2), whole("flat", -1)),
                *(whole("last", -1), whole("first", -(2**63) + 1), whole("zero", 0), whole("back", -1)),
            ],
        ),
        ["ReflectionPad2d"],
    ),
    "transpose": (model(node("Transpose", perm=[0, 2, 3, 1])), ["permute"]),
    "squeeze": (model(node("Squeeze", "a"), x=(1, 4, 1, 9), tensors=[whole("a", 2)]), ["squeeze"]),
    "old squeeze": (model(node("Squeeze", axes=[2, 3]), x=(1, 4, 1, 1), opset=11), ["squeeze", "squeeze"]),
    "unsqueeze": (model(node("Unsqueeze", "a"), tensors=[whole("a", 2, 5)]), ["unsqueeze", "unsqueeze"]),
    "mean": (model(node("ReduceMean", "a"), tensors=[whole("a", 2, 3)]), ["mean"]),
    "max, kept": (model(node("ReduceMax", axes=[-1], keepdims=1), opset=13), ["amax"]),
    "slice": (
        model(node("Slice", "s", "e", "a"), tensors=[whole("s", 1, 0), whole("e", -1, 99), whole("a", 2, 3)]),
        ["narrow"],
    ),
    "split": (model(node("Split", outputs=("y", "z"), axis=1, num_outputs=2)), ["narrow"]),
    "batch norm": (
        model(node("BatchNormalization", *"abcd"), tensors=[weight(name, 4) for name in "abcd"]),
        ["BatchNorm2d"],
    ),
    "instance norm": (
        model(node("InstanceNormalization", *"ab"), tensors=[weight(name, 4) for name in "ab"]),
        ["InstanceNorm2d"],
    ),
    "layer norm": (model(node("LayerNormalization", "a", axis=-1), tensors=[weight("a", 9)]), ["LayerNorm"]),
    "clip to six": (
        model(
            node("Clip", "a", "b"),
            tensors=[
                helper.make_tensor("a", TensorProto.FLOAT, [], [0]),
                helper.make_tensor("b", TensorProto.FLOAT, [], [6]),
            ],
        ),
        ["ReLU6"],
    ),
    "softmax": (model(node("Softmax", axis=1)), ["Softmax"]),
    "leaky": (model(node("LeakyRelu", alpha=0.2)), ["LeakyReLU"]),
    "prelu": (model(node("PRelu", "a"), tensors=[weight("a", 4, 1, 1)]), ["PReLU"]),
    "depth to space": (model(node("DepthToSpace", blocksize=2, mode="CRD")), ["PixelShuffle"]),
    "space to depth": (model(node("SpaceToDepth", blocksize=3)), ["PixelUnshuffle"]),
    "dropout": (model(node("Dropout")), ["Dropout"]),
    "numbers only": (
        model(
            helper.make_node("Exp", ["x"], ["e"]), helper.make_node("Mul", ["e", "c"], ["y"]), tensors=[weight("c", 1)]
        ),
        ["Identity"],
    ),
}


@pytest.mark.parametrize("title", CASES)
def test_nodes_become_the_layers_that_torch_has(title: str, tmp_path: Path) -> None:
    proto, expected = CASES[title]
    sizes = [4, 9 + 1 + 0, 9 + 3 + 2] if "older exporter" in title else None
    assert ops(agree(proto, tmp_path, sizes)) == expected


def test_a_slope_in_single_precision_is_what_its_author_meant(tmp_path: Path) -> None:
    network = agree(CASES["leaky"][0], tmp_path)
    assert getattr(network.layers[0].op, "negative_slope") == 0.2  # noqa: B009 - the record's arguments are not known to mypy


def refused(proto: ModelProto, folder: Path, **given: Any) -> str:
    """What is said of a model that cannot be read."""
    path = folder / "m.onnx"
    save(proto, path)
    with pytest.raises(DocumentError) as caught:
        from_onnx(path, **given)
    return str(caught.value).replace(f"{path}: ", "")


WAY_ON = ' (netsolve.from_onnx(path, opaque=["{}"]) takes its shape as given)'
REFUSED = [
    (
        model(node("Einsum", equation="bchw->bhwc")),
        "n: Einsum: netsolve has no layer for it" + WAY_ON.format("Einsum"),
    ),
    (
        model(node("Reshape", "s"), tensors=[whole("s", -1, 9)]),
        "n: Reshape: it mixes the batch with other dimensions" + WAY_ON.format("Reshape"),
    ),
    (
        model(node("Conv", "x")),
        "n: Conv: its input 1 is no constant of the file (export the model with its weights as initialisers)",
    ),
    (
        model(node("Relu"), x=(1, 3, "height", "width")),
        "x: the file leaves sizes of this input open (from_onnx(path, input={'x': (3, 224, 224)}) says them)",
    ),
    (
        model(helper.make_node("Relu", ["nothing"], ["y"], name="n")),
        "n: Relu: its input 0 is missing, not a tensor" + WAY_ON.format("Relu"),
    ),
    (
        model(node("MaxPool", kernel_shape=[2.5, 2.5])),
        "n: MaxPool: its attribute kernel_shape is no ints" + WAY_ON.format("MaxPool"),
    ),
    (
        model(node("MaxPool", kernel_shape=[2, 2, 2])),
        "n: MaxPool: its attribute kernel_shape has 3 numbers, not 2" + WAY_ON.format("MaxPool"),
    ),
    (model(node("Relu", outputs=("z",))), "y: no node gives this output"),
]


@pytest.mark.parametrize(("proto", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_what_cannot_be_expressed_is_refused_by_node(proto: ModelProto, message: str, tmp_path: Path) -> None:
    assert refused(proto, tmp_path) == message


def test_all_nodes_that_cannot_be_expressed_are_named_at_once(tmp_path: Path) -> None:
    proto = model(
        helper.make_node("Einsum", ["x"], ["a"], name="first", equation="bchw->bchw"),
        helper.make_node("Relu", ["a"], ["b"], name="behind it"),
        helper.make_node("Det", ["x"], ["c"], name="second"),
        helper.make_node("Add", ["b", "c"], ["y"], name="last"),
    )
    assert [line.partition(":")[0] for line in refused(proto, tmp_path).splitlines()] == ["first", "second"]


def test_an_opaque_node_has_the_shape_of_the_file(tmp_path: Path) -> None:
    proto = model(
        helper.make_node("Einsum", ["x"], ["e"], equation="bchw->bhwc"), helper.make_node("Relu", ["e"], ["y"])
    )
    save(proto, tmp_path / "m.onnx")
    network = from_onnx(tmp_path / "m.onnx", opaque=["Einsum"])
    assert ops(network) == ["opaque", "ReLU"]
    assert check(network).shapes["relu_1"] == (9, 9, 4)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "this is no ONNX model: it has no graph with nodes and outputs"),
        (b'input = [3, 8, 8]\nlayers = [ { op = "ReLU" } ]\n', None),
        (b"\x00" * 100, None),
        (bytes(range(256)) * 20, None),
    ],
)
def test_a_file_that_is_no_model(data: bytes, message: str | None, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        from_onnx(path)
    assert str(caught.value).startswith(f"{path}: this is no ONNX model: ")
    assert message is None or str(caught.value) == f"{path}: {message}"


@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_model_is_an_error_and_never_another(data: st.DataObject, tmp_path: Path) -> None:
    """Bytes of a good model exchanged: it is read, or it is a DocumentError."""
    proto = CASES[data.draw(st.sampled_from(sorted(CASES)))][0]
    good = bytearray(proto.SerializeToString())
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "m.onnx"
    path.write_bytes(good)
    with suppress(DocumentError):
        assert check(from_onnx(path)).problem is None


def test_data_outside_of_the_file_is_never_read(tmp_path: Path) -> None:
    """Weights may lie outside, since only their shape counts; a shape that lies there is refused."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"\x01" + b"\x00" * 31)
    tensors = [weight("w", 4, 4, 3, 3), whole("s", 0, 0, 0, 0)]
    for tensor in tensors:
        tensor.ClearField("float_data")
        tensor.ClearField("int64_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../secret"
    path = tmp_path / "m.onnx"
    path.write_bytes(model(node("Conv", "w"), tensors=tensors[:1]).SerializeToString())
    assert ops(from_onnx(path)) == ["Conv2d"]
    path.write_bytes(model(node("Reshape", "s"), tensors=tensors[1:]).SerializeToString())
    with pytest.raises(DocumentError, match="its numbers are stored outside of the file, which are not read"):
        from_onnx(path)


def test_a_large_constant_is_not_made(tmp_path: Path) -> None:
    huge = TensorProto(name="s", data_type=TensorProto.INT64, dims=[10**9], raw_data=b"")
    proto = model(node("Reshape", "s"), tensors=[huge])
    assert "a constant with more than 10000 numbers would be needed" in refused(proto, tmp_path)


def test_sizes_that_a_file_leaves_open_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    save(model(node("GlobalAveragePool"), x=("n", 3, "height", "width")), path)
    assert from_onnx(path, input={"x": (3, 8, 6)}).inputs == {"input": (3, 8, 6)}
    with pytest.raises(UsageError, match="the model has no input 'z'"):
        from_onnx(path, input={"z": (3, 8, 6)})


def discriminator() -> ModelProto:
    """Two convolutions of k4 s2 p1 and one of k4 s1 p0: 16 to 1."""
    steps = [("x", "w1", "c1", 2, 1), ("c1", "w2", "c2", 2, 1), ("c2", "w3", "y", 1, 0)]
    nodes = [helper.make_node("Conv", [a, w], [b], name=b, strides=[s, s], pads=[p] * 4) for a, w, b, s, p in steps]
    tensors = [weight("w1", 4, 3, 4, 4), weight("w2", 4, 4, 4, 4), weight("w3", 1, 4, 4, 4)]
    return model(*nodes, x=(1, 3, 16, 16), tensors=tensors)


def test_what_is_blanked_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    save(discriminator(), path)
    known = from_onnx(path)
    assert [getattr(layer.op, "padding") for layer in known.layers] == [1, 1, 0]  # noqa: B009 - as above
    best = solve(from_onnx(path, unknown="padding")).best
    assert best is not None
    assert dict(best.values) == {f"{layer.name}.padding": p for layer, p in zip(known.layers, [1, 1, 0], strict=True)}
    last = known.layers[-1].name
    found = solve(from_onnx(path, unknown={f"{last}.kernel_size": "2..8", f"{last}.padding": "0"})).best
    assert found is not None
    assert dict(found.values) == {f"{last}.kernel_size": 4, f"{last}.padding": 0}


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        ("colour", "unknown: there is no argument 'colour' to be blanked; "),
        ({"padding": "3..1"}, "unknown: padding: "),
        ("nowhere.padding", "unknown: the model has no layer 'nowhere'; there are "),
    ],
)
def test_what_cannot_be_blanked(unknown: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    save(discriminator(), path)
    with pytest.raises(UsageError) as caught:
        from_onnx(path, unknown=unknown)
    assert str(caught.value).startswith(message)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(name="run")
def _run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: its exit code, stdout and stderr."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["netsolve", *map(str, arguments)])
        capfd.readouterr()
        code = __main__.run()
        return (code, *capfd.readouterr())

    return run


def test_the_command_line_takes_models(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    save(discriminator(), path)
    code, out, err = run("solve", path, "--unknown", "padding", "--format", "toml", "--no-run", "--no-proof")
    assert (code, err) == (0, "")
    assert [getattr(layer.op, "padding") for layer in loads(out).layers] == [1, 1, 0]  # noqa: B009 - as above
    assert run("check", path, "--no-run")[0] == 0
    assert run("count", path, "--unknown", "padding=0..1")[:2] == (0, "2\n")  # 8, 4, 1 and 7, 2, 1
    code, out, err = run("solve", path, "--unknown", "colour")
    assert (code, out) == (2, "")
    assert "Error: Invalid value: unknown: there is no argument 'colour' to be blanked; " in err
    code, out, err = run("solve", path, "--write")
    assert (code, out) == (2, "")
    assert "--write needs a TOML document; --format toml prints one" in err
    code, out, err = run("solve", ROOT / "examples/netd.toml", "--unknown", "padding")
    assert (code, out) == (2, "")
    assert '--unknown is for ONNX models; a document says "?" itself' in err
    path.write_bytes(b"no model")
    code, out, err = run("solve", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"netsolve: {path}: this is no ONNX model: ")
    code, out, err = run("solve", tmp_path / "none.onnx")
    assert (code, out, err) == (2, "", f"netsolve: {tmp_path / 'none.onnx'}: there is no such file\n")


def test_without_the_package_it_says_what_to_install(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.onnx"
    save(discriminator(), path)
    best = solve(load(ROOT / "examples/lenet5.toml")).best
    assert best is not None
    monkeypatch.setitem(sys.modules, "onnx", None)
    needed = 'reading and writing ONNX needs the packages onnx and onnxscript: pip install "netsolve[onnx]"'
    code, out, err = run("solve", path)
    assert (code, out) == (2, "")
    assert err.endswith(f"Error: Invalid value: {needed}\n")
    with pytest.raises(UsageError, match="onnxscript"):
        best.to_onnx(tmp_path / "n.onnx")


@cache
def best_of(path: Path) -> Solution:
    """The answer to a document."""
    found = solve(load(path)).best
    assert found is not None
    return found


def there_and_back(path: Path, folder: Path) -> None:
    """An answer written as ONNX and read again: outputs, parameters, and layers with weights are the same."""
    solution, target = best_of(path), folder / "m.onnx"
    solution.to_onnx(target)
    network = from_onnx(target)
    result = check(network)
    assert result.problem is None
    ends = [[shapes[name] for name in net.results] for net, shapes in both(solution, network, result.shapes)]
    assert ends[0] == ends[1]
    names = {initialiser.name for initialiser in load_model(target).graph.initializer}
    weighted = [layer.name for layer in solution.network.layers if f"{layer.name}.weight" in names]
    assert weighted
    assert {name: result.shapes[name] for name in weighted} == {name: solution.shapes[name] for name in weighted}


def both(solution: Solution, network: Network, shapes: Any) -> list[tuple[Network, Any]]:
    """A solution's network and another one, with their shapes."""
    return [(solution.network, solution.shapes), (network, shapes)]


@pytest.mark.parametrize("name", ["tests/data/c100_shufflenetv2"])
def test_there_and_back(name: str, tmp_path: Path) -> None:
    there_and_back(ROOT / f"{name}.toml", tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_there_and_back_everywhere(path: Path, tmp_path: Path) -> None:
    there_and_back(path, tmp_path)


def test_weights_say_what_went_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], pads=[0] * 4),
        helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("Gemm", ["c", "w2"], ["y"], transB=1),
    ]
    tensors = (weight("w1", 6, 1, 5, 5), weight("w2", 10, 6 * 14 * 14))
    path = tmp_path / "net.onnx"
    save(model(*nodes, x=(1, 1, 32, 32), tensors=tensors), str(path))
    answer = solve(from_onnx(path, unknown="padding"))
    assert answer.best is not None
    assert answer.count == 1
    assert set(answer.best.values.values()) == {0}
    monkeypatch.setattr(sys, "argv", ["netsolve", "trace", str(path), "--unknown", "padding"])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 0
    again = solve(loads(capsys.readouterr().out)).best
    assert again is not None
    assert again.values == answer.best.values
