"""What several tests share: documents in few words, and their mistakes as a user reads them."""

import re
from typing import Any

import pytest

from netsolve import DocumentError, loads

FILE = "net.toml"


def value(given: Any) -> str:
    """A value as TOML."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str):
        return f'"{given}"'
    if isinstance(given, list | tuple):
        return f"[{', '.join(map(value, given))}]"
    return str(given)


def table(**entries: Any) -> str:
    """An inline table."""
    return "{ " + ", ".join(f"{key} = {value(entry)}" for key, entry in entries.items()) + " }"


def conv(kernel_size: Any = 3, *, out_channels: Any = 4, op: str = "Conv2d", **more: Any) -> str:
    """A convolution."""
    return table(op=op, out_channels=out_channels, kernel_size=kernel_size, **more)


def pool(kernel_size: Any = 2, *, op: str = "MaxPool2d", **more: Any) -> str:
    """A pool."""
    return table(op=op, kernel_size=kernel_size, **more)


def document(*layers: str, input: Any = (3, 8, 8), **top: Any) -> str:  # noqa: A002 - the document's own word
    """A document: line 1 is the input, then a line for each further key, `layers = [`, and a line for each layer."""
    head = [f"input = {value(input)}", *(f"{key} = {value(entry)}" for key, entry in top.items())]
    return "\n".join([*head, "layers = [", *(f"  {layer}," for layer in layers), "]", ""])


def hard() -> str:
    """A document that z3 does not finish with: the best of a long chain under constraints that tie everything."""
    layers = [
        conv("?1..11", padding="?0..5", stride="?1..4", dilation="?1..4", name=f"a{i}")
        if i % 2
        else pool("?1..5", name=f"a{i}")
        for i in range(60)
    ]
    ties = [f"(a{i}.out[1] * 7 + a{i}.out[2] * 5) % 11 == a{i + 1}.out[2] % 11" for i in range(58)]
    return document(*layers, input=[3, 99991, 99989], output=[4, 17, 19], constraints=ties)


def complaints(text: str) -> list[str]:
    """The mistakes of a document, as lines."""
    with pytest.raises(DocumentError) as caught:
        loads(text, FILE)
    return str(caught.value).split("\n")


def exactly(message: str) -> str:
    """A pattern that matches this message and nothing else."""
    return rf"\A{re.escape(message)}\Z"
