#include "node/core/verify_node.h"

#include <algorithm>

#include "node/channels/generic_receipt.h"
#include "protocol/json_codec.h"
#include "storage/log_keys.h"
#include "storage/projections.h"

namespace crossfloor {
namespace {

constexpr std::size_t heads_per_page = 1000;
constexpr std::size_t damages_per_answer = 100;
constexpr std::size_t chain_slices = 8;  // of up to 1 MiB, in one answer
constexpr std::size_t digest_steps = 64;
constexpr std::size_t conversations_per_page = 2000;
constexpr std::size_t found_per_page = 300;
// A reply that was not tried for so long is shown as a problem.
constexpr std::int64_t reply_late_ms = 5 * 60 * 1000;

Damage damage_of(const Stream& stream, const Error& error) {
  return {stream_text(stream), error.what};
}

// Streams of the snapshot and of memory: a stream whose name is gone from the disk is damage, too.
Result<std::set<Stream>> streams_of(const Reader& snapshot, const VerifyQuestion& question) {
  auto stored = stored_streams(snapshot);
  if (!stored.ok()) return stored.error();
  std::set<Stream> streams;
  for (const auto& [stream, number] : stored.value()) streams.insert(stream);
  for (const auto& [stream, sequence] : question.held) streams.insert(stream);
  return streams;
}

// The hash at a sequence by walking from the last place that is known, so that a page of receipts
// costs one walk over what lies between them.
class HashWalk {
 public:
  HashWalk(const Reader& reader, const Crypto& crypto) : reader_(reader), crypto_(crypto) {}

  Result<Hash> at(const Stream& stream, Sequence sequence) {
    auto seal = seal_at_or_before(reader_, stream, sequence);
    if (!seal.ok()) return seal.error();
    if (!(stream == stream_) || at_.sequence > sequence || at_.sequence == 0) {
      stream_ = stream;
      at_ = {0, first_hash(crypto_, stream)};
    }
    if (seal.value() && seal.value()->sequence > at_.sequence) {
      at_ = {seal.value()->sequence, seal.value()->hash};
    }
    while (at_.sequence < sequence) {
      auto entry = entry_at(reader_, stream, at_.sequence + 1);
      if (!entry.ok()) return entry.error();
      if (!entry.value()) {
        return Error{ErrorCode::not_found,
                     "entry " + std::to_string(at_.sequence + 1) + " is not held", "", ""};
      }
      at_ = {at_.sequence + 1, next_hash(crypto_, at_.hash, *entry.value())};
    }
    return at_.hash;
  }

 private:
  const Reader& reader_;
  const Crypto& crypto_;
  Stream stream_;
  Head at_;
};

std::string unfit(const Error& error) {
  return verify_error(error);
}

// What one conversation has that is not done, or was done twice.
void look_at(const Conversation& c, const VerifyQuestion& question, std::vector<WorkFound>& found) {
  const std::int64_t now_ms = ms_of(question.wall);
  const auto note = [&](WorkFound::Kind kind, bool problem, std::string what, std::int64_t since) {
    found.push_back({kind, problem, c.id, c.account, std::move(what), now_ms - since});
  };
  if (!c.unanswered.empty() && !c.is_alias()) {
    const std::int64_t since = c.unanswered.front().since_ms;
    const auto target = question.targets.find(c.account);
    const bool late = target != question.targets.end() && now_ms - since > target->second.count();
    std::string what = std::to_string(c.unanswered.size()) + " unanswered, " + word_of(c.state);
    if (!c.agent.empty()) what += " with " + c.agent;
    note(WorkFound::Kind::unanswered, late, std::move(what), since);
  }
  if (c.handled_twice > 0) {
    note(WorkFound::Kind::twice, true,
         std::to_string(c.handled_twice) + " replies beside the home's course", c.last_ms);
  }
  for (const auto& reply : c.replies) {
    if (!reply.open() || !reply.counts) continue;
    const bool person = reply.has_outcome && (reply.outcome == ReplyOutcome::needs_person ||
                                              reply.outcome == ReplyOutcome::unknown);
    const bool late = !reply.has_outcome && now_ms - reply.written_ms > reply_late_ms;
    std::string what = "reply " + reply.reply.hex() + ", " + std::to_string(reply.attempts) +
                       " attempts, " +
                       (reply.has_outcome ? word_of(reply.outcome) : "no outcome yet");
    note(WorkFound::Kind::reply, person || late, std::move(what), reply.written_ms);
  }
}

using Forks = std::map<Stream, Sequence>;  // up to where both histories agree

bool behind_fork(const Forks& forks, const Stream& stream, Sequence sequence) {
  const auto at = forks.find(stream);
  return at != forks.end() && sequence > at->second;
}

ReceiptWrong wrong(std::string what, bool may_come = false) {
  return ReceiptWrong{0, may_come, std::move(what)};
}

// Behind a fork an entry counts no more, and this node may hold the other history: then the message
// is to be found in another stream, where whoever held it wrote it again.
std::optional<ReceiptWrong> refute_behind_fork(const Reader& snapshot, const Forks& forks,
                                               const Stream& stream, const ReceiptAsked& receipt) {
  auto row = rows::message(snapshot, receipt.message);
  if (!row.ok()) return wrong("its row cannot be read: " + row.error().what);
  const bool kept =
      row.value() &&
      std::any_of(row.value()->copies.begin(), row.value()->copies.end(),
                  [&](const MessageCopy& copy) {
                    return !behind_fork(forks, {{copy.at.node, copy.at.generation}, stream.region},
                                        copy.at.sequence);
                  });
  if (!kept) {
    return wrong("its stream forked before entry " + std::to_string(receipt.sequence) +
                     ", and nobody wrote the message again",
                 true);
  }
  if (row.value()->primary() != nullptr && row.value()->placements.empty()) {
    return wrong("the message, written again after a fork, is in no conversation", true);
  }
  return std::nullopt;
}

// Why a receipt is not proved by this store; nothing if it is.
std::optional<ReceiptWrong> refute(const Reader& snapshot, HashWalk& walk, const Stream& stream,
                                   const ReceiptAsked& receipt) {
  auto hash = walk.at(stream, receipt.sequence);
  if (!hash.ok()) return wrong(hash.error().what, hash.error().code == ErrorCode::not_found);
  if (hash.value() != receipt.hash) {
    return wrong("entry " + std::to_string(receipt.sequence) + " has hash " +
                 hash.value().hex().substr(0, 16) + "…, the receipt says " +
                 receipt.hash.hex().substr(0, 16) + "…");
  }
  auto row = rows::message(snapshot, receipt.message);
  if (!row.ok()) return wrong("its row cannot be read: " + row.error().what);
  if (!row.value()) return wrong("the entry is there, the message's row is not");
  const auto& copies = row.value()->copies;
  const bool here = std::any_of(copies.begin(), copies.end(), [&](const MessageCopy& copy) {
    return copy.at.node == stream.origin.node && copy.at.generation == stream.origin.generation &&
           copy.at.sequence == receipt.sequence;
  });
  if (!here) return wrong("the message's row does not name the entry");
  if (row.value()->primary() != nullptr && row.value()->placements.empty()) {
    return wrong("the message is in no conversation", true);
  }
  return std::nullopt;
}

}  // namespace

std::string verify_error(const Error& error) {
  JsonValue said = JsonValue::empty_object();
  said.add("code", JsonValue::of_text(name_of(error.code)));
  said.add("what", JsonValue::of_text(error.what));
  if (!error.where.empty()) said.add("where", JsonValue::of_text(error.where));
  if (!error.mend.empty()) said.add("mend", JsonValue::of_text(error.mend));
  JsonValue out = JsonValue::empty_object();
  out.add("error", std::move(said));
  return dump_json(out);
}

VerifyReading::VerifyReading(const Crypto& crypto, std::shared_ptr<const VerifyQuestion> question)
    : crypto_(crypto), question_(std::move(question)) {}

std::optional<std::string> VerifyReading::step(const Reader& snapshot) {
  ++slices_;
  const std::string& what = question_->what;
  if (what == "verify.heads") return heads(snapshot);
  if (what == "verify.hashes") return hashes(snapshot);
  if (what == "verify.chains") return chains(snapshot);
  if (what == "verify.digests") return digests(snapshot);
  if (what == "verify.work") return work(snapshot);
  if (what == "verify.receipts") return receipts(snapshot);
  return unfit(Error{ErrorCode::not_found, "there is no question " + what, "",
                     "do all nodes run the same version? see `crossfloor sites`"});
}

VerifyReading::Answer VerifyReading::heads(const Reader& snapshot) {
  auto asked = read_json<HeadsQuestion>(question_->arguments);
  if (!asked.ok()) return unfit(asked.error());
  auto streams = streams_of(snapshot, *question_);
  if (!streams.ok()) return unfit(streams.error());
  HeadsAnswer answer;
  for (const auto& [region, secret] : question_->secrets) answer.regions.push_back(region);
  auto at = streams.value().begin();
  if (!asked.value().after.empty()) {
    const auto after = parse_stream_text(asked.value().after);
    if (!after) return unfit(Error{ErrorCode::malformed, "names no stream", "after", ""});
    at = streams.value().upper_bound(*after);
  } else {
    for (const auto& [stream, head] : question_->heard) {
      if (answer.heard.size() == heads_per_page) break;
      answer.heard.push_back({stream_text(stream), head.sequence, head.hash});
    }
    for (const auto& [stream, common] : question_->forked) {
      if (answer.forked.size() == heads_per_page) break;
      answer.forked.push_back({stream_text(stream), common, {}});
    }
  }
  for (; at != streams.value().end(); ++at) {
    if (answer.heads.size() + answer.damages.size() >= heads_per_page) {
      answer.next = stream_text(*std::prev(at));
      break;
    }
    auto seal = seal_at_or_before(snapshot, *at, UINT64_MAX);
    if (!seal.ok()) {
      answer.damages.push_back(damage_of(*at, seal.error()));
      continue;
    }
    const Sequence reached = seal.value() ? seal.value()->sequence : 0;
    if (seal.value()) answer.heads.push_back({stream_text(*at), reached, seal.value()->hash});
    const auto held = question_->held.find(*at);
    if (held != question_->held.end() && held->second > reached) {
      answer.damages.push_back(
          {stream_text(*at), "entries " + std::to_string(reached + 1) + " to " +
                                 std::to_string(held->second) +
                                 " were written and are gone from the end of the stream"});
    }
  }
  return json_text(answer);
}

VerifyReading::Answer VerifyReading::hashes(const Reader& snapshot) {
  auto asked = read_json<HashesQuestion>(question_->arguments);
  if (!asked.ok()) return unfit(asked.error());
  HashesAnswer answer;
  for (const auto& at : asked.value().at) {
    const auto stream = parse_stream_text(at.stream);
    if (!stream) return unfit(Error{ErrorCode::malformed, "names no stream", "at", ""});
    auto hash = hash_at(snapshot, crypto_, *stream, at.sequence);
    if (hash.ok()) {
      answer.at.push_back({at.stream, at.sequence, hash.value()});
    } else {
      answer.damages.push_back(damage_of(*stream, hash.error()));
    }
  }
  return json_text(answer);
}

VerifyReading::Answer VerifyReading::chains(const Reader& snapshot) {
  auto streams = streams_of(snapshot, *question_);
  if (!streams.ok()) return unfit(streams.error());
  if (!std::exchange(chains_begun_, true)) {
    auto asked = read_json<ChainsQuestion>(question_->arguments);
    if (!asked.ok()) return unfit(asked.error());
    chain_at_ = asked.value().from;
    if (!chain_at_ && !streams.value().empty()) {
      chain_at_ = StreamAt{stream_text(*streams.value().begin()), 0, {}};
    }
  }
  std::size_t budget = 1024 * 1024;
  while (chain_at_ && budget > 0 && chains_.damages.size() < damages_per_answer) {
    const auto stream = parse_stream_text(chain_at_->stream);
    if (!stream) return unfit(Error{ErrorCode::malformed, "names no stream", "from.stream", ""});
    const Head from{chain_at_->sequence, chain_at_->hash};
    auto slice = verify_stream(snapshot, crypto_, question_->mesh, *stream, from);
    bool over = true;  // with this stream
    if (!slice.ok()) {
      // A stream that only memory knows is told of by verify.heads.
      if (slice.error().code != ErrorCode::not_found) {
        chains_.damages.push_back(damage_of(*stream, slice.error()));
      }
      budget -= std::min<std::size_t>(budget, 64 * 1024);
    } else {
      const Sequence checked = slice.value().reached.sequence - from.sequence;
      chains_.entries += checked;
      // Streams are many and short, or few and long: count what was read, roughly.
      budget -= std::min<std::size_t>(budget, 16 * 1024 + checked * 1024);
      over = slice.value().done;
      if (over) {
        ++chains_.streams;
      } else {
        chain_at_ =
            StreamAt{chain_at_->stream, slice.value().reached.sequence, slice.value().reached.hash};
      }
    }
    if (!over) continue;
    const auto next = streams.value().upper_bound(*stream);
    chain_at_ = next == streams.value().end()
                    ? std::optional<StreamAt>()
                    : std::optional<StreamAt>(StreamAt{stream_text(*next), 0, {}});
  }
  if (chain_at_ && slices_ < chain_slices && chains_.damages.size() < damages_per_answer) {
    return std::nullopt;
  }
  chains_.next = chain_at_;
  return json_text(chains_);
}

VerifyReading::Answer VerifyReading::digests(const Reader& snapshot) {
  auto asked = read_json<DigestsQuestion>(question_->arguments);
  if (!asked.ok()) return unfit(asked.error());
  const Region& region = asked.value().region;
  const auto secret = question_->secrets.find(region);
  if (secret == question_->secrets.end()) {
    return unfit(
        Error{ErrorCode::not_found, "this node does not hold region " + region, "region", ""});
  }
  if (!reckoner_) {
    std::vector<unsigned char> only;
    for (const auto bucket : asked.value().buckets) {
      only.push_back(static_cast<unsigned char>(bucket));
    }
    reckoner_.emplace(crypto_, secret->second, region, std::move(only));
  }
  for (std::size_t i = 0; i < digest_steps; ++i) {
    auto done = reckoner_->step(snapshot, 1024 * 1024 / digest_steps * 4);
    if (!done.ok()) return unfit(done.error());
    if (!done.value()) continue;
    DigestsAnswer answer;
    answer.version = projection_version;
    auto streams = stored_streams(snapshot);
    if (!streams.ok()) return unfit(streams.error());
    for (const auto& [stream, number] : streams.value()) {
      if (stream.region != region) continue;
      auto seal = seal_at_or_before(snapshot, stream, UINT64_MAX);
      if (!seal.ok()) return unfit(seal.error());
      if (seal.value()) answer.vector.push_back({stream_text(stream), seal.value()->sequence});
    }
    for (const auto bucket : asked.value().buckets) {
      answer.texts.push_back(reckoner_->digests()[bucket].text());
    }
    return json_text(answer);
  }
  return std::nullopt;
}

VerifyReading::Answer VerifyReading::work(const Reader& snapshot) {
  auto asked = read_json<WorkQuestion>(question_->arguments);
  if (!asked.ok()) return unfit(asked.error());
  Bytes from = rows::conversation_key({});
  if (!asked.value().after.empty()) {
    const auto after = ConversationId::from_hex_text(asked.value().after);
    if (!after) return unfit(Error{ErrorCode::malformed, "names no conversation", "after", ""});
    from = rows::conversation_key(*after) + '\0';
  }
  WorkAnswer answer;
  std::size_t rows = 0;
  std::optional<Error> bad;
  const Bytes end = after_prefix(rows::conversation_key({}).substr(0, 1));
  const auto status = snapshot.scan(from, end, [&](ByteView, ByteView value) {
    auto row = decode_row<Conversation>(value);
    if (!row.ok()) {
      bad = row.error();
      return false;
    }
    if (row.value().region == asked.value().region) {
      ++answer.conversations;
      look_at(row.value(), *question_, answer.found);
    }
    if (++rows < conversations_per_page && answer.found.size() < found_per_page) return true;
    answer.next = row.value().id.hex();
    return false;
  });
  if (!status.ok()) return unfit(status.error());
  if (bad) return unfit(*bad);
  return json_text(answer);
}

VerifyReading::Answer VerifyReading::receipts(const Reader& snapshot) {
  auto asked = read_json<ReceiptsQuestion>(question_->arguments);
  if (!asked.ok()) return unfit(asked.error());
  ReceiptsAnswer answer;
  HashWalk walk(snapshot, crypto_);
  for (std::size_t i = 0; i < asked.value().receipts.size(); ++i) {
    const ReceiptAsked& receipt = asked.value().receipts[i];
    const auto index = static_cast<std::uint32_t>(i);
    const auto stream = parse_stream_text(receipt.stream);
    if (!stream) {
      answer.wrong.push_back({index, false, "names no stream"});
      continue;
    }
    const bool forked = behind_fork(question_->forked, *stream, receipt.sequence);
    auto refuted = forked ? refute_behind_fork(snapshot, question_->forked, *stream, receipt)
                          : refute(snapshot, walk, *stream, receipt);
    if (refuted) {
      refuted->index = index;
      answer.wrong.push_back(std::move(*refuted));
    } else if (forked) {
      const auto hash = walk.at(*stream, receipt.sequence);
      answer.behind_fork.push_back({index, hash.ok() && hash.value() == receipt.hash});
    }
  }
  return json_text(answer);
}

std::string answer_verify(const Crypto& crypto, const Reader& snapshot,
                          const VerifyQuestion& question) {
  VerifyReading reading(crypto, std::make_shared<const VerifyQuestion>(question));
  for (;;) {
    if (auto answer = reading.step(snapshot)) return *answer;
  }
}

}  // namespace crossfloor
