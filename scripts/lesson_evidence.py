"""Train the pairs of the lesson and keep what was measured: `make lesson-evidence`, some minutes on two cores.

Every pair is trained by the command that stands beside it in the lesson, five paired seeds on the embedded sample.
Stop it at any moment: the same command goes on where it was. The scores depend on the machine in their last digits.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

RECORD = Path(__file__).parents[1] / "src/eyeshot/view/lesson/evidence.json"
RUNS = Path("runs/lesson")
TERMS = "--train --data sample --seeds 5 --budget 3ep"
STUDIES = {
    "pools": "alexnet-28 alexnet-28-alternating",
    "two": '"C3-8 C3-8 P2 C3-16 C3-16 P2 G F10" "C5-8 P2 C5-16 P2 G F10" --match macs',
    "three": '"C3-9 C3-9 C3-9 P2 C3-18 C3-18 C3-18 P2 G F10" "C7-9 P2 C7-18 P2 G F10" --match macs',
    "stride": '"C3-12 P3s2p1 C3-24 P3s2p1 C3-48 G F10" "C3s2-12 C3s2-24 C3-48 G F10" '
    '"C3-12 C3s2-12 C3-24 C3s2-24 C3-48 G F10"',
}


def main() -> int:
    """Train what is not trained yet, and write the record."""
    found: dict[str, Any] = {"schema": "eyeshot.lesson-evidence/1", "device": {}, "studies": {}}
    for name, models in STUDIES.items():
        command = f"eyeshot compare {models} {TERMS}"
        print(command, flush=True)
        words = [*shlex.split(command)[1:], "--run", str(RUNS / name), "--json"]
        done = subprocess.run([sys.executable, "-m", "eyeshot", *words], stdout=subprocess.PIPE, check=False, text=True)
        if done.returncode:
            return done.returncode
        document = json.loads(done.stdout)
        found["studies"][name] = study(document, command)
        found["device"] = device(RUNS / name)
        print(document["evidence"]["verdict"], flush=True)
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {RECORD}")
    return 0


def study(document: dict[str, Any], command: str) -> dict[str, Any]:
    """What the lesson shows of one study."""
    plan = document["study"]
    return {
        "command": command,
        "remarks": plan["remarks"],
        "arms": [{key: arm[key] for key in ("label", "design", "macs", "params")} for arm in plan["arms"]],
        "evidence": document["evidence"],
    }


def device(folder: Path) -> dict[str, str]:
    """What it ran on, as the trainings' own records say."""
    record = next(folder.rglob("record.json"))
    versions = json.loads(record.read_text(encoding="utf-8"))["versions"]
    return {key: versions[key] for key in ("processor", "threads", "torch", "python")}


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
