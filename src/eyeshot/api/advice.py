"""What is wrong with a network for its image and objects, and what mends it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.api.report import Report

if TYPE_CHECKING:
    from eyeshot.analyse.objects import Range
    from eyeshot.api.rewriting import Rewrite
    from eyeshot.design.advise import Finding, Sizes
    from eyeshot.report.advice import Bin

SCHEMA = "eyeshot.advice/1"


class Advice(Sequence["Finding"]):
    """Findings, by the share of MACs that each concerns; none where nothing is wrong.

    Attributes:
        report: what the network sees and costs.
        maps: the last maps before its outputs.
        objects: the shorter and longer sides of annotated objects in pixels of the input; None without annotations.
        ends: the smallest and the largest object; None where no objects were given.
        left_out: objects that were left out, by reason.
    """

    def __init__(
        self,
        model: Any,
        report: Report,
        findings: Sequence[Finding],
        maps: Sequence[Range],
        *,
        sizes: Sizes | None = None,
        left_out: dict[str, int] | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> None:
        self._model, self._asked = model, dict(asked or {})
        self.report, self._findings, self.maps = report, tuple(findings), tuple(maps)
        self.objects = None if left_out is None else sizes
        self.ends = None if sizes is None else (min(sizes[0]), max(sizes[1]))
        self.left_out = left_out or {}

    def __getitem__(self, index: Any) -> Any:
        return self._findings[index]

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def __repr__(self) -> str:
        return f"<Advice on {self.report.network.name}: {', '.join(each.kind for each in self) or 'nothing is wrong'}>"

    def command(self, move: str) -> str | None:
        """What tries a move: a command, or Python for a module that has no name; None for what is only read."""
        shape = self.report.network.input.shape[1:]
        if self.is_only_read:
            return None
        if not isinstance(self._model, str):
            return f"eyeshot.rewrite(model, {move!r}, input_shape={tuple(shape)})"
        size = "x".join(map(str, shape))
        return " ".join(map(shlex.quote, ["eyeshot", "rewrite", self._model, move, "--input", size]))

    @property
    def is_only_read(self) -> bool:
        """Whether the model is of a kind that moves do not change, but what it was made from."""
        from eyeshot.network.graph import Network

        return isinstance(self._model, Network | Report) or self.report.network.source in ("onnx", "keras", "jax")

    @cached_property
    def bins(self) -> list[Bin]:
        """Annotated objects by size, each with the maps that suit it; none where a range was given."""
        from eyeshot.report.advice import binned

        return [] if self.objects is None else binned(*self.objects, self.maps)

    @cached_property
    def tried(self) -> tuple[dict[str, Rewrite], dict[str, str]]:
        """Moves made on the model: those of the findings, then all others in their usual words; and why some were not.

        Each is made on the model as it is, and read back. The reasons are by move, too.
        """
        from eyeshot.api.rewriting import loaded, rewrite
        from eyeshot.design.moves.table import usual
        from eyeshot.errors import UsageError

        stride = max((m.stride for m in self.maps), default=1)
        found = (effect.move for finding in self for effect in finding.moves)
        made: dict[str, Rewrite] = {}
        reasons: dict[str, str] = {}
        if self.is_only_read:
            return made, reasons
        model = loaded(self._model)
        for move in dict.fromkeys((*found, *usual(stride))):
            try:
                made[move] = rewrite(model, move, **self._asked)
            except UsageError as error:
                reasons[move] = error.said.removeprefix(f"{move}: ")
        return made, reasons

    def save_html(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the explorer page with a tab of what is wrong, and of each move before and after.

        Raises:
            UsageError: the file exists, and ``force`` is not given; or its folder does not.
        """
        from eyeshot.view.notebook import save

        return save([self.report], path, decide=[self.entry()], force=force)

    def entry(self) -> dict[str, Any]:
        """What the page's tab is drawn from."""
        from eyeshot.view.decide import decide_of

        made, reasons = self.tried
        moves = {move: (each.steps, self.command(move)) for move, each in made.items()}
        return decide_of(self._findings, self.maps, self.ends, self.bins, self.left_out, moves, reasons)

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.advice/1."""
        from eyeshot.report.advice import record

        network = self.report.network
        return {
            "schema": SCHEMA,
            "network": {"name": network.name, "source": network.source, "input": list(network.input.shape[1:])},
            "outputs": [{"layer": m.layer, "stride": m.stride, "field": m.field, "used": m.used} for m in self.maps],
            "left_out": dict(self.left_out),
            "findings": [record(each, [self.command(effect.move) for effect in each.moves]) for each in self],
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
    found = findings(report, sizes, trained, is_range=left_out is None)
    asked = {"input_shape": input_shape, "example": example}
    return Advice(model, report, found, ranges(report), sizes=sizes, left_out=left_out, asked=asked)


def _sizes(objects: Any, extent: tuple[int, ...]) -> tuple[Sizes | None, dict[str, int] | None]:
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
