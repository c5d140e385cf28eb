"""Python code: it runs, it is tidy, it builds what `build` builds, and nothing in a document breaks out of it."""

import ast
import keyword
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from generated import compare, module_of, tidy
from netsolve import Layer, Network, Solution, load, loads, solve
from netsolve.codegen import python_source
from netsolve.identifiers import OF_MODULES, class_name, identifier
from netsolve.ops import OPERATORS
from netsolve.queries import check
from support import conv, document

ROOT = Path(__file__).parent.parent
FILES = [*sorted((ROOT / "examples").glob("*.toml")), *sorted((ROOT / "tests/data").glob("*.toml"))]
pytestmark = pytest.mark.filterwarnings("ignore:Initializing zero-element tensors is a no-op")


@cache
def best(path: Path) -> Solution:
    """The answer to a document."""
    found = solve(load(path)).best
    assert found is not None
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_code_of_a_document_builds_what_build_builds(path: Path) -> None:
    solution = best(path)
    compare(solution.network, solution.shapes, solution.to_python())


def test_the_code_of_documents_is_tidy(tmp_path: Path) -> None:
    for path in FILES:
        (tmp_path / f"{path.stem}.py").write_text(best(path).to_python(), encoding="utf-8")
    tidy(tmp_path)


def test_equal_weights_give_equal_numbers() -> None:
    """ResNet-50 has joins, blocks in blocks and loops: with weights in the order of the layers both are the same."""
    solution = best(ROOT / "examples/resnet50.toml")
    torch.manual_seed(0)
    model, other = module_of(solution.to_python()), solution.build().eval()
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for mine, theirs in pairs:
            mine.copy_(theirs)
        assert torch.equal(model(x), other(x))


def test_names_of_torchs_modules_are_taken() -> None:
    public = {name for kind in (nn.Module, nn.Sequential) for name in dir(kind) if not name.startswith("_")}
    assert public | {"training"} <= OF_MODULES


@given(st.text())
@settings(max_examples=50)
def test_any_text_makes_names(text: str) -> None:
    for name in (identifier(text), class_name(text)):
        assert name.isidentifier()
        assert name.isascii()
        assert not name.startswith("_")
        assert len(name) <= 32
    assert not keyword.iskeyword(identifier(text))


HOSTILE = [
    '"""\nimport os\nos.abort()\n"""',
    "'''\\",
    'x"; raise SystemExit; "',
    "\u202eevil\u2028\x00",
    "None",
    "Tensor",
    "3D",
    "",
    "class",
    "ü" * 500,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_document_is_called_stays_a_text(name: str) -> None:
    op = OPERATORS["Conv2d"](out_channels=2, kernel_size=1)  # type: ignore[call-arg]  # its arguments are not known to mypy
    network = Network({"input": (3, 4, 4)}, (Layer("a", op, ("input",)),), name=name)
    source = python_source(network, {"input": (3, 4, 4), "a": (2, 4, 4)})
    tree = ast.parse(source)
    assert [type(node) for node in tree.body] == [ast.ImportFrom, ast.ClassDef]
    compare(network, {"input": (3, 4, 4), "a": (2, 4, 4)}, source)


NASTY = [
    "forward",
    "half",
    "training",
    "self_",
    "torch",
    "nn",
    "__class__",
    "_modules",
    "x",
    "print",
    "super",
    "a" * 190,
]


def test_layers_may_have_any_name_that_documents_allow(tmp_path: Path) -> None:
    """Each is used twice, so that each is an attribute and a variable."""
    layers = [conv(name=name, out_channels=3, padding=1) for name in NASTY]
    joins = [f'{{ op = "add", name = "{name}.x", from = ["{name}", "forward"] }}' for name in NASTY[1:]]
    every = ", ".join(f'"{name}.x"' for name in NASTY[1:])
    network = loads(document(*layers, *joins, f'{{ op = "cat", from = [{every}] }}'))
    result = check(network)
    source = python_source(network, result.shapes)
    compare(network, result.shapes, source)
    (tmp_path / "nasty.py").write_text(source, encoding="utf-8")
    tidy(tmp_path)


def test_several_inputs_and_outputs_and_what_is_used_late() -> None:
    network = loads("""
inputs = { left = [3, 8, 8], right = [3, 8, 8] }
outputs = ["a", "b"]
layers = [
  { op = "Conv2d", name = "a", out_channels = 3, kernel_size = 3, padding = 1, from = "left" },
  { op = "add", from = ["a", "right"] },
  { op = "Conv2d", name = "b", out_channels = 5, kernel_size = 3 },
]
""")
    source = python_source(network, check(network).shapes)
    assert (
        source
        == '''from torch import Tensor, nn


class Net(nn.Module):
    """A network: 3 x 8 x 8 and 3 x 8 x 8 -> 3 x 8 x 8 and 5 x 6 x 6."""

    def __init__(self) -> None:
        super().__init__()
        # 3 x 8 x 8
        self.a = nn.Conv2d(3, 3, kernel_size=3, padding=1)
        # 3 x 8 x 8 -> 5 x 6 x 6
        self.b = nn.Conv2d(3, 5, kernel_size=3)

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        a = self.a(left)
        x = a + right
        b = self.b(x)
        return {"a": a, "b": b}
'''
    )
    compare(network, check(network).shapes, source)


def test_same_of_tensorflow_is_an_explicit_pad_where_its_sides_differ() -> None:
    network = loads(document(conv(3, stride=2, padding="SAME"), conv(3, padding="SAME")))
    source = python_source(network, check(network).shapes)
    assert "nn.ZeroPad2d((0, 1, 0, 1))" in source
    assert "nn.Conv2d(4, 4, kernel_size=3, padding=(1, 1))" in source
    compare(network, check(network).shapes, source)


def test_places_of_a_pool_go_to_the_unpool() -> None:
    network = loads("""
input = [3, 9, 9]
layers = [
  { op = "MaxPool2d", kernel_size = 2, return_indices = true },
  { op = "Conv2d", out_channels = 3, kernel_size = 3, padding = 1 },
  { op = "MaxUnpool2d", kernel_size = 2, output_size = 9, from = ["conv2d_1", "maxpool2d_1"] },
]
""")
    source = python_source(network, check(network).shapes)
    assert "maxpool2d_1, maxpool2d_1_indices = self.maxpool2d_1(x)" in source
    assert "return self.maxunpool2d_1(x, maxpool2d_1_indices, output_size=(9, 9))" in source
    compare(network, check(network).shapes, source, device="cpu")


def test_a_block_that_a_function_argument_tells_apart_keeps_it() -> None:
    network = loads("""
input = [8, 6, 6]
layers = [ { block = "half", length = 4 }, { block = "half", length = 2 } ]
[blocks.half]
arguments = ["length"]
layers = [
  { op = "Conv2d", out_channels = 8, kernel_size = 1 },
  { op = "narrow", dim = 1, start = 0, length = "length" },
]
""")
    source = python_source(network, check(network).shapes)
    assert "        self.length = length\n" in source
    assert "x.narrow(1, 0, self.length)" in source
    compare(network, check(network).shapes, source)
