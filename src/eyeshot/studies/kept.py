"""What a study's directory holds: its plan and the records of the trials that came to their end."""

from __future__ import annotations

import json
from pathlib import Path

from eyeshot.errors import UsageError
from eyeshot.studies.plan import Plan
from eyeshot.train.directory import finished
from eyeshot.train.record import Record


def kept(directory: Path) -> tuple[Plan, list[Record]]:
    """The plan of a study and what is trained of it.

    Raises:
        UsageError: the directory holds no study, or nothing of it is trained.
    """
    path = directory / "plan.json"
    try:
        plan = Plan.from_json(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise UsageError(
            f"{directory} holds no study: it has no plan.json (eyeshot compare --train makes one)"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UsageError(f"{path} cannot be read as a study's plan: {error}") from error
    trials = [finished(directory / plan.place(recipe), notice=lambda text: None) for recipe in plan.recipes()]
    records = [record for record in trials if record is not None]
    if not records:
        raise UsageError(f"{directory}: none of the {len(trials)} trainings there came to its end")
    return plan, records
