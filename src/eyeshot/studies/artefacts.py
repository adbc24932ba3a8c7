"""What trials leave, kept at an address too: on S3, or wherever else fsspec reaches.

A trial that ends leaves its recipe, checkpoint and record there, as in its own directory. A study that starts takes
the records from there that its directory lacks, and leaves there what was trained and is not there yet. So one that
starts on another machine, or after a disk was lost, goes on from all trials that had ended; one that was under way
begins anew.

The files say themselves whose they are and carry digests, so a copy that was torn is told of as any damaged file is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyeshot.documents import reason, unsealed
from eyeshot.errors import EyeshotError, MissingExtraError, RunError, UsageError
from eyeshot.studies.plan import Plan
from eyeshot.train.directory import CHECKPOINT, RECIPE, RECORD, encoded
from eyeshot.train.record import Record

PLAN = "plan.json"
_FILES = RECIPE, CHECKPOINT, RECORD
"""Of a trial, in the order in which they are copied: where its record is, all is."""
_MAKES_FOLDERS = ("file", "local", "sftp", "ssh", "smb", "hdfs", "ftp")
"""Protocols of places where a folder has to be there before a file can be."""


@dataclass(frozen=True)
class Artefacts:
    """A place where a study's files are kept beside its directory.

    Raises:
        UsageError: the address is none.
        MissingExtraError: what reaches it is not installed.
    """

    url: str
    """Such as ``s3://bucket/pays``, or a folder."""

    def __post_init__(self) -> None:
        self._opened()

    def _opened(self) -> tuple[Any, str]:
        """The file system, which fsspec makes once a process, and the path there."""
        try:
            from fsspec.core import url_to_fs
        except ModuleNotFoundError:
            raise MissingExtraError(f"artefacts {self.url}", "fsspec", "s3") from None
        try:
            system, root = url_to_fs(self.url)
        except ImportError as error:
            raise _needs(self.url, error) from error
        except ValueError as error:
            raise UsageError(f"artefacts {self.url}: {reason(error)}; give a folder or an s3://bucket/path") from error
        except Exception as error:  # each file system has its own kinds
            raise _unreached(self.url, error) from error
        return system, root.rstrip("/")

    @contextmanager
    def _reached(self) -> Iterator[tuple[Any, str]]:
        system, root = self._opened()
        try:
            yield system, root
        except EyeshotError:
            raise
        except Exception as error:  # as above
            raise _unreached(self.url, error) from error

    def claim(self, plan: Plan) -> None:
        """Write the plan down there; where there is one already, with the seeds that it gains.

        Raises:
            UsageError: there is another study's.
            RunError: the place cannot be reached or written to.
        """
        with self._reached() as (system, root):
            try:
                former = Plan.from_json(unsealed(system.cat_file(f"{root}/{PLAN}")))
            except FileNotFoundError:
                former = None
            except ValueError:
                former = None  # damaged: it is written anew
            if former is not None and former.identity != plan.identity:
                how = "; ".join(former.differences(plan))
                raise UsageError(f"artefacts {self.url}: are those of another study ({how}); give another address")
            whole = plan if former is None else former.extended(plan)
            if whole != former:
                self._folder(system, root)
                system.pipe_file(f"{root}/{PLAN}", encoded(whole.to_json()))

    def exchange(self, directory: Path, plan: Plan, records: Iterable[Record | None]) -> None:
        """Take what the study's directory lacks, and leave what is not there yet.

        Args:
            records: one per recipe of the plan, None where it is to be trained or measured.

        Raises:
            RunError: the place cannot be reached or written to.
        """
        with self._reached() as (system, root):
            system.invalidate_cache()
            found: Mapping[str, Mapping[str, Any]] = system.find(root, detail=True)
            sizes = {path[len(root) + 1 :]: each["size"] for path, each in found.items()}
            for recipe, record in zip(plan.recipes(), records, strict=True):
                place = directory / plan.place(recipe)
                there = sizes.get(f"{_name(place)}/{RECORD}")
                if record is None and there is not None and there != _size(place / RECORD):
                    names = [name for name in (RECIPE, RECORD) if f"{_name(place)}/{name}" in sizes]
                    self._take(system, root, place, names)
                elif record is not None:
                    apart = [n for n in _FILES if _size(place / n) not in (None, sizes.get(f"{_name(place)}/{n}"))]
                    self._leave(system, root, place, apart)

    def fetch(self, place: Path) -> None:
        """Take the files of one trial that its directory lacks, its checkpoint too.

        Raises:
            RunError: the place cannot be reached.
        """
        with self._reached() as (system, root):
            system.invalidate_cache()  # of listings; another machine may have left something since
            lacks = [name for name in _FILES if not (place / name).exists()]
            self._take(system, root, place, [name for name in lacks if system.exists(f"{root}/{_name(place)}/{name}")])

    def leave(self, place: Path) -> None:
        """Leave the files of one trial that has ended.

        Raises:
            RunError: the place cannot be reached or written to.
        """
        with self._reached() as (system, root):
            self._leave(system, root, place, [name for name in _FILES if (place / name).exists()])

    def _take(self, system: Any, root: str, place: Path, names: Iterable[str]) -> None:
        for name in names:
            place.mkdir(parents=True, exist_ok=True)
            part = place / f"{name}.part"
            system.get_file(f"{root}/{_name(place)}/{name}", str(part))
            part.replace(place / name)

    def _leave(self, system: Any, root: str, place: Path, names: Iterable[str]) -> None:
        for name in names:
            self._folder(system, f"{root}/{_name(place)}")
            system.put_file(str(place / name), f"{root}/{_name(place)}/{name}")

    def _folder(self, system: Any, path: str) -> None:
        protocols = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
        if set(protocols) & set(_MAKES_FOLDERS):
            system.makedirs(path, exist_ok=True)


def artefacts_at(url: str | None) -> Artefacts | None:
    """Where a study's files are to be kept beside its directory, of an address that was given for it.

    Raises:
        UsageError, MissingExtraError: as for ``Artefacts``; or the address is one that processes do not share.
    """
    if url is None:
        return None
    if url.startswith("memory:"):
        raise UsageError(
            f"artefacts {url}: is gone with each process that trains; give a folder or an s3://bucket/path"
        )
    return Artefacts(url)


def _name(place: Path) -> str:
    """A trial's place inside its study, as at the address: the arm's folder and the seed's."""
    return "/".join(place.parts[-2:])


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _needs(url: str, error: ImportError) -> MissingExtraError:
    """What to install, of fsspec's own list of file systems."""
    from fsspec.registry import known_implementations

    protocol = url.partition("://")[0]
    library = known_implementations.get(protocol, {}).get("class", "").partition(".")[0]
    if not library or library == "fsspec":
        library = error.name or "its library"
    return MissingExtraError(f"artefacts {url}", library, "s3" if library == "s3fs" else None)


def _unreached(url: str, error: Exception) -> RunError:
    return RunError(
        f"artefacts {url}: cannot be used ({reason(error)}). What was trained is kept in the study's directory; once"
        " the address and the rights to it are right, the same command goes on from there"
    )
