"""How every figure looks and how it becomes a file: one style, one palette, bytes that do not change.

A kind of figure is a function that returns a panel: the data, and how they are drawn on matplotlib's axes. A file holds
one panel or several.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.report.wording import middle_out
from eyeshot.shown import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito 2008: told apart with any colour vision, and by lightness in grey."""
DASHES = ("-", "--", "-.", ":")
MARKERS = "osD^vPX"
HEAT = "cividis"
"""The colour map for shares and densities: even in lightness, the same to any colour vision."""
_LETTERS = 10.0
"""Points of a figure's letters at its own width."""
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": _LETTERS,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "svg.hashsalt": "eyeshot",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
_FAMILY = "'DejaVu Sans'"
_FAMILIES = f"{_FAMILY}, 'Bitstream Vera Sans', Verdana, sans-serif"
"""What an SVG asks for: its words are text, and letters as wide stand in where the first family is not at hand."""
_NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_DOTS_PER_INCH, _DOTS_IN_PRINT = 160, 300
_SMALLEST = 0.7
"""Of their size, what letters keep in however narrow a figure."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture.

    Attributes:
        size: width and height in inches when it stands alone.
        records: the data that are drawn, as plain records; they stand beside the figure as CSV.
        draw: draws them on axes.
        caption: what is drawn, in sentences with the numbers that a reader may want to quote.
        legend_below: what is labelled stands in a legend below the whole figure, once for all such panels.
    """

    size: tuple[float, float]
    records: Sequence[dict[str, Any]]
    draw: Callable[[Axes], None]
    caption: Sequence[str] = ()
    legend_below: bool = False


def colour(i: int) -> str:
    """The colour of the i-th arm."""
    return COLOURS[i % len(COLOURS)]


def line_style(i: int) -> dict[str, Any]:
    """Colour, dashes and marker of the i-th arm: each alone tells arms apart."""
    return {"color": colour(i), "linestyle": DASHES[i % len(DASHES)], "marker": MARKERS[i % len(MARKERS)]}


def whole_steps(axis: Axis) -> None:
    """Ticks at whole numbers only, as pixels and layers are."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def with_prefixes(axes: Axes) -> None:
    """Large numbers along x as 200 M, 1.5 G."""
    from matplotlib.ticker import EngFormatter

    axes.xaxis.set_major_formatter(EngFormatter())


def points(size: float) -> float:
    """A size of letters, smaller in figures that are narrower than they would be by themselves."""
    import matplotlib as mpl

    return size * float(mpl.rcParams["font.size"]) / _LETTERS


def width_of(axes: Axes) -> float:
    """Inches that a panel has across, its words included."""
    place = axes.get_subplotspec()
    width = float(axes.figure.get_figwidth())  # type: ignore[union-attr]
    if place is None:
        return width
    ratios: Any = place.get_gridspec().get_width_ratios()
    return width * float(ratios[place.colspan.start]) / float(sum(ratios))


def row_points(axes: Axes, rows: float, largest: float) -> float:
    """A size of letters that lets so many rows stand in the height of the axes, at most ``largest``."""
    place = axes.get_subplotspec()
    share = 1 if place is None else place.get_gridspec().nrows
    inches = max(float(axes.figure.get_figheight()) / share - 1.1, 0.5)  # type: ignore[union-attr]
    return min(points(largest), 72 * inches / max(rows, 1) * 0.8)


def shortened(name: str, most: int = 28) -> str:
    """A name as matplotlib draws it: with its middle left out where it is long, and no mathematics in it."""
    return middle_out(name, most).replace("$", r"\$")


def check_installed() -> None:
    """Complain where matplotlib is not installed, before anything long is computed.

    Raises:
        MissingExtraError: it is not.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise MissingExtraError("a figure", "matplotlib", "figures")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Panels in rows, with the ways out: a file, the data, a caption.

    Attributes:
        rows: the panels; the first row has the most.
        size: of the whole in inches; the first panel's own unless given.
        width_ratios: how wide the columns are to each other.
    """

    rows: Sequence[Sequence[Panel]]
    size: tuple[float, float] | None = None
    width_ratios: Sequence[float] | None = None

    def _repr_png_(self) -> bytes:
        return self.content("png")

    @property
    def panels(self) -> list[Panel]:
        """All panels, row by row."""
        return [panel for row in self.rows for panel in row]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The data that are drawn, as records with the same names, nothing where a panel has none of that name."""
        names = dict.fromkeys(name for panel in self.panels for record in panel.records for name in record)
        return [dict.fromkeys(names) | record for panel in self.panels for record in panel.records]

    @property
    def caption(self) -> str:
        """What is drawn, with its numbers, as one paragraph for below the figure; each sentence once."""
        from importlib.metadata import version

        sentences = dict.fromkeys(sentence for panel in self.panels for sentence in panel.caption)
        return visible(" ".join([*sentences, f"Drawn by eyeshot {version('eyeshot')}."]))

    def content(self, file_format: str, *, width: float | None = None, title: bool = True) -> bytes:
        """The figure as a file's content; the same bytes every time.

        Args:
            file_format: png, svg or pdf.
            width: inches, as of a paper's column; panels are laid out anew, letters no smaller than 6 points.
            title: whether panels have titles.

        Raises:
            MissingExtraError: matplotlib is not installed.
            UsageError: the width leaves no room beside the words.
        """
        check_installed()
        across, high = self.size or self.panels[0].size
        shrink = 1.0 if width is None else (width / across) ** 0.5
        with _drawing(min(max(shrink, _SMALLEST), 1.0)):
            from matplotlib.figure import Figure

            size = (across if width is None else width, high * shrink)
            dots = _DOTS_PER_INCH if width is None else _DOTS_IN_PRINT
            figure = Figure(figsize=size, dpi=dots, layout="constrained")
            self._draw(figure, title)
            content = io.BytesIO()
            try:
                figure.savefig(content, format=file_format, metadata=_NO_DATE[file_format])
            except UserWarning:
                raise UsageError(
                    f"{size[0]:.3g} inches leave no room beside this figure's words; make it wider"
                ) from None
        written = content.getvalue()
        return written.replace(_FAMILY.encode(), _FAMILIES.encode()) if file_format == "svg" else written

    def _draw(self, figure: Figure, title: bool) -> None:
        places = figure.subplots(len(self.rows), len(self.rows[0]), squeeze=False, width_ratios=self.width_ratios)
        labelled: dict[str, Any] = {}
        pairs = [pair for row, of_row in zip(self.rows, places, strict=True) for pair in zip_longest(row, of_row)]
        for panel, axes in pairs:
            if panel is None:
                axes.set_visible(False)
                continue
            panel.draw(axes)
            if not title:
                axes.set_title("")
            if panel.legend_below:
                handles, labels = axes.get_legend_handles_labels()
                labelled |= dict(zip(labels, handles, strict=True))
        if labelled:
            _legend_below(figure, labelled)


def _legend_below(figure: Figure, labelled: dict[str, Any]) -> None:
    columns = int(figure.get_figwidth() / (0.0085 * points(_LETTERS) * max(map(len, labelled)) + 0.6))
    figure.legend(
        list(labelled.values()), list(labelled), loc="outside lower center", frameon=False, fontsize=points(9),
        ncols=max(1, min(columns, len(labelled))),
    )  # fmt: skip


def halo() -> list[Any]:
    """A white edge for words that may cross lines."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white")]


@contextmanager
def _drawing(letters: float) -> Iterator[None]:
    """Matplotlib with our style alone, whatever the user's own file says; letters at so much of their size."""
    import warnings

    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # A sign that the font lacks is drawn as a box; the data beside the figure have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("error", message="constrained_layout not applied")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type,unused-ignore]
        for name in ("font.size", "axes.titlesize"):
            mpl.rcParams[name] = letters * float(_STYLE[name])  # type: ignore[arg-type]
        yield
