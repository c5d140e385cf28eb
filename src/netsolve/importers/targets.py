"""MODULE:NAME as a torch module: the one place where a user's own code is run."""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from inspect import isclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from netsolve.errors import DocumentError, Mistake, printable
from netsolve.importers.modules import place_of
from netsolve.ops.arguments import show
from netsolve.words import nearest

MOST_SIGNS = 10_000


def module_at(target: str, arguments: str = "") -> nn.Module:
    """The torch module that MODULE:NAME names; importing MODULE runs it, and so does calling NAME.

    target: a path to a Python file or a name to import, a colon, and a module, class or function in it; arguments: what
    a class or function is called with, as Python writes literals: "10, width=64". What the code prints goes to stderr.
    Raises DocumentError, with the line of the code where it fails.
    """
    home, colon, name = target.rpartition(":")
    if not colon or not home or not name:
        text = f"{show(target)} does not say which class or function is meant"
        raise DocumentError([Mistake("", text, "write MODULE:NAME, such as net.py:Net")])
    args, kwargs = literals(arguments)
    with redirect_stdout(sys.stderr):
        found = _found(_imported(home), home, name)
        if isinstance(found, nn.Module):
            if arguments:
                raise DocumentError(
                    [Mistake(name, "this is a module already, and takes no arguments", "leave out --args")]
                )
            return found
        if not callable(found):
            text = f"this is {type(found).__name__}, not a class or function that makes a torch module"
            raise DocumentError([Mistake(name, text)], home)
        with _running(name, "--args gives arguments: --args '10, width=64'"):
            made = found(*args, **kwargs)
    if not isinstance(made, nn.Module):
        text = f"this makes {type(made).__name__}, not a torch module"
        raise DocumentError([Mistake(name, text)], home)
    return made


def _imported(home: str) -> ModuleType:
    """A file or an importable name, imported."""
    path = Path(home)
    if path.suffix == ".py" or path.is_file():
        if not path.is_file():
            raise DocumentError([Mistake("", "there is no such file")], home)
        return _executed(path)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        with _running(home, ""):
            return importlib.import_module(home)
    except ModuleNotFoundError as error:
        text = f"there is no module {error.name or home}"
        remedy = "write the path of a file, such as net.py, or a name that Python can import from here"
        raise DocumentError([Mistake("", text, remedy)], home) from None


def _executed(path: Path) -> ModuleType:
    """A file, imported under its own name, with what stands beside it."""
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_"
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DocumentError([Mistake("", "this is no Python file", "its name ends in .py")], str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with _running(str(path), ""):
        try:
            spec.loader.exec_module(module)
        except ModuleNotFoundError as error:
            file, line = place_of(error)
            text = f"the code imports {error.name}, and there is no such module"
            raise DocumentError([Mistake("", text, "install it, or trace where it is installed", line)], file) from None
    return module


def _found(module: ModuleType, home: str, name: str) -> Any:
    """What a dotted name means in a module."""
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = [key for key, value in vars(found).items() if _makes(value)] if hasattr(found, "__dict__") else []
            raise DocumentError([Mistake("", f"there is no {printable(name)}", nearest(part, known))], home)
        found = getattr(found, part)
    return found


def _makes(value: Any) -> bool:
    """Whether something may be or make a module."""
    return isinstance(value, nn.Module) or (isclass(value) and issubclass(value, nn.Module))


def literals(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Arguments written as Python's literals; nothing is evaluated. Raises DocumentError for anything else."""
    remedy = "numbers, texts, True, None, tuples, lists and dictionaries: --args '10, width=64'"
    try:
        call = ast.parse(f"f({text[:MOST_SIGNS]}\n)", mode="eval").body
        plain = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and all(k.arg for k in call.keywords)
        if isinstance(call, ast.Call) and plain:
            given = [ast.literal_eval(entry) for entry in call.args]
            return given, {str(entry.arg): ast.literal_eval(entry.value) for entry in call.keywords}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    raise DocumentError([Mistake("--args", f"{show(text)} is not a list of arguments", remedy)])


@contextmanager
def _running(what: str, remedy: str) -> Iterator[None]:
    """Around a user's code: what it raises becomes a mistake with its line."""
    try:
        yield
    except (DocumentError, ModuleNotFoundError, KeyboardInterrupt):
        raise
    except BaseException as error:
        file, line = place_of(error)
        text = f"the code raises {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        wrong_call = isinstance(error, TypeError) and "argument" in str(error)
        raise DocumentError(
            [Mistake(what if not file else "", text, remedy if wrong_call else "", line)], file
        ) from error
