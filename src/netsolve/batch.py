"""Many problems over any executor of concurrent.futures: what goes wrong with one costs that one only."""

import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import Any

from netsolve.answer import PREFERENCES, Answer, Preference
from netsolve.document import LARGEST_FILE, read, unreadable
from netsolve.errors import DocumentError, FaultError, NetsolveError, OutOfMemoryError, UsageError, WorkerError
from netsolve.network import Network
from netsolve.ops.arguments import show
from netsolve.queries import solve
from netsolve.workers import Workers

MOST = {"jobs": 1024, "memory": 10**7, "timeout": 10**7}
"""No more processes, MiB or seconds than this."""

MOST_WAITING = 64
"""How many problems are handed over before the first is done: problems may come from a stream without end."""

Limits = tuple[int | None, float | None, int | None]
"""How many processes, and how many seconds and MiB a task may take; None for as many as there are."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document before it is read: the name of its file, and its bytes. It goes to a worker as it is."""

    file: str
    data: bytes = field(repr=False)

    def network(self) -> Network:
        """What it says. Raises DocumentError."""
        return read(BytesIO(self.data), self.file)


@dataclass(frozen=True)
class Done:
    """What became of one task of many. value: what the work gave, None where there is an error; seconds: of work."""

    index: int
    value: Any
    error: NetsolveError | None
    seconds: float | None


@dataclass(frozen=True)
class Outcome:
    """What became of one problem of many.

    index: its place among them, from 0; problem: as it was given; answer: None where there is an error; error: why the
    problem has no answer: a DocumentError, or an UndecidedError (OvertimeError, OutOfMemoryError, WorkerError), or a
    FaultError; seconds: how long it took its worker, None where that is not known.
    """

    index: int
    problem: Network | Document | str | Path
    answer: Answer | None
    error: NetsolveError | None
    seconds: float | None


def solve_many(  # noqa: PLR0913 - all but the problems have a default
    problems: Iterable[Network | Document | str | Path],
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    timeout: float | None = 60.0,
    memory: int | None = None,
    prefer: Preference = "habits",
) -> Generator[Outcome, None, None]:
    """Solve many problems, and give what became of each as it is done.

    Closed early, nothing is left waiting in an executor, and no process of its own is left running.

    problems: networks, or names of files, which are read here; executor: any executor of concurrent.futures, which
    stays open; by default processes of netsolve's own, each problem alone in its process; jobs: how many of these, by
    default one a core; timeout: seconds for one problem; memory: MiB for one problem. In netsolve's own processes a
    problem that does not stop by itself is ended, and only there memory is limited. Raises UsageError for what cannot
    be meant, and where no process can be started.
    """
    if prefer not in PREFERENCES:
        msg = f"prefer is one of {', '.join(PREFERENCES)}, not {show(prefer)}"
        raise UsageError(msg)
    if executor is not None and (jobs is not None or memory is not None):
        msg = "jobs and memory are for netsolve's own processes: an executor has limits of its own"
        raise UsageError(msg)
    for name, value, kind in (("jobs", jobs, int), ("memory", memory, int), ("timeout", timeout, int | float)):
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, kind) or not 0 < value <= MOST[name]
        ):
            what = "an integer" if kind is int else "a number"
            msg = f"{name} is {what} above 0 and at most {MOST[name]:,}, or None, not {value!r:.40}"
            raise UsageError(msg)
    if isinstance(problems, str | Network) or not isinstance(problems, Iterable):
        msg = f"problems are networks or names of files in a list, not {show(problems)}"
        raise UsageError(msg)
    return _solved(problems, partial(_solve, timeout=timeout, prefer=prefer), executor, (jobs, timeout, memory))


def _solved(
    problems: Iterable[Network | Document | str | Path],
    work: Callable[[Any], Answer],
    executor: Executor | None,
    limits: Limits,
) -> Generator[Outcome, None, None]:
    """The outcomes of problems."""
    given: dict[int, Network | Document | str | Path] = {}

    def tasks() -> Iterator[Any]:
        for index, problem in enumerate(problems):
            given[index] = problem
            yield document_of(problem) if isinstance(problem, str | Path) else problem

    for done in perform(work, tasks(), executor, limits):
        yield Outcome(done.index, given.pop(done.index), done.value, done.error, done.seconds)


def document_of(file: str | Path) -> Document | DocumentError:
    """The document in a file, or why it cannot be read."""
    try:
        with Path(file).open("rb") as stream:
            return Document(str(file), stream.read(LARGEST_FILE + 1))
    except (OSError, ValueError) as error:
        return unreadable(error, str(file))


def perform(
    work: Callable[[Any], Any],
    tasks: Iterable[Any],
    executor: Executor | None = None,
    limits: Limits = (None, None, None),
) -> Generator[Done, None, None]:
    """Do some work on each of many tasks, and give what became of them as they are done.

    A task that is an error is done already. limits: the number of processes, seconds and MiB a task. Raises
    NetsolveError where no process can be started at all.
    """
    return _Performance(work, executor, limits).run(tasks)


class _Performance:
    """Tasks while they are worked on."""

    def __init__(
        self,
        work: Callable[[Any], Any],
        executor: Executor | None,
        limits: Limits,
    ) -> None:
        self.work, self.given, self.limits = work, executor, limits
        self.own: Workers | None = None
        self.done: SimpleQueue[tuple[int, Future[Any]]] = SimpleQueue()
        self.waiting: dict[int, Any] = {}
        self.futures: dict[int, Future[Any]] = {}

    def run(self, tasks: Iterable[Any]) -> Generator[Done, None, None]:
        """Keep some tasks waiting until there are no more."""
        numbered = enumerate(tasks)
        try:
            while True:
                for index, task in islice(numbered, MOST_WAITING - len(self.waiting)):
                    if isinstance(task, NetsolveError):
                        yield Done(index, None, task, None)
                    else:
                        self.waiting[index] = task
                        self.submit(index)
                if not self.waiting:
                    break
                if (done := self.collected(*self.done.get())) is not None:
                    yield done
        finally:
            for future in self.futures.values():
                future.cancel()
            if self.own is not None:
                self.own.stop()

    def submit(self, index: int) -> None:
        """Hand a task over: to the executor that was given, or where that is broken to processes of our own."""
        if self.given is not None:
            try:
                future = self.given.submit(guarded, self.work, self.waiting[index])
            except BrokenExecutor:
                self.given = None
        if self.given is None:
            if self.own is None:
                jobs, seconds, memory = self.limits
                self.own = Workers(jobs, seconds=seconds, memory=memory)
            future = self.own.submit(guarded, self.work, self.waiting[index])
        self.futures[index] = future
        future.add_done_callback(lambda future: self.done.put((index, future)))

    def collected(self, index: int, future: Future[Any]) -> Done | None:
        """What became of a task; None where it is tried again, since another one broke the executor it was in."""
        error = None if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor):
            self.given = None
            self.submit(index)
            return None
        del self.waiting[index], self.futures[index]
        if error is None and not future.cancelled():
            value, found, seconds = future.result()
            return Done(index, value, found, seconds)
        if isinstance(error, UsageError):  # no process can be started
            raise error
        if not isinstance(error, NetsolveError):
            text = "it was cancelled" if error is None else f"{type(error).__name__}: {error}"
            error = WorkerError(f"the executor gives no answer: {text}")
        return Done(index, None, error, None)


def guarded(work: Callable[[Any], Any], task: Any) -> tuple[Any, NetsolveError | None, float]:
    """Work on one task, in a worker: its value or its error, whatever that is, and the seconds it took."""
    started = perf_counter()
    value, error = None, None
    try:
        value = work(task)
    except NetsolveError as known:
        error = known
    except MemoryError:
        error = OutOfMemoryError("the memory limit is reached")
    except Exception as unknown:  # noqa: BLE001 - a fault costs its own problem, and is told with its traceback
        if "out of memory" in str(unknown):
            error = OutOfMemoryError("the memory limit is reached")
        else:
            error = FaultError(traceback.format_exc().strip())
    return value, error, perf_counter() - started


def network_of(problem: Network | Document) -> Network:
    """The network of a problem. Raises DocumentError."""
    return problem.network() if isinstance(problem, Document) else problem


def _solve(problem: Network | Document, timeout: float | None, prefer: Preference) -> Answer:
    return solve(network_of(problem), timeout=timeout, prefer=prefer)
