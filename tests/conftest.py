"""What all tests share."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C reach the tests that are about it, also where they are started in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
