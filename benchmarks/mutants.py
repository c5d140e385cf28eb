"""Documents that nobody would write: near-valid networks of every operator, and trees, lines and bytes gone wrong.

`mutant(number)` is a function of the number alone, so what a run of `fuzz.py` finds can be found again.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from netsolve.ops import OPERATORS

HOME = Path(__file__).parent.parent
ODD: tuple[Any, ...] = (
    -1, 0, 1, 2, 3, 7, 10, 64, 255, 1000, 65_536, 2**31 - 2, 2**31 - 1, 2**31, 10**17, -(2**31), 10**19, 1.0, 0.5,
    -0.0, 1e308, float("inf"), float("nan"), True, False, "", "?", "?p", "?0..3", "?1|3|5", "?p: 1..4", "?5..2",
    "?-3..3", "?1..2147483647", "?p:", "? ?", "1", "3x3", "none", "same", "valid", "input", "conv2d_1", "a.b", "ReLU",
    "\x1b[31m", "\u202e", "x" * 300, [], [[]], {}, [3, 96, 96], [1], ["?", 0], [1, 2, 3, 4, 5, 6, 7, 8, 9], {"a": 1},
    [{}], [{"op": "ReLU"}],
)  # fmt: skip
SIGNS = "[]{}=\"'?.,#\n\r\t\\ \0-_+*/%()<>!:;0123456789abcpxeE\u00e9\ufeff\u202e\U0001f600"
KEYS = (
    "op", "name", "from", "out", "like", "repeat", "layers", "block", "arguments", "input", "inputs", "output",
    "outputs", "constraints", "unknown", "blocks", "kernel_size", "padding", "stride", "in_features", "groups", "",
)  # fmt: skip
CONSTRAINTS = (
    "conv2d_1.padding == 1", "input[1] // 2 * 2 == input[1]", "p % 2 == 1", "conv2d_1.out[1] <= 8", "1 < p <= 3",
    "abs(p - 2) == 1", "max(p, 1) // 0 == 1", "not p", "p * p == 4", "conv2d_1.out == 3", "p", "p ** 2", "(" * 60,
    "p // p == 1", "1 % (p - 1) == 0", "conv2d_1.padding[9] == 1", "min() == 1", "input[1] * input[2] == 64", "",
    "p == " + "9" * 30, "__import__('os')", "not " * 60 + "p", "p + 1 == 2 == 2 != p or p", "conv2d_1[0].padding == 1",
)  # fmt: skip
MADE, BYTES, TREES = 0.55, 0.8, 0.85
"""Up to which share documents are as made; from which on bytes are changed; up to which they come from trees."""

MOST_COPIED = 10
LONG = 2000
Tree = dict[str, Any]


def mutant(number: int) -> str:
    """A document; the same one for the same number."""
    random = Random(number)  # noqa: S311 - no secret
    kind = random.random()
    if kind < MADE:
        return text_of(made(random))
    tree = made(random) if _maybe(random, 0.6) else _copy(random.choice(_seeds()))
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        change(random, tree)
    text = text_of(tree) if kind < TREES or _maybe(random, 0.5) else random.choice(_texts())
    for _ in range(random.choice([1, 1, 2, 5, 20]) if kind >= BYTES else 0):
        text = scratched(random, text)
    return text


# Near-valid networks.


def made(random: Random) -> Tree:
    """A network of random layers, most of which could follow each other."""
    axes = random.choice([0, 1, 2, 2, 2, 2, 3])
    tree: Tree = {"input": [_size(random, 16)] + [_size(random, random.choice([8, 32, 224])) for _ in range(axes)]}
    names: list[str] = []
    layers = [_layer(random, axes, names) for _ in range(random.choice([1, 1, 2, 2, 3, 4, 6]))]
    tree["layers"] = layers
    if _maybe(random, 0.2):
        tree["layers"] = [{"repeat": random.choice([1, 2, 3, 3, 3, 40]), "layers": layers}]
    if _maybe(random, 0.1):
        tree["blocks"] = {"b": {"arguments": ["w"], "layers": layers}}
        tree["layers"] = [{"block": "b", "w": random.choice(ODD)}, *layers[:1], {"block": "b", "w": _number(random, 4)}]
    if _maybe(random, 0.1):
        layers.append({"op": "Flatten"})
        layers.append({"op": "Linear", "in_features": _number(random, 300) + 1, "out_features": _size(random, 9)})
    elif _maybe(random, 0.3):
        stated = range(random.choice([axes, axes, axes + 1, 1]) or 1)
        layers[-1]["out"] = ["?" if _maybe(random, 0.3) else _size(random, 8) for _ in stated]
    if _maybe(random, 0.2):
        tree["output"] = [_size(random, 8) for _ in range(axes + 1)]
    if _maybe(random, 0.2):
        tree["constraints"] = random.sample(CONSTRAINTS, random.randint(1, 2))
    if _maybe(random, 0.1):
        tree["unknown"] = {random.choice(["padding", "stride", "kernel_size", "groups"]): _question(random)}
    return tree


def _layer(random: Random, axes: int, names: list[str]) -> Tree:
    """A layer that takes so many axes, more often than not; mostly with arguments that it may have."""
    fitting = _fitting(axes)
    op = random.choice(fitting) if _maybe(random, 0.98) else random.choice(sorted(OPERATORS))
    layer: Tree = {"op": op}
    for key, kind in OPERATORS[op].arguments.items():
        needed = OPERATORS[op].__dataclass_fields__[key].default is MISSING or key == "padding"
        if _maybe(random, 0.99 if needed else 0.1):
            schema = kind.schema(OPERATORS[op].axes)
            layer[key] = random.choice(ODD) if _maybe(random, 0.01) else _sample(random, schema)
    arity = OPERATORS[op].arity[0]
    if arity > 1 or _maybe(random, 0.1):
        layer["from"] = [random.choice([*names, "input"]) for _ in range(arity)]
    if _maybe(random, 0.4):
        layer["name"] = f"n{len(names)}"
        names.append(layer["name"])
    return layer


@cache
def _fitting(axes: int) -> list[str]:
    """Operators for so many axes, or for any; those with sizes of their own more often than the rest."""
    other = [f"{each}d" for each in (1, 2, 3) if each != axes]
    own = [name for name, op in OPERATORS.items() if op.axes == axes and axes]
    plain = [name for name, op in OPERATORS.items() if not op.axes and name[-2:] not in other]
    if not axes:
        return [*plain, *["Linear", "ReLU", "add", "cat"] * 10]
    usual = [f"{each}{axes}d" for each in ("Conv", "Conv", "Conv", "MaxPool", "AvgPool", "ConvTranspose", "ZeroPad")]
    return [*own, *plain, *["add", "cat", "mul", "Upsample"] * 3, *usual * 10]


def _sample(random: Random, schema: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - a kind, a line
    """A value that a schema allows, in the main."""
    if "anyOf" in schema:
        least = next((each["minimum"] for each in schema["anyOf"] if "minimum" in each), 0)
        chosen = random.choice(schema["anyOf"])
        return _question(random, least) if "$ref" in chosen else _sample(random, chosen)
    if "enum" in schema:
        return random.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "array":
        length = schema.get("minItems", 1) + _maybe(random, 0.02)
        return [_sample(random, schema.get("items", {"type": "integer"})) for _ in range(length)]
    if kind == "boolean":
        return _maybe(random, 0.5)
    if kind == "number":
        return random.choice([0, 0.5, 1.5, 2, 3.0, 1e-3, 1e300, -1.0])
    if kind == "integer":
        least = max(schema.get("minimum", 0), 0)
        return least + abs(_number(random, 3)) if _maybe(random, 0.98) else _number(random, 7)
    return _question(random)


def _maybe(random: Random, share: float) -> bool:
    return random.random() < share


def _number(random: Random, most: int) -> int:
    return random.randint(0, most) if _maybe(random, 0.97) else random.choice([-1, 100, 2**16, 2**31 - 1])


def _size(random: Random, most: int) -> Any:
    return _question(random) if _maybe(random, 0.1) else max(_number(random, most), 1)


def _question(random: Random, least: int = 1) -> str:
    name = random.choice(["", "", "", "p: ", "q: "])
    low = max(least, 0) + random.choice([0, 0, 1])
    body = random.choice(["", "", f"{low}..{low + random.choice([0, 1, 1, 3, 3])}", f"{low}|{low + 2}"])
    if _maybe(random, 0.03):
        body = random.choice(["1..100000", "0..60", "1..2147483647"])
    return "?" + (f"{name}{body}" if body else name[:1])


# Trees.


def change(random: Random, tree: Tree) -> None:
    """Change a random place of a tree."""
    node: Any = tree
    while True:
        inner = [v for v in (node.values() if isinstance(node, dict) else node) if isinstance(v, dict | list) and v]
        if not inner or _maybe(random, 0.25):
            break
        node = random.choice(inner)
    spots = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not spots:
        return
    spot = random.choice(spots)
    kind = random.randrange(5)
    if kind == 0:
        del node[spot]
    elif kind in {1, 2}:
        node[spot] = _copy(random.choice(ODD))
    elif isinstance(node, dict):
        key = random.choice(KEYS)
        node[key] = node.pop(spot) if kind == 4 else _copy(random.choice(ODD))  # noqa: PLR2004 - a fifth of them
    else:
        times = random.choice([1, 1, 2, 50]) if len(node) < MOST_COPIED else 1
        node[spot:spot] = [_copy(node[random.choice(spots)]) for _ in range(times)]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def text_of(tree: Tree) -> str:
    """A tree as TOML: a line a key, and a line a layer."""
    lines = []
    for key, value in tree.items():
        if key == "layers" and isinstance(value, list) and value:
            lines += [f"{_key(key)} = [", *(f"  {_value(layer)}," for layer in value), "]"]
        else:
            lines.append(f"{_key(key)} = {_value(value)}")
    return "\n".join([*lines, ""])


def _key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value) if isinstance(value, bool | str) else str(value)


@cache
def _texts() -> list[str]:
    """The documents of the project that are not long."""
    files = sorted([*HOME.glob("examples/*.toml"), *HOME.glob("tests/data/*.toml")])
    texts = [file.read_text(encoding="utf-8") for file in files]
    return [text for text in texts if len(text) < LONG]


@cache
def _seeds() -> list[Tree]:
    return [tomllib.loads(text) for text in _texts()]


# Bytes.


def scratched(random: Random, text: str) -> str:
    """A text with one place changed."""
    start = random.randrange(len(text) + 1)
    end = min(len(text), start + random.choice([0, 1, 1, 2, 5, 30]))
    changes: tuple[Callable[[], str], ...] = (
        lambda: "",
        lambda: random.choice(SIGNS),
        lambda: random.choice(SIGNS) * random.choice([2, 3, 70, 2000]),
        lambda: text[start:end] * 2,
        lambda: str(random.choice(ODD)),
        lambda: random.choice(KEYS),
        lambda: text[(cut := random.randrange(len(text) + 1)) : cut + random.choice([5, 50])],
    )
    return text[:start] + random.choice(changes)() + text[end:]
