"""Ctrl-C while a solver is at work."""

import signal
import threading
from typing import Any, Self


class Interrupts:
    """Ctrl-C noted while z3 is at work, and passed on at the next good moment.

    An exception raised inside z3's own callbacks into Python would be lost or leave it in a bad state. Outside the main
    thread, where Python delivers no signals, nothing is changed.

    main: whether this is the main thread. There z3 itself listens for Ctrl-C while it is at work and ends the solver of
    that thread; in several threads at once it would lose Python's handler.
    """

    def __init__(self) -> None:
        """Nothing has been asked yet."""
        self.asked = False
        self.main = threading.current_thread() is threading.main_thread()
        self.previous: Any = None

    def __enter__(self) -> Self:
        """Note interrupts from here on."""
        if self.main:
            self.previous = signal.signal(signal.SIGINT, self.note)
        return self

    def note(self, *_: object) -> None:
        """Remember that the work is to stop."""
        self.asked = True

    def stop(self) -> None:
        """End the work if that was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Let interrupts through again, one that came in the meantime included."""
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
        if kind is not KeyboardInterrupt:
            self.stop()
