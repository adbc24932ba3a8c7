"""What a lesson is made of: chapters of passages, each a few sentences and the pictures that belong to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from eyeshot.analyse.inspection import Inspection
from eyeshot.design.named import network_named

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One design, drawn.

    Attributes:
        kind: plates show what is seen on every map, a cone shows it from the side, uses how it is used.
        design: one of the chapter's, by its place, or another one's notation.
        name: what it is called, unless it is one of the chapter's.
        units: of the last convolution, at most two; the middle one unless given.
    """

    kind: Literal["plates", "cone", "uses"]
    design: int | str
    name: str = ""
    units: Sequence[tuple[int, ...]] = ()


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A paragraph with what stands beside it.

    Attributes:
        sentences: of the paragraph.
        pictures: beside it.
        quantities: keys of the comparison's quantities in a table beside it.
        studies: names of the trained studies in the record, each with what the lesson calls its arms.
    """

    sentences: Sequence[str]
    pictures: Sequence[Picture] = ()
    quantities: Sequence[str] = ()
    studies: Sequence[tuple[str, Sequence[str]]] = ()


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One chapter of the lesson.

    Attributes:
        name: for links.
        title: as a question.
        designs: names or notation, and what the lesson calls them; the stage has them to be tried.
        shape: of the input; the designs' own unless given.
        passages: what the chapter says of its reports, ten sentences at most.
        exercise: what to try on the stage, and what will be read there.
        published: claims by others that the chapter is about, by their folders in findings/.
    """

    name: str
    title: str
    designs: Sequence[tuple[str, str]]
    shape: Shape | None = None
    passages: Callable[[list[Inspection]], list[Passage]]
    exercise: Callable[[list[Inspection]], str]
    published: Sequence[str] = ()

    def reports(self) -> list[Inspection]:
        """The designs, inspected."""
        return [self.inspected(design) for design, _ in self.designs]

    def inspected(self, design: str) -> Inspection:
        """A design on the chapter's input."""
        return Inspection(network_named(design, self.shape))

    def sentences(self, reports: list[Inspection]) -> list[str]:
        """All that the chapter says, without its exercise."""
        return [sentence for passage in self.passages(reports) for sentence in passage.sentences]
