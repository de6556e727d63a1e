"""A gateway over the controller's own store, as a process to be killed: FOLDER PORT [LIMIT_BYTES].

With a limit no file of it may grow beyond that: a disk that is full for the store.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path
from random import Random

from controller.clock import Clock, run
from controller.store import StoreFailedError, open_store
from poles.gateway import Gateway
from poles.keys import load_key_pair
from tests.poles.raw_pole import CODE


async def main(clock: Clock, folder: Path, port: int) -> None:
    server = load_key_pair(folder / "keys" / "gateway.key")
    pole = load_key_pair(folder / "keys" / "pole.key")
    async with (
        open_store(folder / "store.db", clock.utc_s) as store,
        Gateway.tcp(
            f"tcp://127.0.0.1:{port}",
            server,
            {pole.public: CODE},
            keep=store.keep,
            utc_s=clock.utc_s,
            rng=Random(1),
            stored=store.poles_stored(),
        ),
    ):
        (folder / "gateway.up").touch()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    if len(sys.argv) > 3:
        limit = int(sys.argv[3])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        run(lambda clock: main(clock, Path(sys.argv[1]), int(sys.argv[2])))
    except* (StoreFailedError, OSError) as errors:
        print(errors, errors.exceptions, file=sys.stderr)  # noqa: T201 - the only way out of this process
        sys.exit(3)
