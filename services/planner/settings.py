"""Settings of the planner."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from services.chassis.discovery.settings import DiscoverySettings
from services.planner.grammar import renamed
from services.planner.profiles import ProfileFile, read_profile
from services.planner.rules import Rules


class UncertainPolicy(StrEnum):
    """What becomes of a move of which nobody knows whether it was drawn."""

    HOLD = "hold"
    REDRAW = "redraw"
    SKIP = "skip"


class PlannerSettings(DiscoverySettings):
    """What the planner is told."""

    profile: Path | None = Field(
        default=None,
        description="TOML file of machine and board; deploy/profiles/ender3pro.toml is what holds without one.",
    )
    board_squares: int | None = Field(default=None, ge=2, le=26, description="Squares a side, if not the profile's.")
    board_size: float | None = Field(default=None, gt=0, le=1000, description="Its width in mm, if not the profile's.")
    board_origin_x: float | None = Field(default=None, ge=0, description="Its left edge in mm, if not the profile's.")
    board_origin_y: float | None = Field(default=None, ge=0, description="Its front edge in mm, if not the profile's.")
    board_full_below: float = Field(
        default=0.7, ge=0, le=1, description="Mean drawn share of the last 20 lines under which the board is full."
    )
    board_lines: int = Field(default=500, ge=1, le=2000, description="After so many lines the board is full.")
    boards_kept: int = Field(
        default=0, ge=0, le=10**9, description="Finished boards whose history is kept; 0 keeps all."
    )
    dry_run: bool = Field(
        default=False,
        description="Rehearse: move 10 mm above the bed, cold, without filament; nothing is marked as drawn.",
    )
    board_image: int = Field(
        default=600, ge=0, le=2000, description="Pixels a side of the picture on board/image; 0 draws none."
    )
    waiting_per_user: int = Field(default=3, ge=1, description="Most moves of one viewer that wait.")
    waiting_operator: int = Field(default=300, ge=1, description="Most moves without a user, from MQTT, that wait.")
    waiting_total: int = Field(default=500, ge=1, le=5000, description="Most moves that wait in all.")
    prefix_only: bool = Field(default=False, description="In chat only `!draw a1 h8` is a move, not a bare `a1 h8`.")
    chat_words: dict[str, str] = Field(
        default_factory=dict,
        description='More words for chat, as JSON: {"zeichne": "draw", "hilfe": "help"} makes !zeichne mean !draw.',
    )
    cooldown_user: int = Field(default=5, ge=0, le=86400, description="Seconds between two moves of one viewer.")
    cooldown_all: int = Field(default=0, ge=0, le=86400, description="Seconds between two moves of any viewers.")
    reply_accepted: bool = Field(default=True, description="Answer accepted moves in chat too, not only refused ones.")
    chat_too_old: float = Field(
        default=120.0, gt=0, le=86400, description="Seconds after which a chat message asks in vain."
    )
    disk_least_mb: int = Field(default=100, ge=0, description="With less free disk, in MB, no moves are accepted.")
    uncertain_policy: UncertainPolicy = Field(
        default=UncertainPolicy.HOLD,
        description="hold waits for `resolve`; redraw or skip settles an uncertain move at once.",
    )

    @field_validator("chat_words")
    @classmethod
    def _as_they_are_compared(cls, words: dict[str, str]) -> dict[str, str]:
        return renamed(words)

    @model_validator(mode="after")
    def _machine_can_be(self) -> PlannerSettings:
        self.machine().geometry()
        return self

    def machine(self) -> ProfileFile:
        """The profile, with what is set beside it. Raises ValueError with reasons."""
        profile = read_profile(self.profile)
        beside = {
            "squares": self.board_squares,
            "size": self.board_size,
            "origin_x": self.board_origin_x,
            "origin_y": self.board_origin_y,
        }
        board = profile.board.model_copy(update={key: value for key, value in beside.items() if value is not None})
        return profile.model_copy(update={"board": board})

    def rules(self) -> Rules:
        """The rules of the game before anybody has changed one with ``set``."""
        return Rules(
            waiting_per_user=self.waiting_per_user,
            waiting_operator=self.waiting_operator,
            waiting_total=self.waiting_total,
            cooldown_user=self.cooldown_user,
            cooldown_all=self.cooldown_all,
            prefix_only=self.prefix_only,
            reply_accepted=self.reply_accepted,
        )
