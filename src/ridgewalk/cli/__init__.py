"""The command line: reads tables and options, calls estimators, prints and writes results.

ridgewalk fit FILE --target NAME       fit the path, choose a strength, save the model and the table
ridgewalk predict MODEL FILE           predict with a saved model
ridgewalk diagnose FILE --target NAME  did regularization help, and why or why not
ridgewalk compare RUN RUN ...          which is better on the same held-out rows, with an interval
ridgewalk report MODEL [FILE]          write an HTML report, with predictions for the rows of a file
ridgewalk export MODEL --to FORM       ONNX, PyTorch's state_dict, or Python code that needs NumPy alone
ridgewalk worker FOLDER                train for fits with --workers FOLDER on other machines
ridgewalk demo                         fit a path to the tutorial's spiral, and answer the tutorial's question
ridgewalk play                         a playground in the browser, or eight lessons, as one offline file
ridgewalk bench                        fits per second on this machine, compared with scikit-learn
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from rich.markup import escape

from ridgewalk.cli.commands import app
from ridgewalk.cli.console import err
from ridgewalk.cli.files import plainly
from ridgewalk.engine.progress import StoppedError


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as a note: no line of code helps whoever gave a command."""
    err.print(f"[yellow]Warning:[/] {escape(str(message))}", soft_wrap=True)


def main() -> None:
    """Run the command; a mistake ends in a sentence and a non-zero exit code, never in a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            app()
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError, MemoryError) as error:
        message = plainly(error, "A file") if isinstance(error, OSError) else str(error)
        err.print(f"[bold red]Error:[/] {escape(message or type(error).__name__)}")
        sys.exit(1)
    except StoppedError as stopped:
        err.print(f"Stopped. {escape(str(stopped))}" if str(stopped) else "Stopped; nothing was written.")
        sys.exit(130)
