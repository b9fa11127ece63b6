"""Printers as owners write them, and what is said to those who write them wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.runner import main
from services.chassis.settings import BadSettings, load
from services.rex_bridge.__main__ import DEFINITION
from services.rex_bridge.settings import PrinterAddress, RexBridgeSettings, parse_address, parse_printers

REX = PrinterAddress("rex", "192.168.1.50")
REX2 = PrinterAddress("rex2", "printer.lan", 8900)


@pytest.mark.parametrize(
    "text",
    [
        "rex=192.168.1.50, rex2=printer.lan:8900",
        "rex = 192.168.1.50:8899,rex2=printer.lan:8900,",
        '{"rex": "192.168.1.50", "rex2": "printer.lan:8900"}',
        '[{"id": "rex", "address": "192.168.1.50"}, {"id": "rex2", "address": "printer.lan:8900"}]',
    ],
)
def test_printers(text: str) -> None:
    assert parse_printers(text) == (REX, REX2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("192.168.1.50", "cannot name a printer"),
        ("Rex=192.168.1.50", "cannot name a printer"),
        ("ender=192.168.1.50", "behind OctoPrint"),
        ("board=192.168.1.50", "the board itself"),
        ("rex=1.2.3.4,rex=1.2.3.5", "two printers are called 'rex'"),
        ("rex=1.2.3.4,rex2=1.2.3.4:8899", "have the same address"),
        ("rex=printer.lan,rex2=Printer.LAN", "have the same address"),
        ("rex=", "is no address"),
        ("rex=http://printer", "is no address"),
        ("rex=printer:0", "is no address"),
        ("rex=printer:99999", "is no address"),
        ("{", "no JSON"),
        ("[1]", "made of objects"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_printers(text)


def test_addresses() -> None:
    assert parse_address("[fe80::1]:9000") == PrinterAddress("probe", "fe80::1", 9000)
    assert parse_address("[::1]").address == "[::1]:8899"
    assert repr(REX2) == "rex2=printer.lan:8900"


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    monkeypatch.setenv("BOARDCAST_REX_PRINTERS", "rex=192.168.1.50")
    monkeypatch.setenv("BOARDCAST_REX_API_TOKEN_FILE", str(token))
    found = load(RexBridgeSettings)
    assert found.rex_printers == (REX,)
    assert found.rex_api_token is not None
    assert found.rex_api_token.get_secret_value() == "secret"
    monkeypatch.setenv("BOARDCAST_REX_PRINTERS", "rex=")
    with pytest.raises(BadSettings, match=r"BOARDCAST_REX_PRINTERS: .*is no address"):
        load(RexBridgeSettings)


def test_check_masks_the_token_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BOARDCAST_REX_PRINTERS", raising=False)
    monkeypatch.setenv("BOARDCAST_REX_API_TOKEN", "secret")
    assert main(DEFINITION, ["check"]) == 1
    assert "missing: BOARDCAST_REX_PRINTERS" in capsys.readouterr().out
    monkeypatch.setenv("BOARDCAST_REX_PRINTERS", "rex=192.168.1.50")
    assert main(DEFINITION, ["check"]) == 0
    said = capsys.readouterr().out
    assert "rex=192.168.1.50:8899" in said
    assert "secret" not in said
