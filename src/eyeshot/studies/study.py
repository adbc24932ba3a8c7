"""From models that are to be compared to a plan of their training, and from the plan to the records of its trials."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.design.match import UNMATCHED
from eyeshot.design.matched import check_asked
from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.network.graph import Network
from eyeshot.read.inputs import shape_given
from eyeshot.studies.arms import Made, arms_of, check_trainable
from eyeshot.studies.artefacts import Artefacts, artefacts_at
from eyeshot.studies.asked import At, as_asked, nowhere
from eyeshot.studies.display import Watcher
from eyeshot.studies.engines import Engine
from eyeshot.studies.kept import check_owner, is_finished, records_in
from eyeshot.studies.plan import Arm, Plan
from eyeshot.studies.processes import Processes
from eyeshot.studies.run import run
from eyeshot.train.budget import Budget
from eyeshot.train.device import device_for, precision_for
from eyeshot.train.measures import column_of, known, measures_named
from eyeshot.train.recipe import Options, check_seed

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
        engine: what trains.
        records: in the order of ``plan.recipes()``.
        images: what is trained and tested on, in words.
        artefacts: where else its files are kept.
        doubts: what is odd about the images, and why those to test on cannot show much, where they cannot.
    """

    plan: Plan
    networks: list[Network]
    factories: dict[str, Callable[[], Any]]
    remarks: list[str]
    directory: Path
    engine: Engine
    records: list[Record] = field(default_factory=list)
    images: str = ""
    doubts: list[str] = field(default_factory=list)
    artefacts: Artefacts | None = None

    def check(self) -> None:
        """Complain of a directory that holds another study or cannot be used."""
        check_owner(self.directory, self.plan, lambda text: None)

    def left(self) -> dict[str, int]:
        """How many trainings of each arm are not done; nothing is written.

        Raises:
            UsageError: the directory is another study's.
        """
        if self.directory.exists():
            self.check()
        recipes = self.plan.recipes()
        waiting = Counter(
            recipe.label
            for recipe, done in zip(recipes, records_in(self.directory, self.plan), strict=True)
            if not done
        )
        return {arm.label: waiting[arm.label] for arm in self.plan.arms}

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to train."""
        return is_finished(self.directory, self.plan)

    def run(self, watcher: Watcher | None = None) -> None:
        """Train every arm with every seed, or what is left of that (see ``eyeshot.studies.run``)."""
        self.records = run(
            self.plan,
            self.factories,
            self.directory,
            engine=self.engine,
            artefacts=self.artefacts,
            watcher=watcher,
            networks=self.networks,
        )

    def to_json(self) -> dict[str, Any]:
        """The plan, where it is kept, and how designs were changed."""
        notes = {"images": self.images, "doubts": self.doubts, "remarks": self.remarks}
        return {**self.plan.to_json(), "directory": str(self.directory), **notes}

    def rows(self) -> list[dict[str, Any]]:
        """One plain record per trial."""
        return rows(self.records)


def rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """One plain record per trial, with all that is measured of any."""
    trained = list(records)
    keys = known({key: None for record in trained for key in record.measures})
    return [
        {
            "arm": record.recipe.label,
            "seed": record.recipe.seed,
            "score": record.score,
            "seconds": record.seconds,
            "images": record.images,
            "images_per_second": record.images_per_second,
            "diverged": record.is_diverged,
            **{column_of(key): record.measures.get(key) for key in keys},
        }
        for record in trained
    ]


def planned(
    models: Sequence[Any],
    input_shape: Any = None,
    *,
    data: str | Path | None = None,
    size: Any = None,
    seeds: int | Sequence[int] | None = None,
    budget: str | None = None,
    match: str | None = None,
    match_by: str | None = None,
    lr: float | None = None,
    batch_size: int | None = None,
    augment: str | None = None,
    device: str | None = None,
    recipe: Mapping[str, Any] | None = None,
    measures: Sequence[str] | None = None,
    directory: Path | None = None,
    artefacts: str | None = None,
    jobs: int | None = None,
    engine: Engine | None = None,
    command: tuple[str, ...] = (),
    at: At = nowhere,
    unmatched: str = UNMATCHED,
) -> Study:
    """Find the images, fit the designs to them, and write down what is to be trained.

    Args:
        models: names, notation, Networks, modules or ``Asked``; a module's weights are drawn anew for every seed.
        input_shape: only as the images have it.
        data, size, seeds, budget, match, match_by, lr, batch_size, augment, device: as for ``eyeshot.compare``; seeds
            may be listed.
        recipe: these three and the others of ``Options``, by the names that are typed for them.
        measures: what is measured beside accuracy, of ``eyeshot.train.measures``.
        directory: where the study is kept; ``runs/`` and its fingerprint unless given.
        artefacts: the address where its files are kept beside its directory; none unless given.
        jobs: trials at once; as many as there are cores for unless given.
        engine: what trains; processes of this machine unless given.
        command: what was typed, for people.
        at: where all this was written, for what is wrong with it.
        unmatched: how one writes there that costs need not agree.

    Raises:
        UsageError: a design, the images or an option cannot be used.
        MissingExtraError: PyTorch or SciPy is not installed.
    """
    with at("budget"):
        spent = Budget.parse(budget or BUDGET)
    typed = {"lr": lr, "batch_size": batch_size, "augment": augment, "device": device, **(recipe or {})}
    with at("recipe", "device"):
        device_of = device_for if engine is None else engine.device
        computes = device_of(typed["device"])
    with at("recipe"):
        options = options_of(typed | {"device": computes})
    with at("seeds"):
        drawn = _seeds(SEEDS if seeds is None else seeds)
    with at("match"):
        check_asked(match, match_by)
    measured = measures_asked(measures or (), at)
    with at("artefacts"):
        kept_at = artefacts_at(artefacts)
    for asked in map(as_asked, models):
        with at(*asked.path, "design"):
            check_trainable(asked.model)
    _check_installed()
    from eyeshot.train.data import at_size, load, named

    with at("size"):
        images = at_size(named(DATA if data is None else data) or DATA, size)
    with at("data" if size is None else "size"):
        dataset = load(images)
    with at("recipe", "mean"):
        options.check_channels(dataset.shape[0])
    if input_shape is not None and shape_given(input_shape, "a design that is trained") != dataset.shape:
        raise UsageError(
            f"input {'x'.join(map(str, input_shape))}: the images of {dataset.name} are"
            f" {'x'.join(map(str, dataset.shape))}; give no input when training"
        )
    made = arms_of(models, dataset, match or "none", match_by, at, unmatched)
    arms = tuple(_trained_as(each, typed, options) for each in made)
    with at("budget"):
        for arm in arms:
            _check_spendable(spent, arm, dataset, arm.options or options)
    with at("seeds"):
        plan = Plan(
            arms=arms,
            seeds=drawn,
            data=images,
            data_fingerprint=dataset.fingerprint,
            budget=spent,
            options=options,
            command=command,
            measures=measured,
        )
    return Study(
        plan,
        [each.network for each in made],
        {each.arm.label: each.factory for each in made},
        [each.remark for each in made if each.remark],
        directory or plan.directory,
        engine or Processes(jobs=_few_jobs(plan, dataset) if jobs is None else jobs),
        images=dataset.words,
        doubts=dataset.doubts,
        artefacts=kept_at,
    )


def measures_asked(names: Sequence[str], at: At) -> tuple[str, ...]:
    """Which of ``MEASURES`` are asked for; of one that there is not, ``at`` says where."""
    if isinstance(names, str):
        raise UsageError(f"measures {names!r}: needed is a list, such as [{names!r}]")
    for number, name in enumerate(names):
        with at("measures", number):
            measures_named([name])
    return measures_named(names)


def _seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    if not isinstance(seeds, int):
        for seed in seeds:
            check_seed(seed)
        return tuple(seeds)
    if seeds < 1:
        raise UsageError(f"seeds {seeds}: needed is 1 or more")
    return tuple(range(seeds))


SHORT = {"lr": "learning_rate", "batch": "batch_size"}
"""What is typed for some of ``Options``."""
RECIPE = (*SHORT, *(each.name for each in fields(Options) if each.name not in SHORT.values()))
"""What may be typed of a recipe."""
AUTO = "auto"
"""Typed for a precision: bfloat16 where what computes has it; the plan says which it is."""
FOR_ALL = ("device", "threads", "mean", "std")
"""What of it no arm has for itself: what computes, and what images are to it."""


def options_of(typed: Mapping[str, Any]) -> Options:
    """How to train, by the words that are typed for it; those that are None are left as they usually are."""
    values: dict[str, Any] = {
        SHORT.get(key, key): tuple(value) if isinstance(value, list) else value
        for key, value in typed.items()
        if value is not None
    }
    if values.get("precision") == AUTO:
        values["precision"] = precision_for(values.get("device"))
    try:
        return Options(**values)
    except UsageError as error:
        raise UsageError(as_typed(error.said, typed)) from None


def as_typed(complaint: str, typed: Iterable[str]) -> str:
    """What ``Options`` says of one of its values, with the word that was typed for it.

    >>> as_typed("learning_rate -1.0: needed is a number more than 0", ["lr"])
    'lr -1.0: needed is a number more than 0'
    """
    name, space, says = complaint.partition(" ")
    return next((key for key in typed if SHORT.get(key) == name), name) + space + says


def _trained_as(made: Made, typed: Mapping[str, Any], options: Options) -> Arm:
    """An arm with how it is trained, where that is not as all are."""
    own = options_of({**typed, **made.recipe, "device": options.device})
    return made.arm if own == options else replace(made.arm, options=own)


def _few_jobs(plan: Plan, dataset: Dataset) -> int | None:
    """One trial at once on a GPU, or where all take less than starting another process; None where cores decide."""
    if plan.options.device is not None:
        return 1
    macs = [
        (plan.budget.images(macs_per_image=arm.macs, train_size=len(dataset.train_images)) or math.inf) * arm.macs
        for arm in plan.arms
    ]
    return 1 if sum(macs) * len(plan.seeds) < _SMALL_MACS else None


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
