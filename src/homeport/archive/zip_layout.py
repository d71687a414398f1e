"""The records of a zip file, as the format's description has them (PKWARE APPNOTE.TXT sections 4.3 to 4.5)."""

import struct

LOCAL_HEADER = struct.Struct("<4s5H3I2H")
"""signature, version, flags, method, time, date, crc, packed size, size, name length, extra length"""
LOCAL_SIGNATURE = b"PK\x03\x04"

PADDING = struct.Struct("<3H")
"""field, size, alignment: what Android's `zipalign` puts before data that is to begin at a multiple of something"""
PADDING_FIELD = 0xD935

DESCRIPTOR = struct.Struct("<4s3I")
DESCRIPTOR_64 = struct.Struct("<4sI2Q")
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"

CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
"""signature, made by, version, flags, method, time, date, crc, packed size, size, name length, extra length, comment length, disk,
internal attributes, external attributes, offset of the local header"""
CENTRAL_SIGNATURE = b"PK\x01\x02"

END_RECORD = struct.Struct("<4s4H2IH")
"""signature, disk, disk of the directory, entries here, entries, directory size, directory offset, comment length"""
END_SIGNATURE = b"PK\x05\x06"

END_RECORD_64 = struct.Struct("<4sQ2H2I4Q")
"""signature, size, made by, version, disk, disk of the directory, entries here, entries, directory size, directory offset"""
END_SIGNATURE_64 = b"PK\x06\x06"

END_LOCATOR_64 = struct.Struct("<4sIQI")
"""signature, disk, offset of the 64-bit end record, disks"""
LOCATOR_SIGNATURE = b"PK\x06\x07"

ENCRYPTED = 0x0001
HAS_DESCRIPTOR = 0x0008
UTF8_NAME = 0x0800

STORED = 0
DEFLATED = 8

FULL_16 = 0xFFFF
FULL_32 = 0xFFFFFFFF
