"""Pages, drawings and diagrams: what stands where, that nothing in them is obeyed, and a real browser's view."""

import html
import json
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from netsolve import Answer, load, loads, solve
from netsolve.cli import app
from netsolve.conflicts.base import Conflict, Reason
from netsolve.conflicts.explanation import explain
from netsolve.report.conflict import reasons_at
from netsolve.report.diagram import dot, mermaid
from netsolve.report.drawing import drawing, extent, framed
from netsolve.report.markup import Markup, tag
from netsolve.report.page import answer_rows, page, picture_file
from netsolve.report.stations import stations_of
from netsolve.report.text import percent
from support import conv, document, table

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.toml"))
HOSTILE = "<script>document.title='bad'</script><img src=x onerror=\"document.title='bad'\">\"]]></title></script>"
DOUBTFUL = document(conv(padding="?"), conv(padding="?"), conv(padding="?"), name="Doubtful", output=[4, 8, 8])
UNFIT = document(conv(3, name="a"), conv(9, name="b"), name="Unfit")
SVG = "{http://www.w3.org/2000/svg}"


@cache
def answer(name: str) -> Answer:
    return solve(load(EXAMPLES / f"{name}.toml"))


def page_of(text: str, top: int = 5) -> str:
    network = loads(text)
    found = solve(network)
    conflict = explain(network, run=False) if found.status == "unsolvable" else Conflict()
    return page(found, tuple(found.solutions(top)), conflict=conflict)


class Elements(HTMLParser):
    """The elements of a page, each with its attributes and the text directly in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


# Where layers stand.


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_is_in_one_station_below_what_feeds_it(name: str) -> None:
    rows = answer_rows(answer(name))
    stations = stations_of(rows)
    assert [row for station in stations for row in station.rows] == list(rows)
    assert all(stations[feed].level < station.level for station in stations for feed in station.feeds)
    assert len({(station.lane, station.level) for station in stations}) == len(stations)
    for station in stations:
        assert len({row.after for row in station.rows}) == 1
        assert all(row.feeds == (above.name,) for above, row in pairwise(station.rows))


def test_branches_stand_side_by_side_and_a_chain_in_one_lane() -> None:
    assert {station.lane for station in stations_of(answer_rows(answer("netd")))} == {0}
    rows = {row.name: row for row in answer_rows(answer("inception_v3"))}
    stations = stations_of(tuple(rows.values()))
    lanes = {row.name: station.lane for station in stations for row in station.rows}
    branches = [lanes[name] for name in rows["mixed1.cat_1"].feeds]
    assert sorted(branches) == [0, 1, 2, 3]
    assert lanes["mixed1.cat_1"] == 0


def test_a_layer_is_as_wide_as_the_root_of_its_size() -> None:
    rows = answer_rows(answer("netd"))
    frame = framed(rows)
    assert frame is not None
    widths = [frame.breadth(row.after) for row in rows]
    sizes = [extent(row.after) for row in rows]
    assert all((a > b) == (x > y) for (a, b), (x, y) in zip(pairwise(sizes), pairwise(widths), strict=True))
    least, most = min(widths), max(widths)
    assert [extent((3, 4, 16)), extent((3, None, 4)), extent((7,)), extent(())] == [8, 1, 1, 1]
    assert least < most == frame.widest


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_is_well_formed_and_has_a_polygon_for_each_station(name: str) -> None:
    rows = answer_rows(answer(name))
    root = ET.fromstring(picture_file(answer(name)))  # noqa: S314 - made by netsolve itself
    assert len(root.findall(f".//{SVG}polygon")) == len(stations_of(rows))
    edges = sum(len(station.feeds) for station in stations_of(rows))
    assert len(root.findall(f".//{SVG}path")) == edges
    width, height = (float(root.get(side, "")) for side in ("width", "height"))
    for polygon in root.findall(f".//{SVG}polygon"):
        for corner in polygon.get("points", "").split():
            x, y = map(float, corner.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_what_is_too_large_to_draw_is_listed() -> None:
    text = 'input = [1, 8, 8]\nlayers = [{ repeat = 2000, layers = [{ op = "MaxPool2d", kernel_size = 1 }] }]\n'
    found = solve(loads(text))
    assert drawing(answer_rows(found), {}, "") is None
    assert picture_file(found) == ""
    assert "2,001 layers are too many to draw" in page(found, ())


def test_what_is_too_tangled_to_draw_is_listed() -> None:
    feeds, layers = ["input"], []
    for place in range(40):
        layers += [table(op="ReLU", name=f"r{place}", **{"from": feeds[-1]})]
        layers += [table(op="cat", name=f"k{place}", **{"from": [*feeds, f"r{place}"]})]
        feeds.append(f"k{place}")
    rows = answer_rows(solve(loads(document(*layers, input=[1, 8, 8]))))
    assert drawing(rows, {}, "") is None
    wide = [table(op="ReLU", name=f"r{place}", **{"from": "input"}) for place in range(100)]
    assert drawing(answer_rows(solve(loads(document(*wide)))), {}, "") is None


# Pages.


def test_a_page_needs_nothing_else() -> None:
    text = page_of(DOUBTFUL)
    assert set(re.findall(r"\w+://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
    elements = Elements(text)
    assert not elements.open
    assert not {"link", "img", "iframe", "object"} & {name for name, _ in elements.found}
    assert all("src" not in attributes for _, attributes in elements.found)
    (policy,) = [meta["content"] for meta in elements.named("meta") if "http-equiv" in meta]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")


def test_a_page_has_every_answer_every_share_and_every_layer() -> None:
    found = solve(loads(DOUBTFUL))
    solutions = tuple(found.solutions(4))
    text = page(found, solutions, ["proved  z3's joint constraints of the whole network hold"])
    elements = Elements(text)
    assert len([b for b in elements.named("button") if "aria-pressed" in b]) == 4
    for shares in found.shares().values():
        for share in shares.values():
            assert f"width:{100 * share:.2f}%" in text
            assert f"<span>{percent(share)}</span>" in text
    assert text.count('scope="row"') == len(found.network.layers) + 1
    assert "\u2713 proved" in text


def test_other_answers_change_what_differs_and_nothing_else() -> None:
    found = solve(loads(DOUBTFUL))
    first, second = found.solutions(2)
    (data,) = re.findall(r'<script type="application/json" id="answers">(.*?)</script>', page(found, (first, second)))
    start, changes = json.loads(data)
    texts = set(start.values())
    assert {"p1*", "1 *"} <= texts
    differing = [key for key in first.values if first[key] != second[key]]
    assert differing
    arguments = {key: value for key, value in changes.items() if key.startswith("a")}
    assert sorted(arguments.values()) == sorted(f"p{second[key]}*" for key in differing)
    assert all(start[key] != value for key, value in changes.items())


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_unique(name: str) -> None:
    found = answer(name)
    ids = [
        attributes["id"]
        for _, attributes in Elements(page(found, tuple(found.solutions(2)))).found
        if "id" in attributes
    ]
    assert len(ids) == len(set(ids))


def test_a_page_of_a_network_that_cannot_be_shows_where() -> None:
    text = page_of(UNFIT)
    elements = Elements(text)
    bad = [attributes for attributes in elements.named("g") if (attributes.get("class") or "").endswith(" bad")]
    assert len(bad) == 1
    assert "b, line 5: " in text
    assert "here n = 6, kernel_size = 9" in html.unescape(text)
    assert "Why nothing fits" in text


def test_changes_are_what_would_help() -> None:
    text = page_of(document(conv(1, padding="?"), output=[4, 10, 10]))
    assert "What would help" in text
    assert "conv2d_1: padding = 1, which is outside the default values" in text


def test_reasons_find_their_layers() -> None:
    network = loads(UNFIT)
    reasons = (Reason("b", "one"), Reason("b", "two"), Reason("nowhere", "three"), Reason("", "four"))
    assert reasons_at(Conflict(reasons), network) == {"b": "one; two"}


# What people write is never obeyed.


def test_markup_escapes_whatever_it_did_not_make() -> None:
    assert tag("p", "<b>", title='"<') == '<p title="&quot;&lt;">&lt;b&gt;</p>'
    assert tag("p", tag("b", 1), Markup("&amp;")) == "<p><b>1</b>&amp;</p>"
    assert tag("p", "\u202e\x1b") == "<p>\\u202e\\x1b</p>"


def hostile(text: str) -> str:
    return text.replace("Doubtful", HOSTILE.replace('"', '\\"')).replace("Unfit", HOSTILE.replace('"', '\\"'))


@pytest.mark.parametrize("text", [DOUBTFUL, UNFIT])
def test_hostile_names_are_text(text: str) -> None:
    plain, attacked = Elements(page_of(text)), Elements(page_of(hostile(text)))
    assert [name for name, _ in attacked.found] == [name for name, _ in plain.found]
    ET.fromstring(picture_file(solve(loads(hostile(text)))))  # noqa: S314 - made by netsolve itself


def test_hostile_reasons_are_text() -> None:
    rows = answer_rows(solve(loads(UNFIT)))
    picture = drawing(rows, {"b": HOSTILE}, HOSTILE)
    assert picture is not None
    root = ET.fromstring(picture)  # noqa: S314 - made by netsolve itself
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "title",
        "g",
        "path",
        "polygon",
        "text",
        "tspan",
    }
    for diagram in (mermaid(rows, HOSTILE, {"b": HOSTILE}), dot(rows, HOSTILE, {"b": HOSTILE})):
        assert len(diagram.splitlines()) == len(
            (mermaid if diagram.startswith("---") else dot)(rows, "x", {"b": "y"}).splitlines()
        )
    assert "<script" not in mermaid(rows, HOSTILE, {"b": HOSTILE})


def test_notebooks_show_the_table_and_obey_nothing() -> None:
    found = solve(loads(hostile(DOUBTFUL)))
    assert found.best is not None
    for text in (found._repr_html_(), found.best._repr_html_()):
        elements = Elements(text)
        assert {"script", "img"}.isdisjoint(name for name, _ in elements.found)
        assert len([row for row in elements.named("th") if row.get("scope") == "row"]) == 4
    unfit = solve(loads(hostile(UNFIT)))
    assert "&lt;script&gt;" in unfit._repr_html_()
    assert "<script" not in unfit._repr_html_()


# Text for other programs.


@pytest.mark.parametrize("name", ["netd", "resnet50", "unet_padded"])
def test_diagrams_have_a_node_for_each_layer_and_an_edge_for_each_tensor(name: str) -> None:
    rows = answer_rows(answer(name))
    edges = [(feed, row.name) for row in rows for feed in row.feeds]
    for text, arrow in ((mermaid(rows, name, {}), "-->"), (dot(rows, name, {}), "->")):
        ids = dict(re.findall(r'^ *(n\d+) ?\[(?:label=)?"([\w.]+)', text, re.MULTILINE))
        assert sorted(ids.values()) == sorted(row.name for row in rows)
        found = [(ids[a], ids[b]) for a, b in re.findall(rf"^ *(n\d+) {arrow} (n\d+)$", text, re.MULTILINE)]
        assert found == edges


def test_a_diagram_in_full() -> None:
    rows = answer_rows(solve(loads(document(table(op="ReLU", name="a.b"), conv(padding="?", out=[8, 8])))))
    assert mermaid(rows, '"Q"', {}).splitlines() == [
        "---", 'title: "\\"Q\\""', "---", "flowchart TD",
        '    n0["input<br>3 x 8 x 8"]',
        '    subgraph b_0_n1["a"]', '        n1["a.b<br>ReLU<br>3 x 8 x 8"]', "    end",
        '    n2["conv2d_1<br>Conv2d k3 s1 p1*<br>4 x 8 x 8"]',
        "    n0 --> n1", "    n1 --> n2",
    ]  # fmt: skip
    assert dot(rows, '"Q"', {}).splitlines() == [
        'digraph "\\"Q\\"" {',
        '  graph [label="\\"Q\\"" labelloc=t fontname="sans-serif"]',
        '  node [shape=box style="rounded,filled" fillcolor=white fontname="sans-serif" fontsize=11]',
        '  n0 [label="input\\n3 x 8 x 8"]',
        "  subgraph cluster_0_n1 {",
        '    label="a" style=rounded color=gray', '    n1 [label="a.b\\nReLU\\n3 x 8 x 8"]', "  }",
        '  n2 [label="conv2d_1\\nConv2d k3 s1 p1*\\n4 x 8 x 8"]',
        "  n0 -> n1", "  n1 -> n2", "}",
    ]  # fmt: skip


# The command.


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    path = tmp_path / "net.toml"
    path.write_text(DOUBTFUL, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("output", "options", "start"),
    [
        ("r.html", [], "<!DOCTYPE html>"), ("r.svg", [], "<svg "), ("r.mmd", [], "---"), ("r.GV", [], "digraph "),
        ("r.page", [], "<!DOCTYPE html>"), ("r.html", ["--format", "dot"], "digraph "),
        ("-", ["--format", "svg"], "<svg "),
    ],
)  # fmt: skip
def test_the_ending_says_what_is_written(file: Path, output: str, options: list[str], start: str) -> None:
    target = output if output == "-" else str(file.parent / output)
    found = CliRunner().invoke(app, ["report", str(file), "-o", target, "--no-run", "--no-proof", *options])
    assert found.exit_code == 0
    assert (found.stdout if output == "-" else Path(target).read_text(encoding="utf-8")).startswith(start)


def test_a_report_is_proved_and_run(file: Path) -> None:
    found = CliRunner().invoke(app, ["report", str(file)])
    assert found.exit_code == 0
    assert "z3&#x27;s joint constraints of the whole network hold" in found.stdout
    assert "and all 3 shapes agree" in found.stdout


def test_a_report_of_what_cannot_be_ends_with_1(file: Path) -> None:
    file.write_text(UNFIT, encoding="utf-8")
    for form in ("html", "svg", "mermaid", "dot"):
        found = CliRunner().invoke(app, ["report", str(file), "--format", form])
        assert found.exit_code == 1
        assert "the padded input is at least as large as" in found.stdout


# A real browser.


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=2000",
)  # fmt: skip


@pytest.fixture(name="chromium")
def _chromium(tmp_path: Path) -> "Browser":
    if BROWSER is None:
        pytest.skip("Chromium is not installed")
    return Browser(tmp_path)


class Browser:
    """Chromium without a window."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def dom(self, text: str, fragment: str = "") -> str:
        """A page after its scripts have run."""
        path = self.place / "page.html"
        path.write_text(text, encoding="utf-8")
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={self.place / 'profile'}", "--dump-dom"]
        done = subprocess.run([*command, path.as_uri() + fragment], capture_output=True, check=True, timeout=120)
        return done.stdout.decode()


def test_a_browser_shows_another_answer(chromium: "Browser") -> None:
    found = solve(loads(DOUBTFUL))
    solutions = tuple(found.solutions(3))
    text = page(found, solutions)
    for rank, solution in enumerate(solutions, 1):
        dom = chromium.dom(text, f"#answer-{rank}")
        shown = re.findall(r'<tspan id="a\d+-2" class="found[^"]*">([^<]*)</tspan>', dom)
        assert shown == [f"p{value}*" for value in solution.values.values()]
        pressed = re.findall(r'aria-pressed="(\w+)">', dom)
        assert [place for place, value in enumerate(pressed, 1) if value == "true"] == [rank]
        sizes = re.findall(r'<tspan id="z\d+"[^>]*>([^<]*)</tspan>', dom)
        assert sizes == [" x ".join(map(str, shape)) for shape in solution.shapes.values()]


def test_a_browser_clicks_through_the_answers(chromium: "Browser") -> None:
    found = solve(loads(DOUBTFUL))
    solutions = tuple(found.solutions(3))
    click = "<script>document.querySelectorAll('.choices button').forEach(b => b.click())</script>"
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page(found, solutions))
    dom = chromium.dom(text.replace("</body>", f"{click}</body>"))
    shown = re.findall(r'<tspan id="a\d+-2" class="found[^"]*">([^<]*)</tspan>', dom)
    assert shown == [f"p{value}*" for value in solutions[2].values.values()]


def test_a_browser_runs_nothing_that_people_wrote(chromium: "Browser") -> None:
    dom = chromium.dom(page_of(hostile(DOUBTFUL)))
    assert "<title>bad</title>" not in dom
    assert "<img" not in dom
    forced = page_of(DOUBTFUL).replace("</h1>", "</h1><script>document.title='bad'</script>")
    assert "<title>bad</title>" not in chromium.dom(forced), "the policy of the page lets foreign scripts run"
