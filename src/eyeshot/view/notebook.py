"""The explorer page inside a notebook: a sandboxed frame that holds the whole page, no server and no address."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from eyeshot.analyse.inspection import Inspection
from eyeshot.report.files import check_new, read_file, write_file
from eyeshot.view.export import page


class Explorer:
    """An explorer page that a notebook shows as the last value of a cell.

    Attributes:
        height: of the frame, in CSS pixels.
    """

    def __init__(self, reports: Sequence[Inspection], *, height: int = 820, image: bytes | None = None) -> None:
        self.reports, self.height = list(reports), height
        self._page = page(self.reports, image=image)

    def __repr__(self) -> str:
        return f"<Explorer {', '.join(report.network.name for report in self.reports)}>"

    def _repr_html_(self) -> str:
        # Scripts run in the frame alone, which has no origin: it cannot read the notebook, nor send anything.
        title = html.escape(f"eyeshot: {', '.join(report.network.name for report in self.reports)}")
        return (
            f'<iframe sandbox="allow-scripts allow-downloads" title="{title}" width="100%" height="{self.height}"'
            f' style="border:0" srcdoc="{html.escape(self._page)}"></iframe>'
        )


def save(
    reports: Sequence[Inspection], path: str | Path, *, image: str | Path | None = None, force: bool = False
) -> Path:
    """Write the explorer page of some reports into a file; an existing one is replaced only with ``force``.

    Raises:
        UsageError: the file exists, or its folder does not; the picture cannot be read or is none.
        RunError: the file cannot be written.
    """
    target = Path(path)
    check_new(target, force=force, how="force=True")
    text = page(reports, image=None if image is None else read_file(Path(image)))
    write_file(target, text.encode())
    return target
