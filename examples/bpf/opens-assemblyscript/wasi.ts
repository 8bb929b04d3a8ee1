// What is used of WASI: a line to standard output, the program's first argument, its end.
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: u32, parts: usize, count: u32, written: usize): u32;
@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, bytes: usize): u32;
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(words: usize, text: usize): u32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(status: u32): void;

export function put(fd: u32, text: string): void {
  const bytes = String.UTF8.encode(text + "\n");
  const part = memory.data(12);
  let at = changetype<usize>(bytes), left = <usize>bytes.byteLength;
  while (left > 0) {
    store<usize>(part, at);
    store<usize>(part, left, 4);
    if (fd_write(fd, part, 1, part + 8) != 0) return;
    const written = load<usize>(part, 8);
    at += written;
    left -= written;
  }
}

/** The first argument as a number, -1: there is none. */
export function count(): i64 {
  const sizes = memory.data(8);
  args_sizes_get(sizes, sizes + 4);
  if (load<u32>(sizes) < 2) return -1;
  const words = heap.alloc(load<u32>(sizes) * sizeof<usize>());
  args_get(words, heap.alloc(load<u32>(sizes, 4)));
  return <i64>parseInt(cText(load<usize>(words, 4), i32.MAX_VALUE));
}

/** A text of C's, of at most so many bytes. */
export function cText(at: usize, most: usize): string {
  let bytes: usize = 0;
  while (bytes < most && load<u8>(at + bytes) != 0) bytes++;
  return String.UTF8.decodeUnsafe(at, bytes);
}

export function exit(status: u32): void {
  proc_exit(status);
}

export function abort(message: string, file: string, line: u32, column: u32): void {
  put(2, file + ":" + line.toString() + ": " + message);
  proc_exit(1);
}
