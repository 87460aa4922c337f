#include "tools/crossfloor/customer_flow.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_talks = 256;  // of an account that may go on

constexpr const char* first_words[] = {
    "Where is my parcel? It should have been here on Monday.",
    "I was charged twice for the same order.",
    "The app signs me out each time I open it.",
    "How do I send something back?",
    "My connection has been down since this morning.",
    "Can I move my booking to next week?",
    "The box was open when it came, and half of it is missing.",
    "I would like to change the address of my order.",
    "Do you open on the holiday?",
    "The discount from your letter is not accepted.",
};
constexpr const char* further_words[] = {
    "Is anybody there?",
    "It still does not work.",
    "I have sent the number of my order before: 4711.",
    "Thank you, I will try that.",
    "And how long will this take?",
    "Sorry, it was the other order.",
};

template <std::size_t N>
const char* pick(const char* const (&words)[N], Random& random) {
  return words[random.below(N)];
}

}  // namespace

CustomerFlow::CustomerFlow(FlowOptions options, std::size_t accounts, Random& random)
    : options_(std::move(options)), accounts_(accounts), random_(random) {
  poisson_at_ = options_.per_second > 0 ? gap() : 0;
  burst_at_ = static_cast<double>(options_.burst_every.count());
  burst_left_ = options_.burst_size;
}

// Exponential: the gaps of a Poisson stream.
double CustomerFlow::gap() {
  return -std::log1p(-random_.unit()) * 1000 / options_.per_second;
}

std::optional<FlowMessage> CustomerFlow::next() {
  const bool poisson = options_.per_second > 0;
  const bool bursts = options_.burst_every.count() > 0 && options_.burst_size > 0;
  if (accounts_ == 0 || (!poisson && !bursts)) return std::nullopt;
  FlowMessage out;
  if (bursts && (!poisson || burst_at_ <= poisson_at_)) {
    out.at = Duration{static_cast<std::int64_t>(burst_at_)};
    if (--burst_left_ == 0) {
      burst_left_ = options_.burst_size;
      burst_at_ += static_cast<double>(options_.burst_every.count());
    }
  } else {
    out.at = Duration{static_cast<std::int64_t>(poisson_at_)};
    poisson_at_ += gap();
  }
  out.account = random_.below(accounts_);
  out.message = write(out.account);
  return out;
}

IncomingMessage CustomerFlow::write(std::size_t account) {
  IncomingMessage out;
  out.external_id = options_.prefix + "-" + std::to_string(++written_);
  auto& talks = talks_[account];
  if (!talks.empty() && random_.unit() < options_.again) {
    Talk& talk = talks[random_.below(talks.size())];
    out.parent_id = std::exchange(talk.last, out.external_id);
    out.customer.external_id = talk.customer;
    out.thread_id = talk.thread;
    out.is_public = talk.is_public;
    out.text = pick(further_words, random_);
  } else {
    Talk talk;
    talk.customer = "customer-" + std::to_string(random_.below(options_.customers) + 1);
    talk.is_public = random_.unit() < options_.in_public;
    if (talk.is_public) talk.thread = "thread-" + out.external_id;
    talk.last = out.external_id;
    out.customer.external_id = talk.customer;
    out.thread_id = talk.thread;
    out.is_public = talk.is_public;
    out.text = pick(first_words, random_);
    talks.push_back(std::move(talk));
    if (talks.size() > max_talks) talks.pop_front();
  }
  return out;
}

}  // namespace crossfloor::cli
