"""The rows of Python: python.py ROW HOW [BYTES]"""
import asyncio
import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
import time

MEASURED_FOR = 0.4
AT_ONCE = 1000
MAP_ITEMS = 100_000
QUEUE_ITEMS = 30_000


def measure(step, operations):
    step()
    begun = time.perf_counter()
    done = 0
    while time.perf_counter() - begun < MEASURED_FOR:
        step()
        done += operations
    print("%.1f" % ((time.perf_counter() - begun) / done * 1e9))


def one():
    return 1


def doubled(x):
    return 2 * x


def echoed(text):
    return text


def nothing():
    pass


def put_numbers(queue):
    for number in range(QUEUE_ITEMS):
        queue.put(number)


def executor(how):
    if how == "threads":
        return concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    return concurrent.futures.ProcessPoolExecutor(os.cpu_count())


async def on_asyncio(row, how):
    loop = asyncio.get_running_loop()
    pool = executor(how)

    async def some(count):
        await asyncio.gather(*(loop.run_in_executor(pool, one) for _ in range(count)))

    count = 1 if row == "one" else AT_ONCE
    await some(count)
    begun = time.perf_counter()
    done = 0
    while time.perf_counter() - begun < MEASURED_FOR:
        await some(count)
        done += count
    print("%.1f" % ((time.perf_counter() - begun) / done * 1e9))
    pool.shutdown()


def on_pool(row, size):
    with multiprocessing.Pool(os.cpu_count()) as pool:
        if row == "one":
            measure(lambda: pool.apply(one), 1)
        elif row == "many":
            measure(lambda: [job.get() for job in [pool.apply_async(one) for _ in range(AT_ONCE)]],
                    AT_ONCE)
        elif row == "payload":
            text = b"x" * size
            measure(lambda: pool.apply(echoed, (text,)), 1)
        elif row == "map":
            items = list(range(MAP_ITEMS))
            measure(lambda: pool.map(doubled, items), MAP_ITEMS)


def through_queue():
    def step():
        queue = multiprocessing.SimpleQueue()
        writer = multiprocessing.Process(target=put_numbers, args=(queue,))
        writer.start()
        for _ in range(QUEUE_ITEMS):
            queue.get()
        writer.join()

    measure(step, QUEUE_ITEMS)


def started():
    child = multiprocessing.Process(target=nothing)
    child.start()
    child.join()


if __name__ == "__main__":
    row, how = sys.argv[1:3]
    if row == "spawn":
        measure(lambda: subprocess.call(["/bin/true"]), 1)
    elif row == "start":
        measure(started, 1)
    elif row == "queue":
        through_queue()
    elif how == "pool":
        on_pool(row, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    else:
        asyncio.run(on_asyncio(row, how))
