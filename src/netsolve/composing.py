"""A network that no document has, as a document."""

import json
from collections.abc import Iterable
from dataclasses import MISSING
from typing import Any

from netsolve.domain import Domain, Unknown
from netsolve.network import Layer, Network


def compose(network: Network) -> str:
    """The TOML document of a network; read again, it is the same network."""
    lines = [f"name = {_value(network.name)}"] if network.name else []
    if set(network.inputs) == {"input"}:
        lines.append(f"input = {_value(network.inputs['input'])}")
    else:
        lines.append(f"inputs = {_table(network.inputs.items())}")
    if network.output is not None:
        lines.append(f"output = {_value(network.output)}")
    if network.outputs:
        lines.append(f"outputs = {_value(network.outputs)}")
    if network.defaults:
        lines.append(f"unknown = {_table(network.defaults.items())}")
    if network.constraints:
        lines += ["constraints = [", *(f"  {_value(c.text)}," for c in network.constraints), "]"]
    before = "input" if "input" in network.inputs else None
    lines += ["", "layers = ["]
    for layer in network.layers:
        lines.append(f"  {_table(_entries(layer, before))},")
        before = layer.name
    return "\n".join([*lines, "]", ""])


def _entries(layer: Layer, before: str | None) -> Iterable[tuple[str, Any]]:
    """The keys of a layer: what differs from the defaults."""
    yield "op", layer.op.torch_name
    yield "name", layer.name
    like = len(layer.inputs) == 2 and layer.op.torch_name in {"Upsample", "CenterCrop"}  # noqa: PLR2004 - x and like
    feeds = layer.inputs[:1] if like else layer.inputs
    if feeds != (before,):
        yield "from", feeds[0] if len(feeds) == 1 else feeds
    if like:
        yield "like", layer.inputs[1]
    for key in layer.op.arguments:
        value, field = getattr(layer.op, key), layer.op.__dataclass_fields__[key]
        if field.default is MISSING or value != field.default:
            yield key, value
    if layer.out is not None:
        yield "out", layer.out


def _table(entries: Iterable[tuple[str, Any]]) -> str:
    """An inline table."""
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in entries) + " }"


def _value(value: Any) -> str:
    """A value as TOML writes it."""
    if value is None or isinstance(value, Unknown):
        return f'"{value or "none"}"'
    if isinstance(value, Domain):
        return f'"?{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)
