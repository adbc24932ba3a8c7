"""The pages of published claims: claim, source, verdicts, tables and figures, all from the evidence that is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eyeshot.report.figures.evidence import Column, capitalised, panel
from eyeshot.report.figures.style import Drawing
from eyeshot.report.published import amount, confidence, ends
from eyeshot.report.wording import NONE, decimals, plain, signed
from eyeshot.studies.scores import Interval
from scripts.verdicts import Finding, Measured, measured_of, measures_of, outcomes, studies_of

MARKS = "<!-- findings -->", "<!-- /findings -->"
WHAT_VERDICTS_SAY = (
    "A claim is *reproduced* or *reversed* where the interval over other seeds and other images leaves 0 out, on one"
    " side or the other, or whatever number the claim names. The differences of one study share an error of 5 %"
    " (Bonferroni); those of several studies do not, nor do those of several measures, so one in twenty studies of"
    " designs that do not differ would say that they do. Where the interval is over other seeds alone, as that of a"
    " measure beside accuracy is, the verdict is one *on these images*."
)


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
            lines += ["", f"## {study}", "", *_study(study, kept["studies"][study], measures_of(finding, study))]
    return "\n".join(lines) + "\n"


def _outcomes_table(finding: Finding, kept: dict[str, Any]) -> list[str]:
    rows = []
    for found in outcomes(finding, kept):
        cells = found.says, f"`{found.study}`", amount(found), ends(found, found.seeds), ends(found, found.both)
        rows.append((*cells, confidence(found), f"**{found.verdict}**"))
    return _table(
        ("if it holds", "study", "measured", "other seeds", "other seeds and images", "confidence", "verdict"), rows
    )


def _study(name: str, study: dict[str, Any], claimed: Sequence[Measured]) -> list[str]:
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
        *(line for measure in (None, *claimed) for line in (_picture(name, measure), "")),
        *(f"- {line}" for line in study["evidence"]["verdict"].splitlines()),
        "",
        f"Measured on {machine['processor']}, torch {machine['torch']}, Python {machine['python']}.",
    ]


def _picture(study: str, measure: Measured | None) -> str:
    what = "score" if measure is None else " ".join(filter(None, measure))
    return f"![each seed's {what}, means and intervals]({figure_name(study, measure)})"


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


def figure_name(study: str, measure: Measured | None) -> str:
    """The file of a study's figure: of its scores, or of a measure."""
    return "-".join(filter(None, (study, *(measure or ())))) + ".png"


def figures(finding: Finding, kept: dict[str, Any]) -> dict[str, Drawing]:
    """A finding's figures by their files' names: for each study its scores, and whatever else is claimed of it."""
    drawn = {}
    for study, trained in kept["studies"].items():
        evidence = trained["evidence"]
        scores = [_column(arm, arm["scores"], what="test accuracy", unit="%") for arm in evidence["arms"]]
        drawn[figure_name(study, None)] = panel(scores, "What it scores")
        for measure in measures_of(finding, study):
            found = measured_of(*measure, evidence)
            assert found is not None
            shown, what = found["shown"], " ".join(filter(None, measure))
            columns = [
                _column(arm, arm["values"], what=what, **shown) for arm in found["arms"] if arm["mean"] is not None
            ]
            drawn[figure_name(study, measure)] = panel(columns, capitalised(what), found["says"])
    return {name: Drawing(rows=[[each]]) for name, each in drawn.items()}


def _column(
    arm: dict[str, Any], values: dict[str, float], *, what: str, unit: str, times: float = 1.0, digits: int = 2
) -> Column:
    def over(key: str) -> Interval | None:
        found = arm.get(key)
        if found is None:
            return None
        low, high = (times * end for end in found["interval"])
        return Interval(low=low, high=high, confidence=found["confidence"])

    return Column(
        label=arm["label"],
        values={int(seed): times * value for seed, value in values.items()},
        mean=times * arm["mean"],
        seeds=over("seeds"),
        seeds_and_images=over("seeds_and_images"),
        what=what,
        unit=unit,
        digits=digits,
    )
