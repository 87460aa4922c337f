// docs/channel.md promises commands that work: they are run as they stand there.
#include <cstdio>
#include <fstream>

#include "node/channels/webhook_signature.h"
#include "node/runtime/clock.h"
#include "tests/crossfloor/cli_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

// The indented block that begins with `from`, without its indentation.
std::string block(const std::string& page, const std::string& from) {
  std::string out;
  std::istringstream in(page.substr(page.find("    " + from)));
  for (std::string line; std::getline(in, line) && line.substr(0, 4) == "    ";) {
    out += line.substr(4) + "\n";
  }
  return out;
}

std::string output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  char buffer[4096];
  for (std::size_t size; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    out.append(buffer, size);
  }
  REQUIRE(::pclose(pipe) == 0);
  return out;
}

}  // namespace

TEST_SUITE("channel page") {
  const std::string secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

  TEST_CASE("the example's commands sign what a node verifies") {
    const std::string page = content_of("docs/channel.md");
    TemporaryFolder folder;
    const std::string script = folder.path() + "/example.sh";
    // In place of curl: one argument a line.
    put_file(script, "set -eu\ncurl() { printf '%s\\n' \"$@\"; }\n" + block(page, "SECRET="));
    std::istringstream in(output_of("sh " + script));
    WebhookHeaders headers;
    std::string body, url, line;
    while (std::getline(in, line)) {
      const auto value = [&line](const char* name) -> std::string {
        const std::string start = std::string(name) + ": ";
        return line.rfind(start, 0) == 0 ? line.substr(start.size()) : "";
      };
      if (line[0] == '{') body = line;
      if (!value("webhook-id").empty()) headers.id = value("webhook-id");
      if (!value("webhook-timestamp").empty()) headers.timestamp = value("webhook-timestamp");
      if (!value("webhook-signature").empty()) headers.signature = value("webhook-signature");
      url = line;
    }
    const auto verified =
        verify_webhook(WebhookSecrets::parse({secret}).value(), headers, body, machine_now().wall);
    if (!verified.ok()) FAIL(verified.error().text());
    CHECK(url == "http://127.0.0.1:7480/v1/channels/shop-chat/messages");
  }

  TEST_CASE("the signature that is printed to compare with is the right one") {
    const std::string page = content_of("docs/channel.md");
    const std::string body =
        R"({"external_id":"m-1","customer":{"external_id":"u-7"},"text":"Where is my parcel?"})";
    REQUIRE(page.find("body='" + body + "'") != std::string::npos);
    const auto signed_as = sign_webhook(WebhookSecrets::parse({secret}).value(), "delivery-1", body,
                                        wall_from_ms(1'769'860'800'000));
    CHECK(signed_as.timestamp == "1769860800");
    const bool shown = page.find("`" + signed_as.signature + "`") != std::string::npos;
    CHECK_MESSAGE(shown, signed_as.signature);
  }
}
