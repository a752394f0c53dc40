#!/usr/bin/env python3
"""Tests of manifests/alpine/tools: the package and index writer. Needs python3 and openssl only."""

import base64
import gzip
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
TOOLS = os.path.join(ROOT, "manifests", "alpine", "tools")
sys.path.insert(0, TOOLS)

import apk_archive  # noqa: E402
import apk_index  # noqa: E402
import apk_metadata  # noqa: E402
from apk_archive import FormatError  # noqa: E402
from elf_needs import read_elf  # noqa: E402

FIELDS = """pkgname = venus-test
pkgver = 1.2-r3
pkgdesc = A package
url = https://example.org
arch = x86_64
license = MIT
origin = venus-test
depend = vulkan-loader
"""
TIME = 1700000000


def elf(needed, soname=None, interpreter=None):
    """A 64-bit ELF file with a dynamic section that says this and nothing else."""
    strings = b"\0"
    dynamic = b""
    for tag, text in [(1, name) for name in needed] + ([(14, soname)] if soname else []):
        dynamic += struct.pack("<qQ", tag, len(strings))
        strings += text.encode() + b"\0"
    segments = 3 if interpreter else 2
    body = 64 + 56 * segments
    dynamic += struct.pack("<qQ", 5, 0x1000 + body) + struct.pack("<qQ", 0, 0)
    tail = strings + (interpreter.encode() + b"\0" if interpreter else b"")
    dynamic_at = body + len(tail)
    size = dynamic_at + len(dynamic)

    def segment(kind, offset, length):
        return struct.pack("<IIQQQQQQ", kind, 4, offset, 0x1000 + offset, 0x1000 + offset, length, length, 8)

    table = segment(1, 0, size) + segment(2, dynamic_at, len(dynamic))
    if interpreter:
        table += segment(3, body + len(strings), len(interpreter) + 1)
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56,
                                                          segments, 0, 0, 0)
    return head + table + tail + dynamic


class Packer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys = tempfile.TemporaryDirectory()
        for name in ("test.rsa", "other.rsa"):
            subprocess.run([os.path.join(TOOLS, "apkrepo"), "keygen", os.path.join(cls.keys.name, name)], check=True)
        cls.key = apk_archive.SigningKey(os.path.join(cls.keys.name, "test.rsa"))

    @classmethod
    def tearDownClass(cls):
        cls.keys.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.tree = os.path.join(self.folder.name, "tree")
        os.mkdir(self.tree)

    def put(self, path, content=b"content", mode=0o644):
        full = os.path.join(self.tree, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content)
        os.chmod(full, mode)
        return full

    def package(self, fields=FIELDS, scripts=(), key=None):
        parsed = apk_metadata.parse_fields(fields.splitlines())
        scanned = apk_metadata.scan_tree(self.tree, parsed["pkgver"])
        return apk_archive.build_package(
            list(scripts), self.tree, key or self.key, TIME,
            lambda size, sha256: apk_metadata.pkginfo_text(parsed, size, sha256, TIME, scanned))

    def pkginfo(self, blob):
        return apk_archive.verify_package(blob, self.keys.name).splitlines()

    def refused(self, blob, words, keys=None):
        with self.assertRaisesRegex(FormatError, words):
            apk_archive.verify_package(blob, keys or self.keys.name)

    # --- the archive

    def test_equal_input_gives_equal_bytes(self):
        self.put("usr/lib/a")
        self.put("usr/lib/b")
        first = self.package()
        subprocess.run(["rm", "-r", self.tree], check=True)
        os.mkdir(self.tree)
        os.utime(self.put("usr/lib/b"), (1, 1))
        self.put("usr/lib/a")
        self.assertEqual(first, self.package())

    def test_has_signature_control_and_data(self):
        self.put("usr/lib/a")
        streams = apk_archive.split_streams(self.package())
        self.assertEqual(len(streams), 3)
        names = [[info.name for info, _ in apk_archive.read_members(stream)] for stream in streams]
        self.assertEqual(names, [[".SIGN.RSA.test.rsa.pub"], [".PKGINFO"], ["usr", "usr/lib", "usr/lib/a"]])

    def test_files_are_in_the_order_of_their_whole_paths(self):
        for path in ("usr/lib/a", "usr/lib-b", "usr/lib.c"):
            self.put(path)
        data = apk_archive.split_streams(self.package())[2]
        self.assertEqual([info.name for info, _ in apk_archive.read_members(data)],
                         ["usr", "usr/lib", "usr/lib-b", "usr/lib.c", "usr/lib/a"])

    def test_size_is_that_of_the_files_and_never_0_where_there_is_something(self):
        self.assertIn("size = 0", self.pkginfo(self.package()))
        os.symlink("/nowhere", os.path.join(self.tree, "link"))
        self.assertIn("size = 1", self.pkginfo(self.package()))
        self.put("a", b"12345")
        os.link(os.path.join(self.tree, "a"), os.path.join(self.tree, "b"))
        self.assertIn("size = 5", self.pkginfo(self.package()))

    def test_only_the_data_ends_the_tar(self):
        self.put("usr/lib/a")
        ends = [gzip.decompress(stream)[-1024:] == bytes(1024)
                for stream in apk_archive.split_streams(self.package())]
        self.assertEqual(ends, [False, False, True])

    def test_signature_is_rsa_sha1_over_the_control_stream(self):
        self.put("a")
        signature, control, _ = apk_archive.split_streams(self.package())
        signed = apk_archive.read_members(signature)[0][1]
        recovered = subprocess.run(
            ["openssl", "pkeyutl", "-verifyrecover", "-pubin", "-inkey", self.key.path + ".pub",
             "-pkeyopt", "digest:sha1"], input=signed, capture_output=True, check=True)
        self.assertEqual(recovered.stdout, hashlib.sha1(control).digest())

    def test_sha256_signature(self):
        self.put("a")
        key = apk_archive.SigningKey(self.key.path, "RSA256")
        self.assertIn("pkgname = venus-test", self.pkginfo(self.package(key=key)))

    def test_files_belong_to_root_and_keep_their_mode(self):
        self.put("usr/bin/tool", b"#!/bin/sh\n", 0o755)
        data = apk_archive.split_streams(self.package())[2]
        found = {info.name: info for info, _ in apk_archive.read_members(data)}["usr/bin/tool"]
        self.assertEqual((found.uid, found.gid, found.uname, found.gname), (0, 0, "root", "root"))
        self.assertEqual((found.mode, found.mtime), (0o755, TIME))

    def test_each_file_and_link_carries_its_checksum(self):
        self.put("usr/lib/a", b"bytes")
        os.symlink("a", os.path.join(self.tree, "usr/lib/b"))
        data = apk_archive.split_streams(self.package())[2]
        sums = {info.name: info.pax_headers.get("APK-TOOLS.checksum.SHA1")
                for info, _ in apk_archive.read_members(data)}
        self.assertEqual(sums, {"usr": None, "usr/lib": None, "usr/lib/a": hashlib.sha1(b"bytes").hexdigest(),
                                "usr/lib/b": hashlib.sha1(b"a").hexdigest()})

    def test_hard_links_are_stored_once(self):
        os.link(self.put("usr/lib/a", b"x" * 1000), os.path.join(self.tree, "usr/lib/b"))
        blob = self.package()
        found = {info.name: info for info, _ in apk_archive.read_members(apk_archive.split_streams(blob)[2])}
        self.assertTrue(found["usr/lib/b"].islnk())
        self.assertEqual(found["usr/lib/b"].linkname, "usr/lib/a")
        self.assertIn("size = 1000", self.pkginfo(blob))

    def test_long_names_survive(self):
        path = "/".join(["d" * 60] * 4) + "/" + "f" * 120
        self.put(path)
        data = apk_archive.split_streams(self.package())[2]
        self.assertIn(path, [info.name for info, _ in apk_archive.read_members(data)])

    def test_sockets_and_pipes_are_refused(self):
        os.mkfifo(os.path.join(self.tree, "pipe"))
        with self.assertRaisesRegex(FormatError, "files, folders and links only"):
            self.package()

    def test_install_scripts_go_into_the_control_stream(self):
        self.put("a")
        control = apk_archive.split_streams(self.package(scripts=[(".post-install", b"#!/bin/sh\n")]))[1]
        found = {info.name: info.mode for info, _ in apk_archive.read_members(control)}
        self.assertEqual(found, {".PKGINFO": 0o644, ".post-install": 0o755})

    # --- tampering

    def test_changed_data_is_refused(self):
        self.put("a", b"one")
        signature, control, _ = apk_archive.split_streams(self.package())
        self.put("a", b"two")
        other = apk_archive.split_streams(self.package())[2]
        self.refused(signature + control + other, "datahash")

    def test_changed_control_is_refused(self):
        self.put("a")
        signature, _, data = apk_archive.split_streams(self.package())
        control = apk_archive.split_streams(self.package(FIELDS.replace("1.2-r3", "1.2-r4")))[1]
        self.refused(signature + control + data, "does not fit")

    def test_unknown_key_is_refused(self):
        self.put("a")
        with tempfile.TemporaryDirectory() as empty:
            self.refused(self.package(), "not among the keys", empty)

    def test_another_key_under_the_same_name_is_refused(self):
        self.put("a")
        blob = self.package()
        with tempfile.TemporaryDirectory() as keys:
            os.symlink(os.path.join(self.keys.name, "other.rsa.pub"), os.path.join(keys, "test.rsa.pub"))
            self.refused(blob, "does not fit", keys)

    def test_a_cut_file_is_refused(self):
        self.put("a")
        self.refused(self.package()[:-20], "ends early")

    def test_unsigned_packages_are_refused(self):
        self.put("a")
        self.refused(b"".join(apk_archive.split_streams(self.package())[1:]), "3 gzip streams")

    # --- metadata

    def test_pkginfo_holds_the_fields_and_the_data_hash(self):
        self.put("a", b"12345")
        blob = self.package()
        data = apk_archive.split_streams(blob)[2]
        for line in ("pkgname = venus-test", "pkgver = 1.2-r3", "arch = x86_64", "size = 5", "license = MIT",
                     "origin = venus-test", "depend = vulkan-loader", f"builddate = {TIME}",
                     f"datahash = {hashlib.sha256(data).hexdigest()}"):
            self.assertIn(line, self.pkginfo(blob))

    def test_missing_and_doubled_fields_are_named(self):
        for text, words in ((FIELDS.replace("license = MIT\n", ""), "missing: license"),
                            (FIELDS + "license = BSD\n", "license is given twice"),
                            (FIELDS + "nonsense\n", "is not 'key = value'"),
                            (FIELDS.replace("1.2-r3", "v1.2"), "is no version"),
                            (FIELDS.replace("= venus-test", "= venus test"), "characters")):
            with self.subTest(words), self.assertRaisesRegex(FormatError, words):
                apk_metadata.parse_fields(text.splitlines())

    def test_versions_that_apk_takes(self):
        for version in ("1-r0", "1.4.309.0-r12", "1.2a-r0", "1.0_rc1-r0", "1_git20240101-r0"):
            self.assertTrue(apk_metadata.VERSION.match(version), version)
        for version in ("1", "1-0", "-r0", "1..2-r0", "1.2-rc1", "1.2_foo-r0"):
            self.assertFalse(apk_metadata.VERSION.match(version), version)

    def test_libraries_are_provided_and_needed_by_soname(self):
        self.put("usr/lib/libone.so.1.4.2", elf(["libc.musl-x86_64.so.1", "libtwo.so.2"], "libone.so.1"))
        os.symlink("libone.so.1.4.2", os.path.join(self.tree, "usr/lib/libone.so.1"))
        self.put("usr/lib/libtwo.so.2", elf(["libc.musl-x86_64.so.1"], "libtwo.so.2"))
        depends, provides = apk_metadata.scan_tree(self.tree, "1.2-r3")
        self.assertEqual(depends, ["so:libc.musl-x86_64.so.1"])
        self.assertEqual(provides, ["so:libone.so.1=1.4.2", "so:libtwo.so.2=2"])

    def test_libraries_outside_the_search_path_are_not_provided(self):
        self.put("usr/lib/venus-wsi/libvulkan_virtio.so", elf(["libdrm.so.2"], "libvulkan_virtio.so"))
        self.assertEqual(apk_metadata.scan_tree(self.tree, "1.2-r3"), (["so:libdrm.so.2"], []))

    def test_plain_library_has_version_zero(self):
        self.put("usr/lib/libVkLayer_x.so", elf([], "libVkLayer_x.so"))
        self.assertEqual(apk_metadata.scan_tree(self.tree, "1.2-r3")[1], ["so:libVkLayer_x.so=0"])

    def test_library_without_a_soname_is_provided_by_its_file_name(self):
        self.put("usr/lib/libVkLayer_x.so", elf(["libc.musl-x86_64.so.1"]))
        self.put("usr/lib/helper", elf([], interpreter="/lib/ld-musl-x86_64.so.1"))
        self.assertEqual(apk_metadata.scan_tree(self.tree, "1.2-r3")[1], ["so:libVkLayer_x.so=0"])

    def test_commands_and_pkg_config_files_are_provided(self):
        self.put("usr/bin/doctor", elf(["libc.musl-x86_64.so.1"], interpreter="/lib/ld-musl-x86_64.so.1"), 0o755)
        self.put("usr/bin/readme", b"no command", 0o644)
        self.put("usr/lib/pkgconfig/one.pc", b"Name: one\nVersion: 3.4\n")
        self.assertEqual(apk_metadata.scan_tree(self.tree, "1.2-r3"),
                         (["so:libc.musl-x86_64.so.1"], ["cmd:doctor=1.2-r3", "pc:one=3.4"]))

    def test_elf_reader(self):
        found = read_elf(elf(["liba.so.1", "libb.so"], "libc.so.9", "/lib/ld.so"))
        self.assertEqual((found.needed, found.soname, found.interpreter),
                         (["liba.so.1", "libb.so"], "libc.so.9", "/lib/ld.so"))
        for data in (b"", b"\x7fELF", b"#!/bin/sh\n" * 20, b"\x7fELF\x01\x01" + bytes(100)):
            self.assertIsNone(read_elf(data))

    # --- the index

    def test_index_entry_names_the_control_stream(self):
        self.put("usr/lib/libVkLayer_x.so", elf(["libc.musl-x86_64.so.1"], "libVkLayer_x.so"))
        blob = self.package(FIELDS + "install_if = docs\ninstall_if = other=1\n")
        control = apk_archive.split_streams(blob)[1]
        lines = apk_index.index_entry(blob).splitlines()
        digest = base64.b64encode(hashlib.sha1(control).digest()).decode()
        for line in (f"C:Q1{digest}", "P:venus-test", "V:1.2-r3", "A:x86_64", f"S:{len(blob)}", "L:MIT",
                     "D:vulkan-loader so:libc.musl-x86_64.so.1", "p:so:libVkLayer_x.so=0", "i:docs other=1"):
            self.assertIn(line, lines)

    def test_noarch_packages_are_listed_under_the_repositorys_architecture(self):
        self.put("a")
        blob = self.package(FIELDS.replace("x86_64", "noarch"))
        index = apk_index.build_index([blob], self.key, "test", TIME, "aarch64")
        self.assertIn("\nA:aarch64\n", apk_index.verify_index(index, self.keys.name))
        self.assertIn("arch = noarch", self.pkginfo(blob))

    def test_index_is_signed_and_reproducible(self):
        self.put("a")
        blob = self.package()
        index = apk_index.build_index([blob], self.key, "test", TIME)
        self.assertEqual(index, apk_index.build_index([blob], self.key, "test", TIME))
        self.assertIn("P:venus-test", apk_index.verify_index(index, self.keys.name))

    def test_changed_index_is_refused(self):
        self.put("a")
        one = apk_index.build_index([self.package()], self.key, "test", TIME)
        two = apk_index.build_index([self.package(FIELDS.replace("-r3", "-r9"))], self.key, "test", TIME)
        mixed = apk_archive.split_streams(one)[0] + apk_archive.split_streams(two)[1]
        with self.assertRaisesRegex(FormatError, "does not fit"):
            apk_index.verify_index(mixed, self.keys.name)

    # --- the command

    def command(self, *arguments, epoch=str(TIME)):
        environment = dict(os.environ)
        environment.pop("SOURCE_DATE_EPOCH", None)
        if epoch is not None:
            environment["SOURCE_DATE_EPOCH"] = epoch
        return subprocess.run([os.path.join(TOOLS, "apkrepo"), *arguments], capture_output=True, text=True,
                              env=environment)

    def test_command_packs_indexes_and_verifies(self):
        self.put("usr/lib/a")
        fields = os.path.join(self.folder.name, "fields")
        with open(fields, "w", encoding="utf-8") as file:
            file.write(FIELDS)
        out = os.path.join(self.folder.name, "out")
        for arguments in (("package", fields, self.tree, "--key", self.key.path, "--out", out),
                          ("index", out, "--key", self.key.path),
                          ("verify", out + "/venus-test-1.2-r3.apk", out + "/APKINDEX.tar.gz", "--keys",
                           self.keys.name)):
            done = self.command(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_command_explains_what_is_wrong(self):
        fields = os.path.join(self.folder.name, "fields")
        with open(fields, "w", encoding="utf-8") as file:
            file.write(FIELDS)
        pack = ("package", fields, self.tree, "--out", self.folder.name, "--key")
        for arguments, epoch, words in (((*pack, self.key.path), None, "SOURCE_DATE_EPOCH"),
                                        ((*pack, "/nowhere"), str(TIME), "no private key"),
                                        ((*pack, self.key.path, "--script", "x=y"), str(TIME), "none of"),
                                        (("index", self.tree, "--key", self.key.path), str(TIME), "no packages"),
                                        (("keygen", self.key.path), None, "left alone"),
                                        (("verify", fields, "--keys", self.tree), None, "damaged")):
            done = self.command(*arguments, epoch=epoch)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
            self.assertNotIn("Traceback", done.stderr)


class Recipes(unittest.TestCase):
    """What abuild and Alpine's own checks insist on, for the APKBUILDs here, where alpine_abuild.sh cannot run it."""

    PORTS = os.path.join(ROOT, "manifests", "alpine")
    LICENSES = {"MIT", "GPL-2.0-only", "Apache-2.0"}

    def recipes(self):
        names = sorted(name for name in os.listdir(self.PORTS)
                       if os.path.isfile(os.path.join(self.PORTS, name, "APKBUILD")))
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            path = os.path.join(self.PORTS, name, "APKBUILD")
            with open(path, encoding="utf-8") as file:
                yield name, path, file.read()

    def variables(self, path, *names):
        """The values a POSIX shell gives the recipe's variables."""
        show = "; ".join(f'printf "%s\\0" "${name}"' for name in names)
        done = subprocess.run(["sh", "-ec", f'. "$1"; {show}', "sh", path], capture_output=True, text=True, check=True,
                              env={"PATH": os.environ["PATH"], "srcdir": "/src", "CARCH": "aarch64"})
        return done.stdout.split("\0")[:-1]

    def test_fields_are_set_as_abuild_wants_them(self):
        for name, path, text in self.recipes():
            pkgname, pkgver, pkgrel, pkgdesc, url, arch, license_ = self.variables(
                path, "pkgname", "pkgver", "pkgrel", "pkgdesc", "url", "arch", "license")
            self.assertEqual(pkgname, name)
            self.assertTrue(apk_metadata.VERSION.match(f"{pkgver}-r{pkgrel}"))
            self.assertTrue(0 < len(pkgdesc) <= 128 and not pkgdesc.endswith("."), pkgdesc)
            self.assertTrue(url.startswith("https://"))
            self.assertLessEqual(set(arch.split()), {"x86_64", "aarch64"})
            self.assertIn(license_, self.LICENSES)
            self.assertRegex(text, r"(?m)^# Maintainer: .+ <.+@.+>$")

    def test_layout_is_alpines(self):
        for _, _, text in self.recipes():
            self.assertNotRegex(text, r"(?m)[ \t]$")
            self.assertNotRegex(text, r"(?m)^ +\S")
            self.assertTrue(text.endswith("\n"))

    def test_there_is_a_check_or_a_reason_why_not(self):
        for _, path, text in self.recipes():
            options, = self.variables(path, "options")
            self.assertTrue("!check" in options.split() or "\ncheck() {" in text)

    def test_functions_are_there_and_meson_is_called_alpines_way(self):
        for _, _, text in self.recipes():
            self.assertIn("\nbuild() {", text)
            self.assertIn("\npackage() {", text)
            if "meson" in text:
                self.assertIn("abuild-meson", text)
                self.assertIn("meson compile -C output", text)

    def test_remote_sources_have_checksums(self):
        # The kernel's is added by `abuild checksum`, see README.md.
        for name, path, _ in self.recipes():
            source, sums = self.variables(path, "source", "sha512sums") if name == "venus-mesa" else ("", "")
            for entry in source.split():
                if "://" in entry:
                    self.assertRegex(sums, rf"(?m)^[0-9a-f]{{128}}  {os.path.basename(entry)}$")

    def test_stage_refuses_what_is_not_there(self):
        done = subprocess.run([os.path.join(self.PORTS, "stage"), "nothing", "/nowhere"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("there is no manifests/alpine/nothing/APKBUILD", done.stderr)

    def test_staged_recipes_have_their_sources_and_sums(self):
        for name, _, _ in self.recipes():
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([os.path.join(self.PORTS, "stage"), name, folder], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                source, sums = self.variables(os.path.join(folder, "APKBUILD"), "source", "sha512sums")
                stated = dict(reversed(line.split("  ")) for line in sums.split("\n") if line)
                for entry in source.split():
                    local = os.path.join(folder, os.path.basename(entry))
                    if "://" not in entry:
                        with open(local, "rb") as file:
                            self.assertEqual(stated[os.path.basename(entry)], hashlib.sha512(file.read()).hexdigest())


if __name__ == "__main__":
    unittest.main(verbosity=1)
