"""Python's search for cycles of garbage, put off while much is made that has none.

Posed layers and tables are many small objects that all live on; looking through them for cycles again and again takes
a third of the time where they are large. https://docs.python.org/3/library/gc.html
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
