"""Many problems: what goes wrong with one costs that one only, over every kind of executor; sweeps."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import StringIO
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import netsolve
from netsolve import (
    DocumentError,
    FaultError,
    NetsolveError,
    Network,
    Outcome,
    Solution,
    TorchError,
    UndecidedError,
    UsageError,
    loads,
    solve,
    solve_many,
)
from netsolve.batch import Document, perform
from netsolve.errors import FAULT, OutOfMemoryError, OvertimeError, WorkerError
from netsolve.report.lines import Wanted, answered, code_of, line_of
from netsolve.sweep import Row, Vary, sweep
from netsolve.verification import LayerRun, Verification
from netsolve.workers import Workers
from support import conv, document, pool, table

GOOD = document(conv(padding="?"), pool(padding="?"), output=[4, 4, 4], name="Good")
NONE = document(conv(5, padding="?"), output=[4, 8, 7])
BROKEN = document(conv(padding="?", kernel="3"))
ENDLESS = document(*[conv(out_channels="?", padding="?", name=f"c{i}") for i in range(3)])


def work(task: Any) -> Any:
    """Do what a task says, in a worker."""
    match task:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(7)
        case "hang":
            while True:
                pass
        case "hog":
            hoard = [bytearray(2**20) for _ in range(10_000)]
            return len(hoard)
        case "divide":
            return 1 // 0
        case "recurse":
            return work(("recurse",)) if task == "recurse" else None
        case "lambda":
            return lambda: task
        case "system":
            sys.exit(3)
    return task * 2


def told(executor: Executor | None, tasks: list[Any], limits: Any = (2, 5.0, 256)) -> dict[int, Any]:
    """What became of each task: its value, or its error's class and first line."""
    found = {}
    for done in perform(work, tasks, executor, limits):
        error = done.error
        assert done.index not in found
        found[done.index] = done.value if error is None else (type(error), str(error).splitlines()[-1])
    return found


# Workers.


def test_each_task_pays_for_itself_alone() -> None:
    tasks = [1, "kill", 2, "hog", 3, "divide", 4, "exit", 5, "lambda", 6, "system", 7, *range(8, 40)]
    found = told(None, tasks)
    assert {found.pop(i) for i, task in enumerate(tasks) if isinstance(task, int)} == {
        2 * task for task in tasks if isinstance(task, int)
    }
    assert {tasks[i]: error for i, error in found.items()} == {
        "kill": (WorkerError, "its worker process was killed by SIGKILL"),
        "exit": (WorkerError, "its worker process ended with code 7"),
        "hog": (OutOfMemoryError, "the memory limit is reached"),
        "divide": (FaultError, "ZeroDivisionError: integer division or modulo by zero"),
        "lambda": found[tasks.index("lambda")],
        "system": (WorkerError, "the executor gives no answer: SystemExit: 3"),
    }
    kind, text = found[tasks.index("lambda")]
    assert kind is NetsolveError
    assert "pickle" in text.lower()


def test_what_does_not_stop_is_ended() -> None:
    started = time.monotonic()
    found = told(None, ["hang", 1, 2], (1, 0.5, None))
    assert time.monotonic() - started < 60
    text = "the time limit of 0.5 s is reached, and its process was ended"
    assert found == {0: (OvertimeError, text), 1: 2, 2: 4}


def test_a_task_whose_process_dies_is_begun_once_more(tmp_path: Path) -> None:
    (done,) = perform(partial(dies_once, tmp_path / "mark"), [21], limits=(1, None, None))
    assert (done.value, done.error) == (42, None)


def dies_once(mark: Path, task: int) -> int:
    """Die the first time."""
    if not mark.exists():
        mark.touch()
        os._exit(1)
    return task * 2


def test_workers_are_an_executor() -> None:
    with Workers(2) as workers:
        assert list(workers.map(work, range(20))) == list(range(0, 40, 2))
        future = workers.submit(work, 3)
    assert future.result() == 6
    with pytest.raises(RuntimeError, match="no task is taken after shutdown"):
        workers.submit(work, 1)


def test_tasks_are_taken_as_they_are_needed() -> None:
    taken = []

    def endless() -> Any:
        for number in range(10**9):
            taken.append(number)
            yield number

    rows = perform(work, endless(), limits=(1, None, None))
    assert len(list(islice(rows, 5))) == 5
    rows.close()
    assert len(taken) < 100


class OneOnly(Executor):
    """Does the first task it is given; the others wait."""

    def __init__(self) -> None:
        """None so far."""
        self.futures: list[Future[Any]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Take a task."""
        future: Future[Any] = Future()
        self.futures.append(future)
        if len(self.futures) == 1:
            future.set_result(function(*arguments, **named))
        return future


def test_an_executor_of_others_keeps_no_task_of_one_who_stops_early() -> None:
    executor = OneOnly()
    rows = perform(work, [1, 2, 3], executor)
    assert next(rows).value == 2
    rows.close()
    assert [future.cancelled() for future in executor.futures] == [False, True, True]


def test_no_process_is_left_behind_when_one_stops_early() -> None:
    before = children()
    rows = perform(work, [1, "hang", "hang"], limits=(2, None, None))
    assert next(rows).value == 2
    assert children() - before
    rows.close()
    ended = time.monotonic() + 30
    while children() - before and time.monotonic() < ended:
        time.sleep(0.05)
    assert not children() - before


def children() -> set[int]:
    """The processes that this one has."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def test_a_script_that_starts_processes_as_it_is_imported_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"import netsolve\nprint(list(netsolve.solve_many([netsolve.loads({GOOD!r})], jobs=1)))\n", encoding="utf-8"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "netsolve.errors.UsageError: a worker process ended with code 1 while it started: in a script, what starts "
        'processes stands under `if __name__ == "__main__":`'
    )


# Executors of others.


@contextmanager
def dask() -> Any:
    """A cluster of two worker processes on this machine."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


EXECUTORS: dict[str, Callable[[], Any]] = {
    "threads": partial(ThreadPoolExecutor, 2),
    "processes": partial(ProcessPoolExecutor, 2, mp_context=get_context("spawn")),
    "dask": dask,
}


@pytest.mark.parametrize("name", EXECUTORS)
@pytest.mark.filterwarnings("ignore")  # what others warn of is theirs
def test_any_executor_gives_what_solve_gives(name: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    broken = tmp_path / "broken.toml"
    broken.write_text(BROKEN, encoding="utf-8")
    problems: list[Network | Document | str | Path] = [
        loads(GOOD),
        broken,
        loads(NONE),
        missing,
        loads(ENDLESS),
        *[loads(GOOD)] * 5,
    ]
    with EXECUTORS[name]() as executor:
        outcomes = {each.index: each for each in solve_many(problems, executor=executor)}
    assert sorted(outcomes) == list(range(len(problems)))
    for index, problem in enumerate(problems):
        outcome = outcomes[index]
        assert outcome.problem is problem
        if not isinstance(problem, Network):
            assert outcome.answer is None
        else:
            assert outcome.answer is not None
            assert outcome.answer == solve(problem)
            assert outcome.answer.best is None or outcome.answer.best.prove()
    text = 'conv2d_1: Conv2d has no argument "kernel" (did you mean kernel_size?)'
    assert str(outcomes[1].error).splitlines()[-1] == f"{broken}:3: {text}"
    assert str(outcomes[3].error) == f"{missing}: there is no such file"
    assert isinstance(outcomes[3].error, DocumentError)


def test_mpi_gives_what_solve_gives(tmp_path: Path) -> None:
    pytest.importorskip("mpi4py")
    launcher = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if launcher is None:
        pytest.skip("there is no mpiexec")
    script = tmp_path / "many.py"
    script.write_text(MPI, encoding="utf-8")
    good, none = tmp_path / "good.toml", tmp_path / "none.toml"
    good.write_text(GOOD, encoding="utf-8")
    none.write_text(NONE, encoding="utf-8")
    command = [launcher, "-n", "3", sys.executable, "-m", "mpi4py.futures", *map(str, (script, good, none))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [f"good.toml {solve(loads(GOOD)).count}", "none.toml 0"]


MPI = """
import sys
from pathlib import Path

import netsolve
from mpi4py.futures import MPIPoolExecutor

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        for outcome in netsolve.solve_many(sys.argv[1:], executor=executor):
            print(Path(outcome.problem).name, outcome.answer.count)
"""


def test_a_broken_pool_of_others_costs_the_one_that_broke_it() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        tasks = [*range(10), "kill", *range(10, 30)]
        found = told(executor, tasks, (2, None, None))
    assert found.pop(10) == (WorkerError, "its worker process was killed by SIGKILL")
    assert found == {i: 2 * task for i, task in enumerate(tasks) if isinstance(task, int)}


def test_usage_of_solve_many() -> None:
    with pytest.raises(UsageError, match="prefer is one of"):
        solve_many([], prefer="large")  # type: ignore[arg-type]  # the mistake is what is tested
    with pytest.raises(UsageError, match="jobs and memory are for netsolve's own processes"):
        solve_many([], executor=ThreadPoolExecutor(1), jobs=2)
    for wrong in (
        {"jobs": -1},
        {"jobs": 2.5},
        {"jobs": True},
        {"jobs": 10**6},
        {"memory": -100},
        {"timeout": "5"},
        {"timeout": 1e10},
    ):
        with pytest.raises(
            UsageError, match=f"{next(iter(wrong))} is an? (integer|number) above 0 and at most .*, or None, not"
        ):
            solve_many([], **wrong)
    for one in ("netd.toml", loads(GOOD), 5):
        with pytest.raises(UsageError, match="problems are networks or names of files in a list, not"):
            solve_many(one)  # type: ignore[arg-type]  # likewise
    assert list(solve_many([])) == []
    assert netsolve.Outcome is Outcome


# The command line.


@pytest.fixture(name="nets")
def _nets(tmp_path: Path) -> Path:
    """A directory of documents."""
    home = tmp_path / "nets"
    home.mkdir()
    for name, text in {"a": GOOD, "b": NONE, "c": BROKEN, "d": ENDLESS, "e": GOOD.replace("Good", "\\u2028")}.items():
        (home / f"{name}.toml").write_text(text, encoding="utf-8")
    return home


def batch(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run `netsolve batch` in a process of its own."""
    command = [sys.executable, "-m", "netsolve", "batch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, **more)


def lines(output: Path) -> dict[str, Any]:
    """The lines by file name."""
    text = output.read_text(encoding="utf-8")
    assert text.endswith("\n")
    found = [json.loads(line) for line in text.splitlines()]
    assert len({data["file"] for data in found}) == len(found)
    return {Path(data["file"]).stem: data for data in found}


def test_a_line_for_each_file(nets: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.jsonl"
    done = batch(nets, nets / "a.toml", nets / "nothing.toml", "-o", output, "--jobs", "2", "--prove")
    found = lines(output)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.partition(" in ")[0] == "6 problems"
    assert done.stderr.rstrip().partition(" s: ")[2] == "3 solved, 1 unsolvable, 2 with mistakes"
    assert {name: data["status"] for name, data in found.items()} == {
        "a": "solved", "b": "unsolvable", "c": "error", "d": "solved", "e": "solved", "nothing": "error"
    }  # fmt: skip
    answer = solve(loads(GOOD))
    assert answer.best is not None
    (solution,) = found["a"]["solutions"]
    assert (found["a"]["count"], solution["values"]) == (answer.count, dict(answer.best.values))
    assert (solution["proved"], solution["verified"], found["a"]["error"]) == (True, None, None)
    text, remedy = 'Conv2d has no argument "kernel"', "did you mean kernel_size?"
    assert found["c"]["error"] == {
        "kind": "document",
        "text": f"{nets / 'c.toml'}:3: conv2d_1: {text} ({remedy})",
        "mistakes": [{"layer": "conv2d_1", "line": 3, "text": text, "remedy": remedy}],
    }


def test_resume_does_what_is_not_done(nets: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.jsonl"
    assert batch(nets, "-o", output).returncode == 2
    whole = output.read_text(encoding="utf-8").splitlines(keepends=True)
    refused = batch(nets, "-o", output)
    assert refused.returncode == 2
    message = f"{output} is there already: --resume goes on with it; or give another name"
    assert refused.stderr.splitlines()[-1] == f"Error: Invalid value: {message}"
    output.write_text("".join(whole[:2]) + whole[2][:40], encoding="utf-8")
    kept = {json.loads(line)["file"] for line in whole[:2]}
    done = batch(nets, "-o", output, "--resume")
    assert done.stderr.rstrip().endswith("; 2 done before")
    assert output.read_text(encoding="utf-8").startswith("".join(whole[:2]))
    assert len(lines(output)) == 5
    changed = next(nets / f"{name}.toml" for name in "abde" if str(nets / f"{name}.toml") in kept)
    changed.write_text(GOOD + "\n", encoding="utf-8")
    done = batch(nets, "-o", output, "--resume")
    assert done.stderr.rstrip().endswith("; 4 done before")
    assert [json.loads(each)["file"] for each in output.read_text(encoding="utf-8").splitlines()][-1] == str(changed)


def test_resume_leaves_other_files_alone(nets: Path, tmp_path: Path) -> None:
    output = tmp_path / "notes.txt"
    output.write_text("my notes\n", encoding="utf-8")
    done = batch(nets, "-o", output, "--resume")
    message = f"{output}: line 1 is none that a batch writes"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"Error: Invalid value: {message}")
    assert output.read_text(encoding="utf-8") == "my notes\n"
    assert batch(nets, "--resume").stderr.splitlines()[-1] == (
        "Error: Invalid value: --resume needs a file to go on with: -o FILE"
    )


@pytest.mark.parametrize(
    ("names", "code"), [("a", 0), ("ab", 1), ("abc", 2)], ids=["all solved", "one without", "one mistaken"]
)
def test_the_exit_code_is_that_of_the_worst(nets: Path, names: str, code: int) -> None:
    done = batch(*(nets / f"{name}.toml" for name in names))
    assert done.returncode == code
    assert len(done.stdout.splitlines()) == len(names)


def test_lines_of_what_takes_too_long_or_too_much(tmp_path: Path) -> None:
    large = [conv("?1..11", padding="?0..50", stride="?1..30", dilation="?1..4", name=f"a{i}") for i in range(3)]
    file, easy = tmp_path / "large.toml", tmp_path / "easy.toml"
    file.write_text(document(*large, input=[3, 513, 99989], output=[4, 17, 19]), encoding="utf-8")
    easy.write_text(GOOD, encoding="utf-8")
    for options, kinds in ((("--memory", "40"), {"memory"}), (("--timeout", "1"), {"time"})):
        output = tmp_path / f"{options[0]}.jsonl"
        done = batch(file, easy, "-o", output, "--jobs", "1", *options)
        found = lines(output)
        assert (done.returncode, found["large"]["status"], found["easy"]["status"]) == (3, "unknown", "solved")
        assert found["large"]["error"]["kind"] in kinds


def test_outputs_that_cannot_be_written(nets: Path) -> None:
    full = batch(nets / "a.toml", "-o", "/dev/full")
    assert (full.returncode, full.stderr) == (2, "netsolve: /dev/full: No space left on device\n")
    away = batch(nets / "a.toml", "-o", nets / "none" / "results.jsonl")
    message = f"netsolve: {nets / 'none' / 'results.jsonl'}: No such file or directory\n"
    assert (away.returncode, away.stderr) == (2, message)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_it_leaves_whole_lines_and_no_process(nets: Path, tmp_path: Path, sent: int) -> None:
    output = tmp_path / "results.jsonl"
    for number in range(100):
        (nets / f"n{number}.toml").write_text(GOOD.replace("Good", f"n{number}"), encoding="utf-8")
    command = [sys.executable, "-m", "netsolve", "batch", str(nets), "-o", str(output), "--jobs", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as program:
        ended = time.monotonic() + 120
        while not (output.exists() and output.read_bytes().count(b"\n") > 5) and time.monotonic() < ended:
            time.sleep(0.02)
        os.kill(program.pid, sent)
        _, err = program.communicate(timeout=60)
        if sent == signal.SIGINT:
            assert (program.returncode, err) == (130, "netsolve: interrupted\n")
        while members(program.pid) and time.monotonic() < ended:
            time.sleep(0.05)
        assert not members(program.pid)
    whole = len(lines(output))
    assert 5 < whole < 105
    done = batch(nets, "-o", output, "--resume")
    assert done.stderr.rstrip().endswith(f"; {whole} done before")
    assert len(lines(output)) == 105


def members(session: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def given(text: str, **wanted: Any) -> tuple[dict[str, Any], str]:
    """The line of a document without a worker between, and what it came to."""
    (done,) = perform(
        partial(answered, wanted=Wanted(**wanted)), [Document("net.toml", text.encode())], ThreadPoolExecutor(1)
    )
    text, kind = line_of("net.toml", None, done)
    return json.loads(text), kind


def test_a_disagreement_is_never_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Solution, "prove", lambda *_: False)
    data, kind = given(GOOD, prove=True)
    assert (kind, code_of(Counter([kind, "error", "solved"]))) == ("fault", 4)
    assert data["solutions"][0]["proved"] is False
    assert data["error"] == {"kind": "fault", "text": f"z3 disagrees: {FAULT}", "mistakes": []}


def test_torch_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    data, kind = given(GOOD, run=True)
    assert (data["solutions"][0]["verified"], data["error"], kind) == (True, None, "solved")
    wrong = Verification((LayerRun("conv2d_1", (4, 8, 8), (4, 9, 9)),), 112)
    monkeypatch.setattr(Solution, "verify", lambda _, **_given: wrong)
    data, kind = given(GOOD, run=True)
    assert (data["error"]["text"], kind) == (f"torch disagrees: {FAULT}", "fault")

    def missing(_: Solution, **_given: object) -> Verification:
        msg = "torch cannot be imported"
        raise TorchError(msg)

    monkeypatch.setattr(Solution, "verify", missing)
    data, kind = given(GOOD, run=True)
    assert (data["solutions"][0]["verified"], data["error"]["kind"], kind) == (None, "torch", "solved")


def test_no_time_for_a_proof_is_no_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any) -> bool:
        msg = "the time limit is reached"
        raise UndecidedError(msg)

    monkeypatch.setattr(Solution, "prove", late)
    data, kind = given(GOOD, prove=True, timeout=None)
    assert (data["solutions"][0]["proved"], data["error"], kind) == (None, None, "solved")


# Sweeps.


def test_what_is_varied() -> None:
    assert Vary.parse("input=64..160:32") == Vary("input", (64, 96, 128, 160))
    assert Vary.parse(" a.padding = 3, 1,1..2 ") == Vary("a.padding", (3, 1, 2))
    assert Vary.parse("a.bias=true,false") == Vary("a.bias", (True, False))
    assert Vary.parse("input=224x320,64") == Vary("input", ((224, 320), 64))
    assert Vary.parse("a.padding_mode=zeros,reflect") == Vary("a.padding_mode", ("zeros", "reflect"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input", '"input" is not KEY=VALUES, such as input=64..512:32 or conv2d_1.kernel_size=3,5,7'),
        ("=3", '"=3" is not KEY=VALUES, such as input=64..512:32 or conv2d_1.kernel_size=3,5,7'),
        ("p=3,,4", '"" in "p=3,,4" is no value: such as 3,5,7 or 64..512:32 or 224x320'),
        (
            "p=5..3",
            "the range 5..3 is empty: it goes from the smaller to the larger number, with a step of at least 1",
        ),
        ("p=1..1000000", '"p=1..1000000" has more than 100,000 values'),
        ("p=1..", '"1.." in "p=1.." is no value: such as 3,5,7 or 64..512:32 or 224x320'),
    ],
)
def test_what_cannot_be_varied(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Vary.parse(text)
    assert str(caught.value) == message


CHAIN = document(
    conv(padding="?p: 0..2", name="a.one"), conv(padding="?p", name="a.two"), pool(name="end"), input=[3, 16, 16]
)


@pytest.mark.parametrize(
    ("varies", "message"),
    [
        (
            ["end.ceil_mod=true"],
            '"end.ceil_mod" is nothing that can be varied: did you mean end.ceil_mode?',
        ),
        (["wrong=3"], '"wrong" is nothing that can be varied: it is LAYER.ARGUMENT, input, or a named unknown'),
        (["a.one.kernel_size=0"], "a.one.kernel_size = 0: a.one.kernel_size: 0 is too small: at least 1"),
        (["input=3x3x3"], "input has 2 sizes to be varied, and 3x3x3 are 3"),
        (["input[3]=1"], "input[3]: the input has 3 sizes"),
        (["p=1", "p=2"], "a key is varied twice: give all its values at once"),
        (["input=1..1000", "p=0..2", "a.one.dilation=1..50"], "150,000 rows: at most 100,000"),
        ([], "nothing is varied"),
    ],
)
def test_what_no_network_can_have(varies: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        sweep(loads(CHAIN), map(Vary.parse, varies))
    assert str(caught.value) == message


def swept(text: str, *varies: str, jobs: int = 2) -> list[Row]:
    return list(sweep(loads(text), map(Vary.parse, varies), limits=(jobs, 60.0, None)))


def test_a_sweep_is_the_product_in_order_and_each_row_is_what_solve_says() -> None:
    rows = swept(CHAIN, "input=8..16:4", "a.*.kernel_size=3,5")
    assert [tuple(row.varied.values()) for row in rows] == [(n, k) for n in (8, 12, 16) for k in (3, 5)]
    for row in rows:
        n, k = row.varied.values()
        text = CHAIN.replace("[3, 16, 16]", f"[3, {n}, {n}]").replace("4, kernel_size = 3", f"4, kernel_size = {k}")
        answer = solve(loads(text))
        assert (row.status, row.count) == (answer.status, answer.count)
        assert answer.best is not None
        assert (row.values, row.probability) == (answer.best.values, answer.best.probability)
        assert row.outputs == {"end": answer.best.shapes["end"]}
        assert row.parameters == (3 * k * k + 1) * 4 + (4 * k * k + 1) * 4


def test_a_named_unknown_one_size_and_one_entry() -> None:
    assert [dict(row.outputs)["end"] for row in swept(CHAIN, "p=0,2")] == [(4, 6, 6), (4, 10, 10)]
    assert [dict(row.outputs)["end"][1:] for row in swept(CHAIN, "input[1]=8,20", "p=1")] == [(4, 8), (10, 8)]
    assert [row.outputs["end"][1:] for row in swept(CHAIN, "input=8x20", "p=1")] == [(4, 10)]
    one = document(conv([3, 3], padding=["?", 0]), input=[3, 8, 8])
    assert [row.outputs["conv2d_1"] for row in swept(one, "conv2d_1.padding[0]=0,1")] == [(4, 6, 6), (4, 8, 6)]


def test_a_named_unknown_of_the_input_alone() -> None:
    free = document(conv(padding=1, stride=2), input=[3, "?n", "?n"])
    assert [row.outputs["conv2d_1"] for row in swept(free, "n=8,11")] == [(4, 4, 4), (4, 6, 6)]
    assert [row.outputs["conv2d_1"] for row in swept(free, "input[2]=8")] == [(4, 4, 4)]


def test_rows_that_fail_say_why() -> None:
    text = document(conv(padding=0), table(op="Flatten"), table(op="Linear", in_features=144, out_features=2))
    good, bad = swept(text, "input=8,9")
    assert (good.status, good.count, good.parameters, good.reason) == ("solved", 1, 112 + 290, "")
    assert (bad.status, bad.count, bad.parameters) == ("unsolvable", 0, None)
    assert bad.reason == "linear_1: in_features is 144, and the input implies 196"


def test_the_tables_of_a_sweep(tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(CHAIN, encoding="utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "netsolve", "sweep", str(file), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout, done.stderr

    varies = ("--vary", "input=16,3", "--vary", "end.kernel_size=2,4")
    code, out, err = run(*varies)
    assert (code, err) == (0, "")
    titles = ["input", "end.kernel_size", "status", "answers", "probability", "output", "parameters", "a.one.padding"]
    first, second, *rest = [line.split() for line in out.splitlines() if not set(line) <= set("\u2500 ")]
    assert first == [*titles, "a.two.padding"]
    assert second[:4] == ["16", "2", "solved", "3"]
    assert [row[:4] for row in rest] == [["16", "4", "solved", "3"], ["3", "2", "solved", "2"], rest[2][:4]]
    code, out, err = run(*varies, "--format", "csv")
    rows = list(csv.DictReader(StringIO(out)))
    assert [(row["input"], row["end.kernel_size"]) for row in rows] == [
        ("16", "2"),
        ("16", "4"),
        ("3", "2"),
        ("3", "4"),
    ]
    assert rows[0]["output"] == "4x8x8"
    assert rows[0]["a.one.padding"] == rows[0]["a.two.padding"] == "1"
    code, out, err = run(*varies, "--format", "json")
    assert [json.loads(line)["varied"] for line in out.splitlines()][3] == {"input": 3, "end.kernel_size": 4}
    code, out, err = run("--vary", "input=0")
    assert (code, out) == (2, "")
    assert err.splitlines()[-2:] == [
        "Error: Invalid value: input = 0: input[1]: 0 is too small: at least 1",
        "input[2]: 0 is too small: at least 1",
    ]
    assert run("--vary", "input=1..2", "--vary", "p=0")[0] == 1


def test_threads_and_z3_do_not_meet() -> None:
    problem = loads(ENDLESS)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(solve(problem, timeout=60).best)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    best = solve(problem).best
    assert found == [best] * 6
