"""The bridge to the Bresser REX II and other FlashForge-like printers: watches them, and pauses them when asked."""
