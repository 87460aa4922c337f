// What `crossfloor verify` found: of each check whether it holds, and each thing that is wrong with
// what and where. "holds" is never said of what was not compared.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "protocol/fields.h"

namespace crossfloor {

enum class Verdict : std::uint8_t { holds, problem, not_proved, broken };  // the later, the worse
constexpr auto names_of(Verdict) {
  return std::array{"holds", "problem", "not proved", "broken"};
}

struct VerifyFinding {
  Verdict verdict = Verdict::holds;  // holds: for information
  std::string check;                 // of which check
  std::string site;                  // empty: of no single node
  std::string stream;                // empty: of no single stream
  std::string what;
  std::string mend;  // the command that shows or mends it; may be empty

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("verdict", self.verdict);
    visit("check", self.check);
    visit("site", self.site);
    visit("stream", self.stream);
    visit("what", self.what);
    visit("mend", self.mend);
  }
};

struct VerifyCheck {
  std::string check;
  Verdict verdict = Verdict::holds;
  std::string what;  // what was compared

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("check", self.check);
    visit("verdict", self.verdict);
    visit("what", self.what);
  }
};

struct VerifyReport {
  Verdict verdict = Verdict::holds;  // the worst of all
  std::vector<VerifyCheck> checks;
  std::vector<VerifyFinding> findings;  // worst first; at most max_findings
  std::uint64_t left_out = 0;           // findings beyond that
  std::int64_t took_ms = 0;

  static constexpr std::size_t max_findings = 1000;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("verdict", self.verdict);
    visit("checks", self.checks);
    visit("findings", self.findings);
    visit("left_out", self.left_out);
    visit("took_ms", self.took_ms);
  }
};

}  // namespace crossfloor
