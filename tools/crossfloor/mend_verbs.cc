// The verbs that mend: each says why, each becomes an entry with who and why.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/crossfloor/answer.h"
#include "tools/crossfloor/families.h"

namespace crossfloor::cli {
namespace {

// The options of one verb, by name; each becomes an argument of the act.
struct Given {
  std::map<std::string, std::string> texts;
  std::string reason;
};

struct Verb {
  CLI::App* app;
  std::shared_ptr<Given> given = std::make_shared<Given>();

  Verb& argument(const std::string& shown, const std::string& name, const std::string& about) {
    app->add_option(shown, given->texts[name], about)->required();
    return *this;
  }
  Verb& option(const std::string& shown, const std::string& name, const std::string& about) {
    app->add_option(shown, given->texts[name], about);
    return *this;
  }
  void runs(Context& context, const std::string& act_name,
            std::function<std::string(const Json&)> said) {
    app->add_option("--reason", given->reason, "why; it is written down with your name")
        ->required()
        ->type_name("TEXT");
    on_run(app, context, [&context, act_name, said, all = given] {
      Json arguments = Json::object();
      for (const auto& [name, value] : all->texts) {
        if (!value.empty()) arguments[name] = value;
      }
      if (act_name == "drain") arguments["on"] = arguments["on"] == "on";
      return act(context, act_name, arguments, all->reason, said);
    });
  }
};

void add_conversation_verbs(CLI::App& app, Context& context) {
  const char* id = "its id, or the first 4 or more digits";
  Verb{add_verb(app, "requeue", "Puts a conversation back into the line, with its age",
                {"crossfloor requeue 5f0c1d2e --reason 'ada went home'"})}
      .argument("ID", "conversation", id)
      .runs(context, "requeue", [](const Json& done) {
        return "conversation " + text(done, "conversation") + " waits in the line again";
      });
  Verb{add_verb(app, "assign", "Gives a conversation to an agent: jumps the line, never capacity",
                {"crossfloor assign 5f0c1d2e ada --reason 'knows this customer'"})}
      .argument("ID", "conversation", id)
      .argument("AGENT", "agent", "log-in name")
      .runs(context, "assign", [](const Json& done) {
        return "conversation " + text(done, "conversation") + " is directed to that agent";
      });
  Verb{add_verb(app, "close", "Closes a conversation without an answer",
                {"crossfloor close 5f0c1d2e --reason 'spam'"})}
      .argument("ID", "conversation", id)
      .runs(context, "close", [](const Json& done) {
        return "conversation " + text(done, "conversation") + " is closed";
      });
  Verb{add_verb(app, "takeover",
                "Makes the asked node home of a conversation, whatever the old one",
                {"crossfloor takeover 5f0c1d2e --reason 'london burnt down'",
                 "crossfloor takeover 5f0c1d2e --site warsaw --reason 'london burnt down'"})}
      .argument("ID", "conversation", id)
      .option("--site", "site", "another node than the asked one: its site or id")
      .runs(context, "takeover", [](const Json& done) {
        return text(done, "site") + " is home of conversation " + text(done, "conversation");
      });
}

void add_drain(CLI::App& app, Context& context) {
  Verb verb{add_verb(
      app, "drain", "Lets a node run empty, or takes it into work again",
      {"crossfloor drain on --reason 'upgrade tonight'", "crossfloor drain off --reason 'upgraded'",
       "crossfloor drain on --site warsaw --reason 'new disk'"})};
  verb.app->add_option("ON|OFF", verb.given->texts["on"], "on or off")
      ->required()
      ->check(CLI::IsMember({"on", "off"}));
  verb.option("--site", "site", "another node than the asked one: its site or id")
      .runs(context, "drain", [](const Json& done) {
        return text(done, "site") + (flag(done, "drained")
                                         ? " takes no new work; its conversations are handed on"
                                         : " takes work again");
      });
}

void add_outbox_verbs(CLI::App& app, Context& context) {
  CLI::App* outbox = add_group(app, "outbox", "");
  Verb{add_verb(*outbox, "retry", "Sends a waiting or refused reply now",
                {"crossfloor outbox retry 5f0c1d2e --reason 'their server is back'"})}
      .argument("ID", "reply", "the reply's id, or the first 4 or more digits")
      .runs(context, "outbox_retry",
            [](const Json& done) { return "reply " + text(done, "reply") + " is sent now"; });
  Verb resolve{
      add_verb(*outbox, "resolve", "Decides what became of a reply that nobody knows of",
               {"crossfloor outbox resolve 5f0c1d2e sent --reason 'seen on their page'",
                "crossfloor outbox resolve 5f0c1d2e resend --reason 'not on their page'"})};
  resolve.argument("ID", "reply", "the reply's id, or the first 4 or more digits");
  resolve.app->add_option("SENT|RESEND", resolve.given->texts["how"], "sent: it arrived; resend")
      ->required()
      ->check(CLI::IsMember({"sent", "resend"}));
  resolve.option("--external-id", "external_id", "sent: the provider's id of it, if it is known")
      .runs(context, "outbox_resolve", [](const Json& done) {
        return "reply " + text(done, "reply") +
               (text(done, "how") == "sent" ? " counts as sent" : " is sent again");
      });
}

void add_customer_verbs(CLI::App& app, Context& context) {
  CLI::App* customer = add_group(app, "customer", "");
  for (const bool link : {true, false}) {
    const std::string name = link ? "link" : "unlink";
    Verb{add_verb(*customer, name,
                  link ? "Two handles are one customer" : "Two handles are two customers after all",
                  {"crossfloor customer " + name +
                   " acme-chat:4711 acme-mail:ada@example.com --reason 'said so herself'"})}
        .argument("HANDLE", "first", "account:external_id")
        .argument("OTHER", "second", "account:external_id, of the same brand")
        .runs(context, "customer_" + name, [link](const Json& done) {
          return std::string(link ? "they are one customer now, with "
                                  : "they are linked no longer; the first has ") +
                 std::to_string(number(done, "handles_of_the_customer")) + " handle(s) in all";
        });
  }
}

}  // namespace

void add_mend_verbs(CLI::App& app, Context& context) {
  add_conversation_verbs(app, context);
  add_drain(app, context);
  add_outbox_verbs(app, context);
  add_customer_verbs(app, context);
}

}  // namespace crossfloor::cli
