"""Files with Python's own calls, one at a time: python.py ROW DEPTH DIRECTORY"""
import os
import random
import sys
import time

PAGE = 4096
DATA = 256 << 20
BLOCK = 256 << 10
LARGE = 1 << 30
SMALL = 1000
MEASURED_FOR = 0.4


def measure(step, operations):
    step()
    done = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < MEASURED_FOR:
        step()
        done += operations
    print((time.perf_counter() - begun) * 1e9 / done)


def read_pages(directory):
    data = os.open(directory + "/data", os.O_RDONLY)
    pages = [page * PAGE for page in range(DATA // PAGE)]
    random.shuffle(pages)

    def step():
        for page in pages:
            assert len(os.pread(data, PAGE, page)) == PAGE

    measure(step, len(pages))


def read_blocks(directory):
    data = os.open(directory + "/data", os.O_RDONLY)

    def step():
        os.lseek(data, 0, os.SEEK_SET)
        while os.read(data, BLOCK):
            pass

    measure(step, DATA // BLOCK)


def write_blocks(directory):
    path = directory + "/large"
    large = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    block = bytes(BLOCK)
    begun = time.perf_counter()
    for at in range(0, LARGE, BLOCK):
        os.pwrite(large, block, at)
    print((time.perf_counter() - begun) * 1e9 / (LARGE // BLOCK))
    os.unlink(path)


def small_files(directory):
    contents = b"x" * PAGE

    def step():
        for number in range(SMALL):
            path = f"{directory}/small-{number}"
            with open(path, "wb") as to:
                to.write(contents)
            with open(path, "rb") as read:
                assert len(read.read()) == PAGE
            os.unlink(path)

    measure(step, SMALL)


ROWS = {"cached": read_pages, "read": read_blocks, "write": write_blocks, "small": small_files}
ROWS[sys.argv[1]](sys.argv[3])
