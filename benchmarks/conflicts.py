"""How well netsolve explains what is broken: python benchmarks/conflicts.py --corpus DIR [--mutants N].

DIR holds `to_toml.py` and `nets/*.json`. Each mutant is a recorded network, fully known, with its final sizes stated
and one number changed: a padding, a stride, a stated size, an in_features; only such as no longer fit are taken.
For each: whether the statements of the conflict cannot be true alone (all others, of the layers that they concern,
unknown) and whether without any one of them the network fits (decided by posing the network anew, for up to --check
of them); whether torch runs every change; at which place among the changes the broken number is; and the seconds of
CPU time that the explanation took, torch's runs included.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

from learn import converter

from netsolve.conflicts.base import Conflict
from netsolve.conflicts.explanation import explain
from netsolve.conflicts.statements import relaxed
from netsolve.deadline import Deadline
from netsolve.document import loads
from netsolve.domain import Unknown
from netsolve.engines.elimination import tables_of
from netsolve.engines.relations import TooLargeError
from netsolve.engines.z3 import Z3Engine
from netsolve.errors import DocumentError, NetsolveError, UndecidedError
from netsolve.network import Network
from netsolve.ops.linear import Linear
from netsolve.posing import pose
from netsolve.queries import check

KINDS = ("padding", "stride", "size", "in_features")


@dataclass(frozen=True)
class Mutant:
    """A network with one number changed: the key of the number, and what it was."""

    name: str
    kind: str
    key: str
    was: Any
    network: Network


def known(text: str) -> Network:
    """A recorded network with the in_features of its linear layers written down."""
    network = loads(text)
    shapes = check(network).shapes
    layers = tuple(
        replace(layer, op=replace(layer.op, in_features=shapes[layer.inputs[0]][-1]))
        if isinstance(layer.op, Linear)
        else layer
        for layer in network.layers
    )
    return replace(network, layers=layers)


def mutants(name: str, network: Network, chance: random.Random) -> Iterator[Mutant]:
    """Mutants of a network that no longer fit, one of each kind, as far as there are."""
    for kind in KINDS:
        for _ in range(30):
            found = mutant(name, kind, network, chance)
            if found is not None and fails(found.network):
                yield found
                break


def mutant(name: str, kind: str, network: Network, chance: random.Random) -> Mutant | None:
    """One number changed."""
    argument = "out" if kind == "size" else kind
    layers = [
        layer
        for layer in network.layers
        if (layer.out is not None if kind == "size" else numeric(getattr(layer.op, argument, None)))
    ]
    if not layers:
        return None
    layer = chance.choice(layers)
    key = f"{layer.name}.{argument}"
    was = layer.out if kind == "size" else getattr(layer.op, argument)
    try:
        return Mutant(name, kind, key, was, network.with_values({key: other(was, kind, chance)}))
    except DocumentError:
        return None


def numeric(value: Any) -> bool:
    """Whether a value holds numbers and nothing else."""
    return all(
        isinstance(v, int) and not isinstance(v, bool) for v in (value if isinstance(value, tuple) else (value,))
    )


def other(was: Any, kind: str, chance: random.Random) -> Any:
    """What someone might have written by mistake."""
    if kind == "size":
        move = chance.choice((-2, -1, 1, 2))
        return (was[0], *(max(size + move, 1) for size in was[1:])) if len(was) > 1 else (max(was[0] + move, 1),)
    if kind == "in_features":
        return max(was + chance.choice((-was // 2, was, was // 4 + 1, 1)), 1)
    if kind == "stride":
        return moved(was, {1: 2}.get(first(was), 1))
    return moved(was, max(first(was) + chance.choice((-1, 1)), 0))


def first(value: Any) -> int:
    """The first entry of a list, or the number itself."""
    return int(value[0] if isinstance(value, tuple) else value)


def moved(was: Any, number: int) -> Any:
    """The number on every axis, as a list where there was one."""
    return (number,) * len(was) if isinstance(was, tuple) else number


def fails(network: Network) -> bool:
    """Whether the network cannot be."""
    try:
        return check(network).problem is not None
    except NetsolveError:
        return False


def place(conflict: Conflict, key: str) -> int | None:
    """At which place among the changes a number is, from 1."""
    places = (rank for rank, change in enumerate(conflict.changes, 1) if change.set.keys() == {key})
    return next(places, None)


def fits(network: Network, seconds: float) -> bool | None:
    """Whether anything fits; None where that is not decided in the time."""
    problem = replace(pose(network), costs=())
    if problem.violations:
        return False
    try:
        return tables_of(problem, Deadline(seconds)) is not None
    except TooLargeError:
        try:
            return Z3Engine().feasible(problem, Deadline(seconds))
        except UndecidedError:
            return None
    except UndecidedError:
        return None


def without(network: Network, dropped: set[str]) -> Network:
    """A network in which some of what is stated is unknown."""
    loose = relaxed(network).loose
    layers = []
    for layer, free in zip(network.layers, loose.layers, strict=True):
        arguments = {a: getattr(free.op, a) for a in layer.op.arguments if f"{layer.name}.{a}" in dropped}
        out = None if f"{layer.name}.out" in dropped else layer.out
        layers.append(replace(layer, op=replace(layer.op, **arguments), out=out))
    inputs = {key: (Unknown(),) * len(shape) if key in dropped else shape for key, shape in network.inputs.items()}
    return replace(network, layers=tuple(layers), inputs=inputs, output=None if "output" in dropped else network.output)


def concerned(network: Network, names: set[str]) -> Network:
    """The part of a network that some layers depend on, without what is stated elsewhere."""
    wanted = set(names)
    for layer in reversed(network.layers):
        if layer.name in wanted:
            wanted.update(layer.inputs)
    layers = tuple(
        layer if layer.name in names else replace(layer, out=None) for layer in network.layers if layer.name in wanted
    )
    inputs = {key: shape for key, shape in network.inputs.items() if key in wanted} or network.inputs
    return replace(network, layers=layers, inputs=inputs, output=network.output or None, outputs=())


def judged(mutant: Mutant, conflict: Conflict, most: int, chance: random.Random) -> tuple[str, str]:
    """Whether a conflict is real, and minimal."""
    keys = {statement.key for statement in conflict.statements}
    names = {statement.layer for statement in conflict.statements if statement.layer}
    names |= {reason.layer for reason in conflict.reasons if reason.layer}
    part = concerned(mutant.network, names)
    every = set(relaxed(part).statements)
    alone = fits(without(part, every - keys), 20)
    if alone:  # sizes may have to agree at a layer elsewhere, of which nothing is stated
        alone = fits(without(mutant.network, set(relaxed(mutant.network).statements) - keys), 60)
    sample = chance.sample(sorted(keys), min(most, len(keys)))
    rest = [fits(without(part, {key}), 20) for key in sample]
    if False in rest:  # others may have to change with it
        rest = [found or fits(without(part, every - keys | {key}), 20) for found, key in zip(rest, sample, strict=True)]
    real = "late" if alone is None else "NO" if alone else "yes"
    return real, "NO" if False in rest else "late" if None in rest else "yes"


def main() -> None:
    """Print a line for each mutant, and a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--mutants", type=int, default=500)
    parser.add_argument("--check", type=int, default=5, help="statements of a conflict that are left out in turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--largest", type=int, default=2000, help="leave out networks with more nodes")
    args = parser.parse_args()
    module, chance = converter(args.corpus), random.Random(args.seed)  # noqa: S311 - a sample, and no secret
    paths = sorted((args.corpus / "nets").glob("*.json"))
    chance.shuffle(paths)
    rows: list[Mapping[str, Any]] = []
    warm_up()
    for path in paths:
        net = json.loads(path.read_text(encoding="utf-8"))
        if len(net["nodes"]) > args.largest or len(rows) >= args.mutants:
            continue
        try:
            network = known(module.convert(net, unknown="none", sizes="final")[0])
        except (module.NotExpressible, NetsolveError):
            continue
        for found in mutants(net["name"], network, chance):
            rows.append(row(found, args.check, chance))
            print(" ".join(f"{key}={value}" for key, value in rows[-1].items()), flush=True)
    summary(rows)


def warm_up() -> None:
    """Import what every explanation needs, torch's meta device too."""
    import torch  # noqa: PLC0415 - only to be there

    torch.add(torch.zeros(1, device="meta"), 1)
    explain(loads('input = [1, 8, 8]\nlayers = [{ op = "Conv2d", out_channels = 1, kernel_size = 3, out = [9, 9] }]'))


def row(mutant: Mutant, most: int, chance: random.Random) -> dict[str, Any]:
    """What became of one mutant."""
    start = process_time()
    conflict = explain(mutant.network, timeout=20)
    seconds = process_time() - start
    real, minimal = judged(mutant, conflict, most, chance) if most else ("", "")
    ran = Counter(change.verified for change in conflict.changes)
    return {
        "name": mutant.name,
        "layers": len(mutant.network.layers),
        "kind": mutant.kind,
        "key": mutant.key,
        "seconds": round(seconds, 2),
        "statements": len(conflict.statements),
        "shown": conflict.minimal,
        "real": real,
        "minimal": minimal,
        "changes": len(conflict.changes),
        "cpu": ran[True],
        "meta": ran[None],
        "place": place(conflict, mutant.key),
        "first": ";".join(key for change in conflict.changes[:3] for key in change.set),
    }


def summary(rows: list[Mapping[str, Any]]) -> None:
    """How often each answer was given."""
    total = len(rows)
    print(f"mutants {total}")
    for column in ("shown", "real", "minimal"):
        print(column, dict(Counter(row[column] for row in rows)))
    top = sum(row["place"] is not None and row["place"] <= 3 for row in rows)  # noqa: PLR2004 - the first three
    print(f"broken place among the first three: {top} of {total}")
    for kind in KINDS:
        mine = [row for row in rows if row["kind"] == kind]
        good = sum(row["place"] is not None and row["place"] <= 3 for row in mine)  # noqa: PLR2004 - the first three
        print(f"  {kind}: {good} of {len(mine)}")
    times = sorted(row["seconds"] for row in rows)
    print(f"seconds: median {times[total // 2]}, 95% {times[int(total * 0.95)]}, largest {times[-1]}")
    print(f"changes: {sum(row['changes'] for row in rows)}, run on the CPU {sum(row['cpu'] for row in rows)}")


if __name__ == "__main__":
    main()
