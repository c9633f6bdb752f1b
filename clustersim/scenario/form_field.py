"""One field of a record, as a form shows it and reads it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import yaml

from clustersim.scenario.files import parse_override

FieldKind = Literal["choice", "flag", "text", "record", "records"]


@dataclass(frozen=True)
class FormField:
    """One field of a record as a form shows it."""

    path: str
    """Key path, as ``--set`` takes it."""
    kind: FieldKind
    value: Any
    """As it is written; None where it is left out or null."""
    choices: tuple[str, ...]
    """Words that it may be; empty where it may be anything."""
    free: bool
    """Whether something else than `choices` may be written too."""
    required: bool
    nullable: bool
    default: Any
    """What holds where it is left out; None where that is nothing or another record."""
    units: tuple[str, ...]
    """Units in which a quantity may be written; empty where it has none."""
    meaning: str
    """What it is, in a sentence."""
    verbatim: bool
    """Whether what is typed is the text itself, not YAML."""

    @property
    def name(self) -> str:
        """The last key of the path."""
        return self.path.rsplit(".", 1)[-1]

    @property
    def text(self) -> str:
        """The value as a person writes it; empty where there is none."""
        return "" if self.value is None else written(self.value)

    def read(self, typed: str) -> Any:
        """Return what was typed as the value of a setting; where it was emptied, what stands for nothing.

        Raises
        ------
        InputError
            If it is not YAML.
        """
        typed = typed.strip()
        if not typed:
            # what cannot be null goes back to what holds where nothing is written
            return None if self.nullable or self.default is None else self.default
        return typed if self.verbatim else parse_override(f"{self.path}={typed}")[1]


def written(value: Any) -> str:
    """Return a value as one line of text that reads back as the same.

    Examples
    --------
    >>> written(128000000), written([4, 4, 4]), written("150 MW")
    ('128_000_000', '[4, 4, 4]', '150 MW')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float) and value.is_integer() and 1e4 <= abs(value) < 1e15:
        return f"{value:_.0f}"
    line = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return line.removesuffix("...\n").strip()
