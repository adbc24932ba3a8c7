"""The user's own code, run: a file or a package, and what in it makes a module.

Python finds a script's neighbours beside the script, and a package from the folder in which it is started. So it is
here, however eyeshot itself was started; a file with relative imports is run as the part of its package that it is.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from eyeshot import opening
from eyeshot.complaints import complaint, rest
from eyeshot.errors import MissingExtraError, ReadError
from eyeshot.opening import what_is_at
from eyeshot.read.module_names import ModuleName

_BACKENDS = ("jax", "torch", "tensorflow")
"""What Keras may compute by."""
_SETTING = "put KERAS_BACKEND={} before the command"
_FRAMEWORKS = ("torch", "jax")
"""What models are made with, and the extras of eyeshot that bring it."""


def make(name: ModuleName, repair: Callable[[], Any]) -> Any:
    """What a factory, a class or an instance of the user's gives.

    Args:
        name: where it is, and what it is called with.
        repair: makes torchvision importable where its compiled part does not fit; called once when an import fails so.

    Raises:
        ReadError: there is no such code, it fails, or it takes other arguments.
    """
    with _found(name, repair) as maker:
        return _called(maker, name)


def settings(name: ModuleName, repair: Callable[[], Any]) -> dict[str, Any]:
    """The arguments that a name's factory or class has a value for: those given, else its own; none of a module.

    Raises:
        ReadError: as for ``make``.
    """
    with _found(name, repair) as maker:
        if _is_module(maker) or not callable(maker):
            return {}
        _check_arguments(maker, name)
        try:
            parameters = inspect.signature(maker).parameters.values()
        except (TypeError, ValueError):
            return dict(name.arguments)  # of a compiled callable nothing is known
        own = {each.name: each.default for each in parameters if each.default is not each.empty}
        return own | dict(name.arguments)


@contextmanager
def _found(name: ModuleName, repair: Callable[[], Any]) -> Iterator[Any]:
    """What in the user's code a name stands for, while its imports are found."""
    place = _Place.of(name.source)
    with _findable(place.folders):
        scope = _run(name, place, repair)
        maker: Any = scope
        for part in name.attribute.split("."):
            if not hasattr(maker, part):
                raise ReadError(f"{name.source} has no {name.attribute!r}; {_offers(scope, name.attribute)}")
            maker = getattr(maker, part)
        yield maker


def _called(maker: Any, name: ModuleName) -> Any:
    if _is_module(maker):
        if name.arguments:
            raise ReadError(f"{name.target} is a module already and takes no arguments; leave ?… out")
        return maker
    if not callable(maker):
        raise ReadError(f"{name.target} is a {type(maker).__name__}; needed is a model or what makes one")
    _check_arguments(maker, name)
    try:
        return maker(**name.arguments)
    except (Exception, SystemExit) as error:
        how = _spelled(name.arguments) or "without arguments"
        raise _failed(f"{name.target}: calling it {how}", error) from error


def _failed(what: str, error: BaseException) -> ReadError:
    return ReadError(f"{what} failed: {complaint(error)}", lines=rest(error))


def _is_module(value: Any) -> bool:
    """Whether a value is a model as it is, told without importing what it is made with."""
    kinds = {(each.__module__.partition(".")[0], each.__name__) for each in type(value).__mro__}
    return ("torch", "Module") in kinds or any(library in ("flax", "equinox", "jaxlib") for library, _ in kinds)


def _spelled(arguments: Any) -> str:
    return f"with {', '.join(f'{key}={value!r}' for key, value in arguments.items())}" if arguments else ""


def _offers(scope: Any, asked: str) -> str:
    """What there is to call, and of that what may have been meant."""
    public = {name: value for name, value in vars(scope).items() if not name.startswith("_")}
    package = scope.__name__.partition(".")[0]
    names = [
        name
        for name, value in public.items()
        if _is_module(value) or (callable(value) and str(getattr(value, "__module__", "")).startswith(package))
    ]
    near = difflib.get_close_matches(asked, names, 3, 0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"it has {', '.join(names) or 'nothing to call'}{hint}"


def proposals(path: Path) -> tuple[list[str], list[str]]:
    """What in a file may make a network, told without running it: what takes no arguments, and what needs some."""
    try:
        body = ast.parse(opening.read(path)).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return [], []  # what is wrong with the file is said once its factory is named
    classes = {each.name: each for each in body if isinstance(each, ast.ClassDef)}
    ready: list[str] = []
    others: list[str] = []
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            (others if _required(statement) > 0 else ready).append(statement.name)
        elif isinstance(statement, ast.ClassDef):
            (others if _needs_arguments(statement, classes) else ready).append(statement.name)
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            ready += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    public = [[name for name in dict.fromkeys(names) if not name.startswith("_")] for names in (ready, others)]
    return public[0], public[1]


def _needs_arguments(definition: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> bool:
    """Whether a class, or the first of its bases in the same file that says so, is made with arguments."""
    for statement in definition.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return _required(statement) > 1
    bases = [classes[base.id] for base in definition.bases if isinstance(base, ast.Name) and base.id in classes]
    rest = {name: each for name, each in classes.items() if each is not definition}  # a class may name itself
    return bool(bases) and _needs_arguments(bases[0], rest)


def _required(function: ast.FunctionDef) -> int:
    arguments = function.args
    named = sum(default is None for default in arguments.kw_defaults)
    return len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults) + named


def _check_arguments(maker: Callable[..., Any], name: ModuleName) -> None:
    """Complain, in the user's terms, of arguments that are missing or unknown."""
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):
        return  # of a compiled callable nothing is known before it is called
    try:
        signature.bind(**name.arguments)
        return
    except TypeError:
        pass
    parameters = signature.parameters
    takes = f"its arguments are {name.attribute}{signature}"
    for argument in name.arguments:
        if argument not in parameters:
            near = difflib.get_close_matches(argument, parameters, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ReadError(f"{name.target} has no argument {argument!r}{hint} ({takes})")
    missing = [
        each.name
        for each in parameters.values()
        if each.default is each.empty
        and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        and each.name not in name.arguments
    ]
    query = "&".join([*(f"{key}={value!r}" for key, value in name.arguments.items()), *(f"{m}=…" for m in missing)])
    is_function = "jax" in sys.modules and inspect.isfunction(maker)
    hint = f"; if it is a model itself, name jax.jit({name.attribute}), or what returns it" if is_function else ""
    raise ReadError(f"{name.target} needs {' and '.join(missing)}: give '{name.target}?{query}' ({takes}){hint}")


@dataclass(frozen=True)
class _Place:
    """Where the user's code lies: the dotted name or the file to run, and the folders that its imports look into."""

    dotted: str
    file: Path | None
    folders: tuple[Path, ...]

    @classmethod
    def of(cls, source: str) -> _Place:
        if not source.endswith(".py"):
            return cls(source, None, (Path.cwd(),))
        path = Path(source)
        there = what_is_at(path)
        if there != "a file":
            raise ReadError(f"{path}: {'no such file' if there == 'nothing' else f'{there}, not a file'}")
        path = path.resolve()
        levels = _relative_levels(path)
        depth = max(_packages_above(path), *levels, 0)
        dotted = ".".join((*path.parts[-depth - 1 : -1], path.stem)) if levels else ""
        return cls(dotted, path, tuple(dict.fromkeys((path.parents[depth], path.parent, Path.cwd()))))


def _run(name: ModuleName, place: _Place, repair: Callable[[], Any]) -> Any:
    """The module that a file or a dotted name stands for, run."""
    try:
        return importlib.import_module(place.dotted) if place.dotted else _run_file(place.file)
    except ModuleNotFoundError as error:
        if error.name in _BACKENDS and _is_raised_in(error, "keras"):
            raise ReadError(f"{name.target}: {_without_backend(error.name)}") from error
        if error.name in _FRAMEWORKS:
            raise MissingExtraError(f"reading {name.target}", error.name, error.name) from None
        raise ReadError(f"{name.target}: {_not_there(name.source, error)}") from error
    except (Exception, SystemExit) as error:
        if "torchvision::" in str(error) and repair():
            return _run(name, place, lambda: None)
        raise _failed(f"{name.target}: running {name.source}", error) from error


def _is_raised_in(error: ModuleNotFoundError, package: str) -> bool:
    """Whether it was a package, not the user's own file, that imported what is not there."""
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [str(frame.f_globals.get("__name__", "")) for frame, _ in frames]
    ours = [name for name in names if not name.startswith("importlib.") and name != "importlib"]
    return bool(ours) and ours[-1].partition(".")[0] == package


def _without_backend(backend: str) -> str:
    """What to do about Keras, which computes by another library and takes TensorFlow unless it is told otherwise."""
    there = [each for each in _BACKENDS if importlib.util.find_spec(each) is not None]
    if there:
        cure = f"but {there[0]} is: {_SETTING.format(there[0])}"
        return f"Keras would compute by {backend}, which is not installed, {cure}"
    install = f"pip install jax, and {_SETTING.format('jax')}; a saved .keras file is read without"
    return f"Keras would compute by {backend}, which is not installed, nor is another: {install}"


def _not_there(source: str, error: ModuleNotFoundError) -> str:
    missing = error.name or ""
    if not source.endswith(".py") and f"{source}.".startswith(f"{missing}."):
        return f"there is no module {missing!r}, neither in {os.getcwd()} nor installed"
    return f"{source} imports {missing!r}, which is neither beside it, nor in {os.getcwd()}, nor installed"


def _run_file(path: Path | None) -> Any:
    assert path is not None
    name = path.stem if path.stem not in sys.modules or path.stem in _imported else f"{path.stem}_of_user"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look for it there
    spec.loader.exec_module(module)
    return module


def _packages_above(path: Path) -> int:
    depth = 0
    while (path.parents[depth] / "__init__.py").is_file():
        depth += 1
    return depth


def _relative_levels(path: Path) -> list[int]:
    """How many folders up each of a file's relative imports begins."""
    try:
        tree = ast.parse(opening.read(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # running it says what is wrong
    return [node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]


_folders: list[str] = []
"""Folders from which the model that was loaded last may import: the last entries of sys.path."""
_imported: set[str] = set()
"""Names of the modules that came with models."""


@contextmanager
def _findable(folders: tuple[Path, ...]) -> Iterator[None]:
    """While this lasts imports look into folders first, the first first; afterwards last, where nothing is hidden.

    A forward pass may import, too. What an earlier model imported by a name that now means another file is forgotten:
    two models may each have a neighbour of that name.
    """
    before = set(sys.modules)
    if _folders and sys.path[-len(_folders) :] == _folders:
        del sys.path[-len(_folders) :]
    earlier, _folders[:] = list(_folders), map(str, folders)
    sys.path[:0] = _folders
    importlib.invalidate_caches()
    _forget_what_moved(earlier)
    try:
        yield
    finally:
        _imported.update(set(sys.modules) - before)
        del sys.path[: len(folders)]
        sys.path += _folders


def _forget_what_moved(folders: list[str]) -> None:
    for top in {key.partition(".")[0] for key in _imported}:
        file = getattr(sys.modules.get(top), "__file__", None)
        if file and any(Path(file).is_relative_to(folder) for folder in folders):
            spec = PathFinder.find_spec(top)
            if spec is None or spec.origin != file:
                for key in [key for key in sys.modules if key.partition(".")[0] == top]:
                    del sys.modules[key]
