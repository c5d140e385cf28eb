"""A sign of life on a terminal for what takes longer than a second."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 1.0
"""Seconds before anything is shown."""


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show `text` on standard error, if that is a terminal, while the work inside takes longer than a second.

    Where NO_COLOR is set nothing is shown: a line that changes needs escape sequences.

    Yields a function that replaces the text.
    """
    if not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - a fifth of a second that short work does not need

    status = Console(stderr=True).status(text)
    timer = threading.Timer(PATIENCE, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield status.update
    finally:
        timer.cancel()
        timer.join()
        status.stop()
