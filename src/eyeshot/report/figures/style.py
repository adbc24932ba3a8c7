"""How every figure looks and how it becomes a file: one style, one palette, bytes that do not change.

A kind of figure is a function that returns a panel: the data, and how they are drawn on matplotlib's axes. A file holds
one panel or several.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eyeshot.errors import MissingExtraError
from eyeshot.report.wording import middle_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito 2008: told apart with any colour vision, and by lightness in grey."""
DASHES = ("-", "--", "-.", ":")
MARKERS = "osD^vPX"
HEAT = "cividis"
"""The colour map for shares and densities: even in lightness, the same to any colour vision."""
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "svg.hashsalt": "eyeshot",
    "svg.fonttype": "path",
}
_NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_DOTS_PER_INCH = 160


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture.

    Attributes:
        size: width and height in inches when it stands alone.
        records: the data that are drawn, as plain records; they stand beside the figure as CSV.
        draw: draws them on axes.
        legend_below: what is labelled stands in a legend below the whole figure, once for all such panels.
    """

    size: tuple[float, float]
    records: Sequence[dict[str, Any]]
    draw: Callable[[Axes], None]
    legend_below: bool = False


def colour(i: int) -> str:
    """The colour of the i-th arm."""
    return COLOURS[i % len(COLOURS)]


def line_style(i: int) -> dict[str, Any]:
    """Colour, dashes and marker of the i-th arm: each alone tells arms apart."""
    return {"color": colour(i), "linestyle": DASHES[i % len(DASHES)], "marker": MARKERS[i % len(MARKERS)]}


def with_prefixes(axes: Axes) -> None:
    """Large numbers along x as 200 M, 1.5 G."""
    from matplotlib.ticker import EngFormatter

    axes.xaxis.set_major_formatter(EngFormatter())


def row_points(axes: Axes, rows: float, largest: float) -> float:
    """A size of letters that lets so many rows stand in the height of the axes, at most ``largest``."""
    place = axes.get_subplotspec()
    share = 1 if place is None else place.get_gridspec().nrows
    inches = max(float(axes.figure.get_figheight()) / share - 1.1, 0.5)  # type: ignore[union-attr]
    return min(largest, 72 * inches / max(rows, 1) * 0.8)


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


def rendered(
    rows: Sequence[Sequence[Panel]],
    file_format: str,
    *,
    size: tuple[float, float] | None = None,
    width_ratios: Sequence[float] | None = None,
) -> bytes:
    """A file with panels in rows.

    Args:
        rows: the panels, as many in each row.
        file_format: png, svg or pdf.
        size: of the whole in inches; the first panel's own unless given.
        width_ratios: how wide the columns are to each other.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_installed()
    with _drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=size or rows[0][0].size, dpi=_DOTS_PER_INCH, layout="constrained")
        grid = figure.subplots(len(rows), len(rows[0]), squeeze=False, width_ratios=width_ratios)
        labelled: dict[str, Any] = {}
        for panels, places in zip(rows, grid, strict=True):
            for panel, axes in zip(panels, places, strict=True):
                panel.draw(axes)
                if panel.legend_below:
                    handles, labels = axes.get_legend_handles_labels()
                    labelled |= dict(zip(labels, handles, strict=True))
        if labelled:
            _legend_below(figure, labelled)
        content = io.BytesIO()
        figure.savefig(content, format=file_format, metadata=_NO_DATE[file_format])
    return content.getvalue()


def _legend_below(figure: Figure, labelled: dict[str, Any]) -> None:
    columns = int(figure.get_figwidth() / (0.085 * max(map(len, labelled)) + 0.7))
    figure.legend(
        list(labelled.values()), list(labelled), loc="outside lower center", frameon=False, fontsize=9,
        ncols=max(1, min(columns, len(labelled))),
    )  # fmt: skip


def halo() -> list[Any]:
    """A white edge for words that may cross lines."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white")]


def records_of(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """The data of panels as records with the same names, nothing where a panel has none of that name."""
    names = dict.fromkeys(name for panel in panels for record in panel.records for name in record)
    return [dict.fromkeys(names) | record for panel in panels for record in panel.records]


@contextmanager
def _drawing() -> Iterator[None]:
    """Matplotlib with our style alone, whatever the user's own file says."""
    import warnings

    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # A sign that the font lacks is drawn as a box; the data beside the figure have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type,unused-ignore]
        yield
