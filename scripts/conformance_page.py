"""The pages that `conformance.py` writes: how many models are exact, and why the others are not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from scripts.sweep import Outcome

VERDICTS = ("exact", "bound", "failed", "unfit", "not built")
_HEAD = {
    False: "Written by `make conformance`: models of torchvision and timm, without weights, at their own input sizes.",
    True: "Written by `make conformance-packages`: other packages' models, built without weights, most of them small.",
}
_WORDS = """\
Exact: every op has a rule. Bound: some op reads positions that depend on the data, or has no rule, or the forward pass
goes on by numbers that a model without weights has not; what is behind that is a bound from above, or missing. Failed:
the model runs and is not read. Unfit: PyTorch itself does not run it as it is built here. Mismatch: hulls of
convolutions and pools part from NaN put into the model and looked for in its layers. Against a law: some law of
`tests/laws` does not hold of it. Unfinished: time ran out before all was tried."""


def written(outcomes: Sequence[Outcome], of_packages: bool, versions: str, there_are: int) -> str:
    """The page of these models, of so many as ``there_are``."""
    lines = [
        "# Conformance of other packages" if of_packages else "# Conformance",
        "",
        _HEAD[of_packages],
        versions + ".",
    ]
    if len(outcomes) < there_are:
        lines[3:3] = [f"Swept so far: {len(outcomes):,} of {there_are:,} models, one name a family first."]
    lines += ["", *_table(outcomes), "", *_WORDS.splitlines(), ""]
    lines += _kinds("Bounds", [each for each in outcomes if each.verdict == "bound"])
    lines += _kinds("Failures", [each for each in outcomes if each.verdict in ("failed", "unfit", "not built")])
    lines += _broken(outcomes)
    unfinished = [f"{each.package}:{each.name} ({each.unfinished})" for each in outcomes if each.unfinished]
    lines += ["## Unfinished", "", *(f"- {text}" for text in unfinished), ""] if unfinished else []
    return "\n".join(lines)


def _table(outcomes: Sequence[Outcome]) -> list[str]:
    heads = ("package", "models", *VERDICTS, "mismatch", "against a law", "unfinished", "held against NaN")
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---|" * (len(heads) - 1)]
    for package in dict.fromkeys(each.package for each in outcomes):
        of = [each for each in outcomes if each.package == package]
        counts = Counter(each.verdict for each in of)
        mismatches = sum(any(is_mismatch(text) for text in each.violations) for each in of)
        against = sum(any(not is_mismatch(text) for text in each.violations) for each in of)
        tried = sum(each.truth[:1].isdigit() for each in of)
        cells = (package, len(of), *(counts[verdict] for verdict in VERDICTS), mismatches, against)
        lines.append(f"| {' | '.join(map(str, (*cells, sum(bool(each.unfinished) for each in of), tried)))} |")
    return lines


def is_mismatch(violation: str) -> bool:
    """Whether the model itself says otherwise than its hulls."""
    return violation.startswith("truth: ")


def _kinds(title: str, outcomes: Sequence[Outcome]) -> list[str]:
    """Reasons, most frequent first, with the models that they are of."""
    kinds: dict[str, list[str]] = {}
    for each in outcomes:
        for reason in each.reason.split("; "):
            kinds.setdefault(_kind(reason), []).append(f"{each.package}:{each.name}")
    return _listed(title, "reason", kinds)


def _broken(outcomes: Sequence[Outcome]) -> list[str]:
    kinds: dict[str, list[str]] = {}
    for each in outcomes:
        for law in dict.fromkeys(text.partition(": ")[0] for text in each.violations):
            first = next(text for text in each.violations if text.startswith(law))
            kinds.setdefault(law.replace("_", " "), []).append(f"{each.package}:{each.name} ({first[len(law) + 2 :]})")
    return _listed("Against a law", "law", kinds, most=1)


def _kind(reason: str) -> str:
    """A reason without the sizes and places of one model."""
    text = re.sub(r" on an input of [\d× and]+", "", reason.removeprefix("reading stopped: "))
    return re.sub(r"\bin [\w.]+ \(\w+\)(, which got [\d× and]+)?: |\bin forward: ", "", text)[:160]


def _listed(title: str, heading: str, kinds: dict[str, list[str]], most: int = 6) -> list[str]:
    if not kinds:
        return []
    lines = [f"## {title}", "", f"| {heading} | models | which |", "|---|---|---|"]
    for kind, names in sorted(kinds.items(), key=lambda entry: -len(entry[1])):
        names = list(dict.fromkeys(names))
        more = f" and {len(names) - most} more" if len(names) > most else ""
        lines.append(f"| {_plain(kind)} | {len(names)} | {_plain(', '.join(names[:most]))[:400]}{more} |")
    return [*lines, ""]


def _plain(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
