"""A study written down in a TOML file: what is compared, on what, for how much, how often.

    data = "sample"                  # or fashion-mnist, or a folder of class folders
    seeds = 5                        # or a list of them
    budget = "3ep"                   # each training: epochs, or img, mac, s
    match = "macs"                   # scale the widths of the others until they cost what the first does

    [recipe]
    lr = 0.05

    [[arms]]
    design = "alexnet-28"            # the zoo, the notation, package.module:factory, file.py:factory

    [[arms]]
    design = "alexnet-28"
    moves = ["pool-to-stride:pool1"]

Whatever has a value of its own there is left out. Paths are from the file's folder on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec

from eyeshot.design.match import listed_or
from eyeshot.documents import converted
from eyeshot.errors import UsageError
from eyeshot.nearest import did_you_mean
from eyeshot.read.module_names import is_module_name, module_name
from eyeshot.shown import quoted
from eyeshot.studies.asked import Asked
from eyeshot.studies.engines import Engine
from eyeshot.studies.lines import TomlFile, read_toml
from eyeshot.studies.study import AUTO, FOR_ALL, RECIPE, SHORT, Study, as_typed, planned
from eyeshot.train.device import DEVICES, Precision
from eyeshot.train.recipe import AUGMENTS, Options

_NAMES = ("sample", "fashion-mnist")
"""Images that are no folder's."""

_CHOICES: dict[str, tuple[str, ...]] = {
    "augment": AUGMENTS,
    "precision": (AUTO, *get_args(Precision)),
    "device": (AUTO, *DEVICES),
}
"""What a recipe has a word for."""


class _Wishes(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The arguments of ``eyeshot.designs``."""

    field: int | str | None = None
    stride: int | None = None
    macs_max: int | str | None = None
    params_max: int | str | None = None
    layers: int | str | None = None
    kernels: int | str | list[int] | None = None
    strides: int | str | list[int] | None = None
    pools: int | str | list[int] | None = None
    dilations: int | str | list[int] | None = None
    widths: int | str | list[int] | None = None
    padding: str | None = None


class _Arm(msgspec.Struct, forbid_unknown_fields=True):
    design: str | None = None
    label: str | None = None
    arguments: dict[str, Any] = {}
    moves: list[str] = []
    recipe: dict[str, Any] = {}
    wishes: _Wishes | None = None
    take: int = 1


class _Study(msgspec.Struct, forbid_unknown_fields=True):
    arms: list[str | _Arm] = []
    data: str | None = None
    size: int | str | None = None
    seeds: int | list[int] | None = None
    budget: str | None = None
    match: str | None = None
    match_by: str | None = None
    recipe: dict[str, Any] = {}
    measures: list[str] = []
    directory: str | None = None
    artefacts: str | None = None


@dataclass(frozen=True)
class StudyFile:
    """A file of which every value is one that a study can have."""

    file: TomlFile
    arms: list[Asked]
    terms: dict[str, Any]
    """The arguments of ``planned``."""

    @property
    def models(self) -> list[str]:
        """The names of the models."""
        return [arm.model for arm in self.arms if arm.model is not None]

    def planned(
        self,
        *,
        directory: Path | None = None,
        jobs: int | None = None,
        engine: Engine | None = None,
        command: tuple[str, ...] = (),
    ) -> Study:
        """What the file asks for, fitted to its images; the arguments are those of ``planned``.

        Raises:
            UsageError: something of it cannot be used; says on which line.
        """
        place = directory or self.terms["directory"]
        terms = {**self.terms, "directory": place, "jobs": jobs, "engine": engine, "command": command}
        return planned(self.arms, at=self.file.at, unmatched='match = "none"', **terms)


def study_file(path: Path) -> StudyFile:
    """A study's file, read and checked.

    Raises:
        UsageError: it is none; says on which line, and what was meant perhaps.
    """
    file = read_toml(path)
    asked = _converted(file)
    terms = {
        "data": _from_folder(path.parent, asked.data),
        "size": asked.size,
        "seeds": asked.seeds,
        "budget": asked.budget,
        "match": asked.match,
        "match_by": asked.match_by,
        "recipe": _recipe(file, asked.recipe, ("recipe",)),
        "measures": asked.measures,
        "directory": path.parent / asked.directory if asked.directory else None,
        "artefacts": _address(path.parent, asked.artefacts),
    }
    if not asked.arms:
        raise UsageError(f'{path}: it has no arms; write arms = ["alexnet-28", "alexnet-28-alternating"]')
    return StudyFile(file, [_asked(file, path.parent, number, arm) for number, arm in enumerate(asked.arms)], terms)


def _converted(file: TomlFile) -> _Study:
    try:
        return msgspec.convert(file.values, _Study)
    except msgspec.ValidationError as error:
        raise _said(file, str(error)) from None


_SAYS = re.compile(r"(?P<says>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_WORDS = {"str": "text", "int": "a whole number", "float": "a number", "array": "a list", "object": "a table",
          "bool": "true or false"}  # fmt: skip


def _said(file: TomlFile, complaint: str) -> UsageError:
    """What msgspec complains of, in words and with the line."""
    path = tuple(name or int(index) for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", _parted(complaint)[1]))
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", _parted(complaint)[0], re.DOTALL)
    if unknown is None:
        return UsageError(_in_words(complaint)).of(file.place(path))
    table = _Wishes if path[-1:] == ("wishes",) else _Arm if path[:1] == ("arms",) else _Study
    belongs = table is _Study and unknown[1] in RECIPE
    says = f"{unknown[1]} belongs below [recipe]" if belongs else _no_key(unknown[1], table.__struct_fields__, path)
    return UsageError(says).of(file.place((*path, unknown[1])))


def _no_key(key: str, keys: tuple[str, ...], path: tuple[str | int, ...]) -> str:
    """That a table has no such key; TOML takes all that stands below a table's head to be the table's."""
    if path and key in _Study.__struct_fields__:
        return f"{key} belongs above {'the arms' if path[0] == 'arms' else '[recipe]'}"
    return _no("key", key, keys)


def _parted(complaint: str) -> tuple[str, str]:
    """What msgspec says, and of which value."""
    found = _SAYS.fullmatch(complaint)
    assert found is not None
    return found["says"], found["path"] or ""


def _in_words(complaint: str) -> str:
    """What msgspec says, without its types and the value's place."""

    def words(types: re.Match[str]) -> str:
        return " or ".join(_WORDS.get(kind, kind) for kind in types[1].split(" | ") if kind != "null")

    says = re.sub(r"`([^`]*)`", words, _parted(complaint)[0])
    return says.replace("Expected ", "needed is ").replace(", got ", ", found ")


def _no(what: str, word: str, names: tuple[str, ...]) -> str:
    hint = did_you_mean(word, names) or f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}"
    return f"no {what} {quoted(word)}; {hint}"


def _from_folder(folder: Path, data: str | None) -> str | None:
    return data if data is None or data in _NAMES else str(folder / Path(data).expanduser())


def _address(folder: Path, address: str | None) -> str | None:
    """Where artefacts are kept; a folder is from the file's on."""
    return address if address is None or "://" in address else str(folder.absolute() / Path(address).expanduser())


def _recipe(file: TomlFile, recipe: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """A recipe, each of its values tried by itself, so that the line of a wrong one can be told."""
    for key in recipe:
        with file.at(*path, key):
            if key not in RECIPE:
                raise UsageError(_no_key(key, RECIPE, path))
            if key in _CHOICES and isinstance(recipe[key], str):
                _check_choice(key, recipe[key])
                continue
            together = ("mean", "std") if key in ("mean", "std") else (key,)
            try:
                converted({SHORT.get(each, each): recipe[each] for each in together if each in recipe}, Options)
            except ValueError as error:
                raise UsageError(as_typed(_in_words(str(error)), [key])) from None
    return recipe


def _check_choice(key: str, word: str) -> None:
    if word not in _CHOICES[key]:
        near = did_you_mean(word, _CHOICES[key])
        raise UsageError(f"{key} {quoted(word)}: needed is {listed_or(_CHOICES[key])}" + (f"; {near}" if near else ""))


def _asked(file: TomlFile, folder: Path, number: int, arm: str | _Arm) -> Asked:
    """An arm as ``planned`` takes it."""
    path = ("arms", number)
    if isinstance(arm, str):
        arm = _Arm(design=arm)
    with file.at(*path):
        if (arm.design is None) is (arm.wishes is None):
            raise UsageError("needed is a design, or wishes that one has to meet")
    recipe = _recipe(file, arm.recipe, (*path, "recipe"))
    for key in FOR_ALL:
        if key in recipe:
            with file.at(*path, "recipe", key):
                raise UsageError(f"{key} is the same for all arms; write it below [recipe]")
    if arm.wishes is not None:
        for key in ("moves", "arguments"):
            if getattr(arm, key):
                with file.at(*path, key):
                    raise UsageError(f"{key} are for a design, not for wishes")
        with file.at(*path, "take"):
            if arm.take < 1:
                raise UsageError(f"take {arm.take}: needed is 1 or more")
        wishes = msgspec.to_builtins(arm.wishes)
        return Asked(label=arm.label, recipe=recipe, wishes=wishes, take=arm.take, path=path)
    assert arm.design is not None
    with file.at(*path, "design"):
        design = _in_folder(folder, arm.design)
    if arm.arguments:
        with file.at(*path, "arguments"):
            design = _called_with(design, arm.arguments)
    return Asked(model=design, label=arm.label, moves=tuple(arm.moves), recipe=recipe, path=path)


def _in_folder(folder: Path, design: str) -> str:
    """A design's name; a factory's file is looked for in the folder of the study's."""
    if not is_module_name(design) or not module_name(design).source.endswith(".py"):
        return design
    source = module_name(design).source
    return str(folder / Path(source).expanduser()) + design[len(source) :]


def _called_with(design: str, arguments: dict[str, Any]) -> str:
    """The name of what makes a module, with what it is called with."""
    if not is_module_name(design):
        raise UsageError(f"arguments are for what makes a module, such as file.py:factory; {design} is a design")
    name = design + ("&" if "?" in design else "?") + "&".join(f"{key}={value!r}" for key, value in arguments.items())
    module_name(name)  # complains of what is no value of Python's, such as a date
    return name
