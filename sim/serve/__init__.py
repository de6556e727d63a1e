"""Drones at addresses that ordinary ground stations know: simulated ones, and real ArduPilot processes."""
