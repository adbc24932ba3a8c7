"""Promises, one line each."""

from __future__ import annotations

from eyeshot.analyse.promises import Promise
from eyeshot.report.table import Pieces


def promise_words(promise: Promise) -> Pieces:
    """A promise, whether it is kept, and the numbers."""
    word, style = ("kept    ", "good") if promise.is_kept else ("broken  ", "warn")
    return [(word, style), (f"{promise.name}: {promise.asked} promised, {promise.has}", "")]
