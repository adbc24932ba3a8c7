from __future__ import annotations

import os

# one thread a test process: small tensors, and two processes share the machine
os.environ.setdefault("OMP_NUM_THREADS", "1")
