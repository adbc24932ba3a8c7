"""The kinds of figures: what each answers, how many designs it takes, and the panels it is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.errors import UsageError
from eyeshot.report.figures.style import Panel, check_installed, records_of, rendered, shortened
from eyeshot.report.sides import labels

_A4 = (11.7, 8.3)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is to be drawn: designs, and for the side view the units from which it is taken."""

    reports: Sequence[Inspection]
    layer: str | None = None
    units: Sequence[tuple[int, ...]] = ()
    axis: int | None = None
    labels: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", figure_labels(self.reports))


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind: the question that it answers, and whether it takes one design only or needs several."""

    question: str
    panels: Callable[[Subject], list[list[Panel]]]
    least: int = 1
    most: int | None = None


def figure_labels(reports: Sequence[Inspection]) -> list[str]:
    """What legends call designs: their names, led by letters where those are long or alike."""
    names = [shortened(report.network.name, 36) for report in reports]
    letters = labels(reports) if len(reports) > 1 else names
    return [
        name if label == report.network.name or len(reports) == 1 else f"{label}: {name}"
        for name, label, report in zip(names, letters, reports, strict=True)
    ]


def _growth(subject: Subject) -> list[list[Panel]]:
    from eyeshot.report.figures.growth import growth

    return [[growth(subject.reports, subject.labels)]]


def _price(subject: Subject) -> list[list[Panel]]:
    from eyeshot.report.figures.price import price

    return [[price(subject.reports, subject.labels)]]


def _cone(subject: Subject) -> list[list[Panel]]:
    from eyeshot.report.cone import cone
    from eyeshot.report.figures.cone import cone_panel

    return [[cone_panel(cone(subject.reports[0], subject.layer, subject.units, subject.axis))]]


def _cost(subject: Subject) -> list[list[Panel]]:
    from eyeshot.report.figures.cost import cost

    return [[cost(subject.reports, subject.labels)]]


def _plane(subject: Subject) -> list[list[Panel]]:
    from eyeshot.report.figures.plane import plane

    return [[plane(subject.reports, subject.labels)]]


def _arch(subject: Subject) -> list[list[Panel]]:
    from eyeshot.report.figures.arch import arch

    return [[arch(subject.reports[0])]]


def _sheet(subject: Subject) -> list[list[Panel]]:
    """Fields and prices above; below, for one design its side view, for several their plane, and the costs."""
    is_one = len(subject.reports) == 1
    # The growth's legend names the designs once for all.
    view = _cone(subject)[0][0] if is_one else replace(_plane(subject)[0][0], legend_below=False)
    return [[_growth(subject)[0][0], _price(subject)[0][0]], [view, _cost(subject)[0][0]]]


KINDS = {
    "growth": Kind(question="how do fields grow with depth?", panels=_growth),
    "price": Kind(question="what does the view cost, in MACs?", panels=_price),
    "cone": Kind(question="which units of every earlier layer does a unit see?", panels=_cone, most=1),
    "cost": Kind(question="where is the cost, block by block?", panels=_cost),
    "plane": Kind(question="which designs see most for least?", panels=_plane, least=2),
    "arch": Kind(question="what is the design, layer by layer?", panels=_arch, most=1),
    "sheet": Kind(question="four of them on one page", panels=_sheet),
}


def check_count(kind: str, count: int) -> None:
    """Complain of more or fewer designs than a kind takes."""
    chosen = KINDS[kind]
    if count < chosen.least or (chosen.most is not None and count > chosen.most):
        takes = "one design" if chosen.most == 1 else f"{chosen.least} designs or more"
        raise UsageError(f"{kind} takes {takes}, found {count}")


@dataclass(frozen=True)
class Picture:
    """A figure that notebooks show, with its data.

    Attributes:
        kind: one of `KINDS`.
        subject: what is drawn.
    """

    kind: str
    subject: Subject

    def __repr__(self) -> str:
        return f"<Picture {self.kind} of {', '.join(self.subject.labels)}>"

    @property
    def records(self) -> list[dict[str, Any]]:
        """The data that are drawn, as plain records."""
        return records_of([panel for row in KINDS[self.kind].panels(self.subject) for panel in row])

    def content(self, file_format: str) -> bytes:
        """The figure as a file's content; the same bytes every time.

        Args:
            file_format: png, svg or pdf.
        """
        return figure(self.kind, self.subject, file_format)[0]

    def _repr_png_(self) -> bytes:
        return self.content("png")


def picture(kind: str, subject: Subject) -> Picture:
    """A figure for notebooks, or a complaint at once.

    Raises:
        UsageError: there is no such kind, or it takes more or fewer designs.
        MissingExtraError: matplotlib is not installed.
    """
    if kind not in KINDS:
        raise UsageError(f"no kind of figure is called {kind!r}; kinds are {', '.join(KINDS)}")
    check_count(kind, len(subject.reports))
    check_installed()
    return Picture(kind, subject)


def figure(kind: str, subject: Subject, file_format: str) -> tuple[bytes, list[dict[str, Any]]]:
    """One figure.

    Args:
        kind: a name of `KINDS`.
        subject: what is to be drawn.
        file_format: png, svg or pdf.

    Returns: the file's content, and the data that are drawn, as plain records.

    Raises:
        UsageError: the kind takes more or fewer designs, or there is no such layer or unit.
        MissingExtraError: matplotlib is not installed.
    """
    check_count(kind, len(subject.reports))
    rows = KINDS[kind].panels(subject)
    size = _A4 if len(rows) > 1 else None
    return rendered(rows, file_format, size=size), records_of([panel for row in rows for panel in row])
