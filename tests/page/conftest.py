"""A real browser: the system's Chromium, driven by Playwright; tests say why they skip where either is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import eyeshot
from eyeshot.api.report import Report
from eyeshot.view.export import page as html_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_SETTLED = """() => new Promise((done) => requestAnimationFrame(
  () => requestAnimationFrame(() => setTimeout(done, 0))))"""
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    reason = None if CHROMIUM else "no Chromium here (Debian: apt-get install chromium)"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        reason = "Playwright is not installed (make .venv/.dev)"
    if reason:
        if os.environ.get("EYESHOT_BROWSER_TESTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        yield chromium
        chromium.close()


class Opened:
    """A page that is open, with what it asked for and complained of."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab
        self.requests: list[str] = []
        self.complaints: list[str] = []
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("console", lambda message: self.complaints.append(message.text) if message.type != "log" else None)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))

    def goto(self, url: str) -> None:
        self.tab.goto(url)
        self.tab.wait_for_selector("#eyeshot:not([aria-busy])")
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn, and the address says it."""
        self.tab.evaluate(_SETTLED)

    @property
    def answer(self) -> str:
        self.settle()
        return str(self.tab.inner_text("#answer"))

    @property
    def fragment(self) -> str:
        self.settle()
        return str(self.tab.evaluate("location.hash"))


Open = Callable[..., Opened]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Write the page of some models or reports and open it from its file."""
    contexts = []

    def open_page(
        *models: str | Report,
        fragment: str = "",
        image: bytes | None = None,
        tiles: Any = (),
        decide: Any = (),
        evidence: Any = None,
        **options: Any,
    ) -> Opened:
        reports: Sequence[Report] = [m if isinstance(m, Report) else eyeshot.inspect(m) for m in models]
        path = tmp_path / "page.html"
        text = html_page(reports, image=image, tiles=tiles, decide=decide, evidence=evidence)
        path.write_text(text, encoding="utf-8")
        options = {"viewport": {"width": 1280, "height": 800}} | options
        context = browser.new_context(**options)
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
