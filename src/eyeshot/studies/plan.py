"""What a study will do, written down before it starts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

from eyeshot.documents import converted
from eyeshot.errors import UsageError
from eyeshot.train.directory import apart, differences
from eyeshot.train.measures import measures_named
from eyeshot.train.recipe import Budget, Options, Recipe, with_budget

SCHEMA = "eyeshot.plan/1"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One design of a study."""

    label: str
    """What tables call it; unlike every other arm's."""
    design: str
    """What names the network: notation, a zoo's name or a model's path."""
    macs: int
    """Multiply-accumulates of one image's forward pass."""
    params: int
    """Trainable parameters."""
    network_fingerprint: str = ""
    """Hash of the network's text, where the caller has one."""
    options: Options | None = None
    """How it is trained, where that is not as the plan says for all."""

    def to_json(self) -> dict[str, Any]:
        """As plain values; options of its own are left out where there are none, as before there was such a choice."""
        values = dataclasses.asdict(self)
        own = values.pop("options")
        return values if own is None else {**values, "options": self.options and self.options.to_json()}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Arms and seeds that are trained under one budget, with the same images in the same order."""

    arms: tuple[Arm, ...]
    """The first is the one that the others are compared to."""
    seeds: tuple[int, ...]
    data: str
    """What was typed to name the images."""
    data_fingerprint: str
    """`Dataset.fingerprint`."""
    budget: Budget
    options: Options = field(default_factory=Options)
    command: tuple[str, ...] = ()
    """The command as typed; kept for people, no part of what makes two plans the same."""
    measures: tuple[str, ...] = ()
    """What is measured beside accuracy once a trial is trained; no part of that either, since one more needs no
    training."""

    def __post_init__(self) -> None:
        labels = [arm.label for arm in self.arms]
        parts: tuple[tuple[str, list[Any]], ...] = (("arm", labels), ("seed", list(self.seeds)))
        for what, values in parts:
            if not values:
                raise UsageError(f"a study without any {what}; give one at least")
            value, times = Counter(values).most_common(1)[0]
            if times > 1:
                raise UsageError(f"{what} {value!r} occurs {times} times; give each {what} once")

    @property
    def identity(self) -> str:
        """Twelve hex digits that two plans share when their trials belong together: more seeds extend a study."""
        values = {key: value for key, value in self.to_json().items() if key not in ("command", "seeds", "measures")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def directory(self) -> Path:
        """Where the study goes when the user names no place: the same command finds it again."""
        return Path("runs") / self.identity

    def terms(self) -> str:
        """On what terms the arms are compared, in a sentence."""
        return f"On {self.words}."

    @property
    def words(self) -> str:
        """The same without a sentence around it."""
        seeds = f"{len(self.seeds)} seed" + "s" * (len(self.seeds) > 1)
        precision = ", in bfloat16" if self.options.precision == "bf16" else ""
        each = f"{seeds}, {self.budget.describe()} each{precision}"
        return f"{self.data}, {each}; same images in the same order for every design"

    def differences(self, other: Plan) -> list[str]:
        """Why the trials of another plan do not belong to this one: a line per difference, arms by their names."""
        unlike: list[str] = []
        for number, (there, here) in enumerate(zip_longest(self.arms, other.arms), start=1):
            if there is None or here is None or there.label != here.label:
                labels = [f"{arm.label!r}" if arm else "none" for arm in (there, here)]
                unlike.append(f"arm {number}: {apart(*labels)}")
            else:
                old, new = there.to_json(), here.to_json()
                unlike += differences(old, new, f"arm {there.label!r}: ")
        same: dict[str, Any] = dict.fromkeys(("arms", "seeds", "command", "measures"))
        old, new = ({**plan.to_json(), **same} for plan in (self, other))
        return [*unlike, *differences(old, new)]

    def extended(self, other: Plan) -> Plan:
        """This plan with the seeds and the measures of another one too."""
        seeds = tuple(dict.fromkeys((*self.seeds, *other.seeds)))
        return dataclasses.replace(self, seeds=seeds, measures=measures_named((*self.measures, *other.measures)))

    def recipes(self) -> list[Recipe]:
        """One per seed and arm, the arms of a seed next to each other: an early end leaves whole pairs."""
        return [self.recipe(arm, seed) for seed in self.seeds for arm in self.arms]

    def recipe(self, arm: Arm, seed: int) -> Recipe:
        """What trains an arm with a seed."""
        return Recipe(
            label=arm.label,
            design=arm.design,
            network_fingerprint=arm.network_fingerprint,
            macs=arm.macs,
            seed=seed,
            data=self.data,
            data_fingerprint=self.data_fingerprint,
            budget=self.budget,
            options=arm.options or self.options,
        )

    def place(self, recipe: Recipe) -> Path:
        """A trial's directory inside the study's."""
        return Path(self.folder(recipe.label)) / f"seed-{recipe.seed}"

    def number(self, label: str) -> int:
        """An arm's, 1 for the first."""
        return self._numbers[label]

    def folder(self, label: str) -> str:
        """That of an arm's trials inside the study's."""
        return self._folders[label]

    def place_of(self, arm: Arm) -> Path:
        """An arm's directory inside the study's, which has its trials'."""
        return Path(self.folder(arm.label))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {arm.label: number for number, arm in enumerate(self.arms, start=1)}

    @cached_property
    def _folders(self) -> dict[str, str]:
        return {label: folder(number, label) for label, number in self._numbers.items()}

    def to_json(self) -> dict[str, Any]:
        """As plain values; `from_json` reads it back."""
        return {
            "schema": SCHEMA,
            "command": list(self.command),
            "arms": [arm.to_json() for arm in self.arms],
            "seeds": list(self.seeds),
            "data": self.data,
            "data_fingerprint": self.data_fingerprint,
            "budget": str(self.budget),
            "options": self.options.to_json(),
            "measures": list(self.measures),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote.

        Raises:
            ValueError: the values are no plan of this schema.
        """
        if values.get("schema") != SCHEMA:
            raise ValueError(f"schema {values.get('schema')!r}, needed is {SCHEMA!r}")
        return converted(with_budget(values), cls)


def folder(number: int, label: str) -> str:
    """The directory of an arm's trials inside its study's: the arm's number, 1 for the first, and name."""
    # A label may be a whole design in notation, which no file system takes as a name.
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-.")[:40]
    return f"{number}-{name}" if name else f"{number}"
