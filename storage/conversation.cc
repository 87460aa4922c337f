#include "storage/conversation.h"

#include <algorithm>

namespace crossfloor {
namespace {

void insert(std::vector<MessageId>& sorted, const MessageId& id) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), id);
  if (at == sorted.end() || *at != id) sorted.insert(at, id);
}

// True if it was there.
bool take_out(std::vector<MessageId>& sorted, const MessageId& id) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), id);
  if (at == sorted.end() || *at != id) return false;
  sorted.erase(at);
  return true;
}

// Notes who is home of a term. The higher (time, node) wins; true if that replaced another.
bool note_home(std::vector<TermHome>& homes, const Epoch& epoch) {
  const auto at =
      std::lower_bound(homes.begin(), homes.end(), epoch.term,
                       [](const TermHome& h, std::uint64_t term) { return h.term < term; });
  if (at == homes.end() || at->term != epoch.term) {
    homes.insert(at, {epoch.term, epoch.time, epoch.node});
    return false;
  }
  if (std::tie(at->time, at->node) >= std::tie(epoch.time, epoch.node)) return false;
  *at = {epoch.term, epoch.time, epoch.node};
  return true;
}

// A takeover raises the term by one. Some of them may be missing here; but who claims a term this
// far away only wants to outbid all others, for ever.
constexpr std::uint64_t farthest_next_term = 1 << 16;

bool is_sensible(const std::vector<TermHome>& homes, const Epoch& claim) {
  return claim.term <= (homes.empty() ? 0 : homes.back().term) + farthest_next_term;
}

// A node makes itself home, or whom it hands on what it is home of. Who was home and does not know
// that another took over hands on nothing: the epoch that its agent would go on with could be the
// one in which the next home gave it to somebody else.
bool takes_home(const ConversationItem& item, const TookHomeBody& body,
                const std::vector<TermHome>& homes) {
  const NodeId& writer = item.at.node;
  return is_sensible(homes, body.epoch) &&
         (body.epoch.node == writer || homes.empty() || homes.back().node == writer);
}

// Of the node that says it is home from here on; `homes` are those before.
const Epoch* claim_of(const ConversationItem& item, const ConversationId& id,
                      const std::vector<TermHome>& homes) {
  if (item.subject != id) return nullptr;
  if (const auto* placed = std::get_if<PlacedBody>(&item.body)) {
    return may_open(*placed) ? &placed->epoch : nullptr;
  }
  const auto* took = std::get_if<TookHomeBody>(&item.body);
  return took != nullptr && takes_home(item, *took, homes) ? &took->epoch : nullptr;
}

// A home knows all that was written in its own term.
bool is_of_term(const ReplyState& reply, std::uint64_t term) {
  return reply.counts && reply.term == static_cast<std::uint8_t>(term);
}

std::uint32_t short_name(const ReplyId& id) {
  std::uint32_t name = 0;
  for (std::size_t i = 0; i < sizeof name; ++i) name = name << 8 | id.raw[i];
  return name;
}

// What such an item changes no customer's message looks at, and the other way round: they come out
// the same in either order.
bool lets_overtake(EntryKind kind) {
  return kind == EntryKind::placed || kind == EntryKind::took_home || kind == EntryKind::note ||
         kind == EntryKind::outcome;
}

bool may_overtake(const Conversation& c, const ConversationItem& item) {
  const auto* message = std::get_if<std::shared_ptr<const MessageBody>>(&item.body);
  return message != nullptr && (*message)->message.direction == Direction::in &&
         c.said != Position{} && c.said < item.at;
}

class Fold {
 public:
  Fold(Conversation& conversation, ConversationMemory& memory)
      : c_(conversation), memory_(memory) {}

  // `homes_known`: who is home of each term, in the end; c_.homes holds those begun so far.
  void apply(const ConversationItem& item, const std::vector<TermHome>& homes_known) {
    homes_known_ = &homes_known;
    item_ = &item;
    std::visit([this](const auto& body) { on(body); }, item.body);
    put_done_replies(c_, [this](const ReplyState& reply) { memory_.put_done(reply); });
    if (c_.last == Position{}) c_.first = item.at;
    c_.last = std::max(c_.last, item.at);
    if (!lets_overtake(item.kind)) c_.said = std::max(c_.said, item.at);
  }

 private:
  std::int64_t now_ms() const { return ms_of(item_->at.time.wall()); }

  // True if the origin of this entry steers the conversation in `epoch`'s term at this place.
  bool counts(const Epoch& epoch) const {
    if (item_->subject != c_.id || epoch.node != item_->at.node) return false;
    if (c_.homes.empty() || epoch.term != c_.homes.back().term) return false;
    for (const auto& home : *homes_known_) {
      if (home.term == epoch.term) return home.node == item_->at.node;
    }
    return false;
  }

  void enter(CourseState state, const std::string& reason) {
    if (c_.state != state || c_.since_ms == 0) c_.since_ms = now_ms();
    c_.state = state;
    c_.reason = reason;
    // The next case of a customer who has come here for years is not one that was sent around.
    if (state == CourseState::closed || state == CourseState::pending) c_.site_changes = 0;
  }

  void see(const std::vector<MessageId>& seen) {
    for (const auto& id : seen) {
      const auto waits = std::find_if(c_.unanswered.begin(), c_.unanswered.end(),
                                      [&](const Unanswered& u) { return u.message == id; });
      if (waits != c_.unanswered.end()) {
        c_.unanswered.erase(waits);
      } else if (!memory_.folded_before(id, item_->at)) {
        insert(c_.seen, id);
      }
    }
  }

  void on(const std::monostate&) { ++c_.uncounted; }

  void on(const std::shared_ptr<const MessageBody>& message) { on(*message); }

  void on(const MessageBody& body) {
    if (!item_->first_copy) return;
    const auto& message = body.message;
    if (message.kind != MessageKind::message && message.kind != MessageKind::edited) return;
    const bool seen_already = take_out(c_.seen, item_->message);
    c_.last_ms = std::max(c_.last_ms, body.taken_ms);
    if (c_.customer.empty()) c_.customer = message.customer.external_id;
    if (message.direction == Direction::out) return on_outbound();
    ++c_.messages_in;
    if (c_.first_ms == 0) c_.first_ms = body.taken_ms;
    c_.customer = message.customer.external_id;
    c_.last_external_id = message.external_id;
    if (!message.language.empty()) c_.language = message.language;
    if (!message.topic.empty()) c_.topic = message.topic;
    if (!c_.skills_set) {
      for (const auto& skill : message.skills) {
        const auto at = std::lower_bound(c_.skills.begin(), c_.skills.end(), skill);
        if (at == c_.skills.end() || *at != skill) c_.skills.insert(at, skill);
      }
    }
    if (seen_already) return;
    c_.priority =
        c_.unanswered.empty() ? message.priority : std::max(c_.priority, message.priority);
    const auto mood = static_cast<std::uint8_t>(std::min<std::uint32_t>(message.mood, 2));
    c_.mood = c_.unanswered.empty() ? mood : std::max(c_.mood, mood);
    // What claims to have been taken in later than it was written down would be younger than it is.
    c_.unanswered.push_back({item_->message, std::clamp<std::int64_t>(body.taken_ms, 0, now_ms())});
  }

  // An answer given elsewhere answers its parent, or all that came before it.
  void on_outbound() {
    if (!item_->echo_of.is_zero()) return;  // counted as the reply that it echoes
    ++c_.messages_out;
    if (c_.first_reply_ms == 0) c_.first_reply_ms = now_ms();
    std::vector<MessageId> answered;
    if (!item_->parent.is_zero()) {
      answered.push_back(item_->parent);
    } else {
      for (const auto& u : c_.unanswered) answered.push_back(u.message);
    }
    see(answered);
  }

  void on(const PlacedBody& body) {
    if (!body.opens || item_->subject != c_.id) {
      if (body.reopens && counts(body.epoch) && c_.state == CourseState::closed && body.inbound) {
        enter(CourseState::waiting, "reopened");
        c_.epoch = std::max(c_.epoch, body.epoch);
      }
      return;
    }
    if (!may_open(body)) {
      ++c_.uncounted;
      return;
    }
    // Opened by a clock so fast that a later home's word stands before it: that word counts.
    const bool steered =
        !c_.homes.empty() && c_.homes.back().term > body.epoch.term && c_.since_ms != 0;
    note_home(c_.homes, body.epoch);
    if (c_.opened) {  // opened by two homes in a cut: the later of the first term is its home
      c_.epoch = std::max(c_.epoch, body.epoch);
      return;
    }
    c_.opened = true;
    c_.opened_at = item_->at;
    c_.account = body.account;
    c_.brand = body.brand;
    c_.channel = body.channel;
    c_.handle = body.handle;
    c_.thread_id = body.thread_id;
    c_.is_public = body.is_public;
    c_.epoch = std::max(c_.epoch, body.epoch);
    if (steered) return;
    enter(body.inbound ? CourseState::waiting : CourseState::closed,
          body.inbound ? "new" : "answered elsewhere");
  }

  void on(const TookHomeBody& body) {
    if (item_->subject != c_.id || !takes_home(*item_, body, c_.homes) ||
        (!c_.homes.empty() && body.epoch.term < c_.homes.back().term)) {
      ++c_.uncounted;
      return;
    }
    note_home(c_.homes, body.epoch);
    c_.epoch = std::max(c_.epoch, body.epoch);
  }

  void on(const CourseBody& body) {
    if (!counts(body.epoch) || body.epoch < c_.epoch) {
      ++c_.uncounted;
      return;
    }
    c_.epoch = body.epoch;
    if (body.changes_site) ++c_.site_changes;
    if (body.state == CourseState::waiting && !body.skills.empty()) {
      c_.skills = body.skills;
      std::sort(c_.skills.begin(), c_.skills.end());
      c_.skills_set = true;
    }
    c_.team = body.team;
    c_.prefer_agent = body.prefer_agent;
    c_.prefer_node = body.prefer_node;
    c_.pending_until_ms = body.pending_until_ms;
    if (body.state == CourseState::ringing || body.agent != c_.agent ||
        body.agent_node != c_.agent_node) {
      c_.assigned = body.epoch;
    }
    c_.agent = body.agent;
    c_.agent_node = body.agent_node;
    if (body.state == CourseState::active) {
      c_.last_agent = body.agent;
      c_.last_agent_node = body.agent_node;
      c_.last_agent_ms = now_ms();
    }
    see(body.seen);
    enter(body.state, body.reason);
  }

  void on(const ReplyBody& body) {
    ReplyState reply;
    reply.reply = body.reply;
    reply.sender = body.sender;
    reply.agent = body.agent;
    reply.written_ms = now_ms();
    reply.counts = counts(body.epoch);
    if (ReplyState* known = find_reply(body.reply)) {
      if (!reply.counts) return;
      known->sender = body.sender;  // home named another sender
      // A lost home had written it already; the agent's node gave it to the one that counts.
      if (!known->counts) count_reply(body);
      known->counts = true;
      return;
    }
    c_.last_ms = std::max(c_.last_ms, now_ms());
    ++c_.messages_out;
    if (c_.first_reply_ms == 0) c_.first_reply_ms = now_ms();
    reply.number = c_.replies_written() + 1;
    if (body.known_replies > 0) reply.term = static_cast<std::uint8_t>(body.epoch.term);
    if (reply.counts) {
      note_unknown(body);
      count_reply(body);
    } else {
      reply.seen = body.seen;  // answered only if it was sent all the same
      ++c_.uncounted;
    }
    c_.replies.push_back(std::move(reply));
  }

  void count_reply(const ReplyBody& body) {
    see(body.seen);
    c_.last_agent = body.agent;
    c_.last_agent_node = body.agent_node;
    c_.last_agent_ms = now_ms();
    if (c_.state == CourseState::active || c_.state == CourseState::wrap_up) {
      enter(body.then, "replied");
    }
  }

  // If home knew fewer replies than come before this one, then it lacked the latest ones of other
  // terms that it does not name; nobody lacks what is long done.
  void note_unknown(const ReplyBody& body) {
    if (body.known_replies == 0) return;
    const std::size_t known = body.known_replies - 1;
    const std::size_t written = c_.replies_written();
    std::size_t unknown = written > known ? written - known : 0;
    const auto names_end = body.known.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                    body.known.size(), ReplyBody::max_known));
    const auto is_named = [&](const ReplyState& reply) {
      return std::find(body.known.begin(), names_end, short_name(reply.reply)) != names_end;
    };
    for (auto at = c_.replies.rbegin(); at != c_.replies.rend() && unknown > 0; ++at) {
      if (is_of_term(*at, body.epoch.term) || is_named(*at)) continue;
      at->beside = true;
      count_twice(*at);
      --unknown;
    }
  }

  // Once for each reply, and only if it left.
  void count_twice(ReplyState& reply) {
    if (reply.twice || reply.attempts == 0 || (reply.counts && !reply.beside)) return;
    reply.twice = true;
    ++c_.handled_twice;
  }

  void on(const NoteBody&) { c_.last_ms = std::max(c_.last_ms, now_ms()); }

  // Also one that was done and has a row of its own.
  ReplyState* find_reply(const ReplyId& id) {
    if (ReplyState* known = c_.find_reply(id)) return known;
    if (c_.replies_done == 0) return nullptr;
    auto done = memory_.take_done(id);
    if (!done) return nullptr;
    --c_.replies_done;
    const auto at = std::lower_bound(
        c_.replies.begin(), c_.replies.end(), done->number,
        [](const ReplyState& r, std::uint32_t number) { return r.number < number; });
    return &*c_.replies.insert(at, std::move(*done));
  }

  void on(const AttemptBody& body) {
    ReplyState* reply = find_reply(body.reply);
    if (reply == nullptr) return;
    const bool first = reply->attempts == 0;
    reply->attempts = std::max({reply->attempts, body.number, 1u});
    // What the provider accepted stays accepted, whoever tried it once more in a cut.
    if (reply->outcome != ReplyOutcome::accepted) reply->has_outcome = false;
    if (first && !reply->counts) see(reply->seen);
    count_twice(*reply);
  }

  void on(const OutcomeBody& body) {
    ReplyState* reply = find_reply(body.reply);
    if (reply == nullptr) return;
    const bool final = reply->has_outcome && (reply->outcome == ReplyOutcome::accepted ||
                                              reply->outcome == ReplyOutcome::refused);
    if (final) return;
    reply->has_outcome = true;
    reply->outcome = body.outcome;
    reply->detail = body.detail;
  }

  Conversation& c_;
  ConversationMemory& memory_;
  const ConversationItem* item_ = nullptr;
  const std::vector<TermHome>* homes_known_ = nullptr;
};

}  // namespace

std::vector<std::uint32_t> known_by_home(const Conversation& c, std::uint64_t term) {
  std::vector<std::uint32_t> names;
  for (auto at = c.replies.rbegin(); at != c.replies.rend() && names.size() < ReplyBody::max_known;
       ++at) {
    if (!is_of_term(*at, term)) names.push_back(short_name(at->reply));
  }
  return names;
}

bool may_open(const PlacedBody& body) {
  return body.opens && body.epoch.term <= farthest_next_term;
}

ReplyState* Conversation::find_reply(const ReplyId& wanted) {
  const auto at = std::find_if(replies.begin(), replies.end(),
                               [&](const ReplyState& r) { return r.reply == wanted; });
  return at == replies.end() ? nullptr : &*at;
}

void put_done_replies(Conversation& c, const std::function<void(const ReplyState&)>& put) {
  if (!c.replies.empty() && c.replies.front().number == 0) {
    std::uint32_t number = 0;
    for (auto& reply : c.replies) reply.number = ++number;
  }
  if (c.replies.size() <= Conversation::max_done_replies) return;
  const auto last = c.replies.end() - std::ptrdiff_t{Conversation::max_done_replies};
  const auto kept = std::stable_partition(c.replies.begin(), last,
                                          [](const ReplyState& reply) { return !reply.done(); });
  std::for_each(kept, last, put);
  c.replies_done += static_cast<std::uint32_t>(last - kept);
  c.replies.erase(kept, last);
}

bool Conversation::is_open() const {
  if (is_alias() || !opened) return false;
  return state != CourseState::closed || !unanswered.empty() ||
         std::any_of(replies.begin(), replies.end(),
                     [](const ReplyState& reply) { return reply.open(); });
}

Conversation fold_conversation(const ConversationId& id, const std::vector<ConversationItem>& items,
                               ConversationMemory& memory) {
  std::vector<TermHome> homes;
  for (const auto& item : items) {
    if (const Epoch* claim = claim_of(item, id, homes)) note_home(homes, *claim);
  }
  Conversation conversation;
  conversation.id = id;
  Fold fold(conversation, memory);
  for (const auto& item : items) fold.apply(item, homes);
  return conversation;
}

bool fold_next(Conversation& conversation, const ConversationItem& item,
               ConversationMemory& memory) {
  if (item.at <= conversation.last && !may_overtake(conversation, item)) return false;
  std::vector<TermHome> homes = conversation.homes;
  if (const Epoch* claim = claim_of(item, conversation.id, homes)) {
    if (note_home(homes, *claim)) return false;
  }
  Fold(conversation, memory).apply(item, homes);
  return true;
}

}  // namespace crossfloor
