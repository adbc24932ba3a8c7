"""The lesson: one offline file, whole without scripts, true to the record, and for everyone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest

from eyeshot.design.published import published
from eyeshot.report.published import amount
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
    assert all(passage.pictures or passage.quantities or passage.studies for passage in step.passages(step.reports()))
    assert all(sentence.endswith((".", ":")) and not re.search(r"[.:] [A-Z]", sentence) for sentence in sentences)


def test_the_numbers_are_those_of_the_papers_and_of_the_arithmetic() -> None:
    told = {step.name: " ".join(step.sentences(step.reports())) for step in CHAPTERS}

    assert "18C² weights for 25C², the three 27C² for 49C²: the 7×7 has 81.5 % more" in told["stacks"]
    assert "1.414 px in the stack of three and 2.000 px in the 7×7" in told["stacks"]
    assert "grows from 163×163 to 387×387 on an image of 227×227" in told["pools"]
    assert "conv4 takes 78.7 % and conv5 97.6 % fewer operations" in told["pools"]
    assert "from 67×67 to 163×163" in told["pools"]
    assert (
        "in the middle of the map (A) has 51.6 % of the image before it, one in the corner (B) 19.0 %" in told["pools"]
    )


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


def test_each_step_ends_with_what_others_claim_and_what_came_of_it(text: str) -> None:
    told = {each.name: each for each in published()}

    for step in CHAPTERS:
        section = text.partition(f'<section id="{step.name}"')[2].partition("</section>")[0]
        for name in step.published:
            assert escape(told[name].claim) in section
            assert all(f"<td>{escape(amount(each))}</td>" in section for each in told[name].outcomes)


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


def answer(page: Opened, step: str) -> str:
    page.settle()
    return str(page.tab.inner_text(f"#{step} .sentence"))


def test_a_picture_stands_beside_each_paragraph(opened_lesson: Open) -> None:
    page = opened_lesson()

    for passage in page.tab.query_selector_all(".passage"):
        words, pictures = (passage.query_selector(part).bounding_box() for part in ("p", ".pictures"))
        assert pictures["height"] > 60
        assert pictures["x"] > words["x"] + words["width"]
        assert abs(pictures["y"] - words["y"]) < 30


@pytest.mark.parametrize("width", [360, 1200])
def test_no_letter_of_a_picture_is_smaller_than_11_pixels(opened_lesson: Open, width: int) -> None:
    page = opened_lesson(viewport={"width": width, "height": 800})

    smallest = page.tab.evaluate(
        """() => Math.min(...[...document.querySelectorAll(".passage svg text")].map((text) => {
          const svg = text.ownerSVGElement;
          const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
          return parseFloat(getComputedStyle(text).fontSize) * scale;
        }))"""
    )
    assert smallest >= 11


def test_plates_name_a_and_b_and_what_both_see(opened_lesson: Open) -> None:
    page = opened_lesson()

    plates = page.tab.query_selector_all("#sees .plates >> nth=0 >> svg")
    assert len(plates) == 4
    for plate in plates:
        letters = [text.inner_html() for text in plate.query_selector_all("text.over")]
        assert letters == ["A", "B"]
    fills = [path.get_attribute("fill") for path in plates[-1].query_selector_all("path[d]")]
    assert fills[:3] == ["#0072B2", "#E69F00", "#777777"]
    assert page.tab.inner_text("#sees .key >> nth=0").split() == ["A", "B", "both"]


@pytest.mark.parametrize("step", ["stacks", "strides", "pools"])
def test_every_rival_has_its_plates(step: str) -> None:
    (chapter,) = (chapter for chapter in CHAPTERS if chapter.name == step)

    drawn = {p.design for each in chapter.passages(chapter.reports()) for p in each.pictures if p.kind == "plates"}
    assert drawn == set(range(len(chapter.designs)))


def test_every_step_has_an_open_stage_with_a_small_ledger(opened_lesson: Open) -> None:
    page = opened_lesson()

    for step in CHAPTERS:
        stage = f"#{step.name} .stage"
        assert page.tab.is_visible(f"{stage} .ledger"), step.name
        assert page.tab.is_visible(f"{stage} .picture canvas"), step.name
    assert page.tab.evaluate("document.querySelectorAll('[id]').length") == page.tab.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map((each) => each.id)).size"
    )


def test_it_opens_with_one_request_and_no_complaint(opened_lesson: Open) -> None:
    page = opened_lesson()
    for step in CHAPTERS[1:]:
        for _, name in step.designs:
            page.tab.click(f"#{step.name} .stage > .chips button >> text={name}")
            page.settle()

    assert len(page.requests) == 1, page.requests
    assert page.complaints == []


def test_every_control_of_a_stage_works(opened_lesson: Open) -> None:
    page = opened_lesson()

    for control in (".axes button", "text=zoom in", "text=middle", ".plate", "#sees-tab-cost", "#sees-tab-why",
                    "#sees-tab-field"):  # fmt: skip
        page.tab.click(f"#sees .stage >> {control}")
        page.settle()
    canvas = page.tab.locator("#sees .picture canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.tab.mouse.move(box["x"] + 40, box["y"] + 40)
    page.settle()
    page.tab.mouse.down()
    page.tab.mouse.move(box["x"] + 80, box["y"] + 80, steps=4)
    page.tab.mouse.up()

    assert answer(page, "sees").startswith("Pixel [")
    assert page.complaints == []


def step_up(page: Opened, step: str, layer: str, what: str, times: int) -> None:
    """Choose a layer in the small ledger and press a stepper."""
    page.tab.click(f"#{step} .stage .ledger button >> text={layer}")
    for _ in range(times):
        page.tab.click(f"#{step} [data-step='{what} more']")
        page.settle()


def test_the_first_exercise_works_to_its_end(opened_lesson: Open) -> None:
    page = opened_lesson()
    exercise = page.tab.inner_text("#sees .exercise")
    assert "conv3: 7×7 → 11×11" in exercise
    assert "conv3: 7×7 → 17×17" in exercise

    step_up(page, "sees", "conv1", "stride", 1)
    assert "conv3: 7×7 → 11×11" in page.tab.inner_text("#sees .effect")

    page.tab.click("#sees .stage >> text=undo all changes")
    page.settle()
    step_up(page, "sees", "conv3", "dilation", 5)
    assert "conv3: 7×7 → 17×17" in page.tab.inner_text("#sees .effect")
    assert "with holes" in page.tab.inner_text("#sees .answer")


@pytest.mark.parametrize(
    ("step", "layer", "what", "down"), [("stacks", "conv2", "kernel more", 1), ("strides", "pool1", "stride less", 1)]
)
def test_an_exercise_reads_as_it_says(opened_lesson: Open, step: str, layer: str, what: str, down: int) -> None:
    page = opened_lesson()
    (said,) = re.findall(r"conv\d: \d+×\d+ → \d+×\d+", page.tab.inner_text(f"#{step} .exercise"))

    page.tab.click(f"#{step} .stage .ledger button >> text={layer}")
    page.tab.click(f"#{step} [data-step='{what}']")
    page.settle()

    assert said in page.tab.inner_text(f"#{step} .effect")
    assert "no longer fits" not in page.tab.inner_text(f"#{step} .answer")


def test_a_step_s_stage_shows_the_design_that_is_chosen_and_no_other(opened_lesson: Open) -> None:
    page = opened_lesson()

    page.tab.click("#pools .stage button >> text=a pool after each")

    assert answer(page, "pools").startswith("conv5[1,1] can see")
    assert answer(page, "sees").startswith("conv3[9,9] can see 7×7 of 19×19 px")


def test_next_and_help_offer_the_lesson(eyeshot: Eyeshot) -> None:
    command = "eyeshot report --lesson -o lesson.html"

    assert command in eyeshot("--help").output
    assert command in eyeshot("show", "alexnet").output
    assert command in eyeshot("compare", "alexnet", "alexnet-alternating").output
    assert command not in eyeshot("show", "vgg16").output


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_wrong_with_the_lesson(opened_lesson: Open, scheme: str) -> None:
    page = opened_lesson(color_scheme=scheme, bypass_csp=True)
    assert violations(page) == []

    page.tab.click("#stacks .stage button >> text=one 7×7")
    page.settle()
    assert violations(page) == []


def test_it_opens_at_its_beginning(opened_lesson: Open) -> None:
    page = opened_lesson()
    page.settle()

    assert page.tab.evaluate("scrollY") == 0


def test_keys_alone_lead_to_every_stage(opened_lesson: Open) -> None:
    page = opened_lesson()
    reached = set()

    for _ in range(400):
        page.tab.keyboard.press("Tab")
        reached.add(page.tab.evaluate("document.activeElement.closest('.stage')?.closest('section').id"))
        if "pools" in reached:
            break

    assert {step.name for step in CHAPTERS} <= reached


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
