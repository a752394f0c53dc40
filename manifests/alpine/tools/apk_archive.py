"""The three gzip streams of an Alpine package (apk-tools 2 format), written byte-for-byte reproducibly.

A package is signature, control and data stream, one behind the other. apk reads them as one tar file, so only
the last stream ends with tar's end-of-archive blocks. The signature covers the compressed control stream; the
control stream names the SHA-256 of the compressed data stream; the data stream carries a SHA-1 for every file
in a PAX header, which is what apk writes to disk checks against.
"""

import gzip
import hashlib
import io
import os
import stat
import subprocess
import tarfile
import zlib

CHECKSUM_HEADER = "APK-TOOLS.checksum.SHA1"

# apk takes the digest from the signature's file name: .SIGN.RSA is SHA-1 (what abuild-sign makes by default and
# every apk reads), .SIGN.RSA256 is SHA-256 (apk-tools 2.8 and newer).
SIGNATURE_KINDS = {"RSA": "sha1", "RSA256": "sha256"}


class FormatError(Exception):
    """The input is not what an Alpine package or index may hold."""


class SigningKey:
    """An RSA private key, and the file name under which users keep the public half in /etc/apk/keys."""

    def __init__(self, path, kind="RSA"):
        if kind not in SIGNATURE_KINDS:
            raise FormatError(f"signature kind {kind!r} is none of {', '.join(SIGNATURE_KINDS)}")
        if not os.path.isfile(path):
            raise FormatError(f"no private key at {path}: make one with 'apkrepo keygen'")
        self.path = path
        self.kind = kind
        self.public_name = os.path.basename(path) + ".pub"

    def signature_stream(self, payload):
        """The gzip stream that apk expects in front of `payload`."""
        command = ["openssl", "dgst", "-" + SIGNATURE_KINDS[self.kind], "-sign", self.path]
        signed = subprocess.run(command, input=payload, capture_output=True)
        if signed.returncode != 0:
            raise FormatError(f"openssl could not sign with {self.path}: {signed.stderr.decode().strip()}")
        name = f".SIGN.{self.kind}.{self.public_name}"
        return compress(tar_members([(name, signed.stdout)], 0, end_marker=False))


def compress(data):
    """One gzip member without name or time, so equal input gives equal output."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def tar_members(members, mtime, end_marker):
    """A tar of (name, bytes) pairs as root-owned files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = mtime
            info.mode = 0o755 if name.startswith((".pre-", ".post-", ".trigger")) else 0o644
            info.uname = info.gname = "root"
            tar.addfile(info, io.BytesIO(data))
        end = tar.offset
    return out.getvalue() if end_marker else out.getvalue()[:end]


def walk_tree(root):
    """Every path below root, relative, parents first, in an order that does not depend on the file system."""
    found = []
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found, key=os.fsencode)


def data_stream(root, mtime):
    """Returns (compressed tar of the tree, installed size in bytes). All files belong to root."""
    out = io.BytesIO()
    installed = 0
    first_name = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in walk_tree(root):
            full = os.path.join(root, path)
            status = os.lstat(full)
            info = tarfile.TarInfo(path)
            info.mtime = mtime
            info.mode = stat.S_IMODE(status.st_mode)
            info.uname = info.gname = "root"
            content = None
            if stat.S_ISDIR(status.st_mode):
                info.type = tarfile.DIRTYPE
            elif stat.S_ISLNK(status.st_mode):
                info.type = tarfile.SYMTYPE
                info.mode = 0o777
                info.linkname = os.readlink(full)
                info.pax_headers = {CHECKSUM_HEADER: hashlib.sha1(info.linkname.encode()).hexdigest()}
            elif stat.S_ISREG(status.st_mode):
                with open(full, "rb") as file:
                    content = file.read()
                info.pax_headers = {CHECKSUM_HEADER: hashlib.sha1(content).hexdigest()}
                inode = (status.st_dev, status.st_ino)
                if status.st_nlink > 1 and inode in first_name:
                    info.type = tarfile.LNKTYPE
                    info.linkname = first_name[inode]
                    content = None
                else:
                    first_name[inode] = path
                    info.size = len(content)
                    installed += len(content)
            else:
                raise FormatError(f"{full}: a package holds files, folders and links only")
            tar.addfile(info, io.BytesIO(content) if content is not None else None)
    # apk takes a package of size 0 for a name without files.
    return compress(out.getvalue()), installed or int(bool(os.listdir(root)))


def build_package(control_members, root, key, mtime, pkginfo):
    """The whole package. `pkginfo(installed_size, data_sha256)` returns the text of .PKGINFO."""
    data, installed = data_stream(root, mtime)
    info = pkginfo(installed, hashlib.sha256(data).hexdigest())
    members = [(".PKGINFO", info.encode())] + sorted(control_members)
    control = compress(tar_members(members, mtime, end_marker=False))
    return key.signature_stream(control) + control + data


def split_streams(blob):
    """The compressed gzip members of `blob`, in order; FormatError when one is cut short or damaged."""
    streams = []
    while blob:
        inflater = zlib.decompressobj(wbits=31)
        try:
            inflater.decompress(blob)
        except zlib.error as problem:
            raise FormatError(f"gzip stream {len(streams) + 1} is damaged: {problem}") from None
        if not inflater.eof:
            raise FormatError(f"gzip stream {len(streams) + 1} ends early")
        rest = inflater.unused_data
        streams.append(blob[: len(blob) - len(rest)])
        blob = rest
    return streams


def read_members(stream):
    """(TarInfo, bytes) of each member of one compressed stream, whether or not it has an end marker."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(stream) + bytes(1024))) as tar:
        return [(info, tar.extractfile(info).read() if info.isreg() else b"") for info in tar]


def verify_signature(signature, payload, public_keys):
    """Returns the name of the key that signed `payload`; FormatError when none of the folder's keys did."""
    members = read_members(signature)
    if not members:
        raise FormatError("the signature stream is empty")
    info, signed = members[0]
    marker, sign, kind, name = info.name.split(".", 3) if info.name.count(".") >= 3 else ("", "", "", "")
    if marker != "" or sign != "SIGN" or kind not in SIGNATURE_KINDS:
        raise FormatError(f"the first stream holds {info.name!r}, which is no signature")
    public = os.path.join(public_keys, os.path.basename(name))
    if not os.path.isfile(public):
        raise FormatError(f"signed by {name}, which is not among the keys in {public_keys}")
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, signed)
        os.close(write_end)
        command = ["openssl", "dgst", "-" + SIGNATURE_KINDS[kind], "-verify", public,
                   "-signature", f"/dev/fd/{read_end}"]
        checked = subprocess.run(command, input=payload, capture_output=True, pass_fds=[read_end])
    finally:
        os.close(read_end)
    if checked.returncode != 0:
        raise FormatError(f"the signature by {name} does not fit the content")
    return name


def verify_package(blob, public_keys):
    """Checks signature, datahash and every file's checksum the way apk does; returns the text of .PKGINFO."""
    streams = split_streams(blob)
    if len(streams) != 3:
        raise FormatError(f"a package has 3 gzip streams, this has {len(streams)}")
    signature, control, data = streams
    verify_signature(signature, control, public_keys)
    pkginfo = dict((info.name, content) for info, content in read_members(control)).get(".PKGINFO")
    if pkginfo is None:
        raise FormatError("the control stream has no .PKGINFO")
    text = pkginfo.decode()
    wanted = [line.split(" = ", 1)[1] for line in text.splitlines() if line.startswith("datahash = ")]
    if wanted != [hashlib.sha256(data).hexdigest()]:
        raise FormatError("datahash does not fit the data stream")
    for info, content in read_members(data):
        if not (info.isreg() or info.issym()):
            continue
        actual = hashlib.sha1(content if info.isreg() else info.linkname.encode()).hexdigest()
        if info.pax_headers.get(CHECKSUM_HEADER) != actual:
            raise FormatError(f"{info.name}: checksum header missing or wrong")
    return text
