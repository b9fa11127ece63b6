"""What octo_bridge is told. Its limits are its own: no plan can widen them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr, field_validator, model_validator

from services.chassis.discovery.settings import DiscoverySettings

VIRTUAL = "VIRTUAL"
"""OctoPrint's name for the port of its Virtual Printer: the only one that can hurt nobody."""


class ZHoming(StrEnum):
    """What finds Z = 0: a switch in the corner (0, 0), or a probe that touches the plate."""

    SWITCH = "switch"
    PROBE = "probe"


class BridgeSettings(DiscoverySettings):
    """Temperatures in °C, lengths in mm, durations in s unless a name says otherwise."""

    octoprint_url: str | None = Field(default=None, description="OctoPrint, for example http://192.168.1.20.")
    octoprint_api_key: SecretStr | None = Field(
        default=None, description="API key of an OctoPrint user of its own, in the group Admins (to read the log)."
    )
    printer_ports: str = Field(
        default=VIRTUAL,
        description=(
            "Ports of OctoPrint that may be driven, comma-separated, the first that is there is opened. A real printer "
            "only moves when its owner names its port here, for example /dev/ttyUSB0, and `doctor` has passed for it."
        ),
    )
    nozzle: float = Field(default=205, ge=170, le=300, description="Nozzle while drawing; PLA.")
    bed: float = Field(default=60, ge=0, le=120, description="Bed while drawing.")
    standby_nozzle: float = Field(default=150, ge=0, le=170, description="Nozzle in standby; the bed stays hot.")
    nozzle_cap: float = Field(default=230, ge=0, le=300, description="The nozzle is never asked for more.")
    bed_cap: float = Field(default=70, ge=0, le=120, description="The bed is never asked for more.")
    temperature_tolerance: float = Field(default=5, gt=0, le=10, description="No job starts colder than target - this.")
    standby_after: float = Field(default=120, gt=0, description="Without motion so long: standby.")
    heaters_off_after: float = Field(default=1800, gt=0, description="Without motion so long: all heaters off.")
    heat_within: float = Field(default=900, gt=0, description="Not hot after so long: pause, and heaters off.")
    arm_hours: float = Field(default=4, gt=0, description="How long `arm` lasts without an argument, in hours.")
    arm_hours_most: float = Field(default=12, gt=0, description="The longest that can be armed for, in hours.")
    bed_x: float = Field(default=235, gt=0, description="Bed width.")
    bed_y: float = Field(default=235, gt=0, description="Bed depth.")
    z_most: float = Field(default=250, gt=0, description="Height.")
    z_least: float = Field(default=0.2, gt=0, description="No move goes below: one layer.")
    filament_per_mm: float = Field(default=0.1, gt=0, description="Most filament for a mm of travel.")
    filament_per_job: float = Field(default=60, gt=0, description="Most filament extruded by a job.")
    retract_most: float = Field(default=8, gt=0, description="Most filament pulled back or pushed without travel.")
    retract_least: float = Field(
        default=4, gt=0, description="A plan begins and ends with at least so much filament pulled back."
    )
    speed_most: float = Field(default=200, gt=0, description="Fastest feed in a plan, in mm/s.")
    z_homing: ZHoming = Field(default=ZHoming.SWITCH, description="switch: at the corner (0,0); probe: on the plate.")
    z_corner: float = Field(default=12, ge=0, description="Side of the corner at (0,0) where nothing is drawn.")
    recovery_lift: float = Field(default=10, gt=0, le=50, description="Lift before homing.")
    bed_mesh: bool = Field(default=False, description="Switch the stored bed mesh on again after homing (M420 S1).")
    dead_man: float = Field(default=2700, ge=0, description="Firmware's own idle limit (M85) while hot; 0: none.")
    park_x: float = Field(default=5, ge=0, description="Park position.")
    park_y: float = Field(default=225, ge=0, description="Park position.")
    park_lift: float = Field(default=10, gt=0, description="Lift before parking.")
    poll_every: float = Field(default=5, gt=0, description="Polls of OctoPrint while its push socket is alive.")
    poll_every_without_push: float = Field(default=1, gt=0, description="Polls while it is not.")
    upload_timeout: float = Field(default=10, gt=0, description="How long OctoPrint may take for a job file.")
    http_timeout: float = Field(default=5, gt=0, description="How long it may take for anything else.")
    stuck_after: float = Field(
        default=300,
        ge=5,
        description="How long OctoPrint may be busy without getting on before its port is opened anew.",
    )
    connect_back_off: float = Field(default=30, gt=0, description="Longest wait between two connects of the printer.")

    @field_validator("octoprint_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError(f"'{value}' is no address; use http://host[:port]")
        return value.rstrip("/") if value is not None else None

    @field_validator("printer_ports")
    @classmethod
    def _names_ports(cls, value: str) -> str:
        if not any(name.strip() for name in value.split(",")):
            raise ValueError("name at least one port, for example VIRTUAL")
        if any(name.strip().upper() == "AUTO" for name in value.split(",")):
            raise ValueError("AUTO would drive whatever is plugged in; name the port")
        return value

    @property
    def allowed_ports(self) -> tuple[str, ...]:
        """The ports of `printer_ports`, in their order."""
        return tuple(name.strip() for name in self.printer_ports.split(",") if name.strip())

    @model_validator(mode="after")
    def _targets_under_caps(self) -> BridgeSettings:
        if self.nozzle > self.nozzle_cap or self.standby_nozzle > self.nozzle_cap:
            raise ValueError("BOARDCAST_NOZZLE or BOARDCAST_STANDBY_NOZZLE is above BOARDCAST_NOZZLE_CAP")
        if self.bed > self.bed_cap:
            raise ValueError("BOARDCAST_BED is above BOARDCAST_BED_CAP")
        if self.retract_least > self.retract_most:
            raise ValueError("BOARDCAST_RETRACT_LEAST is above BOARDCAST_RETRACT_MOST")
        if self.park_x > self.bed_x or self.park_y > self.bed_y:
            raise ValueError("BOARDCAST_PARK_X or BOARDCAST_PARK_Y is outside the bed")
        return self

    def missing(self) -> list[str]:
        """What OctoPrint cannot be reached without."""
        lines = []
        if self.octoprint_url is None:
            lines.append("BOARDCAST_OCTOPRINT_URL: set it to OctoPrint's address, for example http://192.168.1.20")
        if self.octoprint_api_key is None:
            lines.append(
                "BOARDCAST_OCTOPRINT_API_KEY or BOARDCAST_OCTOPRINT_API_KEY_FILE: make a user for the bridge in "
                "OctoPrint (Settings, Access Control, group Admins) and take its API key"
            )
        return lines
