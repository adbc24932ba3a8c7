"""Keras models, from what they say of themselves: a model in memory, a .keras archive, an old .h5 file.

A Keras model is its configuration: layers by name, their settings, and who reads whom. That is read, and nothing else:
no layer is built, no code in a file is run, no weight is opened. Keras need not be installed.
"""

from __future__ import annotations

from eyeshot.read.keras.archive import read_file
from eyeshot.read.keras.models import is_keras_model, read_model

__all__ = ["is_keras_model", "read_file", "read_model"]
