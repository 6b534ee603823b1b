package multilang

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	kc "github.com/vmware/vmware-go-kcl-v2/clientlibrary/interfaces"
)

// Serve runs one processor of the factory for the daemon that writes to in and reads from out,
// until in ends. An error means that the daemon was not understood, or is gone.
func Serve(factory kc.IRecordProcessorFactory, in io.Reader, out io.Writer) error {
	daemon := newDaemon(in, out)
	child := child{daemon: daemon, factory: factory}
	for {
		action, err := daemon.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := child.act(action); err != nil {
			return err
		}
		if err := daemon.end(action.Action); err != nil {
			return err
		}
	}
}

// child is the processor of this process's shard.
type child struct {
	daemon    *daemon
	factory   kc.IRecordProcessorFactory
	processor kc.IRecordProcessor
	// It was told to shut down, and will be told no more.
	over bool
}

func (c *child) act(action message) error {
	switch action.Action {
	case "initialize":
		c.processor = c.factory.CreateProcessor()
		sub := int64(0)
		if action.SubSequenceNumber != nil {
			sub = *action.SubSequenceNumber
		}
		c.processor.Initialize(&kc.InitializationInput{
			ShardId: action.ShardID,
			ExtendedSequenceNumber: &kc.ExtendedSequenceNumber{
				SequenceNumber:    numberOf(action.SequenceNumber),
				SubSequenceNumber: sub,
			},
		})
		return nil
	case "processRecords", "leaseLost", "shardEnded", "shutdownRequested":
		if c.processor == nil {
			return fmt.Errorf("the daemon sent %s before initialize", action.Action)
		}
	default:
		return fmt.Errorf("the daemon sent %q, which this does not know", action.Action)
	}
	switch action.Action {
	case "processRecords":
		c.processRecords(action)
	case "leaseLost":
		c.daemon.refuse()
		c.shutdown(kc.ZOMBIE)
	case "shutdownRequested":
		c.daemon.begin()
		c.shutdown(kc.REQUESTED)
	case "shardEnded":
		c.daemon.begin()
		c.shutdown(kc.TERMINATE)
		return c.daemon.endShard()
	}
	return nil
}

func (c *child) processRecords(action message) {
	now := time.Now()
	input := kc.ProcessRecordsInput{
		CacheEntryTime: &now,
		CacheExitTime:  &now,
		Checkpointer:   c.daemon,
	}
	if action.MillisBehindLatest != nil {
		input.MillisBehindLatest = *action.MillisBehindLatest
	}
	for _, record := range action.Records {
		input.Records = append(input.Records, record.forProcessor())
	}
	c.daemon.begin(action.Records...)
	c.processor.ProcessRecords(&input)
}

// shutdown tells the processor once: the daemon follows shutdownRequested by leaseLost, where
// VMware-Go-KCL says REQUESTED and nothing more.
func (c *child) shutdown(reason kc.ShutdownReason) {
	if !c.over {
		c.over = true
		c.processor.Shutdown(&kc.ShutdownInput{ShutdownReason: reason, Checkpointer: c.daemon})
	}
}

// daemon reads and writes messages, and takes checkpoints.
type daemon struct {
	in  *json.Decoder
	out io.Writer
	checkpoints
}

func newDaemon(in io.Reader, out io.Writer) *daemon {
	made := &daemon{in: json.NewDecoder(in), out: out}
	made.checkpoints.ask = made.ask
	return made
}

// next reads one message, whatever its length.
func (d *daemon) next() (message, error) {
	var read message
	err := d.in.Decode(&read)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("the daemon was not understood: %w", err)
	}
	return read, err
}

// say writes one message as one line.
func (d *daemon) say(what any) error {
	line, err := json.Marshal(what)
	if err == nil {
		_, err = d.out.Write(append(line, '\n'))
	}
	return err
}

// ask asks for a checkpoint, and returns the name of what was wrong with it.
func (d *daemon) ask(sequence *string, sub *int64) error {
	if err := d.say(checkpoint{"checkpoint", sequence, sub}); err != nil {
		return err
	}
	answer, err := d.next()
	if err != nil {
		return err
	}
	if answer.Action != "checkpoint" {
		return fmt.Errorf("the daemon answered a checkpoint with %q", answer.Action)
	}
	if answer.Error != nil {
		return &CheckpointError{Name: *answer.Error}
	}
	return nil
}

// end says that an action is done.
func (d *daemon) end(action string) error {
	if err := d.finish(); err != nil {
		return err
	}
	return d.say(status{"status", action})
}
