#!/usr/bin/env python3
"""A client of the container runtime interface (CRI v1), as a kubelet is one: cri_client.py SOCKET HANDLER IMAGE

Runs a pod of one container by the runtime class HANDLER: asks for the version, makes the sandbox
(in the machine's network, so that no CNI plug-in is needed), creates and starts the container,
executes a command in it, reads the policy that its annotations say, its status and figures, stops
and removes both. Prints a line for each. Debian has no compiled messages of the interface: here one is a dict by the field numbers of
its api.proto.
"""
import json
import sys

import grpc


def varint(number):
    out = bytearray()
    while True:
        out.append((number & 0x7F) | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def encode(message):
    out = b""
    for number, value in message.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, bool):
                item = int(item)
            if isinstance(item, int):
                out += varint(number << 3) + varint(item)
                continue
            data = encode(item) if isinstance(item, dict) else item.encode()
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def decode(data):
    """Field number to the list of its values: numbers, or bytes that may be a message."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        elif key & 7 == 2:
            length = number()
            value = data[at:at + length]
            at += length
        else:
            size = 8 if key & 7 == 1 else 4
            value = data[at:at + size]
            at += size
        fields.setdefault(key >> 3, []).append(value)
    return fields


class Runtime:
    def __init__(self, socket):
        self.channel = grpc.insecure_channel("unix://" + socket)

    def call(self, method, message, service="RuntimeService"):
        unary = self.channel.unary_unary("/runtime.v1.%s/%s" % (service, method),
                                         request_serializer=encode, response_deserializer=decode)
        return unary(message, timeout=60)


def main():
    socket, handler, image = sys.argv[1:4]
    runtime = Runtime(socket)
    answer = runtime.call("Version", {1: "v1"})
    print("version", answer[2][0].decode())
    network = {2: {1: {1: 2, 2: 1, 3: 1}}}  # security_context.namespace_options: network is the node's
    pod = {1: {1: "hello", 2: "uid-1", 3: "default", 4: 0},  # metadata: name, uid, namespace
           8: network}  # linux
    sandbox = runtime.call("RunPodSandbox", {1: pod, 2: handler})[1][0].decode()
    try:
        status = decode(runtime.call("PodSandboxStatus", {1: sandbox})[1][0])
        print("sandbox", "ready" if status.get(3, [0])[0] == 0 else "not ready", status[9][0].decode())
        config = {1: {1: "c"}, 2: {1: image},  # metadata, image
                  3: ["/bin/sh", "-c"], 4: ["trap 'exit 3' TERM; while :; do sleep 0.1; done"],
                  10: [{1: "io.vireo.vkernel.params.view", 2: "on"},  # annotations
                       {1: "io.vireo.vkernel.sched.policy", 2: "batch"}],
                  15: {1: {4: 64 << 20, 5: 100}}}  # linux.resources: memory, oom_score_adj
        container = runtime.call("CreateContainer", {1: sandbox, 2: config, 3: pod})[1][0].decode()
        runtime.call("StartContainer", {1: container})
        status = decode(runtime.call("ContainerStatus", {1: container})[1][0])
        print("container", ["created", "running", "exited", "unknown"][status.get(3, [0])[0]])
        done = runtime.call("ExecSync", {1: container, 2: ["/bin/sh", "-c", "echo inside; exit 5"], 3: 20})
        print("exec", done[1][0].decode().strip(), done.get(3, [0])[0])
        done = runtime.call("ExecSync", {1: container, 2: ["/bin/cat", "/dev/vkernel/cpu.real_policy"], 3: 20})
        print("policy", done.get(1, [b"none"])[0].decode().strip())
        figures = decode(runtime.call("ContainerStats", {1: container})[1][0])
        print("stats", "memory" if 3 in figures else "none")
        runtime.call("StopContainer", {1: container, 2: 20})
        status = decode(runtime.call("ContainerStatus", {1: container})[1][0])
        print("stopped", status.get(7, [0])[0])
        runtime.call("RemoveContainer", {1: container})
    finally:
        runtime.call("StopPodSandbox", {1: sandbox})
        runtime.call("RemovePodSandbox", {1: sandbox})
    print("left", len(runtime.call("ListPodSandbox", {}).get(1, [])))


try:
    main()
except grpc.RpcError as error:
    print(json.dumps({"error": error.details()}))
    sys.exit(1)
