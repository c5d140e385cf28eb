"""A document with the values of an answer in place of its question marks."""

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from netsolve.domain import Unknown
from netsolve.errors import DocumentError, Mistake
from netsolve.expression import Expression
from netsolve.locate import Path
from netsolve.network import Network

MOST_NAMED = 3


def write(network: Network, values: Mapping[str, Any], unknowns: Mapping[str, int]) -> str:
    """The document a network was read from with values in place of question marks, comments and layout kept.

    values: by LAYER.ARGUMENT and `input`, as a solution has them; unknowns: the values of named unknowns, which take
    the place of their names in constraints. In a block or repetition one question mark stands for many layers: where
    they have the same value it is written there. Raises DocumentError where they differ, and ValueError where the
    network was not read from a document.
    """
    import tomlkit  # noqa: PLC0415 - only writing needs it

    if network.source is None:
        msg = "this network was not read from a document"
        raise ValueError(msg)
    document: Any = tomlkit.parse(network.source.text)
    for path, value in _agreed(network, values).items():
        table = document
        for part in path[:-1]:
            table = table[part]
        table[path[-1]] = value
    for index, expression in enumerate(network.constraints):
        if changed := _substituted(expression, unknowns):
            document["constraints"][index] = changed
    return tomlkit.dumps(document)


def rewrite(network: Network, values: Mapping[str, Any]) -> str:
    """The document a network was read from with other values for what is written, comments and layout kept.

    values: by LAYER.ARGUMENT, LAYER.out, `input` or `output`. Raises DocumentError where a value stands in a block or
    repetition, for other layers too, and ValueError where the network was not read from a document.
    """
    import tomlkit  # noqa: PLC0415 - only writing needs it

    if network.source is None:
        msg = "this network was not read from a document"
        raise ValueError(msg)
    document: Any = tomlkit.parse(network.source.text)
    for key, value in values.items():
        path = _home(network, key)
        _alone(network, key, path, values)
        table = document
        for part in path[:-1]:
            table = table[part]
        table[path[-1]] = list(value) if isinstance(value, tuple) else value
    return tomlkit.dumps(document)


def _home(network: Network, key: str) -> Path:
    """Where a document has what a key names."""
    if key == "output":
        return ("output",)
    if key in network.inputs:
        return ("input",) if set(network.inputs) == {"input"} else ("inputs", key)
    name, _, argument = key.rpartition(".")
    return network.by_name[name].at(argument)


def _alone(network: Network, key: str, path: Path, values: Mapping[str, Any]) -> None:
    """Raise DocumentError where other layers, which do not get the same value, have theirs from the same place."""
    argument = key.rpartition(".")[2]
    layers = [layer for layer in network.layers if layer.path and layer.at(argument) == path]
    others = [layer.name for layer in layers if values.get(f"{layer.name}.{argument}") != values[key]]
    if others:
        text = f"{_listed(others)} {'has its' if len(others) == 1 else 'have their'} {argument} from the same place"
        remedy = "write the block or repetition out there, or give it an argument for this value"
        file = network.source.file if network.source else ""
        raise DocumentError([Mistake(key, text, remedy, network.line(path))], file)


def overwrite(path: FilePath, text: str) -> None:
    """Put a text into a file: whole or not at all. Raises OSError with a remedy."""
    import os  # noqa: PLC0415 - only writing a file needs it
    import shutil  # noqa: PLC0415 - likewise
    import tempfile  # noqa: PLC0415 - likewise

    target, name = path.resolve(), ""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        shutil.copymode(target, name)
        FilePath(name).replace(target)
    except OSError as error:
        reason = f"it cannot be written: {error.strerror or error} (--format toml prints the document instead)"
        raise OSError(error.errno, reason, str(path)) from None
    finally:
        if name:
            FilePath(name).unlink(missing_ok=True)


def _agreed(network: Network, values: Mapping[str, Any]) -> dict[Path, Any]:
    """The value of each question mark by its place. Raises DocumentError where layers in one place have several."""
    found: dict[Path, dict[Any, list[str]]] = {}
    for key, path, value in _places(network, values):
        found.setdefault(path, {}).setdefault(value, []).append(key)
    mistakes = []
    for path, by_value in found.items():
        if len(by_value) > 1:
            shown = ", ".join(f"{_shown(value)} for {_listed(keys)}" for value, keys in by_value.items())
            text = f"this question mark stands for several layers, and their values differ: {shown}"
            remedy = "write the block or repetition out there, or give it an argument for this value"
            mistakes.append(Mistake(next(iter(by_value.values()))[0], text, remedy, network.line(path)))
    if mistakes:
        raise DocumentError(mistakes, network.source.file if network.source else "")
    return {path: next(iter(by_value)) for path, by_value in found.items()}


def _places(network: Network, values: Mapping[str, Any]) -> Iterator[tuple[str, Path, Any]]:
    """Each value with its key and the place of its question mark, entry by entry where there is a list."""
    several = set(network.inputs) != {"input"}
    for key, value in values.items():
        owner, _, argument = key.rpartition(".")
        if owner:
            layer = network.by_name[owner]
            written = getattr(layer.op, argument)
            paths = [layer.at(argument, i if isinstance(value, tuple) else None) for i in range(_count(value))]
        else:
            written = network.inputs[key]
            paths = [(*(("inputs", key) if several else (key,)), index) for index in range(_count(value))]
        entries = zip(value, written, strict=True) if isinstance(value, tuple) else [(value, written)]
        for index, (path, (number, asked)) in enumerate(zip(paths, entries, strict=True)):
            if isinstance(asked, Unknown):
                yield (f"{key}[{index}]" if isinstance(value, tuple) else key), path, number


def _count(value: Any) -> int:
    return len(value) if isinstance(value, tuple) else 1


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(keys: list[str]) -> str:
    """Some names, and how many more there are."""
    more = len(keys) - MOST_NAMED
    return ", ".join(keys[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _substituted(expression: Expression, unknowns: Mapping[str, int]) -> str:
    """A constraint with the values of named unknowns in place of their names; empty where none occurs."""
    if not any(str(reference) in unknowns for reference in expression.references):
        return ""
    return expression.replaced(unknowns)
