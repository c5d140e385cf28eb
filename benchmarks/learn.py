"""Learn the habits of authors from recorded networks: python benchmarks/learn.py --corpus DIR [-o FILE].

DIR holds `to_toml.py` and `nets/*.json`. Each group of layers alike counts once a network, and n networks of one family
together as much as the square root of n, so that no architecture with many variants outvotes the rest.
"""

import argparse
import importlib.util
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from netsolve.document import loads
from netsolve.errors import NetsolveError
from netsolve.habits import STYLES, Habits, Key, choices_of
from netsolve.losses import loss_family, odd_input
from netsolve.posing import pose
from netsolve.problem import Problem, Variable
from netsolve.windows import MEANINGS, TELLS_NOTHING, meaning, meaning_key, numbers_in

DEVIATION = 0.02
TRUST = 1.0
STRENGTH = 1.0

Converter = Callable[..., tuple[str, dict[str, Any]]]
Observation = tuple[str, str, dict[Key, Counter[int]], Counter[tuple[str, bool]], Counter[tuple[str, int]]]
"""A network: its family, its style, for each group how many layers had which value, how many lost cells, and how many
windows had which numbers."""


def converter(corpus: Path) -> Any:
    """The module that writes recorded networks as documents."""
    spec = importlib.util.spec_from_file_location("to_toml", corpus / "to_toml.py")
    assert spec is not None  # noqa: S101 - the path names a Python file
    assert spec.loader is not None  # noqa: S101 - a file that exists has a loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def networks(corpus: Path) -> Iterable[dict[str, Any]]:
    """The recorded networks."""
    for path in sorted((corpus / "nets").glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def observed(net: dict[str, Any], module: Any) -> Observation | None:
    """What the authors of one network did; None where the document language cannot express it."""
    try:
        text, truth = module.convert(net, unknown="all")
    except module.NotExpressible:
        return None
    try:
        problem = pose(loads(text))
    except NetsolveError as error:
        print(f"left out: {net['name']}: {str(error).splitlines()[0]}")
        return None
    values: dict[Variable, int] = {}
    for question in problem.questions:
        true = truth[question.key] if question.listed else [truth[question.key]]
        values |= {v: value for v, value in zip(question.entries, true, strict=True) if isinstance(v, Variable)}
    groups: dict[Key, Counter[int]] = defaultdict(Counter)
    for choice in choices_of(problem).all:
        groups[choice.key][values[choice.variable]] += 1
    return net["family"], style_of(groups), groups, losses_in(problem, values), numbers_in(problem.network)


def losses_in(problem: Problem, values: dict[Variable, int]) -> Counter[tuple[str, bool]]:
    """How many strided layers lose cells to a floor, and how many do not."""
    free = {v: values.get(v, 0) for v in problem.domains}
    full = problem.complete(free)
    found: Counter[tuple[str, bool]] = Counter()
    for factor in problem.factors:
        given = dict(
            zip(
                factor.formula.operands,
                (full[v] if isinstance(v, Variable) else v for v in factor.operands),
                strict=True,
            )
        )
        if (
            factor.output is None
            or not {"n", "kernel_size", "stride", "padding"} <= given.keys()
            or "output_padding" in given
        ):
            continue
        n, k, s, p, d = given["n"], given["kernel_size"], given["stride"], given["padding"], given.get("dilation", 1)
        if s > 1:
            family = loss_family(
                k, s, padding=p > 0, ceil_mode=bool(given.get("ceil_mode", 0)), odd=odd_input(problem.network)
            )
            found[family, (n + 2 * p - d * (k - 1) - 1) % s > 0] += 1
    return found


def style_of(groups: Mapping[Key, Counter[int]]) -> str:
    """Whether a network pads: what its layers of stride 1 and odd kernel do."""
    votes: Counter[bool] = Counter()
    for key, values in groups.items():
        if (
            key.argument == "padding"
            and key.kind == "conv"
            and key.stride == 1
            and (key.kernel_size or 0) % 2 == 1
            and (key.kernel_size or 0) > 1
            and not key.padded
        ):
            votes[values.most_common(1)[0][0] > 0] += 1
    shrinking: Counter[bool] = Counter()
    for key, values in groups.items():
        bare = key.argument == "padding" and key.kind != "transposed" and not key.padded and not key.ceil_mode
        if bare and (key.kernel_size or 0) > (key.stride or 1) > 1:
            shrinking[values.most_common(1)[0][0] > 0] += 1
    votes = votes or shrinking
    if votes[False] > votes[True]:
        return "valid"
    return "open" if shrinking[False] > shrinking[True] else "padded"


def learn(observations: Iterable[Observation]) -> Habits:
    """Tables from observations."""
    observations = list(observations)
    sizes = Counter(family for family, *_ in observations)
    styles: dict[str, float] = dict.fromkeys(STYLES, 0.5)
    exact: dict[str, dict[str, dict[str, float]]] = {s: defaultdict(lambda: defaultdict(float)) for s in STYLES}
    meanings: dict[str, dict[str, dict[str, float]]] = {s: defaultdict(lambda: defaultdict(float)) for s in STYLES}
    losses: dict[str, dict[str, dict[str, float]]] = {s: defaultdict(lambda: defaultdict(float)) for s in STYLES}
    numbers: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for family, style, groups, lost, windows in observations:
        weight = sizes[family] ** -0.5
        styles[style] += weight
        for (window, yes), count in lost.items():
            whole = lost[window, True] + lost[window, False]
            losses[style][window]["lost" if yes else "exact"] += weight * count / whole
        for key, values in groups.items():
            value = values.most_common(1)[0][0]
            for alike in dict.fromkeys((key, key.pooled)):
                exact[style][alike.exact][str(value)] += weight
            names = [name for name, v in key.meanings().items() if v == value]
            for name in names:
                meanings[style][key.pooled.family][name] += weight / len(names)
            if key.argument == "padding" and key.kernel_size and key.dilation:
                code = meaning(key.kernel_size, key.dilation, value)
                if code != TELLS_NOTHING:
                    meanings[style][meaning_key(key.kind)][MEANINGS[code]] += weight
        wholes = Counter[str]()
        for (context, _), count in windows.items():
            wholes[context] += count
        for (context, number), count in windows.items():
            numbers[context][str(number)] += weight * count / wholes[context]
    total = sum(styles.values())
    shares = {s: n / total for s, n in styles.items()}
    return Habits(shares, losses, exact, meanings, numbers, DEVIATION, STRENGTH, TRUST)


def plain(habits: Habits) -> dict[str, Any]:
    """Tables as they are written, rounded and sorted."""

    def tidy(table: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
        return {
            style: {key: {v: round(n, 2) for v, n in sorted(row.items())} for key, row in sorted(rows.items())}
            for style, rows in table.items()
        }

    return {
        "styles": {s: round(p, 4) for s, p in habits.styles.items()},
        "deviation": habits.deviation,
        "strength": habits.strength,
        "trust": habits.trust,
        "losses": tidy(habits.losses),
        "exact": tidy(habits.exact),
        "meanings": tidy(habits.meanings),
        "numbers": tidy({"": habits.numbers})[""],
    }


def main() -> None:
    """Learn and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("src/netsolve/habits.json"))
    args = parser.parse_args()
    module = converter(args.corpus)
    observations = [o for net in networks(args.corpus) if (o := observed(net, module)) is not None]
    families = {family for family, *_ in observations}
    provenance = f"benchmarks/learn.py on {len(observations)} recorded networks of {len(families)} families"
    data = {"version": 1, "provenance": provenance, **plain(learn(observations))}
    args.output.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
