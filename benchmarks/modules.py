"""Models of a public package, traced: python benchmarks/modules.py [--models N] [--only NAME] [--after NAME].

pytorchcv's models, without weights, one of each file and then more until there are N. One line a model: its layers;
milliseconds to trace it; whether every size after a part equals what torch gives when it runs the model; whether the
document written and read again builds a module whose sizes agree; and with the paddings of its parts blanked and the
shape at the end known: milliseconds to solve it, how many paddings there are and how many are the authors', and whether
the module with the values in place runs and gives the shape at the end.
"""

import argparse
import copy
import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from netsolve import DocumentError, NetsolveError, loads
from netsolve.composing import compose
from netsolve.importers.modules import from_module, solve_module
from netsolve.network import Network
from netsolve.parts import layer_name
from netsolve.queries import check
from netsolve.verify import verify

SIZES = (
    (3, 224, 224),
    (3, 32, 32),
    (3, 299, 299),
    (3, 480, 480),
    (3, 512, 512),
    (3, 448, 448),
    (3, 256, 192),
    (1, 96, 96),
)
SMALLER = (256, 512)
"""What models for larger images are made for instead: the same layers, in less time."""

SKIPPED = ("common", "propainter", "raft", "prnet", "voca", "nvpattexp", "jasper", "quartznet")
"""Files of models that take no image, or need more than torch."""

MOST_PARAMETERS = 70_000_000
"""Larger models are left out: they show nothing new, and take minutes."""


@dataclass(frozen=True)
class Row:
    """What became of one model. Empty where it did not come to that."""

    model: str
    layers: int = 0
    trace: int = 0
    sizes: str = ""
    again: str = ""
    solve: int = 0
    paddings: str = ""
    run: str = ""
    refused: str = ""


def makers(package: str = "pytorchcv") -> Iterator[tuple[str, Callable[..., nn.Module]]]:
    """The functions that make models, by name: the first of each file, then the second, and so on."""
    folder = Path(str(import_module(package).__path__[0])) / "models"
    listed = []
    for file in sorted(folder.glob("*.py")):
        if file.stem.startswith(("__", *SKIPPED)):
            continue
        home = import_module(f"{package}.models.{file.stem}")
        names = [n for n in home.__all__ if inspect.isfunction(getattr(home, n)) and _makes(getattr(home, n))]
        listed.append([(name, getattr(home, name)) for name in names])
    for rank in range(max(map(len, listed))):
        yield from (names[rank] for names in listed if rank < len(names))


def _makes(function: Any) -> bool:
    """Whether a function makes a model without being told anything."""
    parameters = inspect.signature(function).parameters.values()
    return not function.__name__.startswith("get_") and all(
        p.kind is p.VAR_KEYWORD or p.default is not p.empty for p in parameters
    )


def made(maker: Callable[..., nn.Module]) -> nn.Module:
    """A model as eval() has it."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = maker().eval()
        size = getattr(model, "in_size", (0, 0))
        return maker(in_size=SMALLER).eval() if isinstance(size, tuple) and prod(size) > prod(SMALLER) else model


def runs(model: nn.Module) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]], Any] | None:
    """The first size that a model takes, the shapes after its parts where they are called once, and its output."""
    own = getattr(model, "in_size", None)
    sizes = [(getattr(model, "in_channels", 3), *own)] if isinstance(own, tuple) else []
    for size in dict.fromkeys((*sizes, *SIZES)):
        shapes: dict[str, tuple[int, ...]] = {}
        calls: Counter[str] = Counter()
        hooks = [part.register_forward_hook(_hook(path, shapes, calls)) for path, part in model.named_modules() if path]
        try:
            with torch.no_grad():
                output = model(torch.zeros(1, *size))
        except (RuntimeError, AssertionError, ValueError, TypeError, IndexError):
            continue
        finally:
            for hook in hooks:
                hook.remove()
        return size, {path: shape for path, shape in shapes.items() if calls[path] == 1}, output
    return None


def _hook(path: str, shapes: dict[str, tuple[int, ...]], calls: Counter[str]) -> Any:
    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        del module, inputs
        calls[path] += 1
        if isinstance(output, Tensor):
            shapes[path] = tuple(output.shape[1:])

    return note


def first_shape(output: Any) -> tuple[tuple[int, ...], ...]:
    """The shapes of all tensors of an output."""
    if isinstance(output, Tensor):
        return (tuple(output.shape[1:]),)
    values = output.values() if isinstance(output, dict) else output
    return (
        tuple(shape for value in values for shape in first_shape(value))
        if isinstance(output, list | tuple | dict)
        else ()
    )


def sizes_agree(network: Network, shapes: dict[str, tuple[int, ...]]) -> str:
    """Whether a check gives torch's size after every part."""
    result = check(network)
    if result.problem is not None:
        return f"NO: {result.problem}"
    named = {layer_name(path): shape for path, shape in shapes.items()}
    compared = [layer.name for layer in network.layers if layer.name in named]
    wrong = [name for name in compared if result.shapes[name] != named[name]]
    return f"NO: {wrong[0]}" if wrong else "yes"


def again(network: Network) -> str:
    """Whether the document, read again, is the same network and builds a module with its sizes."""
    network_again = loads(compose(network))
    result, before = check(network_again), check(network)
    if result.problem or result.shapes != before.shapes or result.parameters != before.parameters:
        return "NO"
    return "yes" if verify(network_again, result.shapes).verified else "NO: torch"


def measured(name: str, maker: Callable[..., nn.Module]) -> Row | None:
    """One model; None where torch cannot run it, or it is too large."""
    try:
        model = made(maker)
    except (ImportError, TypeError, NotImplementedError):
        return None
    if sum(p.numel() for p in model.parameters()) > MOST_PARAMETERS or (found := runs(model)) is None:
        return None
    size, shapes, output = found
    start = perf_counter()
    try:
        network = from_module(model, size)
        traced = round(1000 * (perf_counter() - start))
        row = Row(name, len(network.layers), traced, sizes_agree(network, shapes), again(network))
    except NetsolveError as error:
        return Row(name, refused=_said(error))
    return solved(row, model, size, output)


def solved(row: Row, model: nn.Module, size: tuple[int, ...], output: Any) -> Row:
    """The same model with its paddings blanked, solved, applied and run."""
    blank = copy.deepcopy(model)
    shapes = first_shape(output)
    start = perf_counter()
    try:
        answer = solve_module(blank, size, output=shapes[0] if len(shapes) == 1 else None, unknown="padding")
    except NetsolveError as error:
        return Row(**(vars(row) | {"run": f"refused: {_said(error)}"}))
    taken = round(1000 * (perf_counter() - start))
    if answer.best is None:
        return Row(**(vars(row) | {"solve": taken, "run": f"{answer.status}: {answer.reason}"}))
    answer.best.apply(blank)
    modules = dict(model.named_modules())
    names = {layer_name(path): part for path, part in modules.items() if path}
    right = sum(
        _padding(names[key.rpartition(".")[0].split("__")[0]]) == value for key, value in answer.best.values.items()
    )
    with torch.no_grad():
        given = first_shape(blank(torch.zeros(1, *size)))
    predicted = tuple(answer.best.shapes[name] for name in answer.best.network.results)
    wanted = shapes if len(shapes) == 1 else predicted
    run = "yes" if given == wanted else f"NO: {given}"
    return Row(**(vars(row) | {"solve": taken, "paddings": f"{right}/{len(answer.best.values)}", "run": run}))


def _padding(part: nn.Module) -> Any:
    """A part's padding as a document has it."""
    value = part.padding
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 and not _oblong(part) else value


def _oblong(part: nn.Module) -> bool:
    """Whether a window is not as large on every axis."""
    windows = (part.kernel_size, part.stride, getattr(part, "dilation", 1))
    return any(isinstance(window, tuple) and len(set(window)) > 1 for window in windows)


def _said(error: NetsolveError) -> str:
    """A refusal in one line, without the place of the code."""
    if isinstance(error, DocumentError):
        return "; ".join(str(mistake) for mistake in error.mistakes)
    return str(error)


def rows(most: int, only: str = "", after: str = "") -> Iterator[Row]:
    """So many models; one that cannot be run is no model."""
    found = 0
    for name, maker in makers():
        if after:
            after = "" if name == after else after
            continue
        if found >= most:
            return
        if only in {"", name} and (row := measured(name, maker)) is not None:
            found += 1
            yield row


def main() -> None:
    """Print the table and the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--only", default="")
    parser.add_argument("--after", default="", help="go on behind this model")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    line = (
        "| {} | {} | {} | {} | {} | {} | {} | {} |"
        if given.markdown
        else "{:28} {:>6} {:>6} {:>6} {:>6} {:>7} {:>8} {}"
    )
    print(line.format("model", "layers", "trace", "sizes", "again", "solve", "paddings", "run"))
    if given.markdown:
        print("|---|---|---|---|---|---|---|---|")
    done = []
    for row in rows(given.models, given.only, given.after):
        done.append(row)
        text = row.refused or row.run
        print(
            line.format(row.model, row.layers, row.trace, row.sizes, row.again, row.solve, row.paddings, text),
            flush=True,
        )
    totals(done)


def totals(done: list[Row]) -> None:
    """How many of all came how far."""
    print(f"\n{len(done)} models; refused {sum(bool(row.refused) for row in done)}")
    for name in ("sizes", "again", "run"):
        print(f"{name}: {sum(getattr(row, name) == 'yes' for row in done)}")


if __name__ == "__main__":
    main()
