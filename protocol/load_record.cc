#include "protocol/load_record.h"

#include <algorithm>

namespace crossfloor {
namespace {

constexpr std::size_t word = 8;
constexpr std::size_t words(std::size_t bytes) {
  return (bytes + word - 1) / word;
}
std::size_t text_words(const std::string& text) {
  return words(text.size() + 1);
}

// Struct sections: ClassLoad 5 words of numbers and 2 pointers; ServiceClass 1 and 3.
std::size_t size_in_words(const ClassLoad& load) {
  std::size_t size = 7 + 4 + text_words(load.service.brand) + text_words(load.service.language) +
                     words(4 * load.oldest_ms.size());
  for (const std::string& skill : load.service.skills) size += 1 + text_words(skill);
  return size;
}

bool by_service(const ClassLoad& left, const ClassLoad& right) {
  return left.service < right.service;
}

std::uint64_t free_slots(const ClassLoad& load) {
  return std::uint64_t{load.free_primary} + load.free_helper;
}

void keep_ages(LoadRecord& record, std::size_t count) {
  for (ClassLoad& load : record.classes) {
    if (load.oldest_ms.size() > count) load.oldest_ms.resize(count);
  }
}

bool fits(const LoadRecord& record) {
  return record.classes.size() <= max_load_classes && encoded_size(record) <= max_load_bytes;
}

}  // namespace

const ClassLoad* LoadRecord::find(const ServiceClass& service) const {
  const auto found =
      std::lower_bound(classes.begin(), classes.end(), service,
                       [](const ClassLoad& load, const auto& s) { return load.service < s; });
  return found != classes.end() && found->service == service ? &*found : nullptr;
}

ClassLoad* LoadRecord::find(const ServiceClass& service) {
  return const_cast<ClassLoad*>(std::as_const(*this).find(service));
}

std::uint32_t LoadRecord::agents_on_duty(ChannelKind kind) const {
  for (const OnDuty& duty : on_duty) {
    if (duty.kind == kind) return duty.agents;
  }
  return 0;
}

std::size_t encoded_size(const LoadRecord& record) {
  // 3 words of numbers, 3 pointers, the node; two lists of structs with a tag each.
  std::size_t size = 6 + NodeId::size / word + 1 + record.on_duty.size() + 1;
  for (const ClassLoad& load : record.classes) size += size_in_words(load);
  return size * word;
}

LoadRecord fitted(LoadRecord record) {
  std::sort(record.on_duty.begin(), record.on_duty.end(),
            [](const OnDuty& left, const OnDuty& right) { return left.kind < right.kind; });
  std::stable_sort(record.classes.begin(), record.classes.end(), by_service);
  for (ClassLoad& load : record.classes) {
    std::sort(load.oldest_ms.rbegin(), load.oldest_ms.rend());
  }
  keep_ages(record, max_oldest);
  if (fits(record)) return record;
  std::erase_if(record.classes, [](const ClassLoad& load) { return load.idle(); });
  if (fits(record)) return record;
  keep_ages(record, 2);
  if (fits(record)) return record;
  std::stable_sort(record.classes.begin(), record.classes.end(),
                   [](const ClassLoad& left, const ClassLoad& right) {
                     if (left.waiting != right.waiting) return left.waiting > right.waiting;
                     return free_slots(left) > free_slots(right);
                   });
  while (!record.classes.empty() && !fits(record)) record.classes.pop_back();
  std::sort(record.classes.begin(), record.classes.end(), by_service);
  return record;
}

Status check(const LoadRecord& record) {
  const auto malformed = [](std::string what, std::string where) {
    return Error{ErrorCode::malformed, std::move(what), std::move(where), ""};
  };
  if (record.generation == 0 || record.version == 0) {
    return malformed("a load record needs a generation and a version", "version");
  }
  if (record.classes.size() > max_load_classes) {
    return Error{ErrorCode::too_large, "more than 64 classes", "classes", ""};
  }
  if (encoded_size(record) > max_load_bytes) {
    return Error{ErrorCode::too_large, "over " + std::to_string(max_load_bytes) + " bytes",
                 "classes", ""};
  }
  for (std::size_t i = 0; i < record.classes.size(); ++i) {
    const ClassLoad& load = record.classes[i];
    if (load.oldest_ms.size() > max_oldest) return malformed("more than 8 ages", "oldest_ms");
    if (!std::is_sorted(load.oldest_ms.rbegin(), load.oldest_ms.rend())) {
      return malformed("ages are not oldest first", "oldest_ms");
    }
    if (i > 0 && !by_service(record.classes[i - 1], load)) {
      return malformed("classes are not in order or twice", "classes");
    }
  }
  for (std::size_t i = 1; i < record.on_duty.size(); ++i) {
    if (record.on_duty[i - 1].kind >= record.on_duty[i].kind) {
      return malformed("kinds are not in order or twice", "on_duty");
    }
  }
  return {};
}

}  // namespace crossfloor
