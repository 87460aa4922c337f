"""What the tests of the house share: finding our files, and proving that a check can fail.

A check is a function from (path, text) to complaints. Each comes with planted violations, so that a
check that no longer sees anything is itself a failure.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OTHERS = {"node_modules", "demo-data", "third_party"}


def is_ours(folder):
    """Neither hidden, nor built, nor somebody else's."""
    return not folder.startswith((".", "build")) and folder not in OTHERS


def our_files(root=ROOT):
    """Yields the path of each of our files, relative to the root, in order."""
    for folder, folders, names in os.walk(root):
        at_top = folder == root
        folders[:] = sorted(f for f in folders if is_ours(f) or (at_top and f == ".ci"))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def read(path, root=ROOT):
    """The text of a file with its line ends as they are; None if it is not text."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def finish(complaints, unseen, checked):
    """Prints the verdict and leaves with the exit code."""
    for line in complaints:
        print(line)
    for line in unseen:
        print(f"a check does not see what it should: {line}")
    print(f"{checked} files checked, {len(complaints)} complaints, {len(unseen)} blind checks")
    sys.exit(1 if complaints or unseen or not checked else 0)
