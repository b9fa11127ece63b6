"""Settings of the planner."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, field_validator, model_validator

from services.chassis.discovery.settings import DiscoverySettings
from services.planner.grammar import normalize
from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.profile import Profile
from services.planner.rules import Rules


class UncertainPolicy(StrEnum):
    """What becomes of a move of which nobody knows whether it was drawn."""

    ASK = "ask"
    DRAWN = "drawn"
    SKIP = "skip"


class PlannerSettings(DiscoverySettings):
    """What the planner is told."""

    board_squares: int = Field(default=8, ge=2, le=26, description="The board has so many squares a side.")
    board_size: float = Field(default=200.0, gt=0, le=1000, description="Width of the board in mm.")
    board_origin_x: float = Field(default=17.5, ge=0, description="Left edge of the board on the bed in mm.")
    board_origin_y: float = Field(default=17.5, ge=0, description="Front edge of the board on the bed in mm.")
    board_lines: int = Field(default=500, ge=1, le=2000, description="After so many lines the board is full.")
    waiting_per_user: int = Field(default=3, ge=1, description="Most moves of one viewer that wait.")
    waiting_operator: int = Field(default=300, ge=1, description="Most moves without a user, from MQTT, that wait.")
    waiting_total: int = Field(default=500, ge=1, le=5000, description="Most moves that wait in all.")
    prefix_only: bool = Field(default=False, description="In chat only `!draw a1 h8` is a move, not a bare `a1 h8`.")
    chat_words: dict[str, str] = Field(
        default_factory=dict,
        description='More words for chat, as JSON: {"zeichne": "draw", "hilfe": "help"} makes !zeichne mean !draw.',
    )
    cooldown_user: int = Field(default=5, ge=0, description="Seconds between two moves of one viewer.")
    cooldown_all: int = Field(default=0, ge=0, description="Seconds between two moves of any viewers.")
    reply_accepted: bool = Field(default=True, description="Answer accepted moves in chat too, not only refused ones.")
    chat_too_old: float = Field(default=120.0, gt=0, description="Seconds after which a chat message asks in vain.")
    disk_least_mb: int = Field(default=100, ge=0, description="With less free disk, in MB, no moves are accepted.")
    uncertain_policy: UncertainPolicy = Field(
        default=UncertainPolicy.ASK,
        description="ask waits for `resolve`; drawn or skip settles an uncertain move at once.",
    )

    @field_validator("chat_words")
    @classmethod
    def _as_they_are_compared(cls, words: dict[str, str]) -> dict[str, str]:
        return {normalize(word).removeprefix("!"): meaning.removeprefix("!") for word, meaning in words.items()}

    @model_validator(mode="after")
    def _board_on_bed(self) -> PlannerSettings:
        profile = self.profile()
        self.geometry().check_on_bed(profile.bed_x, profile.bed_y)
        return self

    def geometry(self) -> BoardGeometry:
        """The board on the bed. Raises ValueError when there can be no such board."""
        return BoardGeometry(self.board_squares, self.board_size, self.board_origin_x, self.board_origin_y)

    def profile(self) -> Profile:
        """The machine."""
        return Profile()

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
