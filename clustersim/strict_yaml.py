"""Safe YAML without aliases and repeated keys."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import yaml

from clustersim.errors import InputError

DEEPEST = 100
"""Levels of a YAML file; those of this program have a dozen."""
_CLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictComposer(yaml.composer.Composer):
    """Refuses aliases: a few bytes can grow to gigabytes; and more levels than any file of this program has."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        try:
            if self.depth > DEEPEST:
                event = self.peek_event()  # type: ignore[attr-defined]
                problem = f"expected at most {DEEPEST} levels, found more"
                raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
            return self._composed(parent, index)
        finally:
            self.depth -= 1

    def _composed(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):  # type: ignore[attr-defined]
            event = self.peek_event()  # type: ignore[attr-defined]
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not supported", event.start_mark)
        return super().compose_node(parent, index)


class _StrictConstructor(yaml.constructor.SafeConstructor):
    """Refuses repeated keys, and keys that are no text."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"expected a text key, got {key!r}", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


class _StrictLoader(_StrictComposer, _StrictConstructor, yaml.SafeLoader):
    """Reads with the parser whose messages are shown."""


class _FastLoader(_StrictComposer, _StrictConstructor, _CLoader):  # type: ignore[misc]
    """Reads with libyaml's parser."""

    def __init__(self, text: str) -> None:
        _CLoader.__init__(self, text)
        yaml.composer.Composer.__init__(self)


def strict_yaml(text: str) -> Any:
    """Return the one document in `text`.

    A good file is read by libyaml, four times as fast; where that refuses it, Python's parser says what is wrong.

    Raises
    ------
    yaml.YAMLError
        If the text is no YAML, or has aliases, repeated keys or keys that are no text.
    RecursionError
        If it is nested too deeply.
    """
    try:
        # what this module itself refuses has been said well already, and Python's parser is slow on what is deep
        with suppress(yaml.scanner.ScannerError, yaml.parser.ParserError, yaml.reader.ReaderError):
            return yaml.load(text, Loader=_FastLoader)  # noqa: S506 (safe)
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (safe)
    except ValueError as error:
        # a number of more digits than Python reads, a day that the calendar has not
        raise yaml.YAMLError(str(error).split(";")[0]) from None


def told_yaml(text: str, where: str) -> Any:
    """Return the one document in the text of a file.

    Raises
    ------
    InputError
        As :func:`strict_yaml`; the message begins with the file and the line.
    """
    try:
        return strict_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{where}{line}: not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{where}: not valid YAML: {str(error).splitlines()[0]}") from None
