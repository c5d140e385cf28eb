"""Tests of netsolve.domain: sets of integers, and question marks."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsolve.domain import LARGEST, POSITIVE, Domain, Unknown
from support import exactly

NUMBERS = st.integers(-20, 20)
SETS = st.sets(NUMBERS, max_size=12)
RANGES = st.lists(st.tuples(NUMBERS, NUMBERS).map(sorted), min_size=1, max_size=5)


@given(SETS)
def test_a_domain_has_the_members_it_is_made_of(members: set[int]) -> None:
    domain = Domain.of(members)
    assert list(domain) == sorted(members)
    assert domain.count == len(members)
    assert {n for n in range(-25, 26) if n in domain} == members


@given(SETS)
def test_ranges_are_ascending_and_neither_overlap_nor_touch(members: set[int]) -> None:
    ends = [end for ends in Domain.of(members).ranges for end in ends]
    assert all(high is not None and low <= high for low, high in Domain.of(members).ranges)
    assert all(a + 1 < b for a, b in zip(ends[1::2], ends[2::2], strict=False) if a is not None and b is not None)


@given(SETS.filter(bool))
def test_low_and_high_are_the_extremes(members: set[int]) -> None:
    domain = Domain.of(members)
    assert (domain.low, domain.high) == (min(members), max(members))


@given(SETS, SETS)
def test_intersection_is_that_of_sets(left: set[int], right: set[int]) -> None:
    assert Domain.of(left) & Domain.of(right) == Domain.of(left & right)


@given(SETS, NUMBERS)
def test_intersection_with_an_open_end(members: set[int], low: int) -> None:
    expected = Domain.of(n for n in members if n >= low)
    assert Domain.of(members) & Domain.between(low, None) == expected
    assert Domain.between(low, None) & Domain.of(members) == expected


@given(NUMBERS, NUMBERS)
def test_intersection_of_two_open_ends(left: int, right: int) -> None:
    assert Domain.between(left, None) & Domain.between(right, None) == Domain.between(max(left, right), None)


@given(NUMBERS, NUMBERS)
def test_between_holds_both_ends_or_nothing(low: int, high: int) -> None:
    assert list(Domain.between(low, high)) == list(range(low, high + 1))


@given(RANGES)
def test_parse_is_the_union_of_its_items(ranges: list[list[int]]) -> None:
    text = "|".join(f"{low}..{high}" for low, high in ranges)
    assert Domain.parse(text) == Domain.of(n for low, high in ranges for n in range(low, high + 1))


@given(SETS.filter(bool))
def test_text_and_back(members: set[int]) -> None:
    domain = Domain.of(members)
    assert Domain.parse(str(domain)) == domain


def test_membership_is_for_integers_only() -> None:
    assert "1" not in Domain.between(0, 3)
    assert 1.0 not in Domain.between(0, 3)


def test_no_upper_bound() -> None:
    assert 10**9 in POSITIVE
    assert 0 not in POSITIVE
    assert (POSITIVE.low, POSITIVE.high, POSITIVE.count, str(POSITIVE)) == (1, None, None, "1..")
    with pytest.raises(ValueError, match=r"^1\.\. has no last member$"):
        next(islice(POSITIVE, 0, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", "3"),
        ("+3", "3"),
        ("-2", "-2"),
        (" 0 .. 3 ", "0..3"),
        ("-2..+2", "-2..2"),
        ("1|3|5", "1|3|5"),
        ("0..2|5", "0..2|5"),
        ("5|0..2", "0..2|5"),
        ("0..2|3", "0..3"),
        ("0..5|2..3", "0..5"),
        ("7..7", "7"),
        ("007", "7"),
        (str(LARGEST), str(LARGEST)),
    ],
)
def test_sets_that_can_be_written(text: str, expected: str) -> None:
    assert str(Domain.parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty place is not an integer or a range such as 0..3"),
        ("1||3", "an empty place is not an integer or a range such as 0..3"),
        ("1|", "an empty place is not an integer or a range such as 0..3"),
        ("x", '"x" is not an integer or a range such as 0..3'),
        ("1.5", '"1.5" is not an integer or a range such as 0..3'),
        ("1,3", '"1,3" is not an integer or a range such as 0..3'),
        ("1..", '"1.." is not an integer or a range such as 0..3'),
        ("..3", '"..3" is not an integer or a range such as 0..3'),
        ("1...3", '"1...3" is not an integer or a range such as 0..3'),
        ("- 1", '"- 1" is not an integer or a range such as 0..3'),
        ("\N{ARABIC-INDIC DIGIT ONE}", '"\N{ARABIC-INDIC DIGIT ONE}" is not an integer or a range such as 0..3'),
        ("9" * 50, f'"{"9" * 40}" is not an integer or a range such as 0..3'),
        ("3..0", "the range 3..0 is empty: write 0..3"),
        ("0..2|9..8", "the range 9..8 is empty: write 8..9"),
        (str(LARGEST + 1), "2147483648 is out of range: at most 2147483647, at least -2147483647"),
        (f"{-LARGEST - 1}..0", "-2147483648..0 is out of range: at most 2147483647, at least -2147483647"),
    ],
)
def test_sets_that_cannot(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        Domain.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("?", Unknown()),
        (" ? ", Unknown()),
        ("?0..3", Unknown(Domain.between(0, 3))),
        ("? 0 .. 3", Unknown(Domain.between(0, 3))),
        ("?-1", Unknown(Domain.of([-1]))),
        ("?1|3|5", Unknown(Domain.of([1, 3, 5]))),
        ("?0..2|5", Unknown(Domain.of([0, 1, 2, 5]))),
        ("?p", Unknown(None, "p")),
        ("? p ", Unknown(None, "p")),
        ("?_p1", Unknown(None, "_p1")),
        ("?p: 0..3", Unknown(Domain.between(0, 3), "p")),
        ("?p:1|2", Unknown(Domain.between(1, 2), "p")),
        ("? p : -1 .. 1 ", Unknown(Domain.between(-1, 1), "p")),
    ],
)
def test_question_marks(text: str, expected: Unknown) -> None:
    assert Unknown.parse(text) == expected
    assert Unknown.parse(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", '"" is neither an integer nor a question mark such as "?", "?0..3", "?1|3|5" or "?p"'),
        ("3", '"3" is neither an integer nor a question mark such as "?", "?0..3", "?1|3|5" or "?p"'),
        ("x?", '"x?" is neither an integer nor a question mark such as "?", "?0..3", "?1|3|5" or "?p"'),
        ("??", '"?" is neither a set such as 0..3 or 1|3|5 nor a name'),
        ("?a b", '"a b" is neither a set such as 0..3 or 1|3|5 nor a name'),
        ("?a.b", '"a.b" is neither a set such as 0..3 or 1|3|5 nor a name'),
        ("?a|b", '"a|b" is neither a set such as 0..3 or 1|3|5 nor a name'),
        ("?:1", '"" is neither a set such as 0..3 or 1|3|5 nor a name'),
        ("?p:", "an empty place is not an integer or a range such as 0..3"),
        ("?p: q", '"q" is not an integer or a range such as 0..3'),
        ("?p: 3..0", "the range 3..0 is empty: write 0..3"),
        ("?1|x", '"x" is not an integer or a range such as 0..3'),
        ("?1p", '"1p" is not an integer or a range such as 0..3'),
    ],
)
def test_question_marks_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        Unknown.parse(text)
