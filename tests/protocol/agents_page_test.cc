// docs/agents.md is all that the writer of a client has. Its tables are those of the descriptions.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "protocol/client_messages.h"
#include "protocol/json_describe.h"

using namespace crossfloor;

namespace {

// Fields of what a field holds have a table of their own.
template <typename T>
std::string own_table() {
  auto rows = describe<T>();
  std::erase_if(rows, [](const FieldRow& row) { return row.name.find('.') != std::string::npos; });
  return markdown_table(rows);
}

template <typename T>
void check_table(const std::string& page, const std::string& title) {
  const std::string wanted = title + "\n\n" + own_table<T>();
  const bool shown = page.find(wanted) != std::string::npos;
  CHECK_MESSAGE(shown, "docs/agents.md should have:\n" << wanted);
}

template <typename Variant>
void check_all(const std::string& page) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (check_table<std::variant_alternative_t<I, Variant>>(
         page, std::string("### `") + std::variant_alternative_t<I, Variant>::name + "`"),
     ...);
  }
  (std::make_index_sequence<std::variant_size_v<Variant>>{});
}

}  // namespace

TEST_SUITE("the page of the client protocol") {
  TEST_CASE("shows every command, answer, push and view as it is") {
    std::ifstream in("docs/agents.md");
    const std::string page(std::istreambuf_iterator<char>(in), {});
    REQUIRE_FALSE(page.empty());
    const auto answers = page.find("## Answers");
    REQUIRE(answers != std::string::npos);
    // A command and an answer may have the same name.
    check_all<client::Command>(page.substr(0, answers));
    check_all<client::Message>(page.substr(answers));
    check_table<Epoch>(page, "### Epoch");
    check_table<client::ConversationView>(page, "### Conversation view");
    check_table<client::CustomerView>(page, "### Customer view");
    check_table<client::HandleView>(page, "### Handle");
    check_table<client::HistoryPage>(page, "### Page");
    check_table<client::HistoryItem>(page, "### History item");
    check_table<client::SlotsView>(page, "### Slots view");
    check_table<client::ChannelSlots>(page, "### Channel slots");
    check_table<client::WorkView>(page, "### Work");
  }
}
