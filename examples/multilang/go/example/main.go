// A record processor for VMware-Go-KCL v2 as a child of `kcl multilang`.
package main

import multilang "github.com/kcl-rust/kcl/examples/multilang/go"

func main() { multilang.Main(factory{}) }
