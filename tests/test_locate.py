"""Tests of netsolve.locate."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netsolve.hazards import Hazard, hazards
from netsolve.locate import Path, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

DEEP = Hazard(1, "brackets nested deeper than 64", "nest arrays and inline tables less deeply")
LONG_KEY = Hazard(1, "a dotted key of more than 16 parts", "nest the tables less deeply")
LONG_NUMBER = Hazard(1, "a number of more than 18 digits", "write at most 18 digits")
BROKEN = Hazard(
    1, "an inline table broken over lines", "write the layer as a [[layers]] table, or keep the braces on one line"
)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every key path of a parsed document."""
    if isinstance(value, dict):
        children: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    else:
        return
    for part, child in children:
        yield (*path, part)
        yield from paths(child, (*path, part))


def located(text: str) -> dict[Path, int | None]:
    """Every key path tomllib finds in the text, with its line."""
    source = Source(text)
    return {path: source.line(path) for path in paths(tomllib.loads(text))}


# Hand-written documents, compared in full.

LAYERS = """\
# a network
name = "net" # not = a [key]

[unknown]
padding.low = [1, 2,
  3]

[[layers]]
op = "conv"
[layers.extra.deep]
a = 1

  [[ layers . layers ]]
  op = "x"
  [[layers.layers]]

[[layers]]
op = 1979-05-27 07:32:00

[blocks.residual]
layers = [
  { op = "add", with = { x = [ 1,
    2 ] } }, # first

  { op = '#]}' },
]
"""


def test_sections_arrays_and_inline_tables() -> None:
    assert located(LAYERS) == {
        ("name",): 2,
        ("unknown",): 4,
        ("unknown", "padding"): 5,
        ("unknown", "padding", "low"): 5,
        ("unknown", "padding", "low", 0): 5,
        ("unknown", "padding", "low", 1): 5,
        ("unknown", "padding", "low", 2): 6,
        ("layers",): 8,
        ("layers", 0): 8,
        ("layers", 0, "op"): 9,
        ("layers", 0, "extra"): 10,
        ("layers", 0, "extra", "deep"): 10,
        ("layers", 0, "extra", "deep", "a"): 11,
        ("layers", 0, "layers"): 13,
        ("layers", 0, "layers", 0): 13,
        ("layers", 0, "layers", 0, "op"): 14,
        ("layers", 0, "layers", 1): 15,
        ("layers", 1): 17,
        ("layers", 1, "op"): 18,
        ("blocks",): 20,
        ("blocks", "residual"): 20,
        ("blocks", "residual", "layers"): 21,
        ("blocks", "residual", "layers", 0): 22,
        ("blocks", "residual", "layers", 0, "op"): 22,
        ("blocks", "residual", "layers", 0, "with"): 22,
        ("blocks", "residual", "layers", 0, "with", "x"): 22,
        ("blocks", "residual", "layers", 0, "with", "x", 0): 22,
        ("blocks", "residual", "layers", 0, "with", "x", 1): 23,
        ("blocks", "residual", "layers", 1): 25,
        ("blocks", "residual", "layers", 1, "op"): 25,
    }


STRINGS = r"""
a = DDD
x = 1
\DDD [[layers]]
DDD"" # two quotes of its own
b = DDDDDD
c = SSS
" \ ''
SSS''
d = "\\"
e = '\'
"f\"\u0041\U00000042\n" = 1
'g.h' . "" = [ DDD
DDD, '', DDD\\DDD, 1979-05-27 07:32:00, 07:32:00, -1.5e+3
, -inf
]
1.2 = true
""".replace("DDD", '"' * 3).replace("SSS", "'" * 3)


def test_strings_quoted_keys_and_dates() -> None:
    assert located(STRINGS) == {
        ("a",): 2,
        ("b",): 6,
        ("c",): 7,
        ("d",): 10,
        ("e",): 11,
        ('f"AB\n',): 12,
        ("g.h",): 13,
        ("g.h", ""): 13,
        ("g.h", "", 0): 13,
        ("g.h", "", 1): 14,
        ("g.h", "", 2): 14,
        ("g.h", "", 3): 14,
        ("g.h", "", 4): 14,
        ("g.h", "", 5): 14,
        ("g.h", "", 6): 15,
        ("1",): 17,
        ("1", "2"): 17,
    }
    assert located(STRINGS.replace("\n", "\r\n")) == located(STRINGS)


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_at_the_end_of_a_multi_line_string_belong_to_it(quote: str) -> None:
    assert located(f"a = [{quote * 3}b{quote * 5},\n{quote * 7},\n2]") == {
        ("a",): 1,
        ("a", 0): 1,
        ("a", 1): 2,
        ("a", 2): 3,
    }


def test_a_header_counts_over_the_headers_below_it() -> None:
    assert located("\n[a.b]\n[a]\nc = 1\n[d.e]\n[[d.f]]") == {
        ("a",): 3,
        ("a", "b"): 2,
        ("a", "c"): 4,
        ("d",): 5,
        ("d", "e"): 5,
        ("d", "f"): 6,
        ("d", "f", 0): 6,
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), None),
        (("b",), None),
        (("b", "a"), None),
        ((0,), None),
        (("a",), 2),
        (("a", "x", "y"), 2),
        (("a", 0), 2),
        (("a", "b"), 3),
        (("a", "b", 1), 4),
        (("a", "b", 2), 3),
        (("a", "b", -1), 3),
        (("a", "b", "0"), 3),
        (("a", "b", 1, "x", 7), 4),
    ],
)
def test_a_path_that_is_not_there_falls_back(path: Path, line: int | None) -> None:
    assert Source("\n[a]\nb = [1,\n2]").line(path) == line


def test_source_keeps_its_text_and_file() -> None:
    source = Source("a = 1", "net.toml")
    assert (source.text, source.file, Source("").file, Source("").line(("a",))) == ("a = 1", "net.toml", "", None)


@pytest.mark.parametrize("opened", ["[1, 2", "{ a = 1", "[{ a = [", '"a', "[[[", "{", "= ["])
def test_sections_after_an_error_are_still_found(opened: str) -> None:
    text = f"x = {opened}\n[a]\ny = 1\n[b]\nz = [[\nu = 1\nv = 2\n"
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    source = Source(text)
    assert [source.line(path) for path in [("x",), ("b",), ("b", "z"), ("b", "v")]] == [1, 4, 5, 7]


@pytest.mark.parametrize(
    "text", ["a = []\n[a.b]", "a = [1]\n[a.b]", "a = 1\n[a.b]", "a = {}\n[a.b]", "[[a]]\n[a]\nb = 1"]
)
def test_tables_that_tomllib_refuses_do_not_raise(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(f"{text}\n[a]\n[a]")
    assert Source(text).line(("a",)) is not None


# Hazards.


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """`depth` brackets in one another."""
    return opening * depth + "1" + closing * depth


def dotted(parts: int, dot: str = ".", part: str = "a") -> str:
    """Write a dotted key."""
    return dot.join([part] * parts)


NINETEEN = "1234567890123456789"
EIGHTEEN = NINETEEN[:-1]


@pytest.mark.parametrize(
    ("text", "hazard"),
    [
        (f"x = {nested(65)}", DEEP),
        (f"x = {nested(65, '{ a = ', '}')}", DEEP),
        (f"x = [{nested(32, '{a=[', ']}')}]", DEEP),
        ("x = " + "[" * 65, DEEP),
        (f"{dotted(17)} = 1", LONG_KEY),
        (f"{dotted(17, ' . ')} = 1", LONG_KEY),
        (f"{dotted(99, ' . ')} = 1", LONG_KEY),
        (f"{dotted(17)}", LONG_KEY),
        (f"[{dotted(17)}]", LONG_KEY),
        (f"[[ {dotted(17)} ]]", LONG_KEY),
        (dotted(17, part='""') + " = 1", LONG_KEY),
        (f"{dotted(9)}.'b'.{dotted(7)} = 1", LONG_KEY),
        (f"x = [{{ b = 1, {dotted(17)} = 1 }}]", LONG_KEY),
        (f"x = {NINETEEN}", LONG_NUMBER),
        (f"x = -{NINETEEN}", LONG_NUMBER),
        ("x = 1_" + "0" * 18, LONG_NUMBER),
        (f"x = 0.{EIGHTEEN}", LONG_NUMBER),
        (f"x = 1e{EIGHTEEN}", LONG_NUMBER),
        (f"x = 0x{NINETEEN}", LONG_NUMBER),
        ("x = 0b" + "1" * 19, LONG_NUMBER),
        ("x = 0o" + "7" * 19, LONG_NUMBER),
        (f"x = [{{ a = {NINETEEN} }}]", LONG_NUMBER),
        (f"x = {NINETEEN}#", LONG_NUMBER),
        ("x = {\na = 1 }", BROKEN),
        ("x = { a = 1,\r\n b = 2, \r\n }", BROKEN),
        ("x = { a = 1 # comment }\n}", BROKEN),
        ("x = [ { a = [1, \n2], b = { c = 1 }\n, d = 1 } ]", BROKEN),
    ],
)
def test_hazards(text: str, hazard: Hazard) -> None:
    assert hazards(text) == (hazard,)
    later = Hazard(4, hazard.text, hazard.remedy)
    assert hazards(f'a = """\n"\n"""\n{text}\n[b]\nc = 1') == (later,)


@pytest.mark.parametrize(
    "text",
    [
        f"x = {nested(64)}",
        f"x = {nested(64, '{ a = ', '}')}",
        f"x = [{nested(64)[1:-1]}, {nested(63)}]",
        "x = '''" + "[" * 99 + "\n'''",
        "x = 1 # " + "[" * 99,
        f"{dotted(16)} = {{ {dotted(16)} = 1 }}",
        f"[[{dotted(16)}]]\n{dotted(16)} = 1",
        "[" + dotted(16, " . ", '"."') + f"]\n'{dotted(17)}' = '{dotted(17)}'",
        f"x = {EIGHTEEN}",
        f"x = -1{'_0' * 17}",
        f"x = 0.{EIGHTEEN[1:]}",
        f"x = 0x{EIGHTEEN}",
        f"x = 0x{'_'.join(EIGHTEEN)}",
        "x = 0b" + "1" * 18,
        f"{NINETEEN} = '{NINETEEN}' # {NINETEEN}\n[a.{NINETEEN}.{NINETEEN}]",
        "x = 1979-05-27T00:32:00.999999-07:00",
        "x = 1979-05-27 00:32:00.999999999999999999999",
        "x = 00:32:00.999999999999999999999",
        "x = { a = [ # comment\n1,\n], b = '''\n''' }",
        'x = { a = { b = [{ c = """\n{""" },\n{}] } }\n',
        "x = [\n{ a = 1 },\n{},\n]",
    ],
)
def test_near_misses_are_no_hazards(text: str) -> None:
    tomllib.loads(text)
    assert hazards(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "x = [1\n" + "[[layers]]\na = 1\n" * 99,
        "x = [1\n" * 99,
        "x = {" + "[[layers]]\na = 1\n" * 99,
        "this is not a configuration but a sentence of prose and it has far more than sixteen words",
        "[" * 99,
    ],
)
def test_syntax_errors_are_left_to_the_parser(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    assert [hazard for hazard in hazards(text) if hazard.text != BROKEN.text] == []


def test_hazards_come_in_order_and_stop_at_twenty() -> None:
    text = f"a = {NINETEEN}\nb = {{\n}}\n{dotted(17)} = {nested(65)}\n"
    found = hazards(text)
    assert [(hazard.line, hazard.text) for hazard in found] == [
        (1, LONG_NUMBER.text),
        (2, BROKEN.text),
        (4, LONG_KEY.text),
        (4, DEEP.text),
    ]
    assert [hazard.line for hazard in hazards(f"a = {NINETEEN}\n" * 30)] == list(range(1, 21))
    assert len(hazards(f"a = [{f'{NINETEEN}, ' * 19}]")) == 19


# Hostile text: that these end at all is the test; a quadratic scanner would need hours.

SIZE = 1_000_000
HOSTILE = [("", unit) for unit in ('"', "'", ".", " ", '\\"', "[", "=", "#", "\n", "a.", "a . ", '"a\n', "a=[", "x={")]
HOSTILE += [("x = ", unit) for unit in ('"', "'", "\\", "[", "{", "[{a=", "0", "-", "1979-05-27 ", "a='''")]
HOSTILE += [("x = [", unit) for unit in ("]", "{}", "1,", " ", "\ufeff", "[[", '"""a')]
HOSTILE += [('x = """', unit) for unit in ('"', '""a', "\\", '\\"', "'", "\n")]
HOSTILE += [("x = '''", unit) for unit in ("'", "''a", "\\'", '"', "\r\n")]


@pytest.mark.parametrize(("before", "unit"), HOSTILE)
def test_hostile_text_is_read_in_linear_time(before: str, unit: str) -> None:
    text = before + unit * (SIZE // len(unit))
    assert len(hazards(text)) <= 20
    line = Source(text).line(("x", 0, "nowhere"))
    assert line is not None or not before


# Any text.

SOUP = ["[", "]", "[[", "]]", "{", "}", "=", ",", ".", "\n", "\r\n", " ", "#", '"', "'", '"""', "'''", "\\", "a", "b"]
SOUP += ["1", "1.5", "true", '"a"', "'b'", '\\"', "1979-05-27", "07:32:00", "a = ", "\nb = ", "\n[a]\n", "\n[[b]]\n"]


@given(st.text() | st.lists(st.sampled_from(SOUP), max_size=40).map("".join))
@settings(max_examples=600, deadline=None)
def test_no_text_raises_and_valid_text_is_found(text: str) -> None:
    assert isinstance(hazards(text), tuple)
    source = Source(text)
    assert source.line(("a", "b", 0)) in (None, *range(1, text.count("\n") + 2))
    try:
        value = tomllib.loads(text)
    except ValueError:
        return
    for path in paths(value):
        assert source.line(path) is not None


@pytest.mark.parametrize("key", [r'"\U00110000"', r'"\uD800"', r'"\q\u12"', '"', '"\\', "'", '"a'])
def test_malformed_keys_do_not_raise(key: str) -> None:
    assert Source(f"{key} = 1\nb = 2").line(("b",)) == 2


# Generated documents.

TEXTS = st.text(max_size=8) | st.text(st.sampled_from("ab\"'\\\n\r\t#[]{}=,. \x00\x7f\u2028é"), max_size=12)
SCALARS = (
    TEXTS
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.datetimes()
    | st.dates()
    | st.times()
)
KEYS = st.sampled_from(["a", "b", "layers", "op", "1", "-"]) | TEXTS


def tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Tables of such values."""
    return st.dictionaries(KEYS, values, max_size=4)


VALUES = st.recursive(
    SCALARS,
    lambda inner: tables(inner) | st.lists(inner, max_size=4) | st.lists(tables(inner), min_size=1, max_size=3),
    max_leaves=20,
)


class Writer:
    """Writes a document in styles chosen at random, and notes the line of every key path."""

    def __init__(self, random: Random) -> None:
        """Choose with this generator."""
        self.random = random
        self.text = ""
        self.lines: dict[Path, int] = {}
        self.newline = random.choice(["\n", "\r\n"])

    def put(self, *texts: str) -> None:
        """Append text."""
        self.text += "".join(texts)

    def mark(self, path: Path, *, again: bool = False) -> None:
        """Note that the path begins here, unless it has begun."""
        if again or path not in self.lines:
            self.lines[path] = self.text.count("\n") + 1

    def flip(self) -> bool:
        """Toss a coin."""
        return self.random.random() < 0.5

    def space(self) -> str:
        """Blanks or none."""
        return self.random.choice(["", " ", "\t "])

    def comment(self) -> str:
        """Write a comment, mostly an empty one."""
        return self.random.choice(["", "", "", "# [x] = { \"'", '#"""', "# '''"])

    def break_line(self) -> None:
        """End the line, and perhaps some more."""
        for _ in range(self.random.randint(1, 2)):
            self.put(self.space(), self.comment(), self.newline)

    def gap(self) -> None:
        """Write what may stand between the elements of an array."""
        self.put(self.space())
        if self.random.random() < 0.3:
            self.break_line()

    def escaped(self, text: str, kept: str = "") -> str:
        """Write the inside of a basic string, with some characters kept as they are."""
        names = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}

        def escape(character: str) -> str:
            if character in kept or (character.isprintable() and character not in names and self.flip()):
                return character
            return names.get(character) or f"\\U{ord(character):08x}"

        return "".join(map(escape, text))

    def string(self, text: str, *, one_line: bool = False) -> str:
        """Write a string in one of the forms it allows."""
        forms = [f'"{self.escaped(text)}"']
        literal = re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text) is None
        if literal and "'" not in text and "\n" not in text:
            forms.append(f"'{text}'")
        if not one_line:
            kept = self.escaped(text, "\n").replace('\\"', '"')
            if '"""' not in kept and not re.search(r'\\"', kept):
                forms.append(f'"""{self.newline}{kept}"""')
            if not text[:1].isspace():
                forms.append(f'"""\\{self.newline}  {self.newline} {self.escaped(text)}"""')
            if literal and "'''" not in text:
                forms.append(f"'''{self.newline}{text}'''")
        return self.random.choice(forms)

    def key(self, key: str) -> str:
        """Write one part of a key."""
        if re.fullmatch(r"[A-Za-z0-9_-]+", key) and self.flip():
            return key
        return self.string(key, one_line=True)

    def dotted(self, *keys: str) -> str:
        """Write a dotted key."""
        return f"{self.space()}.{self.space()}".join(map(self.key, keys))

    def value(self, path: Path, value: Any) -> None:
        """Write a value in line."""
        if isinstance(value, dict):
            self.inline_table(path, value)
        elif isinstance(value, list):
            self.array(path, value)
        elif isinstance(value, str):
            self.put(self.string(value))
        elif isinstance(value, bool):
            self.put(str(value).lower())
        elif isinstance(value, int | float):
            self.put(repr(value))
        elif hasattr(value, "hour") and hasattr(value, "year"):
            self.put(value.isoformat(self.random.choice(" T")))
        else:
            self.put(value.isoformat())

    def array(self, path: Path, values: list[Any]) -> None:
        """Write an array, over some lines perhaps."""
        self.put("[")
        for index, value in enumerate(values):
            self.gap()
            self.mark((*path, index))
            self.value((*path, index), value)
            self.gap()
            if index < len(values) - 1 or self.flip():
                self.put(",")
        self.gap()
        self.put("]")

    def inline_table(self, path: Path, table: dict[str, Any]) -> None:
        """Write an inline table."""
        self.put("{")
        for count, (keys, value) in enumerate(self.pairs((), table)):
            self.put("," if count else "", self.space())
            self.pair(path, keys, value)
        self.put(self.space(), "}")

    def pairs(self, above: tuple[str, ...], table: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Split a table into dotted keys and values."""
        for key, value in table.items():
            if isinstance(value, dict) and value and self.flip():
                yield from self.pairs((*above, key), value)
            else:
                yield (*above, key), value

    def pair(self, path: Path, keys: tuple[str, ...], value: Any) -> None:
        """Write a key and its value."""
        for end in range(1, len(keys) + 1):
            self.mark(path + keys[:end])
        self.put(self.dotted(*keys), self.space(), "=", self.space())
        self.value(path + keys, value)

    def section(self, path: Path, header: tuple[str, ...], table: dict[str, Any], brackets: str) -> None:
        """Write a table with its header, those of its tables that get headers of their own after it, or some before."""
        own = {key: value for key, value in table.items() if not (self.is_section(value) and self.flip())}
        below = [(key, value) for key, value in table.items() if key not in own]
        early = len(below) if brackets == "[" and self.flip() else 0
        self.sections(path, header, below[:early])
        if header and (brackets == "[[" or own or not below or self.flip()):
            for end in range(1, len(path)):
                self.mark(path[:end])
            self.mark(path, again=True)
            name = f"{self.space()}{self.dotted(*header)}{self.space()}"
            self.put(self.space(), brackets, name, brackets.replace("[", "]"))
            self.break_line()
        for keys, value in self.pairs((), own):
            self.put(self.space())
            self.pair(path, keys, value)
            self.break_line()
        self.sections(path, header, below[early:])

    def sections(self, path: Path, header: tuple[str, ...], below: list[tuple[str, Any]]) -> None:
        """Write tables and arrays of tables with headers."""
        for key, value in below:
            if isinstance(value, dict):
                self.section((*path, key), (*header, key), value, "[")
            else:
                for index, element in enumerate(value):
                    self.section((*path, key, index), (*header, key), element, "[[")

    @staticmethod
    def is_section(value: Any) -> bool:
        """Tell whether a header can stand for the value."""
        return isinstance(value, dict) or (
            isinstance(value, list) and value != [] and all(isinstance(element, dict) for element in value)
        )


@given(tables(VALUES), st.randoms(use_true_random=True))
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_key_path_is_at_the_line_where_it_was_written(document: dict[str, Any], random: Random) -> None:
    writer = Writer(random)
    writer.section((), (), document, "")
    assert tomllib.loads(writer.text) == document
    assert located(writer.text) == writer.lines
    assert all(hazard.text != BROKEN.text for hazard in hazards(writer.text))
