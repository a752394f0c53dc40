"""What a 64-bit little-endian ELF file needs and offers (System V gABI, chapter 5, dynamic section)."""

import struct
from dataclasses import dataclass, field

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME = 0, 1, 5, 14


@dataclass
class ElfNeeds:
    """soname and interpreter are None where the file has none."""

    soname: str = None
    interpreter: str = None
    needed: list = field(default_factory=list)


def read_elf(data):
    """ElfNeeds of the file's bytes, or None when it is no 64-bit little-endian ELF with a dynamic section."""
    if len(data) < 64 or data[:6] != b"\x7fELF\x02\x01":
        return None
    (table,) = struct.unpack_from("<Q", data, 32)
    entry_size, count = struct.unpack_from("<HH", data, 54)
    segments = []
    for index in range(count):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, table + index * entry_size)
        segments.append((kind, offset, address, size))

    found = ElfNeeds()
    dynamic = None
    for kind, offset, _, size in segments:
        if kind == PT_INTERP:
            found.interpreter = data[offset:offset + size].rstrip(b"\0").decode()
        elif kind == PT_DYNAMIC:
            dynamic = (offset, size)
    if dynamic is None:
        return None

    entries = []
    for position in range(dynamic[0], dynamic[0] + dynamic[1], 16):
        tag, value = struct.unpack_from("<qQ", data, position)
        if tag == DT_NULL:
            break
        entries.append((tag, value))
    addresses = [value for tag, value in entries if tag == DT_STRTAB]
    if not addresses:
        return found
    strings = next((offset + addresses[0] - address for kind, offset, address, size in segments
                    if kind == PT_LOAD and address <= addresses[0] < address + size), None)
    if strings is None:
        return found

    def text(position):
        start = strings + position
        return data[start:data.index(b"\0", start)].decode()

    found.needed = [text(value) for tag, value in entries if tag == DT_NEEDED]
    found.soname = next((text(value) for tag, value in entries if tag == DT_SONAME), None)
    return found
