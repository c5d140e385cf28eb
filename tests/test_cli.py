"""Tests of the command line: what is printed where, and every exit code."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from importlib import metadata
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import pytest

from netsolve import Solution, UndecidedError, __main__, loads, queries, solve
from netsolve.document import LARGEST_FILE
from netsolve.errors import FAULT
from netsolve.verification import LayerRun, Verification
from support import conv, hard, pool, table
from support import document as text_of

SOLVABLE = text_of(conv(padding="?p"), table(op="ReLU"), output=[4, 8, 8], name="Small")
UNSOLVABLE = text_of(conv(5, padding="?"), output=[4, 8, 7], name="Small")
WIDER = text_of(conv(1, padding="?"), output=[4, 10, 10])
KNOWN = text_of(conv(padding=1), table(op="ReLU"), name="Small")
BROKEN = text_of(conv(), conv(7))

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


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Callable[[str], Path]:
    """Make a file with this text."""

    def file(text: str) -> Path:
        path = tmp_path / "net.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return file


File = Callable[[str], Path]


def process(
    *arguments: str | Path, stdin: str | IO[bytes] = "", path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    environment = dict(os.environ) | ({"PYTHONPATH": str(path)} if path else {})
    given: dict[str, Any] = {"input": stdin} if isinstance(stdin, str) else {"stdin": stdin}
    return subprocess.run(
        [sys.executable, "-m", "netsolve", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False, timeout=120, **given,
    )  # fmt: skip


# What solve prints.


def test_an_answer_as_text(run: Run, file: File) -> None:
    code, out, err = run("solve", file(SOLVABLE))
    assert code == 0
    assert [" ".join(line.split()) for line in out.splitlines() if not set(line) <= set("\u2500 ")] == [
        "layer kernel stride padding in out parameters",
        "input 3 x 8 x 8",
        "conv2d_1 3 1 1 * 3 x 8 x 8 \u2192 4 x 8 x 8 112",
        "relu_1 4 x 8 x 8 \u2192 4 x 8 x 8",
        "found 1 value, marked *, by exact elimination; nothing else fits",
        "proved z3's joint constraints of the whole network hold",
        "run torch built it (112 parameters), ran it on the CPU, and all 2 shapes agree",
    ]
    assert err == ""


def test_an_answer_as_json_is_what_the_schema_says(run: Run, file: File) -> None:
    code, out, err = run("solve", file(SOLVABLE), "--format", "json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found == {
        "schema_version": 1,
        "status": "solved",
        "name": "Small",
        "count": 1,
        "unknowns": {"p": 1},
        "solutions": [
            {
                "values": {"conv2d_1.padding": 1},
                "shapes": {"input": [3, 8, 8], "conv2d_1": [4, 8, 8], "relu_1": [4, 8, 8]},
                "probability": 1.0,
                "proved": True,
                "verified": True,
            }
        ],
        "forced": {"conv2d_1.padding": 1},
        "hints": [],
        "conflict": None,
    }


def test_values_as_json(run: Run, file: File) -> None:
    text = text_of(conv([3, "?3"], padding=[1, "?1"]), pool(ceil_mode="?"), input=[3, "?8", 8], output=[4, 4, 4])
    code, out, _ = run("solve", file(text), "--format", "json", "--no-run", "--no-proof")
    (solution,) = json.loads(out)["solutions"]
    assert code == 0
    assert solution["values"] == {
        "input": [3, 8, 8],
        "conv2d_1.kernel_size": [3, 3],
        "conv2d_1.padding": [1, 1],
        "maxpool2d_1.ceil_mode": False,
    }
    assert (solution["proved"], solution["verified"]) == (None, None)


def test_no_answer_as_text_and_json(run: Run, file: File) -> None:
    lines = [
        "none    no values fit: Small cannot have the sizes that are stated",
        "why     line 2: conv2d_1: output[2] is stated as 7, and the size can be 4, 6, 8, 10 or 12 (nearest: 6 and 8)",
        "        these cannot all be true; without any one of them the others can be:",
        "          line 1: input = [3, 8, 8]",  # whatever one kernel and one padding are, axes alike stay alike
        "          line 2: output = [4, 8, 7]",
    ]
    assert run("solve", file(UNSOLVABLE))[1].splitlines()[:5] == lines
    code, out, _ = run("solve", file(UNSOLVABLE), "--format", "json")
    found = json.loads(out)
    assert (code, found["status"], found["solutions"]) == (1, "unsolvable", [])
    assert found["conflict"]["reasons"][1:] == [
        {"layer": None, "line": 1, "text": "input = [3, 8, 8]"},
        {"layer": None, "line": 2, "text": "output = [4, 8, 7]"},
    ]
    assert {"set": {"output": [4, 8, 8]}, "text": "output = [4, 8, 8] instead of [4, 8, 7]", "verified": True} in (
        found["conflict"]["changes"]
    )


def test_everything_that_does_not_fit_as_json_and_text(run: Run, file: File) -> None:
    text = text_of(conv(9), conv(groups=3), conv(9, out=[7, 7]), table(op="BatchNorm2d", num_features=7))
    code, out, _ = run("solve", file(text), "--format", "json")
    reasons = json.loads(out)["conflict"]["reasons"]
    assert code == 1
    assert (reasons[0]["layer"], reasons[0]["line"]) == ("conv2d_1", 3)
    assert {why["layer"] for why in reasons} >= {"conv2d_1", "conv2d_2", "batchnorm2d_1"}
    lines = run("solve", file(text))[1].splitlines()
    assert lines[1:11] == [f"        {why['layer']}: {why['text']}" for why in reasons][:10]
    every = len(solve(loads(text)).reasons)
    assert lines[11:12] == [f"        and {every - 10} more"] or every == 10


def test_a_hint(run: Run, file: File) -> None:
    hint = "no padding within the default values fits; a wider range would: conv2d_1.padding = 1"
    code, out, _ = run("solve", file(WIDER))
    assert (code, out.splitlines()[:2]) == (
        1,
        ["none    no values fit: the network cannot have the sizes that are stated", f"        {hint}"],
    )
    found = json.loads(run("solve", file(WIDER), "--format", "json")[1])
    assert found["hints"] == [{"layer": None, "text": hint}]
    assert {"conv2d_1.padding": 1} in [change["set"] for change in found["conflict"]["changes"]]


def test_an_answer_as_toml(run: Run, file: File) -> None:
    assert run("solve", file(SOLVABLE), "--format", "toml") == (0, SOLVABLE.replace('"?p"', "1"), "")
    code, out, err = run("solve", file(UNSOLVABLE), "--format", "toml")
    assert (code, out) == (1, "")
    assert err == "none    no values fit: Small cannot have the sizes that are stated\n"


def test_the_answer_as_python_code_is_all_that_stdout_gets(run: Run, file: File) -> None:
    expected = '''from torch import Tensor, nn


class Small(nn.Module):
    """Small: 3 x 8 x 8 -> 4 x 8 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            # 3 x 8 x 8 -> 4 x 8 x 8
            nn.Conv2d(3, 4, kernel_size=3, padding=1),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)
'''
    assert run("solve", file(SOLVABLE), "--format", "python") == (0, expected, "")
    toml, python = (run("solve", file(UNSOLVABLE), "--format", kind) for kind in ("toml", "python"))
    assert python == toml
    assert python[:2] == (1, "")


def test_the_proof_and_the_run_can_be_left_out(run: Run, file: File) -> None:
    code, out, _ = run("solve", file(SOLVABLE), "--no-proof", "--no-run")
    assert code == 0
    assert out.splitlines()[-1] == "found   1 value, marked *, by exact elimination; nothing else fits"


def test_a_known_network(run: Run, file: File) -> None:
    code, out, _ = run("solve", file(KNOWN))
    assert code == 0
    assert out.splitlines()[-3] == "found   nothing is unknown, and every size agrees"


# Reading.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input = [3]\n", 'layers: is missing (write layers = [ { op = "Conv2d", ... }, ... ])'),
        ("", None),
    ],
)
def test_a_mistaken_document(run: Run, file: File, text: str, message: str | None) -> None:
    path = file(text)
    code, out, err = run("solve", path)
    assert (code, out) == (2, "")
    if message:
        assert err == f"netsolve: {path}: {message}\n"
    else:
        assert [line.split(": ")[:2] for line in err.splitlines()] == [[str(path), "input"], [str(path), "layers"]]


def test_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "nothing.toml"
    assert run("solve", path) == (2, "", f"netsolve: {path}: there is no such file\n")
    assert run("check", path) == (2, "", f"netsolve: {path}: there is no such file\n")
    assert run("solve", tmp_path) == (2, "", f"netsolve: {tmp_path}: this is a directory, not a file\n")


def test_a_file_that_is_no_text(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"PK\x03\x04\n\xff\xfe\x00")
    assert run("solve", path) == (2, "", f"netsolve: {path}:2: this is not UTF-8 text, as TOML is\n")


def test_a_huge_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as stream:
        stream.truncate(100 * 2**20)
    assert run("solve", path) == (2, "", f"netsolve: {path}: the file is larger than 16 MiB\n")


def test_standard_input_without_end() -> None:
    with Path("/dev/zero").open("rb") as zeros:
        done = process("solve", "-", stdin=zeros)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"netsolve: <stdin>: the file is larger than {LARGEST_FILE >> 20} MiB\n"


def test_standard_input() -> None:
    done = process("check", "-", "--no-run", "--format", "json", stdin=KNOWN)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["parameters"] == 112


# How the program is called.


REFUSED = " does not go with --all, which lists answers as text or json"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve"], "Missing argument 'FILE'."),
        (["solve", "a.toml", "--zzz"], "No such option: --zzz"),
        (["frobnicate"], "No such command 'frobnicate'."),
        (["net.toml"], "No such command 'net.toml'. Did you mean: netsolve solve net.toml?"),
        (["help"], "No such command 'help'. See: netsolve --help."),
        (
            ["report", "net.toml", "-o", "net.pdf"],
            (
                "Invalid value: a .pdf is not among what can be written: "
                "name it .html, .svg, .mmd or .dot, or give --format"
            ),
        ),
        (["solve", "--write", "-"], "Invalid value: --write needs a file, not standard input"),
        *(
            (
                ["solve", "none.toml", "--all", *option.split()],
                f"Invalid value: {option[:-2] if option == '--top 1' else option}{REFUSED}",
            )
            for option in ("--write", "--top 1", "--format toml", "--format python")
        ),
    ],
)
def test_usage(run: Run, arguments: list[str], message: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"Error: {message}"
    assert err.splitlines()[0].startswith("Usage: netsolve ")


@pytest.mark.parametrize("value", ["0", "-1", "x", "nan"])
def test_a_time_limit_is_a_positive_number(run: Run, file: File, value: str) -> None:
    code, out, err = run("solve", file(SOLVABLE), "--timeout", value)
    assert (code, out) == (2, "")
    assert "--timeout" in err


def test_version_and_help(run: Run) -> None:
    versions = f"netsolve 0.1.0\nz3 {version('z3-solver')}\ntorch {version('torch')}\n"
    assert run("--version") == (0, versions, "")
    code, out, _ = run("--help")
    assert code == 0
    assert all(command in out for command in ("solve", "check"))
    assert run()[0] == 2


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(option: str) -> None:
    program = (
        "import sys\n"
        "from netsolve import __main__\n"
        f"sys.argv = ['netsolve', '{option}']\n"
        "code = __main__.run()\n"
        "heavy = {'torch', 'z3', 'rich', 'tomlkit', 'pydantic', 'numpy'} & sys.modules.keys()\n"
        "sys.exit(f'{code} {sorted(heavy)}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == "0 []\n"


def test_the_version_where_a_package_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        if name == "torch":
            raise PackageNotFoundError
        return "4.13"

    monkeypatch.setattr(metadata, "version", missing)
    assert run("--version") == (0, "netsolve 0.1.0\nz3 4.13\ntorch is not installed\n", "")


def test_an_operator_that_is_none(run: Run) -> None:
    code, out, err = run("ops", "Conv4d")
    assert (code, out) == (2, "")
    message = "there is no operator Conv4d; did you mean Conv3d or Conv2d or Conv1d?"
    assert err.splitlines()[-1] == f"Error: Invalid value: {message}"


# check.


def test_check_as_text(run: Run, file: File) -> None:
    code, out, _ = run("check", file(KNOWN))
    assert code == 0
    assert out.splitlines()[-2:] == [
        "total   112 parameters",
        "run     torch built it (112 parameters), ran it on the CPU, and all 2 shapes agree",
    ]


def test_check_as_json(run: Run, file: File) -> None:
    code, out, _ = run("check", file(KNOWN), "--format", "json")
    assert code == 0
    assert json.loads(out) == {
        "schema_version": 1,
        "status": "agrees",
        "shapes": {"input": [3, 8, 8], "conv2d_1": [4, 8, 8], "relu_1": [4, 8, 8]},
        "parameters": 112,
        "problem": None,
        "verified": True,
        "mismatch": None,
    }


def test_check_of_a_network_that_does_not_fit(run: Run, file: File) -> None:
    rule = "the padded input is at least as large as the dilated kernel"
    text = f"{rule}: here n = 6, kernel_size = 7, padding = 0, dilation = 1"
    assert run("check", file(BROKEN)) == (1, f"check   NO: line 4: conv2d_2: {text}\n", "")
    code, out, _ = run("check", file(BROKEN), "--format", "json")
    found = json.loads(out)
    assert (code, found["status"]) == (1, "mismatch")
    assert found["problem"] == {"layer": "conv2d_2", "line": 4, "text": text}


def test_check_of_a_network_with_question_marks(run: Run, file: File) -> None:
    path = file(SOLVABLE)
    message = "conv2d_1.padding: a question mark, and check is for networks without (use solve)"
    assert run("check", path) == (2, "", f"netsolve: {path}:5: {message}\n")


# --all, count.


ENDLESS = text_of(conv(padding="?", out_channels="?"), output=[8, 8])


def test_all_lists_every_answer(run: Run, file: File) -> None:
    text = text_of(conv(padding="?"), pool(ceil_mode="?"))
    code, out, err = run("solve", file(text), "--all", "--format", "json")
    header, *solutions = map(json.loads, out.splitlines())
    assert (code, err, header["count"]) == (0, "", len(solutions))


def test_all_says_why_only_one_is_listed(run: Run, file: File) -> None:
    code, out, err = run("solve", file(ENDLESS), "--all")
    assert (code, len(out.splitlines())) == (3, 2)
    reason = "conv2d_1.out_channels has no upper bound: how many assignments there are is not counted"
    assert err == f"only one answer is listed: {reason}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ENDLESS, "conv2d_1.out_channels has no upper bound"),
        (text_of(conv(out_channels="?1..2147483647")), "conv2d_1.out_channels has no upper bound"),
        (text_of(conv(out_channels="?1..900000")), "conv2d_1.out_channels has 900,000 values: too many to try"),
    ],
)
def test_a_count_says_what_is_not_counted(run: Run, file: File, text: str, reason: str) -> None:
    assert run("count", file(text)) == (3, "", f"not counted: {reason}\n")
    found = json.loads(run("count", file(text), "--format", "json")[1])
    assert found == {"schema_version": 1, "count": None, "hints": [{"layer": None, "text": reason}]}


# What a terminal would obey.


def test_no_document_can_send_signs_to_the_terminal(run: Run, file: File) -> None:
    bad = r'"\u001b]0;title\u0007\u009b31m\u202e"'
    documents = [
        f"name = {bad}\n" + UNSOLVABLE.replace('name = "Small"\n', ""),
        SOLVABLE.replace('"Conv2d"', bad),
        SOLVABLE.replace("kernel_size", bad),
        SOLVABLE.replace('"?p"', bad),
        SOLVABLE.replace('"?p"', bad.replace('"', '"?', 1)),
        f"inputs = {{ {bad} = [3] }}\n" + SOLVABLE,
        SOLVABLE + f"constraints = [{bad}]\n",
    ]
    for text in documents:
        for options in ([], ["--all"], ["--format", "json"]):
            code, out, err = run("solve", file(text), *options)
            assert code in {1, 2}
            assert all(sign.isprintable() or sign == "\n" for sign in out + err)


@pytest.mark.parametrize("colour", [None, "1"])
def test_no_color(file: File, monkeypatch: pytest.MonkeyPatch, colour: str | None) -> None:
    pty = pytest.importorskip("pty")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    if colour:
        monkeypatch.setenv("NO_COLOR", colour)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "wb") as terminal:
        command = [sys.executable, "-m", "netsolve", "solve", str(file(SOLVABLE)), "--no-run", "--no-proof"]
        subprocess.run(command, stdout=terminal, stderr=terminal, check=True, timeout=120)
        found = os.read(ours, 100_000)
    os.close(ours)
    assert b"conv2d_1" in found
    assert (b"\x1b" in found) is (colour is None)


def test_an_encoding_that_does_not_have_a_sign(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    path = file(UNSOLVABLE.replace("Small", "\u00dcnet"))
    done = process("solve", path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("none    no values fit: \\u00dcnet cannot")
    assert json.loads(process("solve", path, "--format", "json").stdout)["name"] == "\u00dcnet"
    solved = process("solve", file(SOLVABLE.replace("Small", "\u00dcnet")), "--format", "toml", "--no-run")
    assert tomllib.loads(solved.stdout)["name"] == "\u00dcnet"


# --write.


def test_write(run: Run, file: File) -> None:
    path = file(SOLVABLE)
    path.chmod(0o640)
    code, out, err = run("solve", path, "--write", "--no-run")
    assert (code, err) == (0, f"written {path}\n")
    assert out.startswith("layer ")
    assert path.read_text(encoding="utf-8") == SOLVABLE.replace('"?p"', "1")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["net.toml"]


def test_write_follows_a_link(run: Run, file: File, tmp_path: Path) -> None:
    path, link = file(SOLVABLE), tmp_path / "link.toml"
    link.symlink_to(path)
    assert run("solve", link, "--write", "--no-run")[0] == 0
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == SOLVABLE.replace('"?p"', "1")


@pytest.mark.parametrize("text", [UNSOLVABLE, "input = 3\n"])
def test_write_leaves_the_file_alone_where_there_is_no_answer(run: Run, file: File, text: str) -> None:
    path = file(text)
    assert run("solve", path, "--write")[0] in {1, 2}
    assert path.read_text(encoding="utf-8") == text


def test_write_where_it_is_not_permitted(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> tuple[int, str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/some/where")

    path = file(SOLVABLE)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    code, _, err = run("solve", path, "--write", "--no-run")
    assert (code, path.read_text(encoding="utf-8")) == (2, SOLVABLE)
    assert err == (
        f"netsolve: {path}: it cannot be written: Permission denied (--format toml prints the document instead)\n"
    )


def test_write_is_whole_or_not_at_all(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = file(SOLVABLE)
    monkeypatch.setattr(Path, "replace", fail)
    code, _, err = run("solve", path, "--write", "--no-run")
    assert (code, path.read_text(encoding="utf-8")) == (2, SOLVABLE)
    assert err == (
        f"netsolve: {path}: it cannot be written: No space left on device (--format toml prints the document instead)\n"
    )
    assert [entry.name for entry in path.parent.iterdir()] == ["net.toml"]


# Time, interrupts, pipes.


def overtime(*_: Any) -> Any:
    msg = "the time limit is reached"
    raise UndecidedError(msg)


def test_the_time_limit_of_the_search(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "order_of", overtime)
    assert run("solve", file(SOLVABLE)) == (3, "open    not decided: the time limit is reached\n", "")
    code, out, _ = run("solve", file(SOLVABLE), "--format", "json")
    found = json.loads(out)
    hint = {"layer": None, "text": "not decided: the time limit is reached"}
    assert (code, found["status"], found["hints"], found["conflict"]) == (3, "unknown", [hint], None)


def test_the_time_limit_of_the_proof(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Solution, "prove", overtime)
    code, out, _ = run("solve", file(SOLVABLE), "--no-run")
    assert (code, out.splitlines()[-1]) == (0, "proved  not in time: the time limit is reached")


def test_an_undecided_question_anywhere_else(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: Any, **__: Any) -> None:
        msg = "too much work"
        raise UndecidedError(msg)

    monkeypatch.setattr(queries, "solve", ask)
    assert run("solve", file(SOLVABLE)) == (3, "", "netsolve: not decided: too much work\n")


def test_an_interrupt(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(queries, "solve", ask)
    assert run("solve", file(SOLVABLE)) == (130, "", "netsolve: interrupted\n")


def test_ctrl_c_while_z3_works(file: File) -> None:
    command = [sys.executable, "-c", INTERRUPTIBLE, "solve", str(file(hard())), "--timeout", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        assert started.stderr.readline() == "z3 works\n"
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
    assert (started.returncode, out, err) == (130, "", "netsolve: interrupted\n")


INTERRUPTIBLE = """
import sys, threading
from netsolve import __main__
from netsolve.engines import z3
check = z3.z3.Solver.check

def told(solver, *assumptions):
    threading.Timer(0.5, lambda: print("z3 works", file=sys.stderr, flush=True)).start()
    return check(solver, *assumptions)

z3.z3.Solver.check = told
__main__.main()
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["solve", "FILE", "--no-run"], ["solve", "FILE", "--format", "json", "--no-run"]]
)
def test_a_closed_pipe_is_a_quiet_end(file: File, arguments: list[str]) -> None:
    path = str(file(SOLVABLE))
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "netsolve", *(path if word == "FILE" else word for word in arguments)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk(file: File) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "netsolve", "solve", str(file(SOLVABLE)), "--no-run"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (2, "netsolve: standard output: No space left on device\n")


def test_closed_standard_streams(file: File) -> None:
    program = f'"{sys.executable}" -m netsolve'
    path = file(SOLVABLE)
    done = subprocess.run(
        ["/bin/sh", "-c", f'{program} solve "{path}" --no-run >&- 2>&-; echo $?; {program} solve - <&- 2>&1; echo $?'],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    first, *_, message, last = done.stdout.splitlines()
    assert (first, message, last) == ("0", "Error: Invalid value: standard input is closed", "2")


# torch.


@pytest.fixture(name="no_torch")
def _no_torch(tmp_path: Path) -> Path:
    """A directory with a torch that cannot be imported."""
    package = tmp_path / "path" / "torch"
    package.mkdir(parents=True)
    code = "raise OSError('libtorch_cpu.so: cannot open shared object file\\nand more')\n"
    (package / "__init__.py").write_text(code, encoding="utf-8")
    return package.parent


MISSING = (
    "run     not done: torch cannot be imported: libtorch_cpu.so: cannot open shared object file "
    "(install it, or leave out what needs it: --no-run)"
)


def test_the_answer_is_printed_before_torch_is_needed(file: File, no_torch: Path) -> None:
    path = file(SOLVABLE)
    done = process("solve", path, "--write", path=no_torch)
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[-3:]] == ["found", "proved", "run"]
    assert done.stdout.splitlines()[-1] == MISSING
    assert path.read_text(encoding="utf-8") == SOLVABLE
    done = process("solve", path, "--no-run", path=no_torch)
    assert (done.returncode, done.stderr) == (0, "")


def test_json_where_torch_is_missing(file: File, no_torch: Path) -> None:
    done = process("solve", file(SOLVABLE), "--format", "json", path=no_torch)
    assert (done.returncode, done.stderr) == (1, f"{MISSING}\n")
    (solution,) = json.loads(done.stdout)["solutions"]
    assert (solution["proved"], solution["verified"]) == (True, None)


def test_check_where_torch_is_missing(file: File, no_torch: Path) -> None:
    done = process("check", file(KNOWN), path=no_torch)
    assert (done.returncode, done.stdout.splitlines()[-2:]) == (1, ["total   112 parameters", MISSING])


# Disagreement, which is never hidden.


def disagreement(solution: Solution, **_given: object) -> Verification:
    """What torch would say if it found another size."""
    return Verification((LayerRun("conv2d_1", solution.shapes["conv2d_1"], (4, 9, 9)),), 112)


NO = "run     NO: after conv2d_1 4 x 8 x 8 was predicted; torch gives 4 x 9 x 9"


def test_torch_disagrees(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Solution, "verify", disagreement)
    path = file(SOLVABLE)
    code, out, err = run("solve", path, "--write")
    assert (code, out.splitlines()[-1], err) == (4, NO, f"netsolve: {FAULT}\n")
    assert path.read_text(encoding="utf-8") == SOLVABLE
    code, out, err = run("solve", path, "--format", "json")
    assert (code, err) == (4, f"{NO}\nnetsolve: {FAULT}\n")
    assert json.loads(out)["solutions"][0]["verified"] is False
    code, out, err = run("solve", path, "--format", "toml")
    assert (code, tomllib.loads(out)["name"], err) == (4, "Small", f"{NO}\nnetsolve: {FAULT}\n")


def test_torch_refuses(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = LayerRun("conv2d_1", (4, 8, 8), None, "kernel too large")
    monkeypatch.setattr(Solution, "verify", lambda _, **_given: Verification((refused,), 112))
    code, out, _ = run("solve", file(SOLVABLE))
    assert (code, out.splitlines()[-1]) == (
        4,
        "run     NO: after conv2d_1 4 x 8 x 8 was predicted; torch says: kernel too large",
    )


def test_torch_could_not_be_asked_for_lack_of_memory(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    agreed = LayerRun("conv2d_1", (4, 8, 8), (4, 8, 8))
    monkeypatch.setattr(Solution, "verify", lambda _, **_given: Verification((agreed,), 112, "meta", "too large"))
    code, out, _ = run("solve", file(SOLVABLE))
    assert (code, out.splitlines()[-1]) == (
        0,
        "run     not on the CPU (too large); on torch's meta device its shape agrees (112 parameters)",
    )


def test_z3_disagrees(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Solution, "prove", lambda *_: False)
    code, out, err = run("solve", file(SOLVABLE), "--no-run")
    assert (code, out.splitlines()[-1]) == (4, "proved  NO: z3 disagrees")
    assert err == f"netsolve: z3 says that these values do not fit\nnetsolve: {FAULT}\n"


def test_a_crash_says_how_to_report_it(run: Run, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> None:
        msg = "boom"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr(queries, "solve", crash)
    code, out, err = run("solve", file(SOLVABLE))
    lines = err.splitlines()
    assert (code, out, lines[0], lines[-2:]) == (
        4, "", "Traceback (most recent call last):", ["ZeroDivisionError: boom", f"netsolve: {FAULT}"]
    )  # fmt: skip
