// The inside of protocol/json_codec.h; include that.
#pragma once

namespace crossfloor::json_detail {

// One reading: the path to where it stands, and the first error.
class JsonReading {
 public:
  bool failed() const { return error_.has_value(); }
  const Error& error() const { return *error_; }
  void enter(const char* name) { path_.push_back({name, 0}); }
  void enter(std::size_t index) { path_.push_back({nullptr, index}); }
  void leave() { path_.pop_back(); }

  void fail(ErrorCode code, std::string what, std::string mend = "");
  void expected(const char* wanted, const JsonValue& got);
  void missing();
  void not_one_of(const std::vector<const char*>& words, const JsonValue& got);
  // True if the object has no field but the known ones (and `also`, if given).
  bool only_knows(const JsonValue& object, const std::vector<const char*>& known,
                  const char* also = nullptr);

 private:
  struct Step {
    const char* name;
    std::size_t index;
  };
  std::vector<Step> path_;
  std::optional<Error> error_;
};

// Whole numbers in [low, high] and in the rule; `wide` ones may come as decimal text.
std::int64_t read_signed(const JsonValue&, std::int64_t low, std::int64_t high, bool wide,
                         const Rule&, JsonReading&);
std::uint64_t read_unsigned(const JsonValue&, std::uint64_t high, bool wide, const Rule&,
                            JsonReading&);
double read_decimal(const JsonValue&, const Rule&, JsonReading&);
std::string read_text(const JsonValue&, const Rule&, JsonReading&);
Bytes read_hex(const JsonValue&, std::size_t exact_size, const Rule&, JsonReading&);  // 0: any size
HybridTime read_hybrid_time(const JsonValue&, JsonReading&);
WallTime read_wall_time(const JsonValue&, JsonReading&);
FreeJson read_free(const JsonValue&, const Rule&, JsonReading&);
bool check_list(const JsonValue&, const Rule&, JsonReading&);

JsonValue wide_signed(std::int64_t value);
JsonValue wide_unsigned(std::uint64_t value);
JsonValue hybrid_time_text(HybridTime time);
JsonValue wall_time_text(WallTime time);
JsonValue free_value(const FreeJson& free);

struct CollectNames {
  std::vector<const char*>& out;
  template <typename F>
  void operator()(const char* name, F&, const Rule& = {}) const {
    out.push_back(name);
  }
};

template <Described T>
const std::vector<const char*>& field_names() {
  static const std::vector<const char*> names = [] {
    std::vector<const char*> out;
    T sample{};
    T::fields(sample, CollectNames{out});
    return out;
  }();
  return names;
}

template <VariantField V>
std::vector<const char*> alternative_names() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<const char*>{std::variant_alternative_t<I, V>::name...};
  }
  (std::make_index_sequence<std::variant_size_v<V>>{});
}

template <NamedEnum E>
std::vector<const char*> words() {
  constexpr auto names = names_of(E{});
  return {names.begin(), names.end()};
}

// ---- writing -----------------------------------------------------------------------------------

template <Described T>
void write_fields(const T& value, JsonValue& object);

template <typename F>
JsonValue write(const F& value, const Rule& rule) {
  if constexpr (std::is_same_v<F, bool>) {
    return JsonValue::of_bool(value);
  } else if constexpr (std::is_integral_v<F>) {
    if constexpr (std::is_signed_v<F>) return wide_signed(value);
    if constexpr (!std::is_signed_v<F>) return wide_unsigned(value);
  } else if constexpr (std::is_floating_point_v<F>) {
    return JsonValue::of_decimal(value);
  } else if constexpr (std::is_same_v<F, HybridTime>) {
    return hybrid_time_text(value);
  } else if constexpr (std::is_same_v<F, Duration>) {
    return wide_signed(value.count());
  } else if constexpr (std::is_same_v<F, WallTime>) {
    return wall_time_text(value);
  } else if constexpr (NamedEnum<F>) {
    return JsonValue::of_text(word_of(value));
  } else if constexpr (IdField<F>) {
    return JsonValue::of_text(value.hex());
  } else if constexpr (std::is_same_v<F, std::string>) {
    return JsonValue::of_text(rule.binary ? to_hex(value) : value);
  } else if constexpr (std::is_same_v<F, FreeJson>) {
    return free_value(value);
  } else if constexpr (VectorField<F>) {
    auto list = JsonValue::empty_list();
    list.items.reserve(value.size());
    for (const auto& item : value) {
      list.items.push_back(write<typename F::value_type>(item, rule));
    }
    return list;
  } else if constexpr (VariantField<F>) {
    auto object = JsonValue::empty_object();
    std::visit(
        [&](const auto& alternative) {
          object.add("type", JsonValue::of_text(std::decay_t<decltype(alternative)>::name));
          write_fields(alternative, object);
        },
        value);
    return object;
  } else {
    auto object = JsonValue::empty_object();
    write_fields(value, object);
    return object;
  }
}

struct WriteJsonFields {
  JsonValue& object;
  template <typename F>
  void operator()(const char* name, const F& value, const Rule& rule = {}) const {
    if constexpr (OptionalField<F>) {
      if (value) (*this)(name, *value, rule);
    } else if constexpr (std::is_same_v<F, FreeJson>) {
      if (!value.text.empty()) object.add(name, write(value, rule));
    } else {
      object.add(name, write(value, rule));
    }
  }
};

template <Described T>
void write_fields(const T& value, JsonValue& object) {
  T::fields(value, WriteJsonFields{object});
}

// ---- reading -----------------------------------------------------------------------------------

template <typename F>
void read(const JsonValue& from, F& out, const Rule& rule, JsonReading& reading);

struct ReadJsonFields {
  const JsonValue& object;
  JsonReading& reading;
  template <typename F>
  void operator()(const char* name, F& out, const Rule& rule = {}) const {
    if (reading.failed()) return;
    reading.enter(name);
    const JsonValue* value = object.find(name);
    if (value != nullptr && OptionalField<F> && value->kind == JsonValue::Kind::null) {
      value = nullptr;
    }
    if (value != nullptr) {
      read(*value, out, rule, reading);
    } else if (rule.required) {
      reading.missing();
    }
    if (!reading.failed()) reading.leave();
  }
};

template <Described T>
void read_object(const JsonValue& from, T& out, JsonReading& reading, const char* also = nullptr) {
  if (from.kind != JsonValue::Kind::object) return reading.expected("object", from);
  if (!reading.only_knows(from, field_names<T>(), also)) return;
  T::fields(out, ReadJsonFields{from, reading});
}

template <VariantField V>
void read_variant(const JsonValue& from, V& out, JsonReading& reading) {
  if (from.kind != JsonValue::Kind::object) return reading.expected("object", from);
  const JsonValue* type = from.find("type");
  reading.enter("type");
  if (type == nullptr) return reading.missing();
  if (type->kind != JsonValue::Kind::text) return reading.expected("text", *type);
  bool known = false;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto take = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) {
      known = true;
      reading.leave();
      read_object(from, out.template emplace<K>(), reading, "type");
    };
    (void)((type->text == std::variant_alternative_t<I, V>::name
                ? (take(std::integral_constant<std::size_t, I>{}), true)
                : false) ||
           ...);
  }
  (std::make_index_sequence<std::variant_size_v<V>>{});
  if (!known) reading.not_one_of(alternative_names<V>(), *type);
}

template <typename F>
void read_list(const JsonValue& from, F& out, const Rule& rule, JsonReading& reading) {
  out.clear();
  if (!check_list(from, rule, reading)) return;
  out.reserve(from.items.size());
  for (std::size_t i = 0; i < from.items.size(); ++i) {
    typename F::value_type item{};
    reading.enter(i);
    read(from.items[i], item, rule, reading);
    if (reading.failed()) return;
    reading.leave();
    out.push_back(std::move(item));
  }
}

template <typename F>
void read(const JsonValue& from, F& out, const Rule& rule, JsonReading& reading) {
  if constexpr (std::is_same_v<F, bool>) {
    if (from.kind != JsonValue::Kind::boolean) return reading.expected("true or false", from);
    out = from.boolean;
  } else if constexpr (std::is_integral_v<F>) {
    using Limits = std::numeric_limits<F>;
    constexpr bool wide = sizeof(F) == 8;
    if constexpr (std::is_signed_v<F>) {
      out = static_cast<F>(read_signed(from, Limits::min(), Limits::max(), wide, rule, reading));
    } else {
      out = static_cast<F>(read_unsigned(from, Limits::max(), wide, rule, reading));
    }
  } else if constexpr (std::is_floating_point_v<F>) {
    out = static_cast<F>(read_decimal(from, rule, reading));
  } else if constexpr (std::is_same_v<F, HybridTime>) {
    out = read_hybrid_time(from, reading);
  } else if constexpr (std::is_same_v<F, Duration>) {
    out = Duration{read_signed(from, INT64_MIN, INT64_MAX, true, rule, reading)};
  } else if constexpr (std::is_same_v<F, WallTime>) {
    out = read_wall_time(from, reading);
  } else if constexpr (NamedEnum<F>) {
    if (from.kind != JsonValue::Kind::text) return reading.expected("text", from);
    const auto value = from_word<F>(from.text);
    if (!value) return reading.not_one_of(words<F>(), from);
    out = *value;
  } else if constexpr (IdField<F>) {
    const Bytes bytes = read_hex(from, F::size, rule, reading);
    if (!reading.failed()) out = *F::from(bytes);
  } else if constexpr (std::is_same_v<F, std::string>) {
    out = rule.binary ? read_hex(from, 0, rule, reading) : read_text(from, rule, reading);
  } else if constexpr (std::is_same_v<F, FreeJson>) {
    out = read_free(from, rule, reading);
  } else if constexpr (OptionalField<F>) {
    read(from, out.emplace(), rule, reading);
  } else if constexpr (VectorField<F>) {
    read_list(from, out, rule, reading);
  } else if constexpr (VariantField<F>) {
    read_variant(from, out, reading);
  } else {
    static_assert(Described<F>, "a field of a type that protocol/fields.h does not list");
    read_object(from, out, reading);
  }
}

}  // namespace crossfloor::json_detail

namespace crossfloor {

template <JsonRoot T>
JsonValue to_json_value(const T& value) {
  return json_detail::write(value, Rule{});
}

template <JsonRoot T>
Result<T> from_json_value(const JsonValue& value) {
  T out{};
  json_detail::JsonReading reading;
  json_detail::read(value, out, Rule{}, reading);
  if (reading.failed()) return reading.error();
  return out;
}

template <JsonRoot T>
Result<T> read_json(std::string_view text, const JsonLimits& limits) {
  const auto tree = parse_json(text, limits);
  if (!tree.ok()) return tree.error();
  return from_json_value<T>(tree.value());
}

}  // namespace crossfloor
