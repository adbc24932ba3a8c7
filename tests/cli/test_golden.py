"""What a person sees, in files that can be read and reviewed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.cli.conftest import Eyeshot

COMMANDS = {
    "show-alexnet.txt": ["show", "alexnet"],
    "show-alexnet.json": ["show", "alexnet", "--json"],
    "show-alexnet.csv": ["show", "alexnet", "--csv"],
    "show-alexnet-alternating.txt": ["show", "alexnet-alternating"],
    "show-alexnet-all.txt": ["show", "alexnet", "--all"],
    "show-allcnn-c.txt": ["show", "allcnn-c"],
    "show-resnet50.txt": ["show", "resnet50"],
    "show-resnet152.txt": ["show", "resnet152"],
    "show-1d.txt": ["show", "C9s2-16 P2 C9d2-32 G F10", "--input", "1x400"],
    "show-1d-seconds.txt": ["show", "C9s2-16 P2 C9d2-32", "--input", "1x400", "--rate", "16000", "--centre"],
    "show-1d.csv": ["show", "C9s2-16 P2 C9d2-32", "--input", "1x400", "--rate", "16000", "--centre", "--csv"],
    "show-centre.txt": ["show", "C3s2-8 P2", "--input", "1x32x33", "--centre"],
    "show-3d.txt": ["show", "C3-8 P2 C1x3x3-16", "--input", "1x8x32x32"],
    "field-alexnet-conv5.txt": ["field", "alexnet", "conv5"],
    "field-alexnet-conv5-corner.txt": ["field", "alexnet", "conv5", "--at", "0,12"],
    "field-alexnet-conv5.json": ["field", "alexnet", "conv5", "--at", "6,6", "--json"],
    "field-alexnet-fc6.txt": ["field", "alexnet", "fc6"],
    "field-holes.txt": ["field", "C3d2-8 C3d2-8", "conv2", "--input", "1x32x32"],
    "field-cross.txt": ["field", "[C1x5-8 | C5x1-8]", "concat2", "--input", "1x15x15"],
    "field-1d.txt": ["field", "C9s2-16 P2 C9d2-32", "conv2", "--input", "1x400"],
    "field-1d-seconds.txt": ["field", "C9s2-16 P2", "pool1", "--input", "1x400", "--at", "50", "--rate", "16000"],
    "why-alexnet-conv5.txt": ["why", "alexnet", "conv5"],
    "why-alexnet-fc6.txt": ["why", "alexnet", "fc6"],
    "why-resnet50.txt": ["why", "resnet50", "layer4.2.conv2"],
    "why-unequal-axes.txt": ["why", "[C1x7-8 | C3x1-8] C3d2-4", "conv3", "--input", "1x32x32"],
    "sizes-alexnet.txt": ["sizes", "alexnet"],
    "sizes-3d.txt": ["sizes", "C3-8 P2 [C1x3x3-8 | C3s1-8]", "--input", "1x9x32x33"],
    "sizes-1d.json": ["sizes", "C10s5p0-8 C8s4p0-8 C4s2p0-8", "--input", "1x40", "--json"],
    "effective-alexnet-conv5.txt": ["effective", "alexnet", "conv5"],
    "effective-alexnet-conv5-corner.txt": ["effective", "alexnet", "conv5", "--unit", "0,12"],
    "effective-alexnet-all.txt": ["effective", "alexnet-28", "conv5", "--unit", "all"],
    "effective-3x3.txt": ["effective", "C3-64 C3-64 C3-64", "--input", "64x32x32"],
    "effective-beside.txt": ["effective", "C3-64 C3-64 C3-64", "C7-64", "--input", "64x32x32"],
    "effective-1d.txt": ["effective", "C9s2-16 P2 C9d2-32", "--input", "1x400"],
    "effective-3d.txt": ["effective", "C3-8 P2 C1x3x3-16", "--input", "1x8x32x32"],
    "effective-holes.txt": ["effective", "C3d2-8 C3d2-8", "--input", "1x32x32"],
    "compare-alexnet.txt": ["compare", "alexnet", "alexnet-alternating"],
    "compare-alexnet.csv": ["compare", "alexnet", "alexnet-alternating", "--csv"],
    "compare-words.txt": ["compare", "CONV-POOL-CONV-POOL-CONV-POOL", "CONV-POOL-CONV-CONV-CONV-POOL"],
    "compare-3x3-5x5.txt": ["compare", "C3-64 C3-64", "C5-64"],
    "compare-3x3-7x7.txt": ["compare", "C3-64 C3-64 C3-64", "C7-64"],
    "compare-three.txt": ["compare", "alexnet-28", "alexnet-28-alternating", "vgg-a", "--input", "1x64x64"],
    "advise-resnet18-32.txt": ["advise", "resnet18", "--input", "3x32x32"],
    "advise-alexnet.txt": ["advise", "alexnet"],
    "advise-objects.txt": ["advise", "patchgan", "--objects", "4-900"],
    "design-patch.txt": ["design", "--input", "3x256x256", "--field", "70", "--stride", "8", "--kernels", "4"],
    "design-time.txt": ["design", "--input", "1x1000", "--field", "100", "--causal", "--kernels", "2,3"],
    "models.txt": ["models"],
    "models-vgg-d.txt": ["models", "vgg-d"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_output_is_as_recorded(name: str, eyeshot: Eyeshot, golden: Callable[[str, str], None]) -> None:
    result = eyeshot(*COMMANDS[name])

    assert result.exit_code == 0
    assert result.stderr == ""
    golden(name, result.stdout)


@pytest.mark.parametrize(
    "verb",
    [
        "show",
        "field",
        "why",
        "effective",
        "compare",
        "advise",
        "rewrite",
        "plot",
        "design",
        "check",
        "models",
        "doctor",
    ],
)
def test_every_verb_explains_itself_with_examples(verb: str, eyeshot: Eyeshot) -> None:
    result = eyeshot(verb, "--help")

    assert result.exit_code == 0
    assert f"eyeshot {verb}" in result.stdout.partition("Examples:")[2]


@pytest.mark.parametrize("model", ["alexnet", "vgg-d", "resnet50", "resnet152", "allcnn-b-convpool"])
@pytest.mark.parametrize("flags", [[], ["--all"]])
def test_the_columns_of_the_ledger_add_up(model: str, flags: list[str], eyeshot: Eyeshot) -> None:
    lines = eyeshot("show", model, *flags).stdout.splitlines()
    end = next(i for i, line in enumerate(lines) if line.startswith("total"))
    head = next(i for i, line in enumerate(lines) if line.startswith("layer "))
    spans = {word: lines[head].index(word) + len(word) for word in ("params", " MACs")}

    for stop in spans.values():
        cells = [_number_ending_at(line, stop) for line in lines[head + 2 : end]]
        assert sum(filter(None, cells)) == _number_ending_at(lines[end], stop)


def _number_ending_at(line: str, stop: int) -> int | None:
    match = re.search(r"(?<=\s)[\d,]+$", line[:stop])
    return int(match[0].replace(",", "")) if match else None


def test_the_notation_is_explained(eyeshot: Eyeshot) -> None:
    assert "C11s4p0-96" in eyeshot("models", "--notation").stdout
