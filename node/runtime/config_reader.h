// Reads one section of a config into a struct, and complains about everything that is wrong in it.
//
// A section is described once, by a function that calls the reader once for each setting. Over a
// parsed section that fills the struct and collects complaints; over nothing it tells which
// settings there are. So what the parser knows, what it suggests for a mistyped key and what the
// reference must list cannot drift apart.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/config_tree.h"
#include "node/runtime/config_values.h"
#include "protocol/result.h"

namespace crossfloor {

struct TextRule {
  bool required = false;
  std::size_t max_bytes = 255;
  bool (*good)(std::string_view) = nullptr;  // not asked about an empty text that is not required
  const char* wanted = "";                   // completes "must be …"
  bool secret = false;                       // never echoed
};

// Where each setting stands in the file, by its path: "mesh.listen", "account[2].region".
using ConfigLines = std::map<std::string, int>;

class ConfigReader {
 public:
  // `section`: what people read, "[mesh]" or "[[account]] 2 (shop-chat)". `table` may be null.
  ConfigReader(const ConfigTree* table, std::string section, std::string path, std::string file,
               std::vector<Error>& complaints, ConfigLines& lines);

  void text(const char* key, std::string& out, const TextRule& rule = {});
  void texts(const char* key, std::vector<std::string>& out, std::size_t most,
             const TextRule& rule);
  void flag(const char* key, bool& out);
  void duration(const char* key, Duration& out, Duration least, Duration most);
  void size(const char* key, std::uint64_t& out, std::uint64_t least, std::uint64_t most);
  void percent(const char* key, std::uint32_t& out, std::uint32_t least, std::uint32_t most);
  void address(const char* key, HostPort& out);
  // A setting of former versions: who still has it is told what to do instead.
  void gone(const char* key, std::string why, std::string mend);

  template <typename Enum>
  void choice(const char* key, Enum& out, const std::vector<std::pair<std::string, Enum>>& words,
              bool required = false) {
    std::vector<std::string> names;
    for (const auto& [word, value] : words) names.push_back(word);
    if (const auto at = chosen(key, names, required)) out = words[*at].second;
  }

  // Complaints about keys that nothing above asked for. Last.
  void finish();

  bool has(const char* key) const;
  void complain(const char* key, std::string what, std::string mend);
  std::size_t complaints() const { return complaints_.size(); }
  const std::vector<std::string>& known() const { return known_; }

 private:
  const ConfigTree* find(const char* key);
  const ConfigTree* find(const char* key, ConfigTree::Kind kind, const char* example);
  std::optional<std::size_t> chosen(const char* key, const std::vector<std::string>& words,
                                    bool required);
  bool judge(const char* key, int line, const std::string& text, const TextRule& rule);
  void complain_at(int line, std::string what, std::string mend);
  std::string name(const char* key) const { return section_ + " " + key; }

  const ConfigTree* table_;
  std::string section_;
  std::string path_;
  std::string file_;
  std::vector<Error>& complaints_;
  ConfigLines& lines_;
  std::vector<std::string> known_;
  std::vector<std::string> gone_;
};

}  // namespace crossfloor
