// What operators may ask a node, and its answers as JSON.
//
// Each answer is an object with the node's id, site and clock, and `rows`. Every time in it is said
// as an age too, in milliseconds as of `at_ms`, because clocks differ; what is old says how old.
// Questions about the whole mesh are put to every node (node/core/inspect_fanout.h): each tells of
// what only it knows (its agents, its line), or of what it is home of, so that nothing is told
// twice. Questions about one conversation or customer are answered by any node that holds them.
//
// It reads what the cores keep in memory, and from the store a bounded number of rows, because it
// runs on the loop.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "storage/conversation.h"

namespace crossfloor {

class NodeCore;

class Inspector {
 public:
  using Json = nlohmann::ordered_json;

  static constexpr std::size_t max_rows = 1000;
  static constexpr std::size_t max_timeline = 500;  // entries of one conversation in one answer

  // Whom a question is for.
  enum class Reach {
    everybody,  // the asked node joins the answers of all
    holder,     // the asked node, or if it does not have it, whoever does
    here,       // the asked node alone
  };
  struct Question {
    const char* name;
    Reach reach;
    const char* arguments;  // names that are understood, separated by blanks
  };
  static const std::vector<Question>& questions();
  static const Question* find(const std::string& what);

  // `asker`: the node that passes the question on; none for an operator of this node. It is told
  // nothing of customers of a region that it may not hold.
  explicit Inspector(const NodeCore& core, std::optional<NodeId> asker = std::nullopt)
      : core_(core), asker_(asker) {}

  // `arguments`: a JSON object, or empty. Errors: not_found (no such question, conversation,
  // customer …), malformed (field and mend named), conflict (an abbreviated id fits several).
  Result<Json> answer(const std::string& what, const std::string& arguments, Now now) const;

  // The conversation that stands for a whole or abbreviated id.
  Result<ConversationId> conversation_id(const std::string& text) const;

 private:
  struct Asked;  // the checked arguments

  Json head(const std::string& what, Now now) const;

  // inspect.cc
  Result<Json> status(const Asked& asked, Now now) const;
  Result<Json> sites(const Asked& asked, Now now) const;
  Result<Json> links(const Asked& asked, Now now) const;
  Result<Json> streams(const Asked& asked, Now now) const;
  Result<Json> wait(const Asked& asked, Now now) const;
  Json figures(Now now) const;

  // inspect_floor.cc
  Result<Json> agents(const Asked& asked, Now now) const;
  Result<Json> queue(const Asked& asked, Now now) const;
  Result<Json> conversations(const Asked& asked, Now now) const;
  Result<Json> outbox(const Asked& asked, Now now) const;
  Result<Json> accounts(const Asked& asked, Now now) const;
  Json account_rows(Now now) const;
  Json accounts_of_absent_hosts() const;

  // inspect_wrong.cc: what is wrong here, most urgent first.
  Json wrong(Now now) const;
  void wrong_conversations(Json& list, Now now) const;
  void wrong_replies(Json& list, Now now) const;
  void wrong_mesh(Json& list, Now now) const;
  void wrong_store(Json& list, Now now) const;

  // inspect_history.cc
  Result<Json> conversation(const Asked& asked, Now now) const;
  Result<Json> explain(const Asked& asked, Now now) const;
  Result<Json> customer(const Asked& asked, Now now) const;
  Result<Conversation> conversation_named(const std::string& id) const;
  Json summary(const Conversation& conversation, Now now) const;
  Json timeline(const ConversationId& id, bool course, const std::string& after, std::size_t most,
                Now now, std::string& next) const;
  Json entry_line(const Position& at, const Region& region, std::uint16_t kind, bool course,
                  Now now) const;
  std::string site_of(const NodeId& node) const;
  Status may_be_told(const Region& region, Now now) const;

  const NodeCore& core_;
  const std::optional<NodeId> asker_;
};

}  // namespace crossfloor
