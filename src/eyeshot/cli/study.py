"""`eyeshot study`: which of many designs pays? What is compared stands in a file."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eyeshot.cli.figures import Paper, paper_options, write_figure
from eyeshot.cli.options import (
    check_figure,
    colour_option,
    json_option,
    one_format,
    print_json,
    print_records,
    ray_options,
    say_next,
    table_options,
    typed,
    users_code,
)
from eyeshot.errors import UsageError

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal
    from eyeshot.studies.estimate import Estimate
    from eyeshot.studies.status import Status
    from eyeshot.studies.study import Study


class _FileOrWord(click.Group):
    """A group whose first word, where it is none of the group's, is the file of a study that is to be run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` before a file or an option."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            self._check_meant(args[0])
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def _check_meant(self, word: str) -> None:
        from eyeshot.nearest import nearest

        near = nearest(word, self.commands, 1)
        if near and not Path(word).exists():
            raise UsageError(f"study {word}: there is no such file; did you mean: eyeshot study {near[0]}?")


@click.group(
    cls=_FileOrWord,
    subcommand_metavar="FILE | COMMAND [ARGS]...",
    short_help="which of many designs pays? Trains what a file says, and goes on",
)
def study() -> None:
    """Train what FILE says and tell what may be claimed: many designs, seeds and settings under one budget.

    FILE is TOML: arms, data, budget, seeds, recipe (docs/training.md). A study that was stopped goes on where it was.

    \b
    Examples:
      eyeshot study pays.toml --dry-run
      eyeshot study pays.toml
      eyeshot study status runs/1f2e3d4c5b6a
      eyeshot study show runs/1f2e3d4c5b6a --json
      eyeshot study export runs/1f2e3d4c5b6a > trials.csv
    """


_directory = click.argument("directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")


@study.command(short_help="train what FILE says; `eyeshot study FILE` does the same")
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Train nothing: tell time, memory and images of each design.")
@click.option("--run", "directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where the study is kept. [default: the file's, or runs/ and its fingerprint]")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Trainings at once. [default: one a core]")
@ray_options
@json_option
@table_options
@colour_option
def run(
    path: Path,
    dry_run: bool,
    directory: Path | None,
    jobs: int | None,
    ray: str | None,
    gpus: float | None,
    as_json: bool,
    as_csv: bool,
    plain: bool,
    no_colour: bool,
) -> None:
    """Train what FILE says, or what is left of it, and print scores, differences and a verdict."""
    from eyeshot.cli.evidence import print_evidence, trained
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.evidence import evidence
    from eyeshot.studies.engines import engine_of
    from eyeshot.studies.file import study_file

    one_format(json=as_json, csv=as_csv, plain=plain)
    if dry_run and as_json:
        raise UsageError("--dry-run prints a table: give --csv for programs, not --json")
    if dry_run and ray is not None:
        raise UsageError("--dry-run measures this machine: leave --ray out")
    engine = engine_of(ray=ray, gpus=gpus, jobs=jobs)
    file = study_file(path)
    with users_code(*file.models):
        asked = file.planned(directory=directory, jobs=jobs, engine=engine, command=("eyeshot", *sys.argv[1:]))
    terminal = None if as_json or as_csv or plain else Terminal(colour=not no_colour)
    if dry_run:
        _rehearse(asked, terminal, as_csv=as_csv)
        return
    trained(asked, terminal)
    if as_json:
        print_json(evidence(asked.records).to_json())
    elif terminal is None:
        print_records(asked.rows(), is_csv=as_csv)
    else:
        print_evidence(evidence(asked.records), terminal)
        terminal.say((f"kept in {asked.directory}: plan, scores per epoch, versions", "dim"))
        terminal.say()
        say_next(terminal, *_after(asked.directory))


def _after(directory: Path) -> list[str]:
    place = str(directory)
    return [
        typed("export", place, verb="study"),
        typed(place, "evidence", "-o", "scores.png", verb="plot"),
        typed("--run", place, "-o", "study.html", verb="report"),
    ]


def _rehearse(asked: Study, terminal: Terminal | None, *, as_csv: bool) -> None:
    """Print what each design will take, as it is measured."""
    from eyeshot.cli.progress import measured
    from eyeshot.studies.estimate import estimates
    from eyeshot.studies.processes import Processes

    left = asked.left()
    found: list[Estimate] = []
    arms = asked.plan.arms
    with measured(None, str, can_be_kept=False) as tell:
        for each in estimates(asked):
            found.append(each)
            tell(f"{len(found)} of {len(arms)} designs tried")
    if terminal is None:
        rows = zip(arms, found, strict=True)
        print_records([{"arm": each.label, "params": arm.params, "macs": arm.macs, "images": each.images,
                        "seconds": each.seconds, "test_seconds": each.test_seconds, "memory": each.memory}
                       for arm, each in rows], is_csv=as_csv)  # fmt: skip
        return
    from eyeshot.report.estimates import estimates_table, estimates_words

    terminal.say((f"{asked.plan.terms()} {asked.images}", "dim"))
    for doubt in asked.doubts:
        terminal.say(("note: ", "warn"), doubt)
    for remark in asked.remarks:
        terminal.say((remark, "dim"))
    terminal.say()
    terminal.table(estimates_table(arms, found))
    terminal.say()
    assert isinstance(asked.engine, Processes)
    at_once = asked.engine.at_once(asked.plan.options.threads, sum(left.values()))
    terminal.say(estimates_words(found, left, at_once, asked.plan.measures))


@study.command(short_help="how far a study is")
@_directory
@json_option
@colour_option
def status(directory: Path, as_json: bool, no_colour: bool) -> None:
    """Tell how many trainings of a study are done, begun and waiting; also while it runs."""
    from eyeshot.cli.terminal import Terminal, warn
    from eyeshot.studies.status import status as status_of

    found = status_of(directory, warn)
    if as_json:
        print_json(found.to_json())
    else:
        _print_status(found, Terminal(colour=not no_colour))


def _print_status(found: Status, terminal: Terminal) -> None:
    from eyeshot.report.table import Column, Table
    from eyeshot.studies.status import BEGUN, DONE, WAITING

    table = Table([Column(heading="design", is_number=False, style="strong"),
                   *(Column(heading=state) for state in (DONE, BEGUN, WAITING))])  # fmt: skip
    for arm in found.plan.arms:
        table.add(arm.label, *(str(found.count(state, arm.label)) for state in (DONE, BEGUN, WAITING)))
    terminal.say((f"{found.plan.terms()}", "dim"))
    terminal.say()
    terminal.table(table)
    terminal.say()
    left = len(found.trials) - found.count(DONE)
    saved = [trial.saved for trial in found.trials if trial.state == BEGUN and trial.saved is not None]
    ago = f"; the last state was saved {max(0.0, time.time() - max(saved)):.0f} s ago" if saved else ""
    if not left:
        terminal.say(f"All {len(found.trials)} trainings are done.")
    elif found.is_at_work:
        terminal.say(f"{found.count(DONE)} of {len(found.trials)} trainings are done, and it is at work{ago}.")
    else:
        command = " ".join(found.plan.command) or "the command that began it"
        terminal.say(f"{found.count(DONE)} of {len(found.trials)} trainings are done; nothing is at work{ago}.")
        terminal.say((f"goes on by: {command}", "dim"))


@study.command(short_help="scores, differences and verdict of what is trained")
@_directory
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.png|svg|pdf",
              help="Write a figure of the scores, its data beside it as .csv, its caption as .txt.")  # fmt: skip
@click.option("--measure", metavar="NAME", help="The figure is of what was measured beside accuracy: shift, or a part"
              " as probes/conv2.")  # fmt: skip
@paper_options
@click.option("--force", is_flag=True, help="Let -o replace files.")
@json_option
@colour_option
def show(
    directory: Path,
    output: Path | None,
    measure: str | None,
    paper: Paper,
    force: bool,
    as_json: bool,
    no_colour: bool,
) -> None:
    """Print what the trainings that are done allow one to say, also of a study that is not at its end."""
    from eyeshot.cli.evidence import print_evidence
    from eyeshot.cli.terminal import Terminal, warn
    from eyeshot.report.evidence import evidence
    from eyeshot.studies.kept import kept

    if measure is not None and output is None:
        raise UsageError(f"--measure says what the figure is of: give -o {measure.partition('/')[0]}.png, too")
    if output is not None:
        check_figure(output, force=force)
    plan, records = kept(directory, warn)
    if output is not None:
        from eyeshot.report.figures.studied import study_figure

        write_figure(output, study_figure("evidence", plan, records, measure), paper)
    found = evidence(records)
    if as_json:
        print_json(found.to_json())
        return
    terminal = Terminal(colour=not no_colour)
    terminal.say((plan.terms(), "dim"))
    planned = len(plan.arms) * len(plan.seeds)
    if len(records) < planned:
        terminal.say(("note: ", "warn"), f"{len(records)} of {planned} trainings are done")
    print_evidence(found, terminal)
    terminal.say()
    say_next(terminal, *_after(directory))


@study.command(short_help="its trainings as CSV")
@_directory
def export(directory: Path) -> None:
    """Print one line a training that is done, as CSV: design, seed, score, seconds, images."""
    from eyeshot.cli.terminal import warn
    from eyeshot.studies.kept import kept
    from eyeshot.studies.study import rows

    _, records = kept(directory, warn)
    print_records(rows(records))
