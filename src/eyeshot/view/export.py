"""The page's document as one offline file: nothing is loaded, nothing is sent, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.errors import UsageError
from eyeshot.shown import encodable
from eyeshot.view.bundle import asset, script
from eyeshot.view.document import document
from eyeshot.view.fallback import fallback


def page(
    reports: Sequence[Inspection],
    *,
    image: bytes | None = None,
    effective: Sequence[Mapping[str, Any]] = (),
    evidence: Mapping[str, Any] | None = None,
    tiles: Sequence[Mapping[str, Any] | None] = (),
    decide: Sequence[Mapping[str, Any] | None] = (),
) -> str:
    """The explorer page of one or several designs, as HTML.

    Args:
        reports: the designs; the first is the one that others are compared to.
        image: a picture for the input: the content of a PNG, JPEG, GIF or WebP file.
        effective: measured effective fields, documents of schema eyeshot.effective/1.
        evidence: scores of trained designs, as ``Evidence.for_page`` gives them.
        tiles: for each design an entry of ``view.tiles``, or none.
        decide: for each design an entry of ``view.decide``, or none.

    Raises:
        UsageError: the picture is of another kind, or an input is no picture.
    """
    from eyeshot.view.picture import data_uri

    line = next((report.network for report in reports if len(report.network.axes) == 1), None)
    if image is not None and line is not None:
        size = "×".join(map(str, line.input.shape[1:]))
        raise UsageError(f"the input of {line.name} is {size}, a line without rows and columns; leave the picture out")

    content = document(
        reports,
        image=None if image is None else data_uri(image),
        effective=effective,
        evidence=evidence,
        tiles=tiles,
        decide=decide,
    )
    return assembled(content, fallback(reports, decide), title_of(reports))


def title_of(reports: Sequence[Inspection]) -> str:
    """What the browser's tab says."""
    names = ", ".join(report.network.name for report in reports)
    return f"{names if len(names) <= 80 else names[:79] + '…'} · eyeshot"


def assembled(
    content: Mapping[str, Any],
    plain: str,
    title: str,
    entry: str = "main",
    template: str = "template.html",
    extra: str | None = None,
) -> str:
    """A document, what stands for it where scripts do not run, and a script, as one page.

    ``entry`` is the script's first module, ``extra`` a style sheet beside the page's own.

    Text goes through HTML's escaping, and the document's JSON has no ``<`` that could end its element.
    """
    style, code = asset("style.css") + (asset(extra) if extra else ""), script(entry)
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    parts = {
        "policy": html.escape(_policy(style, code)),
        "generator": f"eyeshot {version('eyeshot')}",
        "title": html.escape(title),
        "style": style,
        "fallback": plain,
        "document": escaped_json(data),
        "script": code,
    }
    head, *pieces = asset(template).split("{{")
    whole = head + "".join(parts[name] + rest for name, rest in (piece.split("}}", 1) for piece in pieces))
    return encodable(whole)


def escaped_json(text: str) -> str:
    """JSON that may stand in a script element, whatever its strings say.

    >>> escaped_json('"</script><!--"')
    '"\\\\u003c/script>\\\\u003c!--"'
    """
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _policy(style: str, code: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(code)}",
            f"style-src {_hash(style)}",
            "img-src data:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
