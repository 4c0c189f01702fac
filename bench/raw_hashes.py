"""Raw prototype of a login: nothing but its Argon2id, in a bare loop on as many threads. Prints how many it made."""

import argparse
import json
import threading
import time

from argon2 import PasswordHasher, Type


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--memory-kib", type=int, required=True)
    parser.add_argument("--passes", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    wanted = parser.parse_args()
    hasher = PasswordHasher(time_cost=wanted.passes, memory_cost=wanted.memory_kib, parallelism=1, type=Type.ID)
    hashed = hasher.hash("a password of the bench")
    counts = [0] * wanted.threads

    def check(place: int) -> None:
        while time.perf_counter() < deadline:
            hasher.verify(hashed, "a password of the bench")
            counts[place] += 1

    print("ready", flush=True)
    began, cpu_s = time.perf_counter(), time.process_time()
    deadline = began + wanted.seconds
    threads = [threading.Thread(target=check, args=(place,)) for place in range(wanted.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_s
    print(json.dumps({"per_second": sum(counts) / seconds, "cpu_ms": cpu_s * 1000 / sum(counts)}), flush=True)


if __name__ == "__main__":
    main()
