"""The table of a network as text: widths that are kept, columns that line up, blocks as a tree, repetitions folded."""

import io
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from netsolve import load, loads, solve
from netsolve.report.rows import Row, before_text, rows_of
from netsolve.report.table import PLAIN, UNICODE, Signs, table
from netsolve.report.text import print_table, say
from netsolve.report.tree import Alike, Block, Part, folded, line_count, tree_of
from support import conv, document
from support import table as entry

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.toml"))
NAMES = [path.stem for path in EXAMPLES]


@cache
def rows(name: str) -> tuple[Row, ...]:
    path = Path(__file__).parent.parent / "examples" / f"{name}.toml"
    best = solve(load(path)).best
    assert best is not None
    return rows_of(best.network, best.shapes, best.values)


def of(text: str) -> tuple[Row, ...]:
    best = solve(loads(text)).best
    assert best is not None
    return rows_of(best.network, best.shapes, best.values)


def lines(found: Sequence[Row], width: int | None = None, signs: Signs = UNICODE, *, fold: bool = False) -> list[str]:
    return ["".join(text for text, _ in line) for line in table(found, width, signs, fold=fold)[0]]


def leaves(parts: Sequence[Part]) -> list[Row | Alike]:
    found: list[Row | Alike] = []
    for part in parts:
        found += leaves(part.parts) if isinstance(part, Block) else [part]
    return found


@pytest.mark.parametrize("width", [60, 80, 100, 140])
@pytest.mark.parametrize("name", NAMES)
def test_a_width_is_kept(name: str, width: int) -> None:
    assert max(map(len, lines(rows(name), width))) <= width


@pytest.mark.parametrize("name", NAMES)
def test_without_a_width_each_line_has_a_whole_name_and_what_feeds_a_join(name: str) -> None:
    shown = lines(rows(name))[2:]
    assert [line.split()[0] for line in shown] == [row.name for row in rows(name)]
    for row, line in zip(rows(name), shown, strict=True):
        assert (f"from {', '.join(row.feeds)}" in line) is row.branches
        assert "\u2026" not in line


@pytest.mark.parametrize("width", [None, 120])
@pytest.mark.parametrize("name", NAMES)
def test_arrows_stand_below_one_another(name: str, width: int | None) -> None:
    places = {line.index("\u2192") for line in lines(rows(name), width) if "\u2192" in line}
    assert len(places) <= 1


def test_found_values_are_marked_and_numbers_line_up() -> None:
    found = of(document(conv(padding="?"), conv(5, padding=2), table_pool(), input=[3, 8, 8], output=[4, 4, 4]))
    assert lines(found) == [
        "layer        kernel  stride  padding         in   out        parameters",
        "\u2500" * 71,
        "input                                             3 x 8 x 8",
        "conv2d_1          3       1      1 *  3 x 8 x 8 \u2192 4 x 8 x 8         112",
        "conv2d_2          5       1      2    4 x 8 x 8 \u2192 4 x 8 x 8         404",
        "maxpool2d_1       2       2      0    4 x 8 x 8 \u2192 4 x 4 x 4",
    ]


def table_pool() -> str:
    return entry(op="MaxPool2d", kernel_size=2)


def test_blocks_are_a_tree_and_joins_say_what_feeds_them() -> None:
    text = (
        document(entry(block="two", name="a"), entry(op="cat", **{"from": ["a", "input"]}), input=[3, 8, 8])
        + '[blocks.two]\nlayers = [{ op = "ReLU" }, { op = "Conv2d", out_channels = 5, kernel_size = 1 }]\n'
    )
    assert lines(of(text), 80) == [
        "layer       kernel  stride  padding           in   out        parameters",
        "\u2500" * 72,
        "input                                              3 x 8 x 8",
        "a",
        "\u251c relu_1                               3 x 8 x 8 \u2192 3 x 8 x 8",
        "\u2514 conv2d_1       1       1        0    3 x 8 x 8 \u2192 5 x 8 x 8          20",
        "cat_1                                5+3 x 8 x 8 \u2192 8 x 8 x 8",
        "  from a.conv2d_1, input",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_plain_signs_are_plain(name: str) -> None:
    assert all(line.isascii() for width in (None, 60) for line in lines(rows(name), width, PLAIN, fold=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_tree_has_every_row_once_and_in_order(name: str) -> None:
    assert leaves(tree_of(rows(name))) == list(rows(name))


def counted(parts: Sequence[Part]) -> int:
    """The rows of a folded tree, those that are folded among them."""
    total = 0
    for place, part in enumerate(parts):
        if isinstance(part, Alike):
            total += part.times * counted(parts[place - part.period : place])
        else:
            total += counted(part.parts) if isinstance(part, Block) else 1
    return total


@pytest.mark.parametrize("name", NAMES)
def test_folding_loses_no_row(name: str) -> None:
    tree = tree_of(rows(name))
    assert counted(folded(tree)) == len(rows(name))
    assert line_count(folded(tree)) <= line_count(tree)


def test_what_differs_is_not_folded() -> None:
    same = [conv(padding=1, out_channels=3)] * 8
    folds = [part for part in folded(tree_of(of(document(*same)))) if isinstance(part, Alike)]
    assert folds == [Alike(7, 1, "conv2d_2", "conv2d_8")]
    wider = [conv(padding=1, out_channels=3 + i) for i in range(8)]
    assert not any(isinstance(part, Alike) for part in folded(tree_of(of(document(*wider)))))
    skips = [entry(op="add", **{"from": [f"relu_{i}", "input"]}) for i in range(1, 5)]
    text = document(*(layer for skip in skips for layer in (entry(op="ReLU"), skip)))
    assert not any(isinstance(part, Alike) for part in folded(tree_of(of(text))))


def test_resnet_is_folded_on_request_and_unfolded_otherwise() -> None:
    shown, short = table(rows("resnet50"), 100, fold=True)
    assert short
    assert any("4 more like it: bottleneck_2.1 \u2026 bottleneck_2.4" in "".join(t for t, _ in line) for line in shown)
    assert not table(rows("resnet50"), 100)[1]
    assert not table(rows("dqn"), 100, fold=True)[1]


def test_what_feeds_a_join_is_shown_with_its_sizes() -> None:
    by_name = {row.name: row for row in rows("unet_padded")}
    assert before_text(by_name["up4.cat_1"]) == "512+512 x 32 x 32"
    by_name = {row.name: row for row in rows("resnet50")}
    assert before_text(by_name["conv2.bottleneck_1.add_1"]) == "256 x 56 x 56"


# Streams.


def written(encoding: str, monkeypatch: pytest.MonkeyPatch, columns: str | None = None) -> str:
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    bytes_ = io.BytesIO()
    stream = io.TextIOWrapper(bytes_, encoding=encoding)
    best = solve(load(EXAMPLES[0].parent / "unet_padded.toml")).best
    assert best is not None
    print_table(best.network, best.shapes, best.values, stream)
    say("hint    the size after up1.double_1.conv2d_2: if it is 256 x 256, 19,683 assignments would be left", stream)
    stream.flush()
    return bytes_.getvalue().decode(encoding)


def test_a_pipe_has_whole_lines_and_a_width_if_columns_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written("utf-8", monkeypatch)
    assert "\nup4.double_1.conv2d_1 " in whole
    assert whole.endswith("19,683 assignments would be left\n")
    narrow = written("utf-8", monkeypatch, "60").splitlines()
    assert max(map(len, narrow)) <= 60
    assert narrow[-1] == "        256, 19,683 assignments would be left"
    assert written("utf-8", monkeypatch, "no number") == whole


def test_an_encoding_without_unicode_gets_plain_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "->" in written("ascii", monkeypatch)
    assert "->" in written("latin-1", monkeypatch, "100")


@pytest.mark.parametrize(("options", "more"), [([], True), (["--full"], False)])
def test_a_terminal_folds_unless_asked_for_all(options: list[str], more: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pty, fcntl, termios = map(pytest.importorskip, ("pty", "fcntl", "termios"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
    command = [sys.executable, "-m", "netsolve", "solve", str(EXAMPLES[0].parent / "resnet50.toml"), "--no-run"]
    with subprocess.Popen([*command, "--no-proof", *options], stdout=theirs, stderr=theirs) as started:
        os.close(theirs)
        found = b""
        while chunk := read(ours):
            found += chunk
        assert started.wait(60) == 0
    os.close(ours)
    shown = found.decode().splitlines()
    assert any("more like it" in line for line in shown) is more
    assert ("(some layers are folded; --full shows all)" in shown) is more
    assert max(map(len, shown)) <= 90


def read(terminal: int) -> bytes:
    """What a program has written to a terminal; nothing once it has ended."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
