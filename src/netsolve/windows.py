"""Habits of windows of which more than the padding is unknown: how large they are, and what a padding then means."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import exp, log
from typing import Any

from netsolve.domain import Domain
from netsolve.habits import STYLES, Habits, kind_of
from netsolve.losses import Costs, window_of
from netsolve.network import Layer, Network
from netsolve.ops.base import Formula
from netsolve.problem import Factor, Problem, Variable

ARGUMENTS = ("kernel_size", "stride", "dilation")

MEANINGS = ("none", "half", "other")
"""No padding, half of what the window spans, any other."""

TELLS_NOTHING = len(MEANINGS)
CODES = Domain.between(0, TELLS_NOTHING)
"""The meanings, and that of a window with nothing to pad."""

UNSEEN = {"none": 0.5, "half": 0.5, "other": 0.1}
"""What meanings count that were never seen."""

STRENGTH = 2.0
"""How many observations what is more general is worth against what is more special."""

Seen = Mapping[str, Mapping[str, float]]


def meaning(kernel_size: int, dilation: int, padding: int) -> int:
    """What a padding means for a window: the place of a name in MEANINGS, or TELLS_NOTHING."""
    half = dilation * (kernel_size - 1) // 2
    if not half and not padding:
        return TELLS_NOTHING
    return 1 if padding == half else 2 if padding else 0


MEANING = Formula(meaning)


def meaning_key(kind: str) -> str:
    """The key of the table of meanings for windows of any size."""
    return f"padding {kind} ?"


def with_meanings(problem: Problem, habits: Habits) -> tuple[Problem, Costs]:
    """The problem with a variable for what each padding of a window means that is itself to be found, and its costs."""
    domains, factors = dict(problem.domains), list(problem.factors)
    kinds = {layer.name: kind_of(layer.op.torch_name) for layer in problem.network.layers}
    found: dict[tuple[Any, ...], Variable] = {}
    costs: Costs = {}
    for factor in problem.factors:
        given, kind = window_of(factor.formula), kinds.get(factor.label.layer)
        if factor.output is None or not given or kind is None:
            continue
        _, padding, k, s, d, _ = (factor.operands[i] if i >= 0 else -1 - i for i in given)
        operands = (k, d, padding)
        told = all(isinstance(v, int) or domains[v].count == 1 for v in (k, s, d))
        if not isinstance(padding, Variable) or operands in found or told:
            continue
        variable = found[operands] = Variable(f"{factor.label.layer} pads", len(domains))
        domains[variable] = CODES
        factors.append(Factor(factor.label, MEANING, operands, variable))
        costs[variable] = tuple(meaning_costs(habits, kind, style) for style in STYLES)
    return replace(problem, domains=domains, factors=tuple(factors)), costs


def meaning_costs(habits: Habits, kind: str, style: str) -> tuple[float, ...]:
    """What each meaning costs under a style, in nats."""
    seen = habits.meanings.get(style, {}).get(meaning_key(kind), {})
    weights = [seen.get(name, 0.0) + UNSEEN[name] for name in MEANINGS]
    return (*(-log(weight / sum(weights)) for weight in weights), 0.0)


def contexts(layer: Layer, argument: str) -> tuple[str, ...]:
    """What tells of a number of a layer's window, from the general to the special; none where habits know nothing."""
    kind, op = kind_of(layer.op.torch_name), layer.op
    if kind is None or argument not in ARGUMENTS:
        return ()
    beside = "stride" if argument == "kernel_size" else "kernel_size"
    number = plain(getattr(op, beside, None))
    groups = getattr(op, "groups", 1)
    words = [f"{argument} {kind}"]
    if number is not None:
        words.append(f"{words[-1]}, {beside} {number}")
    if isinstance(groups, int) and groups > 1 and groups == getattr(op, "out_channels", None):
        words.append(f"{words[-1]}, depthwise")
    return tuple(words)


def plain(value: Any) -> int | None:
    """The one number that an argument has along all axes; None where it has not."""
    entries = set(value) if isinstance(value, tuple) else {value}
    return next(iter(entries)) if len(entries) == 1 and all(type(v) is int for v in entries) else None


def numbers_in(network: Network) -> Counter[tuple[str, int]]:
    """How many layers have which numbers, by what tells of them."""
    found: Counter[tuple[str, int]] = Counter()
    for layer in network.layers:
        for argument in ARGUMENTS:
            if (number := plain(getattr(layer.op, argument, None))) is not None:
                found.update((context, number) for context in contexts(layer, argument))
    return found


class Numbers:
    """The habits of authors for numbers of windows: what others have, and more than that what this network has."""

    def __init__(self, problem: Problem, habits: Habits) -> None:
        """Note what the question marks of windows stand in, and the numbers that the network has."""
        layers = problem.network.by_name
        self.habits = habits
        self.where: dict[Variable, tuple[str, ...]] = {}
        for question in problem.questions:
            name, _, argument = question.key.rpartition(".")
            if argument in ARGUMENTS and (found := contexts(layers[name], argument)):
                self.where.update((v, found) for v in question.entries if isinstance(v, Variable))
        self.own: dict[str, dict[str, float]] = {}
        for (context, number), count in numbers_in(problem.network).items() if self.where else ():
            self.own.setdefault(context, {})[str(number)] = count

    def costs(self, variable: Variable, values: Sequence[int], fallback: Sequence[float]) -> Sequence[float]:
        """What values of a variable cost; fallback: what they cost where nothing was seen of its like."""
        where = self.where.get(variable, ())
        if not where:
            return fallback
        shares = _mixed([exp(-c) for c in fallback], values, self.rows(where))
        return [-log(share) for share in shares]

    def rows(self, where: Iterable[str]) -> Iterator[Mapping[str, float]]:
        """How often numbers were seen: in other networks, from the general to the special, then in this one."""
        where = tuple(where)
        for seen in (self.habits.numbers, self.own):
            yield from (seen[context] for context in where if context in seen)


def _mixed(shares: Sequence[float], values: Sequence[int], rows: Iterable[Mapping[str, float]]) -> list[float]:
    """The share of each value, each row of counts against what came before it."""
    whole, places = sum(shares), {str(value): place for place, value in enumerate(values)}
    found = [share / whole for share in shares]
    for row in rows:
        total = sum(row.values()) + STRENGTH
        found = [share * (STRENGTH / total) for share in found]
        for number, count in row.items():
            if number in places:
                found[places[number]] += count / total
    return found
