"""What a user may type for a model that is none that can be read: recognised, with what to type instead.

Weights do not say what computes with them, formats other than ONNX and Keras have converters, addresses are not
followed, and of a file of code the part that makes the network has to be named.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from eyeshot.errors import UsageError
from eyeshot.opening import opened, what_is_at
from eyeshot.read.module_names import LIBRARIES
from eyeshot.read.users_code import proposals
from eyeshot.shown import LONGEST_WORD, quoted, shortened

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_OF_TORCH = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".pt2", ".torchscript", ".pth.tar")
_ARRAYS = {".safetensors": "safetensors", ".npz": "NumPy", ".npy": "NumPy"}
_FORMATS = {
    ".pb": "TensorFlow",
    ".tflite": "TensorFlow Lite",
    ".mlmodel": "Core ML",
    ".mlpackage": "Core ML",
    ".caffemodel": "Caffe",
    ".prototxt": "Caffe",
    ".pdmodel": "PaddlePaddle",
    ".engine": "TensorRT",
    ".trt": "TensorRT",
    ".xml": "OpenVINO",
    ".param": "ncnn",
}
_CODE = "the code that makes it: file.py:factory or package.module:factory"


def check_readable(text: str) -> None:
    """Complain of what is recognised and cannot be read.

    Raises:
        UsageError: says what it is, and what to give.
    """
    shown = shortened(text, LONGEST_WORD)
    if _ADDRESS.match(text):
        file = text.rpartition("/")[2]
        then = (
            f"eyeshot show {file}"
            if file.lower().endswith((".onnx", ".keras", ".h5"))
            else "give a file, or a name of a library's model"
        )
        raise UsageError(f"{shown} is an address, and nothing is downloaded: fetch it yourself, then {then}")
    name, colon, attribute = text.partition(":")
    path = Path(name)
    if path.suffix == ".py" and not attribute:
        raise UsageError(_of_code(path))
    what = _what_is(path, is_path="/" in name or "\\" in name)
    if what:
        raise UsageError(f"{shortened(name, LONGEST_WORD)} {what}")
    if colon and not attribute and name in LIBRARIES:
        example = {"torchvision": "resnet50", "timm": "convnext_tiny"}[name]
        raise UsageError(f"{shown}: say which of {name}'s models: {name}:{example}")
    if colon and not attribute and re.fullmatch(r"[\w.]+", name) and "." in name:
        raise UsageError(f"{shown}: say what in {quoted(name)} makes the network: {name}:factory")


def _what_is(path: Path, *, is_path: bool) -> str:
    """What a file is, told by its name and, of archives, by what lies in them; nothing where it is not known."""
    kind = next((each for each in _OF_TORCH if path.name.lower().endswith(each)), path.suffix.lower())
    if kind in _OF_TORCH:
        return _of_torch(path)
    if kind in _ARRAYS:
        return f"holds weights ({_ARRAYS[kind]}), and they do not say what computes with them: give {_CODE}"
    if kind in _FORMATS:
        then = f"convert it, then eyeshot show {path.stem}.onnx"
        return f"is a model of {_FORMATS[kind]}; of files ONNX and Keras are read: {then}"
    if kind == ".ipynb":
        return "is a notebook: call eyeshot.inspect(model, input_shape) in it, or put the model's code into file.py"
    # A word may be the name of a model and, by chance, of a folder here.
    if is_path and what_is_at(path) == "a folder":
        return f"is a folder; give a file in it, such as net.onnx, or {_CODE}"
    return ""


def _of_torch(path: Path) -> str:
    if what_is_at(path) == "nothing":
        return f"is no file here; nor would weights say what computes with them: give {_CODE}"
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            members = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        members = []
    if any(member.endswith(("models/model.json", "serialized_exported_program.json")) for member in members):
        return f"is an exported program: in Python, eyeshot.inspect(torch.export.load({str(path)!r}))"
    if any("/code/" in member for member in members):
        return f"is a scripted module: in Python, eyeshot.inspect(torch.jit.load({str(path)!r}), input_shape)"
    return (
        f"holds what torch.save wrote, such as weights, and they do not say what computes with them: give {_CODE}"
        " (effective --weights takes the file beside it)"
    )


def _of_code(path: Path) -> str:
    ready, others = proposals(path)
    names = [*ready, *others]
    known = f"; it has {', '.join(ready)}" if ready else ""
    if others:
        known += f"; with arguments, as in {others[0]}?name=value, it has {', '.join(others)}"
    return f"{path}: say what in it makes the network: {path}:{names[0] if names else 'factory'}{known}"
