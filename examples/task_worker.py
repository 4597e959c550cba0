"""task_worker in Python, with nothing but its standard library: what docs/queue-protocol.md says is
all that a program in another language needs to take part.

    WEFT_AUTHKEY=abc python3 task_worker.py [HOST:PORT]
"""
import hashlib
import hmac
import os
import socket
import struct
import sys
import time


def pack(value):
    """A value as msgpack: of the kinds that requests have, in their longest forms."""
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + struct.pack(">I", len(text)) + text
    return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))


class Reader:
    """Values of msgpack, one after another."""

    SIZED = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I",
             0xDC: ">H", 0xDD: ">I"}
    NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
               0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}

    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack(form, self.bytes(struct.calcsize(form)))[0]

    def next(self):
        kind = self.number(">B")
        if kind < 0x80 or kind >= 0xE0:
            return kind if kind < 0x80 else kind - 0x100
        if kind in self.NUMBERS:
            return self.number(self.NUMBERS[kind])
        if kind in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[kind]
        if 0x90 <= kind < 0xA0 or kind in (0xDC, 0xDD):
            count = kind - 0x90 if kind < 0xA0 else self.number(self.SIZED[kind])
            return [self.next() for _ in range(count)]
        size = kind - 0xA0 if 0xA0 <= kind < 0xC0 else self.number(self.SIZED[kind])
        data = self.bytes(size)
        return data if kind in (0xC4, 0xC5, 0xC6) else data.decode()


class Queue:
    """One queue of a queue server; one request at a time."""

    def __init__(self, address, name, key):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.name, self.asked, self.sent, self.received = name, 0, 0, 0

        def signed(role):
            return hmac.digest(key, b"weftq/1 " + role + servers + ours, hashlib.sha256)

        hello, ours = self.read(40), os.urandom(32)
        servers = hello[8:]
        if hello[:8] != b"weftq/1\n":
            sys.exit("what answers there is no queue server")
        self.socket.sendall(ours + signed(b"client"))
        verdict = self.read(33)
        if verdict[0] != 1:
            sys.exit("the queue server refuses the key")
        if not hmac.compare_digest(verdict[1:], signed(b"server")):
            sys.exit("the queue server has not got the key itself")
        self.to_server, self.to_client = signed(b"to server"), signed(b"to client")
        self.lease_nanoseconds = self.receive().next()

    def read(self, count):
        data = b""
        while len(data) < count:
            some = self.socket.recv(count - len(data))
            if not some:
                sys.exit("the queue server has gone")
            data += some
        return data

    def receive(self):
        header = self.read(4)
        contents = self.read(struct.unpack(">I", header)[0])
        signed = struct.pack(">Q", self.received) + header + contents
        if not hmac.compare_digest(self.read(32),
                                   hmac.digest(self.to_client, signed, hashlib.sha256)):
            sys.exit("a frame that is not authentic")
        self.received += 1
        return Reader(contents)

    def ask(self, operation, *arguments):
        self.asked += 1
        contents = b"".join(map(pack, (self.asked, operation, self.name) + arguments))
        signed = struct.pack(">I", len(contents)) + contents
        number = struct.pack(">Q", self.sent)
        self.socket.sendall(signed + hmac.digest(self.to_server, number + signed, hashlib.sha256))
        self.sent += 1
        answer = self.receive()
        number, status, value = answer.next(), answer.next(), answer.next()
        if number != self.asked or status != 0:
            sys.exit(f"{operation}: {value}")
        return value


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:5000"
    queue = Queue(address, "tasks", os.environ["WEFT_AUTHKEY"].encode())
    print(f"Connect to server {address}...", flush=True)
    while tasks := queue.ask("take", 1):
        [[identity, delivery, value]] = tasks
        n = Reader(value).next()
        print(f"run task {n} * {n}...", flush=True)
        time.sleep(1)  # less than a lease, or "extend" would have to be asked meanwhile
        queue.ask("ack", [[identity, delivery, pack(f"{n} * {n} = {n * n}")]])
    print("worker exit.")


main()
