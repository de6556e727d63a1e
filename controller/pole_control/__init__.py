"""How the verbs of `beichen poles` reach a running gateway: a socket in the file system, for its owner alone."""

from controller.pole_control.client import Control, control_of
from controller.pole_control.server import controlled

__all__ = ["Control", "control_of", "controlled"]
