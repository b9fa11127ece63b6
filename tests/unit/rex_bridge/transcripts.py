"""Replies as printers were seen to give them, by model."""

from __future__ import annotations

REX = {
    "M115": (
        "CMD M115 Received.\r\nMachine Type: FlashForge Adventurer III\r\nMachine Name: Bresser REX_flashforged\r\n"
        "Firmware: v1.3.7\r\nSN: SNFFREX0001\r\nX: 150 Y: 150 Z: 150\r\nTool Count: 1\r\n"
        "Mac Address:88:A9:00:00:00:01\r\n \r\nok\r\n"
    ),
    "M105": "CMD M105 Received.\r\nT0:52/240 B:46/100\r\nok\r\n",
    "M119": (
        "CMD M119 Received.\r\nEndstop: X-max:1 Y-max:0 Z-max:0\r\nMachineStatus: BUILDING_FROM_SD\r\n"
        "MoveMode: MOVING\r\nStatus: S:1 L:0 J:0 F:0\r\nLED: 0\r\n"
        "CurrentFile: NvidiaV100Fan_eABS+HS@245+10%.gx\r\nok\r\n"
    ),
    "M27": "CMD M27 Received.\r\nSD printing byte 0/100\r\nok\r\n",
}
ADVENTURER_3 = {
    "M105": "CMD M105 Received.\r\nT0:22 /0 B:11/0\r\nok\r\n",
    "M119": (
        "CMD M119 Received.\r\nEndstop: X-max:1 Y-max:0 Z-max:0\r\nMachineStatus: READY\r\nMoveMode: READY\r\n"
        "Status: S:1 L:0 J:0 F:0\r\nok\r\n"
    ),
}
ADVENTURER_4 = {
    "M105": "CMD M105 Received.\r\nT0:104.5/225.0 T1:0.0/0.0 B:51.3/50.0\r\nok\r\n",
    "M27": "CMD M27 Received.\r\nSD printing byte 11/100\r\nLayer: 44/419\r\nok\r\n",
    "M601": "CMD M601 Received.\nok\nControl Success V2.1.\nok\n",
}
CREATOR_4 = {
    "M119": (
        "CMD M119 Received.\r\nEndstop: X-max:0 Y-max:0 Z-max:0\r\nStatus: S:0 L:0 J:0 F:0\r\nMachineStatus: PAUSED\r\n"
        "MoveMode: READY\r\nLED:1\r\nCurrentFile: cube.gx\r\nok\r\n"
    ),
    "M27": "CMD M27 Received.\r\nSD printing byte 0/1000\r\nok\r\n",
}
T_REX = {
    "M105": "CMD M105 Received.\r\nT0:23 /0 T1:23 /0 B:18 /0\r\nok\r\n",
    "M27": "CMD M27 Received.\r\nSD printing byte 0/0\r\nok\r\n",
}
ALL = {
    f"{model} {command}": (command, text)
    for model, replies in {
        "REX": REX, "Adventurer 3": ADVENTURER_3, "Adventurer 4": ADVENTURER_4, "Creator 4": CREATOR_4, "T-REX": T_REX,
    }.items()
    for command, text in replies.items()
}  # fmt: skip
