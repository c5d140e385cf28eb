"""Graphs: order, joins, outputs and warnings; solved against a brute-force oracle; and as torch modules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from netsolve import Network, loads, sizes, solve
from netsolve.__main__ import run
from netsolve.build import build, part
from netsolve.deadline import Deadline
from netsolve.engines.elimination import tables_of
from netsolve.engines.z3 import Z3Engine
from netsolve.posing import pose
from support import complaints, conv, document, table

RELU = table(op="ReLU")


def source(*names: str) -> dict[str, Any]:
    """What feeds a layer."""
    return {"from": list(names)}


def join(op: str, *names: str, **more: Any) -> str:
    """A join."""
    return table(op=op, **source(*names), **more)


MISTAKES: dict[str, tuple[str, list[str]]] = {
    "a circle": (
        document(conv(1, name="a", **{"from": "c"}), table(op="ReLU", name="b"), table(op="ReLU", name="c")),
        [
            (
                "net.toml:3: a: the layers feed each other in a circle: a > b > c > a "
                "(a network has no loops: unroll it with `repeat`)"
            )
        ],
    ),
    "two circles and a mistake behind one": (
        document(
            table(op="ReLU", name="a", **{"from": "a"}),
            table(op="ReLU", name="b", **{"from": "c"}),
            table(op="ReLU", name="c"),
            table(op="Conv2d", name="d"),
        ),
        [
            (
                "net.toml:3: a: the layers feed each other in a circle: a > a "
                "(a network has no loops: unroll it with `repeat`)"
            ),
            (
                "net.toml:4: b: the layers feed each other in a circle: b > c > b "
                "(a network has no loops: unroll it with `repeat`)"
            ),
            'net.toml:6: d: Conv2d needs out_channels (write out_channels = ... or out_channels = "?")',
            'net.toml:6: d: Conv2d needs kernel_size (write kernel_size = ... or kernel_size = "?")',
        ],
    ),
    "a name that nothing has": (
        document(conv(1, name="stem"), table(op="ReLU", **{"from": "stm"})),
        ['net.toml:4: relu_1: from names "stm", and there is no such layer (did you mean stem?)'],
    ),
    "one input of several": (
        'inputs = { a = [3], b = [3] }\nlayers = [\n  { op = "ReLU" },\n]\n',
        ["net.toml:3: relu_1: there are several inputs (a, b) (say which feeds this layer by from = ...)"],
    ),
    "too few and too many inputs": (
        document(join("add", "input"), join("ReLU", "input", "add_1")),
        [
            'net.toml:3: add_1: add takes 2 inputs or more, not 1 (name them: from = ["a", "b"])',
            'net.toml:4: relu_1: ReLU takes 1 input, not 2 (join them first by "cat" or "add")',
        ],
    ),
    "an output that is none, and one named twice": (
        document(conv(1), RELU, outputs=["relu_1", "relu", "relu_1"]),
        [
            'net.toml:2: outputs: there is no layer "relu" (did you mean relu_1?)',
            'net.toml:2: outputs: "relu_1" is named twice (name each layer once)',
        ],
    ),
    "one shape for two outputs": (
        document(conv(1), conv(1, **{"from": "input"}), output=[4, 8, 8]),
        ["net.toml:2: output: there are 2 outputs: conv2d_1, conv2d_2 (state the shape of each by `out` on its layer)"],
    ),
    "a layer with the name of an input": (
        'inputs = { a = [3] }\nlayers = [\n  { op = "ReLU", name = "a" },\n]\n',
        ["net.toml:3: a: this is also the name of the input in line 1 (give one of them another name)"],
    ),
    "an unknown with the name of a layer": (
        document(conv("?relu_1"), RELU),
        ["net.toml:3: ?relu_1: relu_1 is the name of the layer in line 4 (give the unknown another name)"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake(name: str) -> None:
    text, expected = MISTAKES[name]
    assert complaints(text) == expected


def warned(text: str) -> list[str]:
    """The warnings of a document, with their lines."""
    return [f"{warning.line}: {warning}" for warning in loads(text).warnings]


def test_warnings() -> None:
    axes = ", ".join(['"?"'] * 2)
    assert warned(document(conv(1), RELU, conv(1, **{"from": "conv2d_1"}), outputs=["relu_1"])) == [
        "6: conv2d_2: nothing uses its output, and it is none of `outputs` (add it to `outputs`, or leave it out)"
    ]
    assert warned(document(conv([1, 7], padding="?"))) == [
        (
            "3: conv2d_1.padding: one question mark is one value for all axes, and by itself each may have others: "
            f"0..0, 0..6 ([{axes}] is probably meant)"
        )
    ]
    assert warned(document(RELU) + f"[blocks.b]\nlayers = [ {RELU} ]\n") == ["5: blocks.b: no layer uses this block"]
    assert warned('inputs = { a = [3], b = [3] }\nlayers = [\n  { op = "ReLU", from = "a" },\n]\n') == [
        "1: b: no layer uses this input"
    ]


def test_the_command_line_says_warnings_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "net.toml"
    file.write_text(document(conv(1), RELU, table(op="Tanh", name="t"), outputs=["relu_1"]), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["netsolve", "check", str(file), "--no-run"])
    assert run() == 0
    out, err = capsys.readouterr()
    assert "warning" not in out
    assert err == (
        f"{file}:6: warning: t: nothing uses its output, and it is none of `outputs` "
        "(add it to `outputs`, or leave it out)\n"
    )


@pytest.mark.parametrize(
    "layer",
    [
        conv([1, 7], padding=["?", "?"]),
        conv([1, 7], padding="?0"),
        conv(3, padding="?"),
        conv([1, 7], padding=0),
        conv(["?", 7], padding="?"),
    ],
)
def test_no_warning(layer: str) -> None:
    assert warned(document(layer)) == []


def test_layers_may_stand_before_what_feeds_them() -> None:
    text = document(table(op="ReLU", name="last", **{"from": "mid"}), conv(1, name="first", **{"from": "input"}),
                    table(op="Tanh", name="mid"))  # fmt: skip
    assert [layer.name for layer in loads(text).layers] == ["first", "mid", "last"]


def test_every_unused_layer_is_an_output_unless_outputs_are_named() -> None:
    layers = (conv(1, name="a"), table(op="ReLU", name="b"), table(op="Tanh", name="c", **{"from": "a"}))
    assert loads(document(*layers)).results == ("b", "c")
    assert loads(document(*layers, outputs=["c", "a"])).results == ("c", "a")


def count(text: str) -> int:
    """How many answers."""
    tables = tables_of(pose(loads(text)), Deadline())
    return 0 if tables is None else tables.count()


def test_channels_that_an_add_or_a_linear_settles() -> None:
    add = [conv(1, out_channels="?"), conv(1, out_channels=7, **{"from": "input"}), join("add", "conv2d_1", "conv2d_2")]
    answer = solve(loads(document(*add)))
    assert answer.best is not None
    assert answer.best["conv2d_1.out_channels"] == 7
    linear = [conv(3, out_channels="?"), table(op="Flatten"), table(op="Linear", in_features=180, out_features=2)]
    answer = solve(loads(document(*linear)))
    assert answer.best is not None
    assert answer.best["conv2d_1.out_channels"] * 6 * 6 == 180
    cat = [conv(1, out_channels="?"), join("cat", "conv2d_1", "input"), table(op="BatchNorm2d", num_features=9)]
    answer = solve(loads(document(*cat)))
    assert answer.best is not None
    assert answer.best["conv2d_1.out_channels"] == 9 - 3


def test_a_size_of_one_stretches_only_where_it_is_said() -> None:
    pool = table(op="AdaptiveAvgPool2d", output_size=1)
    assert solve(loads(document(pool, join("add", "input", "adaptiveavgpool2d_1")))).status == "unsolvable"
    answer = solve(loads(document(pool, join("add", "input", "adaptiveavgpool2d_1", broadcast=True))))
    assert answer.best is not None
    assert answer.best.shapes["add_1"] == (3, 8, 8)
    gate = solve(loads(document(pool, join("mul", "input", "adaptiveavgpool2d_1"))))
    assert gate.best is not None
    assert gate.best.shapes["mul_1"] == (3, 8, 8)


# a brute-force oracle: torch's documented formulas, every value tried


@dataclass(frozen=True)
class Node:
    """A layer: a convolution (channels, kernel, stride, padding; None is a question mark) or a join of earlier ones."""

    kind: str
    feeds: tuple[int, ...]
    channels: int | None = 1
    kernel: int = 1
    stride: int = 1
    padding: int | None = 0


@dataclass(frozen=True)
class Graph:
    """Nodes, of which 0 is the input; the size stated of the last one."""

    size: int
    nodes: tuple[Node, ...]
    stated: tuple[int, int] | None = None

    def text(self) -> str:
        """The document."""
        names = ["input", *(f"n{i}" for i in range(1, len(self.nodes) + 1))]
        layers = []
        for i, node in enumerate(self.nodes, 1):
            feeds = [names[feed] for feed in node.feeds]
            keys: dict[str, Any] = {"op": node.kind, "name": names[i], "from": feeds}
            if node.kind == "Conv1d":
                keys |= {"out_channels": "?1..3" if node.channels is None else node.channels}
                keys |= {"kernel_size": node.kernel, "stride": node.stride}
                keys |= {"padding": "?" if node.padding is None else node.padding}
            if i == len(self.nodes) and self.stated is not None:
                keys["out"] = list(self.stated)
            layers.append(table(**keys))
        return document(*layers, input=[2, self.size])

    def rows(self) -> Iterator[dict[str, int]]:
        """Every value of every question mark."""
        choices: dict[str, range] = {}
        for i, node in enumerate(self.nodes, 1):
            if node.channels is None:
                choices[f"n{i}.out_channels"] = range(1, 4)
            if node.padding is None:
                choices[f"n{i}.padding"] = range(node.kernel)
        for row in product(*choices.values()):
            yield dict(zip(choices, row, strict=True))

    def shapes(self, row: Mapping[str, int]) -> dict[str, tuple[int, int]] | None:
        """The shapes; None where something does not fit."""
        shapes = [(2, self.size)]
        for i, node in enumerate(self.nodes, 1):
            fed = [shapes[feed] for feed in node.feeds]
            found = _shape(node, fed, row.get(f"n{i}.out_channels"), row.get(f"n{i}.padding"))
            if found is None:
                return None
            shapes.append(found)
        return {"input": shapes[0]} | {f"n{i}": shape for i, shape in enumerate(shapes[1:], 1)}

    def fits(self, row: Mapping[str, int]) -> bool:
        """Whether these values are an answer."""
        shapes = self.shapes(row)
        return shapes is not None and self.stated in {None, shapes[f"n{len(self.nodes)}"]}


def _shape(node: Node, fed: list[tuple[int, int]], channels: int | None, padding: int | None) -> tuple[int, int] | None:
    if node.kind == "Conv1d":
        room = fed[0][1] + 2 * (node.padding if padding is None else padding) - node.kernel  # type: ignore[operator]  # known numbers
        return None if room < 0 else (node.channels if channels is None else channels, room // node.stride + 1)  # type: ignore[return-value]  # known numbers
    if node.kind == "cat":
        return (sum(shape[0] for shape in fed), fed[0][1]) if len({shape[1] for shape in fed}) == 1 else None
    if node.kind in {"add", "maximum"}:
        return fed[0] if len(set(fed)) == 1 else None
    sizes = [1, 1]
    for axis in range(2):
        for shape in fed:
            if 1 not in {sizes[axis], shape[axis]} and sizes[axis] != shape[axis]:
                return None
            sizes[axis] = max(sizes[axis], shape[axis])
    return sizes[0], sizes[1]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A small graph; what is stated is most often taken from one of its assignments."""
    nodes: list[Node] = []
    for i in range(1, draw(st.integers(3, 7))):
        kind = draw(st.sampled_from(["Conv1d", "Conv1d", "add", "cat", "mul", "maximum"])) if i > 1 else "Conv1d"
        if kind == "Conv1d":
            channels = draw(st.sampled_from([None, 1, 2, 2]))
            padding = draw(st.sampled_from([None, None, 0, 1]))
            kernel, stride = draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2]))
            nodes.append(Node(kind, (draw(st.integers(max(0, i - 3), i - 1)),), channels, kernel, stride, padding))
        else:
            nodes.append(Node(kind, tuple(draw(st.lists(st.integers(0, i - 1), min_size=2, max_size=3)))))
    bare = Graph(draw(st.integers(3, 7)), tuple(nodes))
    rows = list(bare.rows())
    assume(len(rows) <= 3000)
    fitting = [row for row in rows if bare.fits(row)]
    if not fitting or draw(st.booleans()):
        return bare
    shapes = bare.shapes(draw(st.sampled_from(fitting)))
    assert shapes is not None
    return Graph(bare.size, bare.nodes, shapes[f"n{len(nodes)}"])


@settings(max_examples=120, deadline=None)
@given(graphs())
def test_graphs_are_solved_as_by_trying_everything(graph: Graph) -> None:
    fitting = [row for row in graph.rows() if graph.fits(row)]
    network = loads(graph.text())
    answer = solve(network)
    assert (answer.status == "solved") == bool(fitting)
    problem = pose(network)
    if problem.domains and not problem.violations:
        tables = tables_of(problem, Deadline())
        assert (0 if tables is None else tables.count()) == len(fitting)
        assert (Z3Engine().best(problem, Deadline(20)) is not None) == bool(fitting)
    if answer.best is None:
        return
    assert dict(answer.best.values) in fitting
    assert answer.best.shapes == graph.shapes(answer.best.values)
    with torch.inference_mode():
        run = answer.best.verify()
    assert run.verified is True


ARGUMENTS = [("conv2d", (3, "?", 1)), ("conv2d", (1, 0, 1)), ("conv2d", (3, "?", 2)), ("skip", ()), ("relu", ())]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ARGUMENTS), min_size=1, max_size=3), st.integers(1, 3), st.booleans(), st.booleans())
def test_a_network_with_blocks_equals_the_one_written_out(
    kinds: list[tuple[str, tuple[Any, ...]]], times: int, named: bool, as_block: bool
) -> None:
    def body(prefix: str, entry: str, last: str) -> list[str]:
        lines, above = [], entry
        for i, (kind, arguments) in enumerate(kinds):
            keys: dict[str, Any] = {"name": f"{prefix}x{i}"}
            if kind == "conv2d":
                kernel, padding, stride = arguments
                keys = {"op": "Conv2d", **keys, "out_channels": 3, "kernel_size": kernel, "padding": padding}
                keys |= {"stride": stride, "from": above}
            else:
                feeds = [above, entry] if kind == "skip" else above
                keys = {"op": "add" if kind == "skip" else "ReLU", **keys, "from": feeds}
            lines.append(table(**keys))
            above = f"{prefix}x{i}"
        del last
        return lines

    inner = ", ".join(body("", "input", ""))
    if as_block:
        text = document(f'{{ block = "b", name = "s", repeat = {times} }}') + f"[blocks.b]\nlayers = [ {inner} ]\n"
    else:
        name = 'name = "s", ' if named else ""
        text = document(f"{{ {name}repeat = {times}, layers = [ {inner} ] }}")
    flat: list[str] = []
    for i in range(times):
        flat += body(f"s.{i}.", "input" if i == 0 else f"s.{i - 1}.x{len(kinds) - 1}", "")
    compact, written = loads(text), loads(document(*flat))
    short = [f"x{j}.{i}" for i in range(times) for j in range(len(kinds))]
    ours = [layer.name for layer in written.layers] if named or as_block else short
    assert [layer.name for layer in compact.layers] == ours
    assert [layer.op for layer in compact.layers] == [layer.op for layer in written.layers]
    first, second = solve(compact), solve(written)
    assert (first.status, first.count) == (second.status, second.count)
    if first.best is not None and second.best is not None:
        assert list(first.best.shapes.values()) == list(second.best.shapes.values())
        assert list(first.best.values.values()) == list(second.best.values.values())


# torch modules


def module(network: Network) -> nn.Module:
    """The module of a network that is fully known."""
    best = solve(network).best
    assert best is not None
    return best.build().eval()


def test_a_chain_is_a_sequential() -> None:
    network = loads(document('{ name = "s", repeat = 2, layers = [ ' + conv(1) + " ] }", RELU))
    model = module(network)
    assert isinstance(model, nn.Sequential)
    assert list(model.state_dict()) == [f"s.{i}.conv2d_1.{key}" for i in range(2) for key in ("weight", "bias")]


AWKWARD = """
inputs = { left = [3, 8, 8], right = [3, 8, 8] }
outputs = ["half", "s", "a.weight"]
layers = [
  { op = "Conv2d", name = "s.late", from = "left", out_channels = 4, kernel_size = 1 },
  { op = "Conv2d", name = "a.weight", out_channels = 4, kernel_size = 1 },
  { op = "Conv2d", name = "a", from = "left", out_channels = 4, kernel_size = 1 },
  { op = "Conv2d", name = "a.b", from = "right", out_channels = 4, kernel_size = 1 },
  { op = "add", name = "half", from = ["a", "a.b"] },
  { name = "s", repeat = 2, layers = [
    { op = "Conv2d", out_channels = 4, kernel_size = 3, padding = 1 },
    { op = "add", from = ["conv2d_1", "input"] },
  ] },
]
"""


def test_names_that_are_prefixes_or_torchs_own() -> None:
    network = loads(AWKWARD)
    model = module(network)
    for layer in network.layers:
        assert type(part(model, layer.name)).__name__.lower() == layer.op.torch_name.lower()
    owned = {name.rpartition(".")[0] for name in model.state_dict()}
    assert owned == {"s.late", "a", "a.weight_", "a.b", "s.0.conv2d_1", "s.1.conv2d_1"}
    best = solve(network).best
    assert best is not None
    assert best.verify().verified is True


def test_calling_a_graph_equals_running_it_node_by_node() -> None:
    network = loads(AWKWARD)
    model = module(network)
    left, right = torch.randn(2, 2, 3, 8, 8).unbind()
    with torch.inference_mode():
        values = {"left": left, "right": right}
        for layer in network.layers:
            values[layer.name] = part(model, layer.name)(*(values[name] for name in layer.inputs))
        found = model(left, right)
    assert list(found) == ["half", "s.1.add_1", "a.weight"]
    for name, tensor in found.items():
        assert torch.equal(tensor, values[name])


def test_one_output_is_a_tensor() -> None:
    model = module(loads(document(conv(1, out_channels=3), join("add", "conv2d_1", "input"))))
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 3, 8, 8)


def test_a_graph_prints_its_layers_and_what_feeds_them() -> None:
    model = module(loads(document(conv(1, out_channels=3), RELU, join("add", "relu_1", "input"))))
    assert repr(model).splitlines() == [
        "Graph(",
        "  input -> add_1",
        "  (conv2d_1): Conv2d(3, 3, kernel_size=(1, 1), stride=(1, 1))",
        "  (relu_1): ReLU()",
        "  (add_1): Add() <- relu_1, input",
        ")",
    ]


def test_a_graph_lives_on_the_device_it_is_built_for() -> None:
    network = loads(document(conv(1, out_channels=3), join("add", "conv2d_1", "input")))
    best = solve(network).best
    assert best is not None
    model = build(network, best.shapes, device="meta")
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


def test_a_size_of_an_opaque_layer_is_what_the_rest_says_of_it() -> None:
    network = loads(document(table(op="opaque", out=[8, "?", 16]), conv(3, padding=1, out=[8, 16]), input=(3, 32, 32)))
    best = solve(network).best
    assert best is not None
    assert best.shapes["opaque_1"] == (8, 8, 16)
    assert best.verify().verified is True
    assert "x.new_zeros(x.shape[0], 8, 8, 16)" in best.to_python()
    assert sizes(network).inputs is None


def test_an_opaque_layer_has_the_shape_it_states() -> None:
    layers = [conv(1), table(op="opaque", out=[9, 4, 4]), conv(3, padding="?", out=[4, 4, 4])]
    answer = solve(loads(document(*layers)))
    assert answer.best is not None
    assert dict(answer.best.values) == {"conv2d_2.padding": 1}
    assert answer.best.shapes["opaque_1"] == (9, 4, 4)
    assert answer.best.verify().verified is True
