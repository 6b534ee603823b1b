"""A child that cannot stand one record: it ends."""

import base64
import json
import sys


def send(**message):
    print(json.dumps(message), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    action = message["action"]
    records = message.get("records", [])
    if any(base64.b64decode(record["data"]) == b"poison" for record in records):
        sys.exit("poison")
    if records or action in ("shardEnded", "shutdownRequested"):
        send(action="checkpoint", sequenceNumber=None, subSequenceNumber=None)
        sys.stdin.readline()
    send(action="status", responseFor=action)
