// The inside of protocol/capnp_codec.h; include that.
//
// A Shape says at run time what a C++ field is, so that looking up and checking schemas needs no
// templates. A Plan is the outcome of the lookup for one (type, schema): fields in the order in
// which `fields` visits them. Plans are made once, never freed, and shared by all threads.
#pragma once

namespace crossfloor::capnp_detail {

struct SchemaCheck;

struct Shape {
  enum class Kind { boolean, integer, floating, text, id, words, structure, list, variant };
  Kind kind = Kind::boolean;
  std::size_t size = 0;    // of numbers and ids, in bytes
  bool is_signed = false;  // of integers
  bool optional = false;
  std::vector<const char*> words;        // of an enum; of a variant: its alternatives
  std::shared_ptr<const Shape> element;  // of a list
  void (*check)(capnp::StructSchema, SchemaCheck&) = nullptr;  // of structures and variants
};

struct FieldShape {
  const char* name;
  Shape shape;
};

struct TypePlan {
  capnp::Type type;
  bool is_text = false;
  capnp::EnumSchema words;
  std::shared_ptr<const TypePlan> element;
};

struct FieldPlan {
  const char* name = "";
  capnp::StructSchema::Field field;
  bool is_own_union = false;  // a variant that stands for the struct's own unnamed union
  TypePlan type;
};

struct StructPlan {
  capnp::StructSchema schema;
  std::vector<FieldPlan> fields;
};

struct UnionPlan {
  capnp::StructSchema schema;
  std::vector<capnp::StructSchema::Field> members;  // by the variant's index
  std::vector<bool> is_void;                        // by the variant's index
  std::vector<int> alternatives;                    // by the schema's field index; -1: none
};

std::string camel_case(std::string_view snake_case);
StructPlan make_plan(capnp::StructSchema schema, const std::vector<FieldShape>& fields);
UnionPlan make_union_plan(capnp::StructSchema schema, const std::vector<const char*>& names);

// What goes wrong while a schema is checked, and what has been checked already (types may nest in
// themselves).
struct SchemaCheck {
  std::string path;
  std::vector<std::string> complaints;
  std::set<std::pair<std::uint64_t, const void*>> seen;
};
void check_struct(capnp::StructSchema schema, const std::vector<FieldShape>& fields, SchemaCheck&);
void check_union(capnp::StructSchema schema, const std::vector<const char*>& names,
                 const std::vector<void (*)(capnp::StructSchema, SchemaCheck&)>& checks,
                 const std::vector<bool>& have_fields, SchemaCheck&);
Status verdict(const SchemaCheck&);

// ---- shapes ------------------------------------------------------------------------------------

template <typename T>
void check_type(capnp::StructSchema schema, SchemaCheck& check);

template <typename F>
Shape shape_of() {
  using Kind = Shape::Kind;
  Shape shape;
  if constexpr (std::is_same_v<F, bool>) {
    shape.kind = Kind::boolean;
  } else if constexpr (std::is_same_v<F, HybridTime>) {
    shape.kind = Kind::integer;
    shape.size = 8;
  } else if constexpr (std::is_same_v<F, Duration> || std::is_same_v<F, WallTime>) {
    shape.kind = Kind::integer;
    shape.size = 8;
    shape.is_signed = true;
  } else if constexpr (std::is_integral_v<F>) {
    shape.kind = Kind::integer;
    shape.size = sizeof(F);
    shape.is_signed = std::is_signed_v<F>;
  } else if constexpr (std::is_floating_point_v<F>) {
    shape.kind = Kind::floating;
    shape.size = sizeof(F);
  } else if constexpr (std::is_same_v<F, std::string> || std::is_same_v<F, FreeJson>) {
    shape.kind = Kind::text;
  } else if constexpr (IdField<F>) {
    shape.kind = Kind::id;
    shape.size = F::size;
  } else if constexpr (NamedEnum<F>) {
    shape.kind = Kind::words;
    constexpr auto words = names_of(F{});
    shape.words.assign(words.begin(), words.end());
  } else if constexpr (OptionalField<F>) {
    shape = shape_of<typename F::value_type>();
    static_assert(Described<typename F::value_type> || IdField<typename F::value_type> ||
                      std::is_same_v<typename F::value_type, std::string> ||
                      std::is_same_v<typename F::value_type, FreeJson>,
                  "only structs, text and ids can be absent in Cap'n Proto");
    shape.optional = true;
  } else if constexpr (VectorField<F>) {
    static_assert(!OptionalField<typename F::value_type>);
    shape.kind = Kind::list;
    shape.element = std::make_shared<const Shape>(shape_of<typename F::value_type>());
  } else if constexpr (VariantField<F>) {
    shape.kind = Kind::variant;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      shape.words = {std::variant_alternative_t<I, F>::name...};
    }
    (std::make_index_sequence<std::variant_size_v<F>>{});
    shape.check = &check_type<F>;
  } else {
    static_assert(Described<F>, "a field of a type that protocol/fields.h does not list");
    shape.kind = Kind::structure;
    shape.check = &check_type<F>;
  }
  return shape;
}

struct CollectShapes {
  std::vector<FieldShape>& out;
  template <typename F>
  void operator()(const char* name, F&) const {
    out.push_back({name, shape_of<F>()});
  }
  template <typename F>
  void operator()(const char* name, F& field, const Rule&) const {
    (*this)(name, field);
  }
};

template <Described T>
std::vector<FieldShape> shapes_of() {
  std::vector<FieldShape> out;
  T sample{};
  T::fields(sample, CollectShapes{out});
  return out;
}

template <typename T>
void check_type(capnp::StructSchema schema, SchemaCheck& check) {
  static const char key = 0;
  if (!check.seen.insert({schema.getProto().getId(), &key}).second) return;
  if constexpr (VariantField<T>) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      check_union(schema, {std::variant_alternative_t<I, T>::name...},
                  {&check_type<std::variant_alternative_t<I, T>>...},
                  {!shapes_of<std::variant_alternative_t<I, T>>().empty()...}, check);
    }
    (std::make_index_sequence<std::variant_size_v<T>>{});
  } else {
    check_struct(schema, shapes_of<T>(), check);
  }
}

// ---- plans -------------------------------------------------------------------------------------

// Grows only, without a lock; two threads that make the same plan at once both keep theirs.
template <typename T, typename Plan, typename Make>
const Plan& cached_plan(capnp::StructSchema schema, Make&& make) {
  struct Node {
    Plan plan;
    Node* next;
  };
  static std::atomic<Node*> head{nullptr};
  Node* const first = head.load(std::memory_order_acquire);
  for (Node* node = first; node != nullptr; node = node->next) {
    if (node->plan.schema == schema) return node->plan;
  }
  Node* fresh = new Node{make(), first};
  while (!head.compare_exchange_weak(fresh->next, fresh, std::memory_order_acq_rel)) {
  }
  return fresh->plan;
}

template <Described T>
const StructPlan& plan_of(capnp::StructSchema schema) {
  return cached_plan<T, StructPlan>(schema, [&] { return make_plan(schema, shapes_of<T>()); });
}

template <VariantField V>
const UnionPlan& plan_of(capnp::StructSchema schema) {
  return cached_plan<V, UnionPlan>(schema,
                                   [&] { return make_union_plan(schema, shape_of<V>().words); });
}

// ---- writing -----------------------------------------------------------------------------------

using Builder = capnp::DynamicStruct::Builder;
using Reader = capnp::DynamicStruct::Reader;
using Value = capnp::DynamicValue::Reader;

inline capnp::Data::Reader data_of(ByteView bytes) {
  return {reinterpret_cast<const capnp::byte*>(bytes.data()), bytes.size()};
}

// Where a value goes: a field of a struct, or an element of a list.
struct FieldSlot {
  Builder& builder;
  capnp::StructSchema::Field field;
  void set(const Value& value) { builder.set(field, value); }
  capnp::DynamicList::Builder list(std::size_t size) {
    return builder.init(field, static_cast<capnp::uint>(size)).as<capnp::DynamicList>();
  }
  Builder structure() { return builder.init(field).as<capnp::DynamicStruct>(); }
};
struct ItemSlot {
  capnp::DynamicList::Builder& items;
  capnp::uint index;
  void set(const Value& value) { items.set(index, value); }
  capnp::DynamicList::Builder list(std::size_t size) {
    return items.init(index, static_cast<capnp::uint>(size)).as<capnp::DynamicList>();
  }
  Builder structure() { return items[index].as<capnp::DynamicStruct>(); }
};

template <Described T>
void write_struct(const T& value, Builder builder);
template <VariantField V>
void write_variant(const V& value, Builder builder);

template <typename F, typename Slot>
void write(const F& value, const TypePlan& plan, Slot slot) {
  if constexpr (std::is_arithmetic_v<F>) {
    slot.set(value);
  } else if constexpr (std::is_same_v<F, HybridTime>) {
    slot.set(value.value);
  } else if constexpr (std::is_same_v<F, Duration>) {
    slot.set(static_cast<std::int64_t>(value.count()));
  } else if constexpr (std::is_same_v<F, WallTime>) {
    slot.set(ms_of(value));
  } else if constexpr (NamedEnum<F>) {
    slot.set(capnp::DynamicEnum(plan.words, static_cast<std::uint16_t>(value)));
  } else if constexpr (IdField<F>) {
    slot.set(data_of(value.view()));
  } else if constexpr (std::is_same_v<F, FreeJson>) {
    write(value.text, plan, slot);
  } else if constexpr (std::is_same_v<F, std::string>) {
    if (plan.is_text) {
      slot.set(capnp::Text::Reader(value.c_str(), value.size()));
    } else {
      slot.set(data_of(value));
    }
  } else if constexpr (OptionalField<F>) {
    if (value) write(*value, plan, slot);
  } else if constexpr (VectorField<F>) {
    if (value.empty()) return;  // a null pointer reads as an empty list
    auto items = slot.list(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
      write<typename F::value_type>(value[i], *plan.element,
                                    ItemSlot{items, static_cast<capnp::uint>(i)});
    }
  } else if constexpr (VariantField<F>) {
    write_variant(value, slot.structure());
  } else {
    write_struct(value, slot.structure());
  }
}

struct WriteFields {
  Builder& builder;
  const StructPlan& plan;
  std::size_t at = 0;

  template <typename F>
  void operator()(const char*, const F& value) {
    const FieldPlan& field = plan.fields[at++];
    if constexpr (VariantField<F>) {
      if (field.is_own_union) return write_variant(value, builder);
    }
    if constexpr (std::is_same_v<F, std::string>) {
      if (value.empty()) return;  // a null pointer reads as empty
    }
    write(value, field.type, FieldSlot{builder, field.field});
  }
  template <typename F>
  void operator()(const char* name, const F& value, const Rule&) {
    (*this)(name, value);
  }
};

template <Described T>
void write_struct(const T& value, Builder builder) {
  WriteFields visitor{builder, plan_of<T>(builder.getSchema())};
  T::fields(value, visitor);
}

template <VariantField V>
void write_variant(const V& value, Builder builder) {
  const UnionPlan& plan = plan_of<V>(builder.getSchema());
  const auto index = value.index();
  if (plan.is_void[index]) return builder.set(plan.members[index], capnp::VOID);
  auto inner = builder.init(plan.members[index]).template as<capnp::DynamicStruct>();
  std::visit([&](const auto& alternative) { write_struct(alternative, inner); }, value);
}

template <CapnpRoot T>
void write_root(const void* value, Builder root) {
  if constexpr (VariantField<T>) {
    write_variant(*static_cast<const T*>(value), root);
  } else {
    write_struct(*static_cast<const T*>(value), root);
  }
}

Bytes encode(const void* value, void (*write)(const void*, Builder), capnp::StructSchema schema);

// ---- reading -----------------------------------------------------------------------------------

// One decoding: where it stands, for the error's path, and what it may still spend.
class Reading {
 public:
  explicit Reading(std::size_t items) : items_left_(items) {}

  bool failed() const { return error_.has_value(); }
  void fail(ErrorCode code, std::string what);  // the first one counts
  const Error& error() const { return *error_; }
  std::string path() const;
  // Steps stay on the path when an exception leaves the reading: then it says where.
  void enter(const char* name) { path_.push_back({name, 0}); }
  void enter(std::size_t index) { path_.push_back({nullptr, index}); }
  void leave() { path_.pop_back(); }
  bool take_items(std::size_t count);  // fails if over the limit
  void unknown_member(Reader from);
  void unknown_word(std::uint16_t ordinal);
  void wrong_size(std::size_t want, std::size_t got);
  void not_utf8();

 private:
  struct Step {
    const char* name;
    std::size_t index;
  };
  std::vector<Step> path_;
  std::size_t items_left_;
  std::optional<Error> error_;
};

template <Described T>
void read_struct(Reader from, T& out, Reading& reading);
template <VariantField V>
void read_variant(Reader from, V& out, Reading& reading);

template <NamedEnum E>
void read_word(std::uint16_t ordinal, E& out, Reading& reading) {
  static constexpr auto words = names_of(E{});
  if (ordinal < words.size()) {
    out = static_cast<E>(ordinal);
  } else if (const auto unknown = from_word<E>("unknown")) {
    out = *unknown;
  } else {
    reading.unknown_word(ordinal);
  }
}

template <typename F>
void read_text(const Value& from, const TypePlan& plan, F& out, Reading& reading) {
  if (!plan.is_text) {
    const auto data = from.as<capnp::Data>();
    out.assign(reinterpret_cast<const char*>(data.begin()), data.size());
    return;
  }
  const auto text = from.as<capnp::Text>();
  const ByteView view(text.begin(), text.size());
  if (!is_valid_utf8(view)) return reading.not_utf8();
  out.assign(view);
}

template <typename F>
void read(const Value& from, const TypePlan& plan, F& out, Reading& reading) {
  if constexpr (std::is_same_v<F, bool>) {
    out = from.as<bool>();
  } else if constexpr (std::is_floating_point_v<F>) {
    out = from.as<F>();
  } else if constexpr (std::is_integral_v<F>) {
    if constexpr (std::is_signed_v<F>) {
      out = static_cast<F>(from.as<std::int64_t>());
    } else {
      out = static_cast<F>(from.as<std::uint64_t>());
    }
  } else if constexpr (std::is_same_v<F, HybridTime>) {
    out.value = from.as<std::uint64_t>();
  } else if constexpr (std::is_same_v<F, Duration>) {
    out = Duration{from.as<std::int64_t>()};
  } else if constexpr (std::is_same_v<F, WallTime>) {
    out = wall_from_ms(from.as<std::int64_t>());
  } else if constexpr (NamedEnum<F>) {
    read_word(from.as<capnp::DynamicEnum>().getRaw(), out, reading);
  } else if constexpr (IdField<F>) {
    const auto data = from.as<capnp::Data>();
    const auto id = F::from({reinterpret_cast<const char*>(data.begin()), data.size()});
    if (!id) return reading.wrong_size(F::size, data.size());
    out = *id;
  } else if constexpr (std::is_same_v<F, FreeJson>) {
    read_text(from, plan, out.text, reading);
  } else if constexpr (std::is_same_v<F, std::string>) {
    read_text(from, plan, out, reading);
  } else if constexpr (VectorField<F>) {
    const auto items = from.as<capnp::DynamicList>();
    out.clear();
    if (!reading.take_items(items.size())) return;
    out.reserve(items.size());
    for (capnp::uint i = 0; i < items.size(); ++i) {
      typename F::value_type item{};
      reading.enter(i);
      read(items[i], *plan.element, item, reading);
      if (reading.failed()) return;
      reading.leave();
      out.push_back(std::move(item));
    }
  } else if constexpr (VariantField<F>) {
    read_variant(from.as<capnp::DynamicStruct>(), out, reading);
  } else {
    read_struct(from.as<capnp::DynamicStruct>(), out, reading);
  }
}

struct ReadFields {
  Reader from;
  const StructPlan& plan;
  Reading& reading;
  std::size_t at = 0;

  template <typename F>
  void operator()(const char* name, F& out) {
    const FieldPlan& field = plan.fields[at++];
    if (reading.failed()) return;
    reading.enter(name);
    read_field(field, out);
    if (!reading.failed()) reading.leave();
  }
  template <typename F>
  void operator()(const char* name, F& out, const Rule&) {
    (*this)(name, out);
  }

 private:
  template <typename F>
  void read_field(const FieldPlan& field, F& out) {
    if constexpr (VariantField<F>) {
      if (field.is_own_union) return read_variant(from, out, reading);
    }
    if constexpr (OptionalField<F>) {
      out.reset();
      if (!from.has(field.field)) return;
      return read(from.get(field.field), field.type, out.emplace(), reading);
    } else {
      if constexpr (IdField<F>) {
        out = F{};
        if (!from.has(field.field)) return;
      }
      read(from.get(field.field), field.type, out, reading);
    }
  }
};

template <Described T>
void read_struct(Reader from, T& out, Reading& reading) {
  ReadFields visitor{from, plan_of<T>(from.getSchema()), reading};
  T::fields(out, visitor);
}

template <VariantField V>
void read_variant(Reader from, V& out, Reading& reading) {
  const UnionPlan& plan = plan_of<V>(from.getSchema());
  int index = -1;
  KJ_IF_MAYBE (member, from.which()) {
    index = plan.alternatives[member->getIndex()];
  }
  if (index < 0) return reading.unknown_member(from);
  const auto at = static_cast<std::size_t>(index);
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto take = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) {
      auto& alternative = out.template emplace<K>();
      if (plan.is_void[K]) return;
      reading.enter(std::variant_alternative_t<K, V>::name);
      read_struct(from.get(plan.members[K]).template as<capnp::DynamicStruct>(), alternative,
                  reading);
      if (!reading.failed()) reading.leave();
    };
    (void)((I == at ? (take(std::integral_constant<std::size_t, I>{}), true) : false) || ...);
  }
  (std::make_index_sequence<std::variant_size_v<V>>{});
}

template <CapnpRoot T>
void read_root(Reader root, void* out, Reading& reading) {
  if constexpr (VariantField<T>) {
    read_variant(root, *static_cast<T*>(out), reading);
  } else {
    read_struct(root, *static_cast<T*>(out), reading);
  }
}

Status decode(ByteView bytes, capnp::StructSchema schema, const CapnpLimits& limits, void* out,
              void (*read)(Reader, void*, Reading&));

}  // namespace crossfloor::capnp_detail

namespace crossfloor {

template <CapnpRoot T>
Bytes encode_capnp(const T& value, capnp::StructSchema schema) {
  return capnp_detail::encode(&value, &capnp_detail::write_root<T>, schema);
}

template <CapnpRoot T>
Result<T> decode_capnp(ByteView bytes, capnp::StructSchema schema, const CapnpLimits& limits) {
  T out{};
  auto status = capnp_detail::decode(bytes, schema, limits, &out, &capnp_detail::read_root<T>);
  if (!status.ok()) return status.error();
  return out;
}

template <CapnpRoot T>
Status check_schema(capnp::StructSchema schema) {
  capnp_detail::SchemaCheck check;
  check.path = schema.getShortDisplayName().cStr();
  capnp_detail::check_type<T>(schema, check);
  return capnp_detail::verdict(check);
}

}  // namespace crossfloor
