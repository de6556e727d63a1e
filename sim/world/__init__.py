"""Whole systems for tests: controller, drones, poles and faults in one process, in virtual time."""

from sim.world.assembly import World, WorldSetup, fly_once, running, setup, site_file, site_of

__all__ = ["World", "WorldSetup", "fly_once", "running", "setup", "site_file", "site_of"]
