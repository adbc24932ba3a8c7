"""Models of JAX: functions, modules of Flax and Equinox. JAX traces them on shapes; nothing is computed.

models      what a user hands over, as a function of state and inputs
scopes      which module an equation belongs to          inputs      what goes in
reader      the walk along the program                   primitives  one rule per primitive, one file per family
values      what is known of an array                    folding     tables of numbers that positions depend on
fused       biases, norms, softmax put together again    steps       what all readers record
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyeshot.errors import EyeshotError, MissingExtraError, ReadError, UsageError
from eyeshot.network.graph import Network
from eyeshot.read.jax.kinds import has_channels_last, is_jax_model

if TYPE_CHECKING:
    from eyeshot.read.inputs import InputSpec

__all__ = ["Reading", "is_jax_model"]


class Reading:
    """A model and how it is read: called with the shape of an input it gives the network.

    Raises:
        MissingExtraError: JAX is not installed, which is imported when the first model is read.
    """

    def __init__(self, model: Any, name: str | None = None) -> None:
        self.model, self.name = model, name
        self._is_turned = False

    def __call__(self, input_shape: Any = None, *, example: Any = None, with_lines: bool = False) -> Network:
        """The network (see ``eyeshot.read.jax.reader``).

        Sizes whose channels lie at the end where the model does not take them are read with them at the other.
        """
        try:
            import jax  # noqa: F401 - whether it is there
        except ImportError:
            raise MissingExtraError(f"reading {self.name or 'a function'}", "jax", "jax") from None
        from eyeshot.read.jax.inputs import turned
        from eyeshot.read.jax.reader import read_model

        if example is not None:
            raise UsageError("an example is for modules of PyTorch; of JAX's models give the shape of what goes in")
        is_last = has_channels_last(self.model)
        self._is_turned = False
        try:
            return read_model(self.model, self.laid_out(input_shape), name=self.name, with_lines=with_lines)
        except ReadError as error:
            moved = turned(input_shape, channels_last=is_last) if error.is_of_shapes else None
            if moved is None:
                raise
            try:
                network = read_model(self.model, moved, name=self.name, with_lines=with_lines)
            except EyeshotError:
                raise error from error.__cause__
            self._is_turned = True
            return network

    def laid_out(self, input_shape: Any = None) -> list[InputSpec]:
        """What goes in, with the layout that it is, or was, read with."""
        from eyeshot.read.jax.inputs import laid_out, turned

        is_last = has_channels_last(self.model)
        moved = turned(input_shape, channels_last=is_last) if self._is_turned else None
        return moved or laid_out(input_shape, channels_last=is_last)
