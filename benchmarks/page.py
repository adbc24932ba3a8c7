"""The explorer page against its budgets, in the system's Chromium.

    python benchmarks/page.py            all networks
    python benchmarks/page.py alexnet    those named

Columns: the file; the script, gzipped; until something is painted and until the first screen is whole, from the start
of loading; the time that one update takes as the pointer moves (a preview) and as a unit is pinned (with its effective
field), script and layout together, over 200 and over 40 units: median and 95th percentile of the clock, and the mean
of the thread's own time, which other programs on the machine do not lengthen; the longest frame while the pointer
crosses the picture.
"""

from __future__ import annotations

import argparse
import gzip
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

import eyeshot
from eyeshot.report.table import Column, Table
from eyeshot.view.bundle import script
from eyeshot.view.export import page

NETWORKS = {
    "alexnet": ("alexnet", (3, 227, 227)),
    "25 layers, 224²": ("C3-8x25", (3, 224, 224)),
    "200 layers, 512²": ("C3-8x200", (3, 512, 512)),
    "200 layers, dilated, branched, 512²": ("C3s2-8 P2 [C3d2-8 | C1x5-8 | C5x1-8]x49", (3, 512, 512)),
    "resnet50": ("torchvision:resnet50", (3, 224, 224)),
    "densenet201": ("torchvision:densenet201", (3, 224, 224)),
    "inception_v3": ("torchvision:inception_v3", (3, 299, 299)),
    "swin_t": ("torchvision:swin_t", (3, 224, 224)),
    "2,000 layers": ("(C3-8 C1-8)x1000", (3, 224, 224)),
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
UPDATES = """([units, isPinned]) => units.map((share) => {
  const {designs, state, set, look, render} = eyeshot;
  const {places, shape} = designs[state.design].nodes[state.layer];
  const unit = places.map((place, axis) => place === null ? 0 : Math.floor(share[axis] * shape[place]));
  const start = performance.now();
  if (isPinned) set({unit}); else look({unit});
  render();
  document.body.offsetHeight;
  return performance.now() - start;
})"""
FRAMES = """() => new Promise((done) => {
  let last = performance.now(), longest = 0, left = 90;
  const frame = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    if (left--) requestAnimationFrame(frame); else done(longest);
  };
  requestAnimationFrame(frame);
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="network", help=", ".join(NETWORKS))
    chosen = parser.parse_args().networks or list(NETWORKS)
    if unknown := [name for name in chosen if name not in NETWORKS]:
        parser.error(f"there is no network {unknown[0]}; there are {', '.join(NETWORKS)}")
    packed = len(gzip.compress(script().encode(), 9)) / 1024
    print(f"script {packed:.1f} KiB gzipped (budget 60)\n")
    times = ["painted, ms", "whole, ms", "preview p50", "p95", "CPU", "pinned p50", "p95", "CPU", "longest frame"]
    headings = ["network", "nodes", "file, KiB", "made, s", *times]
    table = Table([Column(heading=heading, is_number=i > 0) for i, heading in enumerate(headings)])
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name in chosen:
            model, shape = NETWORKS[name]
            report = eyeshot.inspect(model, shape)
            print(f"{name} …", file=sys.stderr)
            start = time.perf_counter()
            text = page([report])
            made = time.perf_counter() - start
            path = Path(folder) / "page.html"
            path.write_text(text, encoding="utf-8")
            table.add(name, str(len(report.network.nodes)), f"{len(text.encode()) / 1024:.0f}", f"{made:.2f}",
                      *measured(browser, path))  # fmt: skip
        browser.close()
    for line in table.lines(None):
        print("".join(text for text, _ in line))


def measured(browser: object, path: Path) -> list[str]:
    tab = browser.new_page(viewport={"width": 1360, "height": 850})  # type: ignore[attr-defined]
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    tab.goto(path.as_uri())
    tab.wait_for_selector("#eyeshot:not([aria-busy])")
    whole = tab.evaluate("() => performance.now()")
    tab.wait_for_timeout(600)
    painted = tab.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
    chance = random.Random(1)
    shares = [[chance.random() for _ in range(3)] for _ in range(200)]
    cells = [f"{painted:.0f}", f"{whole:.0f}"]
    for is_pinned in (False, True):
        tab.evaluate(UPDATES, [shares[:5], is_pinned])
        count, before = 40 if is_pinned else 200, thread_time(session)
        times = sorted(tab.evaluate(UPDATES, [shares[:count], is_pinned]))
        cells += [f"{statistics.median(times):.1f}", f"{times[int(0.95 * len(times))]:.1f}"]
        cells.append(f"{1000 * (thread_time(session) - before) / count:.1f}")
    box = tab.locator(".picture canvas").bounding_box()
    tab.evaluate("() => { window.longest = null; }")
    tab.evaluate(f"() => {{ ({FRAMES})().then((longest) => {{ window.longest = longest; }}); }}")
    for i in range(80):
        tab.mouse.move(box["x"] + 20 + i * (box["width"] - 40) / 80, box["y"] + 20 + i * (box["height"] - 40) / 80)
    tab.wait_for_timeout(1500)
    cells.append(f"{tab.evaluate('window.longest'):.0f}")
    tab.close()
    return cells


def thread_time(session: object) -> float:
    """Seconds that the page's main thread has worked."""
    found = session.send("Performance.getMetrics")["metrics"]  # type: ignore[attr-defined]
    return next(each["value"] for each in found if each["name"] == "TaskDuration")


if __name__ == "__main__":
    main()
