package multilang

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	kc "github.com/vmware/vmware-go-kcl-v2/clientlibrary/interfaces"
)

// recorder writes down what it is told, and does with each batch what the test wants.
type recorder struct {
	told  []string
	batch func(*kc.ProcessRecordsInput)
	// Checkpoints without a number when the shard ends.
	ends bool
	last kc.IRecordProcessorCheckpointer
}

func (r *recorder) CreateProcessor() kc.IRecordProcessor { return r }

func (r *recorder) tell(format string, values ...any) {
	r.told = append(r.told, fmt.Sprintf(format, values...))
}

func (r *recorder) Initialize(input *kc.InitializationInput) {
	at := input.ExtendedSequenceNumber
	r.tell("initialize %s %q.%d", input.ShardId, *at.SequenceNumber, at.SubSequenceNumber)
}

func (r *recorder) ProcessRecords(input *kc.ProcessRecordsInput) {
	r.last = input.Checkpointer
	for _, record := range input.Records {
		r.tell("%s %s %s", *record.SequenceNumber, *record.PartitionKey, record.Data)
	}
	if r.batch != nil {
		r.batch(input)
	}
}

func (r *recorder) Shutdown(input *kc.ShutdownInput) {
	r.last = input.Checkpointer
	r.tell("shutdown %s", *kc.ShutdownReasonMessage(input.ShutdownReason))
	if r.ends && input.ShutdownReason == kc.TERMINATE {
		r.tell("end: %v", input.Checkpointer.Checkpoint(nil))
	}
}

// play is a daemon of its own: it says each line in turn, and waits for the status of each action.
// It takes checkpoints, but for those at a number in refused. It returns what the child said.
func play(t *testing.T, r *recorder, refused map[string]string, lines ...string) []string {
	t.Helper()
	toChild, daemonOut := io.Pipe()
	daemonIn, fromChild := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- Serve(r, toChild, fromChild)
		fromChild.Close()
	}()
	var said []string
	answers := bufio.NewScanner(daemonIn)
	for _, line := range lines {
		fmt.Fprintln(daemonOut, line)
		for answers.Scan() {
			said = append(said, answers.Text())
			var asked checkpoint
			if err := json.Unmarshal(answers.Bytes(), &asked); err != nil {
				t.Fatal(err)
			}
			if asked.Action == "status" {
				break
			}
			wrong := "null"
			if asked.SequenceNumber != nil && refused[*asked.SequenceNumber] != "" {
				wrong = `"` + refused[*asked.SequenceNumber] + `"`
			}
			fmt.Fprintf(daemonOut, `{"action":"checkpoint","sequenceNumber":null,"error":%s}`+"\n", wrong)
		}
	}
	daemonOut.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return said
}

func expect(t *testing.T, what string, found []string, wanted ...string) {
	t.Helper()
	if strings.Join(found, "\n") != strings.Join(wanted, "\n") {
		t.Errorf("%s:\n%s\nnot:\n%s", what, strings.Join(found, "\n"), strings.Join(wanted, "\n"))
	}
}

const (
	begin = `{"action":"initialize","shardId":"shardId-1","sequenceNumber":"TRIM_HORIZON","subSequenceNumber":0}`
	batch = `{"action":"processRecords","records":[` +
		`{"data":"b25l","partitionKey":"k","sequenceNumber":"7","approximateArrivalTimestamp":1,"subSequenceNumber":0,"action":"record"},` +
		`{"data":"dHdv","partitionKey":null,"sequenceNumber":"8","approximateArrivalTimestamp":null,"subSequenceNumber":0,"action":"record"},` +
		`{"data":"","partitionKey":"k","sequenceNumber":"8","approximateArrivalTimestamp":2,"subSequenceNumber":1,"action":"record"}` +
		`],"millisBehindLatest":0}`
	began = `{"action":"status","responseFor":"initialize"}`
	read  = `{"action":"status","responseFor":"processRecords"}`
	whole = `{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null}`
)

func TestRecordsAndCheckpointsGoThrough(t *testing.T) {
	r := &recorder{batch: func(input *kc.ProcessRecordsInput) {
		for _, record := range input.Records[:2] {
			if err := input.Checkpointer.Checkpoint(record.SequenceNumber); err != nil {
				t.Error(err)
			}
		}
	}}
	said := play(t, r, nil, begin, batch)
	expect(t, "told", r.told, `initialize shardId-1 "".0`, "7 k one", "8  two", "8 k ")
	// The second is at an aggregate: all of it was delivered.
	expect(t, "said", said, began,
		`{"action":"checkpoint","sequenceNumber":"7","subSequenceNumber":0}`,
		`{"action":"checkpoint","sequenceNumber":"8","subSequenceNumber":1}`, read)
}

func TestARefusedCheckpointIsAnErrorThatNamesWhy(t *testing.T) {
	r := &recorder{}
	r.batch = func(input *kc.ProcessRecordsInput) {
		prepared, err := input.Checkpointer.PrepareCheckpoint(input.Records[0].SequenceNumber)
		r.tell("%s %v: %v", *prepared.GetPendingCheckpoint().SequenceNumber, err, prepared.Checkpoint())
	}
	play(t, r, map[string]string{"7": "ThrottlingException"}, begin, batch)
	wanted := "7 <nil>: the checkpoint was not taken: ThrottlingException"
	if found := r.told[len(r.told)-1]; found != wanted {
		t.Error(found)
	}
}

func TestACheckpointBetweenTwoActionsIsSentWithTheNext(t *testing.T) {
	r := &recorder{}
	r.batch = func(input *kc.ProcessRecordsInput) { r.batch = nil }
	said := play(t, r, nil, begin, batch)
	seven := "7"
	if err := r.last.Checkpoint(&seven); err != nil {
		t.Error(err)
	}
	expect(t, "said", said, began, read)
	if kept := r.last.(*daemon).kept; kept == nil || *kept.sequence != "7" {
		t.Error("it is not kept")
	}
	taken := r.last.(*daemon)
	var sent []string
	taken.checkpoints.ask = func(sequence *string, _ *int64) error {
		sent = append(sent, *sequence)
		return nil
	}
	taken.begin()
	if err := taken.finish(); err != nil {
		t.Error(err)
	}
	expect(t, "sent", sent, "7")
}

func TestTheEndOfAShardIsCheckpointedOnce(t *testing.T) {
	for _, ends := range []bool{true, false} {
		r := &recorder{ends: ends}
		said := play(t, r, nil, begin, batch, `{"action":"shardEnded"}`)
		ended := `{"action":"status","responseFor":"shardEnded"}`
		expect(t, "said", said, began, read, whole, ended)
	}
}

func TestAProcessorIsToldOnceToShutDown(t *testing.T) {
	requested, lost := `{"action":"shutdownRequested"}`, `{"action":"leaseLost"}`
	r := &recorder{}
	play(t, r, nil, begin, requested, lost)
	expect(t, "told", r.told[1:], "shutdown REQUESTED")
	r = &recorder{}
	play(t, r, nil, begin, lost)
	expect(t, "told", r.told[1:], "shutdown ZOMBIE")
	if err := r.last.Checkpoint(nil); err == nil || !strings.Contains(err.Error(), "Shutdown") {
		t.Errorf("a checkpoint of a lost lease: %v", err)
	}
}

func TestWhatIsNotUnderstoodIsAnError(t *testing.T) {
	for said, wanted := range map[string]string{
		`{"action":"dance"}`:      `the daemon sent "dance", which this does not know`,
		`{"action":"shardEnded"}`: "the daemon sent shardEnded before initialize",
		`rubbish`:                 "the daemon was not understood: ",
	} {
		err := Serve(&recorder{}, strings.NewReader(said), io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), wanted) {
			t.Errorf("%s: %v", said, err)
		}
	}
}
