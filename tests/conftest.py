from __future__ import annotations

import os

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
