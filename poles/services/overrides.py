"""TALQ's rule for actuators: the last override wins, and an empty one returns the actuator to its program."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Overridden(Generic[T]):
    """A state that a program asks for, and that orders override."""

    def __init__(self, program: T) -> None:
        self.program = program
        self.override: T | None = None

    @property
    def now(self) -> T:
        """The state that is in force."""
        return self.program if self.override is None else self.override

    @property
    def overridden(self) -> bool:
        """Whether an order is in force."""
        return self.override is not None
