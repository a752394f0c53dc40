"""APKINDEX.tar.gz: what apk reads of a repository before it fetches any package (apk-index(5))."""

import base64
import hashlib

from apk_archive import FormatError, compress, read_members, split_streams, tar_members, verify_signature

# Index letter, .PKGINFO key, in the order that apk index writes them.
LETTERS = (("P", "pkgname"), ("V", "pkgver"), ("A", "arch"), ("T", "pkgdesc"), ("U", "url"), ("L", "license"),
           ("o", "origin"), ("m", "maintainer"), ("t", "builddate"), ("c", "commit"), ("k", "provider_priority"))
LISTS = (("D", "depend"), ("p", "provides"), ("i", "install_if"))


def index_entry(blob, arch=None):
    """The index paragraph of a package, given its bytes. C: is the SHA-1 of the control stream, S: and I: sizes.

    `arch` takes the place of the package's own: apk looks for a package in the folder of the architecture that
    the index states, so a noarch package has to be listed under that of its repository.
    """
    streams = split_streams(blob)
    if len(streams) != 3:
        raise FormatError(f"a package has 3 gzip streams, this has {len(streams)}")
    control = streams[1]
    text = next((content for info, content in read_members(control) if info.name == ".PKGINFO"), None)
    if text is None:
        raise FormatError("the control stream has no .PKGINFO")
    values = {}
    for line in text.decode().splitlines():
        key, separator, value = line.partition(" = ")
        if separator and not line.startswith("#"):
            values.setdefault(key, []).append(value)

    if arch:
        values["arch"] = [arch]
    lines = ["C:Q1" + base64.b64encode(hashlib.sha1(control).digest()).decode()]
    for letter, key in LETTERS:
        if key in values:
            lines.append(f"{letter}:{values[key][0]}")
        if letter == "A":
            lines += [f"S:{len(blob)}", f"I:{values['size'][0]}"]
    for letter, key in LISTS:
        if key in values:
            lines.append(f"{letter}:{' '.join(values[key])}")
    return "\n".join(lines) + "\n\n"


def build_index(packages, key, description, mtime, arch=None):
    """A signed index of the packages' bytes; `arch` as for index_entry."""
    entries = "".join(index_entry(blob, arch) for blob in packages)
    members = [("DESCRIPTION", (description + "\n").encode()), ("APKINDEX", entries.encode())]
    payload = compress(tar_members(members, mtime, end_marker=True))
    return key.signature_stream(payload) + payload


def verify_index(blob, public_keys):
    """The text of APKINDEX, once its signature was checked."""
    streams = split_streams(blob)
    if len(streams) != 2:
        raise FormatError(f"an index has 2 gzip streams, this has {len(streams)}")
    verify_signature(streams[0], streams[1], public_keys)
    found = next((content for info, content in read_members(streams[1]) if info.name == "APKINDEX"), None)
    if found is None:
        raise FormatError("the index holds no APKINDEX")
    return found.decode()
