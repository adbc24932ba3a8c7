"""Published claims bear on a network by what it is made of, and say what their studies found."""

from __future__ import annotations

import pytest

import eyeshot
from eyeshot.design.published import bearing, evidence_for, published, rule
from eyeshot.report.published import evidence_sentences
from scripts.findings import all_kept, outcome

IMAGE = (3, 32, 32)


def about(design: str, shape: tuple[int, ...] = IMAGE) -> dict[str, tuple[str, ...]]:
    return {each.name: each.layers for each in eyeshot.inspect(design, shape).published}


def test_every_study_of_a_finding_says_which_networks_it_is_about() -> None:
    lacking = [f"{each.name}/{x.study}" for each in published() for x in each.outcomes if not rule(each.name, x.study)]

    assert not lacking, f"design/published.py has no rule for {', '.join(lacking)}"


@pytest.mark.parametrize(
    ("claim", "design", "layers"),
    [
        ("pool-placement", "C3-8 P2 C3-8 C3-8 P2 F10", ("pool1", "pool3")),
        ("pool-placement", "C3-8 P2 C3-8 C3-8 F10", None),
        ("strides", "C3-8 P2 C3s2-8 C1s2-8 G F10", ("pool1", "conv2")),
        ("shift", "C3-8 A2 C3-8 G F10", None),
        ("stacks", "C3-8 C3-8 P2 C3-8 G F10", ("conv1", "conv2")),
        ("stacks", "C3-8 P2 C3-8 G F10", None),
        ("stacks", "C3-8 P2 C5-8 G F10", ("conv2",)),
        ("field", "C3-8 C3d2-8 C3-8 G F10", ("conv2", "conv3")),
        ("field", "C3s2-8 C3s2-8 C3s2-8 C3s2-8 C3s2-8 G F10", None),
        ("lrn-and-overlap", "C3-8 N5 C3-8 G F10", ("norm1",)),
        ("padding", "C3p0-8 G F10", None),
        ("tiles", "C3b-8 C3b-8", ("bn1", "bn2")),
        ("tiles", "C3b-8 C3b-8 G F10", None),
        ("seeds", "C3-8 G F10", ()),
    ],
)
def test_a_claim_bears_on_what_its_studies_change(claim: str, design: str, layers: tuple[str, ...] | None) -> None:
    assert about(design).get(claim) == layers


def test_a_stem_for_large_images_is_told_of_on_small_ones_alone() -> None:
    small, large = about("resnet18"), about("resnet18", (3, 224, 224))

    assert small["stem"][:2] == ("conv1", "pool1")
    assert "stem" not in large


def test_three_3x3_are_spoken_of_where_there_are_three() -> None:
    two, three = (
        next(each for each in bearing(eyeshot.inspect(design, IMAGE)) if each.name == "stacks")
        for design in ("C3-8 C3-8 G F10", "C3-8 C3-8 C3-8 G F10")
    )

    assert {each.study for each in two.outcomes} == {"two-of-3x3"}
    assert {each.study for each in three.outcomes} == {"two-of-3x3", "three-of-3x3"}


@pytest.mark.parametrize(("design", "shape"), [("C9s2-8 C9s2-16", (1, 512)), ("C4s4-8 F10", IMAGE), ("F10", IMAGE)])
def test_claims_about_images_and_windows_bear_on_no_other_network(design: str, shape: tuple[int, ...]) -> None:
    assert about(design, shape) == {}


@pytest.mark.parametrize("kind", ["stem-too-coarse", "wasted-tail"])
def test_advice_tells_what_training_without_the_fault_gave(kind: str) -> None:
    (finding, *_) = (each for each in eyeshot.advise("resnet18", IMAGE).to_json()["findings"] if each["kind"] == kind)
    ((name, told),) = evidence_for(kind)

    kept = next(each for each in all_kept() if each[0] == name)
    expected = next(each for each in kept[1].expects if each.higher == told.arms[0])
    measured = outcome(expected, kept[2]["studies"][told.study]["evidence"])
    assert finding["published"] == [
        {
            "finding": name,
            "says": measured.says,
            "mean": measured.mean,
            "unit": "points",
            "interval": list(measured.both or ()),
            "confidence": measured.confidence,
            "verdict": measured.verdict,
        }
    ]
    assert evidence_sentences(kind)[0].endswith(f"{measured.verdict} (findings/{name})")
