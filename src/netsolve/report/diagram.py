"""A network as text that other programs draw: Mermaid and DOT."""

import json
from collections.abc import Iterator, Mapping, Sequence

from netsolve.errors import printable
from netsolve.report.drawing import arguments
from netsolve.report.rows import Row, size_text
from netsolve.report.tree import Alike, Block, Part, tree_of

Texts = Mapping[str, str]
UNOBEYED = "\\u003c"


def mermaid(rows: Sequence[Row], title: str, reasons: Texts) -> str:
    """A Mermaid flowchart: a node for each layer, a subgraph for each block, an edge for each tensor."""
    lines = ["---", f"title: {json.dumps(printable(title)).replace('<', UNOBEYED)}", "---", "flowchart TD"]
    ids = _ids(rows)
    lines += _mermaid_parts(tree_of(rows), ids, reasons, "    ")
    lines += (f"    {ids[feed]} --> {ids[row.name]}" for row in rows for feed in row.feeds)
    if bad := [ids[row.name] for row in rows if row.name in reasons]:
        lines.append("    classDef bad stroke:#c4231c,stroke-width:3px,stroke-dasharray:4 2")
        lines.append(f"    class {','.join(bad)} bad")
    return "\n".join(lines) + "\n"


def dot(rows: Sequence[Row], title: str, reasons: Texts) -> str:
    """A DOT graph: a node for each layer, a cluster for each block, an edge for each tensor."""
    ids = _ids(rows)
    lines = [
        f"digraph {_quoted(title)} {{",
        f'  graph [label={_quoted(title)} labelloc=t fontname="sans-serif"]',
        '  node [shape=box style="rounded,filled" fillcolor=white fontname="sans-serif" fontsize=11]',
        *_dot_parts(tree_of(rows), ids, reasons, "  "),
        *(f"  {ids[feed]} -> {ids[row.name]}" for row in rows for feed in row.feeds),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _ids(rows: Sequence[Row]) -> dict[str, str]:
    return {row.name: f"n{place}" for place, row in enumerate(rows)}


def _label(row: Row, reasons: Texts) -> list[str]:
    """The lines of a node: its name, its arguments, its size, and what does not fit there."""
    said = [row.name, " ".join(filter(None, [row.op, *(words for words, _ in arguments(row))])), size_text(row.after)]
    if row.name in reasons:
        said.append(f"does not fit: {printable(reasons[row.name])}")
    return [line for line in said if line]


def _mermaid_parts(parts: Sequence[Part], ids: Texts, reasons: Texts, indent: str) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Block):
            yield f'{indent}subgraph b_{_number(part, ids)}["{_mermaid_text(part.title)}"]'
            yield from _mermaid_parts(part.parts, ids, reasons, indent + "    ")
            yield f"{indent}end"
        elif not isinstance(part, Alike):
            yield f'{indent}{ids[part.name]}["{"<br>".join(map(_mermaid_text, _label(part, reasons)))}"]'


def _mermaid_text(text: str) -> str:
    """Text inside quotes: what Mermaid or HTML would obey as entities."""
    return "".join(c if c.isalnum() or c in " .,_-+=()*?:/" else f"#{ord(c)};" for c in text)


def _dot_parts(parts: Sequence[Part], ids: Texts, reasons: Texts, indent: str) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Block):
            yield f"{indent}subgraph cluster_{_number(part, ids)} {{"
            yield f"{indent}  label={_quoted(part.title)} style=rounded color=gray"
            yield from _dot_parts(part.parts, ids, reasons, indent + "  ")
            yield f"{indent}}}"
        elif not isinstance(part, Alike):
            colour = ' color="#c4231c" penwidth=3' if part.name in reasons else ""
            yield f"{indent}{ids[part.name]} [label={_quoted(*_label(part, reasons))}{colour}]"


def _quoted(*lines: str) -> str:
    """Lines as one string of DOT."""
    escaped = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def _number(block: Block, ids: Texts) -> str:
    """A number of a block that no other has: its depth and its first layer."""
    first: Part = block
    while isinstance(first, Block):
        first = first.parts[0]
    return f"{block.name.count('.')}_{ids[first.name] if isinstance(first, Row) else ''}"
