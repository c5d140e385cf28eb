"""The printout of torchsummary or torchinfo as sizes of a network's layers.

torchsummary prints `Conv2d-1   [-1, 64, 96, 96]   1,792` for every part as it ends; torchinfo a tree with
`├─Conv2d: 1-1   [1, 64, 96, 96]   1,792`, where a name may follow the class; the header says which columns there are.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from netsolve.domain import Unknown
from netsolve.errors import DocumentError, Mistake, UsageError
from netsolve.network import Layer, Network
from netsolve.ops import OPERATORS

LARGEST = 2**22
"""How many signs a printout may have."""

MOST_PAIRS = 4_000_000
"""How many pairs of a line and a layer may be compared: a few seconds' work."""

_TORCHSUMMARY = re.compile(r"\s*(?P<kind>[A-Za-z_]\w*)-\d+\s+(?P<rest>\[.*)", re.ASCII)
_TORCHINFO = re.compile(
    r"[\s\u2502]*(?:[\u251c\u2514]\u2500)?"
    r"(?P<kind>[A-Za-z_]\w*)(?: \((?P<part>[^()]*)\))?: \d+-\d+\s+(?P<rest>.*)",
    re.ASCII,
)
_CELL = re.compile(r"\[[^\[\]]*\]|\S+")
_SHAPE = re.compile(r"\[-?\d{1,9}(?:, \d{1,9}){1,8}\]", re.ASCII)


@dataclass(frozen=True)
class Printed:
    """A line of a printout: the class of a part, and the shape after it without batch; number: of the line, from 1."""

    number: int
    kind: str
    shape: tuple[int, ...]


def with_summary(network: Network, text: str, file: str = "") -> Network:
    """A network with the sizes that a printout has, as `out` of its layers.

    text: what torchsummary's or torchinfo's summary prints; file: names it in messages. Lines and layers are matched in
    their order, by class and channels; layers that it does not have (functions in the code of forward) keep what
    they state. Raises DocumentError, with the line of the printout, for a line that no layer stands for or whose
    channels or sizes are not the layer's; UsageError where the text has no line of such a printout.
    """
    if not isinstance(text, str):
        msg = f"with_summary takes the text that a summary prints, not {type(text).__name__}"
        raise UsageError(msg)
    rows = list(printed(text))
    if not rows:
        msg = (
            "the text has no line such as `Conv2d-1  [-1, 64, 96, 96]  1,792` or `Conv2d: 1-1  [1, 64, 96, 96]  1,792`"
        )
        raise UsageError(msg)
    layers = [layer for layer in network.layers if layer.op.torch_name in {row.kind for row in rows}]
    if len(rows) * len(layers) > MOST_PAIRS:
        msg = f"the printout has {len(rows)} lines and the network {len(layers)} layers: too many to match"
        raise UsageError(msg)
    pairs = matched(rows, layers)
    mistakes = [mistake for row, layer in pairs for mistake in _compared(row, layer)]
    if mistakes:
        raise DocumentError(mistakes, file)
    shapes = {layer.name: row.shape for row, layer in pairs if layer is not None}
    return replace(network, layers=tuple(_stated(layer, shapes.get(layer.name)) for layer in network.layers))


def printed(text: str) -> Iterator[Printed]:
    """The lines that stand for layers of torch, as far as each has one shape. Raises UsageError for too long a text."""
    if len(text) > LARGEST:
        msg = f"the printout is longer than {LARGEST:,} signs"
        raise UsageError(msg)
    column = 0
    for number, line in enumerate(text.splitlines(), 1):
        if "Output Shape" in line:
            heads = re.split(r"\s{2,}", line.strip())
            column = heads.index("Output Shape") - 1 if "Output Shape" in heads else 0
            continue
        match = _TORCHSUMMARY.fullmatch(line) or _TORCHINFO.fullmatch(line)
        if match is None or OPERATORS.get(match["kind"]) is None:
            continue
        cells = _CELL.findall(match["rest"])
        place = 0 if "part" not in match.groupdict() else column
        cell = cells[place] if place < len(cells) else ""
        if _SHAPE.fullmatch(cell):
            yield Printed(number, match["kind"], tuple(map(int, cell[1:-1].split(", ")))[1:])


def matched(rows: Sequence[Printed], layers: Sequence[Layer]) -> list[tuple[Printed, Layer | None]]:
    """Each line with the layer it stands for, or None: the best match in which both keep their order."""
    scores = [[0] * (len(layers) + 1) for _ in range(len(rows) + 1)]
    for i in range(len(rows) - 1, -1, -1):
        here, below = scores[i], scores[i + 1]
        for j in range(len(layers) - 1, -1, -1):
            alike = _likeness(rows[i], layers[j])
            here[j] = max(below[j], here[j + 1], below[j + 1] + alike if alike else 0)
    pairs: list[tuple[Printed, Layer | None]] = []
    j = 0
    for i, row in enumerate(rows):
        while j < len(layers) and scores[i][j] == scores[i][j + 1]:
            j += 1
        alike = _likeness(row, layers[j]) if j < len(layers) else 0
        if alike and scores[i][j] == scores[i + 1][j + 1] + alike:
            pairs.append((row, layers[j]))
            j += 1
        else:
            pairs.append((row, None))
    return pairs


def _likeness(row: Printed, layer: Layer) -> int:
    """How well a line and a layer go together; 0 where they do not."""
    if layer.op.torch_name != OPERATORS[row.kind].torch_name:
        return 0
    return 1 if any(True for _ in _compared(row, layer)) else 4


def _compared(row: Printed, layer: Layer | None) -> Iterator[Mistake]:
    """What a line says that its layer denies."""
    if layer is None:
        yield Mistake("", f"the document has no layer for this {row.kind}", "", row.number)
        return
    for key, index in (("out_channels", 0), ("out_features", -1), ("num_features", 0)):
        stated = getattr(layer.op, key, None)
        if isinstance(stated, int) and stated != row.shape[index]:
            text = f"the printout has {_shown(row.shape)}, and the document {key} = {stated}"
            yield Mistake(layer.name, text, "", row.number)
    if layer.out is not None and not _agree(layer.out, row.shape):
        stated = " x ".join("?" if isinstance(size, Unknown) else str(size) for size in layer.out)
        text = f"the printout has {_shown(row.shape)}, and the document out = {stated}"
        yield Mistake(layer.name, text, "", row.number)


def _agree(out: Iterable[object], shape: tuple[int, ...]) -> bool:
    """Whether a stated shape, or its spatial sizes, can be a printed one."""
    stated = tuple(out)
    if len(stated) not in {len(shape), len(shape) - 1}:
        return False
    return all(isinstance(a, Unknown) or a == b for a, b in zip(reversed(stated), reversed(shape), strict=False))


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _stated(layer: Layer, shape: tuple[int, ...] | None) -> Layer:
    """A layer with the shape of its line."""
    return layer if shape is None else replace(layer, out=shape)
