"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; text that would end a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines) + "\n"


def code(text: str) -> str:
    """Return text as code within a line."""
    marks = "``" if "`" in text else "`"
    return f"{marks}{text}{marks}" if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
