"""How long it takes from the end of a fault to the next drawn move, by kind of fault."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from tests.chaos.story import Story


@dataclass(frozen=True)
class Recovery:
    """The seconds of one kind."""

    kind: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of them took less."""
        return statistics.median(self.seconds)

    @property
    def p90(self) -> float:
        """A tenth took longer."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * 0.9))]


def samples(story: Story) -> list[tuple[str, float]]:
    """Each fault's kind, target and seconds. A fault that another one, or a pause, followed too early is left out."""
    drawn = sorted(file.ended for file in story.files if file.job is not None and file.plastic > 0)
    paused = sorted(word.said for word in story.words if word.word in {"pause", "stop", "cancel", "disarm"})
    found = []
    for index, struck in enumerate(story.struck):
        following = story.struck[index + 1].began if index + 1 < len(story.struck) else story.ended
        end = min([following, *(t for t in paused if t > struck.began)])
        after = next((t for t in drawn if t > struck.ended), None)
        if after is not None and after <= end:
            found.append((f"{struck.kind}:{struck.target}", after - struck.ended))
    return found


def by_kind(found: Iterable[tuple[str, float]]) -> list[Recovery]:
    """Grouped, by name."""
    groups: dict[str, list[float]] = {}
    for kind, seconds in found:
        groups.setdefault(kind, []).append(seconds)
    return [Recovery(kind, tuple(groups[kind])) for kind in sorted(groups)]
