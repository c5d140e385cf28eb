"""What would make a network work: changes looked for in order of likelihood, each solved and run before it is shown."""

from collections.abc import Sequence
from itertools import islice
from time import process_time
from typing import Any

from netsolve.answer import Solution
from netsolve.conflicts.alike import alike
from netsolve.conflicts.base import Change
from netsolve.conflicts.choices import Choice, choices_of, uneven
from netsolve.conflicts.cores import beside
from netsolve.conflicts.decisions import cause
from netsolve.conflicts.likely import Likelihood
from netsolve.conflicts.one_axis import one_axis
from netsolve.conflicts.padded import Padded, padded
from netsolve.conflicts.statements import states_size, text_of, written_value
from netsolve.conflicts.worlds import Worlds
from netsolve.deadline import Deadline
from netsolve.domain import Unknown
from netsolve.errors import DocumentError, UndecidedError, torch_needed
from netsolve.network import Network
from netsolve.queries import answered

MOST_CHANGES = 6
ALIKE = 2
"""How many of the changes shown may be of one kind, as long as there are others."""

AFFORDABLE = 2e8
CHEAP = 2e7
"""How many multiplications a run on the CPU may take; a larger network is run on torch's meta device."""

PATIENCE = 0.5
"""Seconds that all runs together may take on the CPU before others are run on the meta device."""

ENOUGH = 3
LONG = 1.0
"""Past so many seconds no more changes than enough are tried."""


Choices = tuple[Choice, ...]
"""A change: one number, or several."""

NAMED = 8
"""How many layers are named."""

FEW = 3
"""How many values of a number are found."""

NEAR = 12
"""How many values of each number are tried first."""

MOST_NEAR, MOST_FAR = 300_000, 100_000
"""How many relations of layers may be gone through for near values, and for values further away."""


def likely_changes(worlds: Worlds, broken: int, keep: Sequence[str] = ()) -> list[Choices]:
    """The nearest value of each number that by itself lets everything fit, the likeliest first.

    Where something is unknown, several: which of them fit is then not certain yet. Among them the same number changed
    in all layers alike.
    """
    likelihood, numbers = Likelihood(worlds), worlds.numbers_at(broken)
    keys = [key for key in reaching(worlds, broken) if not kept(key, keep)]
    found: list[tuple[float, Choices]] = []
    for fitting in fitting_choices(worlds, numbers, keys):
        costs = sorted([(likelihood.cost(choice), (choice,)) for choice in fitting], key=cost_of)
        found += costs[:1] if worlds.known else costs
    found += [(cost, (choice,)) for cost, choice in padded(worlds, broken) if not kept(choice.key, keep)]
    every = frozenset(key for key in worlds.relaxed.variables if not kept(key, keep))
    found += alike(worlds, likelihood, numbers, every)
    if not worlds.known or sum(not states_size(choices[0].key) for _, choices in found) < ENOUGH:
        found += one_axis(worlds, likelihood, frozenset(keys))
    return [choices for _, choices in sorted(found, key=cost_of)]


def cost_of(row: tuple[float, Any]) -> float:
    """By what rows are ordered, as they came where they cost the same."""
    return row[0]


def fitting_choices(worlds: Worlds, numbers: tuple[int, ...], keys: Sequence[str]) -> list[list[Choice]]:
    """The first few values of each number with which everything may fit, the nearest first.

    The near ones of all numbers are tried before those further away; inputs first, then what is nearest to the break,
    as long as that takes few steps.
    """
    inputs = [key for key in keys if key in worlds.relaxed.network.inputs]
    waiting = [*(choices_of(worlds, key, numbers) for key in keys), *(uneven(worlds, key) for key in inputs)]
    found: list[list[Choice]] = [[] for _ in waiting]
    keys = [*keys, *inputs]
    order = sorted(range(len(waiting)), key=lambda place: (keys[place] not in inputs, -place))
    for most, steps in ((NEAR, MOST_NEAR), (None, MOST_FAR)):
        last = worlds.steps + steps
        for place in order:
            for choice in islice(waiting[place], most) if len(found[place]) < FEW else ():
                if worlds.steps > last:
                    return found
                if worlds.first_broken(choice.world) is None:
                    found[place].append(choice)
                if len(found[place]) == FEW:
                    break
    return found


def kept(key: str, keep: Sequence[str]) -> bool:
    """Whether a key is among those that may not change: LAYER.ARGUMENT, a whole LAYER, or ARGUMENT of every layer."""
    layer, _, argument = key.rpartition(".")
    return key in keep or layer in keep or argument in keep


def reaching(worlds: Worlds, broken: int) -> list[str]:
    """The keys whose numbers a factor depends on, torch's defaults among them."""
    variables = {v for index in cause(worlds, beside(worlds, broken)) for v in worlds.factors[index].variables}
    return [key for key, mine in worlds.relaxed.variables.items() if any(v in variables for v in mine)]


def confirmed(
    network: Network, choices: Choices, deadline: Deadline, *, run: bool = True, work: float = AFFORDABLE
) -> Change | None:
    """A change once an exact engine has found values and torch has run them; None where either says no.

    work: how many multiplications a run on the CPU may take.
    """
    values = {choice.key: choice.value for choice in choices}
    try:
        other = network.with_values(values)
        answer = answered(other, "small", deadline)
    except DocumentError:
        return None
    if answer.best is None:
        return None
    verdict, note = ran(answer.best, work) if run else (None, "not run")
    if verdict is False:
        return None
    return Change(values, sentence(network, choices), other, verdict, note)


def load_torch() -> None:
    """Import torch, which takes seconds that are not the changes' own. Raises TorchError where there is none."""
    with torch_needed():
        import netsolve.verify  # noqa: F401, PLC0415 - for torch


def ran(solution: Solution, work: float) -> tuple[bool | None, str]:
    """What torch says of a solution, on its meta device where the CPU would take long."""
    with torch_needed():
        from netsolve.verify import verify  # noqa: PLC0415 - torch takes seconds to import

    found = verify(solution.network, solution.shapes, most_work=work)
    return found.verified, found.reason


def chosen(
    network: Network, likely: Sequence[Choices], deadline: Deadline, *, most: int = MOST_CHANGES, run: bool = True
) -> tuple[Change, ...]:
    """The first changes that hold, several kinds among them where there are."""
    found: list[Change] = []
    if run:
        load_torch()
    start = process_time()
    for choices in mixed(likely, most):
        if len(found) == most or deadline.passed or (len(found) >= ENOUGH and process_time() - start > LONG):
            break
        if any({choice.key for choice in choices} == change.set.keys() for change in found):
            continue
        try:
            work = AFFORDABLE if process_time() - start < PATIENCE else CHEAP
            change = confirmed(network, choices, deadline, run=run, work=work)
        except UndecidedError:
            break
        if change is not None:
            found.append(change)
    return tuple(found)


def mixed(likely: Sequence[Choices], most: int) -> list[Choices]:
    """The same changes with those of a kind that has been shown twice moved behind the others."""
    early: list[Choices] = []
    late: list[Choices] = []
    shown: dict[tuple[str, bool], set[str]] = {}
    for choices in likely:
        value = choices[0].value
        argument = choices[0].key.rpartition(".")[2] if isinstance(value, int | tuple) else str(value)
        kind = argument, len(choices) > 1
        keys = shown.setdefault(kind, set())
        keys.add(choices[0].key)
        (early if len(keys) <= ALIKE else late).append(choices)
    return [*early, *late][: 3 * most]


def sentence(network: Network, choices: Choices) -> str:
    """Changes as their author would say them; the same one of several layers as one."""
    said: dict[str, list[str]] = {}
    for choice in choices:
        layer = choice.key.rpartition(".")[0]
        said.setdefault(clause(network, choice).removeprefix(layer), []).append(layer)
    return "; ".join(f"{names(layers)}{rest}" for rest, layers in said.items())


def names(layers: Sequence[str]) -> str:
    """Some layers by name, the first of many."""
    if len(layers) <= NAMED:
        return " and ".join(filter(None, (", ".join(layers[:-1]), layers[-1])))
    return f"{', '.join(layers[: NAMED - 1])} and {len(layers) - NAMED + 1} more"


def clause(network: Network, choice: Choice) -> str:
    """A change as its author would say it."""
    written = written_value(network, choice.key)
    layer, _, argument = choice.key.rpartition(".")
    if choice.key in network.inputs or choice.key == "output":
        return f"{choice.key} = {text_of(choice.value)} instead of {text_of(written)}"
    if isinstance(choice.value, str):
        note = choice.note if isinstance(choice, Padded) else ""
        return f'{layer}: padding = "{choice.value}"{note}'
    if isinstance(written, Unknown) and written.domain is None:
        return f"{layer}: {argument} = {text_of(choice.value)}, which is outside the default values"
    which = "" if argument == "out" or network.states(network.by_name[layer], argument) else ", torch's default"
    return f"{layer}: {argument} = {text_of(choice.value)} instead of {text_of(written)}{which}"
