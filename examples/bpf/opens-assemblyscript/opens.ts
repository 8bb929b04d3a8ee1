// Prints every file that is opened: opens [COUNT] ends after COUNT of them. Its programs are those
// of ../opens.
import { OBJECT, OBJECT_BYTES } from "./object";
import { put, count, cText, exit } from "./wasi";

@external("wasm_bpf", "wasm_load_bpf_object")
declare function loadObject(object: usize, bytes: i32): u64;
@external("wasm_bpf", "wasm_close_bpf_object")
declare function closeObject(object: u64): i32;
@external("wasm_bpf", "wasm_attach_bpf_program")
declare function attachProgram(object: u64, program: usize, target: usize): i32;
@external("wasm_bpf", "wasm_bpf_map_fd_by_name")
declare function mapByName(object: u64, name: usize): i32;
@external("wasm_bpf", "wasm_bpf_buffer_poll")
declare function pollBuffer(object: u64, map: i32, call: u32, context: usize, data: usize, bytes: i32, timeoutMs: i32): i32;

// Where its parts are: ../opens/opens.h.
const COMM_AT: usize = 4;
const PATH_AT: usize = COMM_AT + 16;
const SIZE: i32 = 128;

let left: i64 = -1;

function onEvent(context: usize, data: usize, bytes: i32): i32 {
  if (bytes < SIZE || left == 0) return 0;
  put(1, load<i32>(data).toString() + " " + cText(data + COMM_AT, 16) + " " + cText(data + PATH_AT, 108));
  left--;
  return 0;
}

function fail(text: string): void {
  put(2, text);
  exit(1);
}

left = count();
const event = memory.data(128, 8);
const object = loadObject(OBJECT, OBJECT_BYTES);
if (object == 0) fail("cannot load the programs");
const attached = attachProgram(object, changetype<usize>(String.UTF8.encode("on_open", true)), 0);
if (attached < 0) fail("cannot attach: " + attached.toString());
const events = mapByName(object, changetype<usize>(String.UTF8.encode("events", true)));
put(2, "ready");
// The function's index in the table is what a host calls.
const call = load<u32>(changetype<usize>(onEvent));
while (left != 0) {
  const taken = pollBuffer(object, events, call, 0, event, SIZE, 1000);
  if (taken < 0) fail("cannot poll: " + taken.toString());
}
closeObject(object);
