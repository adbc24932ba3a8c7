"""Every tab of the explorer page, and the lesson, as pictures to look at, some of them for the docs.

Light and dark, wide and narrow, and in forced colours.

    make screenshots          all of them into build/screenshots, and docs/images/page-*.png

The pictures in docs/images are for README and docs; they are rendered by the system's Chromium.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import eyeshot
from eyeshot.view.export import page
from eyeshot.view.lesson.build import lesson

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "screenshots"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
TABS = ("field", "effective", "cost", "compare", "why", "graph", "claims", "data")
PAGES = {
    "pools": (["alexnet", "alexnet-alternating"], (3, 227, 227)),
    "resnet": (["torchvision:resnet50"], (3, 224, 224)),
    "cross": (["[C1x5-8 | C5x1-8] C3d3-8 P2 C3-8", "C5-8 C7-8 P2 C3-8"], (3, 64, 64)),
    "gates": (["torchvision:efficientnet_b0"], (3, 224, 224)),
    "windows": (["torchvision:swin_t"], (3, 224, 224)),
    "signal": (["C9s2-8 C9s2-16 [C3d2-8 | C3d8-8] C3-8"], (1, 512)),
}
SHOTS = {
    **{f"pools-{tab}": ("pools", f"#tab={tab}", (1360, 850), "light") for tab in TABS},
    **{f"pools-{tab}-dark": ("pools", f"#tab={tab}", (1360, 850), "dark") for tab in TABS},
    **{f"pools-{tab}-narrow": ("pools", f"#tab={tab}", (360, 740), "light") for tab in TABS},
    **{
        f"pools-{tab}-1024": ("pools", f"#tab={tab}", (1024, 768), "light") for tab in ("field", "effective", "compare")
    },
    **{
        f"pools-{tab}-forced": ("pools", f"#tab={tab}", (1360, 850), "forced")
        for tab in ("field", "effective", "compare")
    },
    "pools-pixel": ("pools", "#layer=conv5&point=80,140", (1360, 850), "light"),
    "pools-changed": ("pools", "#layer=conv3&edit=conv3~k7~p3", (1360, 850), "light"),
    "pools-misfit": ("pools", "#layer=conv4&edit=pool2~k15~s9", (1360, 850), "dark"),
    "resnet-field": ("resnet", "#layer=layer2.1.conv2", (1360, 850), "light"),
    "resnet-graph": ("resnet", "#tab=graph&layer=layer2.0.conv2", (1360, 850), "dark"),
    "resnet-why": ("resnet", "#tab=why", (1360, 850), "light"),
    "cross-field": ("cross", "#layer=conv3&zoom=1", (1360, 850), "light"),
    "gates-field": ("gates", "", (1360, 850), "light"),
    "windows-field": ("windows", "#layer=features.3.1.norm2", (1360, 850), "dark"),
    "signal-field": ("signal", "", (1360, 850), "light"),
    **{f"lesson-{scheme}": ("lesson", "", (1200, 900), scheme) for scheme in ("light", "dark")},
    "lesson-narrow": ("lesson", "", (360, 740), "light"),
}
FOR_DOCS = {
    "page-field": ("pools", "", (1360, 850), "light"),
    "page-graph-dark": ("resnet", "#tab=graph&layer=layer2.0.conv2", (1360, 850), "dark"),
    "page-compare": ("pools", "#tab=compare", (1360, 850), "light"),
    "lesson": ("lesson", "#stacks", (1200, 900), "light"),
}


def main() -> None:
    """Render all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, (models, shape) in PAGES.items():
            text = page([eyeshot.inspect(model, shape) for model in models])
            (FOLDER / f"{name}.html").write_text(text, encoding="utf-8")
        (FOLDER / "lesson.html").write_text(lesson(), encoding="utf-8")
        for folder, shots in ((FOLDER, SHOTS), (ROOT / "docs" / "images", FOR_DOCS)):
            for name, (source, fragment, (width, height), scheme) in shots.items():
                colours = {"forced_colors": "active"} if scheme == "forced" else {"color_scheme": scheme}
                tab = browser.new_page(viewport={"width": width, "height": height}, **colours)
                tab.goto((FOLDER / f"{source}.html").as_uri() + fragment)
                tab.wait_for_selector("#eyeshot:not([aria-busy])")
                tab.wait_for_timeout(700)
                shot = tab.screenshot(full_page=folder is FOLDER)
                (folder / f"{name}.png").write_bytes(compact(shot))
                tab.close()
        browser.close()
    print(f"wrote {len(SHOTS)} pictures to {FOLDER} and {len(FOR_DOCS)} to docs/images")


def compact(shot: bytes) -> bytes:
    """A picture in 255 colours, chosen so that rare ones, as of a sign, stay."""
    content = io.BytesIO()
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(
        255, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    ).save(content, "PNG", optimize=True)
    return content.getvalue()


if __name__ == "__main__":
    main()
