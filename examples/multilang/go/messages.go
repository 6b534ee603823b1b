package multilang

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// message is what the daemon says. Which fields count depends on the action.
type message struct {
	Action             string   `json:"action"`
	ShardID            string   `json:"shardId"`
	SequenceNumber     *string  `json:"sequenceNumber"`
	SubSequenceNumber  *int64   `json:"subSequenceNumber"`
	Records            []record `json:"records"`
	MillisBehindLatest *int64   `json:"millisBehindLatest"`
	Error              *string  `json:"error"`
}

// record is one of a batch. Its data is base64, as encoding/json takes bytes to be.
type record struct {
	Data                        []byte  `json:"data"`
	PartitionKey                *string `json:"partitionKey"`
	SequenceNumber              string  `json:"sequenceNumber"`
	SubSequenceNumber           *int64  `json:"subSequenceNumber"`
	ApproximateArrivalTimestamp *int64  `json:"approximateArrivalTimestamp"`
}

// status ends an action.
type status struct {
	Action      string `json:"action"`
	ResponseFor string `json:"responseFor"`
}

// checkpoint asks for one: at what was delivered last if it says no number.
type checkpoint struct {
	Action            string  `json:"action"`
	SequenceNumber    *string `json:"sequenceNumber"`
	SubSequenceNumber *int64  `json:"subSequenceNumber"`
}

func (r record) forProcessor() types.Record {
	sequence, key := r.SequenceNumber, ""
	if r.PartitionKey != nil {
		key = *r.PartitionKey
	}
	// Processors call len and read bytes; none expects nil for a record without any.
	made := types.Record{Data: r.Data, PartitionKey: &key, SequenceNumber: &sequence}
	if made.Data == nil {
		made.Data = []byte{}
	}
	if r.ApproximateArrivalTimestamp != nil {
		at := time.UnixMilli(*r.ApproximateArrivalTimestamp)
		made.ApproximateArrivalTimestamp = &at
	}
	return made
}

// numberOf leaves out words like TRIM_HORIZON: VMware-Go-KCL gives an empty text where nothing was
// checkpointed yet.
func numberOf(sequence *string) *string {
	number := ""
	if sequence != nil && *sequence != "" && (*sequence)[0] >= '0' && (*sequence)[0] <= '9' {
		number = *sequence
	}
	return &number
}
