"""How long a question may take."""

import math
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which work stops. seconds: how long from now; None for no limit."""

    seconds: float | None = None
    end: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        object.__setattr__(self, "end", math.inf if self.seconds is None else time.monotonic() + self.seconds)

    @property
    def remaining(self) -> float:
        """Seconds that are left, at least 0; infinite where there is no limit."""
        return max(0.0, self.end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining <= 0
