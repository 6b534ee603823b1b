"""A record processor that does what the records say: it fails in each way once. What it does is
noted in the folder that it is started with."""

import json
import os
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

folder = Path(sys.argv[1])
shard = os.environ["KCL_SHARD"]
(folder / f"environment-{shard}").write_text(
    json.dumps({name: value for name, value in os.environ.items() if name.startswith("KCL_")}))


def send(**message):
    print(json.dumps(message), flush=True)


def checkpoint():
    send(action="checkpoint", sequenceNumber=None, subSequenceNumber=None)
    return json.loads(sys.stdin.readline())["error"]


def first_time(what):
    try:
        (folder / f"{shard}-{what}").touch(exist_ok=False)
        return True
    except FileExistsError:
        return False


def do(what):
    """Whether everything up to here may be checkpointed."""
    if what == "noise":
        for _ in range(1024):
            print("x" * 1023)
        sys.stdout.write("y" * 100_000 + "\n")
        print('{"action":"surprise"}', flush=True)
    elif what == "hang" and first_time(what):
        sleeper = subprocess.Popen(["sleep", "600"])
        (folder / "sleeper").write_text(str(sleeper.pid))
        time.sleep(600)
    elif what == "rubbish" and first_time(what):
        print("{rubbish\nnull\n17\n[]", flush=True)
        send(action="status", responseFor="shardEnded")
        sys.stdin.readline()
    elif what == "exit" and first_time(what):
        print("I give up", file=sys.stderr, flush=True)
        os._exit(3)
    elif what == "throttled":
        while checkpoint() is not None:
            pass
    return what != "keep"


for line in sys.stdin:
    message = json.loads(line)
    action = message["action"]
    if action == "processRecords":
        may = [do(b64decode(record["data"]).decode()) for record in message["records"]]
        if all(may):
            checkpoint()
    elif action in ("shardEnded", "shutdownRequested"):
        checkpoint()
    send(action="status", responseFor=action)
