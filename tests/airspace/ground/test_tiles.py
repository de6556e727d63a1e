import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from airspace.frames import LatLon
from airspace.ground.terrain import Terrain
from airspace.ground.tiles import read_tiles
from airspace.reasons import Refused
from tests.airspace.ground.grounds import NORTH_DEG, STEP_DEG, WEST_DEG, height_at, rough, write_dem


def refusals(path: Path) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        read_tiles(path)
    return [(reason.rule.code, reason.where) for reason in refused.value.reasons]


def write_hgt(path: Path, heights_m: np.ndarray) -> Path:
    path.write_bytes(heights_m.astype(">i2").tobytes())
    return path


def split(folder: Path, heights_m: np.ndarray, overlap: int) -> Path:
    """The model in four tiles that share `overlap` rows and columns."""
    folder.mkdir()
    for north, south in ((0, 20 + overlap), (20, 41)):
        for west, east in ((0, 30 + overlap), (30, 61)):
            name = f"tile-{north:02}-{west:02}.tif"
            corner = {"west": WEST_DEG + west * STEP_DEG, "north": NORTH_DEG - north * STEP_DEG}
            write_dem(folder / name, heights_m[north:south, west:east], **corner)  # type: ignore[arg-type]
    return folder


@pytest.mark.parametrize("overlap", [0, 1, 5])
def test_tiles_of_one_lattice_are_one_surface_without_seams(tmp_path: Path, overlap: int) -> None:
    heights_m = rough(1)
    terrain = Terrain.load(split(tmp_path / "tiles", heights_m, overlap), None)
    rng = np.random.default_rng(2)
    places = np.column_stack(
        [rng.uniform(WEST_DEG, WEST_DEG + 0.03, 500), rng.uniform(NORTH_DEG - 0.02, NORTH_DEG, 500)]
    )
    seam = WEST_DEG + np.array([29.0, 29.3, 29.999, 30.0, 30.5]) * STEP_DEG
    places = np.concatenate([places, np.column_stack([seam, np.full(5, NORTH_DEG - 19.7 * STEP_DEG)])])
    plain = [height_at(heights_m, lon_deg, lat_deg) for lon_deg, lat_deg in places]
    assert terrain.heights_m(places) == pytest.approx(plain, abs=1e-4)


def test_a_void_in_one_tile_is_filled_by_another_that_overlaps(tmp_path: Path) -> None:
    heights_m = rough(3)
    folder = split(tmp_path / "tiles", heights_m, 5)
    holed = heights_m[0:25, 0:35].copy()
    holed[22, 32] = -9999.0
    holed[5, 5] = -9999.0
    write_dem(folder / "tile-00-00.tif", holed, nodata=-9999.0)
    terrain = Terrain.load(folder, None)
    filled = LatLon(NORTH_DEG - 22.0 * STEP_DEG, WEST_DEG + 32.0 * STEP_DEG)
    assert terrain.ellipsoidal_m(filled) == pytest.approx(float(heights_m[22, 32]), abs=1e-4)
    with pytest.raises(Refused, match=r"ground\.terrain\.void"):
        terrain.ellipsoidal_m(LatLon(NORTH_DEG - 5.0 * STEP_DEG, WEST_DEG + 5.0 * STEP_DEG))


@pytest.mark.parametrize("side", [1201, 3601])
def test_srtm_tiles_are_read_bare_and_zipped(tmp_path: Path, side: int) -> None:
    heights_m = np.zeros((side, side), dtype=np.int16)
    heights_m[1:3, 1:3] = [[100, 200], [300, -32768]]
    path = write_hgt(tmp_path / "N34E113.hgt", heights_m)
    with zipfile.ZipFile(tmp_path / "N34E113.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "N34E113.hgt")
        archive.writestr("readme.txt", "shuttle radar")
    step = 1.0 / (side - 1)
    for file in (path, tmp_path / "N34E113.zip"):
        terrain = Terrain.load(file, None)
        assert terrain.ellipsoidal_m(LatLon(35.0 - step, 113.0 + 1.5 * step)) == pytest.approx(150.0, abs=1e-3)
        with pytest.raises(Refused, match=r"ground\.terrain\.void"):
            terrain.ellipsoidal_m(LatLon(35.0 - 2.0 * step, 113.0 + 2.0 * step))
        assert terrain.ellipsoidal_m(LatLon(34.0, 114.0)) == 0.0


def test_neighbouring_srtm_tiles_share_their_edge(tmp_path: Path) -> None:
    west, east = (np.full((1201, 1201), height, dtype=np.int16) for height in (100, 200))
    west[:, -1] = 200
    write_hgt(tmp_path / "N34E113.hgt", west)
    write_hgt(tmp_path / "N34E114.hgt", east)
    terrain = Terrain.load(tmp_path, None)
    heights_m = terrain.heights_m([(114.0 - 0.5 / 1200, 34.5), (114.0, 34.5), (114.0 + 0.5 / 1200, 34.5)])
    assert heights_m == pytest.approx([150.0, 200.0, 200.0], abs=1e-3)


def test_other_files_in_a_folder_of_tiles_are_left_alone(tmp_path: Path) -> None:
    folder = split(tmp_path / "tiles", rough(1), 1)
    (folder / "notes.txt").write_text("by hand")
    assert len(read_tiles(folder)[1]) == 4


def test_a_scaled_band_is_in_metres(tmp_path: Path) -> None:
    stored = np.array([[1000, 2000], [3000, 4000]], dtype=np.int16)
    path = write_dem(tmp_path / "decimetres.tif", stored, scales=(0.1,), offsets=(5.0,), units=("m",))
    assert Terrain.load(path, None).ellipsoidal_m(LatLon(NORTH_DEG, WEST_DEG)) == pytest.approx(105.0)


@pytest.mark.parametrize("void", [-32768.0, -9999.0, 1e38, float("nan")])
def test_a_void_that_the_file_does_not_declare_is_one(tmp_path: Path, void: float) -> None:
    heights_m = rough(4)
    heights_m[10, 10] = void
    terrain = Terrain.load(write_dem(tmp_path / "dem.tif", heights_m), None)
    with pytest.raises(Refused, match=r"ground\.terrain\.void"):
        terrain.ellipsoidal_m(LatLon(NORTH_DEG - 9.5 * STEP_DEG, WEST_DEG + 9.5 * STEP_DEG))


def test_what_is_no_elevation_model_is_refused_by_name(tmp_path: Path) -> None:
    heights_m = rough(5)
    picture = np.stack([heights_m] * 3).astype(np.uint8)
    (tmp_path / "text.tif").write_text("hills")
    (tmp_path / "archive.zip").write_text("no archive")
    (tmp_path / "empty").mkdir()
    (tmp_path / "N34E113.hgt").write_bytes(b"too short")
    bad = [
        write_dem(tmp_path / "frameless.tif", heights_m, crs=None),
        write_dem(tmp_path / "picture.tif", picture),
        write_dem(tmp_path / "feet.tif", heights_m, units=("ft",)),
        write_dem(tmp_path / "line.tif", heights_m[:1]),
        write_dem(tmp_path / "complex.tif", heights_m.astype(np.complex64)),
        tmp_path / "text.tif",
        tmp_path / "archive.zip",
        tmp_path / "empty",
        tmp_path / "N34E113.hgt",
        tmp_path / "nowhere.tif",
    ]
    for path in bad:
        assert refusals(path) == [("ground.terrain.file", str(path))]


@pytest.mark.parametrize("crs", ["EPSG:4214", "EPSG:2435", "EPSG:4610"])
def test_the_old_frames_of_china_are_refused_as_they_lie_a_hundred_metres_off(tmp_path: Path, crs: str) -> None:
    path = write_dem(tmp_path / "old.tif", rough(6), crs=crs)
    assert refusals(path) == [("ground.terrain.frame", str(path))]


@pytest.mark.parametrize("change", [{"step": STEP_DEG * 1.01}, {"west": WEST_DEG + STEP_DEG / 3}, {"crs": "EPSG:4326"}])
def test_a_tile_beside_the_lattice_is_refused_with_the_tile_that_made_it(
    tmp_path: Path, change: dict[str, float]
) -> None:
    write_dem(tmp_path / "a.tif", rough(7))
    other = write_dem(tmp_path / "b.tif", rough(7), **change)  # type: ignore[arg-type]
    assert refusals(tmp_path) == [("ground.terrain.tiles", str(other))]


def test_every_bad_file_of_a_folder_is_named(tmp_path: Path) -> None:
    write_dem(tmp_path / "a.tif", rough(8))
    write_dem(tmp_path / "b.tif", rough(8), units=("feet",))
    (tmp_path / "c.tif").write_text("hills")
    assert [Path(where).name for _, where in refusals(tmp_path)] == ["b.tif", "c.tif"]


def test_a_tile_that_went_away_is_refused_when_it_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    terrain = Terrain.load(write_dem(folder / "dem.tif", rough(9)), None)
    shutil.rmtree(folder)
    with pytest.raises(Refused, match=r"ground\.terrain\.file"):
        terrain.ellipsoidal_m(LatLon(NORTH_DEG, WEST_DEG))


def test_a_tile_that_is_cut_short_is_refused_where_it_ends(tmp_path: Path) -> None:
    path = write_dem(tmp_path / "dem.tif", rough(10))
    path.write_bytes(path.read_bytes()[:4000])
    terrain = Terrain.load(path, None)
    with pytest.raises(Refused, match=r"ground\.terrain\.file"):
        terrain.ellipsoidal_m(LatLon(NORTH_DEG - 0.015, WEST_DEG + 0.01))
