"""Published claims, measured again: trains the studies of findings/ and writes a page for each.

    make findings                          all of them; it goes on where it was stopped
    make findings ONLY=strides             one
    make findings ONLY=shift/polyphase     one study of it; the others' evidence stays as it is
    python -m scripts.findings --jobs 1    one training at once
    python -m scripts.findings --pages     no training: the pages again, from the evidence that is kept

A folder of findings/ holds finding.toml (the claim, who made it, and what is to come out if it holds), a file for each
study (see docs/training.md), evidence.json (what came out), and README.md with a figure for each study, both written
from it. findings/README.md lists them all, and the package holds what came out for page and advice
(src/eyeshot/design/published.json).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eyeshot.design.published import FILE, Published, encoded
from scripts.findings_page import figures, index, page, told
from scripts.verdicts import FOLDER, ROOT, Finding, all_kept, finding_in, folders, kept_in, outcomes, studies_of

RUNS = ROOT / "runs" / "findings"
GUIDE = ROOT / "docs" / "training.md"
PACKED = ROOT / "src" / "eyeshot" / "design" / FILE
SCHEMA = "eyeshot.finding/1"


def trained(folder: Path, study: str | None = None, jobs: int | None = None) -> dict[str, Any]:
    """Train what is left of a finding's studies, or of one, and give what came out."""
    import eyeshot

    kept: dict[str, Any] = {"schema": SCHEMA, "studies": {}}
    if study is not None and (folder / "evidence.json").exists():
        kept = kept_in(folder)[2]
    for name in studies_of(finding_in(folder)):
        if study not in (None, name):
            continue
        print(f"{folder.name}: {name}", file=sys.stderr, flush=True)
        place = RUNS / folder.name / name
        comparison = eyeshot.study((folder / f"{name}.toml").relative_to(ROOT), run=place, jobs=jobs, on_progress=_told)
        ran, evidence = comparison.study, comparison.evidence
        assert ran is not None
        assert evidence is not None
        document, versions = ran.to_json(), ran.records[0].versions
        kept["studies"][name] = {
            "arms": [
                {**{key: arm[key] for key in ("label", "design", "params", "macs")}, "sees": sees}
                for arm, sees in zip(document["arms"], map(_sees, comparison.reports), strict=True)
            ],
            "terms": ran.plan.terms(),
            "images": document["images"],
            "remarks": document["remarks"],
            "evidence": evidence.to_json(),
            "machine": {key: versions[key] for key in ("processor", "torch", "python")},
        }
    return kept


def _told(progress: Any) -> None:
    print(f"\r{progress.label} · seed {progress.seed} · {100 * progress.spent:3.0f} %   ", end="", file=sys.stderr)


def _sees(report: Any) -> list[int] | None:
    """What the last convolution sees, in pixels."""
    from eyeshot.analyse.landmarks import last_convolution

    layer = last_convolution(report)
    return None if layer is None else list(layer.field.size)


def packed(found: Sequence[tuple[str, Finding, dict[str, Any]]]) -> bytes:
    """What the package holds of all findings: their claims and what came out."""
    return encoded(
        [
            Published(
                name=name,
                title=finding.title,
                claim=finding.claim,
                source=finding.source,
                outcomes=tuple(outcomes(finding, kept)),
            )
            for name, finding, kept in found
        ]
    )


def written(chosen: Sequence[Path]) -> None:
    """Write the pages of findings that have evidence, and the list of all."""
    for folder in chosen:
        if (folder / "evidence.json").exists():
            finding, kept = kept_in(folder)[1:]
            (folder / "README.md").write_text(page(finding, kept, folder.name), encoding="utf-8")
            for name, drawing in figures(finding, kept).items():
                (folder / name).write_bytes(drawing.content("png"))
    PACKED.write_bytes(packed(all_kept()))
    (FOLDER / "README.md").write_text(index(all_kept()), encoding="utf-8")
    GUIDE.write_text(told(GUIDE.read_text(encoding="utf-8"), all_kept()), encoding="utf-8")


def main() -> None:
    """Train, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", help="one finding, or one study of it as NAME/STUDY")
    parser.add_argument("--pages", action="store_true", help="train nothing")
    parser.add_argument("--jobs", type=int, metavar="N", help="trainings at once; one a core unless given")
    asked = parser.parse_args()
    os.chdir(ROOT)  # so that a study of images and nets of its own names their file alike on every machine
    only, _, study = (asked.only or "").partition("/")
    chosen = folders(only or None)
    if study and study not in (known := studies_of(finding_in(chosen[0]))):
        raise SystemExit(f"{only} has no study {study!r}; it has {', '.join(known)}")
    for folder in [] if asked.pages else chosen:
        text = json.dumps(trained(folder, study or None, asked.jobs), indent=1, ensure_ascii=False)
        (folder / "evidence.json").write_text(text + "\n", encoding="utf-8")
    written(chosen)


if __name__ == "__main__":
    main()
