"""`python -m services.notifier [run|check|health|test]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from contracts import channels
from services.chassis.runner import Command, Definition, main
from services.notifier.notices import Notice
from services.notifier.service import NAME, Notifier, presence
from services.notifier.settings import NotifierSettings
from services.notifier.targets import Target

TEST = Notice("Boardcast: a test", "Notices of printers and of the board will look like this.")


def test(settings: NotifierSettings, _: Sequence[str]) -> int:
    """Send a test message to every target; exit code 1 if one of them does not take it, 2 without targets."""
    missing = settings.missing()
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 2
    results = {target.name: target.deliver(TEST) for target in (Target(url) for url in settings.urls)}
    for name, delivered in results.items():
        print(f"{'delivered' if delivered else 'FAILED   '}  {name}")
    return 0 if all(results.values()) else 1


DEFINITION = Definition(
    name=NAME,
    about="Sends notices about printers and the board to Discord, Telegram and whatever else apprise knows.",
    settings=NotifierSettings,
    schemas=(),
    presence=presence,
    build=Notifier,
    commands={"test": Command("send a test message to every target", test)},
    channels=channels.CHANNELS,
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
