"""Quantities as readings, settings and parameters carry them: TALQ 2.7.1's names of units, in the document's tables.

TALQ writes Celsius as DegreesCelcius and so do we, because programs compare these names. A quantity that has a
range here has it everywhere; the others get theirs where they are used, for msgspec takes one range only.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Percent = Annotated[float, Meta(ge=0.0, le=100.0, extra={"unit": "Percent"})]
Degrees = Annotated[float, Meta(extra={"unit": "Degrees"})]
Bearing = Annotated[float, Meta(ge=0.0, le=360.0, extra={"unit": "Degrees"})]
Metres = Annotated[float, Meta(extra={"unit": "Meters"})]
MetresPerSecond = Annotated[float, Meta(extra={"unit": "MetersPerSecond"})]
MillimetresPerHour = Annotated[float, Meta(ge=0.0, le=500.0, extra={"unit": "MillimetersPerHour"})]
Hectopascal = Annotated[float, Meta(extra={"unit": "Hectopascal"})]
Celsius = Annotated[float, Meta(extra={"unit": "DegreesCelcius"})]
Volts = Annotated[float, Meta(ge=0.0, le=1000.0, extra={"unit": "Volts"})]
Amperes = Annotated[float, Meta(ge=0.0, le=1000.0, extra={"unit": "Amperes"})]
Watts = Annotated[float, Meta(ge=0.0, le=1e6, extra={"unit": "Watts"})]
Kilowatts = Annotated[float, Meta(ge=-1000.0, le=1000.0, extra={"unit": "KiloWatt"})]
KilowattHours = Annotated[float, Meta(ge=0.0, le=1e9, extra={"unit": "KiloWattHours"})]
Hertz = Annotated[float, Meta(ge=0.0, le=1000.0, extra={"unit": "Hertz"})]
Hours = Annotated[float, Meta(ge=0.0, le=1e7, extra={"unit": "Hours"})]
Years = Annotated[float, Meta(extra={"unit": "Years"})]
Seconds = Annotated[float, Meta(extra={"unit": "Seconds"})]
PartsPerMillion = Annotated[float, Meta(ge=0.0, le=1e6, extra={"unit": "PartsPerMillion"})]
Gravities = Annotated[float, Meta(extra={"unit": "g-force"})]
Decibels = Annotated[float, Meta(extra={"unit": "dB"})]
DecibelMilliwatts = Annotated[float, Meta(ge=-200.0, le=50.0, extra={"unit": "dBm"})]
PerMetre = Annotated[float, Meta(ge=0.0, le=100.0, extra={"unit": "PerMeter"})]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Text = Annotated[str, Meta(max_length=256)]
FlightId = Annotated[str, Meta(max_length=64)]

SYMBOLS = {
    "Percent": "%",
    "Degrees": "°",
    "Meters": "m",
    "MetersPerSecond": "m/s",
    "MetersPerSecondSquared": "m/s²",
    "MillimetersPerHour": "mm/h",
    "Hectopascal": "hPa",
    "DegreesCelcius": "°C",
    "Volts": "V",
    "Amperes": "A",
    "Watts": "W",
    "KiloWatt": "kW",
    "KiloWattHours": "kWh",
    "Hertz": "Hz",
    "Hours": "h",
    "Years": "a",
    "Seconds": "s",
    "PartsPerMillion": "ppm",
    "PerMeter": "1/m",
    "g-force": "g",
}  # for people; a unit that is not here is its own symbol
