"""Where the key paths of a TOML document stand."""

from __future__ import annotations

from typing import TypeAlias

from netsolve.scanning import GIVE_UP_DEPTH, Scanner

Path: TypeAlias = tuple[str | int, ...]


class _Table(dict[str, "_Entry"]):
    """A table: its keys, and the line where it begins."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class _Array(list["_Entry"]):
    """An array: its elements, and the line where it begins."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


_Entry: TypeAlias = int | _Table | _Array


class _Locator(Scanner):
    """Builds the tree of lines."""

    def __init__(self) -> None:
        super().__init__()
        self.root = _Table(0)
        self.open: list[_Table | _Array] = [self.root]
        self.slot = (_Table(0), "")

    def _descend(self, table: _Table, parts: list[str]) -> _Table:
        for part in parts:
            child = table.get(part)
            if isinstance(child, _Array) and child:
                child = child[-1]
            if not isinstance(child, _Table):
                child = table[part] = _Table(self.line)
            table = child
        return table

    def on_key(self, parts: list[str]) -> None:
        top = self.open[-1]
        if isinstance(top, _Table):
            *parents, last = parts[:GIVE_UP_DEPTH]
            table = self._descend(top, parents)
            table[last] = self.line
            self.slot = (table, last)

    def on_header(self, parts: list[str], *, array: bool) -> None:
        *parents, last = parts[:GIVE_UP_DEPTH]
        table = self._descend(self.root, parents)
        if array:
            tables = table.get(last)
            if not isinstance(tables, _Array):
                tables = table[last] = _Array(self.line)
            section = _Table(self.line)
            tables.append(section)
        else:
            section = self._descend(table, [last])
            section.line = self.line
        self.open = [section]

    def on_scalar(self, token: str, *, bare: bool) -> None:  # noqa: ARG002 - one kind of listener needs it
        top = self.open[-1]
        if isinstance(top, _Array):
            top.append(self.line)

    def on_open(self, mark: str) -> None:
        node = _Array(self.line) if mark == "[" else _Table(self.line)
        top = self.open[-1]
        if isinstance(top, _Array):
            top.append(node)
        else:
            table, key = self.slot
            table[key] = node
        self.open.append(node)

    def on_close(self) -> None:
        self.open.pop()

    def on_reset(self) -> None:
        del self.open[1:]


class Source:
    """The text of a document and where each key path stands in it."""

    def __init__(self, text: str, file: str = "") -> None:
        """Keep the text and the name of its file; nothing is read before the first `line`."""
        self.text = text
        self.file = file
        self._root: _Table | None = None

    def line(self, path: Path) -> int | None:
        """Return the 1-based line where the path, or else its nearest ancestor, begins; None when neither is there."""
        lines = self._lines(path)
        return lines[-1] if lines else None

    def has(self, path: Path) -> bool:
        """Whether the document has something at this path."""
        return len(self._lines(path)) == len(path)

    def _lines(self, path: Path) -> list[int]:
        """The lines where each part of a path begins, as far as it is there."""
        if self._root is None:
            locator = _Locator()
            locator.scan(self.text)
            self._root = locator.root
        entry: _Entry | None = self._root
        found: list[int] = []
        for part in path:
            entry = _child(entry, part)
            if entry is None:
                break
            found.append(entry if isinstance(entry, int) else entry.line)
        return found


def _child(entry: _Entry | None, part: str | int) -> _Entry | None:
    if isinstance(entry, _Table) and isinstance(part, str):
        return entry.get(part)
    if isinstance(entry, _Array) and isinstance(part, int) and 0 <= part < len(entry):
        return entry[part]
    return None
