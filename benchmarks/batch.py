"""How a batch grows with cores: python benchmarks/batch.py --corpus DIR [--problems N] [--jobs N].

DIR holds `to_toml.py` and `nets/*.json`. So many of the recorded networks, paddings unknown, in turn, are written to
files and solved by `solve_many`: with one process, and with N. Printed are wall seconds, the seconds of work in the
workers, and how many times faster N processes are; the processes' start is part of the time.
"""

import argparse
import os
import tempfile
from collections import Counter
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

from learn import converter, networks

from netsolve import solve_many


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


def measured(files: list[Path], jobs: int) -> tuple[float, float, Counter[str]]:
    """Wall seconds, seconds of work, and what the problems came to."""
    statuses: Counter[str] = Counter()
    work, start = 0.0, perf_counter()
    for outcome in solve_many(files, jobs=jobs):
        statuses[outcome.answer.status if outcome.answer else type(outcome.error).__name__] += 1
        work += outcome.seconds or 0.0
    return perf_counter() - start, work, statuses


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
        alone, _, _ = measured(files, 1)
        together, work, statuses = measured(files, args.jobs)
    print(f"{args.problems} problems, {dict(statuses)}; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"1 process: {alone:.1f} s; {args.jobs}: {together:.1f} s, {work:.1f} s of work in them")
    print(f"{alone / together:.2f} times as fast with {args.jobs}")


if __name__ == "__main__":
    main()
