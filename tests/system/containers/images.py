#!/usr/bin/env python3
"""Images that attack whoever unpacks them, as sources for a deploy: images.py BUSYBOX DIRECTORY writes
NAME.tar for each. The images with "escape" in them try to leave a file or a right outside."""
import io
import os
import sys
import tarfile


def member(tar, name, data=b"", kind=tarfile.REGTYPE, mode=0o755, link="", major=0, minor=0, size=None):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, link
    info.devmajor, info.devminor = major, minor
    info.size = len(data) if size is None else size
    tar.addfile(info, io.BytesIO(data) if data else None)


def climbs(tar):
    member(tar, "../escaped", b"x")
    member(tar, "../../../../../../tmp/escaped", b"x")


def absolute(tar):
    member(tar, "/run/escaped", b"x")
    member(tar, "/image/escaped", b"x")


def through_link(tar):
    member(tar, "out", kind=tarfile.SYMTYPE, link="/run")
    member(tar, "out/escaped", b"x")
    member(tar, "up", kind=tarfile.SYMTYPE, link="../..")
    member(tar, "up/escaped", b"x")


def hard_link(tar):
    member(tar, "passwd", kind=tarfile.LNKTYPE, link="../../../etc/passwd")
    member(tar, "self", kind=tarfile.LNKTYPE, link="/proc/self/exe")


def hosts_link(tar):
    member(tar, "etc", kind=tarfile.DIRTYPE)
    member(tar, "etc/hosts", kind=tarfile.SYMTYPE, link="../../../../run/escaped")


def devices(tar):
    member(tar, "mem", kind=tarfile.CHRTYPE, major=1, minor=1, mode=0o666)
    member(tar, "disk", kind=tarfile.BLKTYPE, major=253, minor=0, mode=0o666)
    member(tar, "pipe", kind=tarfile.FIFOTYPE, mode=0o666)
    member(tar, "root", b"#!/bin/sh\nid\n", mode=0o6755)


def sparse(tar):
    # GNU's old format of a sparse file: a TiB of nothing.
    info = tarfile.TarInfo("huge")
    info.size = 0
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[386:398], header[398:410] = b"%011o\0" % 0, b"%011o\0" % 0
    header[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    tar.fileobj.write(bytes(header))
    tar.offset += len(header)


def bomb(tar):
    info = tarfile.TarInfo("zeros")
    info.size = 3 << 30
    tar.addfile(info, Zeros())


class Zeros(io.RawIOBase):
    def read(self, size=-1):
        return bytes(size)


def image(fill, busybox, compressed):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz" if compressed else "w", **({"compresslevel": 1} if compressed else {})) as tar:
        member(tar, "bin/busybox", busybox)
        for applet in ("sh", "ls", "id", "cat", "find"):
            member(tar, "bin/" + applet, kind=tarfile.SYMTYPE, link="busybox")
        fill(tar)
    return data.getvalue()


def main():
    with open(sys.argv[1], "rb") as file:
        busybox = file.read()
    manifest = b"command: [sh, -c, 'find / -xdev -name escaped; ls -l /; cat /passwd /etc/hosts 2>/dev/null; exit 0']\n"
    kinds = (climbs, absolute, through_link, hard_link, hosts_link, devices, sparse)
    for fill in kinds:
        name = fill.__name__.replace("_", "-")
        with tarfile.open(os.path.join(sys.argv[2], name + ".tar"), "w") as tar:
            member(tar, "rootfs.tar", image(fill, busybox, fill is bomb))
            member(tar, "vireo.yaml", manifest)
    with tarfile.open(os.path.join(sys.argv[2], "cut.tar"), "w") as tar:
        member(tar, "rootfs.tar", image(climbs, busybox, False)[:100000])
        member(tar, "vireo.yaml", manifest)


main()
