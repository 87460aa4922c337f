#include "tools/crossfloor/agent_terminal.h"

#include <algorithm>
#include <ctime>
#include <iostream>
#include <sstream>

#include "tools/crossfloor/spans.h"
#include "tools/crossfloor/table.h"

namespace crossfloor::cli {
namespace {

std::string clock_text(std::int64_t ms) {
  if (ms == 0) return "";
  const std::time_t seconds = ms / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%d %b %H:%M", &local);
  return {text, size};
}

std::pair<std::string, std::string> first_word(const std::string& line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  const auto end = std::min(line.find_first_of(" \t", begin), line.size());
  const auto rest = std::min(line.find_first_not_of(" \t", end), line.size());
  auto tail = line.substr(rest);
  while (!tail.empty() && (tail.back() == ' ' || tail.back() == '\r')) tail.pop_back();
  return {line.substr(begin, end - begin), tail};
}

std::vector<std::string> comma_list(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) {
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

}  // namespace

AgentTerminal::AgentTerminal(ClientSurroundings& around, AgentClient::Options client,
                             kj::AsyncInputStream& input, std::ostream& out, bool interactive)
    : client_(around, std::move(client),
              {[this](const client::Message& message) { take(message); },
               [this](const std::string& state) { print("* " + harmless(state)); }}),
      timer_(around.timer),
      input_(input),
      out_(out),
      interactive_(interactive) {}

kj::Promise<Status> AgentTerminal::run() {
  auto reading = read_input().then([]() -> kj::Promise<Status> { return kj::NEVER_DONE; });
  return client_.run().exclusiveJoin(kj::mv(reading));
}

// ---- screen -------------------------------------------------------------------------------------

// What comes in between is put above the line that is being typed.
void AgentTerminal::print(const std::string& line) {
  if (interactive_) out_ << "\r\033[K";
  out_ << line << "\n";
}

void AgentTerminal::prompt() {
  if (interactive_) {
    out_ << "\r\033[K" << client_.agent();
    if (!client_.welcome().site.empty()) out_ << '@' << client_.welcome().site;
    out_ << (slots_.presence == client::Presence::ready ? " ready" : " not ready") << ", "
         << slots_.units_used << '/' << slots_.units_total << " units";
    if (current_) out_ << ", conversation " << known_.at(*current_).number;
    out_ << " > ";
  }
  out_.flush();
}

std::string AgentTerminal::title(const client::ConversationView& view) const {
  const auto at = known_.find(view.conversation);
  std::string text = at == known_.end() ? "" : "[" + std::to_string(at->second.number) + "] ";
  text += view.channel + " of " + view.brand + (view.is_public ? " (public)" : "") + ", customer " +
          view.customer + ", " + word_of(view.state);
  if (!view.unanswered.empty()) {
    text += ", " + std::to_string(view.unanswered.size()) + " unanswered since " +
            clock_text(view.waiting_since_ms);
  }
  if (!view.topic.empty()) text += ", topic " + view.topic;
  return harmless(text);
}

void AgentTerminal::show_item(const client::HistoryItem& item) {
  std::string who = item.author;
  if (item.kind == client::HistoryKind::note) {
    who += " notes";
  } else if (item.kind == client::HistoryKind::reply) {
    who += " answers";
  } else if (item.direction == client::HistoryDirection::out) {
    who = "answered elsewhere";
  }
  std::string marks;
  if (item.is_public) marks += " (public)";
  if (item.revision == client::Revision::edited) marks += " (edited)";
  if (item.revision == client::Revision::deleted) marks += " (deleted)";
  if (!item.outcome.empty()) marks += " [" + item.outcome + "]";
  if (item.handled_twice) marks += " [handled twice]";
  for (const auto& file : item.attachments) marks += " <" + file.name + " " + file.url + ">";
  print((item.unanswered ? "  * " : "    ") + clock_text(item.time_ms) + "  " + harmless(who) +
        ": " + harmless(item.text) + harmless(marks));
  if (item.message) know(item.conversation).shown.insert(*item.message);
}

void AgentTerminal::show_items(const std::vector<client::HistoryItem>& newest_first) {
  std::for_each(newest_first.rbegin(), newest_first.rend(),
                [this](const auto& item) { show_item(item); });
}

void AgentTerminal::show_slots(const client::SlotsView& slots) {
  print(std::string("* you are ") + word_of(slots.presence) +
        (slots.reason.empty() ? "" : " (" + harmless(slots.reason) + ")") + ", " +
        std::to_string(slots.units_used) + " of " + std::to_string(slots.units_total) +
        " units used");
  for (const auto& channel : slots.channels) {
    if (channel.duty == Duty::off) continue;
    print("    " + std::string(word_of(channel.kind)) + " (" + word_of(channel.duty) +
          "): " + std::to_string(channel.used) + " of " + std::to_string(channel.maximum));
  }
}

AgentTerminal::Known& AgentTerminal::know(const ConversationId& id) {
  Known& known = known_[id];
  if (known.number == 0) known.number = next_number_++;
  return known;
}

// ---- what the node says -------------------------------------------------------------------------

void AgentTerminal::take(const client::Message& message) {
  std::visit(
      [this](const auto& one) {
        if constexpr (requires { this->on(one); }) this->on(one);
      },
      message);
  said_.erase(client::id_of(message));
  work_off_lines();
  prompt();
}

void AgentTerminal::on(const client::Welcome& welcome) {
  if (welcome.resumed) return;
  print("* welcome, " +
        harmless(welcome.display_name.empty() ? welcome.agent : welcome.display_name) +
        "; say `ready` to be offered work, `help` for all there is");
}

void AgentTerminal::on(const client::Snapshot& snapshot) {
  slots_ = snapshot.slots;
  ringing_.reset();
  for (const auto& view : snapshot.conversations) {
    Known& known = know(view.conversation);
    known.view = view;
    known.epoch = view.epoch;
    if (view.state == CourseState::ringing) ringing_ = view.conversation;
    print((view.state == CourseState::ringing ? "RING " : "* yours: ") + title(view));
  }
}

void AgentTerminal::on(const client::Ring& ring) {
  Known& known = know(ring.conversation);
  known.epoch = ring.epoch;
  ringing_ = ring.conversation;
  waiting_for_ring_ = false;
  if (ring.view) known.view = *ring.view;
  print(std::string(interactive_ ? "\a" : "") + "RING [" + std::to_string(known.number) + "] for " +
        std::to_string(ring.ring_ms / 1000) + " s" +
        (ring.complete ? "" : " (history is still arriving)") + ": `accept` or `decline`");
  if (ring.view) print("  " + title(*ring.view));
  show_items(ring.items);
}

void AgentTerminal::on(const client::RingOver& over) {
  if (ringing_ == over.conversation) ringing_.reset();
  print("* [" + std::to_string(know(over.conversation).number) +
        "] is no longer yours: " + harmless(over.reason));
  if (current_ == over.conversation) current_.reset();
}

void AgentTerminal::on(const client::Changed& changed) {
  Known& known = know(changed.view.conversation);
  const auto before = known.view.state;
  known.view = changed.view;
  known.epoch = changed.view.epoch;
  if (changed.view.state != CourseState::ringing && ringing_ == changed.view.conversation) {
    ringing_.reset();
  }
  if (current_ == changed.view.conversation) show_items(changed.items);
  if (!changed.yours) {
    print("* " + title(changed.view) +
          (changed.view.agent.empty() ? "" : ", is with " + harmless(changed.view.agent) + " now"));
    if (current_ == changed.view.conversation) current_.reset();
  } else if (before != changed.view.state || current_ != changed.view.conversation) {
    print("* " + title(changed.view));
  }
}

void AgentTerminal::on(const client::SlotsChanged& changed) {
  const bool different = changed.slots.presence != slots_.presence;
  slots_ = changed.slots;
  if (different) show_slots(slots_);
}

void AgentTerminal::on(const client::SessionOver& over) {
  print("* this session is over: " + harmless(over.reason));
}

void AgentTerminal::on(const client::Refused& refused) {
  print("! " + harmless(refused.what) +
        (refused.mend.empty() ? "" : "; " + harmless(refused.mend)));
}

void AgentTerminal::on(const client::Opened& opened) {
  const auto id = opened.view.conversation;
  Known& known = know(id);
  known.view = opened.view;
  known.epoch = opened.view.epoch;
  known.next = opened.history.next;
  current_ = id;
  print("---- " + title(opened.view));
  if (opened.customer.conversations.size() > 1 || opened.customer.handles.size() > 1) {
    std::string handles;
    for (const auto& handle : opened.customer.handles) {
      if (handle.external_id.empty()) continue;
      handles += (handles.empty() ? "" : ", ") + handle.channel + " " + handle.external_id;
    }
    print("     " + std::to_string(opened.customer.conversations.size()) +
          (opened.customer.more ? "+" : "") + " conversations; known as " + harmless(handles));
  }
  if (!opened.history.next.empty()) print("     `more` shows what was before");
  show_items(opened.history.items);
  for (const auto& item : opened.history.items) {
    // Those of the customer's other conversations were on the screen, too; `seen` wants this one's.
    if (item.message && item.conversation == id) known.shown.insert(*item.message);
  }
}

void AgentTerminal::on(const client::HistoryAnswer& answer) {
  if (current_) know(*current_).next = answer.page.next;
  print("---- before" + std::string(answer.page.next.empty() ? ", from the beginning" : ""));
  show_items(answer.page.items);
  print("----");
}

void AgentTerminal::on(const client::CustomerAnswer& answer) {
  print("* " + std::to_string(answer.customer.conversations.size()) + " conversations of " +
        harmless(answer.customer.brand));
  for (const auto& view : answer.customer.conversations) {
    know(view.conversation).view = view;
    print("    " + title(view));
  }
}

void AgentTerminal::on(const client::LogOffQuestion& question) {
  print("* these are still with you:");
  for (const auto& view : question.open) print("    " + title(view));
  print("  `quit hand` gives them back to the queue, `quit keep` makes them pending, still yours");
}

void AgentTerminal::on(const client::Done& done) {
  const auto at = said_.find(done.id);
  if (at == said_.end()) return;
  const Said said = at->second;
  if (done.conversation && done.epoch) know(*done.conversation).epoch = *done.epoch;
  if (!said.done_text.empty()) print("  " + said.done_text);
  if (said.done_text == "accepted") open(said.about);
}

void AgentTerminal::on(const client::SlotsAnswer& answer) {
  slots_ = answer.slots;
  show_slots(slots_);
}

// ---- what the person says -----------------------------------------------------------------------

kj::Promise<void> AgentTerminal::read_input() {
  return input_.tryRead(buffer_, 1, sizeof buffer_).then([this](size_t got) -> kj::Promise<void> {
    partial_.append(buffer_, got);
    for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
      lines_.push_back(partial_.substr(0, end));
      partial_.erase(0, end + 1);
    }
    if (got == 0) {
      if (!partial_.empty()) lines_.push_back(std::exchange(partial_, {}));
      end_of_input_ = true;
    }
    work_off_lines();
    if (interactive_) prompt();
    if (got == 0) return kj::READY_NOW;
    return read_input();
  });
}

void AgentTerminal::work_off_lines() {
  const auto may_go_on = [this] {
    return interactive_ || (client_.ready() && client_.unanswered() == 0 && !waiting_for_ring_);
  };
  while (!lines_.empty() && may_go_on()) {
    const std::string line = std::move(lines_.front());
    lines_.pop_front();
    obey(line);
  }
  if (!end_of_input_ || leaving_ || !lines_.empty() || waiting_for_ring_) return;
  if (!client_.ready() || client_.unanswered() > 0) return;
  leaving_ = true;
  client_.say(client::LogOff{"", client::LogOffHow::hand_over});
}

void AgentTerminal::say(client::Command command, std::string done_text, ConversationId about) {
  said_[client_.say(std::move(command))] = {std::move(done_text), about};
}

void AgentTerminal::open(const ConversationId& id) {
  say(client::Open{"", id, 20}, "");
}

// A number as shown, or the beginning of an id.
std::optional<ConversationId> AgentTerminal::chosen(const std::string& word) const {
  if (auto id = ConversationId::from_hex_text(word)) return id;
  for (const auto& [id, known] : known_) {
    if (word == std::to_string(known.number)) return id;
    if (word.size() >= 8 && id.hex().rfind(word, 0) == 0) return id;
  }
  return std::nullopt;
}

std::optional<ConversationId> AgentTerminal::current_or_say() {
  if (!current_) print("! no conversation is open: `open NUMBER`, or `accept` what rings");
  return current_;
}

void AgentTerminal::help() {
  print(
      "  ready | away [WHY]            take offers, or not\n"
      "  accept [N] | decline [N]      what rings\n"
      "  list | open N | more          your conversations; open one; older history\n"
      "  reply TEXT | public TEXT      answers what you have seen; privately, or for all to read\n"
      "  note TEXT                     for agents only\n"
      "  pending [30m|2h|3d]           until then, or until the customer writes\n"
      "  transfer agent NAME | team NAME | skills A,B | queue\n"
      "  wrap | close WHY              ends your work on it\n"
      "  find BRAND CHANNEL CUSTOMER   a customer's conversations\n"
      "  link CHANNEL CUSTOMER WHY     this customer is that one there, too\n"
      "  unlink CHANNEL CUSTOMER WHY   they are two people after all\n"
      "  slots                         what you have room for\n"
      "  wait                          (in scripts) until something rings\n"
      "  quit [hand|keep]              log off");
}

void AgentTerminal::obey(const std::string& line) {
  const auto [verb, rest] = first_word(line);
  if (verb.empty() || verb[0] == '#') return;
  if (verb == "help" || verb == "?") return help();
  if (verb == "ready") {
    return say(client::SetPresence{"", client::Presence::ready, ""}, "");
  }
  if (verb == "away") {
    return say(client::SetPresence{"", client::Presence::not_ready, rest}, "");
  }
  if (verb == "wait") {
    waiting_for_ring_ = !ringing_.has_value();
    return;
  }
  if (verb == "slots") return say(client::AskSlots{""}, "");
  if (verb == "list") {
    for (const auto& [id, known] : known_) {
      if (known.view.agent == client_.agent()) print("    " + title(known.view));
    }
    return;
  }
  if (verb == "quit" || verb == "exit") {
    const auto how = rest == "hand"   ? client::LogOffHow::hand_over
                     : rest == "keep" ? client::LogOffHow::keep_pending
                                      : client::LogOffHow::ask;
    return say(client::LogOff{"", how}, "");
  }
  if (verb == "find") {
    const auto [brand, more] = first_word(rest);
    const auto [channel, customer] = first_word(more);
    if (customer.empty()) return print("! find BRAND CHANNEL CUSTOMER");
    return say(client::FindCustomer{"", brand, channel, customer}, "");
  }
  if (verb == "open") {
    const auto id = chosen(rest);
    if (!id) return print("! open which? `list` shows the numbers of yours");
    return open(*id);
  }
  if (verb == "accept" || verb == "decline") {
    const auto [word, why] = first_word(rest);
    const auto named = chosen(word);
    const auto id = named ? named : ringing_;
    if (!id) return print("! nothing rings");
    const Epoch epoch = know(*id).epoch;
    if (verb == "accept") return say(client::Accept{"", *id, epoch}, "accepted", *id);
    return say(client::Decline{"", *id, epoch, named ? why : rest}, "declined", *id);
  }
  obey_about_work(verb, rest);
}

void AgentTerminal::obey_about_work(const std::string& verb, const std::string& rest) {
  static const std::set<std::string> verbs = {"more",     "reply", "public", "note", "pending",
                                              "transfer", "wrap",  "close",  "link", "unlink"};
  if (!verbs.contains(verb)) {
    return print("! `" + harmless(verb) + "` is no command; `help` shows them");
  }
  const auto id = current_or_say();
  if (!id) return;
  Known& known = know(*id);
  if (verb == "more") {
    if (known.next.empty()) return print("  there is nothing before");
    return say(client::AskHistory{"", *id, known.next, 20, false}, "");
  }
  if (verb == "reply" || verb == "public") return reply(rest, verb == "public");
  if (verb == "note") {
    if (rest.empty()) return print("! note what?");
    return say(client::Note{"", *id, rest}, "noted");
  }
  if (verb == "pending") return pending(rest);
  if (verb == "transfer") return transfer(rest);
  if (verb == "link" || verb == "unlink") {
    const auto [channel, more] = first_word(rest);
    const auto [customer, why] = first_word(more);
    if (why.empty()) return print("! " + verb + " CHANNEL CUSTOMER WHY");
    if (verb == "link") return say(client::Link{"", *id, channel, customer, why}, "linked");
    return say(client::Unlink{"", *id, channel, customer, why}, "unlinked");
  }
  if (verb == "wrap") return say(client::WrapUp{"", *id, known.epoch}, "wrapping up");
  if (rest.empty()) return print("! a conversation is closed with a reason: close WHY");
  say(client::Close{"", *id, known.epoch, rest, {}}, "closed");
}

void AgentTerminal::reply(const std::string& text, bool is_public) {
  if (text.empty()) return print("! reply what?");
  Known& known = know(*current_);
  client::Reply command;
  command.conversation = *current_;
  command.epoch = known.epoch;
  command.text = text;
  command.is_public = is_public;
  for (const auto& message : known.view.unanswered) {
    if (known.shown.contains(message)) command.seen.push_back(message);
  }
  say(command, "sent off");
}

void AgentTerminal::pending(const std::string& rest) {
  client::SetPending command;
  command.conversation = *current_;
  command.epoch = know(*current_).epoch;
  if (!rest.empty()) {
    const auto span = parse_span(rest);
    if (!span)
      return print("! pending for how long? 30m, 2h, 3d; without it until the customer writes");
    command.until_ms = static_cast<std::int64_t>(std::time(nullptr)) * 1000 + span->count();
  }
  say(command, "pending");
}

void AgentTerminal::transfer(const std::string& rest) {
  const auto [to, name] = first_word(rest);
  client::Transfer command;
  command.conversation = *current_;
  command.epoch = know(*current_).epoch;
  if (to == "agent" && !name.empty()) {
    command.to_agent = name;
  } else if (to == "team" && !name.empty()) {
    command.team = name;
  } else if (to == "skills" && !name.empty()) {
    command.skills = comma_list(name);
  } else if (to != "queue") {
    return print("! transfer agent NAME, team NAME, skills A,B, or queue");
  }
  say(command, "transferred");
}

}  // namespace crossfloor::cli
