"""The kinds of figures: what each answers, how many designs it takes, and the panels it is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from eyeshot.analyse.inspection import Inspection
from eyeshot.errors import UsageError
from eyeshot.report.figures.style import Drawing, Panel, check_installed, shortened
from eyeshot.report.sides import labels

_A4 = (11.7, 8.3)


@dataclass(frozen=True, kw_only=True)
class Designs:
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
    panels: Callable[[Designs], list[list[Panel]]]
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


def _growth(designs: Designs) -> list[list[Panel]]:
    from eyeshot.report.figures.growth import growth

    return [[growth(designs.reports, designs.labels)]]


def _price(designs: Designs) -> list[list[Panel]]:
    from eyeshot.report.figures.price import price

    return [[price(designs.reports, designs.labels)]]


def _cone(designs: Designs) -> list[list[Panel]]:
    from eyeshot.report.cone import cone
    from eyeshot.report.figures.cone import cone_panel

    return [[cone_panel(cone(designs.reports[0], designs.layer, designs.units, designs.axis))]]


def _cost(designs: Designs) -> list[list[Panel]]:
    from eyeshot.report.figures.cost import cost

    return [[cost(designs.reports, designs.labels)]]


def _plane(designs: Designs) -> list[list[Panel]]:
    from eyeshot.report.figures.plane import plane

    return [[plane(designs.reports, designs.labels)]]


def _arch(designs: Designs) -> list[list[Panel]]:
    from eyeshot.report.figures.arch import arch

    return [[arch(designs.reports[0])]]


def _sheet(designs: Designs) -> list[list[Panel]]:
    """Fields and prices above; below, for one design its side view, for several their plane, and the costs."""
    is_one = len(designs.reports) == 1
    # The growth's legend names the designs once for all.
    view = _cone(designs)[0][0] if is_one else replace(_plane(designs)[0][0], legend_below=False)
    return [[_growth(designs)[0][0], _price(designs)[0][0]], [view, _cost(designs)[0][0]]]


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


@dataclass(frozen=True, kw_only=True)
class Figure(Drawing):
    """A figure with its data and its caption; notebooks show it.

    Attributes:
        kind: one of `KINDS`.
        designs: what is drawn.
    """

    kind: str
    designs: Designs

    def __repr__(self) -> str:
        return f"<Figure {self.kind} of {', '.join(self.designs.labels)}>"


def figure(kind: str, designs: Designs) -> Figure:
    """A figure of designs.

    Raises:
        UsageError: there is no such kind, layer, unit or axis, or the kind takes more or fewer designs.
        MissingExtraError: matplotlib is not installed.
    """
    if kind not in KINDS:
        raise UsageError(f"no kind of figure is called {kind!r}; kinds are {', '.join(KINDS)}")
    check_count(kind, len(designs.reports))
    check_installed()
    rows = KINDS[kind].panels(designs)
    return Figure(kind=kind, designs=designs, rows=rows, size=_A4 if len(rows) > 1 else None)
