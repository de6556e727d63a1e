"""The controller's side: one ROUTER for all poles of a district."""

from poles.gateway.gateway import Gateway, GatewayNeeds

__all__ = ["Gateway", "GatewayNeeds"]
