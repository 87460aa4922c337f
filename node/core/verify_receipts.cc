// Whether every receipt is kept: its entry has that hash on every node of the region, and the
// message is in a conversation there. Of an entry behind a fork, which nodes may hold or not: some
// node holds it with that hash, and every node has the message as it was written again.
#include <algorithm>

#include "node/core/verify_stages.h"

namespace crossfloor {
namespace {

class Receipts final : public VerifyStage {
 public:
  explicit Receipts(std::vector<ReceiptToProve> receipts) : receipts_(std::move(receipts)) {}

  const char* name() const override { return "proving receipts"; }

  bool step(VerifyBench& bench, Now now) override {
    if (!since_) begin(bench, now);
    const bool over = now.steady >= *since_ + bench.options().patience;
    if (to_ask_.empty() && !later_.empty() && !over) {
      // What may still be on its way is asked for again.
      bench.wait_until(now.steady + bench.options().ask_again);
      to_ask_ = std::exchange(later_, {});
      return false;
    }
    if (to_ask_.empty()) {
      judge(bench);
      return true;
    }
    // One page for each node at a time, so that answers stay few and the loop of a node free.
    for (auto at = to_ask_.begin(); at != to_ask_.end();) {
      ask_page(bench, at->first, at->second);
      at = at->second.empty() ? to_ask_.erase(at) : std::next(at);
    }
    return false;
  }

 private:
  using Indices = std::vector<std::size_t>;  // of receipts_

  void begin(VerifyBench& bench, Now now) {
    since_ = now.steady;
    Indices order;
    for (std::size_t i = 0; i < receipts_.size(); ++i) {
      // An echo of what was sent from here is known by the reply's outcome and has no entry.
      if (receipts_[i].receipt.sequence == 0) {
        ++echoes_;
      } else {
        order.push_back(i);
      }
    }
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      const auto& x = receipts_[a].receipt;
      const auto& y = receipts_[b].receipt;
      return std::tie(x.stream, x.sequence) < std::tie(y.stream, y.sequence);
    });
    std::map<Region, std::vector<NodeId>> holders;
    for (const auto i : order) {
      const Region region = region_of_stream(receipts_[i].receipt.stream);
      const auto at = holders.try_emplace(region, bench.holders(region)).first;
      if (at->second.empty()) {
        bench.find(Verdict::not_proved, "receipts", {}, receipts_[i].receipt.stream,
                   receipts_[i].name + ": no node that holds its region could be asked");
        continue;
      }
      for (const auto& id : at->second) to_ask_[id].push_back(i);
    }
    for (const auto& [id, all] : to_ask_) {
      bench.steps_of += (all.size() + bench.options().page - 1) / bench.options().page;
    }
  }

  void ask_page(VerifyBench& bench, const NodeId& id, Indices& todo) {
    const auto end =
        todo.begin() + static_cast<std::ptrdiff_t>(std::min(todo.size(), bench.options().page));
    const Indices page(todo.begin(), end);
    todo.erase(todo.begin(), end);
    ReceiptsQuestion question;
    for (const auto i : page) question.receipts.push_back(receipts_[i].receipt);
    bench.ask<ReceiptsAnswer>(
        id, "verify.receipts", question,
        [this, id, page](ReceiptsAnswer&& answer) { take(id, page, answer); });
  }

  void take(const NodeId& id, const Indices& page, const ReceiptsAnswer& answer) {
    for (const auto i : page) {
      wrong_.erase({i, id});
      answered_.try_emplace(id, receipts_.size()).first->second[i] = true;
    }
    for (const auto& forked : answer.behind_fork) {
      if (forked.index >= page.size()) continue;
      bool& held = behind_fork_[page[forked.index]];
      held = held || forked.held;
    }
    for (const auto& wrong : answer.wrong) {
      if (wrong.index >= page.size()) continue;
      const std::size_t i = page[wrong.index];
      wrong_[{i, id}] = wrong.what;
      if (wrong.may_come) later_[id].push_back(i);
    }
  }

  void judge(VerifyBench& bench) const {
    std::set<std::size_t> failed;
    for (const auto& [at, what] : wrong_) {
      const auto& receipt = receipts_[at.first];
      failed.insert(at.first);
      bench.find(Verdict::broken, "receipts", at.second, receipt.receipt.stream,
                 receipt.name + ": " + what, "");
    }
    std::size_t proved = 0;
    std::size_t unproved = 0;
    std::size_t written_again = 0;
    std::map<Region, std::vector<NodeId>> holders;
    for (std::size_t i = 0; i < receipts_.size(); ++i) {
      if (receipts_[i].receipt.sequence == 0 || failed.count(i) == 1) continue;
      const Region region = region_of_stream(receipts_[i].receipt.stream);
      const auto at = holders.try_emplace(region, bench.holders(region)).first;
      const bool all = !at->second.empty() &&
                       std::all_of(at->second.begin(), at->second.end(), [&](const NodeId& id) {
                         const auto told = answered_.find(id);
                         return told != answered_.end() && told->second[i];
                       });
      const auto forked = behind_fork_.find(i);
      if (all && forked != behind_fork_.end() && !forked->second) {
        failed_proof_of_history(bench, receipts_[i]);
        continue;
      }
      ++(all ? proved : unproved);
      if (all && forked != behind_fork_.end()) ++written_again;
    }
    if (unproved > 0) {
      bench.find(Verdict::not_proved, "receipts", {}, "",
                 counted(unproved, "receipt") + " could not be looked for");
    }
    std::string said = counted(proved, "receipt") + " of " + std::to_string(receipts_.size()) +
                       " proved on every node of their region";
    if (written_again > 0) {
      said += ", " + std::to_string(written_again) + " of them salvaged from behind a fork";
    }
    if (echoes_ > 0) {
      said += "; " + counted(echoes_, "receipt") + " of echoes name no entry";
    }
    bench.say("receipts", said);
  }

  static void failed_proof_of_history(VerifyBench& bench, const ReceiptToProve& receipt) {
    bench.find(Verdict::not_proved, "receipts", {}, receipt.receipt.stream,
               receipt.name +
                   ": its message is kept, written again after a fork; the entry itself "
                   "is held by no node that could be asked");
  }

  std::vector<ReceiptToProve> receipts_;
  std::optional<Instant> since_;
  std::size_t echoes_ = 0;
  std::map<NodeId, Indices> to_ask_;
  std::map<NodeId, Indices> later_;
  std::map<std::pair<std::size_t, NodeId>, std::string> wrong_;
  std::map<NodeId, std::vector<bool>> answered_;
  std::map<std::size_t, bool> behind_fork_;  // whether some node holds the entry as it was
};

}  // namespace

std::unique_ptr<VerifyStage> verify_receipts(std::vector<ReceiptToProve> receipts) {
  return std::make_unique<Receipts>(std::move(receipts));
}

}  // namespace crossfloor
