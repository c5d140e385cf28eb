"""How soon the program ends: python benchmarks/ends.py [--runs N] [--seed S].

N times `netsolve solve` is given a document that keeps every engine busy, and is interrupted by Ctrl-C at a random
moment; then documents of that kind and a time limit. Printed are the exit codes, and the longest time from the
interrupt, or from the time limit and the start of the program, to the end.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

PROGRAM = """
import sys
from netsolve import __main__
print("ready", file=sys.stderr, flush=True)
__main__.main()
"""


def hard(random: Random) -> str:
    """A document that takes long: chains under constraints that tie everything, large sets, wide products."""
    depth, ties = random.choice([20, 40, 80]), random.random() < 0.5  # noqa: PLR2004 - half of them
    layers = "".join(
        f'  {{ op = "Conv2d", name = "a{i}", out_channels = 4, kernel_size = "?1..{random.choice([5, 11])}", '
        f'padding = "?0..5", stride = "?1..3", dilation = "?1..{random.choice([1, 4])}" }},\n'
        for i in range(depth)
    )
    texts = [f'"(a{i}.out[1] * 7 + a{i}.out[2] * 5) % 11 == a{i + 1}.out[2] % 11"' for i in range(depth - 2)]
    size = random.choice(['"?1..100000"', "99991", "513"])
    constraints = f"constraints = [{', '.join(texts)}]\n" if ties else ""
    return f"input = [3, {size}, 99989]\noutput = [4, 17, 19]\n{constraints}layers = [\n{layers}]\n"


def ended(file: Path, after: float | None, limit: float) -> tuple[int, float]:
    """The exit code, and the seconds from the interrupt (or the time limit) to the end."""
    command = [sys.executable, "-c", PROGRAM, "solve", str(file), "--timeout", str(limit), "--no-run", "--no-proof"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as program:  # noqa: S603 - it runs netsolve itself
        assert program.stderr is not None  # noqa: S101 - it is a pipe
        program.stderr.readline()
        start = time.monotonic()
        if after is not None:
            time.sleep(after)
            start = time.monotonic()
            program.send_signal(signal.SIGINT)
            limit = 0.0
        program.communicate()
        return program.returncode, time.monotonic() - start - limit


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    random = Random(args.seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "hard.toml"
        for what in ("interrupt", "time limit"):
            codes: Counter[int] = Counter()
            longest = 0.0
            for _ in range(args.runs):
                file.write_text(hard(random), encoding="utf-8")
                after = random.uniform(0.05, 4.0) if what == "interrupt" else None
                code, seconds = ended(file, after, 600.0 if after else random.uniform(0.2, 3.0))
                codes[code] += 1
                longest = max(longest, seconds)
            load = os.getloadavg()[0]
            print(f"{what}: exit codes {dict(codes)}, ended after {longest:.2f} s at most; load {load:.1f}", flush=True)


if __name__ == "__main__":
    main()
