#include "node/runtime/config_tree.h"

#include <toml++/toml.h>

namespace crossfloor {
namespace {

int line_of(const toml::source_region& region) {
  return static_cast<int>(region.begin.line);
}

ConfigTree converted(const toml::node& node) {
  ConfigTree tree;
  tree.line = line_of(node.source());
  if (const auto* table = node.as_table()) {
    tree.kind = ConfigTree::Kind::table;
    for (const auto& [key, member] : *table) {
      ConfigTree child = converted(member);
      // A key's own line: a value may begin further down, a table where its first key stands.
      if (line_of(key.source()) > 0) child.line = line_of(key.source());
      tree.members.emplace(std::string(key.str()), std::move(child));
    }
  } else if (const auto* list = node.as_array()) {
    tree.kind = ConfigTree::Kind::list;
    for (const toml::node& item : *list) tree.items.push_back(converted(item));
  } else if (const auto* text = node.as_string()) {
    tree.kind = ConfigTree::Kind::text;
    tree.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    tree.kind = ConfigTree::Kind::integer;
    tree.integer = integer->get();
  } else if (const auto* flag = node.as_boolean()) {
    tree.kind = ConfigTree::Kind::flag;
    tree.flag = flag->get();
  } else {
    tree.kind = node.is_floating_point() ? ConfigTree::Kind::fraction : ConfigTree::Kind::date;
  }
  return tree;
}

}  // namespace

const char* ConfigTree::kind_text() const {
  switch (kind) {
    case Kind::text:
      return "a text";
    case Kind::integer:
      return "a whole number";
    case Kind::fraction:
      return "a fraction";
    case Kind::flag:
      return "true or false";
    case Kind::list:
      return "a list";
    case Kind::table:
      return "a section";
    case Kind::date:
      return "a date or time";
  }
  return "something else";
}

Result<ConfigTree> parse_config_tree(std::string_view toml, const std::string& file_name) {
  try {
    const toml::table table = toml::parse(toml, file_name);
    return converted(table);
  } catch (const toml::parse_error& error) {
    return Error{
        ErrorCode::malformed, std::string(error.description()),
        file_name + ":" + std::to_string(line_of(error.source())),
        "correct the line; the file is TOML: name = \"text\", [section], [[list section]]"};
  }
}

}  // namespace crossfloor
