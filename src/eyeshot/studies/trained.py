"""The designs of a kept study as they were trained: made again from their names, and known by their fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eyeshot.design.match import QUANTITIES
from eyeshot.errors import DataError, EyeshotError, UsageError
from eyeshot.network.graph import Network
from eyeshot.studies.arms import arms_of
from eyeshot.studies.asked import Asked
from eyeshot.studies.kept import network_kept
from eyeshot.studies.plan import Arm, Plan
from eyeshot.train.data import load


def arms_named(plan: Plan, names: Sequence[str]) -> list[Arm]:
    """The arms that were trained under some names, in the order of the names; all of them where there is none.

    Raises:
        UsageError: a name is none of the study's.
    """
    by_name = {arm.design.lower(): arm for arm in reversed(plan.arms)}
    by_name |= {arm.label.lower(): arm for arm in plan.arms}  # unlike designs, labels are each one arm's
    for name in names:
        if name.lower() not in by_name:
            trained = " and ".join(arm.label for arm in plan.arms)
            raise UsageError(f"{name} was not trained in this study; it has {trained}")
    return [by_name[name.lower()] for name in names] or list(plan.arms)


def networks_of(plan: Plan, arms: Sequence[Arm], directory: Path) -> list[Network]:
    """The networks of some of a plan's arms: what was kept of them tells the same in less detail than their names.

    Raises:
        EyeshotError: the images are gone, or a name stands for no design or now for another, and nothing was kept.
    """
    try:
        return _made_again(plan, arms)
    except EyeshotError:
        networks = [network for arm in arms if (network := network_kept(directory, plan, arm)) is not None]
        if len(networks) < len(arms):
            raise
        return networks


def _made_again(plan: Plan, arms: Sequence[Arm]) -> list[Network]:
    try:
        dataset = load(plan.data)
    except DataError as error:
        raise error.of("the study's designs are made for its images") from None
    trained = [arm.network_fingerprint for arm in plan.arms]
    asked = [Asked(model=arm.design, label=arm.label) for arm in plan.arms]
    # What widths were scaled to agree in is not written down; the fingerprints tell.
    for quantity in ("none", *QUANTITIES):
        try:
            made = arms_of(asked, dataset, quantity)
        except UsageError:
            if quantity == "none":
                raise
            continue  # this is not what they agree in
        if [each.arm.network_fingerprint for each in made] == trained:
            return [made[plan.arms.index(arm)].network for arm in arms]
    raise UsageError("the names of the study's designs stand for other networks than those trained; train them again")
