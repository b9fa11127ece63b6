"""Services that are broken on purpose: what the guarantee rests on, taken out of the source as it is imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "CHAOS_MUTATION"
_PATH = Path(__file__).parent / "path"

Change = tuple[str, str, str]
"""Module, what stands there exactly once, and what is read instead."""

_SENDER, _CONSUMER = "services.chassis.link.sender", "services.chassis.link.consumer"
_JOURNAL, _JOBS = "services.octo_bridge.journal", "services.octo_bridge.handlers_jobs"

MUTATIONS: dict[str, tuple[Change, ...]] = {
    "resend_off": (
        (_SENDER, "for row in self._outbox.rows(self._receipted, 1):", "for row in self._outbox.rows(0, 0):"),
        (_SENDER, "self._cursor = self._receipted\n        self._agreed", "pass\n        self._agreed"),
        (_SENDER, "self._gap_seen = (upto, now)\n        self._cursor = upto", "self._gap_seen = (upto, now)"),
        (_SENDER, "self._go_back(self._receipted)\n", "pass\n"),
    ),
    "sequence_check_off": (
        (_CONSUMER, "if frame.seq <= place.last:", "if frame.seq < 0:"),
        (_CONSUMER, "if frame.seq > place.last + 1:", "if frame.seq < 0:"),
        (_CONSUMER, "if frame.digest != digest(place.digest,", "if not digest(place.digest,"),
    ),
    "receipt_before_commit": (
        (_CONSUMER, "            receipts.clear()\n", "            pass\n"),
    ),
    # OctoPrint's refusal of a name that it has stands behind it, and goes too.
    "sending_after_the_post": (
        ("services.octo_bridge.octoprint", '"noOverwrite": "true"', '"noOverwrite": "false"'),
        (_JOURNAL, "return job.phase.value, job.attempt,",
         "return 'accepted' if job.phase is Phase.SENDING else job.phase.value, job.attempt,"),
    ),
    "latch_after_the_call": (
        (_JOURNAL, "(_KEPT.dump_json(after.kept).decode(),)",
         "(_KEPT.dump_json(after.kept if before is None else "
         "replace(after.kept, latch=before.kept.latch, latch_reason=before.kept.latch_reason)).decode(),)"),
    ),
    "epoch_ignored": (
        (_JOBS, "if job.run.epoch != m.kept.epoch:\n        return True", "if job.run.epoch < 0:\n        return True"),
    ),
}  # fmt: skip


def environment(name: str) -> Mapping[str, str]:
    """What a service has to be started with to be this mutant. Raises KeyError."""
    if name not in MUTATIONS:
        raise KeyError(f"no mutation {name}; there are {', '.join(MUTATIONS)}")
    return {VARIABLE: name, "PYTHONPATH": str(_PATH)}


def mutate(name: str, module: str, source: str) -> str:
    """The source of *module* as the mutant has it. Raises ValueError when there is nothing to change any more."""
    for where, old, new in MUTATIONS[name]:
        if where != module:
            continue
        if source.count(old) != 1:
            raise ValueError(f"{name}: {old!r} stands {source.count(old)} times in {module}")
        source = source.replace(old, new)
    return source
