"""Training: a recipe in, a record out.

SGD with Nesterov's momentum on cross entropy; the learning rate follows the share of the budget that is
spent, so that every arm ends its schedule whatever the budget counts. A kill at any moment loses the epoch
under way and no more.
"""

from __future__ import annotations

import hashlib
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from eyeshot.errors import DataError, MissingExtraError, RunError, UsageError
from eyeshot.shown import visible
from eyeshot.train.dataset import Dataset
from eyeshot.train.device import device_for
from eyeshot.train.directory import CHECKPOINT, RECORD, claim, finished, write_sealed
from eyeshot.train.progress import Progress
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Answers, Record, Score

try:
    import torch
    from torch.nn import functional
    from torch.nn.parameter import is_lazy
except ModuleNotFoundError as error:
    raise MissingExtraError("training", "torch", "train") from error

from eyeshot.train import checkpoint
from eyeshot.train.batches import Labelled, Normaliser, batches
from eyeshot.train.descent import Descent
from eyeshot.train.machine import repeatable, versions
from eyeshot.train.measures import measures_named, taken
from eyeshot.train.tested import Tested, class_scores

_REPORT_SECONDS = 0.2


def run(
    recipe: Recipe,
    module_factory: Callable[[], torch.nn.Module],
    dataset: Dataset,
    directory: Path,
    on_progress: Callable[[Progress], None] | None = None,
    notice: Callable[[str], None] = lambda text: print(visible(text), file=sys.stderr),
    *,
    measures: Sequence[str] = (),
) -> Record:
    """Train one network and say how well it did.

    A directory that holds this run already is used: a finished one is read, an unfinished one goes on after
    its last whole epoch and ends with the numbers of an undisturbed run (other than under a budget in
    seconds). Of a finished one whatever is not measured yet is measured on the weights that it left.

    Args:
        module_factory: makes the network; its weights must come from PyTorch's generator, which is seeded
            before.
        directory: where `recipe.json`, `checkpoint.pt` and `record.json` are kept.
        on_progress: called some five times a second.
        notice: told of what was found damaged and done again.
        measures: what is measured at the end beside accuracy, of ``eyeshot.train.measures``.

    Raises:
        UsageError: the directory belongs to another recipe, the budget is less than one image, the network's
            output does not fit the classes, or there is no such measure.
        DataError: the images are not those of the recipe.
        RunError: the disk is full, the network failed on these images, or the weights to be measured are gone.
    """
    measures = measures_named(measures)
    if dataset.fingerprint != recipe.data_fingerprint:
        raise DataError(
            f"data {recipe.data!r}: have changed since the study was planned "
            f"(fingerprint {dataset.fingerprint[:12]}, planned {recipe.data_fingerprint[:12]}); plan the "
            "study again"
        )
    record = finished(directory, recipe, notice)
    if record is not None and record.has(measures):
        return record
    claim(directory, recipe, notice)
    if recipe.options.mean is not None and recipe.options.std is not None:
        dataset = replace(dataset, scale=(recipe.options.mean, recipe.options.std))
    with repeatable(recipe.options.threads, _device(recipe)):
        if record is None:
            tested, record = _train(recipe, module_factory, dataset, directory, on_progress, notice)
        else:
            tested = _tested_again(record, module_factory, dataset, directory)
        record = record.with_measures(taken([name for name in measures if not record.has([name])], tested))
    write_sealed(directory / RECORD, record.to_json())
    return record


def _train(
    recipe: Recipe,
    module_factory: Callable[[], torch.nn.Module],
    dataset: Dataset,
    directory: Path,
    on_progress: Callable[[Progress], None] | None,
    notice: Callable[[str], None],
) -> tuple[Tested, Record]:
    options, size = recipe.options, len(dataset.train_images)
    total = recipe.budget.images(macs_per_image=recipe.macs, train_size=size)

    module, device = _made(module_factory, recipe, dataset.shape), _device(recipe)
    optimiser = Descent(
        module.parameters(),
        lr=options.learning_rate,
        momentum=options.momentum,
        nesterov=options.momentum > 0,
        weight_decay=options.weight_decay,
    )
    here = versions(options.threads, device)
    state = checkpoint.restore(directory / CHECKPOINT, recipe, module, optimiser, here, notice)
    train = Labelled.on(device, dataset.train_images, dataset.train_labels)
    tested = _tested(module, dataset, recipe, train, module_factory)

    def spent() -> float:
        return state.seconds / recipe.budget.amount if total is None else state.images / total

    while spent() < 1 and not state.is_diverged:
        epoch = len(state.scores)
        images = size if total is None else min(size, total - state.images)
        # Dropout draws from PyTorch's generator: seeded per epoch, a resumed run drops what an undisturbed
        # one does.
        torch.manual_seed(_epoch_seed(recipe.seed, epoch))
        module.train()
        losses, seen, reported, started = 0.0, 0, -math.inf, time.perf_counter()
        for pixels, labels in batches(
            train, options, seed=recipe.seed, epoch=epoch, count=images, normalise=tested.normalise
        ):
            for group in optimiser.param_groups:
                group["lr"] = options.rate(spent())
            with torch.autocast(device.type, torch.bfloat16, enabled=tested.is_bf16):
                logits = _logits(module, pixels, recipe, dataset)
            loss = functional.cross_entropy(logits.float(), labels)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            if options.clip:
                torch.nn.utils.clip_grad_norm_(module.parameters(), options.clip)
            optimiser.step()

            now = time.perf_counter()
            state.seconds, started = state.seconds + now - started, now
            state.images, seen = state.images + len(labels), seen + len(labels)
            losses += loss.item() * len(labels)
            if not math.isfinite(losses):
                state.is_diverged = True
                break
            if on_progress is not None and now - reported > _REPORT_SECONDS:
                reported = now
                on_progress(_progress(recipe, state, spent(), epoch))
            if total is None and spent() >= 1:
                break

        tested = replace(tested)  # of the weights as they are now
        state.scores.append(
            Score(
                epoch=epoch + 1,
                images=state.images,
                seconds=state.seconds,
                loss=losses / seen,
                accuracy=_answers(tested, dataset).accuracy,
                test_loss=taken(["loss"], tested)["loss"],
            )
        )
        checkpoint.save(directory / CHECKPOINT, recipe, module, optimiser, state, here, dataset.normalisation)
        if on_progress is not None:
            on_progress(_progress(recipe, state, spent(), epoch))

    return tested, Record(
        recipe=recipe,
        versions=here,
        scores=tuple(state.scores),
        is_diverged=state.is_diverged,
        weights=_digest(module),
        answers=_answers(tested, dataset),
    )


def _tested_again(
    record: Record, module_factory: Callable[[], torch.nn.Module], dataset: Dataset, directory: Path
) -> Tested:
    """The network of a finished run, from what it left."""
    module = _made(module_factory, record.recipe, dataset.shape)
    checkpoint.restore_weights(directory / CHECKPOINT, record.recipe, module)
    if _digest(module) != record.weights:
        raise checkpoint.no_weights(directory / CHECKPOINT, "its weights are not those of the record")
    train = Labelled.on(_device(record.recipe), dataset.train_images, dataset.train_labels)
    return _tested(module, dataset, record.recipe, train, module_factory)


def _made(module_factory: Callable[[], torch.nn.Module], recipe: Recipe, shape: tuple[int, ...]) -> torch.nn.Module:
    """The network with its first weights, where it is trained on images of that shape."""
    torch.manual_seed(recipe.seed)
    module = module_factory()  # on the processor, so that all devices begin with the same weights
    if any(map(is_lazy, (*module.parameters(), *module.buffers()))):
        was_training = module.training
        with torch.no_grad():
            module.eval()(torch.zeros(1, *shape))  # lazy layers draw their weights when they first see what they read
        module.train(was_training)
    # PyTorch's stubs lack this form of `to`.
    module.to(_device(recipe), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


def _tested(
    module: torch.nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    train: Labelled,
    module_factory: Callable[[], torch.nn.Module],
) -> Tested:
    device = _device(recipe)
    test = Labelled.on(device, dataset.test_images, dataset.test_labels)
    is_bf16, untrained = recipe.options.precision == "bf16", partial(_made, module_factory, recipe, dataset.shape)
    return Tested(module, test, Normaliser(dataset, device), is_bf16, train, untrained)


def _answers(tested: Tested, dataset: Dataset) -> Answers:
    return Answers.of(tested.right().cpu().numpy(), chance=100 * dataset.chance)


def _device(recipe: Recipe) -> torch.device:
    return torch.device(device_for(recipe.options.device or "cpu") or "cpu")


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])


def _progress(recipe: Recipe, state: checkpoint.State, spent: float, epoch: int) -> Progress:
    return Progress(
        label=recipe.label,
        seed=recipe.seed,
        spent=min(1.0, spent),
        epoch=epoch + 1,
        images=state.images,
        seconds=state.seconds,
        accuracy=state.scores[-1].accuracy if state.scores else None,
    )


def _logits(module: torch.nn.Module, pixels: torch.Tensor, recipe: Recipe, dataset: Dataset) -> torch.Tensor:
    """One row of class scores per image, or an error that names the arm."""
    shape = "×".join(map(str, pixels.shape[1:]))
    try:
        output = module(pixels)
    except torch.OutOfMemoryError as error:
        raise RunError(
            f"arm {recipe.label!r}: out of the memory of {pixels.device.type}; take a smaller batch, or fewer jobs"
        ) from error
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise RunError(f"arm {recipe.label!r} fails on images of {shape}: {error}") from error
    output = class_scores(output) if isinstance(output, torch.Tensor) else output
    expected = (len(pixels), len(dataset.classes))
    if not isinstance(output, torch.Tensor) or tuple(output.shape) != expected:
        outcome = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise UsageError(
            f"arm {recipe.label!r} gives {outcome} for {len(pixels)} images of {shape}, while {dataset.name} "
            "has "
            f"{expected[1]} classes; let the network end with {expected[1]} outputs"
        )
    return output


def _digest(module: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode("utf-8", "surrogatepass"))
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
