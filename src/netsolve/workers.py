"""Processes that work on many problems, one at a time each: what kills one costs the problem it was at, no other."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from netsolve.errors import NetsolveError, OutOfMemoryError, OvertimeError, UsageError, WorkerError

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

STARTING = 120.0
"""Seconds that a process may take to start."""

GRACE = 2.0
"""Seconds that a problem may take beyond its time limit before its process is ended."""

GUARD = 'in a script, what starts processes stands under `if __name__ == "__main__":`'
"""What to do where Python starts a process by reading the script again."""

TRIES = 2
"""How often a problem is begun whose process dies: the cause may have been another's hunger for memory."""

CRASHES = ("SIGABRT", "SIGSEGV")
"""How a library ends a process that is refused memory."""

MIB = 2**20


class Workers(Executor):
    """An executor whose tasks each have a process for themselves while they run.

    jobs: how many processes, by default one for each core this process may use; seconds: how long a task may take,
    after which its process is ended and its future has an OvertimeError; memory: MiB that a task may take, past which
    it has an OutOfMemoryError (on Linux). A task whose process dies is begun once more; then its future has a
    WorkerError. Processes are spawned: a script calls this under `if __name__ == "__main__":`.
    """

    def __init__(self, jobs: int | None = None, *, seconds: float | None = None, memory: int | None = None) -> None:
        """Start no process yet: each starts with its first task."""
        self.jobs = jobs or cores()
        self.tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self.workers = [_Worker(self.tasks, seconds, memory) for _ in range(self.jobs)]
        self.open = True

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue a task. Raises RuntimeError after shutdown."""
        if not self.open:
            msg = "no task is taken after shutdown"
            raise RuntimeError(msg)
        task = _Task(Future(), fn, args, kwargs)
        self.tasks.put(task)
        for worker in self.workers:
            if not worker.is_alive():
                worker.start()
                break
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - Executor's
        """Let what is queued be done, unless it is cancelled, and end the processes."""
        self.open = False
        if cancel_futures:
            while not self.tasks.empty():
                if task := self.tasks.get():
                    task.future.cancel()
        started = [worker for worker in self.workers if worker.is_alive()]
        for _ in started:
            self.tasks.put(None)
        for worker in started if wait else ():
            worker.join()

    def stop(self) -> None:
        """End at once, whatever is being done."""
        self.shutdown(wait=False, cancel_futures=True)
        for worker in self.workers:
            worker.stop()


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


class _Task:
    """Something to be done, and what comes of it."""

    def __init__(self, future: Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.future, self.fn, self.args, self.kwargs = future, fn, args, kwargs


class _Worker(threading.Thread):
    """A thread that owns a process: it hands it a task, waits for the result, and replaces it where it dies."""

    def __init__(self, tasks: "SimpleQueue[_Task | None]", seconds: float | None, memory: int | None) -> None:
        super().__init__(daemon=True)
        self.tasks, self.seconds, self.memory = tasks, seconds, memory
        self.process: BaseProcess | None = None
        self.connection: Connection | None = None
        self.stopped = False

    def run(self) -> None:
        """Work on tasks until there are no more."""
        while (task := self.tasks.get()) is not None and not self.stopped:
            if task.future.set_running_or_notify_cancel():
                try:
                    task.future.set_result(self.result(task))
                except BaseException as error:  # noqa: BLE001 - whatever it is, whoever waits for the future gets it
                    task.future.set_exception(error)
        self.end()

    def result(self, task: _Task) -> Any:
        """What a task gives; raises what it raises."""
        message = bytes(ForkingPickler.dumps((task.fn, task.args, task.kwargs)))
        died = ""
        for _ in range(TRIES):
            connection = self.started()
            try:
                connection.send_bytes(message)
                if not connection.poll(None if self.seconds is None else self.seconds + GRACE):
                    self.end()
                    msg = f"the time limit of {self.seconds:g} s is reached, and its process was ended"
                    raise OvertimeError(msg)
                good, value = connection.recv()
            except (EOFError, OSError):
                died = self.died()
                if self.stopped:
                    break
                continue
            if good:
                return value
            raise value
        msg = f"its worker process {died}"
        if self.memory is not None and died.endswith(CRASHES):
            msg = f"{msg}, probably as it may take {self.memory} MiB only"
            raise OutOfMemoryError(msg)
        raise WorkerError(msg)

    def started(self) -> Connection:
        """The connection to the process, which is started where there is none."""
        if self.connection is None:
            context = multiprocessing.get_context("spawn")
            mine, other = context.Pipe()
            process = context.Process(target=_serve, args=(other, self.memory), daemon=True)
            try:
                process.start()
            except RuntimeError:  # this process is itself being started, and reads the script for that
                msg = f"no process can be started here: {GUARD}"
                raise UsageError(msg) from None
            self.connection, self.process = mine, process
            other.close()
            if self.stopped:
                self.process.kill()
            if not _ready(self.connection):
                msg = f"a worker process {self.died()} while it started: {GUARD}"
                raise UsageError(msg)
        return self.connection

    def died(self) -> str:
        """How the process ended, in words."""
        code = None
        if self.process is not None:
            self.process.join(GRACE)
            code = self.process.exitcode
        self.end()
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return "ended" if code is None else f"ended with code {code}"

    def end(self) -> None:
        """End the process."""
        if self.connection is not None:
            self.connection.close()
        if self.process is not None:
            self.process.kill()
            self.process.join()
        self.connection = self.process = None

    def stop(self) -> None:
        """End the process under the thread's feet; the thread ends when it notices."""
        self.stopped = True
        process = self.process
        if process is not None:
            process.kill()


def _ready(connection: Connection) -> bool:
    """Whether a process has started."""
    try:
        return connection.poll(STARTING) and connection.recv() is None
    except (EOFError, OSError):
        return False


def _serve(connection: Connection, memory: int | None) -> None:
    """Work on the tasks that come through a connection, in a process of one's own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's threads of all processes together would be too many
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    connection.send(None)
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        answer = _done(message, memory)
        try:
            connection.send_bytes(ForkingPickler.dumps(answer))
        except OSError:
            return
        except Exception as error:  # noqa: BLE001 - what cannot be pickled is told in words
            connection.send((False, NetsolveError(f"{type(error).__name__}: {error}")))


def _follow(parent: int) -> None:
    """End this process once its parent is gone, also in the middle of a task."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _done(message: bytes, memory: int | None) -> tuple[bool, Any]:
    """What came of a task: whether it went well, and its value or its error."""
    limit(memory)
    try:
        fn, args, kwargs = ForkingPickler.loads(message)
        return True, fn(*args, **kwargs)
    except MemoryError:
        return False, OutOfMemoryError("the memory limit is reached" if memory else "there is not enough memory")
    except BaseException as error:  # noqa: BLE001 - the process goes on
        return False, error
    finally:
        limit(None)


def limit(memory: int | None) -> None:
    """Let this process take so many MiB beyond what it has; None for no limit. Where the system cannot, do nothing."""
    try:
        import resource  # noqa: PLC0415 - not on every system

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        soft = hard if memory is None else _taken() + memory * MIB
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    except (ImportError, OSError, ValueError):
        return


def _taken() -> int:
    """Bytes of data that this process has."""
    with open("/proc/self/statm", encoding="ascii") as lines:  # noqa: PTH123 - a pseudo-file
        return int(lines.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
