package main

import (
	"log"

	kc "github.com/vmware/vmware-go-kcl-v2/clientlibrary/interfaces"
)

// A processor as it is written for VMware-Go-KCL: nothing in this file knows what runs it.

type factory struct{}

func (factory) CreateProcessor() kc.IRecordProcessor { return &processor{} }

type processor struct{ shard string }

func (p *processor) Initialize(input *kc.InitializationInput) {
	p.shard = input.ShardId
}

func (p *processor) ProcessRecords(input *kc.ProcessRecordsInput) {
	if len(input.Records) == 0 {
		return
	}
	for _, record := range input.Records {
		log.Printf("%s %s %s %s", p.shard, *record.SequenceNumber, *record.PartitionKey, record.Data)
	}
	last := input.Records[len(input.Records)-1].SequenceNumber
	if err := input.Checkpointer.Checkpoint(last); err != nil {
		// A later one, or the next owner, makes up for it.
		log.Printf("%s: %v", p.shard, err)
	}
}

func (p *processor) Shutdown(input *kc.ShutdownInput) {
	log.Printf("%s: %s", p.shard, *kc.ShutdownReasonMessage(input.ShutdownReason))
	if input.ShutdownReason == kc.TERMINATE {
		if err := input.Checkpointer.Checkpoint(nil); err != nil {
			log.Printf("%s: %v", p.shard, err)
		}
	}
}
