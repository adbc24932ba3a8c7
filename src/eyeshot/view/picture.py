"""A user's picture for the input, as a data URI."""

from __future__ import annotations

import base64

from eyeshot.errors import UsageError

_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


def data_uri(content: bytes) -> str:
    """A picture's bytes as a data URI; its kind is told by its first bytes.

    Raises:
        UsageError: it is no PNG, JPEG, GIF or WebP.
    """
    kind = next((name for start, name in _KINDS if content.startswith(start)), None)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        raise UsageError("the picture is none of PNG, JPEG, GIF and WebP; convert it to one of them")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
