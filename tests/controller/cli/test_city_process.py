"""The simulated city as a child process: what it tells is heard, and its end is noticed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from airspace.reasons import Refused
from controller.cli.city_process import CityProcess, city_process


def test_a_city_that_does_not_start_is_refused_with_what_it_says(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused, city_process([str(tmp_path / "none.yaml"), "--into", str(tmp_path)]):
        raise AssertionError("it started")
    (reason,) = refused.value.reasons
    assert reason.rule.code == "demo.city"
    assert "none.yaml" in reason.text("en")
    assert "none.yaml" in reason.text("zh")


def followed(*chunks: bytes, ended: bool = True) -> CityProcess:
    """A city whose output is these chunks, after `follow` has heard them."""
    read, write = os.pipe()
    city = CityProcess(Path("site.toml"), {}, _out=read)

    async def main() -> None:
        following = asyncio.create_task(city.follow())
        for chunk in chunks:
            os.write(write, chunk)
            await asyncio.sleep(0.01)
        if ended:
            os.close(write)
            await following
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    try:
        asyncio.run(main())
    finally:
        os.close(read)
        if not ended:
            os.close(write)
    return city


def test_how_drones_are_and_what_goes_wrong_is_heard_in_pieces_as_the_pipe_brings_them() -> None:
    city = followed(
        b'{"drone": "drone-1", "landed": true, "armed": false}\n{"drone": "dr',
        b'one-2", "landed": true, "armed": true}\n',
        b'{"drone": "drone-1", "landed": false, "armed": true}\n{"fault": "wind=9", "utc_s": 12.5, "began": true}\n',
        ended=False,
    )
    assert city.drones == {"drone-1": {"landed": False, "armed": True}, "drone-2": {"landed": True, "armed": True}}
    assert city.faults == [("wind=9", 12.5, True)]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (b'{"outcome": "refused", "reasons": [{"en": "it broke", "zh": "\xe5\x9d\x8f"}]}\n', ("it broke", "\u574f")),
        (b"Segmentation fault\n", ("Segmentation fault", "Segmentation fault")),
        (b"", ("-", "-")),
    ],
)
def test_a_city_that_ends_by_itself_is_refused_with_its_last_words(last: bytes, told: tuple[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        followed(b'{"drone": "drone-1", "landed": true, "armed": false}\n' + last)
    (reason,) = refused.value.reasons
    assert reason.rule.code == "demo.city-ended"
    assert f"by itself: {told[0]} [" in reason.text("en")
    assert told[1] in reason.text("zh")
