"""Moves in words and as a document: what each keeps and changes, layer by layer, as announced and as read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import last_convolution
from eyeshot.design.rewriting import Step
from eyeshot.report.table import Column, Pieces, Table
from eyeshot.report.wording import NONE, field_size, listed, op_words, relative, short, times

SCHEMA = "eyeshot.rewrite/1"
_MOST_ROWS = 24


def document(steps: Sequence[Step], written: str | None) -> dict[str, Any]:
    """The document of schema eyeshot.rewrite/1; ``written`` is the design that came of it, None for a module."""
    before, origins = steps[0].before, _origins(steps)
    errors = {layer: error for step in steps for layer, error in step.errors.items()}
    return {
        "schema": SCHEMA,
        "network": {"name": before.network.name, "input": list(before.network.input.shape[1:])},
        "moves": [_move(step) for step in steps],
        "announced": _changed(before, steps[-1].announced, _renamed(origins, steps[-1])),
        "read_back": _changed(before, steps[-1].after, origins),
        "peak_activations": [each.totals.peak_activations for each in (before, steps[-1].after)],
        "exact": all(step.is_exact for step in steps),
        "error": errors or None,
        "design": written,
    }


def _move(step: Step) -> dict[str, Any]:
    return {
        "move": step.text,
        "does": step.move.does,
        "layers": list(step.plan.layers),
        "keeps": step.move.keeps,
        "changes": step.move.changes,
        "exact": step.is_exact,
        "ring": step.plan.ring,
        "weights": {swap.layer: swap.weights for swap in step.plan.swaps if swap.parts}
        | dict.fromkeys(step.refitted, "anew"),
        "says": list(says(step)),
    }


def _changed(before: Inspection, after: Inspection, origins: Mapping[str, str]) -> dict[str, Any]:
    layers = [
        {"layer": name, "before": None if old is None else _layer(old), "after": [_layer(layer) for layer in new]}
        for name, old, new in changes(before, after, origins)
    ]
    return {"layers": layers, "totals": {"before": _totals(before), "after": _totals(after)}}


def _layer(layer: Layer) -> dict[str, Any]:
    document = layer.to_dict()
    return {key: document[key] for key in ("name", "op", "out", "field", "params", "macs", "activations")}


def _totals(report: Inspection) -> dict[str, int]:
    return {"params": report.totals.params, "macs": report.totals.macs}


def _origins(steps: Sequence[Step]) -> dict[str, str]:
    """By the layers' names at the end what they were at the beginning."""
    origins = dict(steps[-1].origins)
    for step in reversed(steps[:-1]):
        origins = {name: step.origins.get(origin, origin) for name, origin in origins.items()}
    return origins


def _renamed(origins: Mapping[str, str], last: Step) -> dict[str, str]:
    """The same by the names as announced, which a design counts anew."""
    return dict(zip((n.name for n in last.announced.network), origins.values(), strict=True))


Change = tuple[str, Layer | None, list[Layer]]
"""A layer's name before, the layer, and what stands for it now."""


def changed(steps: Sequence[Step]) -> Iterator[Change]:
    """The layers of which something changed, from before the first move to after the last."""
    return changes(steps[0].before, steps[-1].after, _origins(steps))


def changes(before: Inspection, after: Inspection, origins: Mapping[str, str]) -> Iterator[Change]:
    """The layers of which something changed: op, shape, field, params or MACs; a layer that went has none after it."""
    chains: dict[str, list[Layer]] = {layer.name: [] for layer in before}
    for layer in after:
        chains.setdefault(origins[layer.name], []).append(layer)
    for name, chain in chains.items():
        old = before[name] if name in before.network else None
        if old is None or len(chain) != 1 or _told(old) != _told(chain[0]):
            yield name, old, chain


def _told(layer: Layer) -> tuple[object, ...]:
    return layer.node.op, layer.out, layer.field, layer.params, layer.macs


# --- in words -------------------------------------------------------------------------------------------------------


def says(step: Step) -> Iterator[str]:
    """What a user should know of a move, a sentence each."""
    if step.is_exact:
        ring = step.plan.ring
        rows = "outermost" if ring == 1 else f"outer {ring}"
        where = f", but for the {rows} rows and columns" if ring else ""
        yield f"what it computes stays the same{where}"
    new = [swap.layer for swap in step.plan.swaps if swap.weights == "anew" and swap.parts]
    if new:
        yield f"weights of {_some(new)} are drawn anew"
    if step.refitted:
        yield f"{_some(step.refitted)} read{'s' * (len(step.refitted) == 1)} other widths now: drawn anew"
    if step.errors:
        worst = max(step.errors, key=step.errors.__getitem__)
        least = min(step.errors.values())
        of = f"{least:.2%} to " if len(step.errors) > 1 else ""
        yield f"weights are fitted in least squares, off by {of}{step.errors[worst]:.2%} ({worst}) of their norm"
    yield from step.plan.says


def _some(names: Sequence[str]) -> str:
    return listed(names) if len(names) < 5 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def words(step: Step) -> Iterator[Pieces]:
    """A move's announcement: what it changes and keeps, and what else is to be known."""
    yield [(step.text, "strong"), (f" {step.move.does}: {_some(step.plan.layers)}", "")]
    yield [("  keeps    ", "dim"), (step.move.keeps, "")]
    yield [("  changes  ", "dim"), (step.move.changes, "")]
    for text in says(step):
        yield [("           ", ""), (text, "")]


def table(steps: Sequence[Step]) -> Table:
    """Layers before and after, those that were swapped and the last of each kind; and the totals."""
    before, after = steps[0].before, steps[-1].after
    swapped = {layer for step in steps for layer in (*step.plan.layers, *step.refitted)}
    marked = swapped | {layer.name for layer in (last_convolution(before), before.layers[-1]) if layer is not None}
    rows = [change for change in changed(steps) if change[0] in marked]
    result = Table(
        [
            Column(heading="layer", is_number=False, style="strong"),
            Column(heading="before", is_number=False, priority=2),
            Column(heading="after", is_number=False, priority=1),
            Column(heading="sees", is_number=False),
            Column(heading="params"),
            Column(heading="change", priority=4, style="dim"),
            Column(heading="MACs"),
            Column(heading="change", priority=3, style="dim"),
        ]
    )
    for name, old, chain in rows[:_MOST_ROWS]:
        result.add(*_row(name, old, chain))
    if len(rows) > _MOST_ROWS:
        result.rule(f"{len(rows) - _MOST_ROWS} more layers: --json has all")
    a, b = before.totals, after.totals
    result.rule()
    result.add(
        "total", "", "", "", f"{b.params:,}", relative(b.params, a.params), f"{b.macs:,}", relative(b.macs, a.macs)
    )
    return result


def _row(name: str, old: Layer | None, chain: Sequence[Layer]) -> list[str]:
    a = (0, 0) if old is None else (old.params, old.macs)
    b = sum(layer.params for layer in chain), sum(layer.macs for layer in chain)
    fields = [NONE if layer is None else field_size(layer.field) for layer in (old, chain[-1] if chain else None)]
    return [
        name,
        NONE if old is None else f"{op_words(old.node.op)} → {times(old.out)}",
        ", ".join(op_words(layer.node.op) for layer in chain) + f" → {times(chain[-1].out)}" if chain else "gone",
        fields[0] if fields[0] == fields[1] else " → ".join(fields),
        short(b[0]),
        relative(b[0], a[0]),
        short(b[1]),
        relative(b[1], a[1]),
    ]
