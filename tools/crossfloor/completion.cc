#include "tools/crossfloor/completion.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace crossfloor::cli {
namespace {

constexpr const char* bash_script = R"(# crossfloor: completion for bash
_crossfloor() {
  local IFS=$'\n'
  COMPREPLY=($(crossfloor complete-words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _crossfloor crossfloor
)";

constexpr const char* zsh_script = R"(#compdef crossfloor
# crossfloor: completion for zsh
_crossfloor() {
  local -a found
  local line
  while IFS= read -r line; do
    found+=("${line%%$'\t'*}:${line#*$'\t'}")
  done < <(crossfloor complete-words "${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( ${#found} )); then _describe 'crossfloor' found; else _files; fi
}
if [ "$funcstack[1]" = "_crossfloor" ]; then
  _crossfloor "$@"
else
  compdef _crossfloor crossfloor
fi
)";

constexpr const char* fish_script = R"(# crossfloor: completion for fish
function __crossfloor_words
    set -l words (commandline -opc) (commandline -ct)
    crossfloor complete-words $words[2..-1] 2>/dev/null
end
complete -c crossfloor -a '(__crossfloor_words)'
)";

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

const CLI::Option* option_named(const CLI::App* verb, const std::string& name) {
  for (; verb; verb = verb->get_parent()) {
    for (const CLI::Option* option : verb->get_options()) {
      if (option->check_name(name)) return option;
    }
  }
  return nullptr;
}

const CLI::App* below_named(const CLI::App* verb, const std::string& name) {
  const auto found =
      verb->get_subcommands([&](const CLI::App* below) { return below->check_name(name); });
  return found.empty() ? nullptr : found.front();
}

}  // namespace

void complete(const CLI::App& app, const std::vector<std::string>& words, std::ostream& out) {
  const CLI::App* verb = &app;
  const std::string prefix = words.empty() ? "" : words.back();
  bool value_wanted = false;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (value_wanted) {
      value_wanted = false;
    } else if (words[i].rfind("-", 0) == 0) {
      const CLI::Option* option = option_named(verb, words[i]);
      value_wanted = option && option->get_items_expected_max() > 0;
    } else if (const CLI::App* below = below_named(verb, words[i])) {
      verb = below;
    }
  }
  if (value_wanted) return;  // the shell offers files
  if (prefix.rfind("-", 0) != 0) {
    for (const CLI::App* below : verb->get_subcommands({})) {
      const std::string name = below->get_name();
      if (below->get_group().empty() || name.rfind(prefix, 0) != 0) continue;
      out << name << "\t" << first_line(below->get_description()) << "\n";
    }
    return;
  }
  for (; verb; verb = verb->get_parent()) {
    for (const CLI::Option* option : verb->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        if (("--" + name).rfind(prefix, 0) != 0) continue;
        if (name == "help" && verb->get_parent()) continue;  // every level has it
        out << "--" << name << "\t" << first_line(option->get_description()) << "\n";
      }
    }
  }
}

void add_completion(CLI::App& app, Context& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* verb =
      add_verb(app, "completion", "Prints completion for bash, zsh or fish",
               {"crossfloor completion bash > /etc/bash_completion.d/crossfloor",
                "crossfloor completion zsh > ~/.zfunc/_crossfloor",
                "crossfloor completion fish > ~/.config/fish/completions/crossfloor.fish"});
  verb->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  on_run(verb, context, [&context, shell] {
    context.out << (*shell == "bash" ? bash_script : *shell == "zsh" ? zsh_script : fish_script);
    return Exit::fine;
  });
}

}  // namespace crossfloor::cli
