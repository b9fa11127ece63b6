"""What the services mean by the messages that they exchange, and nothing else.

Every model is frozen. Readers ignore keys they do not know and map unknown enum values to ``unknown``;
commands refuse unknown keys, because a typo in a command must be heard by whoever made it.
"""
