// Joins the answers of several nodes to one question.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace crossfloor {

// `own` is the asked node's answer and gets the rows of `others`. Each kind of question has its
// order: who waits longest first, what is most urgent first.
void merge_answers(const std::string& question, nlohmann::ordered_json& own,
                   const std::vector<nlohmann::ordered_json>& others);

// For `wait`: sets `met` and, if it is not, `why`. Conditions: ready, joined, settled, waiting.
void judge_wait(nlohmann::ordered_json& answer, const std::string& condition, std::size_t count);

}  // namespace crossfloor
