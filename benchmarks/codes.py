"""Python code of every recorded network: run on torch's meta device, compared with what `build` makes, checked by ruff.

    python benchmarks/codes.py --corpus DIR [--keep DIR]

Needs ruff beside netsolve. DIR holds `nets/` and `to_toml.py`, as for `corpus.py`.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from learn import converter
from torch import nn

from netsolve import Network, loads
from netsolve.build import build
from netsolve.codegen import python_source
from netsolve.queries import check

RULES = "E,F,W,I,N,UP,B,C4,SIM,RET,PIE,A"


def agreement(network: Network, shapes: Any, source: str) -> str:
    """How the module of the source and that of `build` differ; "agrees" where they do not."""
    space: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, network.name, "exec"), space)  # noqa: S102 - the code is netsolve's own
    model: nn.Module = [kind for kind in space.values() if isinstance(kind, type)][-1]().eval()
    other = build(network, shapes, device="meta").eval()
    sizes = [sorted(tuple(p.shape) for p in each.parameters()) for each in (model, other)]
    if sizes[0] != sizes[1]:
        return "other parameters"
    xs = [torch.zeros(2, *shapes[name]) for name in network.inputs]
    found, expected = model(*xs), other(*xs)
    pairs = [(found[n], expected[n]) for n in expected] if isinstance(expected, dict) else [(found, expected)]
    return "agrees" if all(a.shape == b.shape for a, b in pairs) else "other shapes"


def main() -> None:
    """Print how many agree, how long the writing took, and what ruff says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="leave the files there")
    args = parser.parse_args()
    module, words, times, lines = converter(args.corpus), Counter[str](), [0.0], 0
    with TemporaryDirectory() as scratch, torch.device("meta"), torch.inference_mode():
        folder = args.keep or Path(scratch)
        folder.mkdir(exist_ok=True, parents=True)
        for path in sorted((args.corpus / "nets").glob("*.json")):
            net = json.loads(path.read_text(encoding="utf-8"))
            try:
                network = loads(module.convert(net, unknown="none", sizes="final")[0])
            except module.NotExpressible:
                words["not expressible"] += 1
                continue
            shapes, started = check(network).shapes, perf_counter()
            source = python_source(network, shapes)
            times.append(perf_counter() - started)
            lines += source.count("\n")
            (folder / f"{path.stem.lower()}.py").write_text(source, encoding="utf-8")
            words[agreement(network, shapes, source)] += 1
        print(dict(words), f"{lines} lines; seconds: all {sum(times):.2f}, longest {max(times):.2f}")
        for command in (["check", "--select", RULES], ["format", "--check"]):
            run = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(folder)]
            print(subprocess.run(run, capture_output=True, text=True, check=False).stdout[-2000:])  # noqa: S603 - runs what it has just written


if __name__ == "__main__":
    main()
