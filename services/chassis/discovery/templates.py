"""Small Jinja templates: the language in which Home Assistant is told how to read a payload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

REPEATED_WITHIN = 30
"""Seconds. What is announced at least once is announced again when a connection is lost before it was confirmed."""


def value(source: str) -> str:
    """A template as it is, or one that reads the key *source* of a JSON payload; null becomes `unknown` there."""
    return source if "{" in source else f"{{{{ value_json.{source} }}}}"


def known(key: str, *, unknown: str = "unknown") -> str:
    """An enum's value, of which *unknown* is no option but means that nothing is known."""
    return f"{{{{ value_json.{key} if value_json.{key} != '{unknown}' else none }}}}"


def mapped(key: str, words: Mapping[str, str]) -> str:
    """The word for each value of *key*; nothing is known of a value without one."""
    pairs = ", ".join(f"'{value}': '{word}'" for value, word in words.items())
    return f"{{{{ {{{pairs}}}.get(value_json.{key}) }}}}"


def on_off(condition: str) -> str:
    """ON or OFF for a JSON key or expression that is true or false; null is neither."""
    expression = f"value_json.{condition}" if condition.isidentifier() else condition
    return f"{{{{ ({expression}) | iif('ON', 'OFF', none) }}}}"


def attributes(keys: Iterable[str]) -> str:
    """An object with *keys* of a JSON payload, for an entity's attributes."""
    pairs = ", ".join(f"'{key}': value_json.{key}" for key in keys)
    return f"{{{{ {{{pairs}}} | to_json }}}}"


def event(kind: str, types: Iterable[str]) -> str:
    """Home Assistant's event out of a JSON payload whose *kind* is one of *types*; nothing out of any other.

    Events come at least once. One that is not newer than the last of this entity, by its own `time`, is a repetition;
    an event far older than the last one is not, because then a clock was set back.
    """
    listed = ", ".join(f"'{name}'" for name in types)
    return (
        f"{{% if value_json.{kind} in [{listed}] %}}"
        "{% set last = this.attributes.get('time') if this is defined and this else none %}"
        "{% set age = as_timestamp(last, 0) - as_timestamp(value_json.time) %}"
        f"{{% set same = age == 0 and this.attributes.get('event_type') == value_json.{kind} %}}"
        f"{{% if not (0 < age < {REPEATED_WITHIN} or same) %}}"
        f"{{{{ dict(value_json, event_type=value_json.{kind}) | to_json }}}}"
        "{% endif %}{% endif %}"
    )
