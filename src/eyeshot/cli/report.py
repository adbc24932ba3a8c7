"""`eyeshot report`: the explorer page of one or several designs, as one offline file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    end_bounded,
    input_option,
    inspected,
    known_models,
    users_code,
)
from eyeshot.errors import UsageError
from eyeshot.report.files import check_new, read_file, write_file
from eyeshot.report.wording import times

if TYPE_CHECKING:
    from eyeshot.api.report import Report


@click.command(short_help="the explorer page: fields, costs and comparison in one offline file")
@click.argument("models", shell_complete=known_models, nargs=-1, metavar="M...")
@input_option
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE.html", help="The page.")
@click.option("--force", is_flag=True, help="Let -o replace a file.")
@click.option("--image", type=click.Path(path_type=Path), metavar="PICTURE",
              help="Shown under the fields: PNG, JPEG, GIF or WebP.")  # fmt: skip
@click.option("--effective", type=click.Path(path_type=Path), multiple=True, metavar="FILE.json",
              help="Measured effective fields (eyeshot effective --json); may be given again.")  # fmt: skip
@click.option("--lesson", is_flag=True, help="No models: the lesson on AlexNet's order, ready to be published.")
@click.option("--run", "directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="A study's designs as trained, and their scores; M… chooses some of them.")  # fmt: skip
@click.option("--tiles", is_flag=True, help="With a tab of tiles: how the image is run piece by piece.")
@click.option("--decide", is_flag=True, help="With a tab of advice: what is wrong, and each move's before and after.")
@click.option("--objects", metavar="32-180|FILE|DIR", help="The same, held against objects, as advise takes them.")
@colour_option
def report(
    models: tuple[str, ...],
    input_shape: tuple[int, ...] | None,
    output: Path,
    force: bool,
    image: Path | None,
    effective: tuple[Path, ...],
    lesson: bool,
    directory: Path | None,
    tiles: bool,
    decide: bool,
    objects: str | None,
    no_colour: bool,
) -> None:
    """Write the explorer page of M…: what each unit sees and uses, what it costs, side by side.

    One file that opens offline in any browser, sends nothing and loads nothing.

    \b
    Examples:
      eyeshot report alexnet -o alexnet.html
      eyeshot report alexnet alexnet-alternating -o pools.html --image cat.png
      eyeshot report torchvision:resnet50 -o resnet50.html
      eyeshot report my_net.py:detector --input 3x640x640 --objects 32-180 -o advice.html
      eyeshot report --run runs/3f2a91c07d54 -o study.html
      eyeshot report --lesson -o lesson.html
    """
    from eyeshot.view.export import page
    from eyeshot.view.measured import check_belongs

    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{output}: the page is HTML; give a name that ends in .html")
    check_new(output, force=force)
    if lesson:
        _check_alone(models, input_shape, image, effective, directory, tiles, decide, objects)
        _write(output, _lesson())
        return
    if not models and directory is None:
        raise UsageError("report needs a model, such as: eyeshot report alexnet -o alexnet.html (or --lesson)")
    picture = None if image is None else _picture(image)
    measured = [_measured(path) for path in effective]
    if directory is None:
        reports, scores = [inspected(model, input_shape, is_named=len(models) > 1) for model in models], None
    else:
        reports, scores = _study(directory, models, input_shape)
    for path, document in zip(effective, measured, strict=True):
        check_belongs(document, reports, str(path))
    is_decided = decide or objects is not None
    for option, is_asked in (("--tiles", tiles), ("--decide" if decide else "--objects", is_decided)):
        if is_asked and directory is not None:
            raise UsageError(f"{option}: of models, not of a study's folder; name the designs")
    planned = [_tiles(model, input_shape) for model in models] if tiles else []
    advised = [_advice(model, input_shape, objects) for model in models] if is_decided else []
    text = page(reports, image=picture, effective=measured, evidence=scores, tiles=planned, decide=advised)
    _write(output, text)
    if not all(each.is_exact for each in reports):
        _end_bounded(reports, no_colour)


def _tiles(model: str, input_shape: Any) -> dict[str, Any]:
    from eyeshot.tile.family import Family
    from eyeshot.tile.probe import probe
    from eyeshot.view.tiles import tiles_of

    with users_code(model):
        return tiles_of(probe(Family(model, input_shape), None))


def _advice(model: str, input_shape: Any, objects: str | None) -> dict[str, Any]:
    from eyeshot.api.advice import advise

    with users_code(model):
        return advise(model, input_shape, objects=objects).entry()


def _check_alone(*others: object) -> None:
    """Complain of what means nothing for the lesson."""
    if any(others):
        raise UsageError("--lesson takes neither models nor options for them: eyeshot report --lesson -o lesson.html")


def _picture(path: Path) -> bytes:
    """A picture that can be shown; of one that cannot is complained before anything long is computed."""
    from eyeshot.view.picture import data_uri

    content = read_file(path)
    try:
        data_uri(content)
    except UsageError as error:
        raise error.of(str(path)) from None
    return content


def _lesson() -> str:
    from eyeshot.view.lesson.build import lesson

    return lesson()


def _write(output: Path, text: str) -> None:
    from eyeshot.cli.terminal import echo

    write_file(output, text.encode())
    echo(str(output))


def _measured(path: Path) -> dict[str, Any]:
    from eyeshot.view.measured import parsed

    return parsed(read_file(path), str(path))


def _study(directory: Path, models: tuple[str, ...], input_shape: Any) -> tuple[list[Report], dict[str, Any]]:
    """A study's designs as trained, and its evidence with the terms on which they were."""
    from eyeshot.api.report import Report
    from eyeshot.cli.terminal import warn
    from eyeshot.report.evidence import evidence
    from eyeshot.studies.kept import kept
    from eyeshot.studies.trained import arms_named, networks_of

    plan, records = kept(directory, warn)
    try:
        arms = arms_named(plan, models)
        with users_code(*(arm.design for arm in plan.arms)):
            networks = networks_of(plan, arms, directory)
    except UsageError as error:
        raise error.of(str(directory)) from None
    shape = networks[0].input.shape[1:]
    if input_shape is not None and input_shape != shape:
        raise UsageError(f"--input: the designs in {directory} were trained on {times(shape)}; leave --input out")
    labels = {arm.label for arm in arms}
    found = evidence(record for record in records if record.recipe.label in labels)
    return [Report(network) for network in networks], found.for_page(plan.terms())


def _end_bounded(reports: list[Report], no_colour: bool) -> None:
    import sys

    from eyeshot.cli.terminal import Terminal

    names = [f"{each.network.name}: {layer.name}" for each in reports for layer in each if not layer.field.is_exact]
    end_bounded(Terminal(sys.stderr, colour=not no_colour), names)
