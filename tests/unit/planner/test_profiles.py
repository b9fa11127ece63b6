"""Profiles: the one that ships says what the program takes without one, and a wrong one is refused with reasons."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.profile import Profile
from services.planner.profiles import BadProfile, ProfileFile, read_profile
from services.planner.settings import PlannerSettings
from tests.unit.planner.bench import Bench
from tests.unit.planner.test_chat import said
from tests.unit.planner.test_words import reply

SHIPPED = Path(__file__).parents[3] / "deploy" / "profiles" / "ender3pro.toml"


def test_the_shipped_profile_is_the_default() -> None:
    assert read_profile(SHIPPED) == ProfileFile()
    assert ProfileFile().profile() == Profile()
    assert ProfileFile().geometry() == BoardGeometry()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[machine]\nbed = 3", "machine.bed"),
        ("[board]\nsize = 300", "does not fit"),
        ("[board]\norigin_x = 1\norigin_y = 1", "where Z homes"),
        ("[board]\nsquares = 1", "board.squares"),
        ("[board]\nsquares = 26\nsize = 100", "leave no line"),
        ("[heights]\nmost = 0.1", "less than one layer"),
        ("[purge]\nlength = 200\n[machine]\npark_x = 225\npark_y = 100", "no room for a purge"),
        ("[board]\nrotation = 45", "board.rotation"),
        ("[machine]\npark_x = 236", "beside the bed"),
        ("[machine]\npark_y = 999", "beside the bed"),
        ("[machine]\npark_x = 100\npark_y = 100", "on the board"),
        ("[nozzle", "cannot be read"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadProfile, match=reason):
        read_profile(path).geometry()
    with pytest.raises(ValueError, match=reason):
        PlannerSettings(profile=path)


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text("[machine]\nbed_x = -1\n[filament]\ndiameter = 9", encoding="utf-8")
    with pytest.raises(BadProfile) as caught:
        read_profile(path)
    assert "machine.bed_x" in str(caught.value)
    assert "filament.diameter" in str(caught.value)
    path.write_text("[machine]\npark_x = 999\nhoming_corner = 18\n[heights]\nmost = 0.1", encoding="utf-8")
    with pytest.raises(BadProfile) as caught:
        read_profile(path).geometry()
    assert [line.split()[0] for line in str(caught.value).splitlines()] == ["the", "the", "heights.most"]


def test_squares_can_be_set_beside_the_profile() -> None:
    settings = PlannerSettings(profile=SHIPPED, board_squares=10, board_size=100, board_origin_x=20, board_origin_y=30)
    assert settings.machine().geometry() == BoardGeometry(10, 100, 20, 30)
    with pytest.raises(ValueError, match="does not fit"):
        PlannerSettings(board_size=230)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BadProfile, match=r"nowhere\.toml"):
        read_profile(Path("nowhere.toml"))


@pytest.mark.parametrize("setting", ["chat_too_old", "cooldown_user", "cooldown_all", "boards_kept"])
def test_a_number_that_no_clock_and_no_database_holds_is_refused(setting: str) -> None:
    for number in (10**20, math.inf):
        with pytest.raises(ValidationError, match=setting):
            PlannerSettings.model_validate({"data_dir": Path("unused"), setting: number})
    bench = Bench(**{setting: 86400}).ready()
    assert reply(bench, said("a1 h8")).startswith("a1 to h8 is number")
    assert bench.command("new_board").event == "done"
