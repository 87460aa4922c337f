#!/usr/bin/env python3
"""Keeps the rule of who may know whom: tests, tools -> node -> storage -> protocol.

Looked at are the #include lines, the link lines of CMake, and words that a pure folder must not
contain (clocks, threads, randomness of its own, containers without an order).
"""

import re

import house

# Folder of a library -> folders whose headers it may include, besides its own. The longest prefix
# of a path decides; folders that are not listed (tools, tests) may include anything of ours.
MAY_INCLUDE = {
    "protocol": [],
    "storage": ["protocol"],
    "storage/rocks": ["storage", "protocol"],
    "node/desk": ["protocol"],
    "node/channels": ["protocol"],
    "node/core": ["node/desk", "node/channels", "storage", "protocol"],
    "node/gateway": ["node/core", "node/desk", "node/channels", "storage", "protocol"],
    "node/runtime": [
        "node/core", "node/desk", "node/channels", "storage", "storage/rocks", "protocol"
    ],
    "node/shell": [
        "node/gateway", "node/runtime", "node/core", "node/desk", "node/channels", "storage",
        "storage/rocks", "protocol"
    ],
}

# The same for the libraries of CMake, whose link lines must not open what the includes close.
LIBRARY_FOLDER = {
    "crossfloor_protocol": "protocol",
    "crossfloor_storage": "storage",
    "crossfloor_rocks": "storage/rocks",
    "crossfloor_desk": "node/desk",
    "crossfloor_channels": "node/channels",
    "crossfloor_core": "node/core",
    "crossfloor_gateway": "node/gateway",
    "crossfloor_runtime": "node/runtime",
    "crossfloor_shell": "node/shell",
}

PURE = ["protocol", "storage", "node/desk", "node/channels", "node/core"]  # but not storage/rocks

# Headers and libraries that do I/O, or heavy ones that only the shell of a node may see.
SHELL_HEADER = re.compile(
    r"^(zmq(_addon)?\.hpp?$|kj/async|kj/timer|kj/compat/|kj/thread|rocksdb/|spdlog/|prometheus/|"
    r"toml\+\+/|CLI/|sys/|netinet/|arpa/|poll\.h$|unistd\.h$|fcntl\.h$|signal\.h$|thread$|mutex$|"
    r"condition_variable$|future$|fstream$|filesystem$|random$)")
SHELL_LIBRARY = re.compile(
    r"kj-async|kj-http|kj-tls|ZMQ|rocksdb|spdlog|prometheus|OpenSSL|TOMLPLUSPLUS|CLI11", re.I)

# Word -> why not. Comments and strings are not looked at.
IMPURE = {
    r"\bsystem_clock\b|\bsteady_clock\b|\bhigh_resolution_clock\b": "reads the machine's clock",
    r"\bstd::(this_thread|thread|jthread|async|mutex)\b": "has threads of its own",
    r"\bstd::random_device\b|\bstd::\w+_distribution\b|\bstd::mt19937|\bstd::rand\b|\bs?rand\(":
        "has randomness of its own (a Random& is given; std distributions differ by library)",
    r"\b(u|nano)?sleep(_for|_until)?\s*\(": "sleeps",
    r"\bclock_gettime\b|\bgettimeofday\b|\bstd::time\s*\(": "reads the machine's clock",
}
UNORDERED = re.compile(r"\bunordered_(multi)?(map|set)\b")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)
STRING_OR_COMMENT = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.S)


def longest_prefix(path, folders):
    fitting = [f for f in folders if path.startswith(f + "/")]
    return max(fitting, key=len) if fitting else None


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def without_comments_and_strings(text):
    return STRING_OR_COMMENT.sub(lambda m: "\n" * m.group().count("\n"), text)


def check_includes(path, text):
    folder = longest_prefix(path, MAY_INCLUDE)
    if folder is None:
        return
    for found in INCLUDE.finditer(text):
        quote, header = found.groups()
        where = f"{path}:{line_of(text, found.start())}"
        if quote == '"' and "/" in header:
            target = longest_prefix(header, list(MAY_INCLUDE) + ["node", "tools", "tests"])
            allowed = [folder] + MAY_INCLUDE[folder]
            if target is not None and target not in allowed:
                yield f"{where}: {folder} includes {header}; it may know {', '.join(allowed)}"
        elif folder in PURE and SHELL_HEADER.match(header):
            yield (f"{where}: {folder} is pure and includes <{header}>; only node/runtime, "
                   "node/gateway, storage/rocks and tools may")


def check_words(path, text):
    if longest_prefix(path, MAY_INCLUDE) not in PURE:
        return
    code = without_comments_and_strings(text)
    for pattern, why in IMPURE.items():
        for found in re.finditer(pattern, code):
            yield f"{path}:{line_of(code, found.start())}: {found.group()} in a pure folder: {why}"
    for number, line in enumerate(text.splitlines(), 1):
        if INCLUDE.match(line) or not UNORDERED.search(without_comments_and_strings(line)):
            continue
        if "// lookup only" not in line:
            yield (f"{path}:{number}: an unordered container in a pure folder: its order differs "
                   "between machines; take std::map, or say `// lookup only` on this line")


def link_lines(text):
    """Yields (offset, library, what it links) for each call that links a library of ours."""
    code = re.sub(r"#[^\n]*", "", text)
    calls = re.finditer(r"\b(target_link_libraries|crossfloor_node_library)\s*\(([^)]*)\)", code)
    for call in calls:
        words = [w for w in call.group(2).split() if w not in ("PUBLIC", "PRIVATE", "INTERFACE")]
        if words and words[0] in LIBRARY_FOLDER:
            first = 2 if call.group(1) == "crossfloor_node_library" else 1
            yield line_of(code, call.start()), words[0], words[first:]


def check_links(path, text):
    if not (path.endswith("CMakeLists.txt") or path.endswith(".cmake")):
        return
    for line, library, linked in link_lines(text):
        folder = LIBRARY_FOLDER[library]
        for other in linked:
            known = LIBRARY_FOLDER.get(other)
            if known is not None and known != folder and known not in MAY_INCLUDE[folder]:
                yield f"{path}:{line}: {library} links {other}, which it may not know"
            elif folder in PURE and SHELL_LIBRARY.search(other):
                yield f"{path}:{line}: {library} is pure and links {other}, which does I/O"


CHECKS = [check_includes, check_words, check_links]


def is_looked_at(path):
    return path.endswith((".h", ".cc", ".cmake")) or path.endswith("CMakeLists.txt")


def complaints_of(path, text):
    return [line for check in CHECKS for line in check(path, text)]


# Each of these must be complained about, once ...
PLANTED = [
    ("protocol/a.h", '#include "storage/store.h"\n'),
    ("protocol/a.h", '#include "node/main.h"\n'),
    ("protocol/a.h", '#  include "tools/bench/b.h"\n'),
    ("protocol/a.cc", "#include <zmq.hpp>\n"),
    ("protocol/a.cc", "#include <kj/async-io.h>\n"),
    ("storage/log.cc", '#include "node/desk/queue.h"\n'),
    ("storage/log.cc", '#include "storage/rocks/rocks.h"\n'),
    ("storage/log.cc", "#include <rocksdb/db.h>\n"),
    ("storage/rocks/rocks.cc", '#include "node/core/core.h"\n'),
    ("node/desk/queue.h", '#include "storage/store.h"\n'),
    ("node/desk/queue.h", '#include "node/core/core.h"\n'),
    ("node/desk/queue.h", '#include "node/channels/generic.h"\n'),
    ("node/channels/generic.cc", '#include "node/desk/queue.h"\n'),
    ("node/core/core.cc", '#include "node/runtime/loop.h"\n'),
    ("node/core/core.cc", '#include "storage/rocks/rocks.h"\n'),
    ("node/core/core.cc", "#include <spdlog/spdlog.h>\n"),
    ("node/gateway/http.cc", '#include "node/runtime/loop.h"\n'),
    ("node/runtime/links.cc", '#include "node/shell/node_process.h"\n'),
    ("node/desk/queue.cc", "auto t = std::chrono::system_clock::now();\n"),
    ("node/desk/queue.cc", "auto t = std::chrono::steady_clock::now();\n"),
    ("node/desk/queue.cc", "std::thread t;\n"),
    ("protocol/a.cc", "std::random_device source;\n"),
    ("protocol/a.cc", "std::uniform_int_distribution<int> any(1, 2);\n"),
    ("protocol/a.cc", "int x = std::rand();\n"),
    ("storage/log.cc", "usleep(10);\n"),
    ("storage/log.cc", "/* a */ std::unordered_map<int, int> seen;\n"),
    ("storage/log.cc", "std::unordered_set<int> seen;  // fast\n"),
    ("protocol/CMakeLists.txt", "target_link_libraries(crossfloor_protocol PUBLIC PkgConfig::ZMQ)"),
    ("storage/CMakeLists.txt", "target_link_libraries(crossfloor_storage PUBLIC crossfloor_rocks)"),
    ("node/CMakeLists.txt", "crossfloor_node_library(crossfloor_desk desk crossfloor_storage)"),
    ("node/CMakeLists.txt", "crossfloor_node_library(crossfloor_core core\n  spdlog::spdlog)"),
]

# ... and none of these.
INNOCENT = [
    ("protocol/a.h", '#include "protocol/b.h"\n#include "a.capnp.h"\n#include <map>\n'),
    ("protocol/a.h", "// unlike std::chrono::system_clock, which nobody here may read\n"),
    ("protocol/a.cc", 'return "no sleep(1) for the std::thread";\n'),
    ("storage/log.cc", "#include <unordered_map>\nstd::unordered_map<int, int> a;  // lookup only\n"),
    ("storage/rocks/rocks.cc", '#include <rocksdb/db.h>\n#include "storage/store.h"\n'),
    ("storage/rocks/rocks.cc", "std::thread committer;\n"),
    ("node/core/core.cc", '#include "node/desk/a.h"\n#include "storage/store.h"\n'),
    ("node/runtime/loop.cc", "#include <zmq.h>\nauto t = std::chrono::steady_clock::now();\n"),
    ("tools/bench/main.cc", '#include <CLI/CLI.hpp>\n#include "storage/rocks/rocks.h"\n'),
    ("node/CMakeLists.txt",
     "crossfloor_node_library(crossfloor_core core crossfloor_desk crossfloor_storage)"),
]


def self_test():
    for path, text in PLANTED:
        if len(complaints_of(path, text)) != 1:
            yield f"{path}: {text.strip()} -> {complaints_of(path, text)}"
    for path, text in INNOCENT:
        for line in complaints_of(path, text):
            yield f"innocent, but: {line}"


def main():
    paths = [p for p in house.our_files() if is_looked_at(p)]
    complaints = []
    for path in paths:
        text = house.read(path)
        complaints += [f"{path}: not UTF-8"] if text is None else complaints_of(path, text)
    house.finish(complaints, list(self_test()), len(paths))


if __name__ == "__main__":
    main()
