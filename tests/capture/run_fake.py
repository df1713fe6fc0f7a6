"""Run as a program by the tests that kill it: converts a fake source into a folder."""

import sys
from pathlib import Path

from gonio.capture.conversion import conversion_events
from gonio.capture.executor import ExecutorOptions
from gonio.capture.store import ShardStore
from tests.capture.fakes import FakeSource, plan_of


def main(root: str, log: str, tasks: int, delay_s: float) -> None:
    store = ShardStore(root)
    plan = plan_of(FakeSource(tasks, delay_s=delay_s, log=Path(log)))
    for event in conversion_events(plan, store, ExecutorOptions("pool", 2)):
        store.save(event)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
