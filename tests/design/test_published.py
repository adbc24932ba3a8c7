"""Published claims bear on a network by what it is made of, and say what their studies found."""

from __future__ import annotations

import pytest

import eyeshot
from eyeshot.design.published import bearing, evidence_for, rule
from eyeshot.report.published import evidence_sentences
from scripts.verdicts import all_kept, finding_in, folders, outcome, studies_of

IMAGE = (3, 32, 32)


def about(design: str, shape: tuple[int, ...] = IMAGE) -> dict[str, tuple[str, ...]]:
    return {each.name: each.layers for each in eyeshot.inspect(design, shape).published}


def test_every_study_of_a_finding_says_which_networks_it_is_about() -> None:
    studies = [(folder.name, study) for folder in folders() for study in studies_of(finding_in(folder))]
    lacking = [f"{name}/{study}" for name, study in studies if rule(name, study) is None]

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

    assert {each.study for each in two.outcomes} == {"two-of-3x3", "vgg-b"}
    assert {each.study for each in three.outcomes} == {"two-of-3x3", "vgg-b", "three-of-3x3"}


@pytest.mark.parametrize(("design", "shape"), [("C9s2-8 C9s2-16", (1, 512)), ("C4s4-8 F10", IMAGE), ("F10", IMAGE)])
def test_claims_about_images_and_windows_bear_on_no_other_network(design: str, shape: tuple[int, ...]) -> None:
    assert about(design, shape) == {}


@pytest.mark.parametrize("kind", ["stem-too-coarse", "wasted-tail"])
def test_advice_tells_what_training_without_the_fault_gave(kind: str) -> None:
    (finding, *_) = (each for each in eyeshot.advise("resnet18", IMAGE).to_json()["findings"] if each["kind"] == kind)
    told = evidence_for(kind)
    measured = []
    for name, outcome_told in told:
        kept = next(each for each in all_kept() if each[0] == name)
        expected = next(
            each for each in kept[1].expects if each.higher == outcome_told.arms[0] and each.study == outcome_told.study
        )
        measured.append((name, outcome(expected, kept[2]["studies"][outcome_told.study]["evidence"])))

    assert {each.study for _, each in measured} == {"stem", "at-56"}
    assert finding["published"] == [
        {
            "finding": name,
            "says": each.says,
            "mean": each.mean,
            "unit": "points",
            "interval": list(each.both or ()),
            "confidence": each.confidence,
            "verdict": each.verdict,
        }
        for name, each in measured
    ]
    for (name, each), sentence in zip(measured, evidence_sentences(kind), strict=True):
        assert sentence.endswith(f"{each.verdict} (findings/{name})")
