"""A user's picture for the input, as a data URI."""

from __future__ import annotations

import base64
import io
import warnings

from eyeshot.errors import UsageError

_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


def _check_decodes(content: bytes, kind: str) -> None:
    """Complain of a damaged picture, which a browser would show as nothing; without Pillow that is not known."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=(kind,)) as image:
                image.load()
    except Exception as error:  # Pillow meets damage with a dozen kinds, SyntaxError among them
        reason = str(error).partition(" <")[0] or type(error).__name__
        raise UsageError(f"the picture cannot be decoded ({reason}); save it again") from error


def data_uri(content: bytes) -> str:
    """A picture's bytes as a data URI; its kind is told by its first bytes.

    Raises:
        UsageError: it is no PNG, JPEG, GIF or WebP, or is damaged.
    """
    kind = next((name for start, name in _KINDS if content.startswith(start)), None)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        raise UsageError("the picture is none of PNG, JPEG, GIF and WebP; convert it to one of them")
    _check_decodes(content, kind.removeprefix("image/").upper())
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
