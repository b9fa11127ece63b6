"""Settings of chat_ingest."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from services.chassis.discovery.settings import DiscoverySettings


class SourceName(StrEnum):
    """Where chat comes from."""

    NONE = "none"
    SIMULATED = "simulated"


class ChatIngestSettings(DiscoverySettings):
    """What chat_ingest is told."""

    chat_source: SourceName = Field(default=SourceName.NONE, description="Where chat comes from: none, simulated.")
    chat_rate: float = Field(
        default=30.0, ge=0, le=1_000_000, description="Simulated chat: lines a minute in the mean; 0 is silence."
    )
    chat_seed: int = Field(default=1, description="Simulated chat: the same seed says the same lines.")
    chat_stored_most: int = Field(
        default=100_000, ge=1, description="Messages kept for a planner that is away; beyond them one gap is told."
    )
    chat_disk_least: int = Field(
        default=100, ge=0, description="Free disk in MB below which nothing more is stored and a gap is told."
    )
