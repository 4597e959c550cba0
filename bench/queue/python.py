"""Queues behind multiprocessing.managers, as its tutorials have it and as work.hpp says; only one
at a time: python.py HOW master ADDRESS 1 BYTES TASKS, python.py HOW worker ADDRESS 1 BYTES

HOW is "plain", or "nodelay": multiprocessing sends what has more than 16 KiB in two pieces and
leaves Nagle's algorithm on, so that each such value waits for a delayed acknowledgement. With
TCP_NODELAY, which it does not offer, it is measured for what else it costs."""
import ctypes
import multiprocessing
import os
import queue
import signal
import socket
import sys
import time
from multiprocessing.connection import Connection
from multiprocessing.managers import BaseManager

KEY = b"the key of the benchmark"
DIGITS = 16  # at the beginning of a value


class QueueManager(BaseManager):
    pass


def say(*what):
    print(*what, flush=True)


def die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def set_no_delay():
    plain = Connection.__init__

    def init(self, handle, *arguments, **named):
        plain(self, handle, *arguments, **named)
        try:
            with socket.socket(fileno=os.dup(handle)) as made:
                if made.family == socket.AF_INET:
                    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # no socket, but a pipe
            pass

    Connection.__init__ = init


class Master:
    def __init__(self, size, tasks):
        multiprocessing.set_start_method("fork")  # the callables below are for this process's child
        task_queue = queue.Queue()
        result_queue = queue.Queue()
        QueueManager.register("get_task_queue", callable=lambda: task_queue)
        QueueManager.register("get_result_queue", callable=lambda: result_queue)
        self.manager = QueueManager(address=("127.0.0.1", 0), authkey=KEY)
        self.manager.start(initializer=die_with_parent)
        self.task = self.manager.get_task_queue()
        self.result = self.manager.get_result_queue()
        self.size = size
        self.tasks = tasks
        self.padding = b"x" * (size - DIGITS)
        self.number = 0
        self.outstanding = 0  # the sum of the numbers that are put and have not come back

    def put(self, count):
        for _ in range(count):
            self.number += 1
            self.outstanding += self.number
            self.task.put(b"%016d" % self.number + self.padding)

    def get(self, count):
        for _ in range(count):
            value = self.result.get()
            assert len(value) == self.size
            self.outstanding -= int(value[:DIGITS])
        assert self.outstanding == 0

    def throughput(self, seconds):
        done = 0
        begun = time.perf_counter_ns()
        while True:
            self.put(self.tasks)
            self.get(self.tasks)
            done += self.tasks
            took = time.perf_counter_ns() - begun
            if took >= seconds * 1e9:
                break
        say(done, took)

    def latency(self, seconds):
        latencies = []
        begun = time.perf_counter_ns()
        while True:
            put_at = time.perf_counter_ns()
            self.put(1)
            self.get(1)
            now = time.perf_counter_ns()
            latencies.append(now - put_at)
            if now - begun >= seconds * 1e9:
                break
        latencies.sort()
        say(*(latencies[(len(latencies) - 1) * percent // 100] for percent in (50, 99)))

    def obey(self):
        children = (child.pid for child in multiprocessing.active_children())
        say("%s:%d" % self.manager.address, os.getpid(), *children)
        for line in sys.stdin:
            what, seconds = line.split()
            (self.latency if what == "latency" else self.throughput)(float(seconds))
        self.manager.shutdown()


def work(address):
    QueueManager.register("get_task_queue")
    QueueManager.register("get_result_queue")
    host, port = address.split(":")
    manager = QueueManager(address=(host, int(port)), authkey=KEY)
    manager.connect()
    task = manager.get_task_queue()
    result = manager.get_result_queue()
    task.qsize()  # each connects at its first call
    result.qsize()
    say("ready")
    while True:
        n = task.get()
        result.put(n)


if __name__ == "__main__":
    how, role, address, batch, size = sys.argv[1:6]
    assert batch == "1"
    if how == "nodelay":
        set_no_delay()
    if role == "worker":
        work(address)
    else:
        Master(int(size), int(sys.argv[6])).obey()
