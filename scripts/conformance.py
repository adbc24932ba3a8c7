"""Is every model read, exactly, and do all laws hold of it? Writes docs/conformance.md or docs/conformance-packages.md.

    make conformance                                  torchvision and timm, at their own input sizes
    make conformance-packages                         models of other packages, where installed
    python -m scripts.conformance --families          one name a family, into no page
    python -m scripts.conformance --only 'timm:res*'  some names, into no page
    python -m scripts.conformance --page              nothing more: the page of what was swept so far, which says so

Models are built without weights. A model is exact when every op on its way has a rule, bound when some has none, failed
when it runs and cannot be read. A sweep that was stopped goes on where it was; --again begins anew.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import platform
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from eyeshot.api.report import Report
from eyeshot.errors import EyeshotError
from eyeshot.read.arguments import arguments_for
from eyeshot.read.loading import load_module
from eyeshot.read.torch import read_module
from scripts.foreign import Package, Subject, packages
from scripts.sweep import MOST_SECONDS, Act, Outcome, kept, sweep
from tests.laws import of_modules, of_reports, truth

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "runs" / "conformance"
MOST_PARAMS = 80e6
"""Weights up to which a model of another package is run on numbers, too."""
MOST_LAYERS = 1500
"""Layers up to which all laws are tried."""


def outcome(package: str, name: str, build: Callable[[], Any], shape: Any, *, is_run: bool) -> Iterator[Outcome]:
    """Build and read one model, and try the laws: what is known after each."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    try:
        module = build()
    except Exception as error:
        yield Outcome(package, name, "not built", _line(error))
        return
    reading = partial(read_module, module, shape, name=name, source=package)
    try:
        network = reading()
    except EyeshotError as error:
        refusal = _refusal(module, name, shape) if is_run else None
        text = str(error).removeprefix(f"{name} ").removeprefix(f"{name}: ")
        yield Outcome(package, name, "unfit" if refusal else "failed", refusal or text)
        return
    except Exception as error:
        yield Outcome(package, name, "failed", of_reports.where(error))
        return
    report = Report(network)
    try:
        so_far = Outcome(package, name, *_verdict(name, report))
    except Exception as error:
        yield Outcome(package, name, "failed", of_reports.where(error))
        return
    yield so_far
    laws = of_reports.LAWS if len(report) <= MOST_LAYERS else of_reports.LAWS[:1]
    so_far = replace(so_far, violations=of_reports.violations(report, laws))
    yield so_far
    macs = _tried("macs_equal_pytorchs", _macs(module, name, shape, report))
    so_far = replace(so_far, violations=so_far.violations + macs)
    yield so_far
    if not is_run or sum(p.numel() for p in module.parameters()) > MOST_PARAMS:
        return
    if refusal := _refusal(module, name, shape):
        yield replace(so_far, violations=[*so_far.violations, f"what_pytorch_refuses_is_refused: {refusal}"])
        return
    changes = _tried("reading_leaves_the_module_as_it_was", _changes(module, name, shape, reading))
    so_far = replace(so_far, violations=so_far.violations + changes)
    yield so_far
    told, mismatches = truth.agreement(module, report, shape)
    yield replace(so_far, truth=told, violations=[*so_far.violations, *(f"truth: {text}" for text in mismatches)])


def _verdict(name: str, report: Report) -> tuple[str, str]:
    bounds = list(dict.fromkeys(note.text for note in report.notes if note.kind == "bound"))
    why = "; ".join(text.partition("; fields from here")[0] for text in bounds if not text.startswith("totals"))
    return ("exact" if report.is_exact else "bound"), why.replace(f"{name} ", "")


def _refusal(module: Any, name: str, shape: Any) -> str | None:
    """Why PyTorch itself does not run a module; None where it does."""
    try:
        arguments = arguments_for(module, name, shape, None).with_numbers(torch.device("cpu"))
        with torch.no_grad():
            module(*arguments.args, **arguments.kwargs)
    except Exception as error:
        return _line(error)
    return None


def _changes(module: Any, name: str, shape: Any, reading: Callable[[], Any]) -> Iterator[str]:
    """What reading changed of a module, held against what it makes of numbers."""
    arguments = arguments_for(module, name, shape, None).with_numbers(torch.device("cpu"))
    inputs = (arguments.args, dict(arguments.kwargs))
    return of_modules.reading_leaves_the_module_as_it_was(module, reading, inputs)


def _macs(module: Any, name: str, shape: Any, report: Report) -> Iterator[str]:
    arguments = arguments_for(module, name, shape, None).without_numbers()
    try:
        by_pytorch = of_modules.counted(module, (arguments.args, dict(arguments.kwargs)))
    except Exception:
        return  # PyTorch's counter cannot say: values decide, or an op has no shape rule of PyTorch's
    yield from of_modules.macs_equal_pytorchs(report, by_pytorch)


def _tried(law: str, texts: Iterator[str]) -> list[str]:
    found = []
    try:
        found += [f"{law}: {text}" for text in texts]
    except Exception as error:
        found.append(f"{law}: {of_reports.where(error)}")
    return found


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


def libraries() -> list[tuple[str, str, Any]]:
    """Every model's library and name, and the input that it is meant for."""
    load_module("torchvision:alexnet")
    import timm
    from torchvision import models
    from torchvision.models import video

    clips = set(models.list_models(module=video))
    found: list[tuple[str, str, Any]] = []
    for name in models.list_models():
        side = 299 if name == "inception_v3" else 224
        shape: Any = (3, 16, side, side) if name in clips else (3, side, side)
        if name.startswith("raft"):
            shape = {"image1": shape, "image2": shape}
        found.append(("torchvision", name, shape))
    for name in timm.list_models():
        config = timm.get_pretrained_cfg(name)
        found.append(("timm", name, tuple(config.input_size) if config else (3, 224, 224)))
    return found


def _families(rows: list[tuple[str, str, Any]]) -> list[tuple[str, str, Any]]:
    """The first name of each family: of a file of timm, of the letters that begin a name of torchvision."""
    import timm

    firsts = {min(names, key=len) for m in timm.list_modules() if (names := timm.list_models(module=m))}
    first_of: dict[str, str] = {}
    for package, name, _ in rows:
        if package == "torchvision":
            first_of.setdefault(name.rstrip("0123456789").partition("_")[0].rstrip("0123456789"), name)
    return [row for row in rows if row[1] in (firsts if row[0] == "timm" else first_of.values())]


def of_libraries(only: str | None, families: bool) -> list[tuple[str, str, Act]]:
    """torchvision's and timm's models, and what to do with each."""
    rows = libraries()
    rows = _families(rows) if families else rows
    return [
        (
            package,
            name,
            partial(outcome, package, name, partial(load_module, f"{package}:{name}"), shape, is_run=False),
        )
        for package, name, shape in rows
        if only is None or fnmatch.fnmatch(f"{package}:{name}", only)
    ]


def of_packages(only: str | None, families: bool) -> list[tuple[str, str, Act]]:
    """Other packages' models, and what to do with each."""
    found = []
    for package in packages(only).values():
        for subject in package.subjects(families=families):
            if only is None or fnmatch.fnmatch(f"{package.name}:{subject.name}", only):
                found.append((package.name, subject.name, partial(_foreign, package, subject)))
    return found


def _foreign(package: Package, subject: Subject) -> Iterator[Outcome]:
    build = partial(package.built, subject)
    return outcome(package.name, subject.name, build, subject.input, is_run=True)


def main() -> None:
    """Sweep, and write the page of a whole sweep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", action="store_true", help="models of other packages, where installed")
    parser.add_argument("--families", action="store_true", help="one name a family")
    parser.add_argument("--page", action="store_true", help="write the page of what was swept so far")
    parser.add_argument("--only", metavar="PATTERN", help="names such as 'timm:res*'")
    parser.add_argument("--again", action="store_true", help="forget what an earlier sweep found")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS, help="a model's time")
    asked = parser.parse_args()
    from scripts.conformance_page import written

    path = KEPT / ("packages.jsonl" if asked.packages else "libraries.jsonl")
    if asked.again:
        path.unlink(missing_ok=True)
    load_module("torchvision:alexnet")
    of = of_packages if asked.packages else of_libraries
    subjects = of(None if asked.page else asked.only, asked.families and not asked.page)
    if asked.page:
        known = kept(path)
        outcomes = [known[package, name] for package, name, _ in subjects if (package, name) in known]
    else:
        _imported()
        outcomes = sweep(subjects, path, most_seconds=asked.seconds)
    print(dict(Counter(each.verdict for each in outcomes)), sum(bool(each.violations) for each in outcomes), "violate")
    if asked.page or not (asked.only or asked.families):
        page = ROOT / "docs" / ("conformance-packages.md" if asked.packages else "conformance.md")
        page.write_text(written(outcomes, asked.packages, _versions(outcomes), len(subjects)), encoding="utf-8")
        print(f"wrote {page.name}")


def _imported() -> None:
    """Import here what all laws need, once instead of in every model's process."""
    tiny = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
    for _ in outcome("", "", lambda: tiny, (3, 8, 8), is_run=True):
        pass


def _versions(outcomes: list[Outcome]) -> str:
    names = ["torch", *dict.fromkeys(each.package for each in outcomes)]
    return ", ".join([*(f"{n} {version(n).split('+')[0]}" for n in names), f"Python {platform.python_version()}"])


if __name__ == "__main__":
    main()
