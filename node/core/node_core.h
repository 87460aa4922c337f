// One node, as a pure machine: it owns all cores and keeps the order of their effects. The runtime
// and the simulator drive only this.
//
// How it is driven: call what happened (a message, a request, an answer, a tick at deadline());
// then, whenever the disk is idle and has_writes(), commit next_batch() and say committed(); and
// after every call carry out take_effects(), which hands out only what may leave by now.
#pragma once

#include "node/core/agent_desk.h"
#include "node/core/commands.h"
#include "node/core/desk.h"
#include "node/core/gate.h"
#include "node/core/home.h"
#include "node/core/intake.h"
#include "node/core/link_view.h"
#include "node/core/mesh.h"
#include "node/core/operators.h"
#include "node/core/replication.h"
#include "node/core/sender.h"
#include "node/core/verify_port.h"

namespace crossfloor {

class NodeCore final : private Outlet {
 public:
  struct Parts {
    const Crypto& crypto;
    Random& random;
    const Reader& store;
    Roster& roster;
    // Why nothing can be written. Then this node only looks things up: it takes nothing in, steers
    // nothing, and says nothing to the mesh.
    std::optional<Error> read_only = {};
  };
  // `settings` and what `parts` names must outlive this.
  NodeCore(const Scribe::Identity& identity, const NodeSettings& settings, const Parts& parts,
           WallTime started);
  ~NodeCore();
  NodeCore(const NodeCore&) = delete;
  NodeCore& operator=(const NodeCore&) = delete;

  // Reads what is open. Errors: corrupt, io.
  Status open(Now now);

  // --- the mesh ---
  void link_up(const NodeId& peer, LinkKind link, Now now);
  void link_down(const NodeId& peer, LinkKind link, bool reset, Now now);
  void receive(const NodeId& from, LinkKind link, const PeerMessage& message, Now now);
  void range_read(const NodeId& to, const Result<Range>& range, Now now);
  // The store once held this of a stream and came back shorter; peers may still have it.
  void heard(const Stream& stream, const Head& head, Now now);
  // A certificate or revocation from a file or over HTTP. True if it was new.
  Result<bool> add_document(ByteView document, Now now);

  // --- channels ---
  // Answered by AnswerIntake, when it is as durable as was promised.
  void intake(RequestId request, const std::string& account, const IncomingMessage& message,
              Now now);
  void provider_answered(const ReplyId& reply, std::uint32_t attempt, bool lookup,
                         const DeliveryResult& result, Now now);

  // --- people ---
  Status log_in(const std::string& agent, Now now);
  Status log_out(const std::string& agent, Now now);
  Status presence(const std::string& agent, Presence presence, const std::string& reason, Now now);
  void connection(const std::string& agent, bool up, Now now);
  void command(RequestId request, const DeskCommand& command, Now now);
  void link(RequestId request, const CustomerLink& link, Now now);
  void draft(const std::string& agent, const ConversationId& conversation,
             const std::string& text) {
    desk_.draft(agent, conversation, text);
  }
  Status set_agent(const AgentRecord& record, Now now);  // an agent of this node
  Status set_link(const Region& region, const LinkBody& link, Now now);
  void act(const ActBody& act, Now now);  // what an operator did here, and why
  void drain(bool on, Now now);
  Status resolve(const ReplyId& reply, Resolution how, const std::string& external_id, Now now);
  Status retry(const ReplyId& reply, Now now);
  // An operator makes this node the home of a conversation whatever its old one says.
  Status force_takeover(const ConversationId& id, const std::string& by, Now now);

  // An operator's question or act (node/core/operators.h), or a question of `crossfloor verify`
  // (node/core/verify_port.h); answered by AnswerInspection.
  void operate(RequestId request, const std::string& what, const std::string& arguments, Now now);
  // The answer to a ReadVerify effect.
  void verify_read(std::uint64_t ticket, const std::string& json, Now now);

  // --- time and disk ---
  void tick(Now now);
  Instant deadline() const;  // when tick() has something to do
  void standstill(Duration gap, Now now);
  // A standstill was just noticed, and what came in meanwhile is not read yet: from here on nothing
  // is decided as home until its peers' vectors are compared. standstill() follows.
  void woke(Now now);
  bool has_writes() const { return !read_only_ && scribe_.dirty(); }
  struct NextBatch {
    Batch batch;
    std::uint64_t number = 0;
  };
  NextBatch next_batch(Now now);
  void committed(std::uint64_t number, Now now);
  // Nothing may be written or said any more; the node is opened anew. Says why.
  const Status& failed() const { return scribe_.failed(); }
  const std::optional<Error>& read_only() const { return read_only_; }
  // SIGTERM: no new work, homes handed on, members told. Then drive until idle() and stop.
  void stop(Now now);
  bool idle() const { return !has_writes() && gate_.held() == 0; }

  std::vector<Effect> take_effects(Now now);

  // --- looking in ---
  const Scribe& scribe() const { return scribe_; }
  const Mesh& mesh() const { return mesh_; }
  const Home& home() const { return home_; }
  const Desk& desk() const { return desk_; }
  const Sender& sender() const { return sender_; }
  const Replication& replication() const { return replication_; }
  const Commands& commands() const { return commands_; }
  const NodeSettings& settings() const { return settings_; }
  std::size_t intakes_waiting() const { return intake_.waiting(); }
  // The transport's own figures, for who looks at links; it outlives this or is taken back.
  void show_links(const LinkView* links) { links_ = links; }
  const LinkView* links() const { return links_; }
  // What members said without having the right to (node/core/rights.h). It had no effect.
  struct Overstepped {
    std::uint64_t times = 0;
    Error last;
  };
  const std::map<NodeId, Overstepped>& overstepped() const { return overstepped_; }

 private:
  void emit(Effect effect) override;
  void emit_freely(Effect effect) override;
  Status may_write() const { return read_only_ ? Status(*read_only_) : Status(); }

  // Lets the parts react to each other until nothing is left to do.
  void settle(Now now);
  void on(const NodeId& from, const MembershipFrame& frame, Now now);
  void on(const NodeId& from, const LoadFrame& frame, Now now);
  void on(const NodeId& from, const RoutingFrame& frame, Now now);
  void on(const NodeId& from, const LeaseFrame& frame, Now now);
  void on(const NodeId& from, const ReplicationFrame& frame, Now now);
  void on(const NodeId& from, const DeskFrame& frame, Now now);
  void heard(Mesh::Heard& heard, Now now);
  void take_documents(const std::vector<Bytes>& documents, Now now);
  void fetch(const Desk::Missing& missing, Now now);
  void publish_accounts(Now now);

  const NodeSettings& settings_;
  const std::optional<Error> read_only_;
  Gate gate_;
  Roster& roster_;
  Scribe scribe_;
  Mesh mesh_;
  Replication replication_;
  Desk desk_;
  Home home_;
  Intake intake_;
  Sender sender_;
  Commands commands_;
  Operators operators_;
  VerifyPort verify_;
  bool restored_ = false;
  bool stopping_ = false;
  std::uint32_t incarnation_ = 0;
  std::map<NodeId, Overstepped> overstepped_;
  const LinkView* links_ = nullptr;
  Instant next_look_{};
  Instant next_load_{};
  Instant last_load_{};
  std::optional<Instant> load_due_;  // the desk moved, and its record is not told yet
};

}  // namespace crossfloor
