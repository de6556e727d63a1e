"""Mission items of any content, for files that must come back as they were written."""

from __future__ import annotations

from hypothesis import strategies as st

from missions.items import MissionItem

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False)
ITEMS = st.builds(
    MissionItem,
    command=st.sampled_from([16, 18, 19, 21, 22, 82, 93, 112, 178, 206, 2000, 4711]),
    frame=st.sampled_from([0, 2, 3, 5, 6, 10]),
    param1=NUMBERS,
    param2=NUMBERS,
    param3=NUMBERS,
    param4=NUMBERS,
    lat_deg=NUMBERS,
    lon_deg=NUMBERS,
    alt_m=NUMBERS,
    autocontinue=st.booleans(),
)
