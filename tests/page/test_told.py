"""What the page says beside its numbers: of links, of changes, of what is drawn and what is not."""

from __future__ import annotations

import pytest

import eyeshot
from tests.page.conftest import Open

BAD_LINKS = {
    "#layer=conv9": "alexnet has no layer conv9",
    "#tab=colour": "no view is called colour",
    "#layer=conv1&unit=7": "conv1 has no unit 7",
    "#layer=conv1&point=900,1": "the image has no pixel 900,1",
    "#axis=7": "the image has no axis 7",
    "#design=vgg": "no design is called vgg",
    "#zoom=2": "zoom is 0 or 1, not 2",
    "#paths=gates": "paths is all or data, not gates",
    "#use=mine": "no effective field is called mine",
    "#colour=red": "nothing is called colour",
    "#edit=conv9~k5": "alexnet has no layer conv9 to change",
    "#edit=relu1~k5": "relu1 has no window to change",
    "#edit=nonsense": "nonsense is no change",
    "#edit=conv1~k5~q9": "conv1~k5~q9 is no change",
}


def test_a_link_to_what_is_not_there_is_answered_and_said(opened: Open) -> None:
    page = opened("alexnet", fragment="#layer=conv2&edit=conv3~k0")
    assert "conv3~k0 is no change" in page.tab.inner_text(".complaint")

    for fragment, said in BAD_LINKS.items():
        page.tab.evaluate("(fragment) => { location.hash = fragment; }", fragment)
        page.tab.wait_for_function("(said) => document.querySelector('.complaint').innerText.includes(said)", arg=said)
        assert "can see" in page.answer, fragment

    page.tab.evaluate("location.hash = '#layer=conv2'")
    page.settle()
    assert not page.tab.is_visible(".answer .complaint")


def test_steppers_say_before_and_after_on_the_layer_in_view(opened: Open) -> None:
    page = opened("alexnet", fragment="#layer=conv5&edit=conv3~k5~p2")
    assert eyeshot.inspect("alexnet")["conv5"].field.size == (163, 163)
    assert eyeshot.inspect("alexnet")["conv3"].field.stride == (16, 16)

    assert "conv5: 163×163 → 195×195, MACs +" in page.tab.inner_text(".effect")

    page.goto(page.tab.url.split("#")[0] + "#layer=conv2&edit=conv3~k5~p2")
    page.tab.reload()
    page.settle()

    assert "conv2: still 51×51" in page.tab.inner_text(".effect")


def test_a_network_that_no_longer_fits_is_not_called_exact(opened: Open) -> None:
    page = opened("C3p1-8 [C3p1-8 | C1-8] C3-8", fragment="#layer=conv1")
    assert page.tab.is_visible(".badge")

    page.goto(page.tab.url.split("#")[0] + "#layer=conv1&edit=conv2~s2")
    page.tab.reload()
    page.settle()

    assert "no longer fits" in page.tab.inner_text(".changed")
    assert not page.tab.is_visible(".badge")


def test_the_cone_names_the_layers_that_it_does_not_draw(opened: Open) -> None:
    note = opened("alexnet", fragment="#layer=conv5").tab.inner_text(".cone-note")

    assert note.startswith("Not drawn, since the set there is that of the layer before or has no map: ")
    assert "relu1" in note


def test_outlines_on_the_picture_are_the_boxes_of_the_sentence(opened: Open) -> None:
    legend = opened("alexnet", fragment="#layer=conv5").tab.inner_text(".legend")

    assert "box that holds half of what it uses" in legend
    assert "box that holds 95 %" in legend


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (680, 425)], ids=["1024 px", "1360 px at 200 %"])
def test_the_ledger_stays_beside_a_picture_that_fills_its_column(opened: Open, width: int, height: int) -> None:
    tab = opened("alexnet", viewport={"width": width, "height": height}).tab
    ledger, views, figure, picture = (
        tab.locator(part).bounding_box() for part in (".ledger-box", ".views", ".figure", ".picture canvas")
    )

    assert ledger["x"] + ledger["width"] <= views["x"]
    assert abs(ledger["y"] - views["y"]) < 2
    room_for_names = 104
    assert picture["width"] >= min(figure["width"] - room_for_names, height / 2)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_layers_without_weights_do_not_count_as_depth(opened: Open) -> None:
    page = opened("C3-4 P2 C3-4 P2 C3-4", "C3-4 C3-4 P2 C3-4 C3-4", fragment="#tab=compare&layer=conv3")

    assert page.tab.locator(".card .row-name").all_inner_texts() == ["conv3[28,28]", "conv3[57,57]"]
