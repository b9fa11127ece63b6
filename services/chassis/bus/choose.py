"""The bus that the settings name, and why it cannot do what a service needs, if it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from services.chassis import log
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.bus.port import Bus, Presence
from services.chassis.bus.routes import Channel, carried, routes
from services.chassis.bus.split import NoBus, SplitBus
from services.chassis.bus.sqs.address import is_sqs, parse_sqs
from services.chassis.settings import NO_STATE_BUS, ChassisSettings

_log = log.get(__name__)
_STATE_BUS = "BOARDCAST_STATE_BUS_URL"


def refusal(settings: ChassisSettings, name: str, table: Sequence[Channel]) -> str | None:
    """Why service *name* cannot run over the bus of *settings*, in one sentence that says what to set; or None."""
    if not is_sqs(settings.bus_url):
        return None
    own = [channel for channel in table if name in (*channel.readers, *channel.publishers)]
    if not own:
        return f"{name} declares no channels, and SQS carries only what is declared: set BOARDCAST_BUS_URL to mqtt://…"
    left = [channel.name for channel in own if not carried(channel)]
    if settings.state_bus_url is None and left:
        return (
            f"SQS cannot carry {', '.join(left)}: set {_STATE_BUS} to an MQTT broker that does, mqtt://host[:port], "
            f"or to {NO_STATE_BUS} to do without"
        )
    heard = [channel for channel in own if name in channel.readers]
    if settings.state_bus_url == NO_STATE_BUS and heard and not any(map(carried, heard)):
        return f"{name} would hear nothing, SQS cannot carry {', '.join(c.name for c in heard)}: set {_STATE_BUS}"
    try:
        for route in routes(table, settings.topic_root):
            parse_sqs(settings.bus_url).queue(route.filter, route.reader)
    except ValueError as error:
        return str(error)
    if find_spec("boto3") is None:
        return "BOARDCAST_BUS_URL says sqs:// and boto3 is not installed: install boardcast[sqs]"
    return None


def make_bus(settings: ChassisSettings, name: str, presence: Presence, table: Sequence[Channel] = ()) -> Bus:
    """The bus that the settings name. *table* is the service's own declaration of channels."""
    if not is_sqs(settings.bus_url):
        return _mqtt(settings, settings.bus_url, name, presence)
    from services.chassis.bus.sqs.bus import SqsBus, SqsOptions  # boto3 is an extra, and slow to import

    ways = routes(table, settings.topic_root)
    carrying = SqsBus(SqsOptions(parse_sqs(settings.bus_url), reader=name, routes=ways, endpoint=settings.sqs_endpoint))
    if settings.state_bus_url is None or settings.state_bus_url == NO_STATE_BUS:
        _say_what_is_left_out(name, table)
        return SplitBus(carrying, NoBus(), ways)
    return SplitBus(carrying, _mqtt(settings, settings.state_bus_url, name, presence), ways)


def _say_what_is_left_out(name: str, table: Sequence[Channel]) -> None:
    left = [channel for channel in table if not carried(channel)]
    _log.warning(
        f"{_STATE_BUS} is {NO_STATE_BUS}: states and events are in the log and in `health` only",
        not_published=[channel.name for channel in left if name in channel.publishers],
        not_heard=[channel.name for channel in left if name in channel.readers],
    )


def _mqtt(settings: ChassisSettings, url: str, name: str, presence: Presence) -> MqttBus:
    """Under a client id that is fixed for topic root and service."""
    password = settings.bus_password
    return MqttBus(
        MqttOptions(
            addresses=parse_addresses(url),
            client_id=f"{settings.topic_root.replace('/', '-')}-{name}",
            username=settings.bus_username,
            password=password.get_secret_value() if password is not None else None,
            ca_file=str(settings.bus_ca_file) if settings.bus_ca_file else None,
            presence=presence,
        )
    )
