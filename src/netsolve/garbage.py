"""Python's search for cycles of garbage, put off while much is made that has none.

Posed layers and tables are many small objects that all live on; looking through them for cycles again and again takes
a third of the time where they are large. https://docs.python.org/3/library/gc.html
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class _Users:
    """How many are inside, in all threads, and whether there was a search before the first of them."""

    def __init__(self) -> None:
        self.lock, self.count, self.before = Lock(), 0, False


_USERS = _Users()


@contextmanager
def unswept() -> Iterator[None]:
    """No search for cycles inside, in any thread; also a decorator. Where there was none before, none begins after."""
    with _USERS.lock:
        if not _USERS.count:
            _USERS.before = gc.isenabled()
            gc.disable()
        _USERS.count += 1
    try:
        yield
    finally:
        with _USERS.lock:
            _USERS.count -= 1
            if not _USERS.count and _USERS.before:
                gc.enable()
