"""Whole recorded networks: python benchmarks/corpus.py --corpus DIR [--run] [--gib N] [--seconds S].

DIR holds `to_toml.py` and `nets/*.json`. One line a network: its nodes; milliseconds to load and to pose it; whether
the sizes of the fully known document agree with the recorded ones, node by node; then, with all paddings of
convolutions and pools unknown: milliseconds to solve it, whether the authors' assignment is among the answers (by plain
integers and by z3), whether it is the best one, and with --run whether torch runs the best one with every shape as
predicted.
"""

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from learn import converter

from netsolve.answer import Answer
from netsolve.deadline import Deadline
from netsolve.document import loads
from netsolve.engines.z3 import Z3Engine
from netsolve.errors import NetsolveError, UndecidedError
from netsolve.network import Network
from netsolve.posing import pose
from netsolve.problem import Problem, Variable
from netsolve.queries import check, solve

COLUMNS = ("network", "nodes", "load", "pose", "sizes", "solve", "truth", "z3", "best", "torch")
WIDTHS = (36, 6, 6, 6, 7, 7, 6, 8, 6, 40)


def timed(work: Any) -> tuple[Any, int]:
    """What a function gives, and the milliseconds it took."""
    start = perf_counter()
    found = work()
    return found, round(1000 * (perf_counter() - start))


def sizes_agree(network: Network, net: Mapping[str, Any]) -> str:
    """Whether a check gives the recorded size after every node."""
    result = check(network)
    if result.problem is not None:
        return f"NO: {result.problem}"
    inputs = [node for node in net["nodes"] if node["op"] == "Input"]
    names = {node["name"]: "input" if len(inputs) == 1 and node in inputs else node["name"] for node in net["nodes"]}
    wrong = [n["name"] for n in net["nodes"] if result.shapes[names[n["name"]]] != tuple(n["out"])]
    return f"NO: {wrong[0]}" if wrong else "yes"


def authors(problem: Problem, truth: Mapping[str, Any]) -> dict[Variable, int]:
    """The authors' values for every variable of a problem."""
    given: dict[Variable, int] = {}
    for question in problem.questions:
        true = truth[question.key]
        entries = zip(question.entries, true if question.listed else [true], strict=True)
        given.update({operand: value for operand, value in entries if isinstance(operand, Variable)})
    defined = {factor.output for factor in problem.factors if factor.output is not None}
    missing = problem.domains.keys() - given.keys() - defined
    assert not missing, f"no value for {missing}"  # noqa: S101 - the corpus records every argument
    return problem.complete(given)


def judged(problem: Problem, truth: Mapping[str, Any], seconds: float) -> tuple[str, str]:
    """Whether the authors' assignment is an answer, by plain integers and by z3."""
    values = authors(problem, truth)
    broken = problem.broken(values)
    try:
        holds = Z3Engine().holds(problem, values, Deadline(seconds))
    except UndecidedError:
        return ("NO" if broken else "yes"), "late"
    return ("NO" if broken else "yes"), ("yes" if holds else "NO")


def run(answer: Answer, gib: float) -> str:
    """What torch says of the best answer."""
    from netsolve.verify import memory_needed  # noqa: PLC0415 - torch is needed with --run only

    assert answer.best is not None  # noqa: S101 - called for solved networks
    needed = memory_needed(answer.best.network, answer.best.shapes) / 2**30
    if needed > gib:
        return f"left out: {needed:.1f} GiB"
    found, milliseconds = timed(answer.best.verify)
    return f"{'yes' if found.verified else 'NO'} {milliseconds} ms" + (f" {found.mismatch}" if found.mismatch else "")


def row(net: Mapping[str, Any], module: Any, args: argparse.Namespace, started: float) -> tuple[str, ...]:
    """One network's line."""
    nodes = len(net["nodes"])
    try:
        known, _ = module.convert(net, unknown="none", sizes="final")
        text, truth = module.convert(net, unknown="paddings", sizes="final")
    except module.NotExpressible as error:
        return (net["name"], str(nodes), "", "", f"not expressible: {error}", "", "", "", "", "")
    sizes = sizes_agree(loads(known), net)
    network, load = timed(lambda: loads(text))
    problem, posing = timed(lambda: pose(network))
    answer, solving = timed(lambda: solve(network, timeout=args.timeout))
    plain, z3 = judged(problem, truth, args.timeout)
    best, ran = "", ""
    if answer.best is not None:
        best = "yes" if all(answer.best.values[key] == _plain(truth[key]) for key in answer.best.values) else "no"
        late = perf_counter() - started > args.seconds
        ran = "" if not args.run else "left out: no time" if late else run(answer, args.gib)
    solved = str(solving) if answer.status == "solved" else f"{answer.status} {solving}"
    return (net["name"], str(nodes), str(load), str(posing), sizes, solved, plain, z3, best, ran)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def main() -> None:
    """Print the table, then how often each column said what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--run", action="store_true", help="build and run the best answer of each in torch")
    parser.add_argument("--gib", type=float, default=4.0, help="do not run what needs more memory than this")
    parser.add_argument("--seconds", type=float, default=600.0, help="start no run in torch after so many seconds")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for one search, and for one proof")
    args = parser.parse_args()
    module, started = converter(args.corpus), perf_counter()
    nets = [json.loads(path.read_text(encoding="utf-8")) for path in (args.corpus / "nets").glob("*.json")]
    nets.sort(key=lambda net: (sum(prod(node["out"]) for node in net["nodes"]), net["name"]))
    print_row(COLUMNS)
    summary: Counter[tuple[str, str]] = Counter()
    for net in nets:
        found = (net["name"], str(len(net["nodes"])), *[""] * 8)
        try:
            found = row(net, module, args, started)
        except NetsolveError as error:
            found = (*found[:4], f"ERROR {str(error).splitlines()[0]}", *found[5:])
        print_row(found)
        words = [(name, each.split()[0]) for name, each in zip(COLUMNS, found, strict=True) if each]
        summary.update((name, "number" if word.isdecimal() else word) for name, word in words if name != "network")
    for (name, word), count in sorted(summary.items()):
        print(f"{name}: {word} {count}")


def prod(shape: list[int]) -> int:
    """How many cells a tensor has."""
    cells = 1
    for size in shape:
        cells *= size
    return cells


def print_row(cells: tuple[str, ...]) -> None:
    """One line of the table."""
    with suppress(BrokenPipeError):
        print(" ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip(), flush=True)


if __name__ == "__main__":
    main()
