"""`eyeshot compare`: which design sees, uses, costs what? With --train: which pays?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.figures import Paper, paper_options, write_figure
from eyeshot.cli.options import (
    check_figure,
    colour_option,
    end_bounded,
    input_option,
    json_option,
    known_models,
    lesson_of,
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
    from eyeshot.api.comparison import Comparison
    from eyeshot.api.report import Report
    from eyeshot.cli.terminal import Terminal
    from eyeshot.studies.study import Study

CONVENTIONS = (
    "uses: standard deviation of the path density, as under random weights · MACs: one multiply-accumulate; "
    "convolutions, fc and matrix products"
)

_SAMPLE = (1, 28, 28)
"""What images of the sample, on which is trained unless --data says otherwise, come as."""


def _asked(context: click.Context, option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...] | None:
    return names or None


@click.command(short_help="which design sees, uses, costs what? With --train: which pays?")
@click.argument("models", shell_complete=known_models, nargs=-1, required=True, metavar="A B [C]...")
@input_option
@click.option("--all", "all_layers", is_flag=True, help="The table of layers for networks of any length.")
@click.option("--train", is_flag=True, help="Train the designs side by side, under one budget.")
@click.option(
    "--data",
    metavar="NAME|DIR",
    help="sample, fashion-mnist, a folder of class folders or file.py:factory. [default: sample]",
)
@click.option("--size", metavar="HxW[:WAY]", help="For pictures of several sizes: crop (scale, and cut out the middle),"
              " stretch (change proportions) or pad (black around), as 64:pad. [default way: crop]")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1, 1000), metavar="N", help="Seeds per design, paired. [default: 5]")
@click.option("--budget", metavar="AMOUNT", help="What each may spend: 5ep, 60s, 2e6img, 1e12mac. [default: 3ep]")
@click.option(
    "--match",
    type=click.Choice(["params", "macs", "activations", "none"]),
    help="Scale widths until this agrees. [default: none]",
)
@click.option("--match-by", metavar="ARGUMENT", help="What of modules is scaled, such as width (file.py:Net?width=32).")
@click.option("--lr", type=float, help="The highest learning rate. [default: 0.05]")
@click.option("--batch-size", type=click.IntRange(1), help="Images per step. [default: 64]")
@click.option(
    "--augment",
    type=click.Choice(["none", "shift", "flip", "alternating-flip", "shift+flip", "shift+alternating-flip"]),
    metavar="HOW",
    help="shift, flip, alternating-flip, shift+flip or shift+alternating-flip: move and mirror images. [default: none]",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), metavar="NAME",
              help="auto, cpu, cuda or mps: what trains. [default: auto, the fastest there is]")  # fmt: skip
@click.option("--precision", type=click.Choice(["fp32", "bf16", "auto"]),
              help="Numbers to compute with; auto: bf16 where what trains has it. [default: fp32]")  # fmt: skip
@click.option("--measure", "measures", multiple=True, callback=_asked, metavar="NAME",
              help="Beside accuracy: loss, calibration, shift, seconds, probes, position, effective or seams; "
                   "may be given again.")  # fmt: skip
@click.option("--run", "directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where the study is kept. [default: runs/ and its fingerprint]")  # fmt: skip
@click.option("--scores", "scores", is_flag=True,
              help="A B… are files of scores from elsewhere: on each line seed,score or a score.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Trainings at once. [default: one a core]")
@ray_options
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.png|svg|pdf",
              help="Write a figure, beside it its data as .csv and its caption as .txt.")  # fmt: skip
@paper_options
@click.option("--force", is_flag=True, help="Let -o replace files.")
@json_option
@table_options
@colour_option
def compare(
    models: tuple[str, ...],
    input_shape: Any,
    all_layers: bool,
    train: bool,
    scores: bool,
    match: str | None,
    match_by: str | None,
    output: Path | None,
    paper: Paper,
    force: bool,
    as_json: bool,
    as_csv: bool,
    plain: bool,
    no_colour: bool,
    **training: Any,
) -> None:
    """Put designs side by side: what each sees and costs, and with --train how each scores.

    The first design is the one that the others are compared to.

    \b
    Examples:
      eyeshot compare "C3-64 C3-64" C5-64
      eyeshot compare alexnet alexnet-alternating
      eyeshot compare torchvision:resnet18 my_net.py:Net --match macs
      eyeshot compare CONV-POOL-CONV-POOL CONV-CONV-POOL --train --match macs
      eyeshot compare alexnet-28 alexnet-28-alternating --train --seeds 5 --budget 5ep -o pays.png
      eyeshot compare --scores mine.csv theirs.csv
    """
    from eyeshot.api.comparison import Comparison, compared
    from eyeshot.api.report import Report
    from eyeshot.cli.terminal import Terminal

    one_format(json=as_json, csv=as_csv, plain=plain)
    if scores:
        _refuse_beside_scores(
            training | {"train": train or None, "input": input_shape, "match": match, "match_by": match_by}
        )
        if output is not None:
            check_figure(output, force=force)
        _compare_scores([Path(model) for model in models], output, paper, as_json, as_csv or plain, no_colour)
        return
    if len(models) < 2:
        raise UsageError(f"compare needs two designs or more; for one: {typed(models[0], verb='show')}")
    if output is not None:
        check_figure(output, force=force)
    study = None
    if train:
        from eyeshot.studies.engines import engine_of
        from eyeshot.studies.study import planned

        terms = training | {"match": match, "match_by": match_by}
        ray, gpus, precision = (terms.pop(name) for name in ("ray", "gpus", "precision"))
        engine = engine_of(ray=ray, gpus=gpus, jobs=terms["jobs"])
        recipe = {"precision": precision}
        with users_code(*models):
            study = planned(
                models, input_shape, **terms, recipe=recipe, engine=engine, command=("eyeshot", *sys.argv[1:])
            )
        comparison = Comparison([Report(network) for network in study.networks], study)
    else:
        _refuse_without_train(training)
        with users_code(*models):
            comparison = compared(models, input_shape, match=match, match_by=match_by)
    terminal = Terminal(colour=not no_colour)
    is_for_people = not (as_json or as_csv or plain)
    if is_for_people:
        _print(comparison, terminal, all_layers)
    if study is not None:
        _train(comparison, study, terminal if is_for_people else None)
    if as_json:
        print_json(comparison.to_json())
    elif as_csv or plain:
        print_records(comparison.rows() if study is None else study.rows(), is_csv=as_csv)
    if output is not None:
        from eyeshot.report.figures.compared import drawing

        arms = () if comparison.study is None else comparison.evidence.arms
        write_figure(output, drawing(comparison.reports, arms), paper)
    if is_for_people:
        asked = training | {"match": match, "match_by": match_by}
        _print_what_next(comparison, terminal, models, input_shape, asked)
    if not comparison.is_exact:
        _end_bounded(comparison, no_colour)


def _refuse_beside_scores(others: dict[str, Any]) -> None:
    names = [_option(key) for key, value in others.items() if value is not None]
    if names:
        raise UsageError(f"{', '.join(names)}: --scores takes files of scores alone, and trains nothing")


def _compare_scores(
    paths: list[Path], output: Path | None, paper: Paper, as_json: bool, is_table: bool, no_colour: bool
) -> None:
    from eyeshot.cli.evidence import print_evidence
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.scored import evidence_of_files

    evidence = evidence_of_files(paths)
    if as_json:
        print_json(evidence.to_json())
    elif is_table:
        print_records(
            [
                {"arm": arm.label, "seed": seed, "score": score}
                for arm in evidence.arms
                for seed, score in arm.scores.items()
            ]
        )
    else:
        print_evidence(evidence, Terminal(colour=not no_colour))
    if output is not None:
        from eyeshot.report.figures.evidence import evidence as panel
        from eyeshot.report.figures.style import Drawing

        write_figure(output, Drawing(rows=[[panel(evidence.arms)]]), paper)


def _refuse_without_train(training: dict[str, Any]) -> None:
    """Complain of options that mean nothing without --train."""
    options = [_option(key) for key, value in training.items() if value is not None]
    if options:
        raise UsageError(f"{', '.join(options)} needs --train")


def _train(comparison: Comparison, study: Study, terminal: Terminal | None) -> None:
    from eyeshot.cli.evidence import print_evidence, trained

    trained(study, terminal)
    if terminal is not None:
        print_evidence(comparison.evidence, terminal)
        terminal.say((f"kept in {study.directory}: plan, scores per epoch, versions", "dim"))


def _print(comparison: Comparison, terminal: Terminal, all_layers: bool) -> None:
    from eyeshot.report.folded import folded_notes
    from eyeshot.report.sidebyside import MOST_LAYERS, layer_table, quantity_table
    from eyeshot.report.sides import legend
    from eyeshot.report.verdict import on_several
    from eyeshot.report.wording import times

    if comparison.labels[0] == "A":
        for line in legend(comparison.reports):
            terminal.say(line)
    inputs = [times(report.network.input.shape[1:]) for report in comparison.reports]
    if len(set(inputs)) == 1:
        terminal.say((f"input {inputs[0]} · changes are against {comparison.labels[0]}", "dim"))
    else:
        shapes = ", ".join(f"{label} {shape}" for label, shape in zip(comparison.labels, inputs, strict=True))
        terminal.say(("note: ", "warn"), f"the designs take different inputs: {shapes}; --input gives all the same")
    if comparison.study is None:
        for remark in comparison.remarks:
            terminal.say((remark, "dim"))
    terminal.say()
    terminal.table(quantity_table(comparison.quantities, comparison.labels))
    terminal.say((CONVENTIONS, "dim"))
    terminal.say()
    is_short = all_layers or len(comparison.layers) <= MOST_LAYERS
    if comparison.labels[0] != "A" and is_short:
        terminal.say((" · ".join(legend(comparison.reports)), "dim"))
    if is_short:
        terminal.table(layer_table(comparison.reports))
    else:
        terminal.say((f"{len(comparison.layers)} layers with weights; --all shows them side by side", "dim"))
    terminal.say()
    whose: dict[tuple[str, str], list[str]] = {}
    for report, label in zip(comparison.reports, comparison.labels, strict=True):
        for note in folded_notes(report):
            place = f"{note.layer}: " if note.layer else ""
            whose.setdefault((note.kind, place + note.text), []).append(label)
    for (kind, text), labels in whose.items():
        terminal.say((f"{kind} ({', '.join(labels)}): ", "warn"), text)
    for sentence in on_several(comparison.reports, comparison.labels):
        terminal.say(sentence)


def _print_what_next(
    comparison: Comparison,
    terminal: Terminal,
    models: tuple[str, ...],
    input_shape: Any,
    training: dict[str, Any],
) -> None:
    terminal.say()
    if comparison.study is not None:
        say_next(terminal, *_after_training(comparison, models, training))
        return
    commands = [typed(models[-1], verb="show", input_shape=input_shape)]
    if input_shape is None and all(map(_is_soon_trained, comparison.reports)):
        commands.append(typed(models[0], *models[1:], "--train", verb="compare"))
    say_next(terminal, *commands, *lesson_of(*models))


def _is_soon_trained(report: Report) -> bool:
    """Whether a network is small as it is, or written down, without an input of its own, and takes the sample's."""
    if report.network.source != "notation":
        return max(report.network.extent) <= 64
    from eyeshot.design.classifier import classifier
    from eyeshot.design.named import design_named
    from eyeshot.errors import ShapeError

    try:
        classifier(design_named(report.network.name), _SAMPLE, 10)
    except ShapeError:
        return False
    return True


def _after_training(comparison: Comparison, models: tuple[str, ...], training: dict[str, Any]) -> list[str]:
    """What would see more, the figure, the page."""
    assert comparison.study is not None
    more = _that_sees_more(comparison)
    again = [
        (_option(key), str(each))
        for key, value in (training | more).items()
        if value is not None
        for each in (value if isinstance(value, tuple) else [value])
    ]
    place = str(comparison.study.directory)
    return [
        *(
            [typed(models[0], *models[1:], "--train", *(word for pair in again for word in pair), verb="compare")]
            if more
            else []
        ),
        typed(place, "evidence", "-o", "scores.png", verb="plot"),
        typed("--run", place, "-o", "study.html", verb="report"),
    ]


_MOST_SEEDS = 100
"""Beyond which nobody is told to train."""
_FASHION_MNIST = 10_000
"""Its test images, of which the sample has a fifth."""


def _that_sees_more(comparison: Comparison) -> dict[str, Any]:
    """More seeds or test images, as the verdict says, where these are at hand; nothing where all is seen."""
    from eyeshot.report.claims import need
    from eyeshot.studies.study import SEEDS

    assert comparison.study is not None
    assert comparison.evidence is not None
    seeds = len(comparison.study.plan.seeds)
    if seeds == 1:
        return {"seeds": SEEDS}
    needed = need(comparison.evidence.differences)
    if needed is None:
        return {}
    if needed.seeds and needed.seeds <= _MOST_SEEDS:
        return {"seeds": max(needed.seeds, seeds + 1)}
    more_seeds, images = needed.together or (seeds, needed.images or _FASHION_MNIST + 1)
    if comparison.study.plan.data == "sample" and images <= _FASHION_MNIST and more_seeds <= _MOST_SEEDS:
        # in a place of its own, which other images need
        return {"seeds": max(more_seeds, seeds), "data": "fashion-mnist", "directory": None}
    return {"seeds": SEEDS} if seeds < SEEDS else {}  # of so few the spread is hardly known


def _option(parameter: str) -> str:
    """How a parameter is typed."""
    return {"directory": "--run", "measures": "--measure"}.get(parameter, f"--{parameter.replace('_', '-')}")


def _end_bounded(comparison: Comparison, no_colour: bool) -> None:
    from eyeshot.cli.terminal import Terminal

    names = [
        f"{report.network.name}: {layer.name}"
        for report in comparison.reports
        for layer in report
        if not layer.field.is_exact
    ]
    end_bounded(Terminal(sys.stderr, colour=not no_colour), names)
