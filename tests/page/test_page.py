"""The page opens anywhere, asks for nothing, and answers to pointer, keyboard and link."""

from __future__ import annotations

import errno
import gzip
from pathlib import Path

import pytest
import torch
from torch import nn

import eyeshot
from eyeshot.errors import RunError, UsageError
from eyeshot.view.bundle import script
from eyeshot.view.export import page as html_page
from tests.oracles.elements import Function
from tests.page.conftest import Open, Opened


def test_it_opens_from_a_file_with_one_request_and_no_complaint(opened: Open) -> None:
    page = opened("alexnet", "alexnet-alternating")
    for tab in page.tab.query_selector_all("[role=tab]"):
        tab.click()
        page.settle()

    assert len(page.requests) == 1, page.requests
    assert page.complaints == []


def test_the_first_screen_answers_without_a_click(opened: Open) -> None:
    page = opened("alexnet")

    assert page.answer.startswith("conv5[6,6] can see 163×163 of 227×227 px; half of what it uses lies in 58×58.")
    assert "exact" in page.tab.inner_text(".sentence-more")
    assert page.tab.is_visible(".ledger >> text=conv5")
    assert page.tab.is_visible(".picture canvas")
    assert page.tab.is_visible(".cone canvas")


def test_a_decoder_s_smaller_units_are_not_said_to_lie_partly_outside(opened: Open) -> None:
    """Two neighbours on an upsampled map are of one position, which sees 5 pixels, or of two, which see 7."""
    conv, last = torch.nn.Conv2d(1, 1, 5, 2, 2), torch.nn.Conv2d(1, 1, 2)
    report = eyeshot.inspect(torch.nn.Sequential(conv, torch.nn.Upsample(scale_factor=2), last), (1, 64, 64))

    for i, size in ((20, "5×5"), (21, "7×7")):
        page = opened(report, fragment=f"#layer=2&unit={i},{i}")
        assert page.answer.startswith(f"2[{i},{i}] can see {size}")
        more = page.tab.inner_text(".sentence-more")
        assert "lies outside" not in more
        assert ("units of this layer see up to 7×7" in more) == (size == "5×5")


def test_a_click_on_a_layer_selects_it_and_the_address_says_so(opened: Open) -> None:
    page = opened("alexnet")
    page.tab.click(".ledger .row-name >> text=pool2")

    assert page.answer.startswith("pool2[6,6] can see 67×67")
    assert page.fragment == "#layer=pool2&unit=6,6"


def test_a_link_shows_the_same_again(opened: Open) -> None:
    page = opened(
        "alexnet", "alexnet-alternating", fragment="#design=alexnet-alternating&layer=conv3&unit=0,12&tab=why"
    )

    assert page.answer.startswith("conv3[0,12]")
    assert page.tab.get_attribute("#tab-why", "aria-selected") == "true"


def test_a_link_may_name_a_module(opened: Open) -> None:
    page = opened("resnet18", fragment="#layer=layer2")

    assert page.complaints == []
    assert page.answer.startswith("layer2.1.relu2[14,14] can see 99×99")


def test_behind_a_gate_the_reasons_end_at_the_headline_and_name_the_gate(opened: Open) -> None:
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.fc(self.pool(x)).sigmoid()  # type: ignore[no-any-return]

    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), Gate(), *[nn.Conv2d(4, 4, 3, padding=1) for _ in range(6)])
    page = opened(eyeshot.inspect(module, (3, 10, 10)), fragment="#layer=7&tab=why")
    text = page.tab.inner_text(".why-tab")

    assert "1.mul is weighted by what 1.pool reads of it" in text
    assert page.tab.inner_text(".why tfoot").split() == ["sum", "1", "+", "14", "15"]


def test_units_that_see_all_before_them_are_told_so_and_not_by_a_number(opened: Open) -> None:
    module = Function(lambda conv, x: conv(x.cumsum(2)), nn.Conv1d(3, 4, 1))

    page = opened(eyeshot.inspect(module, (3, 30)), fragment="#layer=1&tab=why")

    assert "all before" in page.tab.inner_text("#eyeshot")
    assert "each unit sees all before it, so no sum makes the number" in page.tab.inner_text("#eyeshot")


def test_a_link_to_what_is_not_there_says_so_and_shows_the_rest(opened: Open) -> None:
    page = opened("alexnet", fragment="#layer=conv9&unit=1,1")

    assert "alexnet has no layer conv9" in page.tab.inner_text(".complaint")
    assert page.answer.startswith("conv5[")


def test_moving_over_the_picture_previews_a_click_pins_and_dragging_asks_who_sees_a_pixel(opened: Open) -> None:
    page = opened("alexnet")
    box = page.tab.locator(".picture canvas").bounding_box()
    left, top = box["x"] + 20, box["y"] + 20

    page.tab.mouse.move(left, top)
    assert page.answer.startswith("conv5[0,0]")
    assert page.fragment == "#layer=conv5&unit=6,6"

    page.tab.mouse.down()
    page.tab.mouse.up()
    assert page.fragment == "#layer=conv5&unit=0,0"

    page.tab.mouse.down()
    page.tab.mouse.move(left + 60, top + 60, steps=4)
    page.tab.mouse.up()
    assert page.answer.startswith("Pixel [")
    assert "of the 169 units of conv5" in page.answer


@pytest.mark.parametrize("model", ["alexnet", "[C1x3-4 | C3x1-4] C3-4", "C3-4 P2 C3-4"])
def test_a_design_of_few_layers_or_one_axis_has_all_panels(opened: Open, model: str) -> None:
    page = opened(model)

    assert page.complaints == []
    assert page.answer


def test_a_volume_is_shown_by_its_rows_and_columns(opened: Open) -> None:
    page = opened(eyeshot.inspect("C3-4 P2 C3-4", (1, 12, 20, 24)), fragment="#layer=conv2&unit=3,5,6")

    assert page.answer.startswith("conv2[3,5,6] can see 8×8×8 of 12×20×24 px")
    page.tab.mouse.move(*middle_of(page, ".picture canvas"))
    assert page.answer.startswith("conv2[3,")
    for tab in page.tab.query_selector_all("[role=tab]"):
        tab.click()
        page.settle()
    assert page.complaints == []


class Sum(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = (torch.nn.Conv2d(3, 4, k, padding=k // 2) for k in (3, 5))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.left(x) + self.right(y)


def test_of_several_inputs_the_first_is_the_picture(opened: Open) -> None:
    example = (torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16))
    page = opened(eyeshot.inspect(Sum(), example=example), fragment="#layer=left&unit=8,8")

    assert page.answer.startswith("left[8,8] can see 3×3 of 16×16 px")
    for tab in page.tab.query_selector_all("[role=tab]"):
        tab.click()
        page.settle()
    assert page.complaints == []


def middle_of(page: Opened, selector: str) -> tuple[float, float]:
    box = page.tab.locator(selector).bounding_box()
    return box["x"] + box["width"] / 3, box["y"] + box["height"] / 2


def test_a_notebook_shows_it_in_a_frame_without_an_address(opened: Open, tmp_path: Path) -> None:
    frame = eyeshot.inspect("alexnet").explore()._repr_html_()
    assert 'sandbox="allow-scripts allow-downloads"' in frame
    (tmp_path / "notebook.html").write_text(f"<!doctype html><html lang=en><title>n</title>{frame}", encoding="utf-8")
    page = opened("C3-4")
    page.complaints.clear()
    page.tab.goto((tmp_path / "notebook.html").as_uri())
    inside = page.tab.frame_locator("iframe")
    inside.locator(".ledger .row-name >> text=pool2").click()

    inside.locator("#answer >> text=pool2[6,6] can see 67×67").wait_for()
    assert page.complaints == []


def test_the_page_is_saved_once_and_replaced_only_when_told(tmp_path: Path) -> None:
    report, path = eyeshot.inspect("alexnet"), tmp_path / "alexnet.html"

    assert report.save_html(path) == path
    with pytest.raises(UsageError, match="exists; give another name, or force=True"):
        report.save_html(path)
    eyeshot.compare("C3-4", "C5-4").save_html(path, force=True)
    assert "C5-4" in path.read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="there is no folder"):
        report.save_html(tmp_path / "none" / "x.html")
    with pytest.raises(UsageError, match="is a folder; give a file in it"):
        report.save_html(tmp_path, force=True)


def test_a_page_that_cannot_be_made_or_written_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, path = eyeshot.inspect("C3-8"), tmp_path / "page.html"
    with pytest.raises(UsageError, match=r"none\.png could not be read: No such file"):
        report.save_html(path, image=tmp_path / "none.png")
    with pytest.raises(UsageError, match="could not be read: a folder, not a file"):
        report.save_html(path, image=tmp_path)
    with pytest.raises(UsageError, match="is none of PNG, JPEG, GIF and WebP"):
        report.save_html(path, image=Path(__file__))

    def full(self: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match=r"page\.html could not be written: No space left on device"):
        report.save_html(path)
    assert list(tmp_path.iterdir()) == []


def test_sizes_keep_to_their_budgets() -> None:
    """Script 60 KiB gzipped; the page of ResNet-50 400 KiB."""
    assert len(gzip.compress(script().encode(), 9)) <= 60 * 1024
    assert len(html_page([eyeshot.inspect("torchvision:resnet50")]).encode()) <= 400 * 1024
