"""Notices to people about printers and the board, through whatever apprise can reach. Nothing waits for it."""
