"""Two processes change one register in any order, and a gateway follows them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from poles.keys import register
from poles.keys.admission import RegisterAdmission
from poles.keys.register import KeyState, Source, open_register
from tests.poles.keys.test_register import CODE, OTHER, Now, settle


class Registers(RuleBasedStateMachine):
    """Two processes do anything in any order; beside them runs what should be: the keys in plain sets."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = Now()
        path = Path(self.folder.name) / "keys" / "poles.db"
        self.opened = [open_register(path, self.now) for _ in range(2)]
        self.both = [one.__enter__() for one in self.opened]
        self.admission = RegisterAdmission(self.both[0])
        self.valid: dict[str, str] = {}  # code -> key
        self.fresh: dict[str, dict[str, float]] = {}  # code -> new keys and when they lapse
        self.by_hand: set[str] = set()
        self.dead: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        for one in self.opened:
            one.__exit__(None, None, None)
        self.folder.cleanup()

    def live(self) -> dict[str, str]:
        now_s = self.now.s
        alive = {key_: code for code, key_ in self.valid.items()}
        alive |= {key_: code for code, keys in self.fresh.items() for key_, until_s in keys.items() if until_s > now_s}
        return alive

    @rule(who=st.integers(0, 1), code=st.sampled_from([CODE, OTHER]), source=st.sampled_from(Source))
    def a_pole_gets_a_key(self, who: int, code: str, source: Source) -> None:
        self.count += 1
        key_ = f"{self.count:040d}"
        self.both[who].lapse()
        self.forget_the_late()
        self.both[who].admit([(code, key_)], who="x", source=source)
        if source is Source.FILE:
            self.forget_what_the_file_said(code)
            self.by_hand.add(key_)
        if code in self.valid:
            self.fresh.setdefault(code, {})[key_] = self.now.s + register.OVERLAP_S
        else:
            self.valid[code] = key_

    @precondition(lambda self: any(self.fresh.values()))
    @rule(who=st.integers(0, 1), data=st.data())
    def a_new_key_is_used(self, who: int, data: st.DataObject) -> None:
        self.both[who].lapse()
        self.forget_the_late()
        choices = [(code, key_) for code, keys in sorted(self.fresh.items()) for key_ in keys]
        if choices:
            code, key_ = data.draw(st.sampled_from(choices))
            self.both[who].prove([key_])
            self.dead |= {self.valid.get(code, key_), *self.fresh.pop(code)} - {key_}
            self.valid[code] = key_

    @precondition(lambda self: self.valid)
    @rule(who=st.integers(0, 1), data=st.data())
    def a_valid_key_is_revoked(self, who: int, data: st.DataObject) -> None:
        code = data.draw(st.sampled_from(sorted(self.valid)))
        self.both[who].revoke(code, who="x", key=self.valid[code])
        self.dead.add(self.valid.pop(code))

    @rule(who=st.integers(0, 1), code=st.sampled_from([CODE, OTHER]))
    def a_pole_is_locked_out(self, who: int, code: str) -> None:
        if code in self.live().values():
            self.both[who].revoke(code, who="x")
            self.dead |= {*self.fresh.pop(code, {}), *([self.valid.pop(code)] if code in self.valid else [])}

    @rule(by_s=st.sampled_from([1.0, register.OVERLAP_S / 2, register.OVERLAP_S]))
    def time_passes(self, by_s: float) -> None:
        self.now.s += by_s

    def forget_what_the_file_said(self, code: str) -> None:
        if self.valid.get(code) in self.by_hand:
            self.dead.add(self.valid.pop(code))
        for key_ in sorted(self.by_hand & self.fresh.get(code, {}).keys()):
            del self.fresh[code][key_]
            self.dead.add(key_)

    def forget_the_late(self) -> None:
        for keys in self.fresh.values():
            for key_ in [key_ for key_, until_s in keys.items() if until_s <= self.now.s]:
                del keys[key_]
                self.dead.add(key_)

    @invariant()
    def the_same_keys_may_come_in(self) -> None:
        assert self.both[0].live() == self.both[1].live() == self.live()
        settle(self.admission)
        self.admission.look()
        self.forget_the_late()
        assert self.admission.codes == self.live()

    @invariant()
    def a_pole_has_one_valid_key_at_most(self) -> None:
        held = [row for row in self.both[0].held() if row.state is KeyState.VALID]
        assert {row.code: row.key for row in held} == self.valid
        assert len(held) == len(self.valid)

    @invariant()
    def nobody_comes_back(self) -> None:
        assert not self.dead & self.both[1].live().keys()


TestRegisters = Registers.TestCase
TestRegisters.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
