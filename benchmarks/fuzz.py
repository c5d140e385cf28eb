"""Try to break netsolve: python benchmarks/fuzz.py --documents N [--seed S] [--jobs N] [--timeout S] [--only NUMBER].

Documents number S to S+N-1 of `mutants.py` go through load, solve and JSON, one of three also through count, check,
explain, repair, sizes, text and the way back to TOML. What is wrong is printed with the document's number: an exception
that is not netsolve's own, an error without its file, an answer that does not hold where it is written back, and a
single question that takes more CPU time than its limit and a second. A process may take 1 GiB of memory. Ends with the
number of documents by what became of them.
"""

import argparse
import faulthandler
import multiprocessing
import resource
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from io import StringIO
from itertools import islice
from time import process_time
from zlib import crc32

from mutants import mutant

from netsolve.answer import Answer
from netsolve.conflicts.explanation import explain
from netsolve.conflicts.repairs import repair
from netsolve.document import loads, write
from netsolve.errors import DocumentError, NetsolveError, UndecidedError
from netsolve.network import Network
from netsolve.queries import check, counted, solve
from netsolve.report.conflict import conflict_lines, explanation_json, repair_json, repair_lines
from netsolve.report.json import answer_json, check_json, header_json
from netsolve.report.sizes import sizes_json, sizes_lines
from netsolve.report.text import answer_text, check_text
from netsolve.sizing import sizes

FILE = "net.toml"
TIMEOUT = 0.25
GRACE = 1.0
"""Seconds for what stands around a question: reading, posing, and texts."""

SOME = 3
"""One document of so many goes through what takes longest: text for a terminal, and the way back to TOML."""

MEMORY = 2**30
STUCK = 300
"""Wall seconds after which a process that no alarm reaches is ended."""

MOST_LINES = 40
CHUNK = 500


class SlowError(Exception):
    """A question took longer than it may."""


class WrongError(Exception):
    """An answer or an error is not what it should be."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise SlowError inside after so many seconds of CPU time, which a busy machine does not stretch."""

    def ring(*_: object) -> None:
        raise SlowError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def examine(text: str, timeout: float = TIMEOUT) -> str:
    """What becomes of a document, in a word. Raises what should not be: WrongError, or anything that is a traceback."""
    try:
        with alarm(timeout + GRACE):
            network = loads(text, FILE)
            sys.set_int_max_str_digits(0)
            answer = solve(network, timeout=timeout)
            shown = StringIO()
            solutions = tuple(answer.solutions(2))
            thorough = crc32(text.encode("utf-8", "replace")) % SOME == 0
            if thorough:
                answer_text(answer, solutions, shown)
            shown.write(answer_json(answer, solutions, [None] * len(solutions), None) + header_json(answer))
            _plain(shown.getvalue())
        if thorough:
            with alarm(timeout + GRACE):
                _holds(network, answer, timeout)
            _explained(network, answer, timeout)
    except DocumentError as error:
        _plain(str(error))
        lines = str(error).split("\n")
        if not error.mistakes or not all(line.startswith((FILE, " ")) for line in lines):
            msg = f"an error without its file: {lines[0][:200]}"
            raise WrongError(msg) from error
        return "mistaken"
    except UndecidedError:
        return "undecided"
    return answer.status


def _holds(network: Network, answer: Answer, timeout: float) -> None:
    """An answer written back is a known network with the sizes that were said, and the count is the same."""
    if answer.best is None:
        return
    if answer.count is not None and answer.best.values:
        found, _ = counted(network, timeout)
        if found != answer.count:
            msg = f"solve counts {answer.count}, and count {found}"
            raise WrongError(msg)
    try:
        text = write(network, answer.best.values, answer.best.unknowns)
    except DocumentError as error:
        if "their values differ" not in str(error):
            raise WrongError(str(error)) from error
        return
    try:
        network = loads(text, FILE)
        result = check(network)
    except DocumentError as error:
        if answer.best.network.constraints or "check is for networks without" in str(error):
            return  # `out` keeps its question marks
        msg = f"written back it is refused: {error}"
        raise WrongError(msg) from error
    if result.problem is not None or dict(result.shapes) != dict(answer.best.shapes):
        msg = f"written back it has other sizes: {result.problem or dict(result.shapes)}"
        raise WrongError(msg)
    check_text(network, result, StringIO())
    check_json(result, None)


def _explained(network: Network, answer: Answer, timeout: float) -> None:
    """Why nothing fits is said, and nothing is said of what fits; sizes are gone through."""
    with suppress(UndecidedError), alarm(timeout + GRACE):
        conflict = explain(network, timeout=timeout, run=False)
        if bool(conflict.reasons) != (answer.status == "unsolvable") and answer.status != "unknown":
            msg = f"solve says {answer.status}, and explain {conflict.reasons}"
            raise WrongError(msg)
        _plain("\n".join(conflict_lines(conflict)) + explanation_json("net", conflict))
    with suppress(UndecidedError), alarm(timeout + GRACE):
        found = repair(network, timeout=timeout, run=False)
        if found.works != (answer.status == "solved") and answer.status != "unknown":
            msg = f"solve says {answer.status}, and repair works = {found.works}"
            raise WrongError(msg)
        _plain("\n".join(repair_lines(found)) + repair_json(found))
    with suppress(UndecidedError), alarm(timeout + GRACE):
        reached = sizes(network, timeout=timeout, run=False)
        _plain("\n".join(sizes_lines(reached)) + sizes_json(reached))


def _plain(text: str) -> None:
    """Nothing in a text is obeyed by a terminal."""
    if not all(line.isprintable() for line in text.split("\n")):
        msg = "a text with signs that a terminal obeys"
        raise WrongError(msg)


def judged(number: int, timeout: float) -> tuple[str, str]:
    """What became of one document, and what is wrong with that; both in words."""
    text = mutant(number)
    started = process_time()
    try:
        return examine(text, timeout), ""
    except SlowError:
        lines = traceback.format_exc().splitlines()
        return "SLOW", f"{process_time() - started:.1f} s of CPU\n" + "\n".join(lines[-MOST_LINES:])
    except NetsolveError as error:
        return "WRONG", f"{type(error).__name__}: {error}"
    except WrongError as error:
        return "WRONG", str(error)
    except BaseException:  # noqa: BLE001 - that is what is looked for
        return "TRACEBACK", "\n".join(traceback.format_exc().splitlines()[-MOST_LINES:])


def chunk(task: tuple[int, int, float]) -> tuple[Counter[str], list[str], int]:
    """What became of some documents; what is wrong; KiB of memory at the fullest."""
    start, count, timeout = task
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    found: Counter[str] = Counter()
    wrong = []
    for number in range(start, start + count):
        faulthandler.dump_traceback_later(STUCK, exit=True)
        word, what = judged(number, timeout)
        found[word] += 1
        if what:
            wrong.append(f"{number}: {word}: {what}")
    faulthandler.cancel_dump_traceback_later()
    return found, wrong, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Run them all, and say what was found; exit 1 where anything was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=TIMEOUT)
    parser.add_argument("--only", type=int, help="print this document and what becomes of it")
    args = parser.parse_args()
    if args.only is not None:
        print(mutant(args.only))
        print(*judged(args.only, args.timeout), sep="\n")
        return
    ends = range(args.seed, args.seed + args.documents, CHUNK)
    tasks = ((start, min(CHUNK, args.seed + args.documents - start), args.timeout) for start in ends)
    total: Counter[str] = Counter()
    faults, fullest = 0, 0
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(chunk, task) for task in islice(tasks, 2 * args.jobs)]
        while waiting:
            found, wrong, memory = waiting.pop(0).result()
            waiting += [pool.submit(chunk, task) for task in islice(tasks, 1)]
            total.update(found)
            faults, fullest = faults + len(wrong), max(fullest, memory)
            print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
            if sum(total.values()) % (20 * CHUNK) == 0 or not waiting:
                print(f"{sum(total.values())} {dict(total)} {fullest >> 10} MiB", file=sys.stderr, flush=True)
    print(f"{sum(total.values())} documents: {dict(total)}; {faults} faults; {fullest >> 10} MiB at most")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
