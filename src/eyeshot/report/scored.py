"""Scores that were made elsewhere, read from files, as the same evidence that trained designs give.

    seed,score          a line for each run; a heading and further columns of that order may be left out
    87.6                one score a line: the n-th lines of two files are a pair

Scores are percent; where all lie between 0 and 1 they are taken as shares of it, and where some lie outside 0 … 100
as what has a scale of its own, a loss or decibels. What they are scores of is not known, and not said.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from eyeshot.errors import DataError
from eyeshot.report.evidence import Evidence, evidence_of
from eyeshot.report.files import read_file


def evidence_of_files(paths: Sequence[Path]) -> Evidence:
    """What the scores in some files allow one to say; the first file is the one that others are compared to.

    Raises:
        DataError: a file holds no scores; names the line.
        UsageError: two files share no seed.
        MissingExtraError: SciPy is not installed.
    """
    stems = [path.stem for path in paths]
    labels = stems if len(set(stems)) == len(stems) else [str(path) for path in paths]
    tables = [scores_in(path) for path in paths]
    scores = [score for table in tables for score in table.values()]
    scale = 100 if all(0 <= score <= 1 for score in scores) else 1
    return evidence_of(
        {
            label: {seed: score * scale for seed, score in table.items()}
            for label, table in zip(labels, tables, strict=True)
        },
        unit="%" if all(0 <= score <= 100 for score in scores) else "",
    )


def scores_in(path: Path) -> dict[int, float]:
    """The scores of a file by their seeds, or by their number from 1 on where it names none."""
    text = read_file(path).decode("utf-8-sig", "replace")
    rows = [
        (number, row) for number, row in enumerate(csv.reader(io.StringIO(text)), start=1) if any(map(str.strip, row))
    ]
    if rows and not _is_number(rows[0][1][-1]):
        del rows[0]  # a heading
    scores: dict[int, float] = {}
    for number, row in rows:
        where = f"{path}, line {number}"
        if len(row) > 2 or not all(map(_is_number, row)):
            raise DataError(f"{where}: {','.join(row)!r} is neither a score nor seed,score, such as 3,87.6")
        seed = float(row[0]) if len(row) == 2 else len(scores) + 1
        if seed != int(seed) or int(seed) in scores:
            raise DataError(f"{where}: the seed {row[0]} is no whole number, or was there before")
        scores[int(seed)] = float(row[-1])
    if not scores:
        raise DataError(f"{path}: there are no scores in it; write seed,score or one score a line")
    return scores


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
