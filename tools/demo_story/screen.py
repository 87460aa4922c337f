"""The live screen: a view becomes lines of text. Pure, so that a test can look at it in any size;
only Terminal touches a terminal."""

import contextlib
import os
import re
import shutil
import sys
import termios
import textwrap

BOLD, DIM, RED, GREEN, YELLOW, CYAN, REVERSE = "1", "2", "31", "32", "33", "36", "7"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
LEAST = (80, 20)  # columns and lines

STATE_COLOURS = {"up": GREEN, "down": RED, "frozen": CYAN, "cut off": YELLOW, "starting": DIM}
BAR = "▏▎▍▌▋▊▉█"


class Paint:
    def __init__(self, colour):
        self.colour = colour

    def __call__(self, text, *codes):
        if not self.colour or not codes:
            return text
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"


def width_of(text):
    return len(ESCAPE.sub("", text))


def cut(text, width):
    """At most `width` columns; colours end where the text ends."""
    if width_of(text) <= width:
        return text
    out, columns, at = [], 0, 0
    while at < len(text) and columns < width - 1:
        escape = ESCAPE.match(text, at)
        if escape:
            out.append(escape.group())
            at = escape.end()
            continue
        out.append(text[at])
        columns += 1
        at += 1
    return "".join(out) + "…" + ("\x1b[0m" if "\x1b[" in text else "")


def pad(text, width):
    return text + " " * max(0, width - width_of(text))


def right(text, width):
    return " " * max(0, width - width_of(text)) + text


def span(ms):
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def bar(value, most, width):
    """A bar of eighths of a character."""
    eighths = round(8 * width * min(value, most) / most) if most else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (BAR[rest - 1] if rest else "")


def title(paint, text, width):
    return paint(pad(f" {text}", width), REVERSE)


# ---- the parts, each a list of lines ------------------------------------------------------------

# Title, width, whether it stands at the right. Together 80 columns; what is over widens WAITING.
COLUMNS = (("SITE", 9, False), ("STATE", 8, False), ("FREE", 4, True), ("BUSY", 4, True),
           ("AWAY", 4, True), ("WAITING", 13, False), ("OLDEST", 6, True), ("TARGET", 6, True),
           ("WORK", 4, True), ("LAG", 4, True), ("LINKS", 7, False))
MOST_WAITING = 40  # fills the bar


def row(cells, width):
    more = min(30, max(0, width - LEAST[0]))
    out = []
    for (name, columns, at_right), cell in zip(COLUMNS, cells):
        columns += more if name == "WAITING" else 0
        out.append(right(cell, columns) if at_right else pad(cell, columns))
    return " " + " ".join(out).rstrip()


def site_line(one, paint, width, now):
    shown = paint(one.state, STATE_COLOURS.get(one.state, DIM))
    if not one.told_by:
        gone = (f"for {span(1000 * (now - one.since))}" if one.state in ("down", "frozen")
                else "does not answer")
        return f" {pad(paint(one.name, BOLD), 9)} {pad(shown, 8)} {paint(gone, DIM)}"
    drowning = one.target_ms and one.oldest_ms > one.target_ms / 2
    colour = RED if one.late or drowning else YELLOW if one.waiting else DIM
    waiting = f"{one.waiting:3d} "
    columns = 13 + min(30, max(0, width - LEAST[0])) - len(waiting)
    links = " ".join(paint(peer[:3] if up else "✗" + peer[:2], GREEN if up else RED)
                     for peer, up in sorted(one.links.items()))
    return row([
        paint(one.name, BOLD), shown,
        paint(str(one.free), GREEN if one.free else DIM),
        paint(str(one.busy), YELLOW if one.busy else DIM),
        paint(str(one.away), DIM),
        paint(waiting + bar(one.waiting, MOST_WAITING, columns), colour),
        paint(span(one.oldest_ms) if one.oldest_ms else "–", colour),
        paint(span(one.target_ms) if one.oldest_ms else "", DIM),
        str(one.at_work),
        paint(str(one.lag), YELLOW if one.lag else DIM),
        links], width)


def sites_part(view, paint, width, now):
    head = row([name for name, _, _ in COLUMNS], width)
    of_agents = head.index("AWAY") + len("AWAY") - head.index("FREE")
    of_customers = head.index("WORK") + len("WORK") - head.index("WAITING")
    groups = (" " * head.index("FREE") + " agents ".center(of_agents, "─") + " "
              + " its customers ".center(of_customers, "─"))
    return ([paint(groups, DIM), paint(head, DIM)]
            + [site_line(one, paint, width, now) for one in view.sites.values()])


def flows_part(view, paint):
    names = list(view.sites)
    lines = [title_of_flows(paint, names)]
    for home in names:
        total = sum(view.flows.get((home, there), 0) for there in names)
        others = total - view.flows.get((home, home), 0)
        cells = ""
        for there in names:
            count = view.flows.get((home, there), 0)
            arrow = "  " if there == home else "→ "
            codes = (DIM,) if not count else () if there == home else (BOLD, YELLOW)
            cells += paint(right(arrow + str(count) if count else "·", 12), *codes)
        share = f"{100 * others // total} % overflow" if total and others else ""
        lines.append(f" customers of {pad(home, 9)}{cells}   {paint(share, YELLOW)}".rstrip())
    return lines


def title_of_flows(paint, names):
    return (paint(" TAKEN ON, last minute", DIM) + " " +
            "".join(paint(right("by " + name, 12), DIM) for name in names))


def customers_part(view, paint, roomy):
    c = view.customers
    if not c:
        return []
    lines = []
    for brand, one in c["brands"].items():
        waited = f", waited {span(one['median_ms'])} (median)" if one["replies"] else ""
        lines.append(f" brand {brand}: {one['written']} messages written, {one['replies']} "
                     f"replies came{waited}")
    last = c.get("last")
    if last and roomy:
        lines.append(paint(f" last reply: on {last['account']}, "
                           f"{'in public' if last['public'] else 'in private'}, by "
                           f"{last['signature']}", DIM))
    return lines


def tries(view):
    """What to try next: what the moment suggests comes first."""
    out = []
    commands = {"down": ("start", "brings it back"), "frozen": ("thaw", "lets it go on"),
                "cut off": ("mend", "plugs its cable in again")}
    for one in view.sites.values():
        if one.state in commands:
            verb, what = commands[one.state]
            out.append((f"tools/demo --site {one.name} {verb}", what))
    well = [one for one in view.sites.values() if one.state == "up"]
    if len(well) == len(view.sites):
        out.append(("tools/demo --site london cut", "pulls its cables out; it serves on alone"))
        one = view.sites["helsinki"]
        out.append(("tools/demo --site helsinki kill", f"is: kill -9 {one.pid}"))
        one = view.sites["warsaw"]
        out.append(("tools/demo --site warsaw freeze", f"is: kill -STOP {one.pid}"))
    out.append(("tools/demo --join london", "be its agent guest-london, answer customers"))
    out.append(("tools/demo --look status", "or queue, agents, links, explain ID, verify"))
    return out


def tries_part(view, paint, most):
    lines = [paint(" TRY in another terminal", DIM)]
    for command, what in tries(view)[:max(1, most - 1)]:
        lines.append(f" {paint(pad(command, 34), BOLD)} {paint(what, DIM)}")
    return lines


def wrong_part(view, paint, width, most):
    """What is long goes on in a second line, as long as each gets its first."""
    if most < 2:
        return []
    if not view.wrong:
        return [paint(" ✓ nothing is wrong", GREEN) + paint("  (crossfloor status)", DIM)]
    chosen = view.wrong[:most - 1]
    lines = [paint(" WRONG", DIM)]
    spare = most - 1 - len(chosen)
    for line in chosen:
        text = textwrap.wrap(f"{line['site']}: {line['what']}", width - 4) or [""]
        shown = text[:1 + spare]
        spare -= len(shown) - 1
        if len(shown) < len(text):
            shown[-1] = cut(shown[-1] + " " + text[len(shown)], width - 4)
        lines += [f" {paint('✗', RED)} {shown[0]}", *("   " + more for more in shown[1:])]
    return lines


def events_part(view, paint, most):
    lines = [paint(" WHAT HAPPENED", DIM)]
    lines += [f" {paint(at, DIM)} {what}" for at, what in view.events[-max(0, most - 1):]]
    return lines if len(lines) > 1 and most > 1 else []


def render(view, width, height, colour, clock, now):
    """Lines of at most `width` columns, at most `height` of them. `clock`: the time of day."""
    paint = Paint(colour)
    if width < LEAST[0] or height < LEAST[1]:
        return [cut(f"needs a terminal of {LEAST[0]}x{LEAST[1]} or more", width)]
    cast = "three sites, two brands" if width >= 96 else "three sites"
    head = f"Crossfloor: {cast}, one floor   {clock}   {span(1000 * view.running)}"
    if view.asked:
        head += f"   (as {view.asked} sees it)"
    fixed = [title(paint, head, width), *sites_part(view, paint, width, now), "",
             *flows_part(view, paint), *customers_part(view, paint, height >= 26), ""]
    room = height - len(fixed) - 1
    suggestions = tries_part(view, paint, min(room, len(tries(view)) + 1))
    room -= len(suggestions) + 1
    wrong = wrong_part(view, paint, width, min(room, 6)) if room > 1 else []
    room -= len(wrong) + (1 if wrong else 0)
    events = events_part(view, paint, min(room, 8))
    lines = fixed + suggestions
    for part in (wrong, events):
        if part:
            lines += ["", *part]
    lines = lines[:height - 1]
    lines += [""] * (height - 1 - len(lines))
    lines.append(paint(" Ctrl-C ends everything", DIM))
    return [cut(line, width) for line in lines]


def log_line(view, clock):
    """The same in one line, for a pipe or a file."""
    parts = []
    for one in view.sites.values():
        if not one.told_by:
            parts.append(f"{one.name} {one.state.replace(' ', '_')}")
            continue
        parts.append(f"{one.name} {one.state.replace(' ', '_')} free={one.free} busy={one.busy} "
                     f"waiting={one.waiting} oldest={one.oldest_ms / 1000:.1f}s lag={one.lag}")
    flows = " ".join(f"{home}->{there}={count}/min"
                     for (home, there), count in sorted(view.flows.items()) if home != there)
    return f"{clock} " + " | ".join(parts) + (f" | {flows}" if flows else "")


class Terminal:
    """Takes the screen over and gives it back as it was, whatever happens."""

    def __init__(self):
        self._before = None

    def __enter__(self):
        with contextlib.suppress(termios.error, ValueError, OSError):
            self._before = termios.tcgetattr(sys.stdin.fileno())
            quiet = termios.tcgetattr(sys.stdin.fileno())
            quiet[3] &= ~(termios.ECHO | termios.ICANON)  # keys leave no marks; Ctrl-C works
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, quiet)
        self._write("\x1b[?1049h\x1b[?25l\x1b[2J")
        return self

    def __exit__(self, *what):
        self._write("\x1b[?25h\x1b[?1049l")
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    @staticmethod
    def size():
        size = shutil.get_terminal_size()
        return size.columns, size.lines

    def draw(self, lines):
        # Each line is written over the old one and cleared to its end: no flicker.
        self._write("\x1b[H" + "\r\n".join(line + "\x1b[K" for line in lines) + "\x1b[J")

    @staticmethod
    def _write(text):
        data = text.encode()
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(sys.stdout.fileno(), data):]
