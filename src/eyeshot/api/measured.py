"""What users hold of an effective field: the numbers, with the ways out to figures, notebooks and the page."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from eyeshot.errors import UsageError
from eyeshot.report.effective import EffectiveField

if TYPE_CHECKING:
    from eyeshot.report.figures.style import Drawing


class Effective(EffectiveField):
    """The effective receptive field of a layer's units; notebooks show its map and its widths."""

    @classmethod
    def of(cls, result: EffectiveField) -> Effective:
        """What was measured, as users hold it."""
        return cls(**{each.name: getattr(result, each.name) for each in fields(result)})

    def plot(self, kind: str = "map", *, axis: int = -1) -> Drawing:
        """A figure, shown by notebooks: the map, or with "profile" the shares along one axis.

        Raises:
            UsageError: there is no such kind or axis, or a map has not two axes.
            MissingExtraError: matplotlib is not installed.
        """
        from eyeshot.report.figures.effective import map_panel, profile_panel
        from eyeshot.report.figures.style import Drawing, check_installed

        check_installed()
        if kind not in ("map", "profile"):
            raise UsageError(f"no figure of an effective field is called {kind!r}; there are map and profile")
        if not -self.map.ndim <= axis < self.map.ndim:
            raise UsageError(f"axis {axis}: the image has {self.map.ndim}, counted from 0")
        panel = map_panel(self) if kind == "map" else profile_panel([self], [self.layer], axis=axis % self.map.ndim)
        return Drawing(rows=[[panel]])

    def _repr_html_(self) -> str:
        from eyeshot.report.notebook import effective_html

        return effective_html(self)
