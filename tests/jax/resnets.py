"""A small ResNet written in Flax NNX, Flax Linen, Equinox and PyTorch, and a ResNet-50."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn as tnn

from tests.jax.models import jax

nnx = pytest.importorskip("flax.nnx")
linen = pytest.importorskip("flax.linen")
eqx = pytest.importorskip("equinox")
jnp = jax.numpy
KEY = jax.random.key(0)


class Block(nnx.Module):  # type: ignore[misc]
    """Two convolutions beside a shortcut, padded as PyTorch pads."""

    def __init__(self, inner: int, outer: int, stride: int, rngs: Any) -> None:
        settings: dict[str, Any] = {"use_bias": False, "rngs": rngs}
        self.conv1 = nnx.Conv(inner, outer, (3, 3), strides=stride, padding=1, **settings)
        self.bn1 = nnx.BatchNorm(outer, rngs=rngs)
        self.conv2 = nnx.Conv(outer, outer, (3, 3), padding=1, **settings)
        self.bn2 = nnx.BatchNorm(outer, rngs=rngs)
        self.shortcut = nnx.Conv(inner, outer, (1, 1), strides=stride, **settings) if stride > 1 else None

    def __call__(self, x: Any) -> Any:
        y = self.bn2(self.conv2(nnx.relu(self.bn1(self.conv1(x)))))
        return nnx.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nnx.Module):  # type: ignore[misc]
    def __init__(self, rngs: Any) -> None:
        self.stem = nnx.Conv(3, 8, (7, 7), strides=2, padding=3, rngs=rngs)
        self.layer1 = Block(8, 8, 1, rngs)
        self.layer2 = Block(8, 16, 2, rngs)
        self.fc = nnx.Linear(16, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.stem(x)), (3, 3), (2, 2), ((1, 1), (1, 1)))
        return self.fc(self.layer2(self.layer1(x)).mean((1, 2)))


class LinenBlock(linen.Module):  # type: ignore[misc]
    outer: int
    stride: int

    @linen.compact
    def __call__(self, x: Any, train: bool = True) -> Any:
        def conv(size: int, stride: int, name: str) -> Any:
            pad = size // 2
            return linen.Conv(self.outer, (size, size), stride, pad, use_bias=False, name=name)

        y = linen.BatchNorm(use_running_average=not train, name="bn1")(conv(3, self.stride, "conv1")(x))
        y = linen.BatchNorm(use_running_average=not train, name="bn2")(conv(3, 1, "conv2")(linen.relu(y)))
        return linen.relu(y + (conv(1, self.stride, "shortcut")(x) if self.stride > 1 else x))


class LinenResNet(linen.Module):  # type: ignore[misc]
    @linen.compact
    def __call__(self, x: Any, train: bool = True) -> Any:
        x = linen.relu(linen.Conv(8, (7, 7), 2, 3, name="stem")(x))
        x = linen.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
        x = LinenBlock(8, 1, name="layer1")(x, train)
        x = LinenBlock(16, 2, name="layer2")(x, train)
        return linen.Dense(10, name="fc")(x.mean((1, 2)))


class EquinoxBlock(eqx.Module):  # type: ignore[misc]
    """As above; batch norms of Equinox hand on a state, which is not what this test is about."""

    conv1: Any
    bn1: Any
    conv2: Any
    bn2: Any
    shortcut: Any

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        settings: dict[str, Any] = {"use_bias": False, "key": KEY}
        self.conv1 = eqx.nn.Conv2d(inner, outer, 3, stride, 1, **settings)
        self.bn1 = eqx.nn.BatchNorm(outer, "batch", mode="batch")
        self.conv2 = eqx.nn.Conv2d(outer, outer, 3, 1, 1, **settings)
        self.bn2 = eqx.nn.BatchNorm(outer, "batch", mode="batch")
        self.shortcut = eqx.nn.Conv2d(inner, outer, 1, stride, **settings) if stride > 1 else None

    def __call__(self, x: Any, state: Any) -> Any:
        y, state = self.bn1(self.conv1(x), state)
        y, state = self.bn2(self.conv2(jax.nn.relu(y)), state)
        return jax.nn.relu(y + (x if self.shortcut is None else self.shortcut(x))), state


class EquinoxResNet(eqx.Module):  # type: ignore[misc]
    stem: Any
    pool: Any
    layer1: Any
    layer2: Any
    fc: Any

    def __init__(self) -> None:
        self.stem = eqx.nn.Conv2d(3, 8, 7, 2, 3, key=KEY)
        self.pool = eqx.nn.MaxPool2d(3, 2, 1)
        self.layer1, self.layer2 = EquinoxBlock(8, 8, 1), EquinoxBlock(8, 16, 2)
        self.fc = eqx.nn.Linear(16, 10, key=KEY)

    def __call__(self, x: Any, state: Any) -> Any:
        x, state = self.layer1(self.pool(jax.nn.relu(self.stem(x))), state)
        x, state = self.layer2(x, state)
        return self.fc(x.mean((1, 2))), state


class TorchBlock(tnn.Module):
    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = tnn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = tnn.BatchNorm2d(outer)
        self.conv2 = tnn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = tnn.BatchNorm2d(outer)
        self.shortcut = tnn.Conv2d(inner, outer, 1, stride, bias=False) if stride > 1 else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.shortcut is None else self.shortcut(x))).relu()


class TorchResNet(tnn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = tnn.Conv2d(3, 8, 7, 2, 3)
        self.pool = tnn.MaxPool2d(3, 2, 1)
        self.layer1, self.layer2 = TorchBlock(8, 8, 1), TorchBlock(8, 16, 2)
        self.fc = tnn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer2(self.layer1(self.pool(self.stem(x).relu())))
        return self.fc(x.mean((2, 3)))


RESNETS: dict[str, Any] = {
    "nnx": (lambda: nnx.eval_shape(lambda: ResNet(nnx.Rngs(0))), "40x40x3"),
    "linen": (LinenResNet, "40x40x3"),
    "equinox": (lambda: eqx.filter_eval_shape(eqx.nn.make_with_state(EquinoxResNet)), "3x40x40"),
}


class Bottleneck(nnx.Module):  # type: ignore[misc]
    def __init__(self, inner: int, width: int, stride: int, rngs: Any) -> None:
        settings: dict[str, Any] = {"use_bias": False, "rngs": rngs}
        self.conv1 = nnx.Conv(inner, width, (1, 1), **settings)
        self.bn1 = nnx.BatchNorm(width, rngs=rngs)
        self.conv2 = nnx.Conv(width, width, (3, 3), strides=stride, padding=1, **settings)
        self.bn2 = nnx.BatchNorm(width, rngs=rngs)
        self.conv3 = nnx.Conv(width, 4 * width, (1, 1), **settings)
        self.bn3 = nnx.BatchNorm(4 * width, rngs=rngs)
        shortcut = [nnx.Conv(inner, 4 * width, (1, 1), strides=stride, **settings), nnx.BatchNorm(4 * width, rngs=rngs)]
        self.downsample = nnx.List(shortcut if inner != 4 * width else [])

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.bn2(self.conv2(nnx.relu(self.bn1(self.conv1(x))))))
        for layer in self.downsample:
            x = layer(x)
        return nnx.relu(self.bn3(self.conv3(y)) + x)


class ResNet50(nnx.Module):  # type: ignore[misc]
    def __init__(self, rngs: Any) -> None:
        self.conv1 = nnx.Conv(3, 64, (7, 7), strides=2, padding=3, use_bias=False, rngs=rngs)
        self.bn1 = nnx.BatchNorm(64, rngs=rngs)
        inner = 64
        for number, (width, depth) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], start=1):
            blocks = []
            for i in range(depth):
                blocks.append(Bottleneck(inner, width, 2 if number > 1 and i == 0 else 1, rngs))
                inner = 4 * width
            setattr(self, f"layer{number}", nnx.List(blocks))
        self.fc = nnx.Linear(2048, 1000, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.bn1(self.conv1(x))), (3, 3), (2, 2), ((1, 1), (1, 1)))
        for block in (*self.layer1, *self.layer2, *self.layer3, *self.layer4):
            x = block(x)
        return self.fc(x.mean((1, 2)))
