// A worker of VMware-Go-KCL v2 that writes each record to standard output as `kcl consume` does,
// and checkpoints after each batch. It is told everything by environment variables.
package main

import (
	"encoding/json"
	"log"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/credentials"
	cfg "github.com/vmware/vmware-go-kcl-v2/clientlibrary/config"
	kc "github.com/vmware/vmware-go-kcl-v2/clientlibrary/interfaces"
	wk "github.com/vmware/vmware-go-kcl-v2/clientlibrary/worker"
)

var output sync.Mutex

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
	var lines []byte
	for _, record := range input.Records {
		line, err := json.Marshal(map[string]any{
			"shard":           p.shard,
			"sequence_number": *record.SequenceNumber,
			"partition_key":   *record.PartitionKey,
			"data":            string(record.Data),
			"epoch":           0,
		})
		if err != nil {
			log.Fatal(err)
		}
		lines = append(append(lines, line...), '\n')
	}
	output.Lock()
	_, err := os.Stdout.Write(lines)
	output.Unlock()
	if err != nil {
		log.Fatal(err)
	}
	last := input.Records[len(input.Records)-1].SequenceNumber
	if err := input.Checkpointer.Checkpoint(last); err != nil {
		log.Printf("checkpoint %s: %v", p.shard, err)
	}
}

func (p *processor) Shutdown(input *kc.ShutdownInput) {
	if input.ShutdownReason == kc.TERMINATE {
		if err := input.Checkpointer.Checkpoint(nil); err != nil {
			log.Printf("end of %s: %v", p.shard, err)
		}
	}
}

func number(name string, otherwise int) int {
	if value, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return value
	}
	return otherwise
}

func main() {
	creds := credentials.NewStaticCredentialsProvider("test", "test", "")
	config := cfg.NewKinesisClientLibConfigWithCredential(
		os.Getenv("APP"), os.Getenv("STREAM"), "us-east-1", os.Getenv("WORKER"), creds).
		WithKinesisEndpoint(os.Getenv("KINESIS")).
		WithDynamoDBEndpoint(os.Getenv("DYNAMODB")).
		WithInitialPositionInStream(cfg.TRIM_HORIZON).
		WithFailoverTimeMillis(number("FAILOVER", 3000)).
		WithLeaseRefreshPeriodMillis(1500).
		WithShardSyncIntervalMillis(500).
		WithIdleTimeBetweenReadsInMillis(250).
		WithMaxLeasesForWorker(number("MAX_LEASES", 100))
	worker := wk.NewWorker(factory{}, config)
	if err := worker.Start(); err != nil {
		log.Fatal(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	worker.Shutdown()
}
