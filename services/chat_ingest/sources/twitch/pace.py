"""A little less than what Twitch lets an account say: 20 messages in 30 s, 100 as moderator; others one a second.

A text that is the same as one of the last 30 s would be dropped by it.
"""

from __future__ import annotations

from services.chat_ingest.sources.port import Pace

AS_USER = Pace(messages=18, window=30.0, spacing=1.1, longest=500, same_after=31.0)
AS_MODERATOR = Pace(messages=90, window=30.0, spacing=0.0, longest=500, same_after=31.0)
