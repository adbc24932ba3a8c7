"""The part of `eyeshot compare --train` that trains: from names to a plan, and from scores to what is printed."""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eyeshot.api.report import Report
from eyeshot.cli.options import check_factory, naming
from eyeshot.design.classifier import classifier
from eyeshot.design.lower import lower
from eyeshot.design.match import match as match_widths
from eyeshot.design.named import design_named, is_module_name, network_named
from eyeshot.design.zoo import entries
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network
from eyeshot.read.inputs import shape_given
from eyeshot.studies.plan import Arm, Plan
from eyeshot.train.budget import Budget
from eyeshot.train.recipe import Options

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.evidence import Evidence
    from eyeshot.train.dataset import Dataset
    from eyeshot.train.record import Record

DATA, SEEDS, BUDGET = "sample", 5, "3ep"


@dataclass
class Study:
    """A plan, and once it was run what came of it."""

    plan: Plan
    reports: list[Report]
    factories: dict[str, Callable[[], Any]]
    remarks: list[str]
    directory: Path
    jobs: int | None
    found: list[Record] = field(default_factory=list)

    def run(self, terminal: Terminal | None) -> None:
        """Train every arm with every seed, bars on stderr; print the evidence where there is a terminal to print to."""
        from eyeshot.cli.evidence import print_evidence
        from eyeshot.studies.run import check_owner, run

        check_owner(self.directory, self.plan)
        if terminal is not None:
            self._print_plan(terminal)
            sys.stdout.flush()
        try:
            self.found = run(self.plan, self.factories, self.directory, jobs=self.jobs)
        except KeyboardInterrupt:
            click.echo(
                f"eyeshot: what is trained is kept in {self.directory}; the same command goes on from there",
                err=True,
            )
            raise
        if terminal is not None:
            print_evidence(self.evidence, terminal)
            terminal.say((f"kept in {self.directory}: plan, scores per epoch, versions", "dim"))

    def _print_plan(self, terminal: Terminal) -> None:
        from eyeshot.studies.run import is_finished

        plan = self.plan
        terminal.say()
        seeds = f"{len(plan.seeds)} seed" + "s" * (len(plan.seeds) > 1)
        what = f"{plan.data}, {seeds}, {plan.budget.describe()} each; same images in the same order for every design"
        if is_finished(self.directory, plan):
            terminal.say(("read", "strong"), f" from {self.directory}: nothing left to train ({what})")
        else:
            terminal.say(("training", "strong"), f" on {what}")
        for remark in self.remarks:
            terminal.say((remark, "dim"))

    @property
    def evidence(self) -> Evidence:
        """What the scores allow one to say."""
        from eyeshot.report.evidence import evidence

        return evidence(self.found)

    def to_json(self) -> dict[str, Any]:
        """What the comparison's document gains by training."""
        return {
            "study": {**self.plan.to_json(), "directory": str(self.directory), "remarks": self.remarks},
            "evidence": self.evidence.to_json(),
        }

    def records(self) -> list[dict[str, Any]]:
        """One plain record per trial."""
        return [
            {
                "arm": record.recipe.label,
                "seed": record.recipe.seed,
                "score": record.score,
                "seconds": record.seconds,
                "images": record.images,
                "images_per_second": record.images_per_second,
                "diverged": record.is_diverged,
            }
            for record in self.found
        ]


def plan_study(
    models: Sequence[str],
    input_shape: Any,
    *,
    data: str | None,
    seeds: int | None,
    budget: str | None,
    match: str | None,
    lr: float | None,
    batch_size: int | None,
    augment: str | None,
    directory: Path | None,
    jobs: int | None,
) -> Study:
    """Find the images, fit the designs to them, and write down what is to be trained.

    Raises:
        UsageError: a design, the images or an option cannot be used.
        MissingExtraError: PyTorch or SciPy is not installed.
    """
    spent = Budget.parse(budget or BUDGET)
    if lr is not None and not 0 < lr < math.inf:
        raise UsageError(f"--lr {lr:g}: needed is a number more than 0, such as 0.05")
    given = {"learning_rate": lr, "batch_size": batch_size, "augment": augment}
    options = Options(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    _check_installed()
    from eyeshot.train.data import load

    dataset = load(data or DATA)
    if input_shape is not None and shape_given(input_shape, "a design that is trained") != dataset.shape:
        raise UsageError(
            f"--input {'x'.join(map(str, input_shape))}: the images of {dataset.name} are"
            f" {'x'.join(map(str, dataset.shape))}; leave --input out when training"
        )
    arms, reports, factories, remarks = _arms(models, dataset, match or "none")
    for arm in arms:
        _check_spendable(spent, arm, dataset, options)
    plan = Plan(
        arms=tuple(arms),
        seeds=tuple(range(seeds or SEEDS)),
        data=data or DATA,
        data_fingerprint=dataset.fingerprint,
        budget=spent,
        options=options,
        command=("eyeshot", *sys.argv[1:]),
    )
    return Study(plan, reports, factories, remarks, directory or plan.directory, jobs)


def _check_spendable(budget: Budget, arm: Arm, dataset: Dataset, options: Options) -> None:
    """Complain of a budget that buys too little or too much, before anything is printed of the plan."""
    size = len(dataset.train_images)
    images = budget.images(macs_per_image=arm.macs, train_size=size)
    if images is not None and images < min(options.batch_size, size):
        raise UsageError(
            f"budget {budget}: {images} image{'s' * (images > 1)} for {arm.label}, less than one batch of"
            f" {options.batch_size}; give more, or a smaller --batch-size"
        )


def _check_installed() -> None:
    """Complain before anything is computed, since training ends with statistics."""
    from importlib.util import find_spec

    from eyeshot.errors import MissingExtraError

    for library in ("torch", "scipy"):
        if find_spec(library) is None:
            raise MissingExtraError("compare --train", library, "train")


def _arms(
    models: Sequence[str], dataset: Dataset, quantity: str
) -> tuple[list[Arm], list[Report], dict[str, Callable[[], Any]], list[str]]:
    arms: list[Arm] = []
    reports: list[Report] = []
    factories: dict[str, Callable[[], Any]] = {}
    remarks: list[str] = []
    for model in models:
        check_factory(model)
        label = _label(model, [arm.label for arm in arms])
        target = int(getattr(reports[0].totals, quantity)) if reports and quantity != "none" else None
        with naming(model):
            if is_module_name(model):
                network, factory, text = _of_module(model, dataset, quantity if arms else "none")
            else:
                network, factory, text = _of_design(model, label, dataset, quantity, target)
        report = Report(network)
        reports.append(report)
        remarks += [f"{label}: {text}"] if text else []
        factories[label] = factory
        arms.append(
            Arm(
                label=label,
                design=model,
                macs=report.totals.macs,
                params=report.totals.params,
                network_fingerprint=hashlib.sha256(repr(network.nodes).encode()).hexdigest(),
            )
        )
    return arms, reports, factories, remarks


def _label(model: str, taken: list[str]) -> str:
    """A name unlike those of the arms before; the same design twice is a test of the test."""
    label, count = model.lower() if model.lower() in entries() else model, 2
    while label in taken:
        label, count = f"{model} ({count})", count + 1
    return label


def _of_module(model: str, dataset: Dataset, quantity: str) -> tuple[Network, Callable[[], Any], str]:
    if quantity != "none":
        raise UsageError(f"{model}: --match scales the widths of a design in notation, not those of a module")
    return network_named(model, dataset.shape), partial(_loaded, model), ""


def _of_design(
    model: str, label: str, dataset: Dataset, quantity: str, target: int | None
) -> tuple[Network, Callable[[], Any], str]:
    """A design with one output a class, its widths scaled to cost ``target`` where that is given."""
    typed, classes = design_named(model), len(dataset.classes)
    design = classifier(typed, dataset.shape, classes)
    text = "" if str(design) == str(typed) else f"trained as {design}, for {classes} classes"
    if target is not None:
        matched = match_widths(design, dataset.shape, classes, quantity=quantity, target=target, name=label)
        design, text = matched.design, f"trained as {matched.design}; {matched.how}"
    network = lower(design, dataset.shape, name=label, source="notation", classes=classes)
    return network, partial(_built, network), text


def _built(network: Network) -> Any:
    """A new module of a network; at the top level, since it is sent to other processes."""
    from eyeshot.build.torch import build

    return build(network)


def _loaded(model: str) -> Any:
    """A new module that a name stands for, its weights drawn anew."""
    from eyeshot.read.loading import load_module

    return load_module(model)
