"""Small random networks with joins, and which values fit them: by torch's documented formulas, not by netsolve's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from random import Random
from typing import Any

from chains import Mark, sizes_after
from support import document, table

MOST_ROWS = 400
Shape = tuple[int, ...]
Values = dict[str, Any]


@dataclass
class Node:
    """A layer."""

    name: str
    op: str
    given: dict[str, Any]
    inputs: tuple[str, ...]
    out: tuple[Any, ...] | None = None


@dataclass
class Net:
    """Layers in order, and constraints by their text and as functions of all values and shapes."""

    size: tuple[int, ...]
    nodes: list[Node] = field(default_factory=list)
    constraints: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The document."""
        layers = []
        for node in self.nodes:
            more: dict[str, Any] = {"from": list(node.inputs)}
            if node.out is not None:
                more["out"] = _plain(list(node.out))
            layers.append(table(op=node.op, name=node.name, **{k: _plain(v) for k, v in node.given.items()}, **more))
        top = {"constraints": [text for text, _ in self.constraints]} if self.constraints else {}
        return document(*layers, input=[2, *self.size], **top)

    @property
    def slots(self) -> dict[tuple[str, int | None], Mark]:
        """Every question mark by LAYER.ARGUMENT and entry."""
        found: dict[tuple[str, int | None], Mark] = {}
        for node in self.nodes:
            for key, given in node.given.items():
                entries = enumerate(given) if isinstance(given, list) else [(None, given)]
                found |= {(f"{node.name}.{key}", e): mark for e, mark in entries if isinstance(mark, Mark)}
        return found

    def choices(self) -> dict[Any, set[int]]:
        """The values of each unknown: those that share a name are one."""
        found: dict[Any, set[int]] = {}
        for slot, mark in self.slots.items():
            possible = set(mark.values)
            own = mark.name or slot
            found[own] = found.get(own, possible) & possible
        return found

    def rows(self) -> Iterator[tuple[Values, dict[Any, int]]]:
        """Every combination, as an answer has it and by slot."""
        choices = self.choices()
        for row in product(*(sorted(values) for values in choices.values())):
            case = dict(zip(choices, row, strict=True))
            slots = {slot: case[mark.name or slot] for slot, mark in self.slots.items()}
            values: Values = {}
            for node in self.nodes:
                for key, given in node.given.items():
                    name = f"{node.name}.{key}"
                    if isinstance(given, list) and any(isinstance(entry, Mark) for entry in given):
                        values[name] = tuple(slots.get((name, i), entry) for i, entry in enumerate(given))
                    elif isinstance(given, Mark):
                        values[name] = bool(slots[name, None]) if key == "ceil_mode" else slots[name, None]
            yield values, slots

    def shapes(self, values: Values) -> dict[str, Shape] | None:
        """The shapes after all layers; None where torch refuses."""
        shapes: dict[str, Shape] = {"input": (2, *self.size)}
        for node in self.nodes:
            full = {k: values.get(f"{node.name}.{k}", v) for k, v in node.given.items()}
            shape = _after(node.op, full, [shapes[name] for name in node.inputs])
            if shape is None:
                return None
            shapes[node.name] = shape
        return shapes

    def fitting(self) -> dict[tuple[Any, ...], tuple[Values, dict[str, Shape]]]:
        """The answers, by their values in one order."""
        found = {}
        for values, _ in self.rows():
            shapes = self.shapes(values)
            if shapes is not None and self.agrees(values, shapes):
                found[tuple(sorted(values.items()))] = values, shapes
        return found

    def agrees(self, values: Values, shapes: Mapping[str, Shape]) -> bool:
        """Whether what is stated and constrained is so."""
        for node in self.nodes:
            if node.out is not None:
                shape = shapes[node.name]
                pairs = zip(node.out, shape[len(shape) - len(node.out) :], strict=True)
                if not all(not s.values or n in s.values if isinstance(s, Mark) else n == s for s, n in pairs):
                    return False
        return all(holds(values, shapes) for _, holds in self.constraints)


def _plain(given: Any) -> Any:
    if isinstance(given, list):
        return [_plain(entry) for entry in given]
    return str(given) if isinstance(given, Mark) else given


def _after(op: str, full: Mapping[str, Any], inputs: list[Shape]) -> Shape | None:  # noqa: PLR0911 - an op, a line
    """The shape after a layer; None where torch refuses."""
    first = inputs[0]
    if op == "Flatten":
        return (prod(first),)
    if op == "Linear":
        return (full["out_features"],) if full.get("in_features") in {None, first[-1]} else None
    if op in {"add", "maximum"}:
        return first if len(set(inputs)) == 1 else None
    if op == "mul":
        sizes = [{n for n in axis if n != 1} for axis in zip(*inputs, strict=True)]
        return None if any(len(s) > 1 for s in sizes) else tuple(max(s, default=1) for s in sizes)
    if op == "cat":
        along = full["dim"] - 1
        others = {(*shape[:along], *shape[along + 1 :]) for shape in inputs}
        total = sum(shape[along] for shape in inputs)
        return (*first[:along], total, *first[along + 1 :]) if len(others) == 1 else None
    if op.startswith("ConvTranspose"):
        k, s, p, o = full["kernel_size"], full["stride"], full["padding"], full["output_padding"]
        sizes_ = tuple((n - 1) * s - 2 * p + (k - 1) + o + 1 for n in first[1:])
        return (full["out_channels"], *sizes_) if o < s and min(sizes_) >= 1 else None
    found = sizes_after(op, full, first[1:], set())
    return None if found is None else (full.get("out_channels", first[0]), *found)


def _mark(random: Random, *values: int, most: int = 3) -> Mark:
    """A question mark with a set of its own; sometimes named."""
    chosen = sorted(random.sample(values, random.randint(1, min(most, len(values)))))
    return Mark(random.choice(["", "", "", "p", "q"]), tuple(chosen))


def _layer(random: Random, name: str, source: str, axes: int, *, conv_only: bool = False) -> Node:
    """A convolution, pool, pad or transposed convolution with question marks."""
    kind = random.choice(["conv", "conv", "conv", "pool", "pad", "up"]) if not conv_only else "conv"
    if kind == "pad":
        side = [random.choice([0, 1, _mark(random, -1, 0, 1)]) for _ in range(2 * axes)]
        return Node(name, f"ZeroPad{axes}d", {"padding": random.choice([_mark(random, -1, 0, 1, 2), side])}, (source,))
    if kind == "up":
        given: dict[str, Any] = {
            "out_channels": 2,
            "kernel_size": random.choice([2, 3, 4]),
            "stride": random.choice([1, 2]),
        }
        given |= {"padding": _mark(random, 0, 1, 2), "output_padding": random.choice([0, _mark(random, 0, 1)])}
        return Node(name, f"ConvTranspose{axes}d", given, (source,))
    if kind == "pool":
        kernel = random.choice([2, 2, 3, _mark(random, 2, 3)])
        given = {"kernel_size": kernel, "stride": random.choice([1, 2, _mark(random, 1, 2)])}
        given |= {"padding": random.choice([0, _mark(random, 0, 1)])}
        given |= {"ceil_mode": random.choice([False, True, Mark("", (0, 1))])}
        return Node(name, f"MaxPool{axes}d", given, (source,))
    paddings: list[Any] = [_mark(random, 0, 1, 2), [_mark(random, 0, 1, 2) for _ in range(axes)]]
    kernels: list[Any] = [1, 3, 3, 3, [3, 1, 2][:axes], _mark(random, 1, 2, 3)]
    strides: list[Any] = [1, 1, 2, 2, 3, _mark(random, 1, 2), [1, 2, 1][:axes]]
    given = {"out_channels": 2, "kernel_size": random.choice(kernels), "stride": random.choice(strides)}
    given |= {
        "padding": random.choice([*paddings, paddings[0]]),
        "dilation": random.choice([1, 1, 2, _mark(random, 1, 2)]),
    }
    return Node(name, f"Conv{axes}d", given, (source,))


def _paddings_equal(first: Node, last: Node) -> tuple[str, Any]:
    left, right = f"{first.name}.padding", f"{last.name}.padding"
    if any(isinstance(node.given["padding"], list) and len(node.given["padding"]) > 1 for node in (first, last)):
        left, right = f"{left}[0]", f"{right}[0]"

    def entry(node: Node, values: Values) -> Any:
        found = values.get(f"{node.name}.padding", node.given["padding"])
        return found[0] if isinstance(found, list | tuple) else found

    return f"{left} == {right}", lambda values, _: entry(first, values) == entry(last, values)


def _body(random: Random, axes: int) -> Net:
    """Layers without anything stated."""
    net = Net(tuple(random.randint(4, 9) for _ in range(axes)))
    source = "input"
    for i in range(random.randint(0, 2)):
        net.nodes.append(_layer(random, f"l{i}", source, axes))
        source = net.nodes[-1].name
    if random.random() < 0.6 or not net.nodes:
        ends = []
        for side in "ab":
            end = source
            for i in range(random.randint(0 if side == "b" else 1, 2)):
                net.nodes.append(_layer(random, f"{side}{i}", end, axes, conv_only=i == 0 and random.random() < 0.7))
                end = net.nodes[-1].name
            ends.append(end)
        op = random.choice(["add", "maximum", "mul", "cat", "cat"])
        given = {"dim": random.choice([1, 2, -2][:2])} if op == "cat" else {}
        net.nodes.append(Node("join", op, given, tuple(ends)))
        source = "join"
    if random.random() < 0.4:
        net.nodes.append(_layer(random, "tail", source, axes))
    return net


def _constrain(random: Random, net: Net) -> None:
    """Sometimes tie paddings or sizes by a constraint."""
    padded = [node for node in net.nodes if node.op[:-2] in {"Conv", "MaxPool"}]
    first, axes = net.nodes[0].name, len(net.size)
    if len(padded) > 1 and random.random() < 0.3:
        net.constraints.append(_paddings_equal(padded[0], padded[-1]))
    if random.random() < 0.2:
        net.constraints.append((f"{first}.out[1] % 2 == 0", lambda _, shapes: shapes[first][1] % 2 == 0))
    if random.random() < 0.2:
        net.constraints.append(
            (
                f"{first}.out[1] <= {first}.out[{axes}] + 1",
                lambda _, shapes: shapes[first][1] <= shapes[first][axes] + 1,
            )
        )


def network(seed: int, most: int = MOST_ROWS, axes: int = 2) -> Net:
    """A random network whose combinations are few; usually something fits, since what is stated is taken from one."""
    random = Random(seed)  # noqa: S311 - no secret
    while True:
        net = _body(random, axes)
        choices = net.choices()
        if not choices or not all(choices.values()) or prod(map(len, choices.values())) > most:
            continue
        rows = [values for values, _ in net.rows()]
        random.shuffle(rows)
        shapes = next((found for values in rows[:40] if (found := net.shapes(values)) is not None), None)
        if shapes is not None:
            break
    _constrain(random, net)
    last = net.nodes[-1]
    final = shapes[last.name]
    if random.random() < 0.4:
        net.nodes += [
            Node("flat", "Flatten", {}, (last.name,)),
            Node("head", "Linear", {"in_features": prod(final), "out_features": 3}, ("flat",)),
        ]
    else:
        loose, rest = Mark("", (final[1], final[1] + 1)), final[2:]
        some = [final, final[1:], (loose, *rest), (final[0], loose, *[Mark()] * len(rest)), (Mark(), *rest), None, None]
        last.out = random.choice(some)
    return net
