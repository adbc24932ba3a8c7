from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "networks",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("networks")
