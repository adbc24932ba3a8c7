"""Is every vision model of torchvision and timm read, and exactly? Writes docs/conformance.md.

    make conformance

Models are built without weights. A model is exact when every op on its way has a rule, bound when some has none, failed
when it cannot be traced.
"""

from __future__ import annotations

import platform
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from eyeshot.design.named import network_named
from eyeshot.errors import EyeshotError
from eyeshot.read.loading import load_module

REPORT = Path(__file__).parent.parent / "docs" / "conformance.md"


@dataclass(frozen=True)
class Outcome:
    """What came of reading one model."""

    name: str
    verdict: str
    reason: str
    seconds: float


def names() -> list[tuple[str, Any]]:
    """Every model's name and the input that it is meant for."""
    load_module("torchvision:alexnet")
    import timm
    from torchvision import models
    from torchvision.models import video

    clips = set(models.list_models(module=video))
    found = []
    for name in models.list_models():
        side = 299 if name == "inception_v3" else 224
        shape: Any = (3, 16, side, side) if name in clips else (3, side, side)
        if name.startswith("raft"):
            shape = {"image1": shape, "image2": shape}
        found.append((f"torchvision:{name}", shape))
    for name in timm.list_models():
        config = timm.get_pretrained_cfg(name)
        found.append((f"timm:{name}", tuple(config.input_size) if config else (3, 224, 224)))
    return found


def outcome(name: str, shape: Any) -> Outcome:
    """Read one model."""
    start = time.perf_counter()
    try:
        network = network_named(name, shape)
    except EyeshotError as error:
        return Outcome(name, "failed", str(error).removeprefix(f"{name} ").removeprefix(f"{name}: "), 0.0)
    except Exception as error:
        return Outcome(name, "not built", f"{type(error).__name__}: {error}".splitlines()[0], 0.0)
    bounds = list(dict.fromkeys(note.text for note in network.notes if note.kind == "bound"))
    why = "; ".join(text.partition("; fields from here")[0] for text in bounds if not text.startswith("totals"))
    return Outcome(name, "bound" if bounds else "exact", why.replace(f"{name} ", ""), time.perf_counter() - start)


def report(outcomes: list[Outcome]) -> str:
    """The page."""
    import timm
    import torchvision

    counts = Counter((outcome.name.split(":")[0], outcome.verdict) for outcome in outcomes)
    verdicts = ("exact", "bound", "failed", "not built")
    lines = [
        "# Conformance",
        "",
        "Written by `make conformance`: every model of torchvision and timm, without weights, at its own input size.",
        f"torch {torch.__version__.split('+')[0]}, torchvision {torchvision.__version__.split('+')[0]},"
        f" timm {timm.__version__}, Python {platform.python_version()}.",
        "",
        "| library | " + " | ".join(verdicts) + " |",
        "|---|" + "---|" * len(verdicts),
        *(
            f"| {library} | " + " | ".join(str(counts[library, verdict]) for verdict in verdicts) + " |"
            for library in ("torchvision", "timm")
        ),
        "",
        "Exact: every op has a rule. Bound: some op reads positions that depend on the data, or the forward pass goes"
        " on by numbers that a model without weights has not. What is behind that is a bound from above, or missing.",
        "",
        "| model | verdict | why |",
        "|---|---|---|",
    ]
    lines += [
        f"| {found.name} | {found.verdict} | {found.reason.replace('|', '/')} |"
        for found in outcomes
        if found.verdict != "exact"
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Read all models and write the page."""
    warnings.simplefilter("ignore")
    found = names()
    outcomes = []
    for i, (name, shape) in enumerate(found, start=1):
        outcomes.append(outcome(name, shape))
        print(f"\r{i}/{len(found)} {name:60}", end="", file=sys.stderr, flush=True)
    REPORT.write_text(report(outcomes), encoding="utf-8")
    print(f"\n{dict(Counter(o.verdict for o in outcomes))}; wrote {REPORT.name}")


if __name__ == "__main__":
    main()
