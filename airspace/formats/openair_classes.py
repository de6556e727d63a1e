"""What the classes (AC) and types (AY) of OpenAir ask of a drone: one table from token to kind and restriction.

Classes A to G are those of ICAO Annex 11, 2.6; the types are those of Naviter's extended OpenAir 2.1.2 with the older
tokens of 1999. The choice behind the restrictions: what is separated by air traffic control (A to D, control zones and
areas) asks for its authorisation, and so do restricted and reserved areas, whose keeper may let a flight in; where
others may be met that do not look out for drones, or that must be heard or seen electronically (E, F, danger areas,
radio and transponder zones, gliding), flying is conditional; G, and what only informs, asks for nothing; prohibited is
prohibited. A zone with both a class and a type has the kind of its type and the stricter restriction of the two; an
unclassified one (UNC) is what its type says, and conditional when it has none.
"""

from __future__ import annotations

from airspace.charted import Restriction

_CLOSED = Restriction.PROHIBITED
_ASK = Restriction.AUTHORISATION
_CARE = Restriction.CONDITIONAL
_FREE = Restriction.NONE

STRICTNESS = (_FREE, _CARE, _ASK, _CLOSED)

# token: (key of ZONE_KINDS, restriction)
CLASSES: dict[str, tuple[str, Restriction]] = {
    "A": ("class-a", _ASK),
    "B": ("class-b", _ASK),
    "C": ("class-c", _ASK),
    "D": ("class-d", _ASK),
    "E": ("class-e", _CARE),
    "F": ("class-f", _CARE),
    "G": ("class-g", _FREE),
    "UNC": ("unclassified", _CARE),
    "UNCLASSIFIED": ("unclassified", _CARE),
}

TYPES: dict[str, tuple[str, Restriction]] = {
    "P": ("no-fly", _CLOSED),
    "R": ("restricted", _ASK),
    "Q": ("danger", _CARE),
    "CTR": ("control-zone", _ASK),
    "TMA": ("control-area", _ASK),
    "CTA": ("control-area", _ASK),
    "LTA": ("control-area", _ASK),
    "UTA": ("control-area", _ASK),
    "AWY": ("airway", _ASK),
    "ATZ": ("aerodrome-traffic", _ASK),
    "HTZ": ("aerodrome-traffic", _ASK),
    "MATZ": ("military-traffic", _ASK),
    "MTA": ("military-training", _ASK),
    "MTR": ("military-training", _ASK),
    "ADIZ": ("air-defence", _ASK),
    "TFR": ("temporary", _CLOSED),
    "NOTAM": ("temporary", _CLOSED),
    "N": ("temporary", _CLOSED),
    "TRA": ("reserved", _ASK),
    "TSA": ("reserved", _ASK),
    "TRAFR": ("reserved", _ASK),
    "OFR": ("overflight", _ASK),
    "ALERT": ("danger", _CARE),
    "WARNING": ("danger", _CARE),
    "RMZ": ("radio-mandatory", _CARE),
    "TMZ": ("transponder-mandatory", _CARE),
    "TRZ": ("transponder-mandatory", _CARE),
    "ASRA": ("sporting", _CARE),
    "AERIAL_SPORTING_RECREATIONAL": ("sporting", _CARE),
    "GP": ("no-gliders", _CARE),
    "GSEC": ("gliding", _CARE),
    "GLIDING_SECTOR": ("gliding", _CARE),
    "W": ("gliding", _CARE),
    "TIZ": ("traffic-information", _CARE),
    "TIA": ("traffic-information", _CARE),
    "VFRR": ("visual-route", _CARE),
    "VFRSEC": ("visual-route", _CARE),
    "FIR": ("information-region", _FREE),
    "UIR": ("information-region", _FREE),
    "FIS": ("information-region", _FREE),
    "ACCSEC": ("information-region", _FREE),
    # whoever drew it had a reason that the file does not tell
    "CUSTOM": ("other", _CARE),
}

# A type that adds nothing to the class.
NO_TYPE = "NONE"


def kind_and_restriction(class_token: str, type_token: str) -> tuple[str, Restriction] | None:
    """The kind and the restriction of a class and a type ("" for none), or None when nobody knows one of them.

    Files older than the AY record write types as classes, so both are read there.
    """
    by_class = CLASSES.get(class_token) or TYPES.get(class_token)
    by_type = by_class if type_token in ("", NO_TYPE) else TYPES.get(type_token)
    if by_class is None or by_type is None:
        return None
    if by_class[0] == "unclassified":
        return by_type
    return by_type[0], max(by_class[1], by_type[1], key=STRICTNESS.index)
