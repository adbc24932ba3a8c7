"""How many designs a second are looked at: costs computed and compared, and decided on by the table alone.

python benchmarks/design.py
"""

from __future__ import annotations

import time

from eyeshot.design.search import Wishes, search
from eyeshot.design.space import space

CASES = {
    "every field": (Wishes(field=(1, 511)), (4, 5)),
    "field 70": (Wishes(field=(70, 70)), (4, 8)),
    "sampled": (Wishes(field=(1, 511)), (4, 8)),
}


def main() -> None:
    for name, (wishes, layers) in CASES.items():
        looked_through = space((3, 256, 256), layers=layers, kernels=(3, 4, 5), strides=(1, 2, 4), pools=(2, 3),
                               dilations=(1,), padding="half", widths=(64,))  # fmt: skip
        seconds = []
        for _ in range(3):
            started = time.process_time()
            result = search(looked_through, wishes)
            seconds.append(time.process_time() - started)
        least = min(seconds)
        print(
            f"{name:12} {result.evaluated:>10,} computed at {result.evaluated / least:>12,.0f}/s,"
            f" {result.searched:>14,} decided on at {result.searched / least:>18,.0f}/s of one core"
        )


if __name__ == "__main__":
    main()
