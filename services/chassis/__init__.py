"""The machinery that every service stands on. It knows no topic, no printer and no game."""
