"""The All Convolutional Net's twelve nets. Springenberg et al. 2014, tables 1 to 3; computed columns from table 1."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from eyeshot import inspect

ROWS = list(csv.DictReader((Path(__file__).parent / "tables" / "allcnn_table3.csv").read_text().splitlines()))
FORMS = {"base": "", "strided": "-strided", "convpool": "-convpool", "allcnn": "-all"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["model"])
def test_each_row_is_as_computed_from_the_layer_table(row: dict[str, str]) -> None:
    letter, form = row["model"].split("-")

    report = inspect(f"allcnn-{letter.lower()}{FORMS[form]}")
    before_the_head = [layer for layer in report if layer.op in {"conv2d", "max_pool2d"}]

    assert report.totals.params == int(row["computed_params"])
    assert report.totals.macs == int(row["computed_MACs_pad1"])
    assert before_the_head[-1].field.size[0] == int(row["computed_RF"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["model"])
def test_published_counts_agree_or_are_shown_as_slips(row: dict[str, str]) -> None:
    letter, form = row["model"].split("-")
    report = inspect(f"allcnn-{letter.lower()}{FORMS[form]}")

    agrees = abs(report.totals.params / 1e6 - float(row["paper_params_M"])) < 0.15  # published to one or two digits

    assert agrees == (not report.notes)
    assert agrees == (row["model"] not in {"C-base", "C-strided"})
