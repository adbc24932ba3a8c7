"""Pascal VOC's XML: a file per image, its size, and objects with the corners of their boxes.

Files are read as a stream of elements. Document types are refused: they are what entities are declared in, and a few
lines of those can grow to gigabytes or fetch other files.
"""

from __future__ import annotations

from xml.parsers import expat

from eyeshot.read.annotations.boxes import Boxes

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_DEEPEST = 32
_WANTED = frozenset({("annotation", "size", "width"), ("annotation", "size", "height")}) | frozenset(
    ("annotation", "object", "bndbox", corner) for corner in _CORNERS
)


def read_voc(content: bytes, boxes: Boxes) -> None:
    """Take in the boxes of one image's file.

    Raises:
        ValueError: it is none; in one line.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML: {error}") from None
    if not reader.is_voc:
        raise ValueError("no VOC file: it does not begin with <annotation>")
    size = reader.values.get("height", 0.0), reader.values.get("width", 0.0)
    boxes.images += 1
    for corners in reader.objects:
        if len(corners) < len(_CORNERS):
            boxes.left_out["without a box"] += 1
        else:
            boxes.add(corners["ymax"] - corners["ymin"], corners["xmax"] - corners["xmin"],
                      size if min(size) >= 1 else None)  # fmt: skip


def _refuse(*declaration: object) -> None:
    raise ValueError("it declares a document type, which may grow without end; annotations need none")


class _Reader:
    """What the elements so far say."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.words = ""
        self.is_voc = False
        self.values: dict[str, float] = {}
        self.objects: list[dict[str, float]] = []

    def start(self, name: str, attributes: object) -> None:
        if len(self.path) >= _DEEPEST:
            raise ValueError("its elements are nested too deeply")
        self.path.append(name)
        self.words = ""
        self.is_voc = self.is_voc or self.path == ["annotation"]
        if self.path == ["annotation", "object"]:
            self.objects.append({})

    def text(self, words: str) -> None:
        if tuple(self.path) in _WANTED:
            self.words += words[:40]

    def end(self, name: str) -> None:
        if tuple(self.path) in _WANTED:
            try:
                value = float(self.words[:40])
            except ValueError:
                raise ValueError(f"<{name}> is {self.words[:40].strip()!r}, not a number") from None
            (self.objects[-1] if name in _CORNERS else self.values)[name] = value
        self.path.pop()
