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
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from eyeshot.design.published import FILE, Ends, Outcome, Published, Verdict, encoded
from eyeshot.report.published import amount, confidence, ends
from eyeshot.report.wording import NONE, decimals, plain, signed

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "findings"
RUNS = ROOT / "runs" / "findings"
GUIDE = ROOT / "docs" / "training.md"
PACKED = ROOT / "src" / "eyeshot" / "design" / FILE
MARKS = "<!-- findings -->", "<!-- /findings -->"
SCHEMA = "eyeshot.finding/1"
UNSEEN: Verdict = "not seen at this scale"
_ON_THESE: dict[Verdict, Verdict] = {
    "reproduced": "reproduced on these images",
    "reversed": "reversed on these images",
}
ACCURACY, NOISE = "accuracy", "noise"
WHAT_VERDICTS_SAY = (
    "A claim is *reproduced* or *reversed* where the interval over other seeds and other images leaves 0 out, on one"
    " side or the other, or whatever number the claim names. The differences of one study share an error of 5 %"
    " (Bonferroni); those of several studies do not, nor do those of several measures, so one in twenty studies of"
    " designs that do not differ would say that they do. Where the interval is over other seeds alone, as that of a"
    " measure beside accuracy is, the verdict is one *on these images*."
)


class Expectation(msgspec.Struct, forbid_unknown_fields=True):
    """What comes out of a study if the claim holds: one arm has more of a measure than another."""

    study: str
    says: str
    higher: str
    lower: str
    measure: str = ACCURACY
    part: str | None = None
    """Such as a layer, of a measure that has several."""
    allowance: float = 0.0
    """Points by which ``higher`` may be the lower one; for claims that something does no harm."""


class Amount(msgspec.Struct, forbid_unknown_fields=True):
    """What comes out of a study if the claim holds: one arm has more of a measure than a number, or less."""

    study: str
    says: str
    arm: str
    measure: str
    """NOISE: how much of the variance between its seeds is the test set's."""
    part: str | None = None
    more_than: float | None = None
    less_than: float | None = None

    def __post_init__(self) -> None:
        if (self.more_than is None) is (self.less_than is None):
            raise ValueError("needed is more_than or less_than")


class Finding(msgspec.Struct, forbid_unknown_fields=True):
    """A published claim, and the studies that try it."""

    title: str
    claim: str
    source: str
    pilot: str
    """How seeds and budget were chosen."""
    expects: list[Expectation] = []
    amounts: list[Amount] = []

    @property
    def expected(self) -> list[Expectation | Amount]:
        """All that is to come out."""
        return [*self.expects, *self.amounts]


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
    return list(dict.fromkeys(expected.study for expected in finding.expected))


def outcomes(finding: Finding, kept: dict[str, Any]) -> list[Outcome]:
    """What came out of all that is trained."""
    studies = kept["studies"]
    return [outcome(each, studies[each.study]["evidence"]) for each in finding.expected if each.study in studies]


def outcome(expected: Expectation | Amount, evidence: dict[str, Any]) -> Outcome:
    """Whether what was expected came out, by the interval that holds for other seeds and other images."""
    if isinstance(expected, Expectation):
        return _difference(expected, evidence)
    return _share(expected, evidence) if expected.measure == NOISE else _amount(expected, evidence)


def _share(expected: Amount, evidence: dict[str, Any]) -> Outcome:
    found = [each["noise"] for each in evidence["arms"] if each["label"] == expected.arm]
    if not found or found[0] is None:
        raise SystemExit(f"study {expected.study}: nothing is known of the spread of {expected.arm}")
    (noise,) = found
    low, high = noise["interval"]["interval"]
    verdict = _verdict_on(expected, (low, high))
    # Of images there are so many that the mean squares hardly vary with them: the seeds' interval is both.
    return _found(expected, verdict, noise["share"], (low, high), (low, high), noise["interval"]["confidence"], "%")


def _amount(expected: Amount, evidence: dict[str, Any]) -> Outcome:
    measured = _measured_of(expected.measure, expected.part, evidence)
    found = [] if measured is None else [each for each in measured["arms"] if each["label"] == expected.arm]
    if measured is None or not found or found[0]["mean"] is None:
        raise SystemExit(f"study {expected.study}: {_named(expected)} of {expected.arm} is not measured")
    (arm,), shown = found, measured["shown"]
    seeds = _turned(arm["seeds"], shown["times"])
    if len(values := set(arm["values"].values())) == 1 and len(arm["values"]) > 1:
        # every seed gives the same, such as exactly none: there is no spread to allow for
        seeds = (shown["times"] * min(values),) * 2
    verdict = _here(_verdict_on(expected, seeds))
    confidence = 0.0 if arm["seeds"] is None else arm["seeds"]["confidence"]
    return _found(expected, verdict, shown["times"] * arm["mean"], seeds, None, confidence, shown["unit"])


def _found(
    expected: Expectation | Amount,
    verdict: Verdict,
    mean: float,
    seeds: Ends | None,
    both: Ends | None,
    confidence: float,
    unit: str,
) -> Outcome:
    if isinstance(expected, Expectation):
        arms: tuple[str, ...] = (expected.higher, expected.lower)
        limit = -expected.allowance
    else:
        arms = (expected.arm,)
        limit = expected.less_than if expected.less_than is not None else expected.more_than or 0.0
    return Outcome(
        study=expected.study,
        says=expected.says,
        arms=arms,
        measure=_named(expected),
        verdict=verdict,
        mean=mean,
        unit=unit,
        seeds=seeds,
        both=both,
        confidence=confidence,
        limit=limit + 0.0,
    )


def _verdict_on(expected: Amount, interval: Ends | None) -> Verdict:
    if expected.less_than is not None:
        turned = None if interval is None else (-interval[1], -interval[0])
        return _verdict(turned, -expected.less_than)
    assert expected.more_than is not None
    return _verdict(interval, expected.more_than)


def _measured_of(name: str, part: str | None, evidence: dict[str, Any]) -> dict[str, Any] | None:
    found = [each for each in evidence.get("measures", ()) if (each["name"], each.get("part")) == (name, part)]
    return found[0] if found else None


def _named(expected: Expectation | Amount) -> str:
    return " ".join(filter(None, (expected.measure, expected.part)))


def _here(verdict: Verdict) -> Verdict:
    """A verdict from an interval over seeds alone."""
    return _ON_THESE.get(verdict, verdict)


def _difference(expected: Expectation, evidence: dict[str, Any]) -> Outcome:
    pair = {expected.higher, expected.lower}
    source = evidence if expected.measure == ACCURACY else _measured_of(expected.measure, expected.part, evidence)
    shown = (source or {}).get("shown", {"times": 1.0, "unit": "%"})
    found = [each for each in (source or {}).get("differences", ()) if {each["first"], each["second"]} == pair]
    if not found:
        raise SystemExit(
            f"study {expected.study}: {' and '.join(sorted(pair))} are not compared in {_named(expected)}; one must be"
            " its first"
        )
    (difference,) = found
    sign = shown["times"] * (1 if difference["first"] == expected.higher else -1)
    over_both = difference.get("seeds_and_images")
    seeds, both = (_turned(each, sign) for each in (difference["seeds"], over_both))
    interval = over_both or difference["seeds"]
    confidence = 0.0 if interval is None else interval["confidence"]
    verdict = _verdict(both or seeds, -expected.allowance)
    if both is None:
        verdict = _here(verdict)
    unit = "points" if shown["unit"] == "%" else shown["unit"]
    return _found(expected, verdict, sign * difference["mean"] + 0.0, seeds, both, confidence, unit)


def _verdict(interval: Ends | None, at: float) -> Verdict:
    """What an interval says of a claim that the number is more than ``at``."""
    if interval is None or interval[0] <= at <= interval[1]:
        return UNSEEN
    return "reproduced" if interval[0] > at else "reversed"


def _turned(interval: dict[str, Any] | None, sign: float) -> Ends | None:
    if interval is None:
        return None
    low, high = sorted(sign * end for end in interval["interval"])
    return low, high


def trained(folder: Path, study: str | None = None, jobs: int | None = None) -> dict[str, Any]:
    """Train what is left of a finding's studies, or of one, draw their figures, and give what came out."""
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
        (folder / f"{name}.png").write_bytes(comparison.plot("evidence").content("png"))
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


def page(finding: Finding, kept: dict[str, Any], name: str) -> str:
    """The page of a finding, in Markdown."""
    untrained = [study for study in studies_of(finding) if study not in kept["studies"]]
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
        if study in untrained:
            lines += ["", f"## {study}", "", f"Not trained yet: `make findings ONLY={name}/{study}`."]
        else:
            lines += ["", f"## {study}", "", *_study(study, kept["studies"][study])]
    return "\n".join(lines) + "\n"


def _outcomes_table(finding: Finding, kept: dict[str, Any]) -> list[str]:
    rows = []
    for found in outcomes(finding, kept):
        cells = found.says, f"`{found.study}`", amount(found), ends(found, found.seeds), ends(found, found.both)
        rows.append((*cells, confidence(found), f"**{found.verdict}**"))
    return _table(
        ("if it holds", "study", "measured", "other seeds", "other seeds and images", "confidence", "verdict"), rows
    )


def _study(name: str, study: dict[str, Any]) -> list[str]:
    scores, machine = {arm["label"]: arm for arm in study["evidence"]["arms"]}, study["machine"]
    rows = []
    for arm in study["arms"]:
        scored = scores[arm["label"]]
        sees = NONE if arm["sees"] is None else "×".join(map(str, arm["sees"]))
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
        *(line for measured in study["evidence"].get("measures", ()) for line in _measured(measured)),
        "",
        *(f"- {remark}" for remark in study["remarks"]),
        *([""] if study["remarks"] else []),
        f"![each seed's score, means and intervals]({name}.png)",
        "",
        *(f"- {line}" for line in study["evidence"]["verdict"].splitlines()),
        "",
        f"Measured on {machine['processor']}, torch {machine['torch']}, Python {machine['python']}.",
    ]


def _measured(measured: dict[str, Any]) -> list[str]:
    """The table of a measure, after an empty line."""
    shown = measured["shown"]

    def cells(of: dict[str, Any], number: Callable[[float, int], str]) -> tuple[str, str]:
        times, mean = shown["times"], of["mean"]
        if mean is None:
            return NONE, NONE
        digits = decimals(times * mean, shown["digits"])
        interval = of["seeds"]["interval"] if of["seeds"] else []
        return number(times * mean, digits), " … ".join(number(times * end, digits) for end in interval) or NONE

    apart = {each["second"]: each for each in measured["differences"]}
    rows = []
    for arm in measured["arms"]:
        pair = apart.get(arm["label"])
        rows.append((arm["label"], *cells(arm, plain), *(("", "") if pair is None else cells(pair, signed))))
    first = measured["arms"][0]["label"]
    what = " ".join(filter(None, (measured["name"], measured.get("part"))))
    head = "design", f"{what}, {shown['unit']}", "other seeds", f"{first} minus it", "other seeds"
    return ["", f"{what}: {measured['says']}.", "", *_table(head, rows)]


def _of(scored: dict[str, Any], key: str) -> str:
    return NONE if scored[key] is None else "{:.2f} … {:.2f}".format(*scored[key]["interval"])


def index(found: Sequence[tuple[str, Finding, dict[str, Any]]]) -> str:
    """The list of all findings, in Markdown."""
    rows = []
    for name, finding, kept in found:
        for came in outcomes(finding, kept):
            link = f"[{finding.title}]({name}/README.md)"
            cells = link, came.says, amount(came), ends(came, came.interval), confidence(came)
            rows.append((*cells, f"**{came.verdict}**"))
    return "\n".join(
        [
            "# Findings",
            "",
            "Published claims about convolutional networks, measured again at the scale of a laptop: small networks,"
            " Fashion-MNIST with its 10,000 test images or the embedded sample with 2,000, paired seeds, one budget."
            " Points are of test accuracy unless the claim is of something else, with the interval for other seeds and"
            " other images like these.",
            "",
            WHAT_VERDICTS_SAY,
            "",
            *_table(("finding", "if the claim holds", "measured", "interval", "confidence", "verdict"), rows),
            "",
            "*Written by `make findings`, which trains what is not trained yet. `make findings ONLY=NAME` does one.*",
            "",
        ]
    )


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


def told(guide: str, found: Sequence[tuple[str, Finding, dict[str, Any]]]) -> str:
    """The guide, with a table of claims and verdicts between its marks."""
    before, _, after = guide.partition(MARKS[0])
    rows = []
    for name, finding, kept in found:
        for number, came in enumerate(outcomes(finding, kept)):
            link = "" if number else f"[{finding.title}](../findings/{name}/README.md)"
            rows.append((link, came.says, came.verdict))
    lines = _table(("finding", "if the claim holds", "verdict"), rows)
    return before + "\n".join([MARKS[0], "", *lines, "", MARKS[1]]) + after.partition(MARKS[1])[2]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return [f"| {line} |" for line in lines]


def written(chosen: Sequence[Path]) -> None:
    """Write the pages of findings that have evidence, and the list of all."""
    for folder in chosen:
        if (folder / "evidence.json").exists():
            (folder / "README.md").write_text(page(*kept_in(folder)[1:], folder.name), encoding="utf-8")
    PACKED.write_bytes(packed(all_kept()))
    (FOLDER / "README.md").write_text(index(all_kept()), encoding="utf-8")
    GUIDE.write_text(told(GUIDE.read_text(encoding="utf-8"), all_kept()), encoding="utf-8")


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
