"""Upper bounds for what a document gives none: from the last layer back to the first, by the sizes behind."""

from collections.abc import Sequence
from itertools import product

from netsolve.domain import LARGEST, Domain
from netsolve.engines.calls import Call, divisors
from netsolve.problem import Variable, product_of

Domains = dict[Variable, Domain]


def bounded(domains: Domains, calls: Sequence[Call]) -> bool:
    """Find upper bounds for variables without one, from the last layer back to the first.

    Whether every variable still has a value.
    """
    for call in reversed(calls):
        if call.formula.falls and call.output is not None:
            bound_falling(domains, call)
        open_ = [v for v in call.inputs if domains[v].high is None] if call.output is not None else []
        if call.output is None or not open_ or (output := domains[call.output]).high is None:
            continue
        if call.formula is product_of(len(call.operands)):
            possible = Domain.of(divisors(output.low)) if output.count == 1 else Domain.between(1, output.high)
            for variable in open_:
                domains[variable] = domains[variable] & possible
        elif len(open_) == 1 and open_[0] not in falling(call):
            bound_operand(domains, call, open_[0], output.high)
        if not all(domains[v].ranges for v in open_):
            return False
    return True


def bound_falling(domains: Domains, call: Call) -> None:
    """A size falls with some of what it is made of, and is at least 1: these are at most where it still is."""
    highs = [domains[v].high if isinstance(v, Variable) else v for v in call.operands]
    for v in falling(call):
        place = call.operands.index(v)
        if highs[place] is None and highs.count(None) == 1:
            top = 1
            while top < LARGEST and call.formula(*highs[:place], top, *highs[place + 1 :]) >= 1:
                top *= 2
            domains[v] = domains[v] & Domain.between(1, top)


def bound_operand(domains: Domains, call: Call, variable: Variable, high: int) -> None:
    """Sizes grow with the sizes they come from: search for the last input size that can end below `high`."""
    corners: list[list[int] | None] = []
    for operand in call.operands:
        if isinstance(operand, Variable):
            domain = domains[operand]
            ends = sorted({domain.low, domain.low if domain.high is None else domain.high})
            corners.append(None if operand is variable else ends)
        else:
            corners.append([operand])

    def least(size: int) -> int:
        return min(int(call.formula(*row)) for row in product(*([size] if c is None else c for c in corners)))

    low, top = domains[variable].low, max(domains[variable].low, 1)
    while top < LARGEST and least(top) <= high:
        top *= 2
    if top >= LARGEST:
        return
    while low + 1 < top:
        middle = (low + top) // 2
        low, top = (middle, top) if least(middle) <= high else (low, middle)
    domains[variable] = domains[variable] & Domain.between(-LARGEST, top)


def falling(call: Call) -> list[Variable]:
    """The variables with which the value of a call falls."""
    pairs = zip(call.formula.operands, call.operands, strict=True)
    return [v for name, v in pairs if name in call.formula.falls and isinstance(v, Variable)]
