"""Norms of Flax and Equinox, which programs have in parts: all that one call of such a module made is one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eyeshot.network.ops import Aggregate, Norm
from eyeshot.read.jax.values import Draft
from eyeshot.read.steps import CallSite

_MODES = {
    "BatchNorm": "batch", "LayerNorm": "layer", "GroupNorm": "group", "InstanceNorm": "instance", "RMSNorm": "rms",
}  # fmt: skip


def put_together(drafts: Sequence[Draft], results: Sequence[Draft], modules: Mapping[CallSite, str]) -> None:
    """Make one step of each call of a norm that has one input and one output of its shape."""
    calls: dict[CallSite, list[Draft]] = {}
    for draft in drafts:
        if modules.get(draft.place) in _MODES:
            calls.setdefault(draft.place, []).append(draft)
    if not calls:
        return
    readers: dict[Draft, list[Draft | None]] = {result: [None] for result in results}
    for draft in drafts:
        for source in draft.inputs:
            readers.setdefault(source, []).append(draft)
    for site, parts in calls.items():
        _one_norm(parts, readers, _MODES[modules[site]])


def _one_norm(parts: Sequence[Draft], readers: Mapping[Draft, Sequence[Draft | None]], mode: str) -> None:
    inner = set(parts)
    outside = {source for part in parts for source in part.inputs} - inner
    ends = [part for part in parts if any(reader not in inner for reader in readers.get(part, ()))]
    if len(outside) != 1 or len(ends) != 1:
        return
    (x,), (end,) = outside, ends
    op = _norm(parts, x, mode) if end.shape == x.shape else None
    if op is None:
        return
    end.weights = frozenset[str]().union(*(part.weights for part in parts))
    end.op, end.inputs, end.operands = op, [x], (x,)


def _norm(parts: Sequence[Draft], x: Draft, mode: str) -> Norm | None:
    """The norm whose statistics are what its parts sum over; none where those are of another shape."""
    sums = [part for part in parts if isinstance(part.op, Aggregate)]
    axes: set[int] = set()
    for part in sums:
        assert isinstance(part.op, Aggregate)
        if mode == "group":
            continue
        if part.inputs[0].shape != x.shape:
            return None
        axes.update(part.op.axes)
    if mode == "group" and sums:
        groups = 1
        for n in sums[0].shape[1:]:
            groups *= n
        if groups < 1 or x.shape[1] % groups:
            return None
        return Norm(mode=mode, statistics=tuple(range(1, len(x.shape))), groups=groups)
    return Norm(mode=mode, statistics=tuple(sorted(axes)))
