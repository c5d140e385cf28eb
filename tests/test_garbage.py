"""The search for cycles is put off inside, and as it was before after."""

import gc
from collections.abc import Iterator

import pytest

from netsolve.garbage import unswept


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    """As it was, whatever a test does."""
    before = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if before else gc.disable)()


@unswept()
def failing() -> None:
    """Fail while it is put off, behind a nested use."""
    with unswept():
        assert not gc.isenabled()
    assert not gc.isenabled()
    raise ZeroDivisionError


def test_put_off_inside_and_begun_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        failing()
    assert gc.isenabled()


def test_not_begun_where_there_was_none() -> None:
    gc.disable()
    with unswept():
        pass
    assert not gc.isenabled()


def test_the_last_one_out_begins_it_again() -> None:
    first, second = unswept(), unswept()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()
