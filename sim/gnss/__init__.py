"""The satellites over the city and what receivers and base stations make of them.

`orbits` and `constellation` say where the BeiDou satellites are; `sky` what of them is heard at a place, with jamming
and spoofing; `geometry` how good that is; `atmosphere` and `laws` what spoils it; `receiver` is the drone's receiver;
`rtcm`, `msm` and `base_station` are the corrections on their wire, `nmea` a receiver's sentences.
"""
