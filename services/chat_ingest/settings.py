"""Settings of chat_ingest."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr

from services.chassis.discovery.settings import DiscoverySettings


class SourceName(StrEnum):
    """Where chat comes from."""

    NONE = "none"
    SIMULATED = "simulated"
    TWITCH = "twitch"
    FILE = "file"
    MQTT = "mqtt"


class ChatIngestSettings(DiscoverySettings):
    """What chat_ingest is told."""

    chat_source: SourceName = Field(
        default=SourceName.NONE, description="Where chat comes from: none, simulated, twitch, file, mqtt."
    )
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
    chat_file: Path | None = Field(default=None, description="Chat from a file: a recording, one JSON body a line.")
    chat_file_speed: float = Field(
        default=1.0, ge=0, description="Chat from a file: so many times as fast as it was; 0 is as fast as possible."
    )
    chat_record: Path | None = Field(default=None, description="File to which everything that is heard is appended.")
    chat_record_names: bool = Field(
        default=False,
        description="Record user ids and names as they are; otherwise hashed, the same for the same user.",
    )
    twitch_channel: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_]{1,25}$", description="Twitch: login name of the channel to listen to."
    )
    twitch_client_id: str | None = Field(default=None, description="Twitch: client id of the registered application.")
    twitch_client_secret: SecretStr | None = Field(
        default=None, description="Twitch: client secret, for a confidential application only."
    )
    twitch_token: SecretStr | None = Field(
        default=None, description="Twitch: a user's access token, instead of `login`."
    )
    twitch_refresh_token: SecretStr | None = Field(default=None, description="Twitch: what renews TWITCH_TOKEN.")
    twitch_only_live: bool = Field(default=False, description="Twitch: take messages only while the stream is live.")
    twitch_reward: str | None = Field(
        default=None, description="Twitch: title of a channel-point reward whose text counts as a message."
    )
    twitch_eventsub_url: str | None = Field(default=None, description="Another server than Twitch's, for tests: ws://…")
    twitch_api_url: str | None = Field(default=None, description="The same for the API: http://…/helix")
    twitch_id_url: str | None = Field(default=None, description="The same for logins: http://…")

    def missing(self) -> list[str]:
        """What the chosen source needs. A login is not among it: without one the service runs and says what to do."""
        if self.chat_source is SourceName.FILE and self.chat_file is None:
            return ["BOARDCAST_CHAT_FILE: the recording to replay"]
        if self.chat_source is not SourceName.TWITCH:
            return []
        lines = []
        if self.twitch_channel is None:
            lines.append("BOARDCAST_TWITCH_CHANNEL: the login name of the channel, as in its address on twitch.tv")
        if self.twitch_client_id is None:
            lines.append("BOARDCAST_TWITCH_CLIENT_ID: register an application at dev.twitch.tv (docs/twitch.md)")
        urls = (self.twitch_eventsub_url, self.twitch_api_url, self.twitch_id_url)
        if any(urls) and not all(urls):
            lines.append("BOARDCAST_TWITCH_EVENTSUB_URL, …_API_URL and …_ID_URL: set all three or none")
        return lines
