"""`eyeshot plot`: figures for slides and papers, their data beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from eyeshot.analyse.inspection import Inspection
from eyeshot.api import effective
from eyeshot.cli.figures import Paper, paper_options, write_figure
from eyeshot.cli.measuring import designs_and_layers, measure_options, measured_fields, source_asked
from eyeshot.cli.options import (
    Position,
    check_figure,
    end_bounded,
    input_option,
    inspected,
    known_layers,
    known_models,
    tile_sizes,
)
from eyeshot.errors import UsageError
from eyeshot.report.effective import EffectiveField
from eyeshot.report.figures.growth import curve
from eyeshot.report.figures.kinds import KINDS, Designs, check_count, figure
from eyeshot.report.figures.studied import QUESTIONS as STUDIED
from eyeshot.report.figures.studied import study_figure
from eyeshot.report.figures.style import Drawing, Panel
from eyeshot.report.wording import listed

_USE_KINDS = {
    "map": "which pixels does a unit use, of those that it sees?",
    "profile": "how much does it use along an axis, against its field?",
    "ratio": "how much of what it sees does each layer use?",
}
_TILE_KINDS = {
    "tiles": "how is the image cut into tiles, and what does one read?",
    "halo": "what error does a smaller halo leave, and what work?",
}
QUESTIONS = {
    **{kind: KINDS[kind].question for kind in KINDS},
    **_USE_KINDS,
    **_TILE_KINDS,
    **STUDIED,
}
_OF_UNITS = ("cone", "map", "profile")
"""Kinds that are taken from units of one layer."""
_MEASURED = ("map", "profile")
"""Kinds of what a unit uses by any source."""
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
  eyeshot plot "C3-64 C3-64 C3-64" C7-64 profile --input 3x32x32 --source init -o use.svg
  eyeshot plot alexnet tiles --input 3x2048x2048 --layer conv5 --tile 512 -o tiles.png
  eyeshot plot runs/3f2a91c07d54 evidence -o scores.png

What a unit uses is taken from its path density, or measured as --source says; eyeshot effective prints it.
"""


@click.command(help=_HELP, short_help="a figure of it, and its data")
@click.argument("models", shell_complete=known_models, nargs=-1, required=True, metavar="MODEL... KIND")
@click.option(
    "--layer",
    shell_complete=known_layers,
    metavar="NAME",
    help="Of a cone's, map's or profile's units. [default: the last convolution]",
)
@click.option("--at", "units", type=Position(), multiple=True, metavar="y,x",
              help="Their position, counted from 0; up to four for a cone. [default: the middle one]")  # fmt: skip
@click.option("--axis", type=click.IntRange(0, 2), metavar="N",
              help="A cone's or profile's axis. [default: the last, columns]")  # fmt: skip
@click.option("--tile", "tile", callback=tile_sizes, metavar="HxW", help="Of tiles and halo: a tile's size.")
@input_option
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.png|svg|pdf",
              help="Where the figure goes; beside it its data as .csv, its caption as .txt.")  # fmt: skip
@measure_options
@paper_options
@click.option("--force", is_flag=True, help="Let -o replace files.")
def plot(
    models: tuple[str, ...],
    layer: str | None,
    units: tuple[tuple[int, ...], ...],
    axis: int | None,
    tile: Any,
    input_shape: tuple[int, ...] | None,
    output: Path | None,
    force: bool,
    paper: Paper,
    source: str | None,
    **options: Any,
) -> None:
    """Draw one figure; the help is written from the kinds there are."""
    *designs, kind = models
    if kind not in QUESTIONS:
        raise UsageError(_unknown(kind))
    if not designs:
        raise UsageError(f"plot needs a model before the kind, such as: eyeshot plot alexnet {kind} -o {kind}.svg")
    if output is None:
        raise UsageError(f"plot writes a file: give -o {kind}.svg, .png or .pdf")
    if kind not in _OF_UNITS and ((layer is not None and kind not in _TILE_KINDS) or units or axis is not None):
        raise UsageError(f"--layer, --at and --axis say where {listed(_OF_UNITS, 'or')} are taken; a {kind} has none")
    measured = {name: value for name, value in options.items() if value is not None}
    if kind not in _MEASURED and (measured or source not in (None, "density")):
        raise UsageError(f"--source and what belongs to it are for {listed(_MEASURED, 'and')}; a {kind} has no source")
    source = source_asked(source, measured, False)
    if tile is not None and kind not in _TILE_KINDS:
        raise UsageError(f"--tile: only with {listed(list(_TILE_KINDS), 'or')}")
    check_figure(output, force=force)
    if kind in _TILE_KINDS:
        if len(designs) > 1:
            raise UsageError(f"{kind} takes one design, found {len(designs)}")
        _write(output, _tile_drawing(kind, designs[0], input_shape, layer, tile), paper)
        return
    if kind in STUDIED:
        _write(output, _of_study(kind, designs), paper)
        return
    if kind == "cone" and len(designs) == 2 and layer is None:
        ((design, layer), *others) = designs_and_layers(designs, [], input_shape)
        designs = designs if others else [design]
    if kind in KINDS:
        check_count(kind, len(designs))
    elif len(units) > 1:
        raise UsageError(f"{kind} takes one unit, found {len(units)}")
    if kind in _MEASURED:
        asked = designs_and_layers(designs, [] if layer is None else [layer], input_shape)
        unit = units[0] if units else "centre"
        results = measured_fields(asked, source=source, unit=unit, input_shape=input_shape, **measured)
        _write(output, _of_use(kind, results, axis), paper)
        if bounded := [result.layer for result in results if not result.is_exact]:
            _end(bounded)
        return
    reports = [inspected(model, input_shape, is_named=len(designs) > 1) for model in designs]
    chosen = Designs(reports=reports, layer=layer, units=units, axis=axis)
    ratio = () if kind in KINDS else [_by_depth(report) for report in reports]
    drawn = figure(kind, chosen) if kind in KINDS else Drawing(rows=[[_ratio(ratio, chosen.labels)]])
    _write(output, drawn, paper)
    if not all(report.is_exact for report in reports):
        _end([layer.name for report in reports for layer in report if not layer.field.is_exact])


_TOGETHER = (7.5, 6.2)
_MOST_HALOS = 12


def _tile_drawing(kind: str, model: str, input_shape: Any, layer: str | None, tile: Any) -> Drawing:
    """The tiles on the image, or error and work against the halo."""
    from eyeshot.cli.options import users_code
    from eyeshot.report.figures.style import shortened
    from eyeshot.report.figures.tiles import error_panel, tiles_panel, work_panel
    from eyeshot.tile.family import Family
    from eyeshot.tile.plan import planned
    from eyeshot.tile.probe import probe
    from eyeshot.tile.tolerance import curve

    with users_code(model):
        looked = probe(Family(model, input_shape), layer)
        plan = planned(looked, tile=tile)
        name = shortened(plan.network.name, 36)
        if kind == "tiles":
            return Drawing(rows=[[tiles_panel(plan, name)]])
        steps = curve(looked, plan.tile, most=_MOST_HALOS)
    return Drawing(rows=[[error_panel(steps, name)], [work_panel(steps, name, plan.tile)]], size=_TOGETHER)


def _unknown(kind: str) -> str:
    from eyeshot.nearest import nearest

    near = nearest(kind, QUESTIONS, 1)
    hint = f"did you mean {near[0]!r}?" if near else "the kind comes last, after the models."
    return f"no kind of figure is called {kind!r}; {hint} Kinds are {', '.join(QUESTIONS)}"


def _of_use(kind: str, results: Sequence[EffectiveField], axis: int | None) -> Drawing:
    """Maps or profiles of what units use, side by side on one scale."""
    from eyeshot.report.effective_sides import check_axes, figure_labels
    from eyeshot.report.figures.effective import maps_beside, profile_panel

    check_axes(results)
    names = figure_labels(results)
    if kind == "map":
        return maps_beside(results, [None] if len(results) == 1 else names)
    axes = results[0].map.ndim
    axis = axes - 1 if axis is None else axis
    if axis >= axes:
        raise UsageError(f"--axis {axis}: the image has {axes} axes, counted from 0")
    return Drawing(rows=[[profile_panel(results, names, axis=axis, title="What it sees and uses")]])


def _ratio(curves: Sequence[Sequence[EffectiveField]], names: Sequence[str]) -> Panel:
    from eyeshot.report.figures.effective import ratio_panel

    return ratio_panel(curves, names)


def _by_depth(report: Inspection) -> list[EffectiveField]:
    """What the middle unit uses, of layers at even distances down to the last at which units differ."""
    layers = curve(report)
    step = -(-len(layers) // _MOST_LAYERS)
    return [effective(report.network, layer.name) for layer in layers[::-step][::-1]]


def _of_study(kind: str, directories: list[str]) -> Drawing:
    """A figure of what a study's folder holds."""
    from eyeshot.cli.terminal import warn
    from eyeshot.studies.kept import kept

    if len(directories) > 1:
        raise UsageError(f"{kind} takes the folder of one study, found {len(directories)}")
    return study_figure(kind, *kept(Path(directories[0]), warn))


def _write(output: Path, drawing: Drawing, paper: Paper) -> None:
    from eyeshot.cli.terminal import echo

    write_figure(output, drawing, paper)
    echo(str(output))


def _end(bounded: Sequence[str]) -> None:
    """End with the exit code for bounds."""
    import sys

    from eyeshot.cli.terminal import Terminal

    end_bounded(Terminal(sys.stderr), bounded)
