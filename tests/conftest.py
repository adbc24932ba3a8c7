from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# one thread a test process: small tensors, and two processes share the machine
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "eyeshot",
    deadline=None,  # a busy machine is no fault of the code
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("eyeshot")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """PyTorch seeds itself from the clock: of weights drawn so, one in some dozens rectifies all that it reads to 0."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(48_151_623)  # none that a test sets by itself
