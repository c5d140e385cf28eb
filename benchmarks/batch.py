"""How a batch grows with cores: python benchmarks/batch.py --corpus DIR [--problems N] [--jobs N].

DIR holds `to_toml.py` and `nets/*.json`. So many of the recorded networks, paddings unknown, in turn, are written to
files and solved by `solve_many`: with one process, and with N. Printed are wall seconds, how many times faster N
processes are (their start is part of the time), and CPU seconds of the workers and of the process that hands them
problems: the ratio of these two bounds how many workers it can keep busy, whatever else the machine is doing.
"""

import argparse
import os
import resource
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time

from learn import converter, networks

from netsolve import solve_many
from netsolve.workers import Workers


def documents(corpus: Path) -> list[str]:
    """The recorded networks as documents."""
    module = converter(corpus)
    found = []
    for net in networks(corpus):
        try:
            found.append(module.convert(net, unknown="paddings", sizes="final")[0])
        except module.NotExpressible:
            continue
    return found


@dataclass(frozen=True)
class Measured:
    """Seconds, and what the problems came to."""

    wall: float
    own: float
    workers: float
    statuses: Counter[str]


def measured(files: list[Path], jobs: int) -> Measured:
    """Solve all files with so many processes."""
    statuses: Counter[str] = Counter()
    start, own, workers = perf_counter(), process_time(), _children()
    with Workers(jobs, seconds=60.0) as executor:
        for outcome in solve_many(files, executor=executor):
            statuses[outcome.answer.status if outcome.answer else type(outcome.error).__name__] += 1
        wall = perf_counter() - start
    return Measured(wall, process_time() - own, _children() - workers, statuses)


def _children() -> float:
    """CPU seconds of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        files = []
        for number, text in enumerate(islice(cycle(documents(args.corpus)), args.problems)):
            files.append(Path(home) / f"{number}.toml")
            files[-1].write_text(text, encoding="utf-8")
        alone, together = measured(files, 1), measured(files, args.jobs)
    print(f"{args.problems} problems, {dict(together.statuses)}; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"1 process: {alone.wall:.1f} s; {args.jobs}: {together.wall:.1f} s; {alone.wall / together.wall:.2f} times")
    for name, each in {"1 process": alone, f"{args.jobs} processes": together}.items():
        ratio = each.workers / each.own
        print(f"{name}: {each.workers:.1f} s of CPU in workers, {each.own:.1f} s beside them: 1 to {ratio:.0f}")


if __name__ == "__main__":
    main()
