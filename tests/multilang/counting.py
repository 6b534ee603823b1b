"""The same as `child-under-test`, by amazon_kclpy: how much of its time a client of others is busy."""

import os
import sys
from pathlib import Path

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor

note = Path(sys.argv[1]) / str(os.getpid())


class Counting(processor.RecordProcessorBase):
    records = 0

    def initialize(self, _input):
        note.write_text("0")

    def process_records(self, batch):
        self.records += sum(1 for record in batch.records if record.binary_data)
        note.write_text(str(self.records))
        batch.checkpointer.checkpoint()

    def lease_lost(self, _input):
        pass

    def shard_ended(self, ended):
        ended.checkpointer.checkpoint()

    def shutdown_requested(self, requested):
        requested.checkpointer.checkpoint()


kcl.KCLProcess(Counting()).run()
