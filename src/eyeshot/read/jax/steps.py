"""From drafts to the steps that all readers record: weights at their first use, names where the model has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eyeshot.network.graph import Memory
from eyeshot.network.ops import Conv, ConvTranspose, Input, Linear, Norm
from eyeshot.read.jax.values import Draft
from eyeshot.read.steps import CallSite, Step


@dataclass
class Record:
    """Steps in order, and which of them each draft became."""

    steps: list[Step] = field(default_factory=list)
    of: dict[Draft, Step] = field(default_factory=dict)
    memory: dict[Step, Memory] = field(default_factory=dict)


def steps_of(drafts: Sequence[Draft], sizes: Mapping[str, int]) -> Record:
    """The steps of drafts; ``sizes`` are those of the weights, each counted where it is used first."""
    record, used = Record(), set[str]()
    is_named = any(draft.place.path for draft in drafts)
    places = [draft.place for draft in drafts] if is_named else _numbered(drafts)
    for draft, place in zip(drafts, places, strict=True):
        fresh = draft.weights - used
        used |= fresh
        step = Step(
            draft.op,
            tuple(record.of[source] for source in draft.inputs),
            draft.shape,
            sum(sizes.get(path, 0) for path in fresh),
            place,
            draft.line,
            bool(draft.weights),
        )
        record.steps.append(step)
        record.of[draft] = step
    return record


def _numbered(drafts: Sequence[Draft]) -> list[CallSite]:
    """Names of a function's steps: layers with weights are numbered through, others have the number of the last one."""
    number, places = 0, []
    for draft in drafts:
        kind = draft.op.kind
        if isinstance(draft.op, Conv | ConvTranspose | Linear):
            number += 1
            kind = "fc" if isinstance(draft.op, Linear) else "conv"
        elif isinstance(draft.op, Norm):
            kind = "norm"
        is_input = isinstance(draft.op, Input)
        places.append(CallSite() if is_input else CallSite(f"{kind}{number}" if number else kind, is_leaf=True))
    return places
