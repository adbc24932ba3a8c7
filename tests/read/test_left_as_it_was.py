"""Reading leaves a module as it was: tables, caches, hooks, modes, gradients, and what it computes, to the bit."""

from __future__ import annotations

import copy
import gc
from collections import deque
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import eyeshot
from eyeshot.errors import ReadError
from tests.laws.of_modules import changes, state_of


class Keeps(nn.Module):
    """A convolution whose forward pass keeps something; ``keep`` says what."""

    def __init__(self, keep: Callable[[Any, torch.Tensor], object]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.keep = keep
        self.register_buffer("seen", torch.zeros(3))
        self.register_buffer("count", torch.tensor(0))
        self.plain = torch.zeros(4)
        self.shape: object = None
        self.anchors = torch.zeros(0)
        self.cache: dict[Any, Any] = {"by": {"size": {}}, "list": [1, [2, 3]]}
        self.queue: deque[Any] = deque([1, 2], maxlen=3)
        self.sizes = {8}
        self.box = SimpleNamespace(grid=None, inner=SimpleNamespace(steps=[]))
        self.hidden = [nn.Linear(4, 4)]
        self.pair = ({"in a tuple": 1}, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        self.keep(self, y)
        return y + self.seen.sum() + self.count + self.plain.sum()


def anchors(m: Any, y: torch.Tensor) -> None:
    """As detectors do: grids made anew when the map has another size."""
    if m.shape != y.shape:
        m.shape, m.anchors = y.shape, torch.arange(y.shape[-1], device=y.device) + m.conv.weight.sum() * 0


def grown(m: Any, y: torch.Tensor) -> None:
    m.extra = nn.Linear(4, 4)
    m.register_buffer("late", torch.zeros(2))


def in_place(m: Any, y: torch.Tensor) -> None:
    m.plain += 1
    m.plain[1:].mul_(2)
    m.count += 1


KEPT: dict[str, Callable[[Any, torch.Tensor], object]] = {
    "anchors": anchors,
    "a new module and buffer": grown,
    "an attribute removed": lambda m, y: delattr(m, "plain") or setattr(m, "plain", torch.zeros(1)),
    "a nested dictionary": lambda m, y: m.cache["by"]["size"].__setitem__(y.shape, y),
    "a nested list": lambda m, y: m.cache["list"][1].append(y),
    "a list emptied": lambda m, y: m.cache["list"].clear(),
    "a dictionary in a tuple": lambda m, y: m.pair[0].update(y=y),
    "a queue": lambda m, y: m.queue.append(y),
    "a set": lambda m, y: m.sizes.add(y.shape[-1] + 1),
    "a plain object": lambda m, y: setattr(m.box, "grid", y),
    "an object in an object": lambda m, y: m.box.inner.steps.append(y),
    "a module in a list": lambda m, y: setattr(m.hidden[0], "last", y),
    "a buffer replaced": lambda m, y: setattr(m, "seen", m.seen + 1),
    "numbers written in place": in_place,
    "a weight frozen": lambda m, y: m.conv.weight.requires_grad_(False),
    "the mode": lambda m, y: m.eval(),
    "a hook": lambda m, y: m.conv.register_forward_hook(lambda *a: None),
}


@pytest.mark.parametrize("is_training", [False, True])
@pytest.mark.parametrize("name", KEPT)
def test_what_a_forward_pass_keeps_is_gone_afterwards(name: str, is_training: bool) -> None:
    module = Keeps(KEPT[name]).train(is_training)
    module.conv.weight.grad = torch.ones_like(module.conv.weight)
    x = torch.rand(1, 3, 8, 8)
    expected = copy.deepcopy(module)(x)
    before = state_of(module)

    first = eyeshot.inspect(module, (3, 8, 8)).to_json()
    second = eyeshot.inspect(module, (3, 8, 8)).to_json()

    assert list(changes(before, state_of(module))) == []
    assert first == second
    assert torch.equal(module(x), expected)


@pytest.mark.parametrize("name", KEPT)
def test_so_it_is_where_the_pass_runs_on_numbers(name: str) -> None:
    class Decides(Keeps):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = super().forward(x)
            return y * 2 if y.sum() > 0 else y

    module = Decides(KEPT[name]).eval()
    expected = copy.deepcopy(module)(torch.ones(1, 3, 8, 8))
    before = state_of(module)

    eyeshot.inspect(module, (3, 8, 8))

    assert list(changes(before, state_of(module))) == []
    assert torch.equal(module(torch.ones(1, 3, 8, 8)), expected)


@pytest.mark.parametrize("name", KEPT)
def test_so_it_is_where_forward_fails(name: str) -> None:
    def keep_and_fail(m: Any, y: torch.Tensor) -> None:
        KEPT[name](m, y)
        raise ValueError("in the midst of it")

    module = Keeps(keep_and_fail).eval()
    before = state_of(module)

    with pytest.raises(ReadError, match="in the midst"):
        eyeshot.inspect(module, (3, 8, 8))

    assert list(changes(before, state_of(module))) == []


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "normed", [nn.utils.weight_norm, nn.utils.spectral_norm, nn.utils.parametrizations.weight_norm]
)
def test_weights_made_anew_by_hooks_are_those_of_before(normed: Callable[[nn.Module], nn.Module]) -> None:
    module = nn.Sequential(normed(nn.Conv2d(3, 4, 3)), nn.ReLU()).eval()
    x = torch.rand(1, 3, 8, 8)
    expected = module(x)
    before = state_of(module)

    eyeshot.inspect(module, (3, 8, 8))

    assert list(changes(before, state_of(module))) == []
    assert torch.equal(module(x), expected)


class Slotted:
    __slots__ = ("grid", "never")

    def __init__(self) -> None:
        self.grid: object = None


class Subclassed(list[Any]):
    """A list with an attribute."""

    tag: object = None


class Hides(nn.Module):
    """Keeps what it sees in places that are no plain tables of its own."""

    shared: ClassVar[dict[Any, Any]] = {}
    latest: ClassVar[object] = None

    def __init__(self, keep: Callable[[Any, torch.Tensor], object]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.keep = keep
        self.slotted, self.tagged = Slotted(), Subclassed([1])
        self.array, self.bits = np.zeros(3), bytearray(3)
        self.call: Any = partial(dict, cache={})
        self.members = {torch.zeros(2)}
        self.pair = (Slotted(),)
        self.plain = torch.zeros(4)
        self.generator = torch.Generator()
        self.close_over()

    def close_over(self) -> None:
        features: dict[str, torch.Tensor] = {}
        calls = 0

        def hook(module: nn.Module, args: object, out: torch.Tensor) -> None:
            nonlocal calls
            calls, features["conv"] = calls + 1, out

        self.conv.register_forward_hook(hook)
        self.told = lambda: (calls, list(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.conv(x)
        self.keep(self, y)
        return y


def replace_data(m: Any, y: torch.Tensor) -> None:
    m.plain.data = torch.ones(2)


HIDDEN: dict[str, tuple[Callable[[Any, torch.Tensor], object], Callable[[Any], object]]] = {
    "a hook's closure": (lambda m, y: None, lambda m: m.told()),
    "a slot": (lambda m, y: setattr(m.slotted, "grid", y), lambda m: m.slotted.grid),
    "a slot never filled": (lambda m, y: setattr(m.slotted, "never", y), lambda m: hasattr(m.slotted, "never")),
    "a slot in a tuple": (lambda m, y: setattr(m.pair[0], "grid", y), lambda m: m.pair[0].grid),
    "a list's attribute": (lambda m, y: setattr(m.tagged, "tag", y), lambda m: m.tagged.tag),
    "an array": (lambda m, y: m.array.__iadd__(1), lambda m: m.array.tolist()),
    "bytes": (lambda m, y: m.bits.extend(b"a"), lambda m: bytes(m.bits)),
    "what a partial is called with": (
        lambda m, y: m.call.keywords["cache"].update(y=y),
        lambda m: len(m.call.keywords["cache"]),
    ),
    "a table of the class": (lambda m, y: m.shared.update(y=y), lambda m: len(m.shared)),
    "an attribute of the class": (lambda m, y: setattr(type(m), "latest", y), lambda m: type(m).latest),
    "a new attribute of the class": (lambda m, y: setattr(type(m), "newest", y), lambda m: hasattr(m, "newest")),
    "a tensor in a set": (lambda m, y: [t.add_(1) for t in m.members], lambda m: [t.tolist() for t in m.members]),
    "a tensor's data": (replace_data, lambda m: m.plain.tolist()),
    "a tensor's attribute": (lambda m, y: setattr(m.plain, "tag", y), lambda m: hasattr(m.plain, "tag")),
    "a generator": (
        lambda m, y: torch.rand(2, generator=m.generator),
        lambda m: m.generator.get_state().tolist(),
    ),
}


@pytest.mark.parametrize("is_on_numbers", [False, True])
@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_kept_out_of_sight_is_gone_too(name: str, is_on_numbers: bool) -> None:
    class Decides(Hides):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = super().forward(x)
            return y * 2 if is_on_numbers and y.sum() > 0 else y

    keep, held = HIDDEN[name]
    Hides.shared.clear()
    module = Decides(keep).eval()
    before, tables = held(module), state_of(module)

    eyeshot.inspect(module, (3, 8, 8))

    assert held(module) == before
    assert list(changes(tables, state_of(module))) == []
    module(torch.rand(1, 3, 8, 8))
    assert held(module) != before, "the forward pass itself does keep it"


@pytest.mark.parametrize("is_enabled", [True, False])
def test_python_looks_for_unreachable_objects_as_it_did_before(
    is_enabled: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    before, net = gc.isenabled(), Keeps(lambda self, y: print(gc.isenabled()))
    try:
        (gc.enable if is_enabled else gc.disable)()
        eyeshot.inspect(net, (3, 8, 8))
        with pytest.raises(ReadError):
            eyeshot.inspect(net, (4, 8, 8))
        after = gc.isenabled()
    finally:
        (gc.enable if before else gc.disable)()

    assert capsys.readouterr().out == "False\n"  # a list would be as it was
    assert after == is_enabled


def test_weights_without_memory_are_left_as_they_were_too() -> None:
    def changed(m: Any, y: torch.Tensor) -> None:
        m.conv.weight.requires_grad_(False)
        m.conv.bias.mark = "seen"

    with torch.device("meta"):
        net = Keeps(changed)
    weight, bias = net.conv.weight, net.conv.bias
    assert bias is not None

    eyeshot.inspect(net, (3, 8, 8))

    assert (net.conv.weight, net.conv.bias) == (weight, bias)
    assert weight.requires_grad
    assert not hasattr(bias, "mark")


def test_functions_go_through_modes_as_before_when_a_pass_ends_inside_a_layer_of_pytorch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[Any] = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            called.append(func)
            return func(*args, **(kwargs or {}))

    def ends(*args: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(nn.functional, "linear", ends)
    with pytest.raises(ReadError):
        eyeshot.inspect(nn.Sequential(nn.Linear(4, 4)), (4,))
    with Mode():
        torch.add(1, torch.ones(1))

    assert called == [torch.ones, torch.add]


def test_a_list_of_numbers_says_what_a_hook_on_a_layer_of_pytorch_picks() -> None:
    layer = nn.Identity()
    layer.register_forward_pre_hook(lambda module, inputs: inputs[0][..., [3, 0]])

    report = eyeshot.inspect(nn.Sequential(layer), (1, 1, 4))

    assert report.is_exact
    assert report.layers[-1].hulls[1][0].tolist() == [3, 0]
