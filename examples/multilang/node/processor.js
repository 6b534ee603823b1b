// A record processor for aws-kcl, the Node.js client of the MultiLangDaemon protocol.
//
// `kcl multilang`, or the daemon of the Java KCL, starts one process of it for each shard. Standard
// output belongs to the protocol: what this wants to say goes to standard error.
'use strict';
const kcl = require('aws-kcl');

class Processor {
  initialize(input, done) {
    this.shard = input.shardId;
    // Absent under the Java daemon. A sink that compares it refuses a former owner's late writes.
    this.fence = process.env.KCL_FENCE;
    done();
  }

  processRecords(input, done) {
    try {
      for (const record of input.records) {
        const text = Buffer.from(record.data, 'base64').toString();
        console.error(`${this.shard} ${record.sequenceNumber} ${record.partitionKey} ${text}`);
      }
    } catch (error) {
      // Without an answer the batch comes again, to a new process: nothing is skipped.
      console.error(`${this.shard}: ${error.stack}`);
      process.exit(1);
    }
    const last = input.records[input.records.length - 1];
    if (!last) return done();
    input.checkpointer.checkpoint(last.sequenceNumber, (error) => {
      // Throttled, or the lease is gone: a later checkpoint, or the next owner, makes up for it.
      if (error) console.error(`${this.shard}: checkpoint: ${error}`);
      done();
    });
  }

  // The lease is another worker's now, who may be reading already: no checkpoint is possible.
  leaseLost(_input, done) {
    done();
  }

  // Everything of the shard was processed. Its children are read after this checkpoint.
  shardEnded(input, done) {
    input.checkpointer.checkpoint((error) => {
      if (error) console.error(`${this.shard}: checkpoint of the end: ${error}`);
      done();
    });
  }

  // The worker is about to stop.
  shutdownRequested(input, done) {
    input.checkpointer.checkpoint(() => done());
  }
}

kcl(new Processor()).run();
