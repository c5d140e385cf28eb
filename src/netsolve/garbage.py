"""Python's search for cycles of garbage, put off while much is made that has none.

Tables, rows and posed layers are millions of small objects that all live on; looking through them for cycles again and
again takes a third of the time. https://docs.python.org/3/library/gc.html
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def unswept() -> Iterator[None]:
    """No search for cycles inside, in any thread; also a decorator. Where there was none before, none begins after."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def each_unswept(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made without a search for cycles."""
    while True:
        with unswept():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item
