"""Printouts of torchinfo 1.8.0 and torchsummary 1.5.1 (tests/data) as sizes of a document's layers."""

import sys
from pathlib import Path

import pytest

from netsolve import DocumentError, UsageError, __main__, loads, solve, with_summary

DATA = Path(__file__).parent / "data"
LENET = """\
input = [1, 28, 28]
layers = [
  { op = "Conv2d", out_channels = 6, kernel_size = 5, padding = "?" },
  { op = "Tanh" },
  { op = "AvgPool2d", kernel_size = 2 },
  { op = "Conv2d", out_channels = 16, kernel_size = 5, padding = "?" },
  { op = "Tanh" },
  { op = "AvgPool2d", kernel_size = 2 },
  { op = "Flatten" },
  { op = "Linear", out_features = 120 },
  { op = "Linear", out_features = 10 },
]
"""
SHAPES = [(6, 28, 28), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 10, 10), (16, 5, 5), (400,), (120,), (10,)]
"""What torch gives for LeNet-5 with paddings 2 and 0."""


@pytest.mark.parametrize("name", ["lenet_torchinfo", "lenet_torchsummary"])
def test_a_printout_states_the_sizes(name: str) -> None:
    network = with_summary(loads(LENET), (DATA / f"{name}.txt").read_text("utf-8"))
    assert [layer.out for layer in network.layers] == SHAPES
    answer = solve(network)
    assert answer.count == 1
    assert answer.best is not None
    assert answer.best.values == {"conv2d_1.padding": 2, "conv2d_2.padding": 0}


def test_layers_that_a_printout_has_not_keep_what_they_state() -> None:
    text = LENET.replace('  { op = "Tanh" },\n', '  { op = "Tanhshrink" },\n')
    network = with_summary(loads(text), (DATA / "lenet_torchsummary.txt").read_text("utf-8").replace("Tanh-", "Other-"))
    assert [layer.out for layer in network.layers] == [s if i not in {1, 4} else None for i, s in enumerate(SHAPES)]


@pytest.mark.parametrize(
    ("document", "old", "new", "message"),
    [
        (
            LENET.replace('5, padding = "?" },\n  { op = "Tanh" },\n  { op = "AvgPool2d"', "5, out = [28, 28] },\n"
            '  { op = "Tanh" },\n  { op = "AvgPool2d"', 1),
            "6, 28, 28",
            "6, 24, 24",
            "print.txt:4: conv2d_1: the printout has 6 x 24 x 24, and the document out = 28 x 28",
        ),
        (
            LENET,
            "AvgPool2d-6             [-1, 16, 5, 5]",
            "Conv2d-6             [-1, 99, 5, 5]",
            "print.txt:9: the document has no layer for this Conv2d",
        ),
    ],
)  # fmt: skip
def test_a_printout_of_another_network_is_refused(document: str, old: str, new: str, message: str) -> None:
    text = (DATA / "lenet_torchsummary.txt").read_text("utf-8").replace(old, new)
    with pytest.raises(DocumentError) as caught:
        with_summary(loads(document), text, "print.txt")
    assert str(caught.value).splitlines()[0] == message


def test_a_text_without_such_lines_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        with_summary(loads(LENET), "hello\n")
    assert str(caught.value) == (
        "the text has no line such as `Conv2d-1  [-1, 64, 96, 96]  1,792` or `Conv2d: 1-1  [1, 64, 96, 96]  1,792`"
    )


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> object:
    """The exit code of the program."""
    monkeypatch.setattr(sys, "argv", ["netsolve", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    return ended.value.code


def test_solve_takes_a_printout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.toml"
    path.write_text(LENET, encoding="utf-8")
    given = ("solve", path, "--no-proof", "--no-run", "--summary")
    assert run(monkeypatch, *given, DATA / "lenet_torchinfo.txt") == 0
    assert "nothing else fits" in capsys.readouterr().out
    assert run(monkeypatch, *given, tmp_path / "none.txt") == 2
    assert capsys.readouterr().err == f"netsolve: {tmp_path / 'none.txt'}: No such file or directory\n"


MODULE = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 5)
        self.fc = nn.Linear(width * 24 * 24, 10)

    def forward(self, x):
        if self.conv(x) > 0:
            x = -x
        return self.fc(self.conv(x).flatten(1))


class Plain(Net):
    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))
"""


def test_trace_writes_the_document_of_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "net.py", tmp_path / "net.toml"
    path.write_text(MODULE, encoding="utf-8")
    given = ("trace", f"{path}:Plain", "--args", "width=8", "--unknown", "padding", "-o", out)
    assert run(monkeypatch, *given, "--input", "1,28,28") == 0
    answer = solve(loads(out.read_text("utf-8")))
    assert answer.count == 1
    assert answer.best is not None
    assert answer.best.values == {"conv.padding": 0}
    assert answer.best.shapes["fc"] == (10,)
    capsys.readouterr()
    assert run(monkeypatch, "trace", f"{path}:Plain", "--input", "1,32,32") == 0
    assert capsys.readouterr().err == "it does not fit: fc: in_features is 3456, and the input implies 4704\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--input", "1,28,28"],
            "{path}:11: what the code does next depends on the numbers in a tensor (take that decision out of forward",
        ),
        ([], "--input is missing: the shape of the module's input without batch, such as --input 3,96,96"),
        (["--input", "one"], "--input: a shape without batch is expected, such as 3,96,96, not 'one'"),
    ],
)
def test_what_trace_refuses(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "net.py"
    path.write_text(MODULE, encoding="utf-8")
    assert run(monkeypatch, "trace", f"{path}:Net", *arguments) == 2
    assert message.format(path=path) in capsys.readouterr().err
