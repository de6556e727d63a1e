"""The conformance kit: plays the controller and leads a client through every rule of the protocol."""

from poles.conformance.clients import Client, ClientByHand, ProcessClient
from poles.conformance.findings import Findings, Verdict
from poles.conformance.kit import CODE, TRIALS, ByHand, conform, conform_by_hand
from poles.conformance.paragraphs import PARAGRAPHS
from poles.conformance.scene import Trial

__all__ = [
    "CODE",
    "PARAGRAPHS",
    "TRIALS",
    "ByHand",
    "Client",
    "ClientByHand",
    "Findings",
    "ProcessClient",
    "Trial",
    "Verdict",
    "conform",
    "conform_by_hand",
]
