"""Draw the gallery of docs/figures.md, whose commands are the list of what is drawn; or a set that is hard to draw.

python scripts/figures.py               the gallery, into docs/images
python scripts/figures.py --hard DIR    long names, deep, branched, 1-D and 3-D nets: to be looked at
"""

from __future__ import annotations

import re
import shlex
import sys
from itertools import product
from pathlib import Path

from eyeshot.cli import main as eyeshot
from eyeshot.cli.plot import KINDS

DOCS = Path(__file__).parents[1] / "docs"
COMMAND = re.compile(r"^eyeshot (plot .* -o ([\w-]+\.\w+))$", re.MULTILINE)
HARD = {
    "one-layer": ("C3-8", "3x9x9"),
    "alexnet": ("alexnet", None),
    "branches": ("[C3-8 | C5d2-8 | P3s1p1] C3s2-8", "3x32x32"),
    "dilated": ("C3-8 C3d2-8 C3d5-8", "1x31x31"),
    "cross": ("[C1x3-8 | C3x1-8] C3d3-8", "1x21x21"),
    "one-axis": ("C5s2-16 C5s2-16 P4 C3-32", "1x256"),
    "three-axes": ("C3-8 P2 C3-16 C3-16", "1x24x24x24"),
    "resnet152": ("resnet152", None),
    "densenet201": ("torchvision:densenet201", None),
    "inception": ("torchvision:inception_v3", "3x299x299"),
    "efficientnet": ("timm:efficientnet_b0", None),
    "swin": ("torchvision:swin_t", None),
    "long": (" ".join(["C3-8"] * 150), "3x400x400"),
    "wide-input": ("C3-8 P2 C3-16 P2 C3-32", "3x64x2048"),
}
PAIRS = {
    "pair": ["alexnet", "alexnet-alternating"],
    "five": ["alexnet", "alexnet-alternating", "vgg16", "resnet18", "resnet50"],
    "long-names": ["C3-64 C3-64 C3-64 C3-64 P2 C3-64 C3-64", "C9-64 P2 C5-64", "C7-64 P2 C7-64"],
    "many": ["vgg-a", "vgg-b", "vgg-d", "vgg-e", *(f"resnet{n}" for n in (18, 34, 50, 101, 152)), "alexnet"],
}


def main() -> int:
    """Draw; the exit code of the first command that fails."""
    if sys.argv[1:2] == ["--hard"]:
        return draw(hard(Path(sys.argv[2])))
    text = (DOCS / "figures.md").read_text(encoding="utf-8")
    commands = [shlex.split(command) for command, _ in COMMAND.findall(text)]
    for words in commands:
        place = words.index("-o") + 1
        words[place] = str(DOCS / "images" / words[place])
    return draw([[*words, "--force"] for words in commands])


def hard(folder: Path) -> list[list[str]]:
    """Every kind of every net that is hard to draw."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for (name, (model, shape)), kind in product(HARD.items(), KINDS):
        if KINDS[kind].least == 1:
            more = ["--input", shape] if shape else []
            found.append(["plot", model, kind, *more, "-o", str(folder / f"{name}-{kind}.png"), "--force"])
    for (name, models), kind in product(PAIRS.items(), KINDS):
        if KINDS[kind].most is None:
            found.append(["plot", *models, kind, "-o", str(folder / f"{name}-{kind}.png"), "--force"])
    return found


def draw(commands: list[list[str]]) -> int:
    """Run commands in this process, as a user would type them."""
    for words in commands:
        print(f"eyeshot {shlex.join(words)}", flush=True)
        try:
            eyeshot(words)
        except SystemExit as end:
            if end.code:
                return int(end.code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
