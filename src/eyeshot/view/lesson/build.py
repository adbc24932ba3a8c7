"""The lesson's steps as one offline page: whole without scripts, which add a stage to try designs on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.design.published import published
from eyeshot.report.cone import cone
from eyeshot.report.cone_svg import cone_svg
from eyeshot.report.plates_svg import LEGEND, plates_svg
from eyeshot.report.published import SCALE
from eyeshot.report.quantities import quantities
from eyeshot.report.scores_svg import scores_svg
from eyeshot.report.uses_svg import uses_svg
from eyeshot.report.wording import short, times
from eyeshot.view.document import design
from eyeshot.view.export import assembled
from eyeshot.view.fallback import claims_table
from eyeshot.view.lesson.chapters import CHAPTERS
from eyeshot.view.lesson.passages import Chapter, Passage, Picture

SCHEMA = "eyeshot.lesson/1"
TITLE = "Why does AlexNet not pool after every convolution?"
_LEAD = (
    "CONV-POOL-CONV-POOL-CONV-CONV-CONV-POOL: that is AlexNet’s order. Would CONV-POOL all the way not be"
    " better? Four steps"
    " to an answer in numbers: what units see, what that costs, and what it scored when trained."
)
_COMMANDS = (
    ("what each layer sees and costs", "eyeshot show my_net.py:MyNet --input 3x224x224"),
    ("two designs side by side", "eyeshot compare alexnet alexnet-alternating"),
    ("trained, over five seeds", "eyeshot compare alexnet-28 alexnet-28-alternating --train --seeds 5"),
    ("your network as a page like this", "eyeshot report my_net.py:MyNet -o my_net.html"),
)


def lesson() -> str:
    """The lesson as HTML: one file, the same bytes every time."""
    told = [(chapter, chapter.reports()) for chapter in CHAPTERS]
    first = [0]
    for _, reports in told:
        first.append(first[-1] + len(reports))
    sections = "\n".join(
        _section(number, chapter, reports, start)
        for number, ((chapter, reports), start) in enumerate(zip(told, first[:-1], strict=True), start=1)
    )
    content = {
        "schema": SCHEMA,
        "designs": [
            design(report) | {"name": name}
            for chapter, reports in told
            for report, (_, name) in zip(reports, chapter.designs, strict=True)
        ],
    }
    article = f"{_opening()}\n{sections}\n{_closing()}"
    return assembled(content, article, f"{TITLE} · eyeshot", entry="lesson", template="lesson.html", extra="lesson.css")


@cache
def record() -> dict[str, Any]:
    """What was measured: scripts/lesson_evidence.py makes it."""
    measured = json.loads((files("eyeshot.view.lesson") / "evidence.json").read_text(encoding="utf-8"))
    return dict(measured)


def _opening() -> str:
    links = "".join(f'<li><a href="#{chapter.name}">{escape(chapter.title)}</a></li>' for chapter in CHAPTERS)
    return (
        f'<header class="opening"><h1>{TITLE}</h1><p>{_LEAD}</p><nav aria-label="Steps"><ol>{links}</ol></nav></header>'
    )


def _section(number: int, chapter: Chapter, reports: Sequence[Inspection], start: int) -> str:
    parts = [
        f'<h2 id="{chapter.name}-title"><span class="number-of">{number}</span> {escape(chapter.title)}</h2>',
        *(_passage(passage, chapter, reports) for passage in chapter.passages(list(reports))),
        _published(chapter),
        _slot(chapter, start, reports),
    ]
    return (
        f'<section id="{chapter.name}" class="step" aria-labelledby="{chapter.name}-title">{"".join(parts)}</section>'
    )


def _passage(passage: Passage, chapter: Chapter, reports: Sequence[Inspection]) -> str:
    """A paragraph, and beside it what belongs to it."""
    beside = [
        *(_picture(picture, chapter, reports) for picture in passage.pictures),
        _costs(chapter, passage.quantities, reports),
        *(_study(name, names) for name, names in passage.studies),
    ]
    words = f"<p>{escape(' '.join(passage.sentences))}</p>"
    return f'<div class="passage">{words}<div class="pictures">{"".join(beside)}</div></div>'


def _published(chapter: Chapter) -> str:
    """What others claim of it, and what came out when that was tried; opened by whoever wants it."""
    tables = claims_table([each for each in published() if each.name in chapter.published])
    about = escape(f"{chapter.title} Published claims")
    return (
        f"<details><summary>What others found, and what came out here</summary><p>{SCALE}</p>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{about}, scrollable">{tables}</div></details>'
    )


def _slot(chapter: Chapter, start: int, reports: Sequence[Inspection]) -> str:
    """Where the stage stands; without scripts it stays empty and unseen."""
    choices = [{"design": start + i, "name": name} for i, (_, name) in enumerate(chapter.designs)]
    return (
        f'<div class="slot" data-choices="{escape(json.dumps(choices, ensure_ascii=False))}" hidden>'
        f'<h3>Try it</h3><p class="exercise">{escape(chapter.exercise(list(reports)))}</p></div>'
    )


def _picture(picture: Picture, chapter: Chapter, reports: Sequence[Inspection]) -> str:
    """One design with its name, drawn."""
    if isinstance(picture.design, int):
        report, (notation, name) = reports[picture.design], chapter.designs[picture.design]
    else:
        report, notation, name = chapter.inspected(picture.design), picture.design, picture.name
    title = f"<b>{escape(name)}</b> <code>{escape(notation)}</code>, input {times(report.network.input.shape[1:])}"
    about = escape(f"{name}, {picture.kind}")
    if picture.kind == "plates":
        plates = "".join(plates_svg(report, units=picture.units))
        drawn = f'<div class="plates" role="group" aria-label="{about}">{plates}</div>'
    else:
        drawing = cone_svg(cone(report, units=picture.units)) if picture.kind == "cone" else uses_svg(report)
        drawn = _scrollable(drawing, about)
    # A cone has a strip for each unit, and none for both.
    legend = _legend(LEGEND if picture.kind == "plates" else LEGEND[:2]) if len(picture.units) == 2 else ""
    return f"<figure><figcaption>{title}</figcaption>{drawn}{legend}</figure>"


def _scrollable(drawing: str, about: str) -> str:
    """What keeps its size on narrow screens, so that its letters can be read, and is moved sideways there."""
    return f'<div class="drawing" tabindex="0" role="region" aria-label="{about}, scrollable">{drawing}</div>'


def _legend(colours: Sequence[tuple[str, str]]) -> str:
    """What the colours of two units stand for."""
    square = '<svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" fill="{}"/></svg>'
    entries = " ".join(f"{square.format(paint)} {name}" for name, paint in colours)
    return f'<p class="key">{entries}</p>'


def _costs(chapter: Chapter, keys: Sequence[str], reports: Sequence[Inspection]) -> str:
    """The quantities that the passage speaks of, designs across."""
    if not keys:
        return ""
    by_key = {quantity.key: quantity for quantity in quantities(reports)}
    head = "".join(f'<th scope="col" class="number">{escape(name)}</th>' for _, name in chapter.designs)
    rows = [
        f'<tr><th scope="row">{escape(by_key[key].name.strip())}</th>{_tds(by_key[key].texts)}</tr>'
        for key in keys
        if key in by_key
    ]
    label = escape(f"{chapter.title} What they see and cost")
    first = '<th scope="col"><span class="hidden">quantity</span></th>'
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table class="quantities">'
        f"<caption>What they see and cost</caption><thead><tr>{first}{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _tds(texts: Iterable[str]) -> str:
    return "".join(f'<td class="number">{escape(text)}</td>' for text in texts)


def _study(name: str, names: Sequence[str]) -> str:
    """The measured scores: picture, verdict, what was trained and how."""
    trained = record()["studies"][name]
    arms = [arm | {"label": told} for arm, told in zip(trained["evidence"]["arms"], names, strict=True)]
    what = [
        f"{told}: {arm['design']}, {short(arm['macs'])} MACs, {short(arm['params'])} params"
        for arm, told in zip(trained["arms"], names, strict=True)
    ]
    lines = "".join(f"<li>{escape(text)}</li>" for text in (*what, *trained["remarks"], _device()))
    drawn = _scrollable(scores_svg(arms), escape(f"Scores of {', '.join(names)}"))
    thin = ", thin ones over other images too" if any(arm["seeds_and_images"] for arm in arms) else ""
    return (
        '<figure class="measured"><figcaption>Measured: test accuracy; points are seeds, bars the mean and its 95 %'
        f" interval over other seeds{thin}</figcaption>{drawn}"
        f'<p class="verdict">{escape(_verdict(trained["evidence"], names))}</p>'
        "<details><summary>How it was"
        f" trained</summary><p><code>{escape(trained['command'])}</code></p><ul>{lines}</ul>"
        "</details></figure>"
    )


def _verdict(evidence: Mapping[str, Any], names: Sequence[str]) -> str:
    """The study's own verdict, its arms by the lesson's names."""
    text = " ".join(str(evidence["verdict"]).splitlines())
    labels = [arm["label"] for arm in evidence["arms"]]
    for label, name in sorted(zip(labels, names, strict=True), key=lambda pair: -len(pair[0])):
        text = text.replace(label, name)
    return text


def _device() -> str:
    device = record()["device"]
    versions = f"PyTorch {device['torch']}, Python {device['python']}"
    return f"on {device['processor']}, {device['threads']} thread a training, {versions}"


def _closing() -> str:
    rows = "".join(f"<dt>{escape(words)}</dt><dd><code>{escape(line)}</code></dd>" for words, line in _COMMANDS)
    return (
        '<section class="step" aria-labelledby="own-title"><h2 id="own-title">And your network?</h2>'
        "<p>Every picture and number on this page is printed or drawn by eyeshot, for your network as well.</p>"
        f'<dl class="commands">{rows}</dl></section>'
    )
