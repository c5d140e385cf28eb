"""Conflicts and repairs as text and JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from netsolve.conflicts.base import Change, Conflict, Reason
from netsolve.conflicts.repairs import Repair
from netsolve.domain import Unknown
from netsolve.errors import Mistake, printable
from netsolve.network import Network
from netsolve.report.json import SCHEMA_VERSION, dump
from netsolve.report.text import title_of

MOST_DRAWN = 100
"""How many reasons a drawing shows."""

NEEDED = "without any one of them the others can be"
UNSHOWN = "perhaps not all of them are needed"

MOST_LINES = 24
"""How many statements of a conflict are printed; JSON has all."""


def conflict_lines(conflict: Conflict) -> Iterator[str]:
    """Where it breaks, what contradicts each other, and what would help."""
    places = conflict.reasons[: len(conflict.reasons) - conflict.stated]
    for reason in places:
        yield f"why     {reason_text(reason)}"
    statements = conflict.reasons[len(places) :]
    if statements:
        yield f"        these cannot all be true; {NEEDED if conflict.minimal else UNSHOWN}:"
        yield from (f"          {reason_text(reason)}" for reason in statements[:MOST_LINES])
        if len(statements) > MOST_LINES:
            yield f"          and {len(statements) - MOST_LINES} more lines"
    yield from (f"change  {change_text(change)}" for change in conflict.changes)
    if conflict.changes:
        count = len(conflict.changes)
        yield f"        {'it' if count == 1 else f'each of the {count}'} was solved{ran(conflict.changes)}"


def reasons_at(conflict: Conflict, network: Network) -> Mapping[str, str]:
    """The reasons by the layer they speak about."""
    names = {*network.inputs, *(layer.name for layer in network.layers)}
    found: dict[str, list[str]] = {}
    for reason in conflict.reasons[:MOST_DRAWN]:
        if reason.layer in names:
            found.setdefault(reason.layer, []).append(reason.text)
    return {name: "; ".join(texts) for name, texts in found.items()}


def reason_text(reason: Reason) -> str:
    """A reason as a line."""
    return printable(str(reason))


def change_text(change: Change) -> str:
    """A change as a line."""
    return printable(change.text)


def ran(changes: tuple[Change, ...]) -> str:
    """What torch made of changes."""
    if all(change.verified for change in changes):
        return " and run in torch"
    if any(change.note == "not run" for change in changes):
        return ""
    note = next(change.note for change in changes if not change.verified)
    return f" and run in torch, large ones on its meta device ({note})"


def reason_data(reason: Reason) -> dict[str, Any]:
    """A reason in JSON."""
    return {"layer": reason.layer or None, "line": reason.line, "text": reason.text}


def change_data(change: Change) -> dict[str, Any]:
    """A change in JSON."""
    written = {key: _written(value) for key, value in change.set.items()}
    return {"set": written, "text": change.text, "verified": change.verified}


def _written(value: Any) -> Any:
    """A value as a document has it: a question mark that stays is text."""
    if isinstance(value, tuple):
        return [_written(entry) for entry in value]
    return str(value) if isinstance(value, Unknown) else value


def conflict_data(conflict: Conflict, first: tuple[Mistake, ...] = ()) -> dict[str, Any] | None:
    """A conflict in JSON, None where it is empty; first: what stands before its reasons."""
    if not conflict.reasons:
        return None
    every = dict.fromkeys((*(Reason(why.where, why.text, why.line) for why in first), *conflict.reasons))
    return {
        "reasons": [reason_data(reason) for reason in every],
        "changes": [change_data(change) for change in conflict.changes],
        "minimal": conflict.minimal,
    }


def explanation_json(name: str, conflict: Conflict) -> str:
    """An explanation."""
    found = conflict_data(conflict)
    status = "unsolvable" if conflict.reasons else "solved"
    return dump({"schema_version": SCHEMA_VERSION, "status": status, "name": name or None, "conflict": found})


def repair_lines(repair: Repair) -> Iterator[str]:
    """What would have to change."""
    if repair.works:
        yield f"works   {title_of(repair.network)} needs no repair"
    elif repair.best is None:
        yield "none    no set of changes was found that would make it work"
    else:
        count = repair.best.text.count("; ") + 1
        yield f"repair  {count} change{'s' if count > 1 else ''}: {change_text(repair.best)}"
        yield from (f"or      {change_text(change)}" for change in repair.changes[1:])
        yield f"        solved{ran(repair.changes)}"


def repair_json(repair: Repair) -> str:
    """A repair."""
    status = "works" if repair.works else "repaired" if repair.best else "none"
    rows = [change_data(change) for change in repair.changes]
    name = repair.network.name or None
    return dump({"schema_version": SCHEMA_VERSION, "status": status, "name": name, "repairs": rows})
