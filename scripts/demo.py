"""The founding question, answered: does AlexNet's order of layers beat CONV-POOL all the way?

First the original pair at 227×227, what each sees and costs; then both small layouts trained side by side on the
embedded sample of real images, eight paired seeds, and a figure of it all.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FIGURE = "demo/alexnet-or-alternating.png"
COMMANDS = (
    ["compare", "alexnet", "alexnet-alternating"],
    [
        *("compare", "alexnet-28", "alexnet-28-alternating"),
        *("--train", "--data", "sample", "--seeds", "8", "--budget", "2ep"),
        *("-o", FIGURE, "--force"),
    ],
)


def main() -> int:
    """Run the commands as a user would type them; the exit code of the first that fails."""
    Path(FIGURE).parent.mkdir(exist_ok=True)
    for arguments in COMMANDS:
        print(f"$ eyeshot {' '.join(arguments)}\n", flush=True)
        code = subprocess.run([sys.executable, "-m", "eyeshot", *arguments], check=False).returncode
        if code:
            return code
        print(flush=True)
    print(f"the figure is {FIGURE}, its data beside it; `eyeshot --help` lists what else you can ask")
    return 0


if __name__ == "__main__":
    sys.exit(main())
