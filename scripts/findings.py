"""Published claims, measured again: trains the studies of findings/ and writes a page for each.

    make findings                          all of them; it goes on where it was stopped
    make findings ONLY=strides             one
    python -m scripts.findings --pages     no training: the pages again, from the evidence that is kept

A folder of findings/ holds finding.toml (the claim, who made it, and what is to come out if it holds), a file for each
study (see docs/training.md), evidence.json (what came out), and README.md with a figure for each study, both written
from it. findings/README.md lists them all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "findings"
RUNS = ROOT / "runs" / "findings"
SCHEMA = "eyeshot.finding/1"
MINUS = "−"
WHAT_VERDICTS_SAY = (
    "A claim is *reproduced* or *reversed* where the interval over other seeds and other images leaves 0 out, on one"
    " side or the other. The differences of one study share an error of 5 % (Bonferroni); those of several studies do"
    " not, so one in twenty studies of designs that do not differ would say that they do."
)


class Expectation(msgspec.Struct, forbid_unknown_fields=True):
    """What comes out of a study if the claim holds: one arm scores higher than another."""

    study: str
    says: str
    higher: str
    lower: str


class Finding(msgspec.Struct, forbid_unknown_fields=True):
    """A published claim, and the studies that try it."""

    title: str
    claim: str
    source: str
    pilot: str
    """How seeds and budget were chosen."""
    expects: list[Expectation]


@dataclass(frozen=True)
class Outcome:
    """What a study says of an expectation."""

    verdict: str
    mean: float
    """Points by which the arm that is expected to be higher is."""
    seeds: tuple[float, float] | None
    both: tuple[float, float] | None
    confidence: float
    """Of the intervals: 0.95, or more where a study's differences share the error."""


def finding_in(folder: Path) -> Finding:
    """The claim that a folder is about."""
    return msgspec.convert(tomllib.loads((folder / "finding.toml").read_text(encoding="utf-8")), Finding)


def folders(only: str | None = None) -> list[Path]:
    """All findings' folders, or one of them."""
    found = sorted(path.parent for path in FOLDER.glob("*/finding.toml"))
    chosen = [folder for folder in found if only is None or folder.name == only]
    if not chosen:
        raise SystemExit(f"there is no finding {only!r}; there are {', '.join(folder.name for folder in found)}")
    return chosen


def studies_of(finding: Finding) -> list[str]:
    """The names of a finding's studies, in the order in which they are spoken of."""
    return list(dict.fromkeys(expected.study for expected in finding.expects))


def outcome(expected: Expectation, evidence: dict[str, Any]) -> Outcome:
    """Whether what was expected came out, by the interval that holds for other seeds and other images."""
    pair = {expected.higher, expected.lower}
    found = [each for each in evidence["differences"] if {each["first"], each["second"]} == pair]
    if not found:
        raise SystemExit(
            f"study {expected.study}: {' and '.join(sorted(pair))} are not compared; one must be its first"
        )
    (difference,) = found
    sign = 1 if difference["first"] == expected.higher else -1
    seeds, both = (_turned(difference[key], sign) for key in ("seeds", "seeds_and_images"))
    mean = sign * difference["mean"]
    interval = difference["seeds_and_images"] or difference["seeds"]
    confidence = 0.0 if interval is None else interval["confidence"]
    verdict = "not seen at this scale"
    if difference["seen"]:
        verdict = "reproduced" if mean > 0 else "reversed"
    return Outcome(verdict, mean, seeds, both, confidence)


def _turned(interval: dict[str, Any] | None, sign: int) -> tuple[float, float] | None:
    if interval is None:
        return None
    low, high = sorted(sign * end for end in interval["interval"])
    return low, high


def trained(folder: Path) -> dict[str, Any]:
    """Train what is left of a finding's studies, draw their figures, and give what came out."""
    import eyeshot

    kept: dict[str, Any] = {"schema": SCHEMA, "machine": {}, "studies": {}}
    for name in studies_of(finding_in(folder)):
        print(f"{folder.name}: {name}", file=sys.stderr, flush=True)
        place = RUNS / folder.name / name
        comparison = eyeshot.study(folder / f"{name}.toml", run=place, on_progress=_told)
        study, evidence = comparison.study, comparison.evidence
        assert study is not None
        assert evidence is not None
        (folder / f"{name}.png").write_bytes(comparison.plot("evidence").content("png"))
        document = study.to_json()
        kept["studies"][name] = {
            "arms": [
                {**{key: arm[key] for key in ("label", "design", "params", "macs")}, "sees": sees}
                for arm, sees in zip(document["arms"], map(_sees, comparison.reports), strict=True)
            ],
            "terms": study.plan.terms(),
            "images": document["images"],
            "remarks": document["remarks"],
            "evidence": evidence.to_json(),
        }
        versions = study.records[0].versions
        kept["machine"] = {key: versions[key] for key in ("processor", "torch", "python")}
    return kept


def _told(progress: Any) -> None:
    print(f"\r{progress.label} · seed {progress.seed} · {100 * progress.spent:3.0f} %   ", end="", file=sys.stderr)


def _sees(report: Any) -> list[int] | None:
    """What the last convolution sees, in pixels."""
    from eyeshot.analyse.landmarks import last_convolution

    layer = last_convolution(report)
    return None if layer is None else list(layer.field.size)


def page(finding: Finding, kept: dict[str, Any], name: str) -> str:
    """The page of a finding, in Markdown."""
    machine = kept["machine"]
    lines = [
        f"# {finding.title}",
        "",
        f"*Written by `make findings ONLY={name}` from `evidence.json`.*",
        "",
        f"**Claim.** {finding.claim}",
        "",
        f"**Source.** {finding.source}",
        "",
        *_outcomes_table(finding, kept),
        "",
        WHAT_VERDICTS_SAY,
        "",
        f"**Pilot.** {finding.pilot}",
    ]
    for study in studies_of(finding):
        lines += ["", f"## {study}", "", *_study(study, kept["studies"][study])]
    lines += ["", f"Measured on {machine['processor']}, torch {machine['torch']}, Python {machine['python']}."]
    return "\n".join(lines) + "\n"


def _outcomes_table(finding: Finding, kept: dict[str, Any]) -> list[str]:
    rows = []
    for expected in finding.expects:
        found = outcome(expected, kept["studies"][expected.study]["evidence"])
        cells = (expected.says, f"`{expected.study}`", _points(found.mean), _ends(found.seeds), _ends(found.both))
        rows.append((*cells, _percent(found.confidence), f"**{found.verdict}**"))
    return _table(
        ("if it holds", "study", "points", "other seeds", "other seeds and images", "confidence", "verdict"), rows
    )


def _study(name: str, study: dict[str, Any]) -> list[str]:
    scores = {arm["label"]: arm for arm in study["evidence"]["arms"]}
    rows = []
    for arm in study["arms"]:
        scored = scores[arm["label"]]
        sees = "–" if arm["sees"] is None else "×".join(map(str, arm["sees"]))
        cost = f"{arm['params']:,}", f"{arm['macs']:,}"
        mean = f"{scored['mean']:.2f}"
        rows.append(
            (
                arm["label"],
                f"`{arm['design']}`",
                sees,
                *cost,
                mean,
                _of(scored, "seeds"),
                _of(scored, "seeds_and_images"),
            )
        )
    head = ("design", "as", "last conv sees", "params", "MACs", "score, %", "other seeds", "other seeds and images")
    return [
        f"{study['terms']} {study['images']}.",
        "",
        *_table(head, rows),
        "",
        *(f"- {remark}" for remark in study["remarks"]),
        *([""] if study["remarks"] else []),
        f"![each seed's score, means and intervals]({name}.png)",
        "",
        *(f"- {line}" for line in study["evidence"]["verdict"].splitlines()),
    ]


def _of(scored: dict[str, Any], key: str) -> str:
    return "–" if scored[key] is None else "{:.2f} … {:.2f}".format(*scored[key]["interval"])


def index(found: Sequence[tuple[str, Finding, dict[str, Any]]]) -> str:
    """The list of all findings, in Markdown."""
    rows = []
    for name, finding, kept in found:
        for expected in finding.expects:
            came = outcome(expected, kept["studies"][expected.study]["evidence"])
            link = f"[{finding.title}]({name}/README.md)"
            rows.append(
                (
                    link,
                    expected.says,
                    _points(came.mean),
                    _ends(came.both),
                    _percent(came.confidence),
                    f"**{came.verdict}**",
                )
            )
    return "\n".join(
        [
            "# Findings",
            "",
            "Published claims about the layout of convolutional networks, measured again at the scale of a laptop:"
            " small networks, all of Fashion-MNIST, paired seeds, one budget. Points are test accuracy, with the"
            " interval for other seeds and other images like these.",
            "",
            WHAT_VERDICTS_SAY,
            "",
            *_table(("finding", "if the claim holds", "points", "interval", "confidence", "verdict"), rows),
            "",
            "*Written by `make findings`, which trains what is not trained yet. `make findings ONLY=NAME` does one.*",
            "",
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return [f"| {line} |" for line in lines]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _points(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS)


def _ends(interval: tuple[float, float] | None) -> str:
    return "–" if interval is None else f"{_points(interval[0])} … {_points(interval[1])}"


def written(chosen: Sequence[Path]) -> None:
    """Write the pages of findings that have evidence, and the list of all."""
    for folder in chosen:
        if (folder / "evidence.json").exists():
            (folder / "README.md").write_text(page(*kept_in(folder)[1:], folder.name), encoding="utf-8")
    (FOLDER / "README.md").write_text(index(all_kept()), encoding="utf-8")


def all_kept() -> list[tuple[str, Finding, dict[str, Any]]]:
    """All findings that have evidence."""
    return [kept_in(folder) for folder in folders() if (folder / "evidence.json").exists()]


def kept_in(folder: Path) -> tuple[str, Finding, dict[str, Any]]:
    """A finding's name, its claim and its evidence."""
    kept = json.loads((folder / "evidence.json").read_text(encoding="utf-8"))
    return folder.name, finding_in(folder), kept


def main() -> None:
    """Train, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", help="one finding")
    parser.add_argument("--pages", action="store_true", help="train nothing")
    asked = parser.parse_args()
    chosen = folders(asked.only)
    for folder in [] if asked.pages else chosen:
        text = json.dumps(trained(folder), indent=1, ensure_ascii=False)
        (folder / "evidence.json").write_text(text + "\n", encoding="utf-8")
    written(chosen)


if __name__ == "__main__":
    main()
