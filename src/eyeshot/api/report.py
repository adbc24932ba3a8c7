"""What users hold of one network: what its layers see and cost, with the ways out to figures, tables and pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eyeshot.analyse.inspection import Inspection

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from eyeshot.design.published import Published
    from eyeshot.report.effective import EffectiveField
    from eyeshot.report.figures.kinds import Figure
    from eyeshot.view.notebook import Explorer


class Report(Inspection):
    """What a network's layers see and cost.

    ``report["conv5"]`` is one layer, ``report.layers`` all of them in the order in which they run.
    """

    def to_frame(self) -> pd.DataFrame:
        """One row per layer.

        Raises:
            MissingExtraError: if pandas is not installed.
        """
        from eyeshot.errors import MissingExtraError

        try:
            import pandas as pd
        except ImportError:
            raise MissingExtraError("a data frame", "pandas", "frame") from None
        rows = [
            {
                "name": layer.name,
                "op": layer.op,
                "out": layer.out,
                "field": layer.field.size,
                "stride": layer.field.stride,
                "start": layer.field.start,
                "params": layer.params,
                "macs": layer.macs,
                "activations": layer.activations,
                "saved_activations": layer.cost.saved_activations,
            }
            for layer in self.layers
        ]
        return pd.DataFrame(rows).set_index("name")

    @property
    def published(self) -> list[Published]:
        """Published claims that bear on the network by what it is made of, with what eyeshot's own studies found.

        Example:
            >>> import eyeshot
            >>> found = {each.name: each for each in eyeshot.inspect("resnet18", (3, 32, 32)).published}
            >>> found["stem"].layers[:2], found["stem"].outcomes[0].verdict
            (('conv1', 'pool1'), 'reproduced')
        """
        from eyeshot.design.published import bearing

        return bearing(self)

    def plot(
        self, kind: str, *, layer: str | None = None, units: Sequence[tuple[int, ...]] = (), axis: int | None = None
    ) -> Figure:
        """A figure, shown by notebooks: ``report.plot("cone")``; ``.content("svg")`` gives the file.

        Args:
            kind: growth, price, cone, cost, arch or sheet.
            layer: of a cone's units; the last convolution unless given.
            units: a cone's units, up to four; the middle one unless given.
            axis: a cone's axis of the image; the last unless given.

        Raises:
            UsageError: there is no such kind, layer, unit or axis.
            MissingExtraError: matplotlib is not installed.
        """
        from eyeshot.report.figures.kinds import Designs, figure

        return figure(kind, Designs(reports=[self], layer=layer, units=units, axis=axis))

    def save_html(
        self,
        path: str | Path,
        *,
        image: str | Path | None = None,
        effective: Sequence[EffectiveField] = (),
        force: bool = False,
    ) -> Path:
        """Write the explorer page: one file that opens offline in any browser; notebooks show the path as a link.

        Args:
            path: the file, which is replaced only with ``force``.
            image: a picture to show under the fields: PNG, JPEG, GIF or WebP.
            effective: what ``eyeshot.effective`` measured of its layers, for the page to show.
            force: replace a file that exists.

        Raises:
            UsageError: the file exists, its folder does not, the picture or an effective field cannot be used.
            RunError: the file cannot be written.
        """
        from eyeshot.view.notebook import save

        return save([self], path, image=image, effective=effective, force=force)

    def explore(self, *, height: int = 820, effective: Sequence[EffectiveField] = ()) -> Explorer:
        """The explorer page, for a notebook to show in a frame of its own; ``height`` in CSS pixels."""
        from eyeshot.view.notebook import Explorer

        return Explorer([self], height=height, effective=effective)

    def _repr_html_(self) -> str:
        from eyeshot.report.notebook import report_html

        return report_html(self)
