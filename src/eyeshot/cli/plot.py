"""`eyeshot plot`: figures for slides and papers, their data beside them."""

from __future__ import annotations

from pathlib import Path

import click

from eyeshot.analyse.inspection import Inspection
from eyeshot.api import effective
from eyeshot.cli.figures import Paper, paper_options, write_figure
from eyeshot.cli.options import (
    Position,
    check_figure,
    end_bounded,
    input_option,
    inspected,
)
from eyeshot.errors import UsageError
from eyeshot.report.effective import EffectiveField
from eyeshot.report.figures.growth import curve
from eyeshot.report.figures.kinds import KINDS, Designs, check_count, figure
from eyeshot.report.figures.style import Drawing, Panel
from eyeshot.report.wording import listed

_STUDY_KIND = "evidence"
_USE_KINDS = {
    "map": "which pixels does a unit use, of those that it sees?",
    "profile": "how much does it use along an axis, against its field?",
    "ratio": "how much of what it sees does each layer use?",
}
QUESTIONS = {
    **{kind: KINDS[kind].question for kind in KINDS},
    **_USE_KINDS,
    _STUDY_KIND: "what did training find? MODEL is the folder of a study",
}
_OF_UNITS = ("cone", "map", "profile")
"""Kinds that are taken from units of one layer."""
_MOST_LAYERS = 24
"""Layers of a net that a ratio samples."""
_LIST = "\n".join(f"  {kind:<9} {question}" for kind, question in QUESTIONS.items())
_HELP = f"""Draw a figure of one MODEL or several, and write its data beside it.

\b
KIND is one of
{_LIST}

\b
Examples:
  eyeshot plot alexnet cone -o cone.svg
  eyeshot plot "C3-8 C3-8 C3-8" cone --input 1x15x15 --at 7,7 --at 7,8 -o two.png
  eyeshot plot alexnet alexnet-alternating growth -o growth.pdf --width 3.3in --no-title
  eyeshot plot resnet18 map --layer layer3.1.conv2 -o map.png
  eyeshot plot runs/3f2a91c07d54 evidence -o scores.png

What a unit uses is taken from its path density; eyeshot effective measures it and draws what it found.
"""


@click.command(help=_HELP, short_help="a figure of it, and its data")
@click.argument("models", nargs=-1, required=True, metavar="MODEL... KIND")
@click.option("--layer", metavar="NAME", help="Of a cone's, map's or profile's units. [default: the last convolution]")
@click.option("--at", "units", type=Position(), multiple=True, metavar="y,x",
              help="Their position, counted from 0; up to four for a cone. [default: the middle one]")  # fmt: skip
@click.option("--axis", type=click.IntRange(0, 2), metavar="N",
              help="A cone's or profile's axis. [default: the last, columns]")  # fmt: skip
@input_option
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.png|svg|pdf",
              help="Where the figure goes; beside it its data as .csv, its caption as .txt.")  # fmt: skip
@paper_options
@click.option("--force", is_flag=True, help="Let -o replace files.")
def plot(
    models: tuple[str, ...],
    layer: str | None,
    units: tuple[tuple[int, ...], ...],
    axis: int | None,
    input_shape: tuple[int, ...] | None,
    output: Path | None,
    force: bool,
    paper: Paper,
) -> None:
    """Draw one figure; the help is written from the kinds there are."""
    *designs, kind = models
    if kind not in QUESTIONS:
        raise UsageError(_unknown(kind))
    if not designs:
        raise UsageError(f"plot needs a model before the kind, such as: eyeshot plot alexnet {kind} -o {kind}.svg")
    if output is None:
        raise UsageError(f"plot writes a file: give -o {kind}.svg, .png or .pdf")
    if kind not in _OF_UNITS and (layer is not None or units or axis is not None):
        raise UsageError(f"--layer, --at and --axis say where {listed(_OF_UNITS, 'or')} are taken; a {kind} has none")
    check_figure(output, force=force)
    if kind == _STUDY_KIND:
        _write(output, _evidence(designs), paper)
        return
    if kind in KINDS:
        check_count(kind, len(designs))
    elif (kind == "map" and len(designs) > 1) or len(units) > 1:
        what = f"{len(designs)} designs" if len(units) < 2 else f"{len(units)} units"
        raise UsageError(f"{kind} takes one design and one unit, found {what}")
    reports = [inspected(model, input_shape, is_named=len(designs) > 1) for model in designs]
    chosen = Designs(reports=reports, layer=layer, units=units, axis=axis)
    drawn = figure(kind, chosen) if kind in KINDS else Drawing(rows=[[_use_panel(kind, chosen)]])
    _write(output, drawn, paper)
    _end(chosen)


def _unknown(kind: str) -> str:
    import difflib

    near = difflib.get_close_matches(kind, QUESTIONS, 1, 0.6)
    hint = f"did you mean {near[0]!r}?" if near else "the kind comes last, after the models."
    return f"no kind of figure is called {kind!r}; {hint} Kinds are {', '.join(QUESTIONS)}"


def _use_panel(kind: str, chosen: Designs) -> Panel:
    """A panel of what units use, by their path density."""
    from eyeshot.report.figures.effective import map_panel, profile_panel, ratio_panel

    if kind == "ratio":
        return ratio_panel([_by_depth(report) for report in chosen.reports], chosen.labels)
    unit = chosen.units[0] if chosen.units else "centre"
    results = [effective(report.network, chosen.layer, unit=unit) for report in chosen.reports]
    if kind == "map":
        return map_panel(results[0])
    axis = results[0].map.ndim - 1 if chosen.axis is None else chosen.axis
    if axis >= results[0].map.ndim:
        raise UsageError(f"--axis {axis}: the image has {results[0].map.ndim} axes, counted from 0")
    return profile_panel(results, chosen.labels, axis=axis, title="What it sees and uses")


def _by_depth(report: Inspection) -> list[EffectiveField]:
    """What the middle unit uses, of layers at even distances down to the last at which units differ."""
    layers = curve(report)
    step = -(-len(layers) // _MOST_LAYERS)
    return [effective(report.network, layer.name) for layer in layers[::-step][::-1]]


def _evidence(directories: list[str]) -> Drawing:
    """The figure of a study's scores."""
    from eyeshot.cli.terminal import warn
    from eyeshot.report.evidence import evidence
    from eyeshot.report.figures import evidence as figures
    from eyeshot.studies.kept import kept

    if len(directories) > 1:
        raise UsageError(f"evidence takes the folder of one study, found {len(directories)}")
    _, records = kept(Path(directories[0]), warn)
    return Drawing(rows=[[figures.evidence(evidence(records).arms)]])


def _write(output: Path, drawing: Drawing, paper: Paper) -> None:
    from eyeshot.cli.terminal import echo

    write_figure(output, drawing, paper)
    echo(str(output))


def _end(chosen: Designs) -> None:
    """End with the exit code for bounds where some field is only one."""
    import sys

    from eyeshot.cli.terminal import Terminal

    names = [layer.name for report in chosen.reports for layer in report if not layer.field.is_exact]
    if names:
        end_bounded(Terminal(sys.stderr), names)
