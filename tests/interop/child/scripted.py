"""A child that tries what the protocol allows, and some of what it does not."""

import json
import sys


def send(**message):
    print(json.dumps(message), flush=True)


def checkpoint(sequence, sub=None):
    send(action="checkpoint", sequenceNumber=sequence, subSequenceNumber=sub)
    return json.loads(sys.stdin.readline())["error"]


tried = False
for line in sys.stdin:
    message = json.loads(line)
    action = message["action"]
    if action == "processRecords" and not tried:
        tried = True
        first, last = message["records"][0], message["records"][-1]
        checkpoint(first["sequenceNumber"], first["subSequenceNumber"])
        checkpoint(last["sequenceNumber"], last["subSequenceNumber"])
        checkpoint(first["sequenceNumber"], first["subSequenceNumber"])
        checkpoint("1", 0)
        checkpoint(last["sequenceNumber"] + "0", 0)
        checkpoint("not a number", 0)
        print("text that is no message", flush=True)
        print(flush=True)
        send(action="unknown", of="no meaning")
        checkpoint(None)
    elif action == "processRecords":
        checkpoint(None)
    elif action in ("shardEnded", "shutdownRequested"):
        checkpoint(None)
    send(action="status", responseFor=action)
