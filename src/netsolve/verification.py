"""What a run in torch gives: plain data, so that reports need no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerRun:
    """One layer as predicted and as run: shapes without batch; measured is None where torch raised `error`."""

    layer: str
    predicted: tuple[int, ...]
    measured: tuple[int, ...] | None
    error: str = ""

    @property
    def agrees(self) -> bool:
        """Whether torch gave the predicted shape."""
        return self.predicted == self.measured


@dataclass(frozen=True, slots=True)
class Verification:
    """What torch made of a network.

    layers: those that were reached; parameters: learned numbers that the module holds; device: "cpu", or "meta" where
    `reason` says why the run on the CPU was left out (shapes are then compared, but torch's checks on the CPU are not
    made).
    """

    layers: tuple[LayerRun, ...]
    parameters: int
    device: str = "cpu"
    reason: str = ""

    @property
    def verified(self) -> bool | None:
        """True: torch ran it and every shape agreed; False: it did not; None: it was not run on the CPU."""
        if not all(layer.agrees for layer in self.layers):
            return False
        return True if self.device == "cpu" else None

    @property
    def mismatch(self) -> LayerRun | None:
        """The first layer where torch disagrees."""
        return next((layer for layer in self.layers if not layer.agrees), None)
