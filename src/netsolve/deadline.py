"""How long a question may take."""

import math
import time
from dataclasses import dataclass, field

from netsolve.errors import UndecidedError, UsageError

FOREVER = 1e9
"""More seconds than this are taken for so many."""

OVERTIME = "the time limit is reached"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which work stops. seconds: how long from now; None for no limit."""

    seconds: float | None = None
    end: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock. Raises UsageError for what is no number of seconds."""
        if self.seconds is not None and (not isinstance(self.seconds, int | float) or self.seconds != self.seconds):
            msg = f"a time is a number of seconds, or None for no limit, not {self.seconds!r:.40}"
            raise UsageError(msg)
        seconds = math.inf if self.seconds is None else min(self.seconds, FOREVER)
        object.__setattr__(self, "end", time.monotonic() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds that are left, at least 0; infinite where there is no limit."""
        return max(0.0, self.end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self.end

    def check(self) -> None:
        """Raise UndecidedError where no time is left."""
        if self.passed:
            raise UndecidedError(OVERTIME)


NEVER = Deadline()
"""No limit."""
