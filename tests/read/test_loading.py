"""The user's own code, found and called as they write it, from wherever eyeshot was started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyeshot import inspect
from eyeshot.errors import ReadError, UsageError
from eyeshot.read.module_names import is_module_name, module_name

SOURCE = str(Path(__file__).parents[2] / "src")
BLOCKS = "import torch.nn as nn\ndef block(width=8): return nn.Conv2d(3, width, 3)\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package and a flat file, each with a neighbour; imports of a test are forgotten with it."""
    path = list(sys.path)
    (tmp_path / "mynets" / "deep").mkdir(parents=True)
    for package in ("mynets", "mynets/deep"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "mynets" / "blocks.py").write_text(BLOCKS)
    (tmp_path / "mynets" / "net.py").write_text("from .blocks import block\ndef make(): return block()\n")
    (tmp_path / "mynets" / "deep" / "net.py").write_text("from ..blocks import block as make\n")
    (tmp_path / "blocks.py").write_text(BLOCKS)
    (tmp_path / "flat.py").write_text("from blocks import block\ndef make(): return block()\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


NAMES = ["mynets.net:make", "flat:make", "flat.py:make", "mynets/net.py:make", "mynets/deep/net.py:make"]


@pytest.mark.parametrize("name", NAMES)
def test_a_factory_is_found_with_what_it_imports(name: str, folder: Path) -> None:
    assert inspect(name, (3, 16, 16)).layers[0].out == (8, 14, 14)


@pytest.mark.slow
def test_how_eyeshot_is_started_makes_no_difference(folder: Path) -> None:
    """The console script has its own folder first on the path, `python -m` the current one."""
    script = folder / "bin" / "eyeshot"
    script.parent.mkdir()
    script.write_text("from eyeshot.cli import main\nmain()\n")
    for start in ([str(script)], ["-m", "eyeshot"]):
        for name in ("mynets.net:make", "flat.py:make"):
            words = [sys.executable, *start, "show", name, "--input", "3x16x16"]
            run = subprocess.run(
                words, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": SOURCE}
            )
            assert run.returncode == 0, run.stderr


def test_a_file_elsewhere_finds_its_neighbours_and_its_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert len(inspect(f"{folder}/flat.py:make", (3, 16, 16))) == 1
    assert len(inspect(f"{folder}/mynets/deep/net.py:make", (3, 16, 16))) == 1


def test_relative_imports_need_no_file_that_says_package(folder: Path) -> None:
    (folder / "loose").mkdir()
    (folder / "loose" / "parts.py").write_text(BLOCKS)
    (folder / "loose" / "net.py").write_text("from .parts import block as make\n")

    assert len(inspect("loose/net.py:make", (3, 16, 16))) == 1


def test_two_files_of_one_name_each_import_their_own_neighbour(folder: Path) -> None:
    for name, width in (("a", 4), ("b", 6)):
        (folder / name).mkdir()
        (folder / name / "parts.py").write_text(f"WIDTH = {width}\n")
        (folder / name / "net.py").write_text(
            "import torch.nn as nn\nfrom parts import WIDTH\ndef make(): return nn.Conv2d(3, WIDTH, 3)\n"
        )

    widths = [inspect(f"{name}/net.py:make", (3, 8, 8)).layers[0].out[0] for name in ("a", "b", "a")]

    assert widths == [4, 6, 4]


def test_loading_hides_no_module_of_the_same_name(folder: Path) -> None:
    (folder / "types.py").write_text(BLOCKS)
    import types

    inspect("types.py:block", (3, 16, 16))

    assert sys.modules["types"] is types
    assert sys.path[0] != str(folder)


MAKERS = """\
import torch.nn as nn
class Net(nn.Sequential):
    def __init__(self, width, depth=1, *, norm="none"):
        super().__init__(*[nn.Conv2d(3 if i == 0 else width, width, 3) for i in range(depth)])
class Plain(nn.Conv2d):
    def __init__(self): super().__init__(3, 8, 3)
instance = nn.Conv2d(3, 8, 3)
nothing = 7
def factory(widths=(8, 8)): return nn.Sequential(nn.Conv2d(3, widths[0], 3), nn.Conv2d(widths[0], widths[1], 3))
"""


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("Net?width=4", [(4, 14, 14)]),
        ("Net?width=4&depth=2", [(4, 14, 14), (4, 12, 12)]),
        ("Net?width=4, depth=2, norm=batch", [(4, 14, 14), (4, 12, 12)]),
        ("Net(width=4, depth=2)", [(4, 14, 14), (4, 12, 12)]),
        ("factory?widths=[2, 3]", [(2, 14, 14), (3, 12, 12)]),
        ("factory", [(8, 14, 14), (8, 12, 12)]),
        ("Plain", [(8, 14, 14)]),
        ("instance", [(8, 14, 14)]),
    ],
)
def test_classes_instances_and_factories_with_arguments(name: str, shapes: list[tuple[int, ...]], folder: Path) -> None:
    (folder / "makers.py").write_text(MAKERS)

    assert [layer.out for layer in inspect(f"makers.py:{name}", (3, 16, 16))] == shapes
    assert [layer.out for layer in inspect(f"makers:{name}", (3, 16, 16))] == shapes


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "Net",
            ReadError,
            r"makers.py:Net needs width: give 'makers.py:Net\?width=…' \(its arguments are Net\(width, ",
        ),
        ("Net?depth=2", ReadError, r"give 'makers.py:Net\?depth=2&width=…'"),
        ("Net?widht=2", ReadError, "has no argument 'widht'; did you mean width"),
        ("instance?width=2", ReadError, "is a module already and takes no arguments"),
        ("nothing", ReadError, "is a int; needed is a model or what makes one"),
        ("Nett", ReadError, "it has Net, Plain, instance, factory; did you mean Net"),
        ("Net?width", UsageError, "'width' is no argument; write name=value"),
        ("Net?width=[4", UsageError, r"'\[4' is no value for width; write a Python literal"),
        ("Net?width='4'", ReadError, "calling it with width='4' failed: makers.py:4: TypeError"),
    ],
)
def test_what_cannot_be_called_is_told_with_what_can(
    name: str, error: type[Exception], message: str, folder: Path
) -> None:
    (folder / "makers.py").write_text(MAKERS)

    with pytest.raises(error, match=message):
        inspect(f"makers.py:{name}", (3, 16, 16))


def test_a_missing_import_is_the_files_and_not_the_name_that_was_typed(folder: Path) -> None:
    (folder / "needy.py").write_text("import no_such_library\ndef make(): ...\n")

    with pytest.raises(ReadError, match=r"there is no module 'mynest', neither in .* nor installed"):
        inspect("mynest.net:make")
    with pytest.raises(ReadError, match=r"needy.py imports 'no_such_library', which is neither beside it"):
        inspect("needy.py:make")


@pytest.mark.slow  # Keras chooses what it computes by when it is imported, so that takes a process of its own
def test_keras_without_its_backend_is_answered_with_one_that_is_installed(folder: Path) -> None:
    (folder / "net.py").write_text("import keras\ndef make(): ...\n")
    # the default of Keras, which a file of the user's may change
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    words = [sys.executable, "-m", "eyeshot", "show", "net.py:make"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert "Keras would compute by tensorflow, which is not installed, but jax is: put KERAS_BACKEND=jax" in done.stderr


def test_a_bare_file_is_answered_with_what_needs_no_arguments_first(folder: Path) -> None:
    (folder / "makers.py").write_text(MAKERS)

    with pytest.raises(UsageError, match=r"makers.py:Plain; it has Plain, instance, factory; with .* it has Net"):
        inspect("makers.py")


def test_arguments_are_python_literals_parted_outside_quotes_and_brackets() -> None:
    asked = module_name("a.b:Net?sizes=[1, (2, 3)]&text='x&y, z'&on=True&name=batch-norm&none=None")

    assert (asked.source, asked.attribute) == ("a.b", "Net")
    assert asked.arguments == {
        "sizes": [1, (2, 3)], "text": "x&y, z", "on": True, "name": "batch-norm", "none": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_module"),
    [
        ("my nets/net.py:make", True),
        ("timm:resnet50?output_stride=8", True),
        ("timm:resnet50(output_stride=8)", True),
        ("torchvision:resnet50(replace_stride_with_dilation=[False,True,True])", True),
        ("stem:C3-8 C3-8", False),
        ("[C3-8 | a:C5-8]", False),
        ("alexnet", False),
    ],
)
def test_designs_are_told_from_modules(text: str, is_module: bool) -> None:
    assert is_module_name(text) is is_module


def test_a_librarys_model_takes_its_arguments() -> None:
    plain = inspect("torchvision:resnet50", (3, 64, 64))
    dilated = inspect("torchvision:resnet50?replace_stride_with_dilation=[False, True, True]", (3, 64, 64))
    name = "layer4.2.conv2"

    assert (plain[name].field.stride, dilated[name].field.stride) == ((32, 32), (8, 8))
    assert dilated[name].field.size == plain[name].field.size
    with pytest.raises(ReadError, match=r"torchvision:resnet50 cannot be built with no_such=1: TypeError"):
        inspect("torchvision:resnet50?no_such=1")
    with pytest.raises(UsageError, match="weights asks for weights, which fields and costs do not depend on"):
        inspect("torchvision:resnet50?weights=DEFAULT")
