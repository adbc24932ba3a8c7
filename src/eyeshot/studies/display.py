"""How a study goes, shown on standard error while it runs."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from eyeshot.shown import visible
from eyeshot.train.progress import Progress as TrialProgress
from eyeshot.train.recipe import Recipe
from eyeshot.train.record import Record

_WIDEST_LABEL = 32


class Watcher(Protocol):
    """Somebody who is told how a study goes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def began(self, recipe: Recipe) -> None:
        """A trial starts or goes on."""

    def moved(self, progress: TrialProgress) -> None:
        """A trial is further than before."""

    def ended(self, record: Record) -> None:
        """A trial is done."""

    def noticed(self, text: str) -> None:
        """Something was found damaged and is done again."""


class Silent:
    """Nobody watches; notices alone are kept, for who asks later."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def began(self, recipe: Recipe) -> None:
        """Not shown."""

    def moved(self, progress: TrialProgress) -> None:
        """Not shown."""

    def ended(self, record: Record) -> None:
        """Not shown."""

    def noticed(self, text: str) -> None:
        """Kept."""
        self.notices.append(text)
        Console(stderr=True).print(visible(text), style="yellow", markup=False, highlight=False, soft_wrap=True)


class Noting:
    """Tells who watches, and before that something else of each trial that is done."""

    def __init__(self, watcher: Watcher, ended: Callable[[Record], None]) -> None:
        self._watcher, self._ended = watcher, ended
        self.began, self.moved, self.noticed = watcher.began, watcher.moved, watcher.noticed

    def __enter__(self) -> Self:
        self._watcher.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watcher.__exit__(kind, error, trace)

    def ended(self, record: Record) -> None:
        """Both are told."""
        self._ended(record)
        self._watcher.ended(record)


class Telling(Silent):
    """Tells a function of one's own how each trial goes, and another what was found damaged."""

    def __init__(
        self, on_progress: Callable[[TrialProgress], None] | None, notice: Callable[[str], None] | None
    ) -> None:
        super().__init__()
        self._on_progress, self._notice = on_progress, notice

    def moved(self, progress: TrialProgress) -> None:
        """Told."""
        if self._on_progress is not None:
            self._on_progress(progress)

    def noticed(self, text: str) -> None:
        """Told, or printed where nobody asked."""
        if self._notice is None:
            super().noticed(text)
        else:
            self._notice(text)


class Display:
    """A bar for the study and one per trial under way; without a terminal a line per finished trial."""

    def __init__(self, trials: int, *, done: int = 0, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
            transient=True,
            refresh_per_second=5,
        )
        self._trials, self._done = trials, done
        self._tasks: dict[tuple[str, int], TaskID] = {}
        self._whole = self._bars.add_task("all trials", total=float(trials), completed=done, note=self._tally())

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def began(self, recipe: Recipe) -> None:
        """Add the trial's bar; one that is carried out again has it already."""
        if (recipe.label, recipe.seed) in self._tasks:
            return
        name = f"  {_short(recipe.label)} · seed {recipe.seed}"
        self._tasks[recipe.label, recipe.seed] = self._bars.add_task(name, total=1.0, note="")

    def moved(self, progress: TrialProgress) -> None:
        """Move the trial's bar and the study's; what is heard late has none any more."""
        if (progress.label, progress.seed) not in self._tasks:
            return
        score = "" if progress.accuracy is None else f"{progress.accuracy:.1f} %"
        speed = f"{progress.images / progress.seconds:,.0f} images/s" if progress.seconds else ""
        note = " · ".join(part for part in (f"epoch {progress.epoch}", score, speed) if part)
        self._bars.update(self._tasks[progress.label, progress.seed], completed=progress.spent, note=note)
        under_way = sum(task.completed for task in self._bars.tasks if task.id != self._whole)
        self._bars.update(self._whole, completed=self._done + under_way)

    def ended(self, record: Record) -> None:
        """Take the trial's bar away and print its score."""
        bar = self._tasks.pop((record.recipe.label, record.recipe.seed), None)
        if bar is not None:
            self._bars.remove_task(bar)
        self._done += 1
        self._bars.update(self._whole, completed=float(self._done), note=self._tally())
        outcome = "diverged" if record.is_diverged else f"{record.score:.2f} %"
        self._print(f"{_short(record.recipe.label)} · seed {record.recipe.seed}: {outcome} in {record.seconds:.1f} s")

    def refresh(self) -> None:
        """Draw the bars now rather than at the next turn."""
        self._bars.refresh()

    def noticed(self, text: str) -> None:
        """Print it between the bars."""
        self._print(text, style="yellow")

    def _print(self, text: str, style: str | None = None) -> None:
        self._console.print(visible(text), style=style, markup=False, highlight=False, soft_wrap=True)

    def _tally(self) -> str:
        return f"{self._done} of {self._trials} trained"


def _short(label: str) -> str:
    label = visible(label)
    return label if len(label) <= _WIDEST_LABEL else label[: _WIDEST_LABEL - 1] + "…"
