"""``sqs://REGION/PREFIX``: where the queues are and what their names begin with."""

from __future__ import annotations

import re
from dataclasses import dataclass

SCHEME = "sqs://"
LONGEST_NAME = 80
"""Characters of a queue's name that SQS allows, `.fifo` included."""
_ADDRESS = re.compile(r"sqs://([a-z]{2}(?:-[a-z]+)+-\d+)/([a-z0-9_-]{1,20})")
_FIFO = ".fifo"


@dataclass(frozen=True)
class SqsAddress:
    """A region of AWS, and the prefix by which several stacks share an account."""

    region: str
    prefix: str

    def queue(self, topic_filter: str, reader: str) -> str:
        """Name of the queue through which *reader* gets *topic_filter*. Raises ValueError if it would be too long."""
        name = f"{self.prefix}-{topic_filter.replace('+', 'any').replace('/', '-')}-{reader}{_FIFO}"
        if len(name) > LONGEST_NAME:
            raise ValueError(
                f"the queue name {name} has {len(name)} characters and SQS allows {LONGEST_NAME}; "
                "shorten BOARDCAST_TOPIC_ROOT or the prefix in BOARDCAST_BUS_URL"
            )
        return name


def is_sqs(url: str) -> bool:
    """Whether *url* asks for SQS."""
    return url.startswith(SCHEME)


def parse_sqs(url: str) -> SqsAddress:
    """The address in *url*. Raises ValueError with an example."""
    if "@" in url:
        # Not a word of it: other programs take sqs://KEY:SECRET@, so that is what stands before the @.
        raise ValueError(
            "an SQS address carries credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead, "
            "and use sqs://REGION/PREFIX, for example sqs://eu-central-1/boardcast"
        )
    found = _ADDRESS.fullmatch(url)
    if found is None:
        raise ValueError(
            f"'{url}' is no SQS address; use sqs://REGION/PREFIX, for example sqs://eu-central-1/boardcast, "
            "with a prefix of at most 20 characters of a-z, 0-9, '_' and '-'"
        )
    return SqsAddress(found[1], found[2])
