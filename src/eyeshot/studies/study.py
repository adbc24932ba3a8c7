"""From models that are to be compared to a plan of their training, and from the plan to the records of its trials."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.analyse.cost import totals
from eyeshot.design.classifier import classifier
from eyeshot.design.lower import lower
from eyeshot.design.match import match as match_widths
from eyeshot.design.match_modules import match_module, moved
from eyeshot.design.matched import check_asked, check_changeable
from eyeshot.design.named import check_typed, design_named, naming, network_named
from eyeshot.design.zoo import entries
from eyeshot.errors import MissingExtraError, ReadError, ShapeError, UsageError
from eyeshot.network.graph import Network
from eyeshot.network.text import write
from eyeshot.read.inputs import shape_given
from eyeshot.read.module_names import is_module_name
from eyeshot.studies.display import Watcher
from eyeshot.studies.kept import check_owner, is_finished
from eyeshot.studies.plan import Arm, Plan
from eyeshot.studies.run import run
from eyeshot.studies.sending import check_sendable
from eyeshot.train.budget import Budget
from eyeshot.train.recipe import Options

if TYPE_CHECKING:
    from eyeshot.train.dataset import Dataset
    from eyeshot.train.record import Record

DATA, SEEDS, BUDGET = "sample", 5, "3ep"
_SMALL_MACS = 2e9
"""Multiply-accumulates forward that a core trains on in some two seconds, in which a process imports PyTorch."""


@dataclass
class Study:
    """A plan with the networks that it trains, and once it was run the records of its trials.

    Attributes:
        networks: one per arm, as trained.
        factories: for each arm's label what makes its module.
        remarks: how designs were changed to be trained.
        directory: where plan, states and scores are kept.
        jobs: trials at once; as many as there are cores for unless given.
        records: in the order of ``plan.recipes()``.
        images: what is trained and tested on, in words.
        doubts: why the test images cannot show much, where they cannot.
    """

    plan: Plan
    networks: list[Network]
    factories: dict[str, Callable[[], Any]]
    remarks: list[str]
    directory: Path
    jobs: int | None = None
    records: list[Record] = field(default_factory=list)
    images: str = ""
    doubts: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Complain of a directory that holds another study or cannot be used."""
        check_owner(self.directory, self.plan, lambda text: None)

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to train."""
        return is_finished(self.directory, self.plan)

    def run(self, watcher: Watcher | None = None) -> None:
        """Train every arm with every seed, or what is left of that (see ``eyeshot.studies.run``)."""
        self.records = run(self.plan, self.factories, self.directory, jobs=self.jobs, watcher=watcher)

    def to_json(self) -> dict[str, Any]:
        """The plan, where it is kept, and how designs were changed."""
        notes = {"images": self.images, "doubts": self.doubts, "remarks": self.remarks}
        return {**self.plan.to_json(), "directory": str(self.directory), **notes}

    def rows(self) -> list[dict[str, Any]]:
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
            for record in self.records
        ]


def planned(
    models: Sequence[Any],
    input_shape: Any = None,
    *,
    data: str | Path | None = None,
    size: Any = None,
    seeds: int | None = None,
    budget: str | None = None,
    match: str | None = None,
    match_by: str | None = None,
    lr: float | None = None,
    batch_size: int | None = None,
    augment: str | None = None,
    directory: Path | None = None,
    jobs: int | None = None,
    command: tuple[str, ...] = (),
) -> Study:
    """Find the images, fit the designs to them, and write down what is to be trained.

    Args:
        models: names, notation, Networks or modules; a module's weights are drawn anew for every seed.
        input_shape: only as the images have it.
        data, size, seeds, budget, match, match_by, lr, batch_size, augment: as for ``eyeshot.compare``.
        directory: where the study is kept; ``runs/`` and its fingerprint unless given.
        jobs: trials at once; as many as there are cores for unless given.
        command: what was typed, for people.

    Raises:
        UsageError: a design, the images or an option cannot be used.
        MissingExtraError: PyTorch or SciPy is not installed.
    """
    spent, options = Budget.parse(budget or BUDGET), _options(lr, batch_size, augment)
    if seeds is not None and seeds < 1:
        raise UsageError(f"seeds {seeds}: needed is 1 or more")
    check_asked(match, match_by)
    _check_installed()
    from eyeshot.train.data import at_size, load

    named = at_size(str(data or DATA), size)
    dataset = load(named)
    if input_shape is not None and shape_given(input_shape, "a design that is trained") != dataset.shape:
        raise UsageError(
            f"input {'x'.join(map(str, input_shape))}: the images of {dataset.name} are"
            f" {'x'.join(map(str, dataset.shape))}; give no input when training"
        )
    arms, networks, factories, remarks = arms_of(models, dataset, match or "none", match_by)
    for arm in arms:
        _check_spendable(spent, arm, dataset, options)
    plan = Plan(
        arms=tuple(arms),
        seeds=tuple(range(seeds or SEEDS)),
        data=named,
        data_fingerprint=dataset.fingerprint,
        budget=spent,
        options=options,
        command=command,
    )
    return Study(
        plan,
        networks,
        factories,
        remarks,
        directory or plan.directory,
        jobs or _few_jobs(plan, dataset),
        images=dataset.words,
        doubts=dataset.doubts,
    )


def _few_jobs(plan: Plan, dataset: Dataset) -> int | None:
    """One trial at once where all of them take less than starting another process; None where cores decide."""
    macs = [
        (plan.budget.images(macs_per_image=arm.macs, train_size=len(dataset.train_images)) or math.inf) * arm.macs
        for arm in plan.arms
    ]
    return 1 if sum(macs) * len(plan.seeds) < _SMALL_MACS else None


def _options(lr: float | None, batch_size: int | None, augment: str | None) -> Options:
    chosen = {"learning_rate": lr, "batch_size": batch_size, "augment": augment}
    return Options(**{key: value for key, value in chosen.items() if value is not None})  # type: ignore[arg-type]


def _check_spendable(budget: Budget, arm: Arm, dataset: Dataset, options: Options) -> None:
    """Complain of a budget that buys too little or too much, before anything is printed of the plan."""
    size = len(dataset.train_images)
    images = budget.images(macs_per_image=arm.macs, train_size=size)
    if images is not None and images < min(options.batch_size, size):
        raise UsageError(
            f"budget {budget}: {images} image{'s' * (images > 1)} for {arm.label}, less than one batch of"
            f" {options.batch_size}; give more, or a smaller batch size"
        )


def _check_installed() -> None:
    """Complain before anything is computed, since training ends with statistics."""
    from importlib.util import find_spec

    for library in ("torch", "scipy"):
        if find_spec(library) is None:
            raise MissingExtraError("training designs side by side", library, "train")


def arms_of(
    models: Sequence[Any], dataset: Dataset, quantity: str, by: str | None = None
) -> tuple[list[Arm], list[Network], dict[str, Callable[[], Any]], list[str]]:
    """For each model its arm, its network fitted to the images, what makes its module, and how it was changed."""
    arms: list[Arm] = []
    networks: list[Network] = []
    factories: dict[str, Callable[[], Any]] = {}
    remarks: list[str] = []
    for model in models:
        name = _name(model)
        label = _label(name, [arm.label for arm in arms])
        target = getattr(totals(networks[0]), quantity) if arms and quantity != "none" else None
        with naming(name), _fitting(dataset):
            if target is not None:
                check_changeable(model)
            if not isinstance(model, str) or is_module_name(model):
                name, network, factory, text = _of_module(model, name, dataset, quantity, target, by)
            else:
                check_typed(model)
                network, factory, text = _of_design(model, label, dataset, quantity, target)
            check_sendable(factory, name)
        networks.append(network)
        remarks += [f"{label}: {text}"] if text else []
        factories[label] = factory
        cost = totals(network)
        arms.append(
            Arm(label=label, design=name, macs=cost.macs, params=cost.params, network_fingerprint=fingerprint(network))
        )
    return arms, networks, factories, remarks


@contextmanager
def _fitting(dataset: Dataset) -> Iterator[None]:
    """A design or module that cannot take the images is said not to."""
    try:
        yield
    except (ShapeError, ReadError) as error:
        shape = "×".join(map(str, dataset.shape))
        raise error.of(f"it does not take the images of {dataset.name}, which are {shape}") from error


def fingerprint(network: Network) -> str:
    """Hash of a network's text, by which a study that goes on knows its designs again.

    The text tells what an op does and leaves out what it does by default, so that studies are found again by later
    versions that know more of nodes and ops.
    """
    return hashlib.sha256(write(network).encode()).hexdigest()


def _name(model: Any) -> str:
    """What tables and plans call a model."""
    if isinstance(model, str):
        return model
    return model.name if isinstance(model, Network) else type(model).__name__


def _label(name: str, taken: list[str]) -> str:
    """A name unlike those of the arms before; the same design twice is a test of the test."""
    label, count = name.lower() if name.lower() in entries() else name, 2
    while label in taken:
        label, count = f"{name} ({count})", count + 1
    return label


def _of_module(
    model: Any, name: str, dataset: Dataset, quantity: str, target: int | None, by: str | None
) -> tuple[str, Network, Callable[[], Any], str]:
    """A module, what makes one or what one is built from: its name and network, what makes it, how it was changed."""
    if isinstance(model, Network):
        if model.input.shape[1:] != dataset.shape:
            shapes = ["x".join(map(str, shape)) for shape in (model.input.shape[1:], dataset.shape)]
            raise UsageError(f"its input is {shapes[0]}; the images of {dataset.name} are {shapes[1]}")
        return name, model, partial(_built, model), ""
    moves: tuple[str, ...] = ()
    text = ""
    if target is not None:
        found = match_module(model, dataset.shape, quantity=quantity, target=target, by=by)
        model, moves, network, text = found.model, found.moves, found.network, f"trained with {found.how}"
    elif isinstance(model, str):
        network = network_named(model, dataset.shape)
    else:
        from eyeshot.read.torch import read_module

        network = read_module(model, dataset.shape, name=name, source="torch")
    if isinstance(model, str):
        return model, network, partial(_loaded, model, moves, dataset.shape), text
    from eyeshot.build.anew import drawn_anew

    changed = moved(model, moves, dataset.shape)
    drawn_anew(changed)  # complains now, not in a worker, of weights that nothing says how to draw
    return name, network, partial(drawn_anew, changed), text


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


def _loaded(model: str, moves: tuple[str, ...], input_shape: tuple[int, ...]) -> Any:
    """A new module that a name stands for, its weights drawn anew, with moves made on it."""
    from eyeshot.read.pretrained import drawn_module

    return moved(drawn_module(model), moves, input_shape)
