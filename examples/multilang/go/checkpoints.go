package multilang

import (
	"errors"
	"sync"

	kc "github.com/vmware/vmware-go-kcl-v2/clientlibrary/interfaces"
)

// CheckpointError is what the daemon said of a checkpoint that it did not take.
type CheckpointError struct {
	// Name is ThrottlingException, ShutdownException, InvalidStateException,
	// KinesisClientLibDependencyException or IllegalArgumentException.
	Name string
}

func (e *CheckpointError) Error() string { return "the checkpoint was not taken: " + e.Name }

var errLeaseLost = &CheckpointError{Name: "ShutdownException"}

// checkpoints takes those of a processor, be it in the midst of an action or between two, from
// whatever goroutine. The daemon takes them in the midst of an action only: what comes between is
// kept, and asked for before the next action is done.
type checkpoints struct {
	mutex sync.Mutex
	// Asks the daemon. While this runs, nobody else reads from it.
	ask func(sequence *string, sub *int64) error
	// An action that may checkpoint is under way.
	open bool
	// The lease is gone.
	refused bool
	// The last one that came between two actions.
	kept *request
	// The end of the shard is checkpointed.
	ended bool
	// The last records of KPL aggregates that were delivered: a checkpoint at an aggregate's
	// number is one of all that was delivered of it, as in VMware-Go-KCL.
	subs, formerSubs map[string]int64
}

type request struct{ sequence *string }

// Checkpoint takes a checkpoint at a record of this batch or a former one, or, without a number, at
// the last that was delivered.
func (c *checkpoints) Checkpoint(sequence *string) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	switch {
	case c.refused:
		return errLeaseLost
	case !c.open:
		c.kept = &request{sequence}
		return nil
	default:
		c.kept = nil
		return c.send(sequence)
	}
}

// PrepareCheckpoint remembers a place, for a checkpoint of it later.
func (c *checkpoints) PrepareCheckpoint(sequence *string) (kc.IPreparedCheckpointer, error) {
	return &prepared{checkpoints: c, sequence: sequence}, nil
}

func (c *checkpoints) send(sequence *string) error {
	var sub *int64
	if sequence != nil {
		number := c.formerSubs[*sequence]
		if later, known := c.subs[*sequence]; known {
			number = later
		}
		sub = &number
	}
	err := c.ask(sequence, sub)
	if err == nil && sequence == nil {
		c.ended = true
	}
	return err
}

// begin opens an action with these records.
func (c *checkpoints) begin(records ...record) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(records) > 0 {
		c.formerSubs, c.subs = c.subs, map[string]int64{}
	}
	for _, record := range records {
		if record.SubSequenceNumber != nil && *record.SubSequenceNumber > 0 {
			c.subs[record.SequenceNumber] = *record.SubSequenceNumber
		}
	}
	c.open, c.ended = true, false
}

// refuse lets no checkpoint through any more.
func (c *checkpoints) refuse() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.refused, c.kept = true, nil
}

// finish closes an action, after what was kept for it.
func (c *checkpoints) finish() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	kept := c.kept
	if c.open && kept != nil {
		c.kept = nil
		if err := unlessRefused(c.send(kept.sequence)); err != nil {
			return err
		}
	}
	c.open = false
	return nil
}

// endShard checkpoints the end of a shard unless the processor has: without it the Java daemon asks
// again and again, and the children are read by nobody.
func (c *checkpoints) endShard() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.kept = nil
	if c.ended {
		return nil
	}
	return unlessRefused(c.send(nil))
}

// unlessRefused passes on what is wrong with the daemon, not with a checkpoint.
func unlessRefused(err error) error {
	var refused *CheckpointError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// prepared is a place to checkpoint later.
type prepared struct {
	checkpoints *checkpoints
	sequence    *string
}

func (p *prepared) GetPendingCheckpoint() *kc.ExtendedSequenceNumber {
	return &kc.ExtendedSequenceNumber{SequenceNumber: p.sequence}
}

func (p *prepared) Checkpoint() error { return p.checkpoints.Checkpoint(p.sequence) }
