"""The one place that knows every source; each is imported only when it is chosen, because a platform's is heavy."""

from __future__ import annotations

from services.chassis.bus.port import Bus
from services.chat_ingest.settings import ChatIngestSettings, SourceName
from services.chat_ingest.sources.port import Source


def choose(settings: ChatIngestSettings, bus: Bus) -> Source:
    """The source that the settings name; opens nothing yet."""
    match settings.chat_source:
        case SourceName.NONE:
            from services.chat_ingest.sources.none import NoSource

            return NoSource()
        case SourceName.SIMULATED:
            from services.chat_ingest.sources.simulated import SimulatedSource

            return SimulatedSource(settings.chat_rate, settings.chat_seed)
        case SourceName.TWITCH:
            from services.chat_ingest.sources.twitch.source import TwitchSource

            return TwitchSource(settings)
        case SourceName.FILE:
            from services.chat_ingest.sources.file import FileSource

            assert settings.chat_file is not None
            return FileSource(settings.chat_file, settings.chat_file_speed)
        case SourceName.MQTT:
            from services.chat_ingest.sources.mqtt import MqttSource

            return MqttSource(bus, settings.topic_root)
