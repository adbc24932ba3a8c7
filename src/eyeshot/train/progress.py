"""Where a run stands, as it is told to who waits: without PyTorch, which a study's own process does not need."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands, several times a second."""

    label: str
    seed: int
    spent: float
    """Share of the budget, 0 to 1."""
    epoch: int
    """The epoch under way, 1 for the first."""
    images: int
    """Images seen so far."""
    seconds: float
    """Training time so far."""
    accuracy: float | None
    """The last epoch's test accuracy in percent; None during the first."""
