"""The pole's side: what runs on a Linux pole, and in the simulator."""

from poles.agent.agent import PoleAgent
from poles.agent.conversation import HEARTBEAT_S, SEND_AGAIN_S, SILENCE_S

__all__ = ["HEARTBEAT_S", "SEND_AGAIN_S", "SILENCE_S", "PoleAgent"]
