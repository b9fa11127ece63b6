"""The main road's own tests, unchanged: `stack` and `table` are those of this folder, where SQS carries the moves.

One is missing: the hostile payloads are put on links that anybody at the broker may read, and here nobody can.
"""

from __future__ import annotations

import pytest

from tests.e2e.main_road.test_kills import test_every_accepted_move_exactly_once_over_fifteen_kills  # noqa: F401
from tests.e2e.main_road.test_latch_and_arming import (
    test_a_pause_between_two_jobs_holds_over_a_kill_of_the_bridge,  # noqa: F401
    test_a_retained_pause_at_start_does_nothing_and_is_said,  # noqa: F401
    test_without_a_confirmed_plate_nothing_is_planned,  # noqa: F401
    test_without_arming_nothing_heats_or_moves,  # noqa: F401
)
from tests.e2e.main_road.test_moves import (
    test_a_text_request_becomes_plastic_once,  # noqa: F401
    test_two_hundred_moves_back_to_back_are_drawn_once_and_in_order,  # noqa: F401
)

pytestmark = [pytest.mark.broker, pytest.mark.octoprint, pytest.mark.slow]
