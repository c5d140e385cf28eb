"""Python code that netsolve wrote: run, compared with what `build` makes, and checked by ruff."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netsolve import Network
from netsolve.build import build

LINTS = "E,F,W,I,N,UP,B,C4,SIM,RET,PIE,A"


def module_of(source: str) -> nn.Module:
    """The module that a source defines, made."""
    space: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, "generated", "exec"), space)  # noqa: S102 - running the code is what is tested
    last = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)][-1]
    model = space[last]()
    assert isinstance(model, nn.Module)
    return model.eval()


def inputs_of(network: Network, shapes: Any) -> list[Tensor]:
    """An input for each of a network's: two samples of zeros."""
    whole = {name for layer in network.layers if layer.op.indices for name in layer.inputs}
    return [torch.zeros(2, *shapes[n], dtype=torch.long if n in whole else torch.float32) for n in network.inputs]


def compare(network: Network, shapes: Any, source: str, *, device: str = "meta") -> None:
    """The module that the source makes, and that of `build`: parameters as many, outputs of one shape."""
    with torch.device(device), torch.inference_mode():
        model, other = module_of(source), build(network, shapes, device=device).eval()
        xs = [x.to(device) for x in inputs_of(network, shapes)]
        found, expected = model(*xs), other(*xs)
    sizes = [[tuple(p.shape) for p in each.parameters()] for each in (model, other)]
    assert sorted(sizes[0]) == sorted(sizes[1])
    if isinstance(expected, dict):
        assert {name: x.shape for name, x in found.items()} == {name: x.shape for name, x in expected.items()}
    else:
        assert found.shape == expected.shape


def tidy(folder: Path) -> None:
    """Ruff finds nothing in the files of a folder, and would format nothing."""
    for command in (["check", "--select", LINTS], ["format", "--check"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout
