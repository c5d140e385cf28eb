"""Networks as TOML documents: read, with every mistake at once, and written back with values in place."""

import re
import tomllib
from pathlib import Path as FilePath
from typing import BinaryIO

from netsolve.errors import DocumentError, Mistake, UsageError
from netsolve.garbage import unswept
from netsolve.hazards import hazards, unclosed
from netsolve.locate import Source
from netsolve.network import Network
from netsolve.reading import Reader
from netsolve.writing import write

LARGEST_FILE = 16 * 2**20

_AT_LINE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_KEY = re.compile(r"[\w.-]+\s*=(?!=)", re.ASCII)
_OTHERS = {
    r"\{": "JSON",
    "<": "HTML or XML",
    r"(import|from|class)\s+\w": "Python",
    r"(?s)(---|[A-Za-z_]\w*:\s.*?\n[ \t]*- )": "YAML",
}
"""What begins so is not TOML but this."""

_CURLED = frozenset("\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb")
"""Quotation marks of typesetting."""

_TOML_REMEDIES = {
    "Unclosed array": "a comma, or the closing ], is missing before this place",
    "Unclosed inline table": "a comma, or the closing }, is missing before this place",
    "Invalid initial character for a key part": "an inline table has no comma after its last entry",
    "Expected newline": "one key = value stands on a line",
    "Expected '=' after a key": "write key = value",
    "Cannot overwrite": "a key stands only once",
    "Duplicate inline table key": "a key stands only once",
    "Cannot declare": "a table stands only once; a list of layers is written [[layers]]",
    "Cannot mutate": "layers are either one array or [[layers]] tables, not both",
}


def load(file: str | FilePath) -> Network:
    """Read a network from a file.

    Raises DocumentError with all mistakes, each with its line; also where the file cannot be read.
    """
    if not isinstance(file, str | FilePath):
        msg = f"load takes the name of a file, not {type(file).__name__}; loads takes text"
        raise UsageError(msg)
    if isinstance(file, str) and "\n" in file:
        msg = "load takes the name of a file, and this is a text of several lines: loads takes text"
        raise UsageError(msg)
    try:
        with FilePath(file).open("rb") as stream:
            return read(stream, str(file))
    except (OSError, ValueError) as error:
        raise unreadable(error, str(file)) from None


def read(stream: BinaryIO, file: str = "") -> Network:
    """Read a network from an open binary file; `file` names it in messages."""
    data = stream.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise DocumentError([Mistake("", f"the file is larger than {LARGEST_FILE >> 20} MiB")], file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DocumentError([Mistake("", "this is not UTF-8 text, as TOML is", line=line)], file) from None
    return loads(text, file)


@unswept()
def loads(text: str, file: str = "") -> Network:
    """Read a network from TOML text; `file` names it in messages. Raises DocumentError with all mistakes."""
    if not isinstance(text, str):
        msg = f"loads takes text, not {type(text).__name__}: decode it, or give load the name of the file"
        raise UsageError(msg)
    if found := hazards(text):
        raise DocumentError([Mistake("", hazard.text, hazard.remedy, hazard.line) for hazard in found], file)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError([_not_toml(str(error), text)], file) from None
    return Reader(Source(text, file)).network(data)


def unreadable(error: OSError | ValueError, file: str) -> DocumentError:
    """The error for a file that cannot be read."""
    if isinstance(error, ValueError):
        return DocumentError([Mistake("", f"this is no file name: {error}")], repr(file))
    reasons = {
        FileNotFoundError: "there is no such file",
        IsADirectoryError: "this is a directory, not a file",
        PermissionError: "reading this file is not permitted",
    }
    text = reasons.get(type(error), f"the file cannot be read: {error.strerror or error}")
    return DocumentError([Mistake("", text)], file)


def _not_toml(message: str, text: str) -> Mistake:
    """What tomllib says of a text that is not TOML."""
    match = _AT_LINE.search(message)
    what, lines = _AT_LINE.sub("", message), text.splitlines()
    line = None if match is None else int(match[1]) if match[1] else max(len(lines), 1)
    rest = lines[line - 1][int(match[2]) - 1 :] if match and match[2] and line and line <= len(lines) else ""
    if other := next((name for start, name in _OTHERS.items() if re.match(start, text.lstrip())), ""):
        what, remedy = f"it looks like {other}", "a document begins with a line such as input = [3, 96, 96]"
    elif what == "Invalid value" and (not rest or _KEY.match(rest)) and (opened := unclosed(text)):
        remedy = f"the bracket opened in line {opened} is never closed"
    elif rest[:1] in _CURLED:
        remedy = 'quotation marks are straight: "?"'
    elif what == "Invalid value" and rest.startswith("?"):
        remedy = 'a question mark stands in quotes: "?"'
    elif (what == "Invalid value" and rest.startswith("(")) or (what.startswith("Expected new") and rest[:1] == ","):
        remedy = "a list stands in square brackets: [3, 3]"
    elif what == "Invalid value" and (word := re.match(r"true|false|[A-Za-z_]\w*", rest, re.IGNORECASE)):
        lower = word[0].lower()
        text = "none" if word[0] == "None" else word[0]
        remedy = f"write {lower}" if lower in {"true", "false"} else f'a text stands in quotes: "{text}"'
    else:
        remedy = next((remedy for start, remedy in _TOML_REMEDIES.items() if what.startswith(start)), "")
    return Mistake("", f"this is not TOML: {what}", remedy, line)


__all__ = ["load", "loads", "read", "write"]
