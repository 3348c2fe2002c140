"""The nouns of the house: frozen records that flow between rooms.

Standard library only. A record is a frozen, slotted dataclass whose fields are plain values or other records, so
that any of them can be written as JSON and read back strictly (`stockade.types.record`).
"""
