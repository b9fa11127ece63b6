"""Short campaigns of every day: one fault of each of many kinds, and every promise is kept, before either printer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.faults import sequence

KINDS = ("kill", "freeze", "serial_drop", "http_reset_before", "http_503", "net_cut")


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("printer", "seed", "faults"), [("faithful", 2, 10), ("virtual", 3, 4)])
def test_a_short_campaign_keeps_every_promise(tmp_path: Path, printer: str, seed: int, faults: int) -> None:
    result = Campaign(tmp_path, seed, virtual=printer == "virtual").run(sequence(seed, faults, KINDS))
    again = f"make chaos SEED={seed} FAULTS={faults} KINDS={','.join(KINDS)} PRINTER={printer}"
    assert result.verdicts == [], f"{again}; logs and databases: {tmp_path}"
    assert result.figures["unrecovered"] == [], f"{again}; logs and databases: {tmp_path}"
    assert len(result.story.struck) == faults
