"""What a study's directory holds: its plan, its networks and the records of the trials that came to their end.

The records say themselves what was trained, so that a study outlives its plan: one that is damaged or gone is told of
and made again from them. Networks are kept as text, since a module that was given as an object has no name that makes
it again, and a file of code may change; its hash, which the plan has, tells whether a text is the one trained.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from eyeshot import opening
from eyeshot.documents import reason, unsealed
from eyeshot.errors import ReadError, RunError, UsageError
from eyeshot.garbage import uncollected
from eyeshot.network.graph import Network
from eyeshot.network.text import parse, write
from eyeshot.studies.index import Index
from eyeshot.studies.plan import Arm, Plan, folder
from eyeshot.train import directory as files
from eyeshot.train.directory import RECORD, finished, record_in, told_apart, write_sealed
from eyeshot.train.record import Record

PLAN, NETWORK = "plan.json", "network.txt"

Notice = Callable[[str], None]


def kept(directory: Path, notice: Notice) -> tuple[Plan, list[Record]]:
    """The plan of a study and what is trained of it; nothing is written.

    Args:
        notice: told of what is damaged and of what is not used.

    Raises:
        UsageError: the directory holds no study, or nothing of it is trained.
    """
    plan = plan_of(directory, notice)
    trials = records_in(directory, plan, notice)
    records = [record for record in trials if record is not None]
    if not records:
        raise UsageError(f"{directory}: none of the {len(trials)} trainings there came to its end")
    return plan, records


def plan_of(directory: Path, notice: Notice) -> Plan:
    """The plan of a study; where it is damaged, what its records tell of it.

    Raises:
        UsageError: the directory holds no study.
    """
    try:
        return _plan_in(directory)
    except (OSError, ValueError) as error:
        plan = _told_by_records(directory)
        if plan is None and isinstance(error, FileNotFoundError):
            raise UsageError(
                f"{directory} holds no study: it has no {PLAN} (eyeshot study and compare --train make one)"
            ) from None
        if plan is None:
            raise UsageError(
                f"{directory / PLAN} cannot be read as a study's plan ({reason(error)}),"
                " and no training there came to its end"
            ) from None
        notice(f"{directory / PLAN}: cannot be read ({reason(error)}); what was planned is taken from the records")
        return plan


def check_owner(directory: Path, plan: Plan, notice: Notice) -> Plan | None:
    """The plan that a directory holds, seeds aside the same as this one; None where there is none yet.

    Where the plan there cannot be read the records say whose the directory is.

    Raises:
        UsageError: the directory belongs to another study.
        RunError: it cannot be used.
    """
    former: Plan | None
    try:
        directory.mkdir(parents=True, exist_ok=True)
        former = _plan_in(directory)
    except FileNotFoundError:
        former = _covered(directory, plan)
        if former is not None:
            notice(f"{directory / PLAN}: is gone; it is written anew")
    except OSError as error:
        raise RunError(f"{directory}: cannot be used ({reason(error)}); give another directory") from error
    except ValueError as error:
        former = _covered(directory, plan)
        notice(f"{directory / PLAN}: cannot be read ({reason(error)}); it is written anew")
    if former is not None and former.identity != plan.identity:
        raise _another(directory, "; ".join(former.differences(plan)))
    return former


def claim(directory: Path, plan: Plan, notice: Notice) -> None:
    """Write the plan down; where it was already, with the seeds that it gains."""
    former = check_owner(directory, plan, notice)
    whole = plan if former is None else former.extended(plan)
    if whole != former or not _is_readable(directory):
        write_sealed(directory / PLAN, whole.to_json())


def keep_networks(directory: Path, plan: Plan, networks: Sequence[Network]) -> None:
    """Write down the networks of a plan's arms, those that are not there yet.

    Raises:
        RunError: they cannot be written.
    """
    for arm, network in zip(plan.arms, networks, strict=True):
        path = directory / plan.place_of(arm) / NETWORK
        if network_kept(directory, plan, arm) is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write(path, write(network).encode())


def network_kept(directory: Path, plan: Plan, arm: Arm) -> Network | None:
    """The network of an arm as it was trained; None where it was not written down, or is another one's now."""
    try:
        content = opening.read(directory / plan.place_of(arm) / NETWORK)
        if hashlib.sha256(content).hexdigest() != arm.network_fingerprint:
            return None
        return parse(content.decode())
    except (OSError, ReadError):
        return None


def is_finished(directory: Path, plan: Plan) -> bool:
    """Whether every trial of a plan was trained and measured already in a directory that is the plan's own."""
    return all(record is not None and record.has(plan.measures) for record in records_in(directory, plan))


def records_in(
    directory: Path, plan: Plan, notice: Notice = lambda text: None, index: Index | None = None
) -> list[Record | None]:
    """The record of each of a plan's recipes, None where there is none to be believed.

    Args:
        index: that of the directory, where it is read already.
    """
    known = Index(directory, plan) if index is None else index
    with uncollected():
        return [
            known.record(recipe) or finished(directory / plan.place(recipe), recipe, notice)
            for recipe in plan.recipes()
        ]


def _plan_in(directory: Path) -> Plan:
    return Plan.from_json(unsealed(opening.read(directory / PLAN)))


def _is_readable(directory: Path) -> bool:
    try:
        _plan_in(directory)
    except (OSError, ValueError):
        return False
    return True


def _covered(directory: Path, plan: Plan) -> Plan | None:
    """This plan with the seeds that were trained already; None where nothing was.

    Raises:
        UsageError: what was trained is none of this plan's.
    """
    seeds: list[int] = []
    for _, record in _records(directory):
        recipe = record.recipe
        ours = dataclasses.replace(plan, seeds=(recipe.seed,)).recipes()
        if recipe not in ours:
            near = next((each for each in ours if each.label == recipe.label), ours[0])
            raise _another(directory, told_apart(recipe, near))
        seeds.append(recipe.seed)
    return dataclasses.replace(plan, seeds=tuple(sorted(set(seeds)))) if seeds else None


def _told_by_records(directory: Path) -> Plan | None:
    """What was planned, as far as records in their places tell; without the arms' parameters."""
    arms: dict[int, Arm] = {}
    seeds: set[int] = set()
    first = None
    for number, record in _records(directory):
        recipe = record.recipe
        first = first or recipe
        seeds.add(recipe.seed)
        arms[number] = Arm(
            label=recipe.label,
            design=recipe.design,
            macs=recipe.macs,
            params=0,
            network_fingerprint=recipe.network_fingerprint,
            options=None if recipe.options == first.options else recipe.options,
        )
    if first is None:
        return None
    return Plan(
        arms=tuple(arms[number] for number in sorted(arms)),
        seeds=tuple(sorted(seeds)),
        data=first.data,
        data_fingerprint=first.data_fingerprint,
        budget=first.budget,
        options=first.options,
    )


def _records(directory: Path) -> Iterator[tuple[int, Record]]:
    """The records that lie where they belong, with their arms' numbers."""
    for path in sorted(directory.glob(f"*/seed-*/{RECORD}")):
        try:
            record = record_in(path.parent)
        except (OSError, ValueError):
            continue  # told of once it is needed
        number = re.match(r"\d+", path.parent.parent.name)
        label, seed = record.recipe.label, record.recipe.seed
        if number is not None and directory / folder(int(number[0]), label) / f"seed-{seed}" == path.parent:
            yield int(number[0]), record


def _another(directory: Path, how: str) -> UsageError:
    return UsageError(f"{directory}: holds another study ({how}); give another directory")
