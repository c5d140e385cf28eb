"""What all tests share."""

import os
import signal


def pytest_configure() -> None:
    """Begin alike, however the tests were started."""
    os.environ.pop("COLUMNS", None)  # lines are as long as they need to be, whatever terminal it speaks of
    if "PYTEST_XDIST_WORKER" in os.environ:  # where tests share the cores, torch need not ask for all of them
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started in the background ignores Ctrl-C
