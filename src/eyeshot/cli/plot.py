"""`eyeshot plot`: figures for slides and papers, their data beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eyeshot.cli.options import (
    Position,
    as_csv_text,
    check_figure,
    end_bounded,
    input_option,
    inspected,
    write_file,
)
from eyeshot.errors import UsageError
from eyeshot.report.figures.kinds import KINDS, Subject, check_count, figure

_STUDY_KIND = "evidence"
_QUESTIONS = {kind: KINDS[kind].question for kind in KINDS} | {
    _STUDY_KIND: "what did training find? MODEL is the folder of a study"
}
_LIST = "\n".join(f"  {kind:<9} {question}" for kind, question in _QUESTIONS.items())
_HELP = f"""Draw a figure of one MODEL or several, and write its data beside it.

\b
KIND is one of
{_LIST}

\b
Examples:
  eyeshot plot alexnet cone -o cone.svg
  eyeshot plot "C3-8 C3-8 C3-8" cone --input 1x15x15 --at 7,7 --at 7,8 -o two.png
  eyeshot plot alexnet alexnet-alternating growth -o growth.pdf
  eyeshot plot runs/3f2a91c07d54 evidence -o scores.png
"""


@click.command(help=_HELP, short_help="a figure of it, and its data")
@click.argument("models", nargs=-1, required=True, metavar="MODEL... KIND")
@click.option("--layer", metavar="NAME", help="The layer of a cone's units. [default: the last convolution]")
@click.option("--at", "units", type=Position(), multiple=True, metavar="y,x",
              help="A cone's unit, counted from 0; up to four. [default: the middle one]")  # fmt: skip
@click.option("--axis", type=click.IntRange(0, 2), metavar="N", help="A cone's axis. [default: the last, columns]")
@input_option
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.png|svg|pdf",
              help="Where the figure goes; its data go beside it as CSV.")  # fmt: skip
@click.option("--force", is_flag=True, help="Let -o replace files.")
def plot(
    models: tuple[str, ...],
    layer: str | None,
    units: tuple[tuple[int, ...], ...],
    axis: int | None,
    input_shape: tuple[int, ...] | None,
    output: Path | None,
    force: bool,
) -> None:
    """Draw one figure; the help is written from the kinds there are."""
    *designs, kind = models
    if kind not in _QUESTIONS:
        raise UsageError(_unknown(kind))
    if not designs:
        raise UsageError(f"plot needs a model before the kind, such as: eyeshot plot alexnet {kind} -o {kind}.svg")
    if output is None:
        raise UsageError(f"plot writes a file: give -o {kind}.svg, .png or .pdf")
    if kind != "cone" and (layer is not None or units or axis is not None):
        raise UsageError(f"--layer, --at and --axis say where a cone stands; a {kind} has none")
    check_figure(output, force=force)
    file_format = output.suffix[1:].lower()
    if kind == _STUDY_KIND:
        _write(output, *_evidence(designs, file_format))
        return
    check_count(kind, len(designs))
    reports = [inspected(model, input_shape, is_named=len(designs) > 1) for model in designs]
    subject = Subject(reports=reports, layer=layer, units=units, axis=axis)
    _write(output, *figure(kind, subject, file_format))
    _end(subject)


def _unknown(kind: str) -> str:
    import difflib

    near = difflib.get_close_matches(kind, _QUESTIONS, 1, 0.6)
    hint = f"did you mean {near[0]!r}?" if near else "the kind comes last, after the models."
    return f"no kind of figure is called {kind!r}; {hint} Kinds are {', '.join(_QUESTIONS)}"


def _evidence(directories: list[str], file_format: str) -> tuple[bytes, list[dict[str, Any]]]:
    """The figure of a study's scores."""
    from eyeshot.cli.evidence import arm_results, study_records
    from eyeshot.report.figures.evidence import evidence
    from eyeshot.report.figures.style import records_of, rendered

    if len(directories) > 1:
        raise UsageError(f"evidence takes the folder of one study, found {len(directories)}")
    panel = evidence(arm_results(study_records(Path(directories[0]))))
    return rendered([[panel]], file_format), records_of([panel])


def _write(output: Path, image: bytes, records: list[dict[str, Any]]) -> None:
    beside = output.with_suffix(".csv")
    write_file(output, image)
    write_file(beside, as_csv_text(records).encode())
    click.echo(output)
    click.echo(f"its data are in {beside}", err=True)


def _end(subject: Subject) -> None:
    """End with the exit code for bounds where some field is only one."""
    import sys

    from eyeshot.cli.terminal import Terminal

    names = [layer.name for report in subject.reports for layer in report if not layer.field.is_exact]
    if names:
        end_bounded(Terminal(sys.stderr), names)
