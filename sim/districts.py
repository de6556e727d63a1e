"""Districts of the city whose poles and cells fail and come back together: by the mains or by the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sim.city_file import CityCell, CityPole
from sim.pole import SimPole
from sim.pole_network import PoleNetwork
from sim.radio.coverage import Radio

MAINS, NETWORK = "mains", "network"


class Districts:
    """What hangs on which mains and which network; what is named nowhere hangs on neither.

    All methods raise KeyError for a district that does not exist; doing twice what is done already changes nothing.
    """

    def __init__(
        self,
        poles: Iterable[CityPole],
        cells: Iterable[CityCell],
        simulated: Mapping[str, SimPole],
        networks: Mapping[str, PoleNetwork],
        radio: Radio,
    ) -> None:
        self._simulated = simulated
        self._networks = networks
        self._radio = radio
        self._poles: dict[str, dict[str, list[str]]] = {MAINS: {}, NETWORK: {}}
        self._cells: dict[str, dict[str, list[str]]] = {MAINS: {}, NETWORK: {}}
        for pole in poles:
            self._hang(self._poles, pole.code, pole.mains, pole.network)
        for cell in cells:
            self._hang(self._cells, cell.name, cell.mains, cell.network)
        self._off: dict[str, list[str]] = {MAINS: [], NETWORK: []}

    @staticmethod
    def _hang(on: dict[str, dict[str, list[str]]], name: str, mains: str, network: str) -> None:
        for kind, district in ((MAINS, mains), (NETWORK, network)):
            if district:
                on[kind].setdefault(district, []).append(name)

    @property
    def mains(self) -> tuple[str, ...]:
        """The names of all mains districts, sorted."""
        return tuple(sorted({*self._poles[MAINS], *self._cells[MAINS]}))

    @property
    def network(self) -> tuple[str, ...]:
        """The names of all network districts, sorted."""
        return tuple(sorted({*self._poles[NETWORK], *self._cells[NETWORK]}))

    def mains_off(self, district: str) -> None:
        """The mains of a district fail: its poles fall silent, covers stop where they are, cells are off."""
        self._check(MAINS, district)
        if district not in self._off[MAINS]:
            self._off[MAINS].append(district)
            for code in self._poles[MAINS].get(district, ()):
                self._simulated[code].fail_mains()
            self._cells_off(MAINS, district)

    def mains_on(self, district: str) -> None:
        """The mains are back: computers boot, motors that were told to run go on."""
        self._check(MAINS, district)
        if district in self._off[MAINS]:
            self._off[MAINS].remove(district)
            for code in self._poles[MAINS].get(district, ()):
                self._simulated[code].restore_mains()
            self._cells_on(MAINS, district)

    def network_off(self, district: str) -> None:
        """The network of a district fails: its poles live on unheard, cells are off."""
        self._check(NETWORK, district)
        if district not in self._off[NETWORK]:
            self._off[NETWORK].append(district)
            for code in self._poles[NETWORK].get(district, ()):
                self._networks[code].fail()
            self._cells_off(NETWORK, district)

    def network_on(self, district: str) -> None:
        """The network of a district is back."""
        self._check(NETWORK, district)
        if district in self._off[NETWORK]:
            self._off[NETWORK].remove(district)
            for code in self._poles[NETWORK].get(district, ()):
                self._networks[code].restore()
            self._cells_on(NETWORK, district)

    def _cells_off(self, kind: str, district: str) -> None:
        for name in self._cells[kind].get(district, ()):
            self._radio.cell_off(name, kind)

    def _cells_on(self, kind: str, district: str) -> None:
        for name in self._cells[kind].get(district, ()):
            self._radio.cell_on(name, kind)

    def _check(self, kind: str, district: str) -> None:
        if district not in self._poles[kind] and district not in self._cells[kind]:
            raise KeyError(district)
