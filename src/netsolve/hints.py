"""Which further size would settle the answer, if the paper told it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import log

from netsolve.engines.elimination import Tables
from netsolve.engines.explored import entropy
from netsolve.engines.plausible import Plausibility
from netsolve.problem import Variable

MOST_HINTS = 4
MOST_ROWS = 100_000
"""Past this size of a problem hints are not worth their time."""

COUNTED = 0.01
"""How much the mere number of assignments weighs against their plausibility."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A size that would settle something. layer: after which; text: what it would do."""

    layer: str
    text: str


def hints_for(order: Plausibility, best: Mapping[Variable, int]) -> tuple[Hint, ...]:
    """The layers whose sizes, told one after the other, would settle most, until the answer is unique.

    Each is the one with the largest expected information about the assignment: the entropy of its size over what is
    plausible. Told is what the best assignment has there.
    """
    tables = order.tables
    if tables.rows > MOST_ROWS:
        return ()
    told: dict[Variable, int] = {}
    found: list[Hint] = []
    sizes = sizes_of(tables)
    left = tables.count()
    while left > 1 and len(found) < MOST_HINTS:
        layer = most_informative(order, sizes, told)
        if layer is None:
            break
        told |= {v: best[v] for v in sizes[layer]}
        left = count_given(tables, told)
        size = " x ".join(str(best[v] if isinstance(v, Variable) else v) for v in shown(tables, layer, sizes[layer]))
        outcome = "it would be the only answer" if left == 1 else f"{left:,} assignments would be left"
        found.append(Hint(layer, f"the size after {layer}: if it is {size}, {outcome}"))
    return tuple(found)


def shown(tables: Tables, layer: str, told: Collection[Variable]) -> tuple[object, ...]:
    """The spatial sizes after a layer, with the channels where these are told too; its features where it has none."""
    shape = tables.problem.shapes[layer]
    return shape if shape[0] in told else shape[1:] or shape


def sizes_of(tables: Tables) -> dict[str, tuple[Variable, ...]]:
    """The variables of the sizes after each layer, where several values are left; layers of equal sizes once."""
    found: dict[tuple[Variable, ...], str] = {}
    for layer in tables.problem.network.layers:
        open_ = tuple(
            dict.fromkeys(
                v
                for v in tables.problem.shapes[layer.name]
                if isinstance(v, Variable)
                and len(tables.values(v)) > 1
                and tables.relations.root(v) not in tables.hidden
            )
        )
        if open_:
            found.setdefault(open_, layer.name)
    return {name: variables for variables, name in found.items()}


def most_informative(
    order: Plausibility, sizes: Mapping[str, tuple[Variable, ...]], told: Mapping[Variable, int]
) -> str | None:
    """The layer whose size is least certain."""
    plausible = order.explored.shares(told)
    counted = counts_given(order.tables, told)
    scores = {
        layer: sum(
            entropy(plausible.get(v, {}).values()) + COUNTED * entropy(counted.get(v, {}).values()) for v in variables
        )
        for layer, variables in sizes.items()
    }
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best is not None and scores[best] > COUNTED * log(2) * 1e-6 else None


def count_given(tables: Tables, told: Mapping[Variable, int]) -> int:
    """How many assignments have these sizes."""
    circuit, weights = tables.circuit, _hits(tables, told)
    return int(circuit.total(weights, circuit.sums(weights)))


def counts_given(tables: Tables, told: Mapping[Variable, int]) -> dict[Variable, dict[int, float]]:
    """The share of assignments that have each value of each variable."""
    circuit, weights = tables.circuit, _hits(tables, told)
    shares = circuit.shares(weights, circuit.sums(weights))
    totals = {v: sum(row) for v, row in shares.items()}
    found = {
        v: {value: count / totals[v] for value, count in zip(tables.values(v), row, strict=True)}
        for v, row in shares.items()
    }
    return found | {v: found[root] for v, root in tables.relations.stands_for.items()}


def _hits(tables: Tables, told: Mapping[Variable, int]) -> dict[Variable, list[int]]:
    return {tables.relations.root(v): [int(x == value) for x in tables.values(v)] for v, value in told.items()}
