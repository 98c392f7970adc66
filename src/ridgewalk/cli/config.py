"""Read options from a TOML file: the same names as on the command line, which takes precedence.

hidden = [64, 32]
l1-ratio = 0.5
select-inputs = true
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperOption

from ridgewalk.cli.values import known

_UNASKED = ("config", "help")


def read_config(ctx: typer.Context, file: Path | None) -> Path | None:
    """Take a file's values for the options that the command line does not give.

    Raises
    ------
    ValueError
        If the file is no TOML, names an option that there is not, or gives one a value that it does not take.
    """
    if file is None or ctx.resilient_parsing:
        return file
    options = {
        name.removeprefix("--"): option
        for option in ctx.command.params
        if isinstance(option, TyperOption) and option.name not in _UNASKED
        for name in option.opts
        if name.startswith("--")
    }
    found = {}
    for key, value in _read(file).items():
        name = key.replace("_", "-")
        try:
            option = options[known(name, "option", sorted(options))]
            found[str(option.name)] = typed = _typed(value, option.is_flag, option.multiple)
            option.process_value(ctx, typed)
        except (ValueError, typer.BadParameter) as error:
            raise ValueError(f"{file}: {key} = {value!r} is not taken: {error}") from None
    ctx.default_map = {**(ctx.default_map or {}), **found}
    return file


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"--config {file} cannot be read ({error.strerror}): give a TOML file.") from None
    except ValueError as error:
        raise ValueError(f"--config {file} is no TOML ({error}): write lines such as  l1-ratio = 0.5") from None


def _typed(value: Any, switch: bool, several: bool) -> Any:
    """Return a value as the command line would bring it."""
    if switch:
        if not isinstance(value, bool):
            raise ValueError("true or false is expected.")
        return value
    values = value if isinstance(value, list) else [value]
    if any(isinstance(each, bool) or not isinstance(each, int | float | str) for each in values):
        raise ValueError("a number, a text, or a list of them is expected.")
    texts = [str(each) for each in values]
    if several or not isinstance(value, list):
        return texts if several else texts[0]
    return ",".join(texts) + "," * (len(texts) == 1)  # one strength is no count of them
