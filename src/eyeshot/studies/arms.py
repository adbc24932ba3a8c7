"""The arms of a study: for each model its network, fitted to the images, and what makes its module elsewhere."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from eyeshot.analyse.cost import totals
from eyeshot.design.classifier import classifier
from eyeshot.design.lower import lower
from eyeshot.design.match import UNMATCHED
from eyeshot.design.match import match as match_widths
from eyeshot.design.match_modules import match_module, moved
from eyeshot.design.matched import check_changeable
from eyeshot.design.named import KERAS_FILES, check_typed, design_named, naming, network_named
from eyeshot.design.zoo import entries
from eyeshot.errors import ReadError, ShapeError, UsageError
from eyeshot.network.graph import Network
from eyeshot.network.text import write
from eyeshot.read.foreign import check_module
from eyeshot.read.module_names import is_module_name
from eyeshot.studies.asked import At, as_asked, nowhere, resolved
from eyeshot.studies.plan import Arm
from eyeshot.studies.sending import check_sendable

if TYPE_CHECKING:
    from eyeshot.train.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Made:
    """An arm with what it takes to train it."""

    arm: Arm
    network: Network
    factory: Callable[[], Any]
    """Makes its module; sent to other processes."""
    remark: str
    """How the design was changed; nothing where it was not."""
    recipe: Mapping[str, Any]
    """What of its training is not as for all, by the words that are typed for it."""


def arms_of(
    models: Sequence[Any],
    dataset: Dataset,
    quantity: str,
    by: str | None = None,
    at: At = nowhere,
    unmatched: str = UNMATCHED,
) -> list[Made]:
    """Each model as an arm, the widths of all but the first scaled until they cost the same of a quantity.

    Args:
        models: as for ``planned``.
        quantity: what the widths are matched by, or "none".
        by: the argument of the modules' makers that is scaled.
        at: where the models were written.
        unmatched: how one writes there that costs need not agree.
    """
    made: list[Made] = []
    for asked in resolved([as_asked(model) for model in models], dataset, at):
        model, name = asked.model, asked.name
        taken = [each.arm.label for each in made]
        settings = " ".join(f"{key}={value}" for key, value in asked.recipe.items())
        label = asked.label or _label(" ".join(filter(None, (asked.short or name, settings))), taken)
        if label in taken:
            with at(*asked.path, "label"):
                raise UsageError(f"label {label!r} is another arm's already; give each its own")
        target = getattr(totals(made[0].network), quantity) if made and quantity != "none" else None
        with at(*asked.path, "design"), naming(name), _fitting(dataset):
            if target is not None:
                check_changeable(model)
            if not isinstance(model, str) or is_module_name(model):
                name, network, factory, text = _of_module(model, name, dataset, quantity, target, by)
                if not isinstance(model, str):  # two modules of one class are told apart
                    network = replace(network, name=label)
            else:
                check_typed(model)
                network, factory, text = _of_design(model, label, dataset, quantity, target, unmatched)
            _check_outputs(network, dataset)
            check_sendable(factory, name)
        cost = totals(network)
        arm = Arm(
            label=label, design=name, macs=cost.macs, params=cost.params, network_fingerprint=fingerprint(network)
        )
        how = f"{asked.how}: {name}" if asked.how else ""
        text = "; ".join(filter(None, (how, text, f"trained with {settings}" if settings else "")))
        remark = f"{label}: {text}" if text else ""
        made.append(Made(arm=arm, network=network, factory=factory, remark=remark, recipe=asked.recipe))
    return made


def check_trainable(model: Any) -> None:
    """Complain of what is only read, whether or not what trains is installed."""
    if not isinstance(model, str):
        check_module(model)
    elif model.lower().endswith((".onnx", *KERAS_FILES)):
        check_typed(model)  # an address is none of these
        raise UsageError(f"{model}: designs and PyTorch modules are trained; a file is only read")


@contextmanager
def _fitting(dataset: Dataset) -> Iterator[None]:
    """A design or module that cannot take the images is said not to."""
    try:
        yield
    except (ShapeError, ReadError) as error:
        if isinstance(error, ReadError) and not error.is_of_shapes:
            raise
        shape = "×".join(map(str, dataset.shape))
        raise error.of(f"it does not take the images of {dataset.name}, which are {shape}") from error


def _check_outputs(network: Network, dataset: Dataset) -> None:
    """Complain of a network that ends with another number of outputs than there are classes, before one is trained."""
    shape, classes = network.output.shape, len(dataset.classes)
    if len(network.outputs) <= 1 and math.prod(shape) != classes:
        raise UsageError(
            f"it gives {'×'.join(map(str, shape[1:]))} for each image, and {dataset.name} has {classes} classes; let it"
            f" end with {classes} outputs"
        )


def fingerprint(network: Network) -> str:
    """Hash of a network's text, by which a study that goes on knows its designs again.

    The text tells what an op does and leaves out what it does by default, so that studies are found again by later
    versions that know more of nodes and ops.
    """
    return hashlib.sha256(write(network).encode()).hexdigest()


def _label(name: str, taken: list[str]) -> str:
    """A name unlike those of the arms before; the same design twice is a test of the test."""
    label, count = name.lower() if name.lower() in entries() else name, 2
    while label in taken:
        label, count = f"{name} ({count})", count + 1
    return label


def _of_module(
    model: Any, name: str, dataset: Dataset, quantity: str, target: int | None, by: str | None
) -> tuple[str, Network, Callable[[], Any], str]:
    """A module, what makes one or what one is built from: its name and network, what makes it, how it was changed."""
    if isinstance(model, Network):
        if model.input.shape[1:] != dataset.shape:
            shapes = ["x".join(map(str, shape)) for shape in (model.input.shape[1:], dataset.shape)]
            raise UsageError(f"its input is {shapes[0]}; the images of {dataset.name} are {shapes[1]}")
        return name, model, partial(_built, model), ""
    moves: tuple[str, ...] = ()
    text = ""
    if target is not None:
        found = match_module(model, dataset.shape, quantity=quantity, target=target, by=by)
        model, moves, network, text = found.model, found.moves, found.network, f"trained with {found.how}"
    elif isinstance(model, str):
        network = network_named(model, dataset.shape)
    else:
        from eyeshot.read.torch import read_module

        network = read_module(model, dataset.shape, name=name, source="torch")
    if isinstance(model, str):
        return model, network, partial(_loaded, model, moves, dataset.shape), text
    from eyeshot.build.anew import drawn_anew

    changed = moved(model, moves, dataset.shape)
    drawn_anew(changed)  # complains now, not in a worker, of weights that nothing says how to draw
    return name, network, partial(drawn_anew, changed), text


def _of_design(
    model: str, label: str, dataset: Dataset, quantity: str, target: int | None, unmatched: str
) -> tuple[Network, Callable[[], Any], str]:
    """A design with one output a class, its widths scaled to cost ``target`` where that is given."""
    typed, classes = design_named(model), len(dataset.classes)
    design = classifier(typed, dataset.shape, classes)
    text = "" if str(design) == str(typed) else f"trained as {design}, for {classes} classes"
    if target is not None:
        matched = match_widths(
            design, dataset.shape, classes, quantity=quantity, target=target, name=label, unmatched=unmatched
        )
        design, text = matched.design, f"trained as {matched.design}; {matched.how}"
    network = lower(design, dataset.shape, name=label, source="notation", classes=classes)
    return network, partial(_built, network), text


def _built(network: Network) -> Any:
    """A new module of a network; at the top level, since it is sent to other processes."""
    from eyeshot.build.torch import build

    return build(network)


def _loaded(model: str, moves: tuple[str, ...], input_shape: tuple[int, ...]) -> Any:
    """A new module that a name stands for, its weights drawn anew, with moves made on it."""
    from eyeshot.read.pretrained import drawn_module

    return moved(drawn_module(model), moves, input_shape)
