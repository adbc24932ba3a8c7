"""Published claims and what came out of their studies: finding.toml and evidence.json of each folder of findings/."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from eyeshot.design.published import Ends, Outcome, Verdict

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "findings"
UNSEEN: Verdict = "not seen at this scale"
_ON_THESE: dict[Verdict, Verdict] = {
    "reproduced": "reproduced on these images",
    "reversed": "reversed on these images",
}
ACCURACY, NOISE = "accuracy", "noise"


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


def all_kept() -> list[tuple[str, Finding, dict[str, Any]]]:
    """All findings that have evidence."""
    return [kept_in(folder) for folder in folders() if (folder / "evidence.json").exists()]


def kept_in(folder: Path) -> tuple[str, Finding, dict[str, Any]]:
    """A finding's name, its claim and its evidence."""
    kept = json.loads((folder / "evidence.json").read_text(encoding="utf-8"))
    return folder.name, finding_in(folder), kept


def studies_of(finding: Finding) -> list[str]:
    """The names of a finding's studies, in the order in which they are spoken of."""
    return list(dict.fromkeys(expected.study for expected in finding.expected))


Measured = tuple[str, str | None]
"""A measure's name, and that of a part of it."""


def measures_of(finding: Finding, study: str) -> list[Measured]:
    """What is claimed of a study beside accuracy, in the order in which it is spoken of."""
    found = [(each.measure, each.part) for each in finding.expected if each.study == study]
    return [each for each in dict.fromkeys(found) if each[0] not in (ACCURACY, NOISE)]


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
    measured = measured_of(expected.measure, expected.part, evidence)
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


def measured_of(name: str, part: str | None, evidence: dict[str, Any]) -> dict[str, Any] | None:
    """What evidence says of a measure, or of a part of it; None where it was not taken."""
    found = [each for each in evidence.get("measures", ()) if (each["name"], each.get("part")) == (name, part)]
    return found[0] if found else None


def _named(expected: Expectation | Amount) -> str:
    return " ".join(filter(None, (expected.measure, expected.part)))


def _here(verdict: Verdict) -> Verdict:
    """A verdict from an interval over seeds alone."""
    return _ON_THESE.get(verdict, verdict)


def _difference(expected: Expectation, evidence: dict[str, Any]) -> Outcome:
    pair = {expected.higher, expected.lower}
    source = evidence if expected.measure == ACCURACY else measured_of(expected.measure, expected.part, evidence)
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
