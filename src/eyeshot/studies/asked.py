"""An arm as it is asked for: a model, a design changed by moves, or whatever meets some wishes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eyeshot.design.classifier import classifier
from eyeshot.design.named import check_typed, design_named, naming
from eyeshot.design.rewriting import rewrite_design
from eyeshot.design.wished import wished
from eyeshot.design.wishes import Answer
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network
from eyeshot.read.module_names import is_module_name

if TYPE_CHECKING:
    from eyeshot.train.dataset import Dataset

At = Callable[..., AbstractContextManager[None]]
"""Called with the keys that lead to a value, such as ``"arms", 1, "moves"``: an error inside is said to be there."""


def nowhere(*path: str | int) -> AbstractContextManager[None]:
    """For values that were not written in a file: their errors stay as they are."""
    return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One line of a study's arms; of a model nothing but the model, or wishes in place of one."""

    model: Any = None
    """A name, notation, Network or module."""
    label: str | None = None
    """What tables are to call it; the model's name unless given."""
    moves: tuple[str, ...] = ()
    """As ``eyeshot rewrite`` takes them, for designs."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """What of its training is not as for all, by the words that are typed for it."""
    wishes: Mapping[str, Any] | None = None
    """The arguments of ``eyeshot.designs``."""
    take: int = 1
    """How many of the designs that meet the wishes."""
    short: str = ""
    """What it is called where the model's name says less of it and no label was given."""
    how: str = ""
    """What the design came from, in words."""
    path: tuple[str | int, ...] = ()
    """Where it was written, for ``At``."""

    @property
    def name(self) -> str:
        """What tables and plans call the model."""
        if isinstance(self.model, str):
            return self.model
        return self.model.name if isinstance(self.model, Network) else type(self.model).__name__


def as_asked(model: Any) -> Asked:
    """A model that stands for itself, or what was asked for in more words."""
    return model if isinstance(model, Asked) else Asked(model=model)


def resolved(asked: Sequence[Asked], dataset: Dataset, at: At) -> list[Asked]:
    """The same arms without moves and wishes: what comes of these is a design in the notation.

    Raises:
        UsageError: no design meets some wishes, or a move does not apply.
    """
    models: list[Asked] = []
    for each in asked:
        if each.wishes is not None:
            with at(*each.path, "wishes"):
                models += _wished(each, wished(dataset.shape, **each.wishes))
        elif each.moves:
            with at(*each.path, "moves"), naming(each.name):
                models.append(_moved(each, dataset))
        else:
            models.append(each)
    return models


def _wished(asked: Asked, answer: Answer) -> list[Asked]:
    found = answer.result.designs
    if answer.broken:
        lacks = ", ".join(f"{each.wish} {each.asked}, nearest is {each.nearest:,}" for each in answer.broken)
        raise UsageError(f"no design meets all wishes ({lacks}: {found[0].notation}); wish for less")
    if asked.label is not None and asked.take > 1:
        raise UsageError(f"label {asked.label!r}: {asked.take} designs cannot share it; leave it out")
    return [
        dataclasses.replace(asked, model=each.notation, wishes=None, how=f"no. {place} of the designs wished for")
        for place, each in enumerate(found[: asked.take], start=1)
    ]


def _moved(asked: Asked, dataset: Dataset) -> Asked:
    if not isinstance(asked.model, str) or is_module_name(asked.model):
        raise UsageError(
            "moves in a study are for designs in the notation; for a module write a factory that returns"
            " eyeshot.rewrite(module, …).model, and give its name"
        )
    check_typed(asked.model)
    classes = len(dataset.classes)
    typed = classifier(design_named(asked.model), dataset.shape, classes)
    moved = rewrite_design(typed, asked.moves, dataset.shape, classes, asked.model).design
    words = " ".join(asked.moves)
    short, how = f"{asked.model} {words}", f"{asked.model} after {words}"
    return dataclasses.replace(asked, model=str(moved), moves=(), short=short, how=how)
