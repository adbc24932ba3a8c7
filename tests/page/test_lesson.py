"""The lesson: one offline file, whole without scripts, true to the record, and for everyone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eyeshot.view.lesson.build import lesson, record
from eyeshot.view.lesson.chapters import CHAPTERS, Chapter
from tests.cli.conftest import Eyeshot, eyeshot
from tests.page.conftest import Opened
from tests.page.test_everyone import violations

__all__ = ["eyeshot"]

Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def text() -> str:
    return lesson()


@pytest.fixture
def opened_lesson(browser: Any, text: str, tmp_path: Path) -> Iterator[Open]:
    path = tmp_path / "lesson.html"
    path.write_text(text, encoding="utf-8")
    contexts = []

    def open_page(fragment: str = "", **options: Any) -> Opened:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | options)
        contexts.append(context)
        found = Opened(context.new_page())
        if options.get("java_script_enabled", True):
            found.goto(path.as_uri() + fragment)
        else:
            found.tab.goto(path.as_uri())
        return found

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("step", CHAPTERS, ids=lambda step: step.name)
def test_a_step_is_told_in_ten_sentences_at_most(step: Chapter) -> None:
    sentences = step.sentences(step.reports())

    assert len(sentences) <= 10
    assert all(sentence.endswith((".", ":")) and not re.search(r"[.:] [A-Z]", sentence) for sentence in sentences)


def test_the_numbers_are_those_of_the_papers_and_of_the_arithmetic() -> None:
    told = {step.name: " ".join(step.sentences(step.reports())) for step in CHAPTERS}

    assert "18C² weights for 25C², the three 27C² for 49C²: the 7×7 has 81.5 % more" in told["stacks"]
    assert "1.414 px in the stack of three and 2.000 px in the 7×7" in told["stacks"]
    assert "grows from 163×163 to 387×387 on an image of 227×227" in told["pools"]
    assert "conv4 takes 78.7 % and conv5 97.6 % fewer operations" in told["pools"]
    assert "from 67×67 to 163×163" in told["pools"]


def test_what_the_lesson_says_of_the_scores_is_what_the_record_says() -> None:
    (difference,) = record()["studies"]["pools"]["evidence"]["differences"]
    told = " ".join(CHAPTERS[-1].sentences(CHAPTERS[-1].reports()))

    assert "the finer maps score a little higher, and five seeds do not tell" in told
    assert difference["mean"] > 0
    assert difference["seen"] is False


@pytest.mark.parametrize("name", ["pools", "two", "three", "stride"])
def test_every_study_has_five_paired_seeds_and_says_where_it_ran(name: str) -> None:
    study = record()["studies"][name]

    assert all(len(arm["scores"]) == 5 and not arm["diverged"] for arm in study["evidence"]["arms"])
    assert study["command"].startswith("eyeshot compare ")
    assert record()["device"]["processor"]


def test_stacks_and_single_kernels_were_trained_at_one_cost() -> None:
    for name in ("two", "three"):
        first, second = (arm["macs"] for arm in record()["studies"][name]["arms"])
        assert abs(second / first - 1) < 0.01


def test_it_is_the_same_file_each_time_and_styles_nothing_inline(text: str) -> None:
    assert lesson() == text
    assert " style=" not in text
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", text)


def test_the_command_writes_it(tmp_path: Path, eyeshot: Eyeshot, text: str) -> None:
    output = tmp_path / "lesson.html"

    assert eyeshot("report", "--lesson", "-o", str(output)).exit_code == 0
    assert output.read_text(encoding="utf-8") == text
    refused = eyeshot("report", "alexnet", "--lesson", "-o", str(tmp_path / "x.html"))
    assert refused.exit_code == 2
    assert "--lesson takes neither models" in refused.stderr
    assert "report needs a model" in eyeshot("report", "-o", str(tmp_path / "x.html")).stderr


def test_it_opens_with_one_request_and_no_complaint(opened_lesson: Open) -> None:
    page = opened_lesson()
    for button in page.tab.query_selector_all(".slot .chips button"):
        if button.is_visible():
            button.click()
            page.settle()

    assert len(page.requests) == 1, page.requests
    assert page.complaints == []


def test_every_control_of_the_stage_works(opened_lesson: Open) -> None:
    page = opened_lesson()

    for control in (
        ".stage .axes button",
        "text=zoom in",
        "text=middle",
        ".plate",
        "#tab-cost",
        "#tab-why",
        "#tab-field",
    ):
        page.tab.click(control)
        page.settle()
    box = page.tab.locator(".picture canvas").bounding_box()
    page.tab.mouse.move(box["x"] + 40, box["y"] + 40)
    page.settle()
    page.tab.mouse.down()
    page.tab.mouse.move(box["x"] + 80, box["y"] + 80, steps=4)
    page.tab.mouse.up()

    assert page.answer.startswith("Pixel [")
    assert page.complaints == []


def test_a_stepper_recomputes_the_field_in_the_page(opened_lesson: Open) -> None:
    page = opened_lesson()
    assert page.answer.startswith("conv3[7,7] can see 7×7 of 15×15 px")

    page.tab.evaluate("eyeshot.set({ layer: eyeshot.designs[0].index.get('conv1') })")
    page.tab.click("[data-step='stride more']")
    page.tab.evaluate("eyeshot.set({ layer: eyeshot.designs[0].index.get('conv3'), unit: [4, 4] })")

    assert page.answer.startswith("conv3[4,4] can see 11×11 of 15×15 px")


def test_the_stage_moves_to_the_step_whose_design_is_tried(opened_lesson: Open) -> None:
    page = opened_lesson()

    page.tab.click("#pools .slot button >> text=a pool after each")

    assert page.answer.startswith("conv5[1,1] can see")
    assert page.tab.query_selector("#pools .stage") is not None
    assert page.tab.query_selector("#sees .stage") is None
    assert page.tab.get_attribute("#sees .slot .chips button", "aria-pressed") == "false"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_wrong_with_the_lesson(opened_lesson: Open, scheme: str) -> None:
    page = opened_lesson(color_scheme=scheme, bypass_csp=True)
    assert violations(page) == []

    page.tab.click("#stacks .slot button >> text=one 7×7")
    page.settle()
    assert violations(page) == []


def test_keys_alone_lead_through_the_lesson(opened_lesson: Open) -> None:
    page = opened_lesson()

    for _ in range(200):
        page.tab.keyboard.press("Tab")
        if page.tab.evaluate("document.activeElement.closest('#strides .slot') !== null"):
            break
    page.tab.keyboard.press("Enter")

    assert page.tab.query_selector("#strides .stage") is not None


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_screen(opened_lesson: Open, width: int) -> None:
    page = opened_lesson(viewport={"width": width, "height": 800})

    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_all_of_it_can_be_read(opened_lesson: Open) -> None:
    page = opened_lesson(java_script_enabled=False)

    shown = page.tab.inner_text("main")
    for step in CHAPTERS:
        assert step.title in shown
        assert all(sentence in shown.replace("\n", " ") for sentence in step.sentences(step.reports()))
    assert "no difference seen at 5 seeds" in shown
    assert "Try it" not in shown.splitlines()
