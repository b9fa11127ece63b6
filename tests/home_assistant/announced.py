"""The services' own tables and states in a Home Assistant, without the services."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts import channels
from contracts.base import Payload
from contracts.board import BoardMove, BoardState, Counts, Plate
from contracts.chat import ChatState
from contracts.moves import MoveState, UserRef
from contracts.printers import EnderState, EnderStatus, Heaters, Latch, Link, RexState, RexStatus
from deploy.simulators.mosquitto import Mosquitto
from services.chassis.discovery.entities import Device, Entity
from services.chassis.discovery.payload import Install, device_payload
from services.chat_ingest import home_assistant as chat
from services.chat_ingest.settings import ChatIngestSettings
from services.octo_bridge import home_assistant as octo
from services.octo_bridge.settings import BridgeSettings
from services.planner import home_assistant as planner
from services.planner.settings import PlannerSettings
from services.rex_bridge import home_assistant as rex
from services.rex_bridge.settings import RexBridgeSettings
from tests.harness.mqtt_probe import MqttProbe

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MOVE = BoardMove(
    move_id="7-42", ordinal=40, state=MoveState.PRINTING, from_square="a1", to_square="h8",
    user=UserRef(source="twitch", id="1", name="Ann"),
)  # fmt: skip
ENDER = EnderState(
    state=EnderStatus.PRINTING, reason=None, link=Link.OK, printer_connected=True, problem=False, armed=True,
    armed_until=AT, latch=Latch.NONE, latch_reason=None, plate=Plate.KNOWN, epoch=3, position_known=True,
    heaters=Heaters.HOT, nozzle_actual=204.6, nozzle_target=205.0, bed_actual=60.1, bed_target=60.0,
    job="3fa9c1d2-7-42-1", move_id="7-42", progress=37.5, elapsed=12, remaining=20, finish_at=AT, z=0.2,
    waiting_jobs=1, firmware="Marlin 2",
)  # fmt: skip
ENDER_UNKNOWN = ENDER.model_copy(
    update={
        "state": EnderStatus.UNKNOWN, "link": Link.UNKNOWN, "heaters": Heaters.UNKNOWN, "latch": Latch.UNKNOWN,
        **dict.fromkeys(("armed_until", "nozzle_actual", "nozzle_target", "bed_actual", "bed_target", "job", "move_id",
                         "progress", "elapsed", "remaining", "finish_at", "z")),
    }
)  # fmt: skip
REX = RexState(
    state=RexStatus.PAUSED, reason=None, nozzle_actual=199.0, nozzle_target=200.0, bed_actual=50.0, bed_target=50.0,
    progress=61.0, job="vase.gx", print_id="p1", layer=10, layers=80, elapsed=60, remaining=600, name="Lab printer",
    model="REX II", firmware="v1.5", serial_number="SN1", light=True, stale=False, last_contact=AT,
)  # fmt: skip
REX_UNKNOWN = REX.model_copy(
    update=dict.fromkeys(set(RexState.model_fields) - {"state", "stale"}) | {"state": RexStatus.UNKNOWN}
)
BOARD = BoardState(
    board=7, plate=Plate.KNOWN, accepting=True, held=False, held_reason=None,
    counts=Counts(waiting=3, planned=1, printing=1, uncertain=0, drawn=39, failed=1, cancelled=2, skipped=4, refused=5),
    current=MOVE, last=MOVE.model_copy(update={"state": MoveState.DRAWN, "move_id": "7-41"}), waiting=(MOVE,),
)  # fmt: skip
BOARD_FRESH = BoardState(
    board=1, plate=Plate.UNKNOWN, accepting=False, held=True, held_reason="say confirm_empty", counts=Counts()
)
CHAT = ChatState(source="simulated", connected=True, since=AT, received=100, waiting=2, gaps=1)
CHAT_DEAF = ChatState(source="none", connected=False, since=None, reason="no chat is configured")


@dataclass(frozen=True)
class Shown:
    """One device of one service, and what is known of it."""

    service: str
    device: Device
    channel: channels.Channel
    full: Payload
    empty: Payload
    parameters: tuple[tuple[str, str], ...] = ()


def shown(root: str) -> tuple[Shown, ...]:
    """Everything that the services announce below *root*."""
    settings = RexBridgeSettings(topic_root=root, rex_set_temperatures=True)
    plate = rex.Plate(REX.name, REX.model, REX.firmware, REX.serial_number)
    hub, ender = octo.table(BridgeSettings(topic_root=root))
    (board,) = planner.table(PlannerSettings(topic_root=root))
    (room,) = chat.table(ChatIngestSettings(topic_root=root))
    # The printers first: nothing may depend on the order in which Home Assistant gets to know them.
    return (
        Shown("rex_bridge", rex.device("rex", settings, plate), channels.REX_STATE, REX, REX_UNKNOWN,
              (("printer", "rex"),)),
        Shown("rex_bridge", rex.hub(settings), channels.REX_STATE, REX, REX_UNKNOWN, (("printer", "rex"),)),
        Shown("octo_bridge", ender, channels.ENDER_STATE, ENDER, ENDER_UNKNOWN),
        Shown("octo_bridge", hub, channels.ENDER_STATE, ENDER, ENDER_UNKNOWN),
        Shown("chat_ingest", room, channels.CHAT_STATE, CHAT, CHAT_DEAF),
        Shown("planner", board, channels.BOARD_STATE, BOARD, BOARD_FRESH),
    )  # fmt: skip


def entity_id(root: str, device: Device, entity: Entity) -> str:
    """The entity id that Home Assistant is asked for."""
    return f"{entity.platform}.{root}_{device.key}_{entity.key}"


@contextmanager
def announced(broker: Mosquitto, root: str) -> Iterator[MqttProbe]:
    """Publish every table with full states; take all of it back at the end."""
    probe = MqttProbe(broker.url, f"{root}/v1")
    probe.start()
    parts = shown(root)
    kept: list[str] = []

    def keep(topic: str, payload: bytes) -> None:
        kept.append(topic)
        publish(probe, topic, payload)

    try:
        for part in parts:
            install = Install(root, part.service, "homeassistant", "0.1", service_topic(root, part.service))
            keep(install.topic(part.device.key), json.dumps(device_payload(part.device, install)).encode())
        say_states(keep, root, parts, full=True)
        yield probe
    finally:
        for topic in kept:
            publish(probe, topic, b"")
        probe.stop()


def publish(probe: MqttProbe, topic: str, payload: bytes) -> None:
    """Publish on a whole topic, retained."""
    # The probe knows topics below its root only; discovery is not below any.
    probe._client.publish(topic, payload, 1, retain=True).wait_for_publish(10)


def say_states(keep: object, root: str, parts: Iterable[Shown], *, full: bool) -> None:
    """Presence of every service and device, and the state of every device."""
    assert callable(keep)
    for part in parts:
        keep(service_topic(root, part.service), b"online")
        for topic in part.device.availability:
            keep(topic, b"online")
        state = part.full if full else part.empty
        keep(part.channel.topic(root, **dict(part.parameters)), state.to_bytes())


def service_topic(root: str, service: str) -> str:
    """Where a service's presence is."""
    return channels.SERVICE_AVAILABILITY.topic(root, service=service)
