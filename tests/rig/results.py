#!/usr/bin/env python3
"""Counts test cases and ends in one line: "N passed, N failed, N skipped".

results.py FOLDER                      reads STEP.junit.xml, STEP.json (meson) and STEP.xml (record) there; exits 1
                                       on any failure, or when nothing ran at all
results.py --record FILE NAME LOG RC   writes what a check that is no meson test did: the cases that its log lists in
                                       TAP or unittest form, else one; exit code 77 means skipped
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

SHOWN_LINES = 80
SKIP_CODE = 77


def tail(text, lines=SHOWN_LINES):
    return "\n".join(text.rstrip().splitlines()[-lines:])


def bare(name):
    """Meson writes "PROJECT:SUITE / TEST" for the TEST of a suite."""
    return name.split(" / ")[-1]


def cases_in(text):
    """The cases of a log: TAP ("ok NAME", "not ok NAME", "ok NAME # SKIP why") or Python's unittest -v."""
    for line in text.splitlines():
        tap = re.match(r"(not )?ok\b\s*(?:\d+\s*)?(?:- )?(.*)", line)
        unittest = re.match(r"(\S.*?) \.\.\. (ok|FAIL|ERROR|skipped.*)$", line)
        if tap:
            name, _, directive = tap[2].partition(" # ")
            yield name, "failed" if tap[1] else "skipped" if directive.upper().startswith("SKIP") else "passed"
        elif unittest:
            yield unittest[1], {"o": "passed", "s": "skipped"}.get(unittest[2][0], "failed")


def record(file, name, log, code):
    try:
        text = pathlib.Path(log).read_text(errors="replace")
    except OSError as error:
        text = str(error)
    # XML has no place for control characters.
    text = "".join(c for c in text if c in "\n\t" or c >= " ")
    suite = xml.Element("testsuite", name=name)
    cases = list(cases_in(text))
    for case, outcome in cases:
        element = xml.SubElement(suite, "testcase", name=f"{name}/{case}")
        if outcome != "passed":
            xml.SubElement(element, "failure" if outcome == "failed" else "skipped", message="")
    if code == "0" and cases:
        pass
    elif code == str(SKIP_CODE):
        xml.SubElement(xml.SubElement(suite, "testcase", name=name), "skipped", message=tail(text, 1))
    else:
        # A script that failed gets its log shown once, under its own name.
        case = xml.SubElement(suite, "testcase", name=name)
        if code != "0":
            xml.SubElement(case, "failure", message=f"exit {code}, see {log}").text = f"exit {code}\n{tail(text)}"
    xml.ElementTree(suite).write(file, encoding="unicode")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.skips = []

    def fail(self, name, text):
        self.failed += 1
        self.failures.append((name, text))

    def skip(self, name, reason):
        self.skipped += 1
        self.skips.append((name, reason))

    def case(self, step, prefix, case):
        """Counts one <testcase>; returns whether it failed."""
        name = f"{step}: {prefix}{bare(case.get('name'))}"
        bad = case.find("failure")
        if bad is None:
            bad = case.find("error")
        if bad is not None:
            output = [bad.text or bad.get("message") or ""]
            output += [e.text or "" for tag in ("system-out", "system-err") for e in case.findall(tag)]
            self.fail(name, tail("\n".join(output).strip()))
            return True
        skipped = case.find("skipped")
        if skipped is not None or case.get("status") == "notrun" or case.get("result") in ("skipped", "suppressed"):
            self.skip(name, "" if skipped is None else (skipped.get("message") or skipped.text or ""))
        else:
            self.passed += 1
        return False


def meson_step(tally, step, folder):
    """Meson's two logs of a step; every test in the JSON must have cases, and a bad one a failed case."""
    ran = {}
    junit = folder / f"{step}.junit.xml"
    if junit.exists():
        for suite in xml.parse(junit).getroot().iter("testsuite"):
            # A GoogleTest program's suites are named "PROJECT.TEST.SUITE"; other tests are cases of a suite "PROJECT".
            _, program, cases = (suite.get("name", "") + "..").split(".", 2)
            for case in suite.iter("testcase"):
                test = bare(program or case.get("name"))
                cases = cases.strip(".")
                failed = tally.case(step, f"{test}/{cases}." if program else "", case)
                ran[test] = ran.get(test, False) or failed
    for line in (folder / f"{step}.json").read_text().splitlines():
        test = json.loads(line)
        name = bare(test["name"])
        good = test["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
        output = tail(test.get("stdout", "") + "\n" + test.get("stderr", ""))
        if name not in ran:
            tally.fail(f"{step}: {name}", f"{test['result']}: no case of it ran\n{output}")
        elif not good and not ran[name]:
            tally.fail(f"{step}: {name}", f"{test['result']} (exit {test.get('returncode')})\n{output}")


def main(folder):
    tally = Tally()
    for log in sorted(folder.glob("*.json")):
        meson_step(tally, log.stem, folder)
    for file in sorted(folder.glob("*.xml")):
        if not file.name.endswith(".junit.xml"):
            for case in xml.parse(file).getroot().iter("testcase"):
                tally.case("check", "", case)
    for name, text in tally.failures:
        print(f"\n--- FAILED {name}\n{text}")
    if tally.skips:
        print("\nskipped:")
        for name, reason in tally.skips:
            print(f"  {name}" + (f" ({reason.strip().splitlines()[-1]})" if reason.strip() else ""))
    if tally.failures:
        print("\nfailed:")
        for name, _ in tally.failures:
            print(f"  {name}")
    print(f"\n{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 0 if tally.failed == 0 and tally.passed > 0 else 1


if __name__ == "__main__":
    if len(sys.argv) == 6 and sys.argv[1] == "--record":
        record(*sys.argv[2:])
        sys.exit(0)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1])))
