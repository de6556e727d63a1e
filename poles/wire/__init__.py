"""The ways between poles and their gateway: ZeroMQ with CURVE, or inside one process."""
