"""Which filters cover which topics: the same as in paho, for every topic there is."""

from __future__ import annotations

from hypothesis import assume, example, given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from services.chassis.bus.port import matches

level = st.sampled_from(["", "a", "b", "ä", "$SYS", "$a", " "])
topics = st.lists(level, min_size=1, max_size=5).map("/".join)
filters = st.builds(
    lambda levels, end: "/".join([*levels, *end]),
    st.lists(level | st.just("+"), max_size=4),
    st.sampled_from([[], ["#"]]),
)


@given(filters, topics)
@example("#", "$SYS/broker")
@example("+/broker", "$SYS/broker")
@example("$SYS/#", "$SYS/broker")
@example("a/#", "a")
@example("a/+", "a")
@example("+", "")
@example("/+", "/a")
def test_filters_cover_what_they_cover_in_paho(topic_filter: str, topic: str) -> None:
    assume(topic_filter and topic)  # neither may be empty in MQTT
    assert matches(topic_filter, topic) == topic_matches_sub(topic_filter, topic)
