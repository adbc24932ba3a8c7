"""Values that do not change: as frozen dataclasses are, with methods that are written once and not for each class.

For a frozen dataclass Python writes and compiles six functions, which takes 0.4 ms each time a program starts. Ops,
relations and the items of designs are so many that this was a fifth of the time that `eyeshot show alexnet` took.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from operator import attrgetter
from typing import Any, ClassVar, Never, dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Value:
    """A class derived from it declares its fields as a dataclass does, and is one to ``fields`` and ``replace``.

    Fields are given by name and none can be set afterwards; values of one class are equal where their fields are.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    _defaults: ClassVar[Mapping[str, Any]]
    _compared: ClassVar[attrgetter[Any]]

    def __init_subclass__(cls) -> None:
        dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)
        each = cls.__dataclass_fields__.values()
        cls._defaults = {one.name: one.default for one in each if one.default is not MISSING}
        cls._compared = attrgetter("__class__", *(one.name for one in each if one.compare))

    def __init__(self, **given: Any) -> None:
        settings, expected = self.__dict__, self.__dataclass_fields__.keys()
        settings.update(self._defaults)
        settings.update(given)
        if settings.keys() != expected:
            wrong = [f"lacks {name}" for name in expected - settings.keys()]
            wrong += [f"has no field {name}" for name in settings.keys() - expected]
            raise TypeError(f"{type(self).__name__} {', '.join(sorted(wrong))}")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Value)
        return bool(self._compared(self) == self._compared(other))

    def __hash__(self) -> int:
        return hash(self._compared(self))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__)
        return f"{type(self).__name__}({shown})"

    def __setattr__(self, name: str, value: object) -> Never:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> Never:
        raise FrozenInstanceError(f"cannot delete field {name!r}")
