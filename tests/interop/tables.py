"""Records lease tables as the real libraries write them: tests/fixtures/tables.

    tests/interop/build.sh && python3 tests/interop/tables.py [KIND]...

Each fleet reads a stream of six shards through a split and a merge; then its table and the list of
the stream's shards are written down, while it runs.
"""

import json
import sys

from servers import HERE, ROOT, Stream, Worker, boto3, dynalite, kinesis_local, moto, wait_for, KEY

BUILT = ROOT / "target/interop"
STREAM, APP = "orders", "order-indexer"
FIXTURES = ROOT / "tests/fixtures/tables"


def java(version):
    folder = BUILT / f"java-{version}"
    return ["java", "-Xmx400m", "-Dlogback.statusListenerClass=ch.qos.logback.core.status.NopStatusListener",
            "-cp", f"{HERE}/java:{folder}/classes:{folder}/lib/*", "Reader"]


KINDS = {
    "kcl-2.7.2": (java("2.7.2"), dynalite, "leaseKey", "checkpoint"),
    "kcl-3.5.1": (java("3.5.1"), moto, "leaseKey", "checkpoint"),
    "vmware-go-kcl-1.5.1": ([BUILT / "go-v1"], dynalite, "ShardID", "Checkpoint"),
    "vmware-go-kcl-v2": ([BUILT / "go-v2"], dynalite, "ShardID", "Checkpoint"),
    "vmware-go-kcl-v2-sticky": ([BUILT / "go-fork"], dynalite, "ShardID", "Checkpoint"),
}


def rows(client):
    try:
        return client.scan(TableName=APP, ConsistentRead=True)["Items"]
    except client.exceptions.ResourceNotFoundException:
        return []


def record(kind):
    command, dynamodb, key, checkpoint = KINDS[kind]
    kinesis, database = kinesis_local(), dynamodb()
    stream = Stream(kinesis.url, STREAM, 6)
    client = boto3.client("dynamodb", endpoint_url=database.url, **KEY)
    where = {"KINESIS": kinesis.url, "DYNAMODB": database.url, "STREAM": STREAM, "APP": APP}
    workers = []

    def read():
        return {line["sequence_number"] for worker in workers for line in worker.lines()}

    def all_read(total):
        wait_for(f"{total} records", lambda: len(read()) >= total)

    def leases():
        return {row[key]["S"]: row for row in rows(client) if checkpoint in row}

    def checkpointed(shard):
        text = leases().get(shard, {}).get(checkpoint, {}).get("S", "")
        return text.isdigit()

    def ended(shard):
        return leases().get(shard, {}).get(checkpoint, {}).get("S") == "SHARD_END"

    shard = "shardId-{:012}".format
    try:
        # Six leases for two workers of VMware-Go-KCL, which does not even them out by itself.
        workers.append(Worker(command, "worker-1", MAX_LEASES="4", **where))
        wait_for("the first lease", lambda: rows(client))
        workers.append(Worker(command, "worker-2", MAX_LEASES="8", **where))
        stream.put(60)
        all_read(60)
        if kind.endswith("-sticky"):
            # Renewals write whole rows as they were read before: a mark may be undone at once.
            marks = {shard(0): "worker-1", shard(2): "worker-2"}

            def marked():
                for of, worker in marks.items():
                    if "Sticky" in leases().get(of, {}):
                        continue
                    client.update_item(
                        TableName=APP, Key={key: {"S": of}},
                        UpdateExpression="SET Sticky = :ten, StickyWorker = :worker",
                        ExpressionAttributeValues={":ten": {"N": "10"}, ":worker": {"S": worker}})
                    return False
                return True

            for _ in range(20):
                wait_for("marks that stay", marked)
        stream.split(shard(1))
        stream.merge(shard(4), shard(5))
        stream.put(60)
        all_read(120)
        wait_for("the ends", lambda: all(map(ended, map(shard, [1, 4, 5]))))
        stream.put(40)
        all_read(160)
        wait_for("checkpoints", lambda: all(map(checkpointed, map(shard, [0, 2, 3, 6, 7, 8]))))
        if kind.endswith("-sticky"):
            wait_for("marks that stay", marked)
        items = sorted(rows(client), key=lambda row: row[key]["S"])
        write(f"{kind}.json", {"Items": items})
        write(f"{kind}-streams.json", {"StreamName": STREAM, "Shards": stream.shards()})
        print(kind, len(items), "rows", file=sys.stderr)
    except TimeoutError:
        print(json.dumps(rows(client), indent=1), file=sys.stderr)
        for worker in workers:
            print(open(worker.log.name).read()[-4000:], file=sys.stderr)
        raise
    finally:
        for worker in workers:
            worker.stop()
        kinesis.stop()
        database.stop()


def write(name, content):
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    (FIXTURES / name).write_text(text + "\n")


for wanted in sys.argv[1:] or KINDS:
    record(wanted)
