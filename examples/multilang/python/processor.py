#!/usr/bin/env python3
"""A record processor for amazon_kclpy, the Python client of the MultiLangDaemon protocol.

`kcl multilang`, or the daemon of the Java KCL, starts one process of it for each shard. Standard
output belongs to the protocol: what this wants to say goes to standard error.
"""

import os
import sys
import traceback

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Processor(processor.RecordProcessorBase):
    def initialize(self, initialize_input):
        self.shard = initialize_input.shard_id
        # Absent under the Java daemon. A sink that compares it refuses a former owner's late writes.
        self.fence = os.environ.get("KCL_FENCE")

    def process_records(self, process_records_input):
        try:
            for record in process_records_input.records:
                text = record.binary_data.decode()
                self.say(record.sequence_number, record.partition_key, text)
        except Exception:
            # The client prints an exception and answers as if all were well: the batch would be
            # lost. A process that ends gets it again.
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        if process_records_input.records:
            last = process_records_input.records[-1]
            self.checkpoint(
                process_records_input.checkpointer,
                last.sequence_number, last.sub_sequence_number)

    def lease_lost(self, lease_lost_input):
        """The lease is another worker's now: no checkpoint is possible."""

    def shard_ended(self, shard_ended_input):
        """Everything was processed. The children are read after this checkpoint."""
        self.checkpoint(shard_ended_input.checkpointer)

    def shutdown_requested(self, shutdown_requested_input):
        """The worker is about to stop."""
        self.checkpoint(shutdown_requested_input.checkpointer)

    def checkpoint(self, checkpointer, *at):
        try:
            checkpointer.checkpoint(*at)
        except kcl.CheckpointError as error:
            # Throttled, or the lease is gone: a later one, or the next owner, makes up for it.
            self.say("checkpoint:", error)

    def say(self, *what):
        print(self.shard, *what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    kcl.KCLProcess(Processor()).run()
