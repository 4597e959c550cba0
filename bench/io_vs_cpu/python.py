"""The executors of Python, one cell at a time: plain calls, threading.Thread,
multiprocessing.Process, asyncio, and asyncio with the pools of concurrent.futures."""
import asyncio
import concurrent.futures
import hashlib
import multiprocessing
import os
import random
import resource
import signal
import socket
import struct
import sys
import threading
import time

LATENCY = 0.020
FILE_BYTES = 16_384
MESSAGE = bytes(64)
MIX_PERIOD = 10
TICK = 0.001
PRIMES = 1472


def count_primes():
    count = 0
    for odd in range(1_000_001, 1_020_000, 2):
        divisor = 3
        while divisor * divisor <= odd:
            if odd % divisor == 0:
                break
            divisor += 2
        else:
            count += 1
    if count != PRIMES:
        raise RuntimeError("the primes are wrong")
    return count


def count_many_primes():
    for _ in range(5):
        count_primes()


def read_cached(path):
    with open(path, "rb", buffering=0) as file:
        if len(file.read(FILE_BYTES)) != FILE_BYTES:
            raise RuntimeError("a file is not as long as it was")


def hash_file(path):
    with open(path, "rb", buffering=0) as file:
        hashlib.sha256(file.read()).digest()


def question(number, label):
    name = b"".join(bytes([len(part)]) + part.encode() for part in (label, "bulk", "example"))
    return struct.pack("!6H", number & 0xFFFF, 0x100, 1, 0, 0, 0) + name + b"\0\0\1\0\1"


def check_answer(asked, reply):
    if reply[:2] != asked[:2] or reply[-4:] != b"\xc0\0\2\1":
        raise RuntimeError("the name server has not answered as it must")


class Gaps:
    """See gaps.hpp."""

    def __init__(self):
        self.waited = []
        self.last = time.monotonic()

    def tick(self):
        now = time.monotonic()
        gap = now - self.last
        self.last = now
        self.waited.append(gap)
        gap -= TICK
        while gap >= TICK:
            self.waited.append(gap)
            gap -= TICK

    def finish(self):
        if time.monotonic() - self.last > TICK:
            self.tick()

    def text(self):
        ordered = sorted(self.waited) or [0.0]
        return "p99_ms=%.4f worst_ms=%.4f" % (
            ordered[(len(ordered) - 1) * 99 // 100] * 1e3, ordered[-1] * 1e3)


class Cell:
    def __init__(self, given):
        self.does = given["workload"]
        self.executor = given["executor"]
        self.clients = int(given["clients"])
        self.workers = int(given["workers"])
        self.seconds = float(given["seconds"])
        self.tcp = ("127.0.0.1", int(given["tcp"]))
        self.dns = ("127.0.0.1", int(given["dns"]))
        self.files = []
        if self.does in ("cached", "hashing"):
            with open(given["files" if self.does == "cached" else "tree"]) as lines:
                self.files = lines.read().split("\n")[:-1]


class Client:
    """What one thread or process does, blocking: one operation after the other."""

    def __init__(self, cell, number):
        self.cell = cell
        self.number = number
        self.operations = number
        self.random = random.Random(number)
        self.socket = None
        if cell.does in ("tcp", "mix"):
            self.socket = socket.create_connection(cell.tcp)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        elif cell.does == "dns":
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.settimeout(5)
            self.socket.connect(cell.dns)

    def next_file(self):
        return self.cell.files[int(self.random.random() * len(self.cell.files))]

    def next_question(self):
        return question(self.operations, "n%d-%d" % (self.number, self.operations))

    def operate(self):
        self.operations += 1
        does = self.cell.does
        if does == "sleep":
            time.sleep(LATENCY)
        elif does == "dns":
            asked = self.next_question()
            self.socket.send(asked)
            check_answer(asked, self.socket.recv(1232))
        elif does == "tcp" or (does == "mix" and self.operations % MIX_PERIOD != 0):
            self.ask_server()
        elif does == "mix":
            count_many_primes()
        elif does == "cached":
            read_cached(self.next_file())
        elif does == "hashing":
            hash_file(self.next_file())
        elif does == "primes":
            count_primes()

    def ask_server(self):
        self.socket.sendall(MESSAGE)
        if len(self.socket.recv(len(MESSAGE), socket.MSG_WAITALL)) != len(MESSAGE):
            raise RuntimeError("the server has not answered")


class TaskClient(Client):
    """The same as a coroutine; `pool` does what computes or reads, or nothing and the loop does."""

    def __init__(self, cell, number, pool):
        super().__init__(cell, number)
        self.pool = pool
        if self.socket:
            self.socket.setblocking(False)

    async def call(self, function, *arguments):
        if self.pool:
            await asyncio.get_running_loop().run_in_executor(self.pool, function, *arguments)
        else:
            function(*arguments)
            await asyncio.sleep(0)

    async def operate(self):
        self.operations += 1
        does = self.cell.does
        loop = asyncio.get_running_loop()
        if does == "sleep":
            await asyncio.sleep(LATENCY)
        elif does == "dns":
            asked = self.next_question()
            await loop.sock_sendall(self.socket, asked)
            check_answer(asked, await loop.sock_recv(self.socket, 1232))
        elif does == "tcp" or (does == "mix" and self.operations % MIX_PERIOD != 0):
            self.writer.write(MESSAGE)
            await self.reader.readexactly(len(MESSAGE))
        elif does == "mix":
            await self.call(count_many_primes)
        elif does == "cached":
            await self.call(read_cached, self.next_file())
        elif does == "hashing":
            await self.call(hash_file, self.next_file())
        elif does == "primes":
            await self.call(count_primes)

    async def run(self, start, deadline):
        if self.cell.does in ("tcp", "mix"):
            self.reader, self.writer = await asyncio.open_connection(sock=self.socket)
        await start()
        done = 0
        while True:
            await self.operate()
            done += 1
            if time.monotonic() >= deadline():
                return done


def others():
    """The processes that this one has started: they are in its process group."""
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.getpgid(int(name)) == os.getpgrp():
                if int(name) != os.getpid():
                    yield name
        except ProcessLookupError:
            pass


def usage():
    """Processor time in microseconds and context switches so far, with those of the others."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    processor_us, switches = (own.ru_utime + own.ru_stime) * 1e6, own.ru_nvcsw + own.ru_nivcsw
    for process in others():
        for thread in os.listdir("/proc/%s/task" % process):
            path = "/proc/%s/task/%s/" % (process, thread)
            with open(path + "schedstat", encoding="ascii") as file:
                processor_us += int(file.read().split()[0]) / 1e3
            with open(path + "status", encoding="ascii") as file:
                switches += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return processor_us, switches


def report(done, seconds, before, after, ticker, gaps):
    print("done=%d seconds=%.6f cpu_us=%d switches=%d ticker=%s %s" % (
        done, seconds, after[0] - before[0], after[1] - before[1], ticker, gaps.text()),
          flush=True)
    sys.stdin.read()


def operate_until(client, deadline):
    done = 0
    while True:
        client.operate()
        done += 1
        now = time.monotonic()
        if now >= deadline:
            return done, now


def run_blocking(cell):
    client = Client(cell, 0)
    before = usage()
    begun = time.monotonic()
    done, ended = operate_until(client, begun + cell.seconds)
    report(done, ended - begun, before, usage(), "none", Gaps())


def tick_until(gaps, is_over):
    while not is_over.is_set():
        time.sleep(TICK)
        gaps.tick()


def run_threads(cell):
    ready = threading.Barrier(cell.clients + 1)
    start = threading.Event()
    results = []
    begun = 0.0

    def work(number):
        client = Client(cell, number)
        ready.wait()
        start.wait()
        results.append(operate_until(client, begun + cell.seconds))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(cell.clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    before = usage()
    gaps = Gaps()
    is_over = threading.Event()
    begun = time.monotonic()
    ticker = threading.Thread(target=tick_until, args=(gaps, is_over))
    ticker.start()
    start.set()
    for thread in threads:
        thread.join()
    is_over.set()
    ticker.join()
    report(sum(done for done, _ in results), max(ended for _, ended in results) - begun, before,
           usage(), "thread", gaps)


def die_with_parent():
    """In a child process: ends it when the bench has killed its parent. See prctl(2)."""
    import ctypes  # only here, so that it is in no other process's memory
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def process_work(cell, number, pipe):
    die_with_parent()
    try:
        client = Client(cell, number)
        pipe.send("ready")
        pipe.send(operate_until(client, pipe.recv()))
        pipe.recv()
    except EOFError:
        pass


def run_processes(cell):
    pipes = []
    for number in range(cell.clients):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=process_work, args=(cell, number, theirs),
                                          daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
    for pipe in pipes:
        pipe.recv()
    before = usage()
    gaps = Gaps()
    is_over = threading.Event()
    begun = time.monotonic()
    ticker = threading.Thread(target=tick_until, args=(gaps, is_over))
    ticker.start()
    for pipe in pipes:
        pipe.send(begun + cell.seconds)
    results = [pipe.recv() for pipe in pipes]
    is_over.set()
    ticker.join()
    report(sum(done for done, _ in results), max(ended for _, ended in results) - begun, before,
           usage(), "parent", gaps)
    for pipe in pipes:
        pipe.send("end")


async def tick_on_loop(gaps):
    while True:
        await asyncio.sleep(TICK)
        gaps.tick()


async def run_asyncio(cell, pool):
    loop = asyncio.get_running_loop()
    if pool:
        await asyncio.gather(*(loop.run_in_executor(pool, time.time) for _ in range(cell.workers)))
    begun = 0.0
    ready = 0
    all_are_ready = asyncio.Event()
    started = asyncio.Event()

    async def start():
        nonlocal ready
        ready += 1
        if ready == cell.clients:
            all_are_ready.set()
        await started.wait()

    clients = [TaskClient(cell, number, pool) for number in range(cell.clients)]
    tasks = [asyncio.create_task(each.run(start, lambda: begun + cell.seconds))
             for each in clients]
    await all_are_ready.wait()
    before = usage()
    gaps = Gaps()
    ticker = asyncio.create_task(tick_on_loop(gaps))
    await asyncio.sleep(0)
    begun = time.monotonic()
    started.set()
    done = sum(await asyncio.gather(*tasks))
    seconds = time.monotonic() - begun
    gaps.finish()
    ticker.cancel()
    report(done, seconds, before, usage(), "loop", gaps)


def main():
    cell = Cell(dict(argument.split("=", 1) for argument in sys.argv[1:]))
    if cell.executor == "blocking":
        run_blocking(cell)
    elif cell.executor == "threads":
        run_threads(cell)
    elif cell.executor == "processes":
        run_processes(cell)
    elif cell.executor == "asyncio":
        asyncio.run(run_asyncio(cell, None))
    elif cell.executor == "asyncio-threads":
        with concurrent.futures.ThreadPoolExecutor(cell.workers) as pool:
            asyncio.run(run_asyncio(cell, pool))
    else:
        with concurrent.futures.ProcessPoolExecutor(
                cell.workers, initializer=die_with_parent) as pool:
            asyncio.run(run_asyncio(cell, pool))


if __name__ == "__main__":
    main()
