"""Settings from the environment and from files; secrets stay secret; an error names the setting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import Field, SecretStr, model_validator

from services.chassis.bus.address import Address, parse_addresses
from services.chassis.settings import BadSettings, ChassisSettings, describe, load


class Settings(ChassisSettings):
    """A service's own."""

    octoprint_api_key: SecretStr | None = Field(default=None, description="Key.")
    names: list[str] = Field(default=[], description="A list.")
    speed: int = Field(default=1, ge=1, description="A number.")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("BOARDCAST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nothing_has_to_be_set() -> None:
    settings = load(Settings)
    assert (settings.bus_url, settings.topic_root, settings.missing()) == ("mqtt://localhost:1883", "boardcast", [])


def test_a_secret_comes_from_the_environment_or_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOARDCAST_BUS_PASSWORD", "from env")
    (tmp_path / "key").write_text("from file\n")
    monkeypatch.setenv("BOARDCAST_OCTOPRINT_API_KEY_FILE", str(tmp_path / "key"))
    settings = load(Settings)
    assert settings.bus_password == SecretStr("from env")
    assert settings.octoprint_api_key == SecretStr("from file")
    shown = "\n".join(describe(settings))
    assert "from" not in shown
    assert "from" not in repr(settings)
    assert "BOARDCAST_OCTOPRINT_API_KEY=********" in shown


def test_the_environment_is_stronger_than_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "root").write_text("of-file")
    monkeypatch.setenv("BOARDCAST_TOPIC_ROOT_FILE", str(tmp_path / "root"))
    assert load(Settings).topic_root == "of-file"
    monkeypatch.setenv("BOARDCAST_TOPIC_ROOT", "of-environment")
    assert load(Settings).topic_root == "of-environment"


def test_lists_come_from_files_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "names").write_text('["a", "b"]')
    monkeypatch.setenv("BOARDCAST_NAMES_FILE", str(tmp_path / "names"))
    assert load(Settings).names == ["a", "b"]


def test_a_file_with_something_else_than_a_list_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "names").write_text("hunter2")
    monkeypatch.setenv("BOARDCAST_NAMES_FILE", str(tmp_path / "names"))
    with pytest.raises(BadSettings, match=r"BOARDCAST_NAMES_FILE .* written as JSON") as caught:
        load(Settings)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TOPIC_ROOT", "Große/Bühne", "BOARDCAST_TOPIC_ROOT: "),
        ("TOPIC_ROOT", "a/#", "BOARDCAST_TOPIC_ROOT: "),
        ("SPEED", "fast", "BOARDCAST_SPEED: "),
        ("LOG_LEVEL", "loud", "BOARDCAST_LOG_LEVEL: "),
        ("NAMES", "a, b", "names.* lists and tables are written as JSON"),
        ("BUS_URL", "localhost", "BOARDCAST_BUS_URL: .*use mqtt://"),
        ("BUS_URL", ",", "BOARDCAST_BUS_URL: .*no broker address"),
        ("OCTOPRINT_API_KEY_FILE", "/nowhere", "BOARDCAST_OCTOPRINT_API_KEY_FILE names /nowhere, which cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    monkeypatch.setenv(f"BOARDCAST_{name}", value)
    with pytest.raises(BadSettings, match=f"(?s){expected}"):
        load(Settings)


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDCAST_SPEED", "0")
    monkeypatch.setenv("BOARDCAST_LOG_LEVEL", "loud")
    with pytest.raises(BadSettings) as caught:
        load(Settings)
    assert len(str(caught.value).splitlines()) == 2


class _Pair(ChassisSettings):
    """Two that have to fit together."""

    low: int = Field(default=1, description="Low.")

    @model_validator(mode="after")
    def _fit(self) -> _Pair:
        raise ValueError("BOARDCAST_LOW is above BOARDCAST_HIGH")


def test_what_is_wrong_with_several_together_is_said_in_plain_words() -> None:
    with pytest.raises(BadSettings) as caught:
        load(_Pair)
    assert str(caught.value) == "BOARDCAST_LOW is above BOARDCAST_HIGH"


def test_an_empty_file_is_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    monkeypatch.setenv("BOARDCAST_OCTOPRINT_API_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(BadSettings, match="which is empty"):
        load(Settings)


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://me:hunter2@broker", "mqtt:/me:hunter2@broker", "me:hunter2@broker:1883", "mqtt://me:hun#ter2@broker",
        "mqtt://broker,mqtt://me:hunter2@other", "mqtt://me:hun,ter2@broker",
    ],
)  # fmt: skip
def test_a_password_in_an_address_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("BOARDCAST_BUS_URL", url)
    with pytest.raises(BadSettings, match="BUS_PASSWORD instead") as caught:
        load(Settings)
    assert "hun" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("BUS_URL", "sqs://AKIA1:hunter2@eu-central-1/p"), ("BUS_URL", "sqs://AKIA1:hunter2@"),
     ("SQS_ENDPOINT", "http://AKIA1:hunter2@localhost:4566")],
)  # fmt: skip
def test_keys_in_an_address_of_sqs_are_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BOARDCAST_{name}", value)
    with pytest.raises(BadSettings, match="AWS_SECRET_ACCESS_KEY instead") as caught:
        load(Settings)
    assert "AKIA1" not in str(caught.value)
    assert "hun" not in str(caught.value)


def test_addresses_are_tried_in_the_order_in_which_they_are_written() -> None:
    found = parse_addresses(" mqtt://a , mqtts://b/ ,mqtt://[::1]:1884,")
    assert found == (Address("a", 1883), Address("b", 8883, tls=True), Address("::1", 1884))


@pytest.mark.parametrize(
    "text", ["", "http://a", "mqtt://", "mqtt://a:99999", "mqtt://a:x", "mqtt://a/path", "mqtt://a?x=1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"broker address|behind the port"):
        parse_addresses(text)
