"""Stands between a MultiLangDaemon and its child, and writes down what they say to each other.

    tee.py FOLDER COMMAND...

One line for each of theirs: from the `daemon` or the `child`, the shard, the message (an object, or
the text of a line that is none).
"""

import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading

folder, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
places = itertools.count()
lock = threading.Lock()
shard = None
kept = []
written = None


def note(source, line):
    global shard, written
    try:
        message = json.loads(line)
    except ValueError:
        message = line.decode(errors="replace").rstrip("\n")
    with lock:
        if isinstance(message, dict) and message.get("action") == "initialize" and not written:
            shard = message["shardId"]
            written = open(folder / f"{shard}.{os.getpid()}.jsonl", "w")
        kept.append({"from": source, "shard": shard, "message": message})
        while written and kept:
            written.write(json.dumps(kept.pop(0), ensure_ascii=False) + "\n")
            written.flush()


def pass_on(source, read, write):
    for line in iter(read.readline, b""):
        note(source, line)
        try:
            write.write(line)
            write.flush()
        except OSError:
            return
    note(source, b"<end of input>")
    try:
        write.close()
    except OSError:
        pass


child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
to_child = threading.Thread(
    target=pass_on, args=("daemon", sys.stdin.buffer, child.stdin), daemon=True)
to_child.start()
pass_on("child", child.stdout, sys.stdout.buffer)
code = child.wait()
note("child", f"<exit {code}>".encode())
sys.exit(code)
