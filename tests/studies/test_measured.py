"""Measures of a study: over its seeds, as paired differences, and the same wherever they are shown."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import statistics
from pathlib import Path

import pytest
import studied

from eyeshot.report.evidence import evidence
from eyeshot.report.figures.studied import study_figure
from eyeshot.report.measures import measures_table
from eyeshot.report.table import Row
from eyeshot.schemas import schema
from eyeshot.studies.run import run
from eyeshot.studies.study import rows
from eyeshot.train.record import Record
from tests.cli.conftest import Eyeshot, eyeshot

__all__ = ["eyeshot"]
jsonschema = pytest.importorskip("jsonschema")


def record(label: str, seed: int, score: float, shift: float | None) -> Record:
    return dataclasses.replace(studied.record(label, seed, score), measures={"shift": shift})


def test_means_and_differences_are_over_the_seeds_that_pair() -> None:
    shifts = {"a": [90.0, 92.0, 94.0, 50.0], "b": [91.0, 92.5, 97.0, None]}
    found = evidence(
        [record(arm, seed, 80 + seed / 9, each) for arm in shifts for seed, each in enumerate(shifts[arm])]
    )

    (measured,) = found.measures
    (difference,) = measured.differences
    assert [arm.mean for arm in measured.arms] == [81.5, pytest.approx(93.5)]
    assert difference.paired == (0, 1, 2)
    assert difference.mean == pytest.approx(-1.5)
    assert difference.seeds is not None
    half = 4.3027 * statistics.stdev([-1, -0.5, -3]) / 3**0.5
    assert difference.seeds.half_width == pytest.approx(half, rel=1e-4)


def test_layers_of_one_arm_alone_are_its_own_and_those_of_both_are_compared() -> None:
    """Three seeds; both arms have a layer "one", the first alone a layer "two"."""
    probes = {"a": {"one": 60.0, "two": 80.0}, "b": {"one": 50.0}}
    records = [
        dataclasses.replace(
            studied.record(arm, seed, 80 + seed),
            measures={f"probes/{layer}": value + seed for layer, value in layers.items()},
        )
        for arm, layers in probes.items()
        for seed in range(3)
    ]
    found = evidence(records)
    one, two = found.measures

    assert [(each.name, each.part) for each in found.measures] == [("probes", "one"), ("probes", "two")]
    assert [arm.mean for arm in one.arms] == [61, 51]
    assert [(each.first, each.second, each.mean) for each in one.differences] == [("a", "b", 10)]
    assert [(arm.label, arm.mean) for arm in two.arms] == [("a", 81)]
    assert two.differences == ()
    document = json.loads(json.dumps(found.to_json()))
    jsonschema.Draft202012Validator(schema("evidence")).validate(document)
    assert [each["part"] for each in document["measures"]] == ["one", "two"]
    table = measures_table(found.measures)
    assert [row.cells[:3] for row in table.rows if isinstance(row, Row)] == [
        ("probes one, %", "a", "61.00"),
        ("", "b", "51.00"),
        ("probes two, %", "a", "81.00"),
    ]
    assert [row["probe/two"] for row in rows(records)] == [80, 81, 82, None, None, None]


def test_a_change_in_training_is_that_of_each_seed() -> None:
    """Before and after spread by much more than they differ; of one seed there is no map after training."""
    before, after = [2.0, 3.0, 4.0, 5.0], [2.5, 3.6, 4.4, None]
    found = evidence(
        [
            dataclasses.replace(
                studied.record("a", seed, 80), measures={"effective/before": early, "effective/after": late}
            )
            for seed, (early, late) in enumerate(zip(before, after, strict=True))
        ]
    )

    growth = found.measures[-1]
    assert [each.part for each in found.measures] == ["before", "after", "growth"]
    assert growth.arms[0].values == {0: 0.5, 1: pytest.approx(0.6), 2: pytest.approx(0.4)}
    assert growth.arms[0].seeds is not None
    assert growth.arms[0].seeds.half_width == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-3)


def test_equal_differences_have_no_spread_and_no_interval() -> None:
    found = evidence([record(arm, seed, 80 + seed, 0.1 * seed + apart) for arm, apart in (("a", 0.7), ("b", 0.4))
                      for seed in range(3)])  # fmt: skip

    assert found.measures[0].differences[0].mean == pytest.approx(0.3)
    assert found.measures[0].differences[0].seeds is None


def test_with_more_arms_differences_share_the_error() -> None:
    found = evidence([record(arm, seed, 80 + seed, seed * shift) for shift, arm in enumerate("abc", start=1)
                      for seed in range(3)])  # fmt: skip

    assert [each.seeds and each.seeds.confidence for each in found.measures[0].differences] == [0.975, 0.975]


def test_one_more_measure_trains_nothing_and_is_shown_alike(
    tmp_path: Path, eyeshot: Eyeshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = studied.plan(studied.write_images(tmp_path / "images"))
    more = dataclasses.replace(plan, measures=("shift",))
    directory = tmp_path / "run"
    trained = run(plan, studied.factories("a", "b"), directory)

    measured = run(more, studied.factories("a", "b"), directory)
    read = run(more, {"a": studied.broken, "b": studied.broken}, directory)

    assert more.identity == plan.identity
    assert [each.seconds for each in measured] == [each.seconds for each in trained]
    assert measured == read
    document = json.loads(eyeshot("study", "show", str(directory), "--json").stdout)
    words = eyeshot("study", "show", str(directory)).stdout
    rows = list(csv.DictReader(io.StringIO(eyeshot("study", "export", str(directory)).stdout)))
    jsonschema.Draft202012Validator(schema("evidence")).validate(document)
    (shown,) = document["measures"]
    assert [float(row["shift"]) for row in rows] == [each.measures["shift"] for each in measured]
    assert shown["arms"][0]["values"] == {str(seed): measured[2 * seed].measures["shift"] for seed in (0, 1)}
    assert f"{shown['arms'][0]['mean']:.2f}" in words
    assert "shift: answers that stay" in words


@pytest.mark.parametrize("layers", [1, 2, 4, 5, 7])
def test_a_measure_of_any_number_of_layers_is_drawn_in_rows(layers: int, tmp_path: Path) -> None:
    records = [
        dataclasses.replace(
            studied.record(arm, seed, 80 + seed),
            measures={f"probes/conv{number}": 50.0 + number + seed for number in range(layers)},
        )
        for arm in "ab"
        for seed in range(3)
    ]
    plan = studied.plan(studied.write_images(tmp_path / "images"))

    figure = study_figure("evidence", plan, records, "probes")

    assert figure.content("png").startswith(b"\x89PNG")
    assert len(figure.panels) == layers
