#!/usr/bin/env python3
"""Keeps what every file of the house has in common, so that reviews can speak of other things."""

import os
import subprocess
import tempfile

import house

CPP = (".h", ".cc")
OURS = CPP + (".capnp", ".py", ".sh", ".cmake", ".txt", ".md", ".toml", ".json", ".service",
              ".sysusers", ".js", ".css", ".html")
COLUMNS = 100
LINES = 900


def is_shell(path, text):
    first = text.split("\n", 1)[0]
    return path.endswith(".sh") or (first.startswith("#!") and first.endswith(("bash", "/sh")))


def check_columns(path, text):
    if not path.endswith(CPP):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, {COLUMNS} are the limit"


def check_blanks(path, text):
    if text and not text.endswith("\n"):
        yield f"{path}: does not end in a newline"
    if "\r" in text:
        yield f"{path}:{text[:text.index(chr(13))].count(chr(10)) + 1}: a carriage return"
    if path.endswith(CPP) or is_shell(path, text):
        for number, line in enumerate(text.split("\n"), 1):
            if "\t" in line:
                yield f"{path}:{number}: a tab"
            if line != line.rstrip():
                yield f"{path}:{number}: blanks at the end of the line"


def check_pragma_once(path, text):
    if path.endswith(".h") and text.split("\n").count("#pragma once") != 1:
        yield f"{path}: needs one `#pragma once`"


def check_length(path, text):
    lines = text.count("\n")
    if path.endswith(CPP) and lines > LINES:
        yield f"{path}: {lines} lines; beyond {LINES} a file has more than one idea, divide it"


def check_unfinished(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        for word in ("TO" "DO", "FIX" "ME"):
            if word in line:
                yield f"{path}:{number}: {word}: finish it, or open an issue"


def check_shell(path, text):
    if not is_shell(path, text):
        return
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as script:
        script.write(text)
        script.flush()
        said = subprocess.run(["bash", "-n", script.name], capture_output=True, text=True)
    if said.returncode:
        yield f"{path}: {said.stderr.strip().replace(script.name, path)}"


def check_runnable(path):
    """What begins with #! is meant to be started, but for tests that CMake starts."""
    with open(os.path.join(house.ROOT, path), "rb") as file:
        begins = file.read(2) == b"#!"
    if begins and path.startswith("tools/") and not os.access(os.path.join(house.ROOT, path), os.X_OK):
        yield f"{path}: begins with #! and cannot be run; chmod +x it"


CHECKS = [check_columns, check_blanks, check_pragma_once, check_length, check_unfinished, check_shell]


def complaints_of(path, text):
    return [line for check in CHECKS for line in check(path, text)]


PLANTED = [
    ("node/a.cc", "// " + "x" * 98 + "\n"),
    ("node/a.cc", "int x;"),
    ("node/a.cc", "\tint x;\n"),
    ("node/a.cc", "int x; \n"),
    ("node/a.cc", "int x;\r"+"\n"),
    ("docs/a.md", "no newline"),
    ("node/a.h", "int x;\n"),
    ("node/a.h", "// #pragma once\n"),
    ("node/a.cc", "//\n" * 901),
    ("node/a.cc", "// TO" "DO: later\n"),
    ("tools/a", "# FIX" "ME\n"),
    ("tools/a", "#!/usr/bin/env bash\nif true; then\n"),
    ("tools/a.sh", "echo $(\n"),
]

INNOCENT = [
    ("node/a.cc", "// " + "ü" * 97 + "\n" + "//\n" * 899),
    ("node/a.h", "// A header.\n#pragma once\n"),
    ("tools/a", "#!/usr/bin/env bash\nif true; then :; fi\n"),
    ("tools/a", "#!/usr/bin/env python3\nif True:\n    pass\n"),
    ("tests/empty", ""),
]


def self_test():
    for path, text in PLANTED:
        if not complaints_of(path, text):
            yield f"{path}: {text[:60]!r}"
    for path, text in INNOCENT:
        for line in complaints_of(path, text):
            yield f"innocent, but: {line}"


def is_looked_at(path, text):
    if path.startswith("tests/golden/") or path == "LICENSE":
        return False  # Bytes that must stay as they are.
    return path.endswith(OURS) or is_shell(path, text) or text.startswith("#!")


def main():
    complaints = []
    checked = 0
    for path in house.our_files():
        text = house.read(path)
        if text is None or not is_looked_at(path, text):
            if text is None and path.endswith(OURS):
                complaints.append(f"{path}: not UTF-8")
            continue
        checked += 1
        complaints += complaints_of(path, text)
        complaints += check_runnable(path)
    house.finish(complaints, list(self_test()), checked)


if __name__ == "__main__":
    main()
