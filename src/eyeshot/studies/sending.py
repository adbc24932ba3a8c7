"""What travels to the processes that train: they import nothing of the program that started them."""

from __future__ import annotations

import pickle
import pickletools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from eyeshot.errors import UsageError


def check_sendable(factory: Any, name: str) -> None:
    """Complain of a network that another process cannot make.

    Raises:
        UsageError: its class is defined in a function, in a notebook or in the program that runs.
    """
    try:
        pickled = pickle.dumps(factory)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(f"{name} cannot be sent to the processes that train ({error}); {_cure(name)}") from error
    if any(argument == "__main__" for _, argument, _ in pickletools.genops(pickled)):
        raise UsageError(
            f"{name} is defined in the program that runs, which the processes that train do not import; {_cure(name)}"
        )


def _cure(name: str) -> str:
    return f"define it at the top level of a file of its own and import it, or give its name: 'file.py:{name}'"


@contextmanager
def main_hidden() -> Iterator[None]:
    """While a process starts: it shall not run this program's main file again.

    A spawned process does so to find what was defined there, and a script without ``if __name__ == "__main__"``
    would compare and train once more in each. Nothing sent is defined there (see ``check_sendable``).
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
