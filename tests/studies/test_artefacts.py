"""A study's files at an address: what has ended is not trained again, wherever the study goes on."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import studied

from eyeshot.cli import evidence
from eyeshot.cli.terminal import Terminal
from eyeshot.errors import MissingExtraError, RunError, UsageError
from eyeshot.studies.artefacts import Artefacts, artefacts_at
from eyeshot.studies.display import Silent
from eyeshot.studies.file import study_file
from eyeshot.studies.kept import kept
from eyeshot.studies.plan import Plan
from eyeshot.studies.run import run
from eyeshot.train.record import Record

fsspec = pytest.importorskip("fsspec")


class Trained(Silent):
    """Counts the trials that were carried out."""

    count = 0

    def ended(self, record: Record) -> None:
        self.count += 1


def carried_out(plan: Plan, directory: Path, artefacts: Artefacts) -> tuple[list[Record], int]:
    watcher, here = Trained(), studied.Here()
    nets = studied.factories("a", "b")
    return run(plan, nets, directory, engine=here, artefacts=artefacts, watcher=watcher), watcher.count


def test_another_machine_goes_on_from_what_has_ended(tmp_path: Path) -> None:
    plan = studied.plan(studied.write_images(tmp_path / "images"))
    there = Artefacts(str(tmp_path / "there"))
    few = dataclasses.replace(plan, seeds=(0,))
    first, trained = carried_out(few, tmp_path / "here", there)
    assert trained == 2
    (tmp_path / "there" / "1-a" / "seed-0" / "record.json").unlink()  # as where it was killed before it was copied

    again, trained = carried_out(plan, tmp_path / "elsewhere", there)
    assert trained == 3
    assert again[1] == first[1]
    assert [record.numbers for record in again[:2]] == [record.numbers for record in first]

    back, trained = carried_out(plan, tmp_path / "here", there)
    assert trained == 0
    assert back[2:] == again[2:]
    assert (tmp_path / "there" / "1-a" / "seed-0" / "record.json").exists()
    assert (tmp_path / "there" / "1-a" / "seed-0" / "checkpoint.pt").exists()
    assert kept(tmp_path / "there", pytest.fail)[0].seeds == (0, 1)


def test_what_is_printed_before_a_study_tells_that_its_artefacts_are_not_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pays.toml"
    images = studied.write_images(tmp_path / "images")
    file.write_text(f'arms = ["C3s2-4"]\nseeds = 1\nbudget = "64img"\ndata = "{images}"\nartefacts = "there"')

    told = []
    for place in ("here", "elsewhere", "elsewhere"):
        study = study_file(file).planned(directory=tmp_path / place)
        study.engine = studied.Here()
        evidence.trained(study, Terminal(colour=False))
        told.append(" ".join(capsys.readouterr().out.split()))

    taken = f"what has ended and lies at {tmp_path}/there is taken from there, not trained"
    assert [taken in each for each in told] == [True, True, False]
    assert "nothing left to train" in told[-1]


def test_one_more_measure_is_taken_of_weights_that_lie_there(tmp_path: Path) -> None:
    plan = studied.plan(studied.write_images(tmp_path / "images"), labels=("a",), seeds=(0,))
    there = Artefacts(str(tmp_path / "there"))
    (first,), _ = carried_out(plan, tmp_path / "here", there)

    (again,), _ = carried_out(dataclasses.replace(plan, measures=("loss",)), tmp_path / "elsewhere", there)

    assert again.seconds == first.seconds  # it was not trained again
    assert again.measures["loss"] == first.scores[-1].test_loss
    shutil.rmtree(tmp_path / "here")
    assert kept(tmp_path / "there", pytest.fail)[1] == [again]


def test_the_artefacts_of_another_study_are_left_alone(tmp_path: Path) -> None:
    plan = studied.plan(studied.write_images(tmp_path / "images"), labels=("a",), seeds=(0,))
    there = Artefacts(str(tmp_path / "there"))
    there.claim(dataclasses.replace(plan, data_fingerprint="0" * 64))
    before = (tmp_path / "there" / "plan.json").read_bytes()

    with pytest.raises(UsageError, match=r"there: are those of another study \(data_fingerprint"):
        carried_out(plan, tmp_path / "here", there)

    assert (tmp_path / "there" / "plan.json").read_bytes() == before


def test_a_file_system_that_is_no_disk_keeps_them_too(tmp_path: Path) -> None:
    """fsspec's memory, which has no folders that must be made, within one process."""
    plan = studied.plan(studied.write_images(tmp_path / "images"), labels=("a",), seeds=(0,))
    (record,) = run(plan, studied.factories("a"), tmp_path / "here", engine=studied.Here(), watcher=Silent())
    there = Artefacts(f"memory://{tmp_path.name}")

    there.claim(plan)
    there.exchange(tmp_path / "here", plan, [record])
    there.exchange(tmp_path / "elsewhere", plan, [None])
    there.fetch(tmp_path / "elsewhere" / "1-a" / "seed-0")

    for name in ("recipe.json", "checkpoint.pt", "record.json"):
        copy, original = (tmp_path / side / "1-a" / "seed-0" / name for side in ("elsewhere", "here"))
        assert copy.read_bytes() == original.read_bytes()


def test_what_cannot_be_an_address_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"artefacts s4://bucket: Protocol not known: s4; give a folder or"):
        Artefacts("s4://bucket")
    with pytest.raises(UsageError, match=r"artefacts memory://a: is gone with each process that trains; give a folder"):
        artefacts_at("memory://a")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match=r"artefacts s3://b/p needs s3fs, .* pip install 'eyeshot\[s3\]'"):
        Artefacts("s3://b/p")
    with pytest.raises(MissingExtraError, match=r"artefacts gs://b/p needs gcsfs, .* pip install gcsfs"):
        Artefacts("gs://b/p")


def test_a_place_that_cannot_be_written_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    plan = studied.plan(studied.write_images(tmp_path / "images"), labels=("a",), seeds=(0,))
    (tmp_path / "file").touch()

    with pytest.raises(RunError, match=r"file/there: cannot be used \(.*the same command goes on from there"):
        carried_out(plan, tmp_path / "here", Artefacts(str(tmp_path / "file" / "there")))

    assert not list((tmp_path / "here").glob("*/*"))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a server that speaks S3, in a process of its own."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
             "AWS_DEFAULT_REGION": "us-east-1"}  # fmt: skip
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        while server.poll() is None:
            with socket.socket() as there:
                if there.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        fsspec.filesystem("s3").mkdir("pays")
        yield "pays"
    finally:
        server.kill()
        server.wait()
        fsspec.filesystem("s3").clear_instance_cache()


@pytest.mark.slow  # a server is started, and every trial in a process of its own
@pytest.mark.filterwarnings("default")  # of botocore and aiohttp
def test_on_s3_another_machine_goes_on_and_a_missing_bucket_is_told(tmp_path: Path, bucket: str) -> None:
    plan = studied.plan(studied.write_images(tmp_path / "images"))
    there = Artefacts(f"s3://{bucket}/a/study")
    first, _ = carried_out(dataclasses.replace(plan, seeds=(0,)), tmp_path / "here", there)

    again, trained = carried_out(plan, tmp_path / "elsewhere", there)

    assert trained == 2
    assert again[:2] == first
    with pytest.raises(RunError, match=r"artefacts s3://nowhere/study: cannot be used \(.*bucket"):
        carried_out(plan, tmp_path / "third", Artefacts("s3://nowhere/study"))
