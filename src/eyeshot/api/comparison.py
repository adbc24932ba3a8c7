"""Several designs side by side: what each sees and costs, as quantities with their change against the first."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eyeshot.api.report import Report
from eyeshot.design.named import naming
from eyeshot.errors import UsageError
from eyeshot.report.quantities import Quantity, quantities
from eyeshot.report.sides import Pair, labels, layers_aligned

if TYPE_CHECKING:
    from pathlib import Path

    from eyeshot.report.effective import EffectiveField
    from eyeshot.report.evidence import Evidence
    from eyeshot.report.figures.style import Drawing
    from eyeshot.studies.study import Study
    from eyeshot.view.notebook import Explorer

SCHEMA = "eyeshot.comparison/1"


class Comparison:
    """Reports side by side; the first is the one that the others are compared to.

    Attributes:
        reports: one per design.
        study: how they were trained; None where they were not.
        remarks: how models were changed to agree in cost, or to be trained.

    Raises:
        UsageError: there are fewer than two, and they were not trained.
    """

    def __init__(self, reports: Sequence[Report], study: Study | None = None, remarks: Sequence[str] = ()) -> None:
        self.reports = list(reports)
        self.study = study
        self.remarks = list(remarks) if study is None else study.remarks
        if len(self.reports) < 2 and study is None:
            raise UsageError("compare needs two designs or more")

    def __repr__(self) -> str:
        return f"<Comparison {', '.join(report.network.name for report in self.reports)}>"

    @cached_property
    def labels(self) -> list[str]:
        """What tables call the designs: their names, or letters where a name is long or occurs twice."""
        return labels(self.reports)

    @cached_property
    def quantities(self) -> list[Quantity]:
        """What each design sees and costs."""
        return quantities(self.reports)

    def rows(self) -> list[dict[str, Any]]:
        """One plain record per quantity: its name, each design's value, each change against the first as a share."""
        names = [report.network.name for report in self.reports]
        columns = names if len(set(names)) == len(names) else self.labels
        rows = []
        for quantity in self.quantities:
            row: dict[str, Any] = {"quantity": quantity.key}
            row |= {name: _plain(value) for name, value in zip(columns, quantity.values, strict=True)}
            row |= {f"change of {name}": change for name, change in zip(columns[1:], quantity.changes[1:], strict=True)}
            rows.append(row)
        return rows

    @cached_property
    def layers(self) -> list[Pair]:
        """The layers with weights, those of the same role next to each other."""
        return layers_aligned(self.reports)

    @cached_property
    def evidence(self) -> Evidence:
        """What the scores of the trained designs allow one to say: ``.verdict`` in sentences, ``.arms``,
        ``.differences``.

        Raises:
            UsageError: nothing was trained.
        """
        from eyeshot.report.evidence import evidence

        return evidence(self._trained().records)

    def _trained(self) -> Study:
        if self.study is None or not self.study.records:
            raise UsageError("these designs were compared without training; give compare(…, train=True)")
        return self.study

    @property
    def is_exact(self) -> bool:
        """Whether no field is only a bound."""
        return all(report.is_exact for report in self.reports)

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.comparison/1, ready for json.dumps; changes are shares of the first."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "networks": [report.to_json() for report in self.reports],
            "quantities": [
                {
                    "key": quantity.key,
                    "name": quantity.name,
                    "values": [_listed(value) for value in quantity.values],
                    "changes": list(quantity.changes),
                }
                for quantity in self.quantities
            ],
            "layers": [
                {"role": pair.role, "names": [None if layer is None else layer.name for layer in pair.layers]}
                for pair in self.layers
            ],
        }
        if self.remarks:
            document["remarks"] = self.remarks
        if self.study is not None:
            document |= {"study": self.study.to_json(), "evidence": self.evidence.to_json()}
        return document

    def plot(self, kind: str, *, measure: str | None = None) -> Drawing:
        """A figure of the designs, shown by notebooks: growth, price, cost, plane or sheet; of trained ones evidence,
        curves or pareto.

        Args:
            kind: which one.
            measure: of evidence: what was measured beside accuracy, such as "shift", or a part as "probes/conv2".

        Raises:
            UsageError: there is no such kind, it takes one design only, nothing was trained, or it was not measured.
            MissingExtraError: matplotlib is not installed.
        """
        from eyeshot.report.figures.kinds import Designs, figure
        from eyeshot.report.figures.studied import QUESTIONS, study_figure
        from eyeshot.report.figures.style import check_installed

        if kind in QUESTIONS:
            check_installed()
            study = self._trained()
            return study_figure(kind, study.plan, study.records, measure)
        if measure is not None:
            raise UsageError(f"{kind} shows no measure; that does evidence, of trained designs")
        return figure(kind, Designs(reports=self.reports))

    def save_html(
        self,
        path: str | Path,
        *,
        image: str | Path | None = None,
        effective: Sequence[EffectiveField] = (),
        force: bool = False,
    ) -> Path:
        """Write the explorer page of all designs, as ``Report.save_html`` does of one, with their scores if trained."""
        from eyeshot.view.notebook import save

        return save(self.reports, path, image=image, effective=effective, evidence=self._scores(), force=force)

    def explore(self, *, height: int = 820, effective: Sequence[EffectiveField] = ()) -> Explorer:
        """The explorer page of all designs, for a notebook to show in a frame of its own."""
        from eyeshot.view.notebook import Explorer

        return Explorer(self.reports, height=height, effective=effective, evidence=self._scores())

    def _scores(self) -> dict[str, Any] | None:
        """The evidence as the page takes it."""
        if self.study is None:
            return None
        return self.evidence.for_page(self.study.plan.terms())

    def _repr_html_(self) -> str:
        from eyeshot.report.notebook import comparison_html

        return comparison_html(self.reports, self.quantities, "" if self.study is None else self.evidence.verdict)


def compared(
    models: Sequence[Any], input_shape: Any, *, match: str | None = None, match_by: str | None = None
) -> Comparison:
    """Models side by side, all but the first with widths scaled until they cost what it does, where that is asked for.

    The arguments are those of ``eyeshot.compare``.
    """
    from eyeshot.api.models import network_of
    from eyeshot.design.matched import check_asked, matched

    check_asked(match, match_by)
    reports: list[Report] = []
    remarks: list[str] = []
    for model in models:
        with naming(model) if isinstance(model, str) else nullcontext():
            if not reports or match in (None, "none"):
                reports.append(Report(network_of(model, input_shape)))
                continue
            target = getattr(reports[0].totals, str(match))
            network, how = matched(model, input_shape, quantity=str(match), target=target, by=match_by)
            reports.append(Report(network))
            remarks.append(f"{model if isinstance(model, str) else network.name}: {how}")
    return Comparison(reports, remarks=remarks)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _plain(value: Any) -> Any:
    return "x".join(map(str, value)) if isinstance(value, tuple) else value
