"""What poles and the controller say to each other: MessagePack maps with a `type`, version 1.

A pole is a ZeroMQ DEALER that connects out to the controller's ROUTER. It says Hello and is told Welcome. What it
measures and notices is one stream of *entries*, numbered 1, 2, 3 ... in each boot; they travel in Report, Alarm,
Observation, Reported and Log, and are sent until the Ack that covers their numbers. Everything is at least once on the
wire; (pole, boot, seq) makes it once in the store. Corrections, heartbeats and the clock are of the moment and carry no
number. Unknown fields are ignored, so fields can be added, and a field with its default may be left out; an unknown
`type` is answered by a Refusal.

The tables and the schema of docs/poles-protocol.md are generated from these types and their descriptions.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

VERSION = 1
VERSIONS = (VERSION,)
MAX_BODY_BYTES = 64 * 1024
MAX_SEQ = 2**63 - 1
MAX_TEXT = 1024
BACK_MAX_S = 86_400.0  # a Bye that says more is taken for this
MAX_READINGS = 256  # in one report
MAX_HEARD = 64  # in one observation
MAX_FRAME_BYTES = 1024  # of one correction or heard frame

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
UtcS = Annotated[float, Meta(ge=0.0, le=4102444800.0)]
Seconds = Annotated[float, Meta(ge=0.0, le=1e9)]
Frame = Annotated[bytes, Meta(min_length=1, max_length=MAX_FRAME_BYTES)]

Version = Annotated[int, Meta(description="version of the protocol that the sender speaks on this connection")]
Window = Annotated[
    int, Meta(ge=1, le=65536, description="how many entries may be under way, of all boots together (§5.7)")
]
After = Annotated[Seq, Meta(description="number of the entry held before the first one here (§5.4)")]
EntrySeq = Annotated[int, Meta(ge=1, le=MAX_SEQ, description="number of the entry in its boot")]
EntryBoot = Annotated[Name, Meta(description="boot in which the entries came about, the current one or an earlier one")]
At = Annotated[UtcS, Meta(description="UTC [s] when the entry came about, by the pole's best clock (§8)")]
Held = Annotated[Seconds, Meta(description="how long [s] the entry was held before this sending, by a monotonic clock")]
Id = Annotated[Name, Meta(description="name of the command: the same one, the same command")]
Address = Annotated[
    Name, Meta(description="function of the pole: its type, or type.instance where the pole has several (§10)")
]
Code = Annotated[Text, Meta(description="code of the rule that was broken, empty when none was")]
English = Annotated[Text, Meta(description="the same in words, English")]
Chinese = Annotated[Text, Meta(description="the same in words, Chinese")]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    """The base of all messages; the subclass's tag is the `type` on the wire.

    Messages are trees, so the garbage collector need not look at them; the same holds for what they are made of.
    """


class Capability(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One function of the pole: its type, and how often it will be reported at the latest [s] (its liveness bound)."""

    function: Address
    every_s: Annotated[
        float, Meta(gt=0.0, le=86400.0, description="two of its readings are never further apart than this [s]")
    ]


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """A pole's first word on every connection: who it is, since which boot, what it can do and what it holds.

    `boot` names one life of the entry stream: numbers count from 1 in each, and what a ring kept of earlier boots is
    sent first, under their names. `after` is the number before the oldest entry held (what came up to it is
    acknowledged, or dropped), `unsent` how many are held, `dropped` how many of this boot were given up (§5.12).
    The position is CGCS2000 degrees.
    """

    version: Version
    code: Annotated[Name, Meta(description="the pole's city code")]
    boot: Annotated[Name, Meta(description="name of the current boot")]
    firmware: Annotated[Name, Meta(description="name and version of the firmware")]
    functions: Annotated[
        tuple[Capability, ...], Meta(max_length=64, description="what the pole has, each address once")
    ]
    lat_deg: Annotated[float, Meta(ge=-90.0, le=90.0, description="CGCS2000 latitude [deg]")]
    lon_deg: Annotated[float, Meta(ge=-180.0, le=180.0, description="CGCS2000 longitude [deg]")]
    heartbeat_s: Annotated[
        float, Meta(gt=0.0, le=3600.0, description="the pole is never quiet for longer than this [s]")
    ] = 5.0
    after: Annotated[Seq, Meta(description="number before the oldest entry held of this boot")] = 0
    unsent: Annotated[Seq, Meta(description="entries held that are not acknowledged, of all boots together")] = 0
    dropped: Annotated[
        Seq, Meta(description="entries of this boot that were given up before they were acknowledged (§5.12)")
    ] = 0


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """The answer to Hello: the highest number of this boot that is in the store, and how many entries may be under way.

    `utc_s` is the controller's clock when it was sent.
    """

    version: Version
    boot: Annotated[Name, Meta(description="boot of the hello that is answered")]
    durable_seq: Annotated[Seq, Meta(description="every entry of this boot up to here is in the store")]
    window: Window
    utc_s: Annotated[UtcS, Meta(description="the controller's clock [s UTC] when this was sent")]


class Quality(StrEnum):
    """What the pole itself thinks of a reading."""

    GOOD = "good"
    SUSPECT = "suspect"  # the sensor warns, or warms up
    BAD = "bad"  # the sensor does not work; values may be absent


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One entry of a report: the attributes of one function, taken at `at_s` (pole's UTC), `held_s` before sending."""

    seq: EntrySeq
    at_s: At
    held_s: Held
    function: Address
    values: Annotated[
        dict[Name, Any], Meta(description="attributes by name (§10); absent is what has its default or is not known")
    ]
    quality: Annotated[
        Quality, Meta(description="what the pole thinks: good, suspect (warns, warms up) or bad (does not work)")
    ] = Quality.GOOD


class Report(Message, frozen=True, kw_only=True, tag="report"):
    """Readings in order of their numbers.

    `after` (here and in every message of entries) is the number of the entry that the pole holds before the first one
    here, or what was last acknowledged when it holds none before. If `after` is not in the store yet the message came
    too early and is not taken; a distance of more than 1 between `after` and the first number tells of dropped entries.
    """

    boot: EntryBoot
    after: After
    readings: Annotated[
        tuple[Reading, ...],
        Meta(min_length=1, max_length=MAX_READINGS, description="entries with rising numbers"),
    ]


class Entry(Message, frozen=True, kw_only=True):
    """The base of messages that are one entry."""

    boot: EntryBoot
    after: After
    seq: EntrySeq
    at_s: At
    held_s: Held


class Alarm(Entry, frozen=True, kw_only=True, tag="alarm"):
    """Something that people must know: `active` when it began, not when it is over. `code` is of the alarm table."""

    code: Annotated[Name, Meta(description="what it is, of the alarm tables (§10)")]
    active: Annotated[bool, Meta(description="true: it began; false: it is over")]
    function: Annotated[Address, Meta(description="function that it is about")] | None = None
    facts: Annotated[dict[Name, Any], Meta(description="values that the alarm's words name")] = {}


class Source(StrEnum):
    """How a heard drone spoke."""

    GB46750 = "gb46750"  # broadcast identification of GB 46750-2025
    GB42590 = "gb42590"  # and of GB 42590-2023
    ODID = "odid"  # ASTM F3411 / Open Drone ID
    ADSB = "adsb"  # 1090 MHz extended squitter, DF 17 or 18


class Heard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One frame as received `age_s` before the observation's `at_s`; `transmitter`: its MAC or ICAO address in hex.

    What `frame` holds by `source`: `gb46750` the packet from its first byte, 0xFF, on; `gb42590` and `odid` one message
    of 25 bytes, or a message pack, without the counter before it (the vendor element of a Wi-Fi beacon has it after
    FA 0B BC 0D, Bluetooth service data after FA FF 0D); `adsb` the 14 bytes of an extended squitter, parity included.
    """

    source: Annotated[
        Source,
        Meta(description="how it spoke: GB 46750-2025, GB 42590-2023, Open Drone ID or 1090 MHz extended squitter"),
    ]
    frame: Annotated[Frame, Meta(description="the frame as it was received")]
    age_s: Annotated[Seconds, Meta(description="how long [s] before `at_s` of the observation it was received")]
    rssi_dbm: Annotated[float, Meta(ge=-200.0, le=50.0, description="signal strength [dBm]")] | None = None
    transmitter: Annotated[str, Meta(max_length=32, description="MAC or ICAO address, hexadecimal, no separators")] = ""


class Observation(Entry, frozen=True, kw_only=True, tag="observation"):
    """Other drones and aircraft that the pole's receiver heard."""

    heard: Annotated[
        tuple[Heard, ...], Meta(min_length=1, max_length=MAX_HEARD, description="frames, in the order of reception")
    ]


class Reported(Entry, frozen=True, kw_only=True, tag="reported"):
    """The settings of one function as they are in force; `version` is of the Desired that brought them, 0: none did.

    When the pole cannot bring a part about, `code` is the broken rule's, with its words.
    """

    function: Address
    version: Annotated[Seq, Meta(description="version of the latest Desired that was judged, 0 before the first")]
    settings: Annotated[dict[Name, Any], Meta(description="all settings of the function, as they are in force")]
    code: Code = ""
    en: English = ""
    zh: Chinese = ""


class Level(IntEnum):
    """Severity of a log line, as RFC 5424."""

    ERROR = 3
    WARNING = 4
    INFO = 6
    DEBUG = 7


class Log(Entry, frozen=True, kw_only=True, tag="log"):
    """A line of the pole's log."""

    level: Annotated[Level, Meta(description="severity of RFC 5424: 3 error, 4 warning, 6 information, 7 debug")]
    text: Annotated[Text, Meta(description="one line")]


class Ack(Message, frozen=True, kw_only=True, tag="ack"):
    """Every entry of this boot up to `durable_seq` is in the store; `window` entries beyond it may be under way."""

    boot: Annotated[Name, Meta(description="boot that it is about, the current one or an earlier one")]
    durable_seq: Annotated[Seq, Meta(description="every entry of this boot up to here is in the store")]
    window: Window


class Heartbeat(Message, frozen=True, kw_only=True, tag="heartbeat"):
    """Nothing new, but alive; the gateway answers each with its own."""


class Command(Message, frozen=True, kw_only=True, tag="command"):
    """An order to one function, to be begun before `expires_s` (UTC) or not at all, and once per `id` at most."""

    id: Id
    function: Address
    action: Annotated[Name, Meta(description="what it shall do, of the tables in §10")]
    parameters: Annotated[dict[str, Any], Meta(description="parameters of the action by name (§10)")]
    expires_s: Annotated[UtcS, Meta(description="UTC [s] by which it must have begun, else it is void")]


class Accepted(Message, frozen=True, kw_only=True, tag="accepted"):
    """The pole has begun what the command asks."""

    id: Id


class Progress(Message, frozen=True, kw_only=True, tag="progress"):
    """How far a command is, 0 to 1, and what is being done."""

    id: Id
    share: Annotated[float, Meta(ge=0.0, le=1.0, description="how much of it is done")]
    en: Annotated[Text, Meta(description="what is being done, English")] = ""
    zh: Annotated[Text, Meta(description="what is being done, Chinese")] = ""


class Result(Message, frozen=True, kw_only=True, tag="result"):
    """What became of a command; when it is not ok, the broken rule's code and its words."""

    id: Id
    ok: Annotated[bool, Meta(description="true: carried out to its end; false: refused, or it failed on the way")]
    code: Code = ""
    en: English = ""
    zh: Chinese = ""


class Desired(Message, frozen=True, kw_only=True, tag="desired"):
    """The settings that one function shall have from now on; answered by Reported of this `version` or a higher one."""

    function: Address
    version: Annotated[Seq, Meta(description="rises with each wish for this function, from 1")]
    settings: Annotated[
        dict[Name, Any], Meta(description="settings by name (§10); what is not named takes its default")
    ]


class Correction(Message, frozen=True, kw_only=True, tag="correction"):
    """RTCM 3 frames of a base station, from its pole or on to a pole that broadcasts them; too old ones are worthless.

    `number` counts in the stream, so that a gap is seen; frames are whole, D3 to CRC.
    """

    stream: Annotated[Name, Meta(description="name of the stream: the city code of the base station's pole")]
    number: Annotated[Seq, Meta(description="counts the messages of the stream")]
    at_s: Annotated[UtcS, Meta(description="UTC [s] when the frames were made")]
    frames: Annotated[
        tuple[Annotated[bytes, Meta(min_length=6, max_length=1029)], ...],
        Meta(max_length=16, description="whole RTCM 3 frames, from D3 to CRC"),
    ]


class TimeRequest(Message, frozen=True, kw_only=True, tag="time-request"):
    """What is the time? `pole_s` is the pole's clock and comes back unchanged."""

    pole_s: Annotated[float, Meta(description="any clock of the pole [s], best a monotonic one")]


class Time(Message, frozen=True, kw_only=True, tag="time"):
    """The controller's clock [s UTC] when the request came and when this left (as NTP's four stamps, RFC 5905)."""

    pole_s: Annotated[float, Meta(description="of the request, unchanged")]
    received_s: Annotated[UtcS, Meta(description="the controller's clock [s UTC] when the request came")]
    sent_s: Annotated[UtcS, Meta(description="the controller's clock [s UTC] when this left")]


class Bye(Message, frozen=True, kw_only=True, tag="bye"):
    """The last word on a connection: `why` is of reboot, update, power, maintenance, shutdown or revoked.

    `back_s` is in how many seconds to expect, or to try, a new connection; poles spread it by chance.
    """

    why: Annotated[Name, Meta(description="reboot, update, power, maintenance, shutdown or revoked")]
    back_s: Annotated[
        Seconds, Meta(description="in how many seconds [s] a new connection is to come, 0: not known")
    ] = 0.0


class Refusal(Message, frozen=True, kw_only=True, tag="refusal"):
    """Nothing was taken of a message; `about` is its type as far as it could be read, `versions` those spoken here."""

    code: Annotated[Name, Meta(description="code of the rule that was broken (§9)")]
    en: English = ""
    zh: Chinese = ""
    about: Annotated[Text, Meta(description="type of the message that was refused")] = ""
    versions: Annotated[tuple[int, ...], Meta(description="versions of the protocol that are spoken here")] = VERSIONS


FromPole = (
    Hello | Report | Alarm | Observation | Reported | Log | Heartbeat | Accepted | Progress | Result | Correction
    | TimeRequest | Bye
)  # fmt: skip
ToPole = Welcome | Ack | Heartbeat | Command | Desired | Correction | Time | Bye | Refusal
AnyMessage = FromPole | ToPole
