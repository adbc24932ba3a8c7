"""Each failure: one clear message on stderr, the right exit code, nothing on stdout, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from eyeshot.cli.command import VERBS
from tests.cli.conftest import Eyeshot

SOURCE = str(Path(__file__).parent.parent.parent / "src")
FAILURES: list[tuple[list[str], int, str]] = [
    (["show", "C3-64 Q4"], 2, "'Q4' is no layer"),
    (["show", "C3-64 Q4"], 2, "        ^ character 7"),
    (["show", "alexnt"], 2, "'alexnt' is no model of the zoo; did you mean alexnet?"),
    (["show", "vgg-16"], 2, "did you mean vgg16?"),
    (["show", "resnet5"], 2, "did you mean resnet50"),
    (["show", "lenet"], 2, "'lenet' is no model of the zoo; `eyeshot models` lists it"),
    (["show", "C11p0-64", "--input", "3x5x5"], 2, "kernel spans 11×11 pixels and is larger than its 5×5 map"),
    (["show", "alexnet", "--input", "3"], 2, "alexnet takes channels and 2 sizes, such as 3x227x227; found 3: give"),
    (["show", "alexnet", "--input", "3x0x9"], 2, "'3x0x9' is no input"),
    (["show", "alexnet", "--json", "--csv"], 2, "--json and --csv cannot go together"),
    (["show", "net.onnx"], 3, "net.onnx: no such file"),
    (["show", "no_such_package:make"], 3, "no_such_package"),
    (["show"], 2, "Missing argument 'MODEL'"),
    (["field", "alexnet", "conv9"], 2, "alexnet has no layer 'conv9'; did you mean conv5"),
    (["field", "alexnet", "conv5", "--at", "13,0"], 2, "13×13 positions, counted from 0; there is none at 13,0"),
    (["field", "alexnet", "fc6", "--at", "3,3"], 2, "fc6 of alexnet has no map: all its units see the same, and 0,0"),
    (["field", "alexnet", "conv5", "--at", "6"], 2, "--at takes 2 positions, one per axis of 13×13, found 1"),
    (["field", "alexnet", "conv5", "--at", "a,b"], 2, "'a,b' is no unit; write one index per axis"),
    (["field", "alexnet", "conv5", "--at", "-1,0"], 2, "'-1,0' is no unit"),
    (["field", "alexnet", "input"], 2, "'input' is the input of alexnet, not a layer"),
    (["why", "alexnet", "input"], 2, "'input' is the input of alexnet, not a layer"),
    (["why", "alexnet", "conv9"], 2, "alexnet has no layer 'conv9'"),
    (["compare", "alexnet"], 2, "compare needs two designs or more; for one: eyeshot show alexnet"),
    (["compare", "alexnet", "vgg-a", "--seeds", "3"], 2, "--seeds needs --train"),
    (["compare", "alexnet", "vgg-a", "-o", "a.gif"], 2, "a.gif: figures are .png, .svg or .pdf"),
    (["compare", "alexnet", "vgg-a", "-o", "no/folder/a.png"], 2, "there is no folder no/folder"),
    (["compare", "C3-8", "C5-8", "--train", "--budget", "5"], 2, "budget '5': the unit is missing"),
    (["compare", "C3-8", "C5-8", "--train", "--data", "/no/where"], 2, "'/no/where'"),
    (["compare", "C3-8", "C5-8", "--train", "--input", "3x9x9"], 2, "the images of sample are 1x28x28"),
    (["compare", "C3-8", "C5-8", "--train", "--seeds", "0"], 2, "'--seeds'"),
    (["compare", "C3-8", "C5-8", "--train", "--lr", "nan"], 2, "lr nan: needed is a number more than 0"),
    (["compare", "C3-8", "C5-8", "--train", "--budget", "1e9ep"], 2, "more than the 1e+07 epochs allowed; give less"),
    (["compare", "C3-8", "C5-8", "--train", "--budget", "2e12img"], 2, "2e+12 images, more than the 1e+12 allowed"),
    (["compare", "C3-8", "C5-8", "--train", "--budget", "9img"], 2, "9 images for C3-8, less than one batch of 64"),
    (["compare", "C3-8", "C5-8", "--train", "--budget", "1mac"], 2, "budget 1mac: less than one image"),
    (["compare", "C3-8", "alexnet", "--input", "3x5x5"], 2, "alexnet: C11s4p0-96: its kernel spans 11×11"),
    (["show", "no/such/net.py"], 2, "no/such/net.py: say what in it makes the network: no/such/net.py:factory"),
    (
        ["show", "alexnet", "--rate", "16000"],
        2,
        "--rate is for sequences, such as --input 1x16000; this input has 2 axes",
    ),
    (["field", "alexnet", "conv1", "--rate", "0"], 2, "0.0 is not in the range x>0"),
    (["models", "alexne"], 2, "'alexne' is no model of the zoo; did you mean alexnet"),
    (["shwo", "alexnet"], 2, "no verb 'shwo'; did you mean 'show'?"),
    (["alexnet"], 2, "no verb 'alexnet'; did you mean: eyeshot show alexnet?"),
    (["frobnicate"], 2, f"verbs are {', '.join(VERBS)}"),
]


@pytest.mark.parametrize(("words", "code", "message"), FAILURES, ids=[" ".join(words) for words, *_ in FAILURES])
def test_a_failure_is_one_message_and_a_code(words: list[str], code: int, message: str, eyeshot: Eyeshot) -> None:
    result = eyeshot(*words)

    assert result.exit_code == code
    assert result.stderr.startswith("eyeshot: ")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.skipif(not (find_spec("torchvision") and find_spec("timm")), reason="needs the libraries' sources")
@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("mobilenet_v2", ["torchvision:mobilenet_v2"]),
        ("convnext", ["torchvision:convnext_tiny"]),
        ("rexnet_100", ["timm:rexnet_100"]),
        ("densenet12", ["torchvision:densenet121"]),
    ],
)
def test_a_library_s_model_is_known_by_its_bare_name(word: str, near: list[str], eyeshot: Eyeshot) -> None:
    message = eyeshot("show", word).stderr

    question = message.partition("did you mean ")[2].partition("?")[0]
    assert set(near) <= set(question.split(" or "))


NET = """\
def _hidden(): ...
class Sized:
    def __init__(self, width): ...
class Small(Sized):
    def __init__(self): ...
class Deeper(Sized): ...
def make_net(width=3): ...
def of_depth(depth, *, width=3): ...
net = Small()
"""


@pytest.mark.parametrize("typed", ["net.py", "net.py:"])
def test_a_file_without_a_factory_is_answered_with_those_that_take_no_arguments(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeshot: Eyeshot
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)

    result = eyeshot("show", typed)

    assert result.exit_code == 2
    assert result.stderr == (
        "eyeshot: net.py: say what in it makes the network: net.py:Small; it has Small, make_net, net;"
        " with arguments, as in Sized?name=value, it has Sized, Deeper, of_depth\n"
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("no.pt", "no.pt is no file here"),
        ("weights.pt", "weights.pt holds what torch.save wrote, such as weights, and they do not say what computes"),
        ("weights.pt:net", "weights.pt holds what torch.save wrote"),
        ("scripted.pt", "in Python, eyeshot.inspect(torch.jit.load('scripted.pt'), input_shape)"),
        ("program.pt2", "in Python, eyeshot.inspect(torch.export.load('program.pt2'))"),
        ("w.safetensors", "holds weights (safetensors)"),
        ("net.tflite", "is a model of TensorFlow Lite; of files ONNX and Keras are read: convert it, then"),
        ("lesson.ipynb", "is a notebook: call eyeshot.inspect(model, input_shape) in it"),
        ("https://example.org/net.onnx", "nothing is downloaded: fetch it yourself, then eyeshot show net.onnx"),
        ("https://example.org/a/resnet18", "is an address, and nothing is downloaded"),
        ("torchvision:", "say which of torchvision's models: torchvision:resnet50"),
        ("my.package:", "say what in 'my.package' makes the network: my.package:factory"),
        ("./folder", "./folder is a folder; give a file in it"),
    ],
)
def test_what_is_no_model_is_recognised_as_what_it_is(
    typed: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeshot: Eyeshot
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for name, member in (
        ("weights.pt", "w/data.pkl"),
        ("scripted.pt", "s/code/net.py"),
        ("program.pt2", "p/models/model.json"),
    ):
        with zipfile.ZipFile(name, "w") as archive:
            archive.writestr(member, "")

    results = [eyeshot("show", typed), eyeshot("compare", "alexnet-28", typed, "--train")]

    for result in results:
        assert result.exit_code == 2
        assert words in result.stderr
        assert "no layer" not in result.stderr


def test_bare_eyeshot_prints_its_help(eyeshot: Eyeshot) -> None:
    result = eyeshot()

    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: eyeshot")


def test_the_version_is_printed(eyeshot: Eyeshot) -> None:
    assert eyeshot("--version").stdout.startswith("eyeshot 0.")


def test_an_output_file_is_replaced_only_by_force(tmp_path: Path, eyeshot: Eyeshot) -> None:
    figure = tmp_path / "growth.png"
    figure.write_text("mine")

    refused = eyeshot("compare", "C3-8", "C5-8", "-o", str(figure))
    kept = figure.read_text()
    forced = eyeshot("compare", "C3-8", "C5-8", "-o", str(figure), "--force")

    assert (refused.exit_code, kept) == (2, "mine")
    assert "--force to replace it" in refused.stderr
    assert forced.exit_code == 0
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_data_beside_a_figure_are_not_replaced_either(tmp_path: Path, eyeshot: Eyeshot) -> None:
    (tmp_path / "growth.csv").write_text("mine")

    result = eyeshot("compare", "C3-8", "C5-8", "-o", str(tmp_path / "growth.png"))

    assert result.exit_code == 2
    assert not (tmp_path / "growth.png").exists()


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": SOURCE, **environment},
    )


def _blocked(library: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """The command where a library is not installed."""
    return _python(
        f"""
import sys
from importlib.machinery import PathFinder
class Rest(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == {library!r} else super().find_spec(name, path, target)
sys.meta_path[:] = [Rest if finder is PathFinder else finder for finder in sys.meta_path]
from eyeshot.cli import main
main({list(words)!r})
"""
    )


_DRAWN = ["effective", "C3-8", "conv1", "--input", "1x9x9", "--source", "init"]


@pytest.mark.parametrize(
    ("library", "cure", "words"),
    [
        ("torch", "'eyeshot[train]'", ["compare", "C3-8", "C5-8", "--train"]),
        ("scipy", "'eyeshot[train]'", ["compare", "C3-8", "C5-8", "--train"]),
        ("torch", "'eyeshot[torch]'", ["show", "torchvision:alexnet"]),
        ("torch", "'eyeshot[torch]'", _DRAWN),
        ("torch", "'eyeshot[torch]'", ["effective", "torchvision:alexnet", "--source", "init"]),
        ("torch", "'eyeshot[torch]'", ["effective", "C3-8", "--source", "weights", "--images", "sample"]),
        ("torchvision", "torchvision", ["show", "torchvision:alexnet"]),
        ("timm", "timm", ["show", "timm:resnet18"]),
        ("matplotlib", "'eyeshot[figures]'", ["compare", "C3-8", "C5-8", "-o", "never.png"]),
        ("matplotlib", "'eyeshot[figures]'", ["plot", "C3-8", "cone", "-o", "never.png"]),
    ],
)
def test_a_missing_extra_is_named_with_its_cure(library: str, cure: str, words: list[str]) -> None:
    done = _blocked(library, *words)

    assert done.returncode == 5
    assert f"needs {library}, which is not installed: pip install {cure}\n" in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("library", "cure"),
    [("torchvision", "torchvision"), ("timm", "timm"), ("PIL", "'eyeshot[train]'"), ("torch", "'eyeshot[torch]'")],
)
def test_doctor_tells_of_each_missing_library_how_it_is_installed(library: str, cure: str) -> None:
    table = _blocked(library, "doctor").stdout.decode()

    name = "pillow" if library == "PIL" else library
    (row,) = (line for line in table.splitlines() if line.startswith(f"{name} "))
    assert row.split()[1] == "–"
    assert row.endswith(f"pip install {cure}")


def test_a_closed_stdout_is_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "eyeshot", "show", "resnet152", "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such descriptors")
@pytest.mark.parametrize(
    ("redirected", "code", "message"),
    [
        (">&-", 1, "eyeshot: standard output is closed, and there is nowhere else to print to\n"),
        ("2>&-", 0, ""),
        pytest.param(
            ">/dev/full", 1, "eyeshot: standard output: No space left on device\n",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here"),
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("words", ["show C3-8 --json", "--version"])
def test_an_output_that_cannot_be_written_is_named(
    words: str, buffered: str, redirected: str, code: int, message: str
) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m eyeshot {words} {redirected}'],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": SOURCE, "PYTHONUNBUFFERED": buffered},
    )

    assert (done.returncode, done.stderr.decode()) == (code, message)


def test_show_imports_neither_a_framework_nor_a_plotting_library() -> None:
    done = _python(
        """
import sys
from eyeshot.cli import main
try:
    main(["show", "alexnet"])
except SystemExit:
    heavy = {"torch", "matplotlib", "scipy", "pandas", "rich", "PIL"} & set(sys.modules)
    sys.exit(f"imports {heavy}" if heavy else 0)
"""
    )

    assert done.returncode == 0, done.stderr.decode()


def test_the_output_is_ascii_where_stdout_is_not_utf_8() -> None:
    done = _python(
        "from eyeshot.cli import main; main(['compare', 'alexnet', 'alexnet-alternating'])",
        PYTHONIOENCODING="ascii",
        PYTHONUTF8="0",
    )

    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"387x387" in done.stdout
    assert b"?" not in done.stdout


def test_a_design_without_layers_is_shown_without_one_to_ask_about(eyeshot: Eyeshot) -> None:
    result = eyeshot("show", "ID")

    assert result.exit_code == 0
    assert "next" not in result.stdout


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (MemoryError("37.2 GiB"), "eyeshot: more memory is needed than there is (37.2 GiB); give a smaller --input\n"),
        (OSError(28, "No space left on device"), "eyeshot: No space left on device\n"),
        (PermissionError(13, "Permission denied", "a/b"), "eyeshot: a/b: Permission denied\n"),
    ],
)
def test_what_the_machine_lacks_is_said_without_a_traceback(
    failure: Exception, message: str, eyeshot: Eyeshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("eyeshot.api.inspect", fails)

    result = eyeshot("show", "alexnet")

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)
