"""CURVE keys of poles and gateways, and who may come in."""

from poles.keys.pairs import KeyPair, load_key_pair, new_key_pair, save_key_pair

__all__ = ["KeyPair", "load_key_pair", "new_key_pair", "save_key_pair"]
