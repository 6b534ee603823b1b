"""Servers and fleets for the programs of this folder: everything on this machine, for a while."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SERVERS = pathlib.Path(os.environ.get("KCL_TEST_SERVERS", ROOT / ".servers"))
# The Python module of moto brings the SDK along.
sys.path.insert(0, str(SERVERS / "moto"))
import boto3  # noqa: E402

KEY = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "KCL_"))},
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Server:
    """A process that says where it listens. It ends when this does."""

    def __init__(self, command, pattern, **environment):
        self.process = subprocess.Popen(
            [str(part) for part in command], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**ENVIRONMENT, **environment})
        for line in self.process.stdout:
            if found := re.search(pattern, line):
                self.url = f"http://127.0.0.1:{found[1]}"
                break
        else:
            raise RuntimeError(f"{command} does not start")
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def stop(self):
        self.process.kill()
        self.process.wait()


def kinesis_local():
    package = SERVERS / "kinesis-local/node_modules/kinesis-local"
    durations = ["CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS"]
    return Server(
        ["node", "--require", ROOT / "tests/servers/only-localhost.js", package / "main.js"],
        r"listening 4568 on (\d+)",
        KINESIS_MOCK_CERT_PATH=str(package / "server.json"), KINESIS_MOCK_PLAIN_PORT="4568",
        KINESIS_MOCK_TLS_PORT="4567", SHARD_LIMIT="5000", LOG_LEVEL="ERROR",
        CATS_EFFECT_TRACING_MODE="none", **{f"{name}_DURATION": "10ms" for name in durations})


def dynalite():
    cli = SERVERS / "dynalite/node_modules/dynalite/cli.js"
    return Server(
        ["node", "--require", ROOT / "tests/servers/only-localhost.js", cli, "--port", "4567",
         "--createTableMs", "100"], r"listening 4567 on (\d+)")


def moto():
    return Server(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        r"Running on http://127.0.0.1:(\d+)",
        PYTHONPATH=str(SERVERS / "moto"), PYTHONUNBUFFERED="1")


class Stream:
    """A stream on a server, and what was put into it."""

    def __init__(self, url, name, shards):
        self.client = boto3.client("kinesis", endpoint_url=url, **KEY)
        self.url, self.name, self.put_so_far = url, name, 0
        self.client.create_stream(StreamName=name, ShardCount=shards)
        self.settle()

    def settle(self):
        while True:
            summary = self.client.describe_stream_summary(StreamName=self.name)
            if summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE":
                return
            time.sleep(0.05)

    def shards(self):
        return self.client.list_shards(StreamName=self.name)["Shards"]

    def put(self, count, data=lambda number: f"order {number}"):
        numbers = range(self.put_so_far, self.put_so_far + count)
        self.client.put_records(StreamName=self.name, Records=[
            {"PartitionKey": f"customer-{n % 97}", "Data": data(n).encode()} for n in numbers])
        self.put_so_far += count

    def split(self, shard):
        hashes = next(s for s in self.shards() if s["ShardId"] == shard)["HashKeyRange"]
        low, high = int(hashes["StartingHashKey"]), int(hashes["EndingHashKey"])
        self.client.split_shard(StreamName=self.name, ShardToSplit=shard,
                                NewStartingHashKey=str(low + (high - low) // 2 + 1))
        self.settle()

    def merge(self, lower, upper):
        self.client.merge_shards(StreamName=self.name, ShardToMerge=lower,
                                 AdjacentShardToMerge=upper)
        self.settle()


class Worker:
    """A process of a fleet that writes records as `kcl consume` does."""

    def __init__(self, command, name, **environment):
        self.name = name
        self.output = tempfile.NamedTemporaryFile("r", prefix=f"{name}-", suffix=".out")
        self.log = tempfile.NamedTemporaryFile("r", prefix=f"{name}-", suffix=".log")
        with open(self.output.name, "w") as output, open(self.log.name, "w") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
                stderr=log, env={**ENVIRONMENT, "WORKER": name, **environment})

    def lines(self):
        with open(self.output.name) as output:
            return [json.loads(line) for line in output if line.endswith("\n")]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_for(what, condition, seconds=90):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.2)
    raise TimeoutError(what)
