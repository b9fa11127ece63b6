"""Mosquitto's access list, written from the table of topics: who may publish and who may read what.

Mosquitto grants every subscription and filters what is delivered, so that `read` lines are about delivery.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from contracts.channels import CHANNELS, SERVICES, Channel, Party

_PARAMETER = re.compile(r"{[^}]*}")


def access_list(root: str, prefix: str = "homeassistant", status: str = "homeassistant/status") -> str:
    """The text of the access list below topic root *root*; *prefix* and *status* are Home Assistant's.

    Raises ValueError where the operator, who may do everything below the prefix, could speak for a service.
    """
    if f"{root}/".startswith(f"{prefix}/"):
        raise ValueError(
            f"the topic root '{root}' lies below Home Assistant's prefix '{prefix}', where its credential may publish "
            "everything, the services' links too: set BOARDCAST_TOPIC_ROOT to something beside it"
        )
    parts = ["# Written from contracts/channels.py by the init container; changes are lost."]
    for party in Party:
        parts += ["", f"user {party.value}", *rules(party, root), *_discovery(party, prefix, status)]
    return "\n".join([*parts, ""])


def topics_of(settings: Mapping[str, str]) -> tuple[str, str, str]:
    """The topic root, and Home Assistant's prefix and status: as *settings* say, or as the services take it."""
    return (
        settings.get("BOARDCAST_TOPIC_ROOT") or "boardcast",
        settings.get("BOARDCAST_HOME_ASSISTANT_PREFIX") or "homeassistant",
        settings.get("BOARDCAST_HOME_ASSISTANT_STATUS") or "homeassistant/status",
    )


def rules(party: Party, root: str) -> Iterator[str]:
    """The lines of one credential."""
    for channel in CHANNELS:
        writes, reads = party in channel.publishers, party in channel.readers
        if not writes and not reads:
            continue
        if not channel.parameters:
            yield f"topic {_word(writes, reads)} {channel.topic(root)}"
            continue
        for foreign in _covered(channel):
            if party not in (*foreign.publishers, *foreign.readers):
                yield f"topic deny {foreign.topic(root)}"
        if writes and _own(channel, party) != channel.filter(root):
            yield f"topic write {_own(channel, party, root)}"
            writes = False
        if writes or reads:
            yield f"topic {_word(writes, reads)} {channel.filter(root)}"


def _own(channel: Channel, party: Party, root: str = "x") -> str:
    """What *party* publishes: of a row for every service, its own topic only."""
    if channel.parameters == ("service",):
        return channel.topic(root, service=party.value)
    return channel.filter(root)


def _covered(wide: Channel) -> Iterator[Channel]:
    """Rows of their own that the filter of *wide* covers too: `printer/+/state` also matches `printer/ender/state`."""
    pattern = re.compile(_PARAMETER.sub("[^/]+", wide.address))
    return (channel for channel in CHANNELS if not channel.parameters and pattern.fullmatch(channel.address))


def _word(writes: bool, reads: bool) -> str:
    return "readwrite" if writes and reads else "write" if writes else "read"


def _discovery(party: Party, prefix: str, status: str) -> Iterator[str]:
    """Services announce their devices to Home Assistant, which the operator's credential is for."""
    if party in SERVICES:
        yield f"topic write {prefix}/device/+/config"
        yield f"topic read {status}"
    elif party is Party.OPERATOR:
        yield f"topic readwrite {prefix}/#"
        if not status.startswith(f"{prefix}/"):
            yield f"topic readwrite {status}"
