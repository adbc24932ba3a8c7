"""What is wrong with a network for its image and objects, and what mends it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.api.report import Report

if TYPE_CHECKING:
    from eyeshot.analyse.objects import Range
    from eyeshot.design.advise import Finding

SCHEMA = "eyeshot.advice/1"


class Advice(Sequence["Finding"]):
    """Findings, by the share of MACs that each concerns; none where nothing is wrong.

    Attributes:
        report: what the network sees and costs.
        maps: the last maps before its outputs.
        objects: the shorter and longer sides of annotated objects in pixels of the input; None without annotations.
        left_out: objects that were left out, by reason.
    """

    def __init__(self, model: Any, report: Report, findings: Sequence[Finding], maps: Sequence[Range]) -> None:
        self._model, self.report, self._findings, self.maps = model, report, tuple(findings), tuple(maps)
        self.objects: tuple[Sequence[float], Sequence[float]] | None = None
        self.left_out: dict[str, int] = {}

    def __getitem__(self, index: Any) -> Any:
        return self._findings[index]

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def __repr__(self) -> str:
        return f"<Advice on {self.report.network.name}: {', '.join(each.kind for each in self) or 'nothing is wrong'}>"

    def commands(self, finding: Finding) -> list[str]:
        """What tries each of a finding's moves: a command, or Python for a module that has no name."""
        shape = self.report.network.input.shape[1:]
        if not isinstance(self._model, str):
            return [f"eyeshot.rewrite(model, {effect.move!r}, input_shape={tuple(shape)})" for effect in finding.moves]
        size = "x".join(map(str, shape))
        return [
            " ".join(map(shlex.quote, ["eyeshot", "rewrite", self._model, effect.move, "--input", size]))
            for effect in finding.moves
        ]

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.advice/1."""
        from eyeshot.report.advice import record

        network = self.report.network
        return {
            "schema": SCHEMA,
            "network": {"name": network.name, "source": network.source, "input": list(network.input.shape[1:])},
            "outputs": [{"layer": m.layer, "stride": m.stride, "field": m.field, "used": m.used} for m in self.maps],
            "left_out": dict(self.left_out),
            "findings": [record(finding, self.commands(finding)) for finding in self],
        }


def advise(
    model: Any, input_shape: Any = None, *, objects: Any = None, trained_at: Any = None, example: Any = None
) -> Advice:
    """What is wrong with a model for its image and objects, each finding with numbers and the moves that mend it.

    Args:
        model, input_shape, example: as for ``inspect``.
        objects: sizes of objects in pixels, "32-180" or (32, 180); or a COCO file, or a folder of VOC's XML, of YOLO's
            text, or of masks.
        trained_at: the input that it was trained on, where that is another size.

    Raises:
        UsageError: the objects are none.
        DataError: annotations cannot be read.

    Example:
        >>> [finding.kind for finding in advise("resnet18", (3, 32, 32))][0]
        'stem-too-coarse'
    """
    from eyeshot.analyse.objects import ranges
    from eyeshot.api.verbs import inspect
    from eyeshot.design.advise import advise as findings

    report = inspect(model, input_shape, example=example)
    trained = None if trained_at is None else inspect(model, trained_at)
    sizes, left_out = _sizes(objects, report.network.extent)
    is_range = left_out is None
    advice = Advice(model, report, findings(report, sizes, trained, is_range=is_range), ranges(report))
    advice.objects, advice.left_out = None if is_range else sizes, left_out or {}
    return advice


def _sizes(
    objects: Any, extent: tuple[int, ...]
) -> tuple[tuple[Sequence[float], Sequence[float]] | None, dict[str, int] | None]:
    """Sides of objects, and what was left out; None for that where they are the ends of a range."""
    import re

    from eyeshot.errors import UsageError

    if objects is None:
        return None, {}
    text = "-".join(map(str, objects)) if isinstance(objects, tuple | list) else str(objects)
    match = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,6})?)(?:\s*[-–]\s*(\d{1,6}(?:\.\d{1,6})?))?\s*", text)
    if match:
        ends = [float(match[1]), float(match[2] or match[1])]
        if not 0 < ends[0] <= ends[1]:
            raise UsageError(f"objects {text!r}: give the smallest and the largest size in pixels, such as 32-180")
        return (ends, ends), None
    from eyeshot.read.annotations.finding import boxes_at

    if len(extent) != 2:
        raise UsageError(f"annotations are of images; this network's input has {len(extent)} axes")
    boxes = boxes_at(Path(text), (extent[0], extent[1]))
    return (boxes.shorter, boxes.longer), dict(boxes.left_out)
