from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from airspace.geodesy.geoid import DATUM_1985_ACCURACY_M, Geoid, datum_1985
from airspace.reasons import Refused

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "geoid"
EGM96 = SHARED / "us_nga_egm96_15.tif"
EGM2008 = SHARED / "egm2008_2p5min_henan.npz"
needs_grids = pytest.mark.skipif(not (EGM96.exists() and EGM2008.exists()), reason="no geoid grids on this machine")

BUILT_IN = Geoid.built_in()
CITIES = {  # facts.md 4.6: latitude, longitude, undulations of EGM2008 and EGM96
    "Zhengzhou": (34.7466, 113.6254, -19.365, -19.720),
    "Luoyang": (34.6197, 112.4540, -22.477, -22.460),
    "Kaifeng": (34.7973, 114.3071, -17.968, -18.157),
    "Anyang": (36.0976, 114.3924, -16.244, -16.718),
    "Nanyang": (32.9908, 112.5283, -22.076, -22.128),
}


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    (reason,) = refused.value.reasons
    return reason.rule.code


def plane(tmp_path: Path, north_up: bool = True) -> Path:
    """A grid over 110-112 E, 30-33 N every half degree that holds 10 lat + lon - 500: bilinear already."""
    lat, lon = np.arange(30.0, 33.1, 0.5), np.arange(110.0, 112.1, 0.5)
    n = 10.0 * lat[:, np.newaxis] + lon[np.newaxis, :] - 500.0
    path = tmp_path / "plane.npz"
    np.savez(path, lat=lat[::-1] if north_up else lat, lon=lon, N=n[::-1] if north_up else n)
    return path


def write_tiff(path: Path, values: np.ndarray, crs: str | None = "EPSG:4979", **more: object) -> Path:
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "crs": crs,
        "transform": Affine(0.5, 0.0, 110.0, 0.0, -0.5, 33.0),
    }
    profile |= {"height": values.shape[-2], "width": values.shape[-1]} | more
    with rasterio.open(path, "w", **profile) as file:
        file.write(values if values.ndim == 3 else values[np.newaxis])
    return path


@pytest.mark.parametrize("north_up", [True, False])
def test_between_nodes_an_undulation_is_bilinear(tmp_path: Path, north_up: bool) -> None:
    geoid = Geoid.load(plane(tmp_path, north_up))
    for lat_deg, lon_deg in ((30.0, 110.0), (31.3, 110.7), (32.99, 111.01), (33.0, 112.0)):
        assert geoid.undulation_m(lat_deg, lon_deg) == pytest.approx(10.0 * lat_deg + lon_deg - 500.0, abs=1e-4)


@given(st.floats(17.0, 54.5), st.floats(72.0, 136.5), st.floats(0.0, 0.4), st.floats(0.0, 0.4))
def test_arrays_and_the_range_of_a_box_agree_with_single_places(
    south: float, west: float, tall: float, wide: float
) -> None:
    north, east = min(54.5, south + tall), min(136.5, west + wide)
    lat, lon = np.meshgrid(np.linspace(south, north, 9), np.linspace(west, east, 9), indexing="ij")
    undulations_m = BUILT_IN.undulation_m(lat, lon)
    assert undulations_m[3, 4] == pytest.approx(BUILT_IN.undulation_m(float(lat[3, 4]), float(lon[3, 4])), abs=1e-9)
    low_m, high_m = BUILT_IN.range_m(south, west, north, east)
    assert low_m - 1e-5 <= undulations_m.min() <= undulations_m.max() <= high_m + 1e-5


def test_the_range_of_a_box_is_reached_at_a_node_inside_it(tmp_path: Path) -> None:
    values = np.zeros((5, 5), dtype=np.float32)
    values[2, 2] = 30.0
    geoid = Geoid.load(write_tiff(tmp_path / "peak.tif", values))
    (lat_deg, lon_deg) = (33 - 1.25, 110 + 1.25)
    assert geoid.undulation_m(lat_deg, lon_deg) == 30.0
    assert geoid.range_m(lat_deg - 0.1, lon_deg - 0.1, lat_deg + 0.1, lon_deg + 0.2)[1] == 30.0


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg"), [(16.99, 113.0), (54.6, 113.0), (34.0, 71.9), (34.0, 136.6), (0.0, -60.0)]
)
def test_a_place_outside_the_grid_is_refused_with_the_area_of_the_grid(lat_deg: float, lon_deg: float) -> None:
    with pytest.raises(Refused) as refused:
        BUILT_IN.undulation_m(lat_deg, lon_deg)
    assert code_of(refused) == "geodesy.geoid.outside"
    assert "17..54.5 N, 72..136.5 E" in refused.value.reasons[0].text()
    with pytest.raises(Refused):
        BUILT_IN.undulation_m(np.array([34.0, lat_deg]), np.array([113.0, lon_deg]))


def test_no_place_is_outside_every_grid() -> None:
    with pytest.raises(Refused):
        BUILT_IN.undulation_m(float("nan"), 113.0)


def test_a_gap_in_a_grid_is_refused_and_never_zero(tmp_path: Path) -> None:
    values = np.full((5, 5), -20.0, dtype=np.float32)
    values[2, 2] = -9999.0
    geoid = Geoid.load(write_tiff(tmp_path / "gap.tif", values, nodata=-9999.0))
    assert geoid.undulation_m(32.4, 111.9) == -20.0
    with pytest.raises(Refused) as refused:
        geoid.undulation_m(31.7, 111.3)
    assert code_of(refused) == "geodesy.geoid.gap"


def test_a_gap_that_the_file_does_not_declare_is_one(tmp_path: Path) -> None:
    values = np.full((5, 5), -32768.0, dtype=np.float32)
    with pytest.raises(Refused) as refused:
        Geoid.load(write_tiff(tmp_path / "gap.tif", values)).undulation_m(31.7, 111.3)
    assert code_of(refused) == "geodesy.geoid.gap"


def test_a_gtx_grid_holds_what_the_geotiff_holds(tmp_path: Path) -> None:
    values = np.linspace(-30.0, 30.0, 25, dtype=np.float32).reshape(5, 5)
    tiff = Geoid.load(write_tiff(tmp_path / "grid.tif", values))
    header = np.array([tiff.south_deg, tiff.west_deg, 0.5, 0.5], dtype=">f8").tobytes()
    body = np.array([5, 5], dtype=">i4").tobytes() + values[::-1].astype(">f4").tobytes()
    (tmp_path / "grid.gtx").write_bytes(header + body)
    gtx = Geoid.load(tmp_path / "grid.gtx", name="by hand", accuracy_m=0.1)
    assert (gtx.name, gtx.accuracy_m) == ("by hand", 0.1)
    for lat_deg, lon_deg in ((31.0, 111.0), (32.7, 110.3), (tiff.south_deg, tiff.west_deg)):
        assert gtx.undulation_m(lat_deg, lon_deg) == pytest.approx(tiff.undulation_m(lat_deg, lon_deg), abs=1e-5)


def test_a_grid_around_the_earth_closes_over_the_antimeridian(tmp_path: Path) -> None:
    lat, lon = np.arange(-90.0, 91.0, 30.0), np.arange(-180.0, 180.0, 30.0)
    n = np.broadcast_to(np.abs(lon), (lat.size, lon.size)) / 10.0
    np.savez(tmp_path / "world.npz", lat=lat, lon=lon, N=n)
    geoid = Geoid.load(tmp_path / "world.npz")
    assert geoid.undulation_m(10.0, 165.0) == pytest.approx(16.5)
    assert geoid.undulation_m(10.0, 180.0) == pytest.approx(geoid.undulation_m(10.0, -180.0)) == pytest.approx(18.0)
    assert geoid.undulation_m(10.0, 190.0) == pytest.approx(geoid.undulation_m(10.0, -170.0))


def spoilt(tmp_path: Path) -> dict[str, Path]:
    five = np.zeros((5, 5), dtype=np.float32)
    paths = {
        "bands": write_tiff(tmp_path / "bands.tif", np.zeros((2, 5, 5), dtype=np.float32), count=2),
        "metres": write_tiff(tmp_path / "metres.tif", five, crs="EPSG:4547"),
        "thin": write_tiff(tmp_path / "thin.tif", np.zeros((1, 5), dtype=np.float32)),
        "text": tmp_path / "text.tif",
        "missing": tmp_path / "missing.gtx",
        "archive": tmp_path / "archive.npz",
        "names": tmp_path / "names.npz",
        "uneven": tmp_path / "uneven.npz",
        "shape": tmp_path / "shape.npz",
        "objects": tmp_path / "objects.npz",
        "giant": tmp_path / "giant.gtx",
        "short": tmp_path / "short.gtx",
        "empty": tmp_path / "empty.npz",
        "torn": tmp_path / "torn.npz",
    }
    paths["text"].write_text("geoid")
    paths["archive"].write_bytes(b"PK\x03\x04 nothing")
    np.savez(paths["names"], latitude=np.arange(3))
    np.savez(paths["uneven"], lat=np.array([0.0, 1.0, 3.0]), lon=np.arange(3.0), N=np.zeros((3, 3)))
    np.savez(paths["shape"], lat=np.arange(4.0), lon=np.arange(3.0), N=np.zeros((3, 3)))
    np.savez(paths["objects"], lat=np.array([{}], dtype=object), lon=np.arange(3.0), N=np.zeros((3, 3)))
    giant = np.array([30.0, 110.0, 0.5, 0.5], dtype=">f8").tobytes()
    paths["giant"].write_bytes(giant + np.array([60_000, 60_000], dtype=">i4").tobytes() + bytes(1000))
    paths["short"].write_bytes(giant + np.array([50, 50], dtype=">i4").tobytes() + bytes(1000))
    paths["empty"].write_bytes(b"")
    np.savez_compressed(paths["torn"], lat=np.arange(3.0), lon=np.arange(3.0), N=np.eye(3))
    whole = bytearray(paths["torn"].read_bytes())
    whole[60:90] = bytes(30)
    paths["torn"].write_bytes(whole)
    return paths


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_what_is_no_geoid_grid_is_refused_with_its_file(tmp_path: Path) -> None:
    for path in spoilt(tmp_path).values():
        with pytest.raises(Refused) as refused:
            Geoid.load(path)
        assert code_of(refused) == "geodesy.geoid.file", path
        assert refused.value.reasons[0].where == str(path)


def test_the_built_in_grid_is_small_and_knows_its_accuracy() -> None:
    size = len(resources.files("airspace.geodesy").joinpath("egm96_china_30min.npz").read_bytes())
    assert size < 25_000
    assert BUILT_IN.accuracy_m == 1.0


@pytest.mark.parametrize("city", CITIES)
def test_the_built_in_grid_knows_the_cities_of_henan_within_its_accuracy(city: str) -> None:
    lat_deg, lon_deg, egm2008_m, egm96_m = CITIES[city]
    assert BUILT_IN.undulation_m(lat_deg, lon_deg) == pytest.approx(egm96_m, abs=0.35)
    assert BUILT_IN.undulation_m(lat_deg, lon_deg) == pytest.approx(egm2008_m, abs=1.0)


@needs_grids
@pytest.mark.parametrize("city", CITIES)
def test_the_real_grids_give_the_undulations_that_were_worked_out_before(city: str) -> None:
    lat_deg, lon_deg, egm2008_m, egm96_m = CITIES[city]
    assert Geoid.load(EGM2008).undulation_m(lat_deg, lon_deg) == pytest.approx(egm2008_m, abs=0.02)
    assert Geoid.load(EGM96).undulation_m(lat_deg, lon_deg) == pytest.approx(egm96_m, abs=0.02)


@needs_grids
def test_the_built_in_grid_is_as_near_to_the_full_one_and_to_egm2008_as_its_docstring_says() -> None:
    full, henan = Geoid.load(EGM96), Geoid.load(EGM2008)
    lat, lon = np.meshgrid(np.arange(17.0, 54.501, 0.125), np.arange(72.0, 136.501, 0.125), indexing="ij")
    off_m = np.abs(BUILT_IN.undulation_m(lat, lon) - full.undulation_m(lat, lon))
    assert np.percentile(off_m, 95) == pytest.approx(0.35, abs=0.01)
    assert 2.5 < off_m.max() <= 2.7
    lat, lon = np.meshgrid(np.arange(31.4, 36.4, 0.02), np.arange(110.35, 116.65, 0.02), indexing="ij")
    off_m = np.abs(BUILT_IN.undulation_m(lat, lon) - henan.undulation_m(lat, lon))
    assert 0.6 < np.percentile(off_m, 95) < 0.7
    assert 1.1 < off_m.max() < 1.3


@needs_grids
def test_the_built_in_grid_holds_every_second_node_of_the_full_one() -> None:
    full = Geoid.load(EGM96)
    lat, lon = np.meshgrid(np.arange(17.0, 54.6, 0.5), np.arange(72.0, 136.6, 0.5), indexing="ij")
    assert np.abs(BUILT_IN.undulation_m(lat, lon) - full.undulation_m(lat, lon)).max() <= 0.00501


@needs_grids
def test_the_1985_datum_lies_above_the_geoid_by_its_offset() -> None:
    egm2008 = Geoid.load(EGM2008)
    sea = datum_1985(egm2008)
    lat_deg, lon_deg, undulation_m, _ = CITIES["Zhengzhou"]
    ellipsoidal_m = 90.0
    h85_m = ellipsoidal_m - sea.undulation_m(lat_deg, lon_deg)
    assert h85_m == pytest.approx(ellipsoidal_m - undulation_m - 0.3, abs=0.02)
    assert sea.accuracy_m == DATUM_1985_ACCURACY_M
    assert datum_1985(egm2008, 0.21, 0.05).undulation_m(lat_deg, lon_deg) == pytest.approx(
        undulation_m + 0.21, abs=0.02
    )
