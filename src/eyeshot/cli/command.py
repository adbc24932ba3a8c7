"""The command `eyeshot`: finds the verb, and turns every failure into one message and an exit code."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

import eyeshot
from eyeshot.errors import EyeshotError, ReadError
from eyeshot.shown import quoted, shortened

INTERRUPTED = 130
_OBJECTS = 50_000
"""Objects made before Python looks for some that hold only one another. It does so after 700, which while modules are
imported finds nothing, and takes a twentieth of a short command's time."""
VERBS = {
    "show": "what does each layer see and cost?",
    "field": "which pixels does one unit see?",
    "why": "why does a layer see that many pixels?",
    "sizes": "which input sizes fit, and what comes out?",
    "effective": "what does a unit really use?",
    "compare": "which design sees, uses, costs what? With --train: which pays?",
    "study": "which of many designs pays? Trains what a file says, and goes on",
    "advise": "what is wrong for this image and these objects, and what mends it?",
    "rewrite": "what becomes of a network by a move?",
    "design": "which designs see what I want?",
    "check": "does it still keep what was promised of it?",
    "tile": "how to run it on an image that does not fit, and will it be the same?",
    "plot": "a figure of it, and its data",
    "report": "the explorer page: fields, costs and comparison in one offline file",
    "models": "which designs are built in?",
    "schema": "what do the --json documents hold?",
    "doctor": "what is installed here, and what does it enable?",
}
_EXAMPLES = """\b
Examples:
  eyeshot show alexnet
  eyeshot field alexnet conv5 --at 6,6
  eyeshot why alexnet conv5
  eyeshot compare CONV-POOL-CONV-POOL-CONV-POOL CONV-POOL-CONV-CONV-CONV-POOL
  eyeshot compare alexnet-28 alexnet-28-alternating --train
  eyeshot report --lesson -o lesson.html     why AlexNet does not pool after every convolution, step by step

\b
A MODEL is one of
  alexnet                       a design of the zoo (see: eyeshot models)
  "C11s4-96 P3s2 C5-256"        a design written down (see: eyeshot models --notation)
  CONV-POOL-CONV-POOL           the same, in words
  torchvision:resnet50          a library's model, without its weights
  package.module:factory        what makes a module of PyTorch, Keras or JAX; runs that code
  file.py:factory               the same, from a file
  "file.py:Net?width=32"        the same, with arguments; also "timm:resnet50?output_stride=8"
  net.onnx, net.keras           a file: no weight is read, no code is run
"""


class Verbs(click.Group):
    """Verbs that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order in which one comes to need them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name."""
        if cmd_name not in VERBS:
            return None
        command = getattr(importlib.import_module(f"eyeshot.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with their questions, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb called, or an error with the verb that was meant."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(_unknown_verb(args[0]), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a reader that has seen enough of it is no failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _forget_stdout()
            return 0
        except SystemExit as error:
            # No verb of ours ends so; what a model's code says of success is not for us to say.
            raise ReadError(f"the model's own code ended the program (sys.exit({error.code!r}))") from error

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run a command line and exit with its code; no failure that eyeshot foresees shows a traceback."""
        gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
        extra |= {"standalone_mode": False, "prog_name": "eyeshot"}
        if sys.stderr is None:  # 2>&-
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # it lasts as long as the process
        if sys.stdout is None:  # >&-
            _complain("eyeshot: standard output is closed, and there is nowhere else to print to")
            raise SystemExit(EyeshotError.exit_code)
        try:
            code = super().main(args, **extra)
            sys.stdout.flush()
        except click.ClickException as error:
            _complain(*_usage(error))
            code = error.exit_code
        except EyeshotError as error:
            _complain(f"eyeshot: {error.said}", *error.lines)
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            _complain("eyeshot: interrupted")
            code = INTERRUPTED
        except BrokenPipeError:
            _forget_stdout()
            code = 0
        except OSError as error:
            _complain(f"eyeshot: {_system(error)}")
            if _is_of_printing(error):
                _forget_stdout()
            code = EyeshotError.exit_code
        except MemoryError as error:
            detail = f" ({error})" if str(error) else ""
            _complain(f"eyeshot: more memory is needed than there is{detail}; give a smaller --input")
            code = EyeshotError.exit_code
        raise SystemExit(code if isinstance(code, int) else 0)


def _usage(error: click.ClickException) -> list[str]:
    """What click complains of, in the words and place of all other messages; bare `eyeshot` gets the help."""
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        return error.format_message().splitlines()
    context = getattr(error, "ctx", None)
    hint = [f"Try: {context.command_path} --help"] if context else []
    return [f"eyeshot: {shortened(error.format_message())}", *hint]


def _system(error: OSError) -> str:
    """What the system complains of, in its words but without its number; what has no name is what is printed to."""
    name = error.filename or ("standard output" if _is_of_printing(error) else "")
    return ": ".join(str(part) for part in (name, error.strerror) if part) or str(error)


def _is_of_printing(error: OSError) -> bool:
    """Whether an error came up in the code that prints: a stream does not say which one it is."""
    import traceback

    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(("eyeshot.cli.", "click.", "rich."))


def _unknown_verb(word: str) -> str:
    from eyeshot.nearest import nearest

    near = nearest(word, VERBS, 1)
    if near:
        return f"no verb {quoted(word)}; did you mean {near[0]!r}?"
    from eyeshot.design.zoo import entries

    if word.lower() in entries():
        return f"no verb {word!r}; did you mean: eyeshot show {word.lower()}?"
    return f"no verb {quoted(word)}; verbs are {', '.join(VERBS)}"


def _complain(*lines: str) -> None:
    from eyeshot.cli.terminal import echo

    echo(*lines, err=True)


def _forget_stdout() -> None:
    """Keep Python from writing once more, as it ends, to what cannot be written to."""
    # A stdout without a file behind it has nothing to write.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EXAMPLES,
)
@click.version_option(eyeshot.__version__, "-V", "--version", message="eyeshot %(version)s")
def main() -> None:
    """Tell what each unit of a convolutional network sees, uses and costs, and whether the design pays."""
