"""A model changed by moves: what was announced, what was read back, and the design or module that came of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eyeshot.api.report import Report
from eyeshot.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from eyeshot.design.rewriting import Rewritten, Step
    from eyeshot.design.syntax import Design


class Rewrite:
    """A model after some moves.

    Attributes:
        before, after: reports of the model as it was, and as it was read back.
        design: the design that came of it; None where a module was changed.
        steps: the moves, each with the network that was announced and the one read back, which agree.
    """

    def __init__(self, model: Any, rewritten: Rewritten, input_shape: Any = None) -> None:
        self._asked, self._module, self._input = model, rewritten.module, input_shape
        self.steps: tuple[Step, ...] = rewritten.steps
        self.design: Design | None = rewritten.design
        self.before = Report(self.steps[0].before.network)
        self.after = Report(self.steps[-1].after.network)

    def __repr__(self) -> str:
        moves = " ".join(step.text for step in self.steps)
        a, b = self.before.totals, self.after.totals
        change = f"params {a.params:,} → {b.params:,}, MACs {a.macs:,} → {b.macs:,}"
        return f"<Rewrite {self.before.network.name}: {moves}: {change}>"

    @cached_property
    def model(self) -> Any:
        """A new torch.nn.Module: a changed copy of the one that was given, or the design as it is built.

        Raises:
            MissingExtraError: torch is not installed.
        """
        if self.design is None:
            return self._module
        from eyeshot.build.torch import build

        return build(self.after.network)

    @property
    def is_exact(self) -> bool:
        """Whether what is computed stays the same, away from borders that ``says`` tells."""
        return all(step.is_exact for step in self.steps)

    @cached_property
    def says(self) -> str:
        """What each move changed and keeps, in words."""
        from eyeshot.report.rewriting import words

        return "\n".join("".join(text for text, _ in line) for step in self.steps for line in words(step))

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.rewrite/1, ready for json.dumps."""
        from eyeshot.report.rewriting import document

        return document(self.steps, None if self.design is None else str(self.design))

    def code(self) -> str:
        """Python that makes the module: layer by layer for a design; for a module, its maker and the moves.

        Raises:
            UsageError: the module was given as it is, and nothing says how it is made.
        """
        if self.design is not None:
            from eyeshot.report.source import source

            return source(self.after.network, str(self.design))
        from eyeshot.report.source import source_of_moves

        if not isinstance(self._asked, str):
            raise UsageError(
                f"a {type(self._asked).__name__} given as it is: nothing says how it is made; give the name of what"
                " makes it (file.py:factory)"
            )
        shape = self._input or self.after.network.input.shape[1:]
        return source_of_moves(self._asked, [step.text for step in self.steps], shape)

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write ``code()`` to a .py file, or the design's notation to a .txt file, which are replaced only with
        ``force``.
        """
        from pathlib import Path

        from eyeshot.report.files import check_new, write_file

        path = Path(path)
        check_new(path, force=force)
        if path.suffix == ".py":
            text = self.code()
        elif path.suffix == ".txt" and self.design is not None:
            text = f"{self.design}\n"
        else:
            kinds = ".py, or .txt for the notation" if self.design is not None else ".py"
            raise UsageError(f"{path}: what a rewrite gives is written to {kinds}")
        write_file(path, text.encode())
        return path


def rewrite(model: Any, *moves: str, input_shape: Any = None, example: Any = None, weights: bool = True) -> Rewrite:
    """A model changed by moves, one after the other; the model itself is left as it is.

    Each move says first what it will change: field, params and MACs of every layer, told from the network before. Then
    it is made, on the notation or on a copy of the module, and what came of it is read back and compared.

    Args:
        model: a design of the zoo or in the notation, a torch.nn.Module, or the name of what makes one.
        moves: each ``name``, or ``name:words,layers``; see ``eyeshot rewrite --list``.
        input_shape, example: as for ``inspect``.
        weights: for names of a library's models: draw weights; without, the result has shapes alone.

    Raises:
        UsageError: there is no such move, or it does not apply; says which layers were looked at, and why none fits.
        ReadError: the module cannot be loaded or traced.

    Example:
        >>> small = rewrite("resnet18", "stem:fine", input_shape=(3, 32, 32))
        >>> small.before["layer4.1.conv2"].out, small.after["layer4.1.conv2"].out
        ((512, 1, 1), (512, 4, 4))
    """
    from eyeshot.design.rewriting import rewrite_module
    from eyeshot.design.syntax import Design

    if isinstance(model, Design):
        model = str(model)
    if isinstance(model, str) and not _is_module(model):
        return Rewrite(model, _of_design(model, moves, input_shape))
    if not isinstance(model, str):
        kind = type(model).__name__
        made = rewrite_module(_module(model), moves, input_shape, name=kind, source="torch", example=example)
        return Rewrite(model, made, input_shape)
    from eyeshot.read.foreign import check_module
    from eyeshot.read.loading import load_module
    from eyeshot.read.pretrained import drawn_module

    module = drawn_module(model) if weights else load_module(model)
    check_module(module, model)
    made = rewrite_module(module, moves, input_shape, name=model, source=model, example=example)
    return Rewrite(model, made, input_shape)


def loaded(model: Any) -> Any:
    """A model that can be rewritten several times: the module that a name stands for, without weights; else itself."""
    if not isinstance(model, str) or not _is_module(model):
        return model
    from eyeshot.read.loading import load_module

    return load_module(model)


def _is_module(model: str) -> bool:
    from eyeshot.design.named import KERAS_FILES, check_typed
    from eyeshot.read.module_names import is_module_name

    if model.lower().endswith((".onnx", *KERAS_FILES)):
        raise UsageError(f"{model}: moves change designs and PyTorch modules; a file is only read")
    check_typed(model)
    return is_module_name(model)


def _of_design(model: str, moves: Sequence[str], input_shape: Any) -> Rewritten:
    from eyeshot.design.named import design_named, network_named
    from eyeshot.design.rewriting import rewrite_design
    from eyeshot.design.zoo import entries

    network = network_named(model, input_shape)
    entry = entries().get(model.lower())
    classes = entry.classes if entry else 1000
    return rewrite_design(design_named(model), moves, network.input.shape[1:], classes, network.name)


def _module(model: Any) -> Any:
    if not hasattr(model, "named_modules"):
        raise UsageError(f"moves change designs and PyTorch modules, not a {type(model).__name__}")
    return getattr(model, "_orig_mod", model)  # of a compiled module
