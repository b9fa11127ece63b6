"""How the position is found again without dragging the nozzle through plastic."""

from __future__ import annotations

from services.octo_bridge.settings import BridgeSettings, ZHoming

STEPPERS_HOLD = 7200
"""Seconds. The firmware's own 120 s would lose the position silently between two moves."""


def homing(settings: BridgeSettings) -> tuple[str, ...]:
    """Lift, home X and Y, home Z, then see to it that the position is kept.

    The lift is relative because no axis is known; it is the only relative move that is ever sent. `M84 S` is never 0:
    Marlin 2.0 refreshes M85's timer only while a stepper time-out is set.
    """
    return (
        "G91",
        f"G1 Z{settings.recovery_lift:g} F300",
        "G90",
        "G28 X Y",
        "G28 Z",
        *(("M420 S1",) if settings.bed_mesh else ()),
        "M211 S1",
        f"G1 Z{settings.recovery_lift:g} F300",
        f"M84 S{STEPPERS_HOLD}",
        *((f"M85 S{settings.dead_man:g}",) if settings.dead_man else ()),
    )


def obstacle(settings: BridgeSettings, *, bare: bool) -> str | None:
    """Why homing must not happen now, None when it may.

    A switch homes Z in the corner (0, 0), which the validator keeps clear; a probe touches the plate in its middle.
    """
    if settings.z_homing is ZHoming.PROBE and not bare:
        return (
            "the position is lost and the probe would touch what is drawn; "
            "clear the plate and send confirm_empty to board/command"
        )
    return None


def parking(settings: BridgeSettings, z: float) -> tuple[str, ...]:
    """Lift from height *z* (mm) and go to the park position."""
    height = min(z + settings.park_lift, settings.z_most)
    return ("G90", f"G1 Z{height:.2f} F300", f"G1 X{settings.park_x:g} Y{settings.park_y:g} F6000")
