"""The explorer page inside a notebook: a sandboxed frame that holds the whole page, no server and no address."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eyeshot.analyse.inspection import Inspection
from eyeshot.errors import UsageError
from eyeshot.report.effective import EffectiveField
from eyeshot.report.files import check_new, read_file, write_file
from eyeshot.view.export import page


class Explorer:
    """An explorer page that a notebook shows as the last value of a cell.

    Attributes:
        height: of the frame, in CSS pixels.
    """

    def __init__(
        self,
        reports: Sequence[Inspection],
        *,
        height: int = 820,
        image: bytes | None = None,
        effective: Sequence[EffectiveField] = (),
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        self.reports, self.height = list(reports), height
        self._page = page(self.reports, image=image, effective=_documents(reports, effective), evidence=evidence)

    def __repr__(self) -> str:
        return f"<Explorer {', '.join(report.network.name for report in self.reports)}>"

    def _repr_html_(self) -> str:
        # Scripts run in the frame alone, which has no origin: it cannot read the notebook, nor send anything.
        title = html.escape(f"eyeshot: {', '.join(report.network.name for report in self.reports)}")
        return (
            f'<iframe sandbox="allow-scripts allow-downloads" title="{title}" width="100%" height="{self.height}"'
            f' style="border:0" srcdoc="{html.escape(self._page)}"></iframe>'
        )


class SavedPage(type(Path())):  # type: ignore[misc]
    """Where a page was written: a path, which notebooks show as a link to it."""

    def _repr_html_(self) -> str:
        return f'<a href="{html.escape(quote(self.as_posix()))}" target="_blank">{html.escape(str(self))}</a>'


def save(
    reports: Sequence[Inspection],
    path: str | Path,
    *,
    image: str | Path | None = None,
    effective: Sequence[EffectiveField] = (),
    evidence: Mapping[str, Any] | None = None,
    decide: Sequence[Mapping[str, Any]] = (),
    force: bool = False,
) -> SavedPage:
    """Write the explorer page of some reports into a file; an existing one is replaced only with ``force``.

    Args:
        reports: of the designs.
        path: the file.
        image: a picture for the input.
        effective: measured effective fields of layers of these designs.
        evidence: scores of trained designs, as ``Evidence.for_page`` gives them.
        decide: for each design an entry of ``view.decide``.
        force: replace a file that exists.

    Raises:
        UsageError: the file exists, or its folder does not; the picture cannot be read or is none; an effective field
            is of none of the designs.
        RunError: the file cannot be written.
    """
    target = SavedPage(path)
    check_new(target, force=force, how="force=True")
    picture = None if image is None else read_file(Path(image))
    text = page(reports, image=picture, effective=_documents(reports, effective), evidence=evidence, decide=decide)
    write_file(target, text.encode())
    return target


def _documents(reports: Sequence[Inspection], effective: Sequence[EffectiveField]) -> list[dict[str, Any]]:
    names = [report.network.name for report in reports]
    for result in effective:
        if result.network not in names:
            raise UsageError(f"effective: {result.layer} of {result.network} is of none of {', '.join(names)}")
    return [result.to_json() for result in effective]
