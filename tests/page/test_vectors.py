"""The page's windows, reshapes and closed forms say what Python's say."""

from __future__ import annotations

import pytest
from torch import nn

import eyeshot
from eyeshot.view.document import design
from tests.laws.test_vectors import vectors
from tests.page.conftest import Open

READS = """(cases) => cases.map(({slide, positions, ceil, count}) => ({
  count: eyeshot.arithmetic.windowCount(positions, slide, ceil),
  reads: Array.from({length: count}, (_, i) => {
    const ends = eyeshot.arithmetic.readBy([i, i], slide, 0, positions - 1), all = [];
    for (let e = 0; e < ends.length; e += 2) for (let at = ends[e]; at <= ends[e + 1]; at++) all.push(at);
    return all;
  }),
}))"""
READERS = """(cases) => cases.map(({slide, positions, count}) => Array.from({length: positions}, (_, at) => {
  const ends = eyeshot.arithmetic.readersOf([at, at], slide, count - 1), all = [];
  for (let e = 0; e < ends.length; e += 2) for (let i = ends[e]; i <= ends[e + 1]; i++) all.push(i);
  return all;
}))"""
RUNS = "(cases) => cases.map(({before, after}) => eyeshot.arithmetic.matchingAxes(before, after))"
SIZES = """({design, edits}) => {
  const {designFrom, edited} = eyeshot.arithmetic, own = edited(designFrom(design), edits);
  return own.nodes.map((node) => [node.name, node.field.size, Boolean(node.field.irregular)]);
}"""


def test_the_page_reads_the_vectors_as_python_does(opened: Open) -> None:
    tab = opened("C3-4").tab

    assert tab.evaluate(READS, vectors("slides")) == [
        {"count": case["count"], "reads": case["reads"]} for case in vectors("slides")
    ]
    assert tab.evaluate(READERS, vectors("slides")) == [
        [[i for i, read in enumerate(case["reads"]) if at in read] for at in range(case["positions"])]
        for case in vectors("slides")
    ]
    assert tab.evaluate(RUNS, vectors("reshapes")) == [case["runs"] for case in vectors("reshapes")]


@pytest.mark.parametrize(
    "between",
    [nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.Sequential(nn.Flatten(2), nn.Unflatten(2, (24, 24))), nn.Identity()],
    ids=["pixel shuffle", "pixel unshuffle", "tokens and back", "nothing"],
)
def test_behind_a_reshape_a_changed_design_has_pythons_size_or_none(opened: Open, between: nn.Module) -> None:
    widths = {nn.PixelShuffle: 1, nn.PixelUnshuffle: 16}
    last = nn.Conv2d(widths.get(type(between), 4), 4, 3, padding=1)
    before, after = (
        eyeshot.inspect(nn.Sequential(nn.Conv2d(1, 4, k, padding=k // 2), between, last), (1, 24, 24)) for k in (3, 5)
    )

    found = opened(before).tab.evaluate(SIZES, {"design": design(before), "edits": "0~k5~p2"})

    sizes = {layer.name: list(layer.field.size) for layer in after}
    told = {name: size for name, size, is_irregular in found if name in sizes and not is_irregular}
    assert told["0"] == [5, 5]
    assert told == {name: sizes[name] for name in told}
    assert ("2" in told) == isinstance(between, nn.Identity)
