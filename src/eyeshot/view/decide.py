"""What the page's tab of advice is drawn from: findings, objects over maps, and each move's before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eyeshot.analyse.inspection import Layer
from eyeshot.analyse.objects import Range
from eyeshot.design.advise import Finding
from eyeshot.design.effects import effect
from eyeshot.design.rewriting import Step
from eyeshot.report.advice import Bin, effect_record, record, suits_words
from eyeshot.report.published import evidence_sentences
from eyeshot.report.rewriting import changed, words
from eyeshot.report.wording import field_size, op_words, times

Moved = tuple[Sequence[Step], str | None]
"""Steps that were made and read back, and the command that makes them."""


def decide_of(
    findings: Sequence[Finding],
    maps: Sequence[Range],
    ends: tuple[float, float] | None,
    bins: Sequence[Bin],
    left_out: Mapping[str, int],
    moves: Mapping[str, Moved],
    reasons: Mapping[str, str],
) -> dict[str, Any]:
    """The entry of one design, ready for json.dumps.

    Args:
        findings: as ``advise`` gives them.
        maps: the last maps before the outputs.
        ends: the smallest and the largest object in pixels; None where none were given.
        bins: annotated objects by size.
        left_out: objects that were left out, by reason.
        moves: what was made of each move that applies, by move.
        reasons: why others do not apply, by move.
    """
    return {
        "findings": [_finding(each) for each in findings],
        "maps": [{"layer": m.layer, "stride": m.stride, "field": m.field, "used": m.used} for m in maps],
        "ends": None if ends is None else list(ends),
        "bins": [{"low": each.low, "share": each.share, "suits": suits_words(each)} for each in bins],
        "left_out": dict(left_out),
        "moves": [_moved(move, steps, command) for move, (steps, command) in moves.items()],
        "reasons": dict(reasons),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    told = record(finding, [None] * len(finding.moves))
    moves = [{key: value for key, value in each.items() if key != "command"} for each in told["moves"]]
    trained = evidence_sentences(finding.kind)
    return {key: told[key] for key in ("kind", "layers", "says", "cure")} | {"published": trained, "moves": moves}


def _moved(move: str, steps: Sequence[Step], command: str | None) -> dict[str, Any]:
    return {
        **effect_record(effect(move, steps[0].before, steps[-1].after)),
        "command": command,
        "says": ["".join(text for text, _ in line).strip() for step in steps for line in words(step)],
        "rows": [_row(*change) for change in changed(steps)],
    }


def _row(name: str, old: Layer | None, chain: Sequence[Layer]) -> list[Any]:
    """A layer's name; what it was and is now, in words; field, params, MACs and elements written, before and after."""
    was = None if old is None else (op_words(old.node.op), times(old.out))
    now = (", ".join(op_words(layer.node.op) for layer in chain), times(chain[-1].out)) if chain else None
    before = [] if old is None else [old]
    sums = [
        [sum(getattr(layer, cost) for layer in layers) for layers in (before, chain)]
        for cost in ("params", "macs", "activations")
    ]
    fields = [field_size(layers[-1].field) if layers else None for layers in (before, chain)]
    return [name, was, now, fields, *sums]
