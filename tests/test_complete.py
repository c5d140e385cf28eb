"""What shells offer, asked for as bash, zsh and fish ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from netsolve.cli.complete import layers
from netsolve.ops import OPERATORS
from support import conv, document, table


def offered(shell: str, line: str) -> list[str]:
    """The first word of each line that a shell is given for what is typed."""
    words = line.split(" ")
    asked = {"_NETSOLVE_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        asked |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    else:
        asked |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    command = [sys.executable, "-m", "netsolve"]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return [found.split("\t")[0] for found in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_a_shell_offers_commands_options_and_operators(shell: str) -> None:
    assert offered(shell, "netsolve ch") == ["check"]
    assert offered(shell, "netsolve solve --no-p") == ["--no-proof"]
    assert offered(shell, "netsolve ops ConvT") == sorted(name for name in OPERATORS if name.startswith("ConvT"))
    assert offered(shell, "netsolve ops ConvTranspose1") == ["ConvTranspose1d"]


@pytest.mark.parametrize("option", ["sizes examples/netd.toml --at", "repair examples/netd.toml --keep"])
def test_a_shell_offers_the_layers_of_the_document(option: str) -> None:
    assert offered("bash", f"netsolve {option} flat") == ["flatten_1"]


def test_layers_are_those_of_the_document(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(document(conv(padding="?"), table(op="ReLU"), conv(name="last")), encoding="utf-8")
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    context.params = {"file": str(path)}
    assert list(layers(context, "")) == ["conv2d_1", "relu_1", "last"]
    assert list(layers(context, "con")) == ["conv2d_1"]
    for file in ("-", None, str(tmp_path / "nothing.toml"), str(tmp_path)):
        context.params = {"file": file}
        assert list(layers(context, "")) == []
    path.write_text("input = 3", encoding="utf-8")
    context.params = {"file": str(path)}
    assert list(layers(context, "")) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str) -> None:
    environment = os.environ | {"_NETSOLVE_COMPLETE": f"source_{shell}"}
    command = [sys.executable, "-m", "netsolve"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert f"_NETSOLVE_COMPLETE=complete_{shell}" in done.stdout
