"""Cells that floors lose where a stride does not divide what it steps over, and what habits say of that."""

from dataclasses import replace
from functools import lru_cache

from netsolve.domain import Domain
from netsolve.habits import MOST_KEYS, STYLES, Habits
from netsolve.network import Network
from netsolve.ops.base import Formula
from netsolve.ops.window import span
from netsolve.problem import Factor, Problem, Variable

CODES = Domain.between(0, 3)
"""Bare and exact, bare and lost, padded and exact, padded and lost."""

STRIDE = 3
"""Where `window_of` has the place of the stride."""

Costs = dict[Variable, tuple[tuple[float, ...], ...]]
"""What each value of a variable costs, from 0 on, by style."""


def loss_family(kernel_size: int, stride: int, *, padding: bool, ceil_mode: bool, odd: bool) -> str:
    """What windows are alike in how often they lose cells; odd: whether the network's input has an odd size."""
    kind = "overlap even" if kernel_size % 2 == 0 else "overlap odd"
    if kernel_size <= stride:
        kind = "one" if kernel_size == 1 else "tile" if kernel_size == stride else "skip"
    words = [kind, "padded" if padding else "bare", "odd input" if odd else "even input"]
    return " ".join([*words, *(["ceil"] if ceil_mode else [])])


def odd_input(network: Network) -> bool:
    """Whether an input has an odd spatial size: then floors are meant otherwise than in a world of even sizes."""
    return any(isinstance(size, int) and size % 2 == 1 for shape in network.inputs.values() for size in shape[1:])


def with_losses(problem: Problem, habits: Habits) -> tuple[Problem, Costs]:
    """The problem with a variable for each strided layer that says whether cells are lost, and whether it pads.

    The second part gives each of its values (0 and 1: bare and exact, lost; 2 and 3: padded) its cost, by style.
    """
    domains = dict(problem.domains)
    factors = list(problem.factors)
    costs: Costs = {}
    rows: dict[tuple[int, int, bool], tuple[tuple[float, ...], ...]] = {}
    odd = odd_input(problem.network)
    for factor in problem.factors:
        if factor.output is None or not (given := window_of(factor.formula)) or factor.operands[given[STRIDE]] == 1:
            continue
        n, padding, *window = (factor.operands[i] if i >= 0 else -1 - i for i in given)
        k, s, d, ceil_mode = (v if isinstance(v, int) else None for v in window)
        if k is None or s is None or d is None or ceil_mode is None:
            continue
        variable = Variable(f"{factor.label.layer} loses", len(domains))
        domains[variable] = CODES
        factors.append(Factor(factor.label, _loss(span(k, d), s), (n, padding), variable))
        alike = (k, s, bool(ceil_mode))
        if alike not in rows:
            bare, padded = (loss_family(k, s, padding=pads, ceil_mode=alike[2], odd=odd) for pads in (False, True))
            rows[alike] = tuple(
                (*habits.loss_costs(bare, style), *habits.loss_costs(padded, style)) for style in STYLES
            )
        costs[variable] = rows[alike]
    return replace(problem, domains=domains, factors=tuple(factors)), costs


@lru_cache(maxsize=MOST_KEYS)
def window_of(formula: Formula) -> tuple[int, ...]:
    """Where a window that slides over its input has its n, padding, kernel_size, stride, dilation and ceil_mode.

    Where it lacks one, what that then is: as -1 less the number. Nothing for a formula of another kind.
    """
    names = formula.operands
    if "output_padding" in names or not {"n", "kernel_size", "stride", "padding"} <= set(names):
        return ()
    asked = ("n", "padding", "kernel_size", "stride", "dilation", "ceil_mode")
    return tuple(names.index(name) if name in names else -2 if name == "dilation" else -1 for name in asked)


@lru_cache(maxsize=MOST_KEYS)
def _loss(width: int, stride: int) -> Formula:
    """Whether a window pads and whether it loses cells."""
    return Formula(lambda n, padding: 2 * (padding > 0) + ((n + 2 * padding - width) % stride > 0), ("n", "padding"))
