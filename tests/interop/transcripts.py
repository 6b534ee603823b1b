"""Records what the real MultiLangDaemon and its children say to each other:
tests/fixtures/multilang.

    tests/interop/build.sh && python3 tests/interop/transcripts.py [VERSION-CHILD]...

Each run reads two shards from their beginning: records with a KPL aggregate among them, a split of
the first shard, records in its children, and SIGTERM.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from servers import ENVIRONMENT, HERE, ROOT, SERVERS, Stream, dynalite, kinesis_local, moto, wait_for

BUILT = ROOT / "target/interop"
FIXTURES = ROOT / "tests/fixtures/multilang"
DATABASES = {"2.7.2": dynalite, "3.5.1": moto}
CHILDREN = {
    # The sample of amazon_kclpy, unchanged.
    "python": f"{sys.executable} {SERVERS}/amazon_kclpy/samples/sample_kclpy_app.py",
    # The npm package has no sample: the example of this repository.
    "node": f"node {ROOT}/examples/multilang/node/processor.js",
    "go": f"{BUILT}/multilang-go",
    "scripted": f"{sys.executable} {HERE}/child/scripted.py",
}
PROPERTIES = """\
executableName = {python} {tee} {folder} {child}
streamName = orders
applicationName = order-indexer
workerId = worker-1
AwsCredentialsProvider = DefaultCredentialsProvider
regionName = us-east-1
initialPositionInStream = TRIM_HORIZON
kinesisEndpoint = {kinesis}
dynamoDBEndpoint = {dynamodb}
retrievalMode = POLLING
idleTimeBetweenReadsInMillis = 500
failoverTimeMillis = 3000
shardSyncIntervalMillis = 1000
parentShardPollIntervalMillis = 500
shutdownGraceMillis = 8000
metricsLevel = NONE
"""


def field(number, content):
    """A field of a protobuf message: a number, or bytes."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


def aggregate(key, texts):
    """A record as the KPL packs several into one."""
    packed = field(1, key.encode())
    for text in texts:
        packed += field(3, field(1, 0) + field(3, text.encode()))
    return b"\xf3\x89\x9a\xc2" + packed + hashlib.md5(packed).digest()


def record(version, child):
    kinesis, database = kinesis_local(), DATABASES[version]()
    stream = Stream(kinesis.url, "orders", 2)
    folder = Path(tempfile.mkdtemp(prefix="transcripts-"))
    java = BUILT / f"java-{version}"
    properties = folder / "daemon.properties"
    properties.write_text(PROPERTIES.format(
        python=sys.executable, tee=HERE / "child/tee.py", folder=folder, child=CHILDREN[child],
        kinesis=kinesis.url, dynamodb=database.url))
    log = open(folder / "daemon.log", "w")
    daemon = subprocess.Popen(
        ["java", "-Xmx400m", "-cp", f"{HERE}/java:{java}/lib/*",
         "software.amazon.kinesis.multilang.MultiLangDaemon", "--properties-file", properties],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        env={**ENVIRONMENT, "PYTHONPATH": f"{SERVERS}/amazon_kclpy", "PYTHONUTF8": "1",
             "NODE_PATH": f"{SERVERS}/aws-kcl/node_modules"})

    def lines():
        files = sorted(folder.glob("shardId-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def alive():
        assert daemon.poll() is None, (folder / "daemon.log").read_text()[-6000:]
        return True

    def said(action, shards, least=1):
        counts = dict.fromkeys(shards, 0)
        for line in lines():
            message = line["message"]
            answer = isinstance(message, dict) and message.get("responseFor") == action
            if answer and line["shard"] in counts:
                counts[line["shard"]] += 1
        return alive() and all(count >= least for count in counts.values())

    def records():
        batches = [line["message"].get("records", []) for line in lines()
                   if isinstance(line["message"], dict)]
        return sum(map(len, batches))

    shard = "shardId-{:012}".format
    try:
        put = stream.client.put_records
        hashes = [s["HashKeyRange"]["StartingHashKey"] for s in stream.shards()]
        for start in hashes:
            put(StreamName="orders", Records=[
                {"PartitionKey": "customer-1", "ExplicitHashKey": start, "Data": b"order 1"},
                {"PartitionKey": 'café "Süd" ☕', "ExplicitHashKey": start, "Data": b"order 2"},
                {"PartitionKey": "customer-3", "ExplicitHashKey": start,
                 "Data": aggregate(key_in(start), ["order 3", "order 4"])}])
        wait_for("initialize", lambda: said("initialize", [shard(0), shard(1)]))
        wait_for("8 records", lambda: records() >= 8 and
                 said("processRecords", [shard(0), shard(1)]))
        stream.split(shard(0))
        wait_for("the end of a shard", lambda: said("shardEnded", [shard(0)]))
        wait_for("children", lambda: said("initialize", [shard(2), shard(3)]))
        starts = [s["HashKeyRange"]["StartingHashKey"] for s in stream.shards()[2:]]
        put(StreamName="orders", Records=[
            {"PartitionKey": "customer-5", "ExplicitHashKey": start, "Data": b"order 5"}
            for start in starts])
        wait_for("the children's records", lambda: records() >= 10 and
                 said("processRecords", [shard(2), shard(3)]))
        daemon.terminate()
        daemon.wait(60)
        write(f"{version}-{child}.jsonl", lines())
        print(version, child, "exit", daemon.returncode, file=sys.stderr)
    except (TimeoutError, subprocess.TimeoutExpired):
        print((folder / "daemon.log").read_text()[-6000:], *lines(), sep="\n", file=sys.stderr)
        raise
    finally:
        daemon.kill()
        kinesis.stop()
        database.stop()


def key_in(start):
    """A partition key whose hash lies in the half of the hash keys that begins at `start`."""
    low = (int(start) + 8) >> 127  # kinesis-local halves the range one or two too early
    keys = (f"customer-{n}" for n in range(100))
    return next(k for k in keys if int.from_bytes(hashlib.md5(k.encode()).digest(), "big") >> 127
                == low)


def write(name, lines):
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (FIXTURES / name).write_text(text)


for version in DATABASES:
    for child in CHILDREN:
        if len(sys.argv) == 1 or f"{version}-{child}" in sys.argv:
            record(version, child)
