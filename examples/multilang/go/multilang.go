// Package multilang runs a record processor that was written for VMware-Go-KCL v2, unchanged, as a
// child of `kcl multilang` or of the Java KCL's MultiLangDaemon.
//
// A program of it is one call:
//
//	func main() { multilang.Main(factory{}) }
//
// where factory is the IRecordProcessorFactory that was handed to worker.NewWorker. Each process
// has one shard, and makes one processor. What differs from VMware-Go-KCL is for the better, and
// in the README beside this file.
package multilang

import (
	"log"
	"os"

	kc "github.com/vmware/vmware-go-kcl-v2/clientlibrary/interfaces"
)

// Main serves the daemon on standard input and output until it is done, and ends the process with
// an error if it was not understood. Standard output belongs to the daemon: what the processor
// prints goes to standard error from now on.
func Main(factory kc.IRecordProcessorFactory) {
	daemon := os.Stdout
	os.Stdout = os.Stderr
	if err := Serve(factory, os.Stdin, daemon); err != nil {
		log.Fatal(err)
	}
}
