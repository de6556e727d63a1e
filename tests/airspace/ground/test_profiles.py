import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.ground.profiles import Profile

heights_m = st.floats(-100.0, 5000.0)


def joined(first_m: float, pieces: list[tuple[float, float, float]]) -> Profile:
    """A profile from its first height and, for each piece, the height in its middle, that at its end and its length."""
    lengths_m = [length_m for _, _, length_m in pieces]
    nodes_m = np.array([first_m, *(end_m for _, end_m, _ in pieces)])
    middles_m = np.array([middle_m for middle_m, _, _ in pieces])
    return Profile(np.concatenate([[0.0], np.cumsum(lengths_m)]), nodes_m[:-1], middles_m, nodes_m[1:])


pieces = st.lists(st.tuples(heights_m, heights_m, st.floats(0.1, 500.0)), min_size=1, max_size=8)
profiles = st.builds(joined, heights_m, pieces)


def sampled(profile: Profile, count: int = 400) -> np.ndarray:
    """Heights inside every piece, by Lagrange's formula through its three heights."""
    u = np.linspace(0.0, 1.0, count)
    start, middle, end = (h[:, np.newaxis] for h in (profile.start_m, profile.middle_m, profile.end_m))
    heights: np.ndarray = start * (2 * u - 1) * (u - 1) + middle * 4 * u * (1 - u) + end * u * (2 * u - 1)
    return heights


@given(profiles)
def test_the_lowest_and_the_highest_are_those_of_dense_samples_and_beyond(profile: Profile) -> None:
    heights = sampled(profile)
    low_m, low_at_m = profile.lowest()
    high_m, high_at_m = profile.highest()
    spread_m = float(np.ptp(heights)) + 1.0
    assert heights.min() - spread_m * 2e-5 <= low_m <= heights.min() + 1e-9 * spread_m
    assert heights.max() - 1e-9 * spread_m <= high_m <= heights.max() + spread_m * 2e-5
    assert profile.along_m[0] <= low_at_m <= profile.along_m[-1]
    assert profile.along_m[0] <= high_at_m <= profile.along_m[-1]


@given(profiles)
def test_the_lowest_and_the_highest_are_where_they_are_said_to_be(profile: Profile) -> None:
    for height_m, at_m in (profile.lowest(), profile.highest()):
        assert profile.height_m(at_m) == pytest.approx(height_m, abs=1e-6)


@given(profiles, st.floats(-500.0, 500.0), st.floats(-500.0, 500.0))
def test_a_line_over_a_profile_is_line_less_profile_everywhere(profile: Profile, start_m: float, end_m: float) -> None:
    over = profile.under(start_m, end_m)
    length_m = profile.along_m[-1]
    for share in (0.0, 0.123, 0.5, 0.877, 1.0):
        at_m = share * length_m
        line_m = start_m + (end_m - start_m) * share
        assert over.height_m(at_m) == pytest.approx(line_m - profile.height_m(at_m), abs=1e-6)


def test_a_level_profile_is_level() -> None:
    profile = Profile.level(88.6, 1000.0)
    assert profile.lowest() == (88.6, 0.0)
    assert profile.highest() == (88.6, 0.0)
    assert profile.height_m(432.1) == 88.6


def test_the_least_height_of_a_climb_on_the_spot_is_its_lower_end() -> None:
    assert Profile.level(88.6, 0.0).under(188.6, 90.6).lowest()[0] == pytest.approx(2.0)
    assert Profile.level(88.6, 0.0).under(90.6, 188.6).lowest()[0] == pytest.approx(2.0)


def test_a_hollow_inside_one_piece_is_found() -> None:
    one = np.array([0.0])
    hollow = Profile(np.array([0.0, 10.0]), one, one - 4.0, one)
    assert hollow.lowest() == pytest.approx((-4.0, 5.0))
    assert hollow.highest()[0] == 0.0
