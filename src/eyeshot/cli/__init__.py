"""The command line: one file per verb, which parses, calls and prints."""

from eyeshot.cli.command import main

__all__ = ["main"]
