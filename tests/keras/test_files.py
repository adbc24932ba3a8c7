"""Files of Keras: archives and old HDF5, models of keras.applications beside their twins, files from strangers."""

from __future__ import annotations

import json
import math
import random
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eyeshot
from eyeshot.errors import EyeshotError, ReadError, UsageError
from eyeshot.read.keras.archive import MOST_BYTES
from eyeshot.read.keras.hdf5 import Hdf5
from eyeshot.read.keras.reader import Reader
from scripts.stress.damage import damaged
from tests.keras.models import keras, model_of
from tests.keras.test_layers import of_unet

L = keras.layers


def archive(path: Path, config: str | bytes) -> Path:
    """A .keras file with that configuration."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", config)
    return path


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore")
def test_a_saved_model_is_read_as_the_one_in_memory(ending: str, tmp_path: Path) -> None:
    model = model_of(of_unet, (8, 8, 1))
    model.save(tmp_path / f"net{ending}")

    report = eyeshot.inspect(str(tmp_path / f"net{ending}"))

    assert report.network.nodes == eyeshot.inspect(model).network.nodes
    assert report.is_exact


def test_sizes_are_said_either_way_and_open_ones_are_assumed(tmp_path: Path) -> None:
    model = model_of(L.Conv2D(4, 3, name="conv"), (None, None, 3))

    assert eyeshot.inspect(model, "3x32x24").network.input.shape == (1, 3, 32, 24)
    assert eyeshot.inspect(model, "32x24x3:HWC").network.input.shape == (1, 3, 32, 24)
    assert "open" in eyeshot.inspect(model).notes[0].text
    with pytest.raises(UsageError, match=r"\?×\?×3; found 4×32×32"):
        eyeshot.inspect(model, "4x32x32")
    with pytest.raises(ReadError, match="--input 128x2"):
        eyeshot.inspect(model_of(L.LSTM(3), (None, 2)))


@pytest.mark.slow  # half a gigabyte of weights
def test_vgg16_is_torchvisions_layer_by_layer() -> None:
    ours = eyeshot.inspect(keras.applications.VGG16(weights=None))
    twin = eyeshot.inspect("torchvision:vgg16")

    def told(report: eyeshot.api.report.Report) -> list[Any]:
        convolutions = [layer for layer in report if layer.op == "conv2d"]
        return [(layer.field, layer.data.field, layer.cost.params, layer.cost.macs) for layer in convolutions]

    assert told(ours) == told(twin)
    assert ours.totals.params == twin.totals.params == 138_357_544
    assert ours.totals.macs == twin.totals.macs


@pytest.mark.slow  # half a minute of drawing weights
@pytest.mark.parametrize(
    "name", ["MobileNetV3Small", "DenseNet121", "EfficientNetV2B0", "InceptionV3", "Xception", "ConvNeXtTiny"]
)
def test_weights_of_an_application_are_those_that_keras_trains(name: str) -> None:
    model = getattr(keras.applications, name)(weights=None)

    report = eyeshot.inspect(model)

    assert report.is_exact
    assert report.totals.params == sum(math.prod(weight.shape) for weight in model.trainable_weights)


@pytest.mark.slow
def test_resnet50_is_the_one_of_the_paper_with_strides_on_the_1x1() -> None:
    ours, twin = eyeshot.inspect(keras.applications.ResNet50(weights=None)), eyeshot.inspect("resnet50-v1")

    def told(report: eyeshot.api.report.Report) -> list[Any]:
        layers = [layer for layer in report if layer.op == "conv2d"]
        return sorted((layer.data.field.size, layer.data.field.stride, layer.macs) for layer in layers)

    assert told(ours) == told(twin)
    assert ours.totals.macs == twin.totals.macs


RAN: list[int] = []


def test_what_only_code_would_say_is_a_marked_bound_and_no_code_is_run(tmp_path: Path) -> None:
    def noted(y: Any) -> Any:
        RAN.append(1)
        return y * 2

    model = model_of(lambda x: L.Conv2D(1, 3)(L.Lambda(noted, output_shape=(8, 8, 1))(x)), (8, 8, 1))
    file = archive(tmp_path / "net.keras", model.to_json())
    RAN.clear()
    report = eyeshot.inspect(str(file))

    assert not report.is_exact
    assert any("it holds code, which is not run" in note.text for note in report.notes)
    assert not RAN


HOSTILE = {
    "not an archive": (b"hello", "neither an archive nor"),
    "no configuration": (b"PK\x03\x04" + b"\0" * 30, "no whole archive"),
    "no json": ("{", "no JSON"),
    "nested without end": ("[" * 100_000, "no JSON"),
    "no layers": ('{"class_name": "Functional", "config": {"layers": []}}', "no layers"),
    "a circle": (
        json.dumps({"config": {"layers": [
            {"class_name": "ReLU", "name": n, "config": {"name": n}, "inbound_nodes": [[[m, 0, 0, {}]]]}
            for n, m in (("a", "b"), ("b", "a"))
        ] + [{"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [None, 8, 8, 3]}}],
            "input_layers": [["i", 0, 0]], "output_layers": [["a", 0, 0]]}}),
        "in a circle",
    ),
    "sizes that no tensor has": (
        json.dumps({"config": {"layers": [
            {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [None, 8, 8, 3]}},
            {"class_name": "UpSampling2D", "config": {"name": "u", "size": [1 << 20, 1 << 20]}},
        ]}}),
        "positions|taps",
    ),
    "a model of its own": ('{"class_name": "Mine", "config": {"width": 3}}', "says nothing of layers"),
}  # fmt: skip


def hdf5(text: str | bytes, path: Path, **settings: Any) -> bytes:
    """An HDF5 file that holds a configuration as Keras does."""
    with h5py.File(path, "w", **settings) as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["model_config"] = text
        file.create_group("model_weights")["kernel"] = [1.0, 2.0]
    return path.read_bytes()


@pytest.mark.parametrize("version", ["earliest", "latest"])
@pytest.mark.parametrize("text", ['{"größe": 3}', b"{}" * 200, "[]" * 100_000], ids=["signs", "bytes", "many"])
def test_an_hdf5_file_gives_the_text_that_its_library_gives(text: str | bytes, version: str, tmp_path: Path) -> None:
    data = hdf5(text, tmp_path / "net.h5", libver=version)

    assert Hdf5(data).text("model_config", MOST_BYTES) == (text if isinstance(text, bytes) else text.encode())
    assert Hdf5(data).text("training_config", MOST_BYTES) is None


def test_a_changed_hdf5_file_is_a_text_or_one_error(tmp_path: Path) -> None:
    """HDF5's own library does not come back from some of these."""
    data, draw = hdf5("[]" * 100, tmp_path / "net.h5"), random.Random(0)

    for _ in range(3000):
        with suppress(ReadError):
            assert len(Hdf5(damaged(data, draw)).text("model_config", MOST_BYTES) or b"") <= len(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_from_a_stranger_gets_one_clear_error(name: str, tmp_path: Path) -> None:
    content, complaint = HOSTILE[name]
    path = tmp_path / "net.keras"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        archive(path, content)
    with pytest.raises(ReadError, match=complaint):
        eyeshot.inspect(str(path))


def test_an_archive_is_unpacked_no_further_than_a_configuration_is_long(tmp_path: Path) -> None:
    path = archive(tmp_path / "bomb.keras", b" " * (MOST_BYTES + 10))
    assert path.stat().st_size < MOST_BYTES / 100
    with pytest.raises(ReadError, match="more than 64 MiB"):
        eyeshot.inspect(str(path))


CONFIG = json.loads(model_of(of_unet, (8, 8, 1)).to_json())
ODD = st.sampled_from([None, -1, 0, 3, 2.5, 1 << 40, "", "same", [], {}, [1, 2], [[None]], True])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places in nested lists and dictionaries."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(places(CONFIG)[1:]), ODD), min_size=1, max_size=3))
def test_a_configuration_with_anything_in_it_is_read_or_refused_in_words(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    config = json.loads(json.dumps(CONFIG))
    for path, value in changes:
        holder = config
        try:
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    try:
        told = len(Reader(config, "net").network(None).nodes)
    except EyeshotError as error:
        told = len(str(error).removeprefix("net"))
    assert told > 3
