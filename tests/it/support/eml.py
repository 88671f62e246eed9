"""Reads complete e-mails with Python's own email package.

usage: eml.py FOLDER

Prints one JSON line for each file of the folder, in the order of the names.
"""

import email
import email.policy
import json
import pathlib
import sys

for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    parsed = email.message_from_bytes(path.read_bytes(), policy=email.policy.SMTP)
    parts = [part for part in parsed.walk() if not part.is_multipart()]
    seen = {
        "file": path.name,
        "type": parsed.get_content_type(),
        "headers": {name: str(value) for name, value in parsed.items()},
        "defects": [repr(defect) for part in parsed.walk() for defect in part.defects],
        "parts": [[part.get_content_type(), part.get_content()] for part in parts],
    }
    print(json.dumps(seen))
