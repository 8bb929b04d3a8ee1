#!/usr/bin/env python3
"""Writes the SDK's files as C arrays: embed.py OUTPUT NAME=FILE...  (used by the build only)"""
import sys

arrays, rows = [], []
for number, pair in enumerate(sys.argv[2:]):
    name, path = pair.split("=", 1)
    data = open(path, "rb").read()
    text = ",".join(str(byte) for byte in data)
    arrays.append(f"static const unsigned char file_{number}[] = {{{text}}};\n")
    rows.append(f'    {{"{name}", file_{number}, {len(data)}}},\n')
with open(sys.argv[1], "w") as out:
    out.write('#include "build/stage.h"\n\n' + "".join(arrays))
    out.write("const struct stage_sdk_file stage_sdk_files[] = {\n" + "".join(rows) + "    {0},\n};\n")
