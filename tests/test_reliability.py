"""What may happen around the program: interrupts and kills at any moment, terminals without Unicode, first mistakes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netsolve import __main__, loads, solve
from support import complaints, conv, document, pool, table

UNICODE = document(conv(padding="?"), output=[4, 8, 8], name="\u00dcnet \U0001f600")
READY = """
import sys
from netsolve import __main__
print("ready", file=sys.stderr, flush=True)
__main__.main()
"""


def hard() -> str:
    """A document that takes long in every engine."""
    layers = [conv("?1..11", padding="?0..5", stride="?1..4", dilation="?1..4", name=f"a{i}") for i in range(40)]
    ties = [f"(a{i}.out[1] * 7 + a{i}.out[2] * 5) % 11 == a{i + 1}.out[2] % 11" for i in range(38)]
    return document(*layers, input=[3, 99991, 99989], output=[4, 17, 19], constraints=ties)


# Interrupts and kills.


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.5])
def test_ctrl_c_at_any_moment(tmp_path: Path, seconds: float) -> None:
    file = tmp_path / "hard.toml"
    file.write_text(hard(), encoding="utf-8")
    command = [sys.executable, "-c", READY, "solve", str(file), "--write", "--timeout", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        assert program.stderr.readline() == "ready\n"
        time.sleep(seconds)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=60)
    assert (program.returncode, out, err) == (130, "", "netsolve: interrupted\n")
    assert file.read_text(encoding="utf-8") == hard()
    assert [entry.name for entry in tmp_path.iterdir()] == ["hard.toml"]


def test_a_file_is_old_or_new_whenever_the_writer_is_killed(tmp_path: Path) -> None:
    old = "# a comment\n" * 5_000 + document(conv(padding="?", name="x"), output=[4, 8, 8])
    new = old.replace('"?"', "1")
    program = """
import sys
from pathlib import Path
from netsolve import load, solve
from netsolve.cli.solve import _overwrite
file, network = Path(sys.argv[1]), load(sys.argv[1])
best = solve(network).best
_overwrite(file, network, best)
print("ready", flush=True)
while True:
    _overwrite(file, network, best)
"""
    file = tmp_path / "net.toml"
    seen = set()
    chance = random.Random(1)  # noqa: S311 - no secret
    for _ in range(4):
        file.write_text(old, encoding="utf-8")
        with subprocess.Popen([sys.executable, "-c", program, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as writer:  # fmt: skip
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(chance.random() / 5)
            writer.kill()
            writer.communicate()
        seen.add(file.read_text(encoding="utf-8"))
    assert seen <= {old, new}
    assert new in seen


@pytest.mark.skipif(os.geteuid() == 0, reason="for root nothing is read-only")
def test_a_read_only_directory(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    file.write_text(UNICODE, encoding="utf-8")
    tmp_path.chmod(0o500)
    command = [sys.executable, "-m", "netsolve", "solve", str(file), "--write", "--no-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    tmp_path.chmod(0o700)
    remedy = "(--format toml prints the document instead)"
    assert (done.returncode, done.stderr) == (
        2,
        f"netsolve: {file}: it cannot be written: Permission denied {remedy}\n",
    )


# z3 that gives up.


def test_z3_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    z3 = pytest.importorskip("z3")
    monkeypatch.setattr(z3.Solver, "check", lambda *_: z3.unknown)
    monkeypatch.setattr(z3.Solver, "reason_unknown", lambda _: "(incomplete (theory arithmetic))")
    reason = "z3 gives up: (incomplete (theory arithmetic))"
    file = tmp_path / "net.toml"

    def run(text: str) -> tuple[int, str, str]:
        file.write_text(text, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["netsolve", "solve", str(file), "--no-run"])
        code = __main__.run()
        out, err = capsys.readouterr()
        return code, out.splitlines()[-1], err

    assert run(document(conv(padding="?"), output=[4, 8, 8])) == (0, f"proved  not in time: {reason}", "")
    free = document(conv(padding="?"), input=[3, "?", 8])
    assert run(free) == (3, f"open    not decided: {reason}", "")


# Terminals.


@pytest.mark.parametrize(
    "arguments",
    [["solve", "FILE", "--no-run"], ["solve", "FILE", "--all"], ["solve", "FILE", "--no-run", "--format", "json"],
     ["batch", "FILE"], ["ops"], ["sweep", "FILE", "--vary", "input=8"], ["check", "FILE", "--no-run"]],
    ids=" ".join,
)  # fmt: skip
def test_a_terminal_without_unicode(tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "net.toml"
    file.write_text(UNICODE, encoding="utf-8")
    command = [sys.executable, "-m", "netsolve", *(str(file) if word == "FILE" else word for word in arguments)]
    environment = dict(os.environ) | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environment)
    assert b"Traceback" not in done.stderr
    assert done.returncode == (2 if arguments[0] == "check" else 0)
    if "json" in arguments or arguments[0] == "batch":
        assert json.loads(done.stdout)["name"] == "\u00dcnet \U0001f600"


def test_a_name_that_the_terminal_has_no_signs_for(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    file.write_text(UNICODE.replace("[4, 8, 8]", "[4, 8, 7]"), encoding="utf-8")
    environment = dict(os.environ) | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "netsolve", "solve", str(file)],
        capture_output=True, check=False, timeout=60, env=environment,
    )  # fmt: skip
    assert done.stdout.splitlines()[0] == (
        b"none    no values fit: \\u00dcnet \\ud83d\\ude00 cannot have the sizes that are stated"
    )
    assert (done.returncode, done.stderr) == (1, b"")


# The first mistakes of a newcomer, each with an answer that helps.

FIRST_MISTAKES = {
    "a wrong name": (
        document(table(op="Conv", out_channels=4, kernel_size=3)),
        '3: conv_1: there is no operator "Conv" (did you mean Conv1d or Conv2d or Conv3d?)',
    ),
    "a name in lower case": (
        document(table(op="relu")),
        '3: relu_1: there is no operator "relu" (did you mean ReLU?)',
    ),
    "Keras's name of a layer": (
        document(table(op="Dense", out_features=4)),
        '3: dense_1: there is no operator "Dense" (did you mean Linear?)',
    ),
    "type for op": (
        document(table(type="ReLU")),
        "3: layer_1: op is missing (write op = ... instead of type = ...)",
    ),
    "Keras's name of an argument": (
        document(conv(pads="?")),
        '3: conv2d_1: Conv2d has no argument "pads" (did you mean padding?)',
    ),
    "a bracket that is never closed": (
        'input = [3, 8, 8]\nlayers = [\n  { op = "ReLU" },\n',
        "3: this is not TOML: Invalid value (the bracket opened in line 2 is never closed)",
    ),
    "a bracket that is not closed before the next key": (
        'input = [3, 8, 8]\nlayers = [\n  { op = "ReLU" },\n\noutput = [3, 8, 8]\n',
        "5: this is not TOML: Invalid value (the bracket opened in line 2 is never closed)",
    ),
    "a bracket of a list that is not closed on its line": (
        'input = [3, 8, 8]\nlayers = [\n  { op = "Conv2d", out_channels = 4, kernel_size = [3, 3 },\n]\n',
        "3: a } where the [ of line 3 is still open (close it with ] first)",
    ),
    "JSON": (
        '{"input": [3, 8, 8], "layers": []}\n',
        "1: this is not TOML: it looks like JSON (a document begins with a line such as input = [3, 96, 96])",
    ),
    "YAML": (
        "input: [3, 8, 8]\nlayers:\n  - op: ReLU\n",
        "1: this is not TOML: it looks like YAML (a document begins with a line such as input = [3, 96, 96])",
    ),
    "quotation marks of typesetting": (
        "input = [3, 8, 8]\nlayers = [{ op = \u201cReLU\u201d }]\n",
        '2: this is not TOML: Invalid value (quotation marks are straight: "?")',
    ),
    "a layer as Python code has it": (
        document(table(op="nn.ReLU")),
        '3: layer_1: there is no operator "nn.ReLU" (did you mean ReLU?)',
    ),
    "a function as Python code has it": (
        document(table(op="F.relu")),
        '3: layer_1: there is no operator "F.relu" (did you mean ReLU?)',
    ),
    "a forgotten Flatten before a layer of another width": (
        document(conv(padding=1), table(op="Linear", in_features=77, out_features=10), output=[10]),
        (
            "2: linear_1: output has 1 entry, and the tensor there has 3 "
            "(a Flatten is missing before linear_1; or write 3, or 2 for the spatial sizes alone)"
        ),
    ),
    "a forgotten Flatten, with what the last layer gives": (
        document(conv(padding=1), table(op="Linear", in_features=256, out_features=10), output=[10]),
        (
            "2: linear_1: output has 1 entry, and the tensor there has 3 "
            "(a Flatten is missing before linear_1; or write 3, or 2 for the spatial sizes alone)"
        ),
    ),
    "no kernel_size": (
        document(table(op="Conv2d", out_channels=4, padding="?")),
        '3: conv2d_1: Conv2d needs kernel_size (write kernel_size = ... or kernel_size = "?")',
    ),
    "the batch in the input": (
        document(conv(padding="?"), input=[1, 3, 32, 32]),
        (
            "3: conv2d_1: Conv2d takes channels and 2 spatial sizes, and gets 4 sizes (channels and 3 spatial) "
            "(the batch is never written: leave it out of the input; or use Conv3d)"
        ),
    ),
    "Linear without Flatten": (
        document(conv(padding=1), table(op="Linear", out_features=10)),
        (
            "4: linear_1: Linear works on the last dimension, and here that is a spatial axis "
            '(put { op = "Flatten" } before it, or write in_features if the last axis is meant)'
        ),
    ),
    "an inline table over several lines": (
        'input = [3, 8, 8]\nlayers = [\n  { op = "Conv2d",\n    out_channels = 4,\n    kernel_size = 3 },\n]\n',
        "3: an inline table broken over lines (write the layer as a [[layers]] table, or keep the braces on one line)",
    ),
    "no quotes around a question mark": (
        'input = [3, 8, 8]\nlayers = [ { op = "Conv2d", out_channels = 4, kernel_size = 3, padding = ? } ]\n',
        '2: this is not TOML: Invalid value (a question mark stands in quotes: "?")',
    ),
    "a tuple of Python's": (
        'input = [3, 8, 8]\nlayers = [ { op = "Conv2d", out_channels = 4, kernel_size = (3, 3) } ]\n',
        "2: this is not TOML: Invalid value (a list stands in square brackets: [3, 3])",
    ),
    "a list without brackets": (
        'input = 3, 8, 8\nlayers = [ { op = "ReLU" } ]\n',
        (
            "1: this is not TOML: Expected newline or end of document after a statement "
            "(a list stands in square brackets: [3, 3])"
        ),
    ),
    "Python's True": (
        'input = [3, 8, 8]\nlayers = [ { op = "Conv2d", out_channels = 4, kernel_size = 3, bias = True } ]\n',
        "2: this is not TOML: Invalid value (write true)",
    ),
    "Python's None": (
        'input = [3, 8, 8]\nlayers = [ { op = "AdaptiveAvgPool2d", output_size = [None, 4] } ]\n',
        '2: this is not TOML: Invalid value (a text stands in quotes: "none")',
    ),
    "a number in quotes": (
        document(conv(padding="1")),
        (
            "3: conv2d_1.padding: an integer, a question mark or one of 'same', 'valid', 'SAME' is expected, not \"1\" "
            "(write 1, without quotes)"
        ),
    ),
    "an output of another network": (
        document(conv(padding="?"), output=[8, 8, 8]),
        (
            "2: output[0] = 8 contradicts out_channels = 4 of conv2d_1 (line 4) "
            "(both state the same number: correct one of them)"
        ),
    ),
}


@pytest.mark.parametrize("name", FIRST_MISTAKES)
def test_a_first_mistake_gets_an_answer_that_helps(name: str) -> None:
    text, message = FIRST_MISTAKES[name]
    head, _, rest = message.partition(": ")
    assert [line.replace(": conv2d_1: output", ": output") for line in complaints(text)] == [f"net.toml:{head}: {rest}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (document(conv(padding=1, in_channels=1)), "conv2d_1: in_channels is 1, and the input implies 3"),
        (
            document(conv(padding=1, out=[7, 7])),
            "conv2d_1: the size after conv2d_1 is stated as 7, and it is 8",
        ),
        (
            document(conv(padding=0), pool(), table(op="Flatten"), table(op="Linear", in_features=64, out_features=2)),
            "linear_1: in_features is 64, and the input implies 36",
        ),
    ],
    ids=["wrong in_channels", "an out that cannot be reached", "wrong in_features"],
)
def test_what_does_not_fit_is_said_with_both_numbers(text: str, message: str) -> None:
    answer = solve(loads(text))
    assert (answer.status, answer.reason) == ("unsolvable", message)
