"""Promises of a network, held in tests and in CI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.errors import CheckError, UsageError
from eyeshot.shown import quoted

if TYPE_CHECKING:
    from eyeshot.analyse.promises import Promise, Promises


def check(
    model: Any,
    input_shape: Any = None,
    *,
    field: Mapping[str, int | str | Sequence[int | str]] | None = None,
    macs_max: int | str | None = None,
    params_max: int | str | None = None,
    peak_max: int | str | None = None,
    no_unproductive: bool = False,
    centred: bool = False,
) -> list[Promise]:
    """Hold a network to promises: passes in silence, or fails the test that calls it.

    Args:
        model, input_shape: as for ``inspect``.
        field: by layers' names what their units see: 163, "163x163", ">=100" or "<=300", or several in a list.
        macs_max, params_max, peak_max: the most it may cost, such as "2G"; peak in elements alive at once.
        no_unproductive: no layer only widens a view that holds the whole image.
        centred: no layer's units look half a step or more beside their places.

    Returns: the promises, all kept.

    Raises:
        CheckError: a promise is broken; a line for each.
        UsageError: nothing is promised, or a promise is none.

    Example:
        >>> check("alexnet", field={"conv5": 163}, macs_max="1G")[0].has
        '163×163'
    """
    every = held(
        model,
        input_shape,
        promised(
            field=field,
            macs_max=macs_max,
            params_max=params_max,
            peak_max=peak_max,
            no_unproductive=no_unproductive,
            centred=centred,
        ),
    )
    broken = [promise for promise in every if not promise.is_kept]
    if broken:
        from eyeshot.report.promises import promise_words

        name = model if isinstance(model, str) else type(model).__name__
        raise CheckError(
            f"{name}: {len(broken)} of {len(every)} promises broken",
            lines=["".join(text for text, _ in promise_words(each)) for each in broken],
        )
    return every


def held(model: Any, input_shape: Any, promises: Promises) -> list[Promise]:
    """Every promise, and whether the model keeps it."""
    from eyeshot.analyse.promises import kept
    from eyeshot.api.verbs import inspect

    return kept(inspect(model, input_shape), promises)


def promised(**given: Any) -> Promises:
    """Promises from what a user gave for them.

    Raises:
        UsageError: nothing is promised, or something is none.
    """
    from eyeshot.analyse.promises import Promises
    from eyeshot.design.amounts import amount

    if not any(value not in (None, False, {}) for value in given.values()):
        raise UsageError("nothing is promised; give, say, --field conv5=163, --macs-max 2G or --no-unproductive")
    amounts = {key: None if value is None else amount(value, key) for key, value in given.items() if "max" in key}
    return Promises(
        field={str(name): _each(asked) for name, asked in (given.get("field") or {}).items()},
        no_unproductive=given.get("no_unproductive", False),
        centred=given.get("centred", False),
        **amounts,
    )


def _each(asked: Any) -> tuple[str, ...]:
    return tuple(map(str, asked)) if isinstance(asked, list | tuple) else (str(asked),)


@dataclass(frozen=True, kw_only=True)
class Configured:
    """A network of a configuration file, and what is promised of it."""

    model: str
    input_shape: str | None
    promises: Promises


_KEYS = ("field", "macs-max", "params-max", "peak-max", "no-unproductive", "centred")


def configured(path: Path) -> list[Configured]:
    """The networks and promises in ``[tool.eyeshot.check]``, or in each ``[[tool.eyeshot.check]]``.

    Raises:
        UsageError: there is no such file or table, or a value in it is none.
    """
    import tomllib

    from eyeshot.opening import read

    try:
        tool = tomllib.loads(read(path).decode()).get("tool", {})
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give a model and promises, or a file with them") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: no TOML: {error}") from None
    eyeshot = tool.get("eyeshot", {}) if isinstance(tool, dict) else {}
    tables = eyeshot.get("check") if isinstance(eyeshot, dict) else None
    if not tables:
        raise UsageError(f"{path} has no table [tool.eyeshot.check]; give a model and promises, or write one")
    return [_configured(path, table) for table in (tables if isinstance(tables, list) else [tables])]


def _configured(path: Path, table: Any) -> Configured:
    where = f"{path}: [tool.eyeshot.check]"
    if not isinstance(table, dict) or not isinstance(table.get("model"), str):
        raise UsageError(f'{where} needs a model, such as model = "my_net.py:make_net"')
    unknown = [key for key in table if key not in (*_KEYS, "model", "input")]
    if unknown:
        raise UsageError(f"{where}: {quoted(unknown[0])} is no promise; promises are {', '.join(_KEYS)}")
    for key, value in table.items():
        kinds: tuple[type, ...] = {"field": (dict,), "no-unproductive": (bool,), "centred": (bool,)}.get(
            key, (str,) if key in ("model", "input") else (int, float, str)
        )
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise UsageError(f"{where}: {key} is {quoted(str(value))}; {_EXPECTED.get(key, 'a number, such as 2G')}")
    given = {key.replace("-", "_"): table[key] for key in _KEYS if key in table}
    return Configured(model=table["model"], input_shape=table.get("input"), promises=promised(**given))


_EXPECTED = {
    "field": "a table of layers, such as { conv5 = 163 }",
    "input": "a text, such as 3x224x224",
    "no-unproductive": "true or false",
    "centred": "true or false",
}
