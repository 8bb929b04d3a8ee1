// Prints every file that is opened: opens [COUNT] ends after COUNT of them. Its programs are those
// of ../opens. Functions of Go can't be called by a host: samples are taken with vireo_bpf.take
// instead of wasm_bpf's poll.
package main

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"unsafe"
)

//go:wasmimport wasm_bpf wasm_load_bpf_object
func loadObject(object unsafe.Pointer, bytes int32) uint64

//go:wasmimport wasm_bpf wasm_close_bpf_object
func closeObject(object uint64) int32

//go:wasmimport wasm_bpf wasm_attach_bpf_program
func attachProgram(object uint64, program, target unsafe.Pointer) int32

//go:wasmimport wasm_bpf wasm_bpf_map_fd_by_name
func mapByName(object uint64, name unsafe.Pointer) int32

//go:wasmimport vireo_bpf take
func take(object uint64, descriptor int32, data unsafe.Pointer, bytes, timeoutMs int32) int32

//go:embed opens.bpf.o
var object []byte

// Where its parts are: ../opens/opens.h.
const (
	commAt = 4
	pathAt = commAt + 16
	size   = pathAt + 108
)

// A text of C's. What is passed on must not move: it is a global variable's or the heap's.
func cText(text string) unsafe.Pointer {
	return unsafe.Pointer(&append([]byte(text), 0)[0])
}

func goText(field []byte) string {
	text, _, _ := bytes.Cut(field, []byte{0})
	return string(text)
}

func run(left int) error {
	event := make([]byte, size)
	handle := loadObject(unsafe.Pointer(&object[0]), int32(len(object)))
	if handle == 0 {
		return fmt.Errorf("cannot load the programs")
	}
	defer closeObject(handle)
	if r := attachProgram(handle, cText("on_open"), nil); r < 0 {
		return fmt.Errorf("cannot attach: %d", r)
	}
	events := mapByName(handle, cText("events"))
	fmt.Fprintln(os.Stderr, "ready")
	for left != 0 {
		n := take(handle, events, unsafe.Pointer(&event[0]), size, 1000)
		if n < 0 {
			return fmt.Errorf("cannot take a sample: %d", n)
		}
		if n == size {
			fmt.Println(int32(binary.LittleEndian.Uint32(event)), goText(event[commAt:pathAt]), goText(event[pathAt:]))
			left--
		}
	}
	return nil
}

func main() {
	count := -1
	if len(os.Args) > 1 {
		count, _ = strconv.Atoi(os.Args[1])
	}
	if err := run(count); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
