"""The words of tools/demo. That script has built what is needed before this is called."""

import argparse
import sys

import cast
import live
import story


def words_of(arguments):
    parser = argparse.ArgumentParser(
        prog="tools/demo", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Three sites on this machine: three nodes, their agents, their customers.",
        epilog="Examples:\n"
               "  tools/demo                        runs until Ctrl-C, with a live screen\n"
               "  tools/demo --once                 a bounded story; exit code 0 if all held\n"
               "in another terminal, while it runs:\n"
               "  tools/demo --site london cut      pulls its cables out; then: mend\n"
               "  tools/demo --site helsinki kill   kill -9; then: start\n"
               "  tools/demo --site warsaw freeze   kill -STOP; then: thaw\n"
               "  tools/demo --site warsaw restart  in good order\n"
               "  tools/demo --join london          answer customers yourself\n"
               "  tools/demo --look status          any verb of crossfloor, at a node that answers\n"
               "  tools/demo --site warsaw --look queue --watch")
    parser.add_argument("--once", action="store_true", help="the bounded story")
    parser.add_argument("--site", choices=cast.SITES, help="do VERB to this site")
    parser.add_argument("--join", choices=cast.SITES, metavar="SITE", help="be an agent there")
    parser.add_argument("--look", nargs=argparse.REMAINDER, metavar="VERB",
                        help="run crossfloor VERB … at a node of the demo")
    parser.add_argument("verb", nargs="?", choices=live.VERBS, metavar="VERB",
                        help="with --site: " + ", ".join(live.VERBS))
    words = parser.parse_args(arguments)
    if words.look is not None and not words.look:
        parser.error("--look needs a verb, for example: --look status")
    if words.verb and not words.site:
        parser.error("which site? --site helsinki, warsaw or london")
    if words.site and not words.verb and words.look is None:
        parser.error(f"do what to {words.site}? {', '.join(live.VERBS)}")
    return words


def main():
    words = words_of(sys.argv[1:])
    if words.look is not None:
        return live.look(words.look, words.site)
    if words.site:
        return live.order(words.site, words.verb)
    if words.join:
        return live.join(words.join)
    if words.once:
        return story.main()
    return live.main()


if __name__ == "__main__":
    sys.exit(main())
