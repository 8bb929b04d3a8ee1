"""Changes an object's type information so that a structure has itself, or with "name" behind that a member's name
lies outside: bpf_self.py OBJECT STRUCTURE MEMBER [name]"""
import struct
import sys

BODY = {1: 4, 3: 12, 14: 4, 17: 4}  # of BTF kinds, in bytes; of those with members for each
MEMBERS = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}


def text(data, at):
    return data[at:data.index(0, at)].decode()


def section(data, wanted):
    start, = struct.unpack_from('<Q', data, 40)
    count, names = struct.unpack_from('<HH', data, 60)
    heads = [struct.unpack_from('<IIQQQQ', data, start + 64 * i) for i in range(count)]
    return next(head[4] for head in heads if text(data, heads[names][4] + head[0]) == wanted)


def main(path, structure, member, what='type'):
    with open(path, 'rb') as file:
        data = bytearray(file.read())
    base = section(data, '.BTF')
    head, types, length, strings, _ = struct.unpack_from('<IIIII', data, base + 4)
    at, number, strings = base + head + types, 1, base + head + strings
    end = at + length
    while at < end:
        name, info, _ = struct.unpack_from('<III', data, at)
        kind, count = info >> 24 & 0x1f, info & 0xffff
        for i in range(count if kind == 4 and text(data, strings + name) == structure else 0):
            own, = struct.unpack_from('<I', data, at + 12 + 12 * i)
            if text(data, strings + own) == member:
                where, value = (12, 0x7fffffff) if what == 'name' else (16, number)
                struct.pack_into('<I', data, at + where + 12 * i, value)
        at += 12 + BODY.get(kind, MEMBERS.get(kind, 0) * count)
        number += 1
    with open(path, 'wb') as file:
        file.write(data)


main(*sys.argv[1:])
