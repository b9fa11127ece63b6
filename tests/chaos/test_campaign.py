"""A short campaign of every day: one fault of each of many kinds, and every promise is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.faults import sequence

SEED, FAULTS = 2, 10
KINDS = ("kill", "freeze", "serial_drop", "http_reset_before", "http_503", "net_cut")


@pytest.mark.timeout(240)
def test_a_short_campaign_keeps_every_promise(tmp_path: Path) -> None:
    result = Campaign(tmp_path, SEED).run(sequence(SEED, FAULTS, KINDS))
    again = f"make chaos SEED={SEED} FAULTS={FAULTS} KINDS={','.join(KINDS)}"
    assert result.verdicts == [], f"{again}; logs and databases: {tmp_path}"
    assert result.figures["unrecovered"] == [], f"{again}; logs and databases: {tmp_path}"
    assert len(result.story.struck) == FAULTS
