"""The way to drones: MAVLink, one service of the protocol a module.

Bytes come and go through a transport (`transport`, `addresses`, `byte_lines`), become messages (`codec`), are kept
(`tlog`) and folded into a state (`telemetry`, `statustexts`, `modes`). `drone` runs the link; on it work commands
(`commands`, `outcomes`), parameters (`parameters`), streams (`stream_requests`) and mission lists (`mission_transfer`,
`mission_items`, `read_back`).
"""
