"""Measure everything: python benchmarks/measure.py --corpus DIR [-o FILE] [--peers N] [--limit N].

DIR holds `to_toml.py` and `nets/*.json`. For every recorded network, paddings unknown, with the final size and with the
size after every stage: is the first answer the authors' (habits learned without the network's family), are
probabilities calibrated, how long does it take, and how long do others take for the same. Then how time grows.
"""

import argparse
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from typing import Any

from learn import Observation, converter, learn, networks, observed
from peers import Costs, CpSat, optimized, tried

from netsolve.deadline import Deadline
from netsolve.document import loads
from netsolve.engines.plausible import Plausibility, plausibility_of
from netsolve.errors import UndecidedError
from netsolve.habits import Habits, learned
from netsolve.posing import pose
from netsolve.problem import Problem, Variable

TOP, RANKS = 100, 10
BINS = (0.0, 0.5, 0.8, 0.9, 0.99, 1.0)
PEER_SECONDS, PEER_MOST = 10.0, 1_000_000
MANY = 1000
WINDOW = re.compile(r'name = "(?P<name>[^"]+)".* kernel_size = (?P<size>\d+),.* padding = "\?"')
Row = list[str]


@dataclass
class Result:
    """What was measured on one network: seconds by step, and how the authors' answer fared."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    count: int = 0
    right: bool = False
    rank: int | None = None
    layers: int = 0
    layers_right: int = 0
    probability: float | None = None
    shares: list[tuple[float, bool]] = field(default_factory=list)
    peers: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Posing, best, count and the first hundred."""
        return sum(self.seconds[step] for step in ("pose", "best", "count", "top"))


def timed(result: Result, step: str, work: Callable[[], Any]) -> Any:
    """What a function gives; how long it took is noted."""
    start = process_time()
    found = work()
    result.seconds[step] = process_time() - start
    return found


def measured(name: str, text: str, truth: Mapping[str, Any], habits: Habits) -> tuple[Result, Plausibility]:
    """Everything about one network."""
    result, network = Result(name), loads(text)
    problem = timed(result, "pose", lambda: pose(network))

    def best() -> Plausibility:
        found = plausibility_of(problem, habits, Deadline(60))
        assert found is not None  # noqa: S101 - the authors' values fit
        assert found.best  # noqa: S101 - worked out here
        return found

    order = timed(result, "best", best)
    result.count = timed(result, "count", partial(counted, order))
    listed = timed(result, "top", lambda: list(islice(order.ranked(), TOP)))
    told = {key: tuple(value) if isinstance(value, list) else value for key, value in truth.items()}
    answers = [{q.key: q.answer(found) for q in problem.questions} for _, found in listed[:RANKS]]
    result.right = answers[0] == told
    result.rank = answers.index(told) + 1 if told in answers else None
    result.layers, result.layers_right = len(told), sum(answers[0][key] == value for key, value in told.items())
    explored = timed(result, "probability", lambda: order.explored)
    result.probability = explored.probability(order.weight(order.best))
    if explored.complete:
        result.shares = list(shares(order, told))
    return result, order


def counted(order: Plausibility) -> int:
    """How many assignments there are, the tables made for it included."""
    return order.tables.count()


def shares(order: Plausibility, truth: Mapping[str, Any]) -> Iterator[tuple[float, bool]]:
    """The probability of each value of each question mark, and whether it is the authors'."""
    found = order.explored.shares({})
    for question in order.tables.problem.questions:
        true = truth[question.key] if question.listed else [truth[question.key]]
        for operand, value in zip(question.entries, true, strict=True):
            if isinstance(operand, Variable) and len(order.tables.values(operand)) > 1:
                yield from ((p, v == value) for v, p in found[operand].items())


def compared(result: Result, problem: Problem, order: Plausibility, *, slow: bool) -> None:
    """What others take for the same: the best under the costs of the best explanation, and the count."""
    explanation, _ = next(order.search.explanations(Deadline(60)))
    rows = order.costs(explanation)
    costs: Costs = {
        v: (order.tables.values(v), row) for v, row in rows.items() if v in problem.domains and v not in order.losses
    }
    try:
        result.peers["CP-SAT best"], _ = CpSat(problem).best(costs, PEER_SECONDS)
        result.peers["CP-SAT count"], listed, complete = CpSat(problem).count(PEER_SECONDS, PEER_MOST)
        if complete and listed != result.count:
            print(f"{result.name}: CP-SAT counts {listed}, netsolve {result.count}")
        result.peers["CP-SAT listed"] = listed
    except NotImplementedError:
        return
    if slow:
        result.peers["z3 Optimize best"], _ = optimized(problem, costs, PEER_SECONDS)
    if (brute := tried(problem, 3000)) is not None:
        result.peers["brute force count"], found = brute
        if found != result.count:
            print(f"{result.name}: brute force counts {found}, netsolve {result.count}")


def left_out(folder: Path, module: Any) -> tuple[dict[str, Observation], dict[str, Habits]]:
    """What was observed of each network, and for each family the habits learned without it."""
    with redirect_stdout(StringIO()):
        seen: dict[str, Observation] = {
            n["name"]: o for n in networks(folder) if (o := observed(n, module)) is not None
        }
    return seen, {f: learn(o for o in seen.values() if o[0] != f) for f in {o[0] for o in seen.values()}}


def corpus(folder: Path, sizes: str, peers: int, limit: int | None) -> list[Result]:
    """Every recorded network with each family left out of its own training."""
    module = converter(folder)
    seen, habits = left_out(folder, module)
    results: list[Result] = []
    for net in [n for n in networks(folder) if n["name"] in seen][:limit]:
        text, truth = module.convert(net, unknown="paddings", sizes=sizes)
        if not truth:
            continue
        result, order = measured(net["name"], text, truth, habits[net["family"]])
        if peers and len(results) % max(1, len(seen) // peers) == 0:
            compared(result, pose(loads(text)), order, slow=len(results) % (4 * max(1, len(seen) // peers)) == 0)
        results.append(result)
    return results


def spread(values: list[float]) -> str:
    """Median, 95% and largest of seconds, in milliseconds."""
    ordered = sorted(values)
    picks = (median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], ordered[-1])
    return " / ".join(f"{1000 * seconds:.1f}" for seconds in picks)


def summary(results: list[Result]) -> Iterator[Row]:
    """The table's rows for one setting."""
    n = len(results)
    yield [
        "first answer is the authors'",
        f"{sum(r.right for r in results)} of {n} = {ratio(r.right for r in results)}",
    ]
    yield ["authors' answer among the first 10", ratio(r.rank is not None for r in results)]
    layers = sum(r.layers for r in results)
    yield ["values right in the first answer", f"{100 * sum(r.layers_right for r in results) / layers:.2f}%"]
    for step in ("pose", "best", "count", "top", "probability"):
        yield [f"ms, {step}: median / 95% / max", spread([r.seconds[step] for r in results])]
    yield ["ms, pose + best + count + top 100", spread([r.total for r in results])]
    yield ["ms, the same without posing", spread([r.total - r.seconds["pose"] for r in results])]
    yield ["networks over 1 s", ", ".join(r.name for r in results if r.total > 1) or "none"]
    for peer, step in (
        ("CP-SAT best", "best"),
        ("CP-SAT count", "count"),
        ("z3 Optimize best", "best"),
        ("brute force count", "count"),
    ):
        ratios = [r.peers[peer] / r.seconds[step] for r in results if peer in r.peers]
        if ratios:
            yield [f"{peer}: times netsolve's, median of {len(ratios)}", f"{median(ratios):.1f}"]
    capped = [r for r in results if r.peers.get("CP-SAT listed", 0) >= MANY]
    if capped:
        rates = [r.peers["CP-SAT count"] / r.seconds["count"] for r in capped]
        yield [
            f"CP-SAT count where it lists {MANY:,} to {PEER_MOST:,} in {PEER_SECONDS:.0f} s, median of {len(rates)}",
            f"{median(rates):.1f}",
        ]


def ratio(flags: Any) -> str:
    """A share in percent."""
    found = list(flags)
    return f"{100 * sum(found) / max(1, len(found)):.2f}%"


def calibration(results: list[Result]) -> Iterator[Row]:
    """Probabilities against frequencies: of first answers, and of single values."""
    answers = [(r.probability, r.right) for r in results if r.probability is not None]
    values = [pair for r in results for pair in r.shares]
    for low, high in pairwise(BINS):
        row = [f"{low:.2f} to {high:.2f}"]
        for pairs in (answers, values):
            inside = [(p, good) for p, good in pairs if low <= p < high or (high == BINS[-1] and p >= high)]
            mean = f"{sum(p for p, _ in inside) / len(inside):.3f}" if inside else "-"
            row += [str(len(inside)), mean, ratio(good for _, good in inside) if inside else "-"]
        yield row


def grown(name: str, text: str) -> Row:
    """One row of the table of growth; where tables cannot hold all assignments, the best one alone."""
    network = loads(text)
    times = [process_time()]
    problem = pose(network)
    times.append(process_time())
    found = ""
    try:
        order = plausibility_of(problem, learned(), Deadline(60))
        assert order is not None  # noqa: S101 - it was made to fit
        assert order.best  # noqa: S101 - worked out here
        times.append(process_time())
        count = order.tables.count()
        found = f"{count:.3e}" if count < 10**300 else f"10^{digits(count)}"
        times.append(process_time())
        list(islice(order.ranked(), TOP))
        times.append(process_time())
    except UndecidedError as error:
        found = str(error)
    steps = [f"{after - before:.3f}" for before, after in pairwise(times)]
    return [name, *steps, *["-"] * (4 - len(steps)), found]


def digits(number: int) -> int:
    """The decimal exponent of a large integer."""
    return int(number.bit_length() * 0.30103)


def growth() -> Iterator[Row]:
    """Chains of 10 to 10,000 layers, large kernels side by side, different axes, three axes."""
    for depth in (10, 100, 1000, 10_000):
        yield grown(f"size known after every 10th, {depth:,} layers", staged(depth))
    for depth in (10, 100, 1000, 10_000):
        yield grown(f"final size known, {depth:,} layers", chained(depth, [32, 32]))
    yield grown("final size known, 100 layers, H != W", chained(100, [32, 47], padding='["?", "?"]'))
    yield grown("final size known, 50 layers, 3 axes", chained(50, [16, 24, 24]))
    for blocks in (2, 5):
        yield grown(f"kernels 33 to 75 beside 1x1, {blocks} blocks", jasper(blocks))


def chained(depth: int, sizes: list[int], padding: str = '"?"') -> str:
    """3x3 convolutions that end at the size they start from."""
    axes = len(sizes)
    layer = f'  {{ op = "Conv{axes}d", out_channels = 8, kernel_size = 3, padding = {padding}%s }},'
    lines = [layer % "" for _ in range(depth - 1)] + [layer % f", out = [8, {', '.join(map(str, sizes))}]"]
    return "\n".join([f"input = [3, {', '.join(map(str, sizes))}]", "layers = [", *lines, "]", ""])


def staged(depth: int) -> str:
    """3x3 convolutions whose size is known after every tenth."""
    plain = '  { op = "Conv2d", out_channels = 8, kernel_size = 3, padding = "?" },'
    told = plain.replace(" },", ", out = [8, 32, 32] },")
    lines = [told if i % 10 == 9 else plain for i in range(depth)]  # noqa: PLR2004 - every tenth
    return "\n".join(["input = [3, 32, 32]", "layers = [", *lines, "]", ""])


def jasper(blocks: int) -> str:
    """Blocks of five convolutions with a large kernel beside a 1x1 convolution, as quartznet and jasper have them."""
    lines, before = (
        ['  { op = "Conv1d", name = "stem", out_channels = 8, kernel_size = 33, stride = 2, padding = "?" },'],
        "stem",
    )
    for block in range(blocks):
        kernel = (33, 39, 51, 63, 75)[block % 5]
        source = before
        for layer in range(5):
            name = f"b{block}l{layer}"
            lines.append(
                f'  {{ op = "Conv1d", name = "{name}", from = "{source}", out_channels = 8, '
                f'kernel_size = {kernel}, padding = "?" }},'
            )
            source = name
        beside = f'name = "r{block}", from = "{before}", out_channels = 8, kernel_size = 1'
        lines.append(f'  {{ op = "Conv1d", {beside} }},')
        lines.append(f'  {{ op = "add", name = "j{block}", from = ["{source}", "r{block}"] }},')
        before = f"j{block}"
    lines.append('  { op = "Identity", out = [8, 128] },')
    return "\n".join(["input = [64, 256]", "layers = [", *lines, "]", ""])


def kernels(folder: Path, limit: int | None) -> Iterator[Row]:
    """The first answer where the kernel of one layer is unknown too, drawn at random; the family is left out."""
    module, drawn = converter(folder), Random(0)  # noqa: S311 - repeatable
    seen, habits = left_out(folder, module)
    tried = whole = right = 0
    for net in [n for n in networks(folder) if n["name"] in seen][:limit]:
        text, truth = module.convert(net, unknown="paddings", sizes="stages")
        lines = text.splitlines()
        layers = [i for i, line in enumerate(lines) if WINDOW.search(line)]
        if not layers:
            continue
        place = drawn.choice(layers)
        found = WINDOW.search(lines[place])
        assert found is not None  # noqa: S101 - it was searched above
        told = {key: tuple(value) if isinstance(value, list) else value for key, value in truth.items()}
        told[f"{found['name']}.kernel_size"] = int(found["size"])
        lines[place] = f'{lines[place][: found.start("size")]}"?"{lines[place][found.end("size") :]}'
        problem = pose(loads("\n".join(lines)))
        try:
            order = plausibility_of(problem, habits[seen[net["name"]][0]], Deadline(60))
        except UndecidedError:
            continue
        assert order is not None  # noqa: S101 - the authors' values fit
        answer = {q.key: q.answer(order.best) for q in problem.questions}
        tried += 1
        whole += answer == told
        right += answer[f"{found['name']}.kernel_size"] == int(found["size"])
    yield ["networks decided", str(tried)]
    yield ["the whole first answer is the authors'", f"{whole} = {whole / max(tried, 1):.1%}"]
    yield ["the kernel is the authors'", f"{right} = {right / max(tried, 1):.1%}"]


def table(head: Row, rows: Iterator[Row]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(corpus_results: Mapping[str, list[Result]], windows: Iterator[Row]) -> str:
    """Everything that was measured, as Markdown."""
    machine = (
        f"seconds of CPU time, one core of {os.cpu_count()} ({platform.machine()}), Python {platform.python_version()}"
    )
    parts = ["# Results", f"Written by `python benchmarks/measure.py --corpus DIR`; {machine}."]
    for sizes, results in corpus_results.items():
        known = {"final": "input and final sizes known", "stages": "the size after every stage known"}[sizes]
        parts.append(f"## Recorded networks, paddings unknown, {known}")
        parts.append(table(["measure", "result"], summary(results)))
        head = ["probability", "first answers", "mean", "right", "single values", "mean", "right"]
        parts.append(table(head, calibration(results)))
    parts.append("## Recorded networks, paddings and one kernel unknown, the size after every stage known")
    parts.append(table(["measure", "result"], windows))
    parts.append("## Growth")
    parts.append(table(["network", "pose, s", "best", "count", "top 100", "assignments"], growth()))
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/RESULTS.md"))
    parser.add_argument("--peers", type=int, default=20, help="how many networks others are given too")
    parser.add_argument("--limit", type=int, help="only the first so many networks")
    args = parser.parse_args()
    found = {sizes: corpus(args.corpus, sizes, args.peers, args.limit) for sizes in ("final", "stages")}
    args.output.write_text(report(found, kernels(args.corpus, args.limit)), encoding="utf-8")


if __name__ == "__main__":
    main()
