"""`eyeshot doctor`: what is installed here, and what does it enable?"""

from __future__ import annotations

from importlib import metadata, util
from typing import Any

import click

from eyeshot.cli.options import colour_option, json_option, print_json
from eyeshot.errors import install_line

SCHEMA = "eyeshot.doctor/1"
_LIBRARIES = (
    ("numpy", None, "every analysis"),
    ("click", None, "the command line"),
    ("rich", None, "colour and progress"),
    ("torch", "torch", "reading PyTorch modules; training"),
    ("torchvision", None, "models named torchvision:…"),
    ("timm", None, "models named timm:…"),
    ("jax", "jax", "reading functions of JAX, modules of Flax and Equinox"),
    ("scipy", "train", "intervals and verdicts after training"),
    ("pillow", "train", "training on folders of images; measuring on them"),
    ("matplotlib", "figures", "figures: plot, compare -o figure.png"),
    ("pandas", "frame", "Report.to_frame()"),
    ("zarr", "tiles", "tile: images in zarr stores"),
    ("tifffile", "tiles", "tile: images in TIFF files"),
    ("ray", "ray", "study --ray: trainings on a cluster"),
    ("s3fs", "s3", "studies: artefacts kept at s3://…"),
)

_IMPORTED_AS = {"pillow": "PIL"}


@click.command(short_help="what is installed here, and what does it enable?")
@json_option
@colour_option
def doctor(as_json: bool, no_colour: bool) -> None:
    """Print what is installed, what each extra enables, and which images are at hand to train on.

    \b
    Examples:
      eyeshot doctor
      eyeshot doctor --json
    """
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.table import Column, Table
    from eyeshot.report.wording import NONE

    here = _findings()
    if as_json:
        print_json(here)
        return
    terminal = Terminal(colour=not no_colour)
    head = f"eyeshot {here['eyeshot']} · Python {here['python']} · {here['platform']} · {here['cores']} cores"
    terminal.say((head, "strong"))
    terminal.say(f"compare --train runs {here['cores']} trainings at once, one thread each (--jobs changes that)")
    terminal.say()
    table = Table(
        [
            Column(heading="library", is_number=False, style="strong"),
            Column(heading="version", is_number=False),
            Column(heading="enables", is_number=False, priority=1),
            Column(heading="if missing", is_number=False, priority=2, style="dim"),
        ]
    )
    for library in here["libraries"]:
        hint = "" if library["version"] else install_line(library["name"], library["extra"])
        table.add(library["name"], library["version"] or NONE, library["enables"], hint)
    terminal.table(table)
    terminal.say()
    table = Table(
        [
            Column(heading=h, is_number=False, style="strong" if i == 0 else "")
            for i, h in enumerate(("images", "at hand"))
        ]
    )
    for images in here["data"]:
        table.add(images["name"], images["found"] or f"no: {images['problem']}")
    terminal.table(table)


def _findings() -> dict[str, Any]:
    import os
    import platform

    import eyeshot

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "schema": SCHEMA,
        "eyeshot": eyeshot.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": cores,
        "libraries": [
            {"name": name, "version": _version(name), "extra": extra, "enables": enables}
            for name, extra, enables in _LIBRARIES
        ],
        "data": [_images(name) for name in ("sample", "fashion-mnist")],
    }


def _version(name: str) -> str | None:
    """What is installed, if it can be imported: what pip once noted down may be gone."""
    if util.find_spec(_IMPORTED_AS.get(name, name)) is None:
        return None
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "here, version unknown"


def _images(name: str) -> dict[str, Any]:
    """Whether a data set can be loaded, found out by loading it."""
    from eyeshot.errors import EyeshotError
    from eyeshot.train.data import load

    try:
        dataset = load(name)
    except EyeshotError as error:
        return {"name": name, "found": None, "problem": str(error)}
    train, test = len(dataset.train_images), len(dataset.test_images)
    size = "×".join(map(str, dataset.shape))
    text = f"{train:,} + {test:,} images of {size}, {len(dataset.classes)} classes"
    return {"name": name, "found": text, "problem": None}
