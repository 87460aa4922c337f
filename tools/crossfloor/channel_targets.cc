#include "tools/crossfloor/channel_targets.h"

#include <filesystem>

#include "node/runtime/config_reader.h"
#include "node/runtime/config_tree.h"
#include "node/runtime/config_values.h"
#include "node/runtime/files.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_file = 1024 * 1024;
constexpr std::size_t max_hosts = 16;
constexpr std::size_t max_brands = 4096;
constexpr std::size_t max_secret_file = 4096;

Error wrong(std::string what, std::string where, std::string mend) {
  return Error{ErrorCode::malformed, std::move(what), std::move(where), std::move(mend)};
}

std::vector<std::string> divided(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Status read_account(const ConfigTree& table, std::size_t number, const std::string& path,
                    ChannelTargets& out) {
  std::vector<Error> complaints;
  ConfigLines lines;
  const std::string section = "[[account]] " + std::to_string(number);
  ConfigReader reader(&table, section, "account", path, complaints, lines);
  std::string account, secret, secret_file;
  std::vector<std::string> brands, hosts;
  reader.text("account", account, {.required = true});
  reader.texts("brands", brands, max_brands, {});
  reader.texts("hosts", hosts, max_hosts, {.max_bytes = 2048});
  reader.text("secret", secret, {.secret = true});
  reader.text("secret_file", secret_file, {.max_bytes = 4096});
  reader.finish();
  if (!complaints.empty()) return complaints.front();
  const std::string where = path + ":" + std::to_string(table.line) + ": " + section;
  if (secret.empty() == secret_file.empty()) {
    return wrong("needs one of secret and secret_file", where, "");
  }
  if (!secret_file.empty()) {
    const auto file = std::filesystem::path(path).parent_path() / secret_file;
    auto read = read_secret_file(file.string());
    if (!read.ok()) return read.error();
    secret = read.value();
  }
  return add_target(brands, account, hosts, secret, where, out);
}

}  // namespace

const ChannelTarget* ChannelTargets::of_brand(const std::string& brand) const {
  auto at = by_brand.find(brand);
  if (at == by_brand.end()) at = by_brand.find("*");
  return at == by_brand.end() ? nullptr : &accounts[at->second];
}

const ChannelTarget* ChannelTargets::of_account(const std::string& account) const {
  for (const ChannelTarget& target : accounts) {
    if (target.account == account) return &target;
  }
  return nullptr;
}

std::set<std::string> ChannelTargets::brands() const {
  std::set<std::string> out;
  for (const auto& [brand, place] : by_brand) {
    if (brand != "*") out.insert(brand);
  }
  return out;
}

Result<std::string> read_secret_file(const std::string& path) {
  auto read = read_private_file(path, max_secret_file);
  if (!read.ok()) return read.error();
  const std::string& text = read.value();
  return text.substr(0, text.find_first_of("\r\n"));
}

Status add_target(const std::vector<std::string>& brands, std::string account,
                  std::vector<std::string> hosts, const std::string& secret,
                  const std::string& where, ChannelTargets& out) {
  if (account.empty()) return wrong("names no account", where, "");
  if (hosts.empty()) return wrong("names no host", where, "name at least one URL");
  for (std::string& host : hosts) {
    while (!host.empty() && host.back() == '/') host.pop_back();
    const auto url = parse_url(host);
    if (!url || url->target != "/") {
      return wrong("'" + host + "' is not the URL of a node", where,
                   "write it as http://127.0.0.1:7480");
    }
  }
  auto secrets = WebhookSecrets::parse({secret});
  if (!secrets.ok()) {
    return wrong("the secret: " + secrets.error().what, where, secrets.error().mend);
  }
  for (const std::string& brand : brands) {
    if (out.by_brand.count(brand) != 0) {
      return wrong("the brand '" + brand + "' has an account already", where, "name it once");
    }
  }
  std::size_t place = 0;
  while (place < out.accounts.size() && out.accounts[place].account != account) ++place;
  if (place == out.accounts.size()) {
    out.accounts.push_back({std::move(account), std::move(hosts), std::move(secrets).value()});
  } else if (out.accounts[place].hosts != hosts ||
             out.accounts[place].secrets.keys() != secrets.value().keys()) {
    return wrong("the account '" + account + "' is there already, with other hosts or secret",
                 where, "give both the same");
  }
  for (const std::string& brand : brands) out.by_brand.emplace(brand, place);
  return {};
}

Status add_target(const std::string& text, ChannelTargets& out) {
  const std::string where = "--account-of";
  const auto sign = text.find('=');
  const auto name_end = text.find(':', sign == std::string::npos ? text.size() : sign);
  const auto secret_at = text.rfind(':');
  if (sign == std::string::npos || name_end == std::string::npos || secret_at <= name_end) {
    // Without the text, which may hold a secret.
    return wrong("is not brand=NAME:URL[,URL]:SECRET", where,
                 "as in --account-of Shop=shop-social:http://127.0.0.1:7480:whsec_…");
  }
  return add_target({text.substr(0, sign)}, text.substr(sign + 1, name_end - sign - 1),
                    divided(std::string_view(text).substr(name_end + 1, secret_at - name_end - 1)),
                    text.substr(secret_at + 1), where, out);
}

Status read_targets_file(const std::string& path, ChannelTargets& out) {
  const auto text = read_file(path, max_file);
  if (!text.ok()) return text.error();
  const auto tree = parse_config_tree(text.value(), path);
  if (!tree.ok()) return tree.error();
  for (const auto& [key, value] : tree.value().members) {
    if (key != "account" || value.kind != ConfigTree::Kind::list) {
      return wrong("'" + key + "' is not known", path + ":" + std::to_string(value.line),
                   "the file is a list of [[account]]");
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      if (auto read = read_account(value.items[i], i + 1, path, out); !read.ok()) return read;
    }
  }
  if (out.accounts.empty()) return wrong("names no account", path, "add an [[account]]");
  return {};
}

}  // namespace crossfloor::cli
