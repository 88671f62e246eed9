"""Reads CloudEvents in structured mode, one a line, with the cloudevents package.

usage: read_events.py FILE

Prints what the package understood as one JSON line for each. Raises where something is no CloudEvent 1.0.
"""

import json
import sys

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        event = JSONFormat().read(CloudEvent, line)
        seen = {
            "id": event.get_id(),
            "source": event.get_source(),
            "type": event.get_type(),
            "subject": event.get_subject(),
            "time": event.get_time().isoformat(),
            "partitionkey": event.get_extension("partitionkey"),
            "sequence": event.get_extension("sequence"),
            "data": event.get_data(),
        }
        print(json.dumps(seen))
