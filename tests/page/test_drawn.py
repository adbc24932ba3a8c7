"""What one sees at each width and in each scheme: nothing cut, nothing alike that means different things."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import eyeshot
from eyeshot.errors import UsageError
from eyeshot.measure.images import prepared, usual
from eyeshot.view.export import page as html_page
from tests.page.conftest import Open, Opened

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def shot(page: Opened, selector: str) -> Any:
    """What an element looks like, pixel by pixel."""
    page.settle()
    return Image.open(io.BytesIO(page.tab.locator(selector).first.screenshot())).convert("RGB")


def test_weights_have_a_column_on_a_usual_screen(opened: Open) -> None:
    for model in ("alexnet", "torchvision:resnet18", "torchvision:efficientnet_b0"):
        page = opened(model, viewport={"width": 1440, "height": 900})
        assert page.tab.is_visible(".ledger thead .params"), model
        assert page.tab.is_visible(".ledger thead .macs"), model


def test_nothing_is_cut_while_a_pixel_is_dragged(opened: Open) -> None:
    page = opened("alexnet")
    for width in (1440, 1024, 360):
        page.tab.set_viewport_size({"width": width, "height": 900})
        page.settle()
        page.tab.locator(".picture canvas").scroll_into_view_if_needed()
        box = page.tab.locator(".picture canvas").bounding_box()
        page.tab.mouse.move(box["x"] + 60, box["y"] + 60)
        page.tab.mouse.down()
        for x, y in ((90, 90), (17, 17)):
            page.tab.mouse.move(box["x"] + x, box["y"] + y, steps=3)
            page.settle()
            assert page.answer.startswith("Pixel [")
            ledger = page.tab.locator(".ledger-box > .scroll")
            assert ledger.evaluate("(box) => box.scrollWidth <= box.clientWidth"), (width, x)
            assert page.tab.is_visible(".ledger thead .reach"), (width, x)
        page.tab.mouse.up()
        page.tab.keyboard.press("Escape")
        page.tab.click("text=back to the unit")
        page.settle()
        assert page.tab.is_hidden(".ledger thead .reach")


def test_designs_side_by_side_are_below_each_other_on_a_phone(opened: Open) -> None:
    page = opened("alexnet", "alexnet-alternating", fragment="#tab=compare", viewport={"width": 360, "height": 740})
    ends = page.tab.evaluate(
        "[...document.querySelectorAll('.compare-tab td, .compare-tab th, .compare-tab canvas')]"
        ".map((each) => each.getBoundingClientRect().right)"
    )

    assert max(ends) <= 360
    assert page.tab.get_by_role("rowheader", name="MACs", exact=True).count() == 1
    steps = page.tab.locator("tr", has=page.tab.locator("th", has_text="in steps of")).inner_text()
    assert " ".join(steps.split()) == "in steps of, px A 16 B 64 ×4"


COLUMNS = """(canvas) => {
  const {width, height} = canvas, data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const at = (x, y) => [...data.slice(4 * (y * width + x), 4 * (y * width + x) + 4)].join();
  const row = (y) => Array.from({length: width}, (_, x) => at(x, y));
  return {low: row(134), high: row(30)};
}"""


@pytest.mark.parametrize("scheme", [{"color_scheme": "dark"}, {"forced_colors": "active"}], ids=str)
def test_a_small_field_s_profile_fills_its_picture_and_what_is_not_seen_is_hatched(
    opened: Open, scheme: dict[str, str]
) -> None:
    """Seven convolutions see 13 of 512 pixels; drawn over the whole image they would be a line."""
    report = eyeshot.inspect("C3-8x6", (3, 512, 512))
    page = opened(report, fragment="#tab=effective", **scheme)
    rows = page.tab.locator(".profiles canvas").first.evaluate(COLUMNS)
    width = len(rows["low"])
    accent = max(set(rows["low"]), key=rows["low"].count)

    assert sum(colour == accent for colour in rows["low"]) > width / 2
    beside, inside = rows["high"][50:90], rows["high"][150:200]
    assert len(set(inside)) == 1, "between the curve and its frame nothing is drawn"
    assert len(set(beside)) > 1, "beside the frame there are slanting lines"


@pytest.mark.parametrize(
    ("picture", "shape"), [((400, 100), (64, 64)), ((100, 400), (64, 64)), ((300, 400), (48, 96))], ids=str
)
def test_a_picture_is_cut_as_it_is_for_gradients(
    opened: Open, tmp_path: Path, picture: tuple[int, int], shape: tuple[int, int]
) -> None:
    """Red grows to the right, green downwards: the corners of the cut tell where it lies."""
    image = Image.new("RGB", picture)
    w, h = picture
    image.putdata([(255 * x // w, 255 * y // h, 0) for y in range(h) for x in range(w)])
    image.save(tmp_path / "ramp.png")
    preparation = usual((3, *shape))
    pixels = prepared(tmp_path / "ramp.png", preparation)
    report = eyeshot.inspect("C3-8", (3, *shape))

    page = opened(report, fragment="#layer=conv1&point=0,0", image=(tmp_path / "ramp.png").read_bytes())
    drawn = shot(page, ".picture canvas")

    left, top, wide, high = 16, 16, drawn.width - 32, drawn.height - 32
    for x in (0.1, 0.9):
        for y in (0.1, 0.9):
            seen = drawn.getpixel((round(left + x * wide), round(top + y * high)))
            for channel in (0, 1):
                value = pixels[channel, int(y * shape[0]), int(x * shape[1])]
                value = 255 * (value * preparation.std[channel] + preparation.mean[channel])
                assert abs(seen[channel] - value) < 16, (x, y, channel)


def test_a_picture_under_a_signal_is_refused() -> None:
    with pytest.raises(UsageError, match=r"the input of .* is 1×512, a line without rows and columns"):
        html_page([eyeshot.inspect("C9-4", (1, 512))], image=b"")


def test_with_few_colours_what_is_not_seen_is_hatched(opened: Open) -> None:
    page = opened("alexnet", forced_colors="active")
    picture = shot(page, ".picture canvas")
    outside = {picture.getpixel((20 + i, 24)) for i in range(24)}

    assert len(outside) > 1
    assert "gradient" in page.tab.locator(".key-shade").evaluate("(key) => getComputedStyle(key).backgroundImage")


def test_the_ledger_shows_the_layer_that_is_asked_for_and_leaves_the_page_where_it_is(opened: Open) -> None:
    page = opened("vgg16", fragment="#layer=fc8", viewport={"width": 1280, "height": 400})

    seen = """() => {
      const row = document.querySelector(".ledger [aria-current]").closest("tr").getBoundingClientRect();
      const box = document.querySelector(".ledger-box > .scroll").getBoundingClientRect();
      return [row.top >= box.top && row.bottom <= box.bottom + 1, scrollY];
    }"""
    assert page.tab.evaluate(seen) == [True, 0]
