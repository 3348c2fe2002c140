"""A strict reader of the protobuf wire format, for looking into a model file before anything runs it.

It knows the encoding and no message types, allocates nothing for what it skips, and refuses what a well-behaved
writer never produces. Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Attributes:
        number: Field number, 1 or more.
        value: The integer of a varint (unsigned 64-bit), or a view of the bytes of any other field.
    """

    number: int
    value: int | memoryview

    @property
    def view(self) -> memoryview:
        """The bytes of a length-delimited or fixed field.

        Raises:
            ValueError: the field is a varint.
        """
        if isinstance(self.value, int):
            raise ValueError(f"field {self.number} is an integer, where bytes are expected")
        return self.value

    @property
    def integer(self) -> int:
        """The value of a varint.

        Raises:
            ValueError: the field is anything else.
        """
        if not isinstance(self.value, int):
            raise ValueError(f"field {self.number} is not an integer")
        return self.value

    @property
    def text(self) -> str:
        """The bytes as UTF-8.

        Raises:
            ValueError: they are not.
        """
        return bytes(self.view).decode("utf-8")


def fields(message: memoryview) -> Iterator[Field]:
    """Walk the fields of one message.

    Raises:
        ValueError: the bytes end early, or use a group or an unknown wire type.
    """
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError(f"field number {number} cannot be")
        if wire == _VARINT:
            integer, position = _varint(message, position)
            yield Field(number, integer)
            continue
        if wire == _BYTES:
            size, position = _varint(message, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} is not used by ONNX")
        if size > end - position:
            raise ValueError("the file ends inside a field")
        yield Field(number, message[position : position + size])
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("the file ends inside a number")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                raise ValueError("a number passes 64 bits")
            return value, position
    raise ValueError("a number passes 64 bits")
