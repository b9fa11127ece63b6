"""The game and its geometry: who may draw what and when, and the G-code of every move."""
