"""An answer as one page: the network drawn, what is known about every question mark, other answers to click through.

The page needs nothing else: no network, no fonts, no other files. Its policy lets only its own script run.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from netsolve.answer import Answer, Solution
from netsolve.conflicts.base import Conflict
from netsolve.posing import pose
from netsolve.problem import Problem
from netsolve.report.assets import asset
from netsolve.report.conflict import MOST_DRAWN, change_text, reasons_at
from netsolve.report.drawing import anchors, drawing, framed, slots, standalone
from netsolve.report.markup import Markup, tag
from netsolve.report.notebook import html_table, table_slots
from netsolve.report.rows import Row, Shape, rows_of, value_text
from netsolve.report.text import count_text, found_lines, percent, title_of

CERTAIN = 0.999
WORKS = Conflict()
MOST_VALUES = 6
"""Values of one question mark that are shown; the rest are added up."""
MOST_OPEN = 12
"""Question marks without doubt that are shown unasked."""
LEGEND = {
    "conv": "convolution", "up": "upsampling", "pool": "pooling", "join": "join",
    "dense": "linear", "pad": "pad or crop", "other": "other",
}  # fmt: skip


def page(
    answer: Answer, solutions: Sequence[Solution], verdicts: Sequence[str] = (), conflict: Conflict = WORKS
) -> str:
    """A page about an answer.

    verdicts: what z3 and torch say, each a line that begins with a word; conflict: why nothing fits.
    """
    rows = answer_rows(answer)
    title = title_of(answer.network)
    data = [slots_of(rows)] + [_changes(rows, solution) for solution in solutions[1:]]
    script = asset("page.js") if len(solutions) > 1 else ""
    style = "".join(asset(name) for name in ("page.css", "drawing.css", "table.css"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title} - netsolve"),
        tag("style", Markup(style)),
    )
    reasons = reasons_at(conflict, answer.network)
    picture = drawing(rows, reasons, title)
    places = anchors(frame) if (frame := framed(rows, frozenset(reasons))) else {}
    side = tag("div", *_side(answer, solutions, conflict, places), class_="side")
    body = tag(
        "body",
        tag("header", tag("h1", title), _facts(answer, verdicts)),
        tag(
            "main",
            tag("div", _picture(picture, rows), side, class_="halves"),
            tag("section", tag("h2", "All layers"), html_table(rows), class_="netsolve"),
        ),
        tag("footer", "Values marked * were found; all others were written. Made by netsolve."),
        *([_data(data), tag("script", Markup(script))] if script else []),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def picture_file(answer: Answer, conflict: Conflict = WORKS) -> str:
    """The drawing alone, as an SVG file."""
    found = drawing(answer_rows(answer), reasons_at(conflict, answer.network), title_of(answer.network))
    return standalone(found, asset("drawing.css")) if found else ""


def answer_rows(answer: Answer) -> tuple[Row, ...]:
    """The rows of the best solution, or of the network as far as its sizes are known."""
    if answer.best is not None:
        return rows_of(answer.network_solved, answer.best.shapes, answer.best.values)
    return rows_of(answer.network, known_shapes(pose(answer.network)), {})


def known_shapes(problem: Problem) -> dict[str, Shape]:
    """The shapes of a problem as far as they follow without a search; a size that cannot be is not known."""
    return {
        name: tuple(size if isinstance(size, int) and size > 0 else None for size in shape)
        for name, shape in problem.shapes.items()
    }


def slots_of(rows: Sequence[Row]) -> dict[str, str]:
    """The text of every place of a page that changes with the values, by its id."""
    frame = framed(rows)
    return (slots(frame) if frame else {}) | table_slots(rows)


def _changes(rows: Sequence[Row], solution: Solution) -> dict[str, str]:
    """What another solution puts into the places of the first."""
    first = slots_of(rows)
    other = slots_of(rows_of(solution.network, solution.shapes, solution.values))
    return {key: value for key, value in other.items() if first.get(key) != value}


def _policy(script: str) -> str:
    digest = b64encode(sha256(script.encode()).digest()).decode()
    runs = f"'sha256-{digest}'" if script else "'none'"
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src {runs}; base-uri 'none'; form-action 'none'"


def _data(data: Sequence[Mapping[str, str]]) -> Markup:
    """Data for the script, in which nothing can end the element it stands in."""
    text = json.dumps(data).replace("<", "\\u003c")
    return tag("script", Markup(text), type="application/json", id_="answers")


def _facts(answer: Answer, verdicts: Sequence[str]) -> Markup:
    """What is known, in a row of short facts."""
    if answer.best is not None:
        lines = [line for line in found_lines(answer, answer.best) if line.startswith(("found", "sure"))]
    elif answer.status == "unsolvable":
        lines = ["none    no values fit the sizes that are stated"]
    else:
        lines = [f"open    not decided: {answer.reason}"]
    return tag("ul", *map(_fact, (*lines, *verdicts)), class_="facts")


def _fact(line: str) -> Markup:
    word, _, rest = line.partition(" ")
    wrong = word in {"none", "open"} or rest.strip().startswith(("NO", "not"))
    return tag("li", tag("b", f"{'✗' if wrong else '✓'} {word}"), rest.strip(), class_="wrong" if wrong else "good")


def _picture(picture: Markup | None, rows: Sequence[Row]) -> Markup:
    if picture is None:
        return tag("section", f"{len(rows):,} layers are too many to draw; the table below has them.")
    kinds = [tag("span", tag("i", style=f"background:var(--{kind})"), name) for kind, name in LEGEND.items()]
    legend = tag("p", *kinds, class_="legend net")
    return tag("section", legend, picture, class_="picture", tabindex="0", aria_label="The network drawn")


def _side(
    answer: Answer, solutions: Sequence[Solution], conflict: Conflict, places: Mapping[str, str]
) -> Iterator[Markup]:
    """What stands beside the drawing."""
    if conflict.reasons or conflict.changes:
        yield _why(conflict)
    if answer.best is not None and len(solutions) > 1:
        yield tag("section", tag("h2", "Answers"), _choices(answer.best, solutions))
    if answer.best is not None and answer.best.values:
        yield tag("section", tag("h2", "Question marks"), *_shares(answer, places))
    if hints := [hint.text for hint in answer.hints]:
        yield tag("section", tag("h2", "What would settle it"), tag("ol", *(tag("li", hint) for hint in hints)))


def _why(conflict: Conflict) -> Markup:
    reasons = []
    for reason in conflict.reasons[:MOST_DRAWN]:
        place = ", ".join(filter(None, (reason.layer, f"line {reason.line}" if reason.line else "")))
        reasons.append(tag("li", tag("b", f"{place}: ") if place else "", reason.text))
    parts = [tag("h2", "Why nothing fits"), tag("ul", *reasons)] if reasons else []
    if conflict.changes:
        parts += [
            tag("h2", "What would help"),
            tag("ul", *(tag("li", change_text(change)) for change in conflict.changes)),
        ]
    return tag("section", *parts, class_="wrong")


def _choices(best: Solution, solutions: Sequence[Solution]) -> Markup:
    buttons = []
    for rank, solution in enumerate(solutions, 1):
        chance = "" if solution.probability is None else f": {percent(solution.probability)}"
        differs = [f"{k} = {value_text(v)}" for k, v in solution.values.items() if best.values[k] != v]
        what = "the most plausible" if rank == 1 else "instead: " + ", ".join(differs)
        label = [tag("b", f"{rank}{chance}"), tag("span", what)]
        buttons.append(tag("li", tag("button", *label, type="button", aria_pressed="true" if rank == 1 else "false")))
    return tag("ol", *buttons, class_="choices")


def _shares(answer: Answer, places: Mapping[str, str]) -> Iterator[Markup]:
    """The share of each value of each question mark: first those that are open, then the rest folded."""
    shares = answer.shares()
    if not shares and answer.best is not None:
        listed = (tag("li", f"{key} = {value_text(value)}") for key, value in answer.best.values.items())
        yield tag("ul", *listed)
        return
    open_ = {key: row for key, row in shares.items() if max(row.values()) <= CERTAIN}
    sure = {key: row for key, row in shares.items() if key not in open_}
    told = count_text(answer) if answer.count == 1 else f"{count_text(answer)}; shares by the habits of authors"
    yield tag("p", f"{told}.")
    if open_:
        yield tag("dl", *_rows(open_, places), class_="shares")
    if sure:
        name = f"{len(sure)} {'more ' if open_ else ''}with over {percent(CERTAIN)} for one value"
        yield tag(
            "details",
            tag("summary", name),
            tag("dl", *_rows(sure, places), class_="shares"),
            open="" if len(sure) <= MOST_OPEN and not open_ else None,
        )


def _rows(shares: Mapping[str, Mapping[Any, float]], places: Mapping[str, str]) -> Iterator[Markup]:
    for key, values in shares.items():
        place = places.get(key.rpartition(".")[0] or key.partition("[")[0])
        yield tag("dt", tag("a", key, href=f"#{place}") if place else key)
        ranked = sorted(values.items(), key=lambda item: -item[1])
        for value, share in ranked[:MOST_VALUES]:
            yield _bar(value_text(value), share)
        if len(ranked) > MOST_VALUES:
            yield _bar("others", sum(share for _, share in ranked[MOST_VALUES:]))


def _bar(value: str, share: float) -> Markup:
    filled = tag("i", style=f"width:{100 * share:.2f}%")
    bar = tag("span", filled, class_="bar", aria_hidden="true")
    return tag("dd", tag("span", value), bar, tag("span", percent(share)))
