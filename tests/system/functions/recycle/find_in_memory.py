#!/usr/bin/env python3
"""find_in_memory.py HEX PID...: prints the pids whose memory has these bytes."""
import sys

needle = bytes.fromhex(sys.argv[1])
for pid in sys.argv[2:]:
    found = False
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                first, end = (int(part, 16) for part in span.split("-"))
                # A channel is another one for each pVM, and reading its holes would fill them.
                if rights[0] != "r" or rights[3] == "s" or "[v" in line:
                    continue
                tail = b""
                for at in range(first, end, 1 << 20):
                    try:
                        memory.seek(at)
                        block = memory.read(min(1 << 20, end - at))
                    except (OSError, OverflowError):
                        break
                    found = found or needle in tail + block
                    tail = block[-len(needle):]
    except (FileNotFoundError, ProcessLookupError):
        continue
    if found:
        print(pid)
