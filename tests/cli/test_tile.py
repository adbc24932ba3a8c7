"""`eyeshot tile`: the plan as people and programs read it, and images run from the command line."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from eyeshot.cli import main

NET = """
import torch
from torch import nn
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 3, 3, padding=1))
def deep():
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(6)))
def normed():
    return nn.Sequential(nn.Conv2d(1, 2, 5, padding=2), nn.InstanceNorm2d(2))
"""


def typed(*words: str) -> Any:
    return CliRunner().invoke(main, ["tile", *words])


@pytest.fixture
def nets(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(NET)
    return str(tmp_path / "nets.py")


def test_the_document_says_what_a_runner_needs(nets: str) -> None:
    done = typed(f"{nets}:net", "--input", "1x640x480", "--tile", "128x96", "--json")
    plan = json.loads(done.stdout)

    assert plan["schema"] == "eyeshot.tile/1"
    assert plan["verdict"] == "equal"
    assert plan["prevents"] == []
    assert plan["halo"] == [[4, 4], [4, 4]]
    assert plan["lattice"] == [2, 2]
    assert plan["tile"] == [128, 96]
    assert plan["core"] == [120, 88]
    assert plan["grid"] == [6, 6]
    assert plan["tiles"] == 36
    assert plan["output_per_input"] == ["1/2", "1/2"]
    assert plan["memory"]["weights"] == 4 * (2 * 25 + 2 + 3 * 18 + 3)
    assert 1 < plan["work"] < 1.2


def test_people_read_a_verdict_and_numbers(nets: str) -> None:
    done = typed(f"{nets}:net", "--input", "1x4096x4096", "--memory", "8M")

    assert done.exit_code == 0
    assert done.stdout.startswith("equal: tiles give the whole image's numbers for 3 on 4096×4096")
    assert "4 pixels before and 4 after along every axis of a core" in done.stdout
    assert "the least extra work of all tiles that fit" in done.stdout


def test_what_prevents_equality_is_told_with_what_to_do(nets: str) -> None:
    done = typed(f"{nets}:normed", "--input", "1x512x512")

    assert done.stdout.startswith("differs: 1 layer keeps tiles")
    assert "1 (instance_norm) instance norm takes mean and variance over positions" in done.stdout
    assert "To do: compute the statistics once for the whole image" in done.stdout


def test_an_image_is_run_and_verified(nets: str, tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((96, 90), dtype=np.float32)
    np.save(tmp_path / "in.npy", image)

    done = typed(f"{nets}:net", "--tile", "48", "--run", str(tmp_path / "in.npy"), "-o", str(tmp_path / "out.npy"),
                 "--verify")  # fmt: skip

    assert done.exit_code == 0, done.output
    assert "largest difference from the whole image" in done.stdout
    space: dict[str, Any] = {}
    exec(NET, space)
    with torch.no_grad():
        whole = space["net"]()(torch.from_numpy(image)[None, None])
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), whole.numpy(), atol=1e-6)


def test_a_folder_of_images_is_run(nets: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for n, size in enumerate((64, 80)):
        np.save(tmp_path / "in" / f"{n}.npy", np.zeros((1, size, 60), np.float32))

    done = typed(f"{nets}:net", "--tile", "32", "--run", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--json")

    assert [run["plan"]["network"]["input"] for run in json.loads(done.stdout)["runs"]] == [[1, 64, 60], [1, 80, 60]]
    assert np.load(tmp_path / "out" / "1.npy").shape == (1, 3, 40, 30)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--tile", "8"], 2, "a tile of 8 is too small: needed are 10"),
        (["--tile", "33"], 2, "a tile of 33 is off the lattice: sizes are multiples of 2; near it are 32 and 34"),
        (["--tile", "8xa"], 2, "'8xa' is no tile"),
        (["--tile", "8x8x8"], 2, "has 2 axes to cut"),
        (["--memory", "much"], 2, "memory 'much': write a size, such as 4G"),
        (["--memory", "4G", "--tile", "64"], 2, "give either memory or tile"),
        (["--layer", "nope"], 2, "has no layer 'nope'"),
        (["--run", "none.npy"], 2, "--run IN needs -o OUT"),
        (["--run", "none.npy", "-o", "out.npy"], 2, "none.npy: there is no such file"),
        (["-o", "out.npy"], 2, "-o: only with --run IN"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(nets: str, words: list[str], code: int, text: str) -> None:
    done = typed(f"{nets}:net", "--input", "1x512x512", *words)

    assert done.exit_code == code
    assert text in done.stderr
    assert "Traceback" not in done.output


def test_a_tolerance_and_a_runner_and_a_split_are_told(nets: str) -> None:
    within = typed(f"{nets}:net", "--input", "1x512x512", "--tile", "64", "--tolerance", "0.6")
    others = typed(f"{nets}:net", "--input", "1x512x512", "--tile", "64", "--for", "bioimageio")
    split = typed(f"{nets}:net", "--input", "1x64x64", "--split-after", "2", "--memory", "10k", "--json")

    assert within.stdout.startswith("tolerance: tiles give 3 on 512×512 with an error below 6.0e-01")
    assert "measured" in within.stdout
    assert 'outputs.axes: [{"halo": 2}, {"halo": 2}]' in others.stdout
    document = json.loads(split.stdout)
    assert document["schema"] == "eyeshot.split/1"
    assert document["best"]["peak"] <= 10 * 1024


def test_options_that_another_leaves_no_use_for_are_refused(nets: str, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.zeros((1, 64, 64), dtype=np.float32))
    run = ("--run", str(tmp_path / "in.npy"), "-o", str(tmp_path / "out.npy"))

    for words, said in (
        ((*run, "--for", "monai"), "--for: not together with --run"),
        (("--split-after", "0", "--tile", "64"), "--tile: not together with --split-after"),
    ):
        done = typed(f"{nets}:net", "--input", "1x64x64", *words)
        assert said in done.stderr
    assert not (tmp_path / "out.npy").exists()


def test_a_tolerance_is_that_of_the_run_too(nets: str, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.random.default_rng(0).random((1, 256, 256), dtype=np.float32))
    run = ("--run", str(tmp_path / "in.npy"), "-o", str(tmp_path / "out.npy"), "--tile", "64")

    done = typed(f"{nets}:deep", *run, "--tolerance", "0.1", "--json")

    (told,) = json.loads(done.stdout)["runs"]
    assert told["plan"]["tolerance"]["asked"] == 0.1
    assert told["plan"]["halo"][0] < [6, 6]


def test_the_curve_of_error_and_work_is_a_table_and_a_figure(nets: str, tmp_path: Path) -> None:
    table = typed(f"{nets}:deep", "--input", "1x256x256", "--tolerance", "1e-2")
    drawn = CliRunner().invoke(
        main, ["plot", f"{nets}:deep", "halo", "--input", "1x256x256", "-o", str(tmp_path / "halo.svg")]
    )

    assert "predicted error" in table.output
    assert drawn.exit_code == 0, drawn.output
    records = (tmp_path / "halo.csv").read_text().splitlines()
    assert records[0] == "panel,design,halo,predicted,measured,work"
    halos = [int(line.split(",")[2]) for line in records[1:] if line.startswith("error")]
    assert halos == list(range(7))
    assert float(records[1].split(",")[4]) > 0  # measured with the module's weights


def test_tiles_on_the_image_are_a_figure_of_their_cores(nets: str, tmp_path: Path) -> None:
    drawn = CliRunner().invoke(
        main, ["plot", f"{nets}:net", "tiles", "--input", "1x200x160", "--tile", "64", "-o", str(tmp_path / "t.svg")]
    )

    assert drawn.exit_code == 0, drawn.output
    rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()[1:]]
    along = [(int(first), int(end)) for _, _, axis, _, _, first, end in rows if axis == "1"]
    assert along[0][0] == 0
    assert along[-1][1] == 160
    assert all(a[1] == b[0] for a, b in itertools.pairwise(along))


def test_a_tile_belongs_to_figures_of_tiles(nets: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["plot", "alexnet", "growth", "--tile", "64", "-o", str(tmp_path / "g.svg")])

    assert result.exit_code == 2
    assert "--tile: only with tiles or halo" in result.output


def test_tif_files_are_read_as_they_are_kept(nets: str, tmp_path: Path) -> None:
    """Plain, compressed in tiles of its own, and with colours behind rows and columns."""
    tifffile = pytest.importorskip("tifffile")
    image = np.random.default_rng(0).integers(0, 255, (120, 90, 3), dtype=np.uint8)
    (tmp_path / "colour.py").write_text(
        "import torch\ndef net():\n torch.manual_seed(0)\n return torch.nn.Conv2d(3, 2, 5, padding=2)\n"
    )
    results = []
    for name, more in {"plain": {}, "packed": {"compression": "zlib", "tile": (32, 32)}}.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", image, photometric="rgb", **more)
        run = typed(f"{tmp_path}/colour.py:net", "--tile", "48", "--run", str(tmp_path / f"{name}.tif"),
                    "-o", str(tmp_path / f"{name}.npy"), "--verify")  # fmt: skip
        assert run.exit_code == 0, run.output
        results.append(np.load(tmp_path / f"{name}.npy"))

    assert results[0].shape == (1, 2, 120, 90)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("name", ["damaged.tif", "words.npy", "empty.npy", "cut.npy"])
def test_a_file_that_is_no_image_is_told_in_a_sentence(nets: str, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "words.npy":
        np.save(path, np.array(["a", "b"]))
    elif name == "empty.npy":
        np.save(path, np.zeros((0, 30)))
    elif name == "cut.npy":
        np.save(path, np.zeros((64, 64)))
        path.write_bytes(path.read_bytes()[:500])
    else:
        path.write_bytes(b"II*\0garbage")

    result = typed(f"{nets}:net", "--run", str(path), "-o", str(tmp_path / "out.npy"))

    assert result.exit_code not in (0, 1)
    assert name in result.output
    assert "Traceback" not in result.output


def test_force_replaces_an_output_of_another_shape(nets: str, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.random.default_rng(0).random((120, 90), dtype=np.float32))
    np.save(tmp_path / "out.npy", np.zeros((3, 3), dtype=np.float32))
    words = [f"{nets}:net", "--tile", "48", "--run", str(tmp_path / "in.npy"), "-o", str(tmp_path / "out.npy")]

    refused, done = typed(*words), typed(*words, "--force")

    assert "--force replaces it" in refused.output
    assert done.exit_code == 0, done.output
    assert np.load(tmp_path / "out.npy").shape == (1, 3, 60, 45)
