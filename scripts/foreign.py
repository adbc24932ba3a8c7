"""Models of other packages, from `packages.toml`: their names and inputs, and how each is built without a download."""

from __future__ import annotations

import fnmatch
import re
import sys
import tomllib
import types
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("packages.toml")


@dataclass(frozen=True)
class Subject:
    """One model: the expression that builds it, and its input."""

    package: str
    name: str
    build: str
    input: Any


class Package:
    """One package of the table, where it is installed.

    Raises:
        PackageNotFoundError: it is not.
    """

    def __init__(self, name: str) -> None:
        self.name, self.version = name, version(name)
        self._entry = tomllib.loads(TABLE.read_text(encoding="utf-8"))[name]
        self._scope: dict[str, Any] = {helper.__name__: helper for helper in _HELPERS}
        exec(self._entry["setup"], self._scope)

    def subjects(self, *, families: bool = False) -> list[Subject]:
        """The models listed, then those that the package names besides; one of each family, or all."""
        entry, found = self._entry, []
        listed = entry.get("models", {})
        for name, model in listed.items():
            found.append(Subject(self.name, name, model["build"], model.get("input", entry.get("input"))))
        named = eval(entry["names"], self._scope) if "names" in entry else []
        for name in (name for name in named if name not in listed):
            build = _of_pattern(name, entry.get("builds", {}), entry["build"])
            found.append(Subject(self.name, name, build, _of_pattern(name, entry.get("inputs", {}), entry["input"])))
        if not families:
            return found
        first_of: dict[str, Subject] = {}
        for subject in found:
            first_of.setdefault(re.split(r"[\d_]", subject.name)[0], subject)
        return list(first_of.values())

    def built(self, subject: Subject) -> Any:
        """The module."""
        return eval(subject.build.format(name=repr(subject.name)), self._scope).eval()


def _of_pattern(name: str, table: dict[str, Any], default: Any) -> Any:
    """What a table says of the first pattern that fits a name."""
    return next((said for pattern, said in table.items() if fnmatch.fnmatch(name, pattern)), default)


def packages(only: str | None = None) -> dict[str, Package]:
    """Those that are installed, and that a pattern of package:name asks for."""
    found = {}
    for name in tomllib.loads(TABLE.read_text(encoding="utf-8")):
        if only is not None and not fnmatch.fnmatch(name, only.partition(":")[0]):
            continue
        try:
            found[name] = Package(name)
        except PackageNotFoundError:
            print(f"{name} is not installed, and left out", file=sys.stderr)
    return found


def pytorchcv_names(registry: Iterable[str]) -> list[str]:
    """All but those that differ from another in their data set's classes alone."""
    twins = ("_cifar100", "_svhn", "_imagenet1k", "_coco", "_ade20k", "_cub", "_camvid")
    names = list(registry)
    return [name for name in names if not any(name.endswith(t) and _twin(name, t) in names for t in twins)]


def _twin(name: str, ending: str) -> str:
    return name.removesuffix(ending) + {"_cifar100": "_cifar10", "_svhn": "_cifar10", "_cub": ""}.get(ending, "_voc")


def ultralytics_names() -> list[str]:
    """Every configuration, at its smallest scale."""
    import ultralytics

    folder = Path(ultralytics.__file__).parent / "cfg" / "models"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.yaml"))
    # backbones of torchvision that ultralytics would download, and a task that has no class of its own yet
    return [name for name in names if "cls-resnet" not in name and not name.endswith("-sem.yaml")]


def ultralytics_model(name: str) -> Any:
    """A model from its configuration, by the class that its last layer asks for."""
    from ultralytics import YOLO

    stem = Path(name).stem
    task = next((t for t in ("cls", "seg", "pose", "obb", "depth", "sem") if stem.endswith(f"-{t}")), None)
    task = {"cls": "classify", "seg": "segment", None: None}.get(task, task)
    if "rtdetr" in stem:
        from ultralytics import RTDETR

        return RTDETR(name).model
    return YOLO(name, task=task or "detect").model


def no_compiled_torchaudio() -> None:
    """torchaudio's models are plain Python; its compiled part may not fit the torch at hand and is left out."""
    stub: Any = types.ModuleType("torchaudio._extension")
    stub._IS_TORCHAUDIO_EXT_AVAILABLE = stub._IS_ALIGN_AVAILABLE = False
    stub.fail_if_no_align = lambda function: function
    sys.modules["torchaudio._extension"] = stub


def transforms() -> Any:
    """torchaudio's transforms."""
    import torchaudio.transforms

    return torchaudio.transforms


def torch_nn() -> Any:
    """torch.nn."""
    import torch

    return torch.nn


def called_with(module: Any, **fixed: Any) -> Any:
    """A module whose forward pass takes some arguments that never change, such as a time or a class."""
    import torch

    class CalledWith(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.names = module, list(fixed)
            for name, value in fixed.items():
                self.register_buffer(name, torch.tensor(value))

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return self.inner(*args, **kwargs, **{name: getattr(self, name) for name in self.names})

    return CalledWith()


_HELPERS = (
    torch_nn,
    called_with,
    pytorchcv_names,
    ultralytics_names,
    ultralytics_model,
    no_compiled_torchaudio,
    transforms,
)
